// Detections as a detector finds them -> alerts in every sink, the detector waiting whenever a sink has no room.
//
// Between two pauses a detector finds PAUSE_AFTER detections and what one event completes on top of that. They are kept here as
// they are, references to events that are in memory already; an alert is made when its turn comes, and is gone when the
// sinks have taken it.
//
// INVARIANT: what goes wrong elsewhere costs a sink that works no alert. A sink that fails is written to no more, and the others
// get every alert; what was found before the detector failed is handed out all the same.

import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { detectionToAlert } from "../alert/detection-to-alert.js";
import type { Detection } from "../lane/detection.js";
import type { Sink } from "./sink.js";

export interface Delivery {
  /** Takes a detection, see DetectorOptions. */
  readonly onAlert: (detection: Detection) => void;
  /**
   * Runs what a detector does in steps to its end, and hands out what is found at every pause. The first call tells the sinks that
   * the run has begun. Throws what a step throws,
   * and what the last sink that worked throws.
   */
  run<Result>(steps: Generator<void, Result, void>): Promise<Result>;
  /** Waits until the sinks have written everything. Throws what the last sink that worked throws. */
  flush(): Promise<void>;
  /** Writes what the sinks still hold, and closes them. */
  close(): Promise<void>;
  /** What the first sink that failed has thrown; null while all of them work. */
  readonly failure: unknown;
}

/** `onFailure` is told of a sink that failed while another goes on. */
export function createDelivery(
  manifest: PackageManifest,
  sinks: readonly Sink[],
  onFailure: (error: unknown) => void = () => undefined,
): Delivery {
  let found: Detection[] = [];
  let working = [...sinks];
  let failure: unknown = null;
  let hasBegun = false;

  async function forEachSink(act: (sink: Sink) => Promise<void>): Promise<void> {
    for (const sink of working) {
      try {
        await act(sink);
      } catch (error) {
        failure ??= error;
        working = working.filter((other) => other !== sink);
        if (working.length === 0) throw error;
        onFailure(error);
      }
    }
  }

  async function handOut(): Promise<void> {
    const detections = found;
    if (detections.length === 0) return;
    found = [];
    for (const detection of detections) {
      const alert = detectionToAlert(detection, manifest);
      await forEachSink((sink) => sink.write(alert));
    }
  }

  return {
    onAlert: (detection) => {
      found.push(detection);
    },
    async run<Result>(steps: Generator<void, Result, void>) {
      if (!hasBegun) await forEachSink(async (sink) => sink.begin?.());
      hasBegun = true;
      for (;;) {
        let step: IteratorResult<void, Result>;
        try {
          step = steps.next();
        } finally {
          await handOut();
        }
        if (step.done === true) return step.value;
      }
    },
    flush: () => forEachSink((sink) => sink.flush()),
    async close() {
      // Steps that were broken off in the middle have left what they found.
      await handOut().catch(() => undefined);
      // A sink that is broken has been heard of; closing must reach the others.
      await forEachSink((sink) => sink.flush()).catch(() => undefined);
      for (const sink of sinks) await sink.close().catch((error: unknown) => (failure ??= error));
    },
    get failure() {
      return failure;
    },
  };
}
