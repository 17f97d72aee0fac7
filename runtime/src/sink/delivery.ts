// Detections as a detector finds them -> alerts in every sink, the detector waiting whenever a sink has no room.
//
// Between two pauses a detector finds PAUSE_AFTER detections and what one event completes on top of that. They are kept here as
// they are, references to events that are in memory already; an alert is made when its turn comes, and is gone when the
// sinks have taken it.

import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { detectionToAlert } from "../alert/detection-to-alert.js";
import type { Detection } from "../lane/detection.js";
import type { Sink } from "./sink.js";

export interface Delivery {
  /** Takes a detection, see DetectorOptions. */
  readonly onAlert: (detection: Detection) => void;
  /** Runs what a detector does in steps to its end, and hands out what is found at every pause. Throws as sinks do. */
  run<Result>(steps: Generator<void, Result, void>): Promise<Result>;
  /** Waits until the sinks have written everything. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export function createDelivery(manifest: PackageManifest, sinks: readonly Sink[]): Delivery {
  let found: Detection[] = [];

  async function handOut(): Promise<void> {
    const detections = found;
    if (detections.length === 0) return;
    found = [];
    for (const detection of detections) {
      const alert = detectionToAlert(detection, manifest);
      for (const sink of sinks) await sink.write(alert);
    }
  }

  return {
    onAlert: (detection) => {
      found.push(detection);
    },
    async run(steps) {
      for (;;) {
        const step = steps.next();
        await handOut();
        if (step.done === true) return step.value;
      }
    },
    async flush() {
      for (const sink of sinks) await sink.flush();
    },
    async close() {
      for (const sink of sinks) await sink.close();
    },
  };
}
