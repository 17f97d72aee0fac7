// A detection and the manifest -> the alert.
//
// INVARIANT: the same package and the same events give the same alert; neither clock nor host is asked.

import { createHash, type Hash } from "node:crypto";
import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { eventJson } from "../event/formats.js";
import { keyParts } from "../event/join-keys.js";
import type { EvidenceEvent } from "../event/stream-event.js";
import type { Detection } from "../lane/detection.js";
import type { Alert, AlertEvent } from "./alert.js";

/** Hexadecimal digits of an alert's id. */
const ID_DIGITS = 32;

/** Throws RangeError for a detection of a rule that the manifest lacks, or without events. */
export function detectionToAlert(detection: Detection, manifest: PackageManifest): Alert {
  const rule = manifest.rules[detection.rule];
  if (rule === undefined) throw new RangeError(`there is no rule ${detection.rule}`);
  return {
    id: alertId(manifest.package.digest, rule.id, detection),
    ts: lastTime(detection),
    rule,
    kind: detection.kind,
    key: keyParts(detection.key),
    events: detection.events.map((event) => (event === null ? null : alertEvent(event))),
    package: manifest.package,
  };
}

function alertEvent(event: EvidenceEvent): AlertEvent {
  return { ts: event.ts, file: event.file, fileLine: event.fileLine, json: eventJson(event) };
}

/** The time of the event that came last in time; a sample's need not be the last one written. */
function lastTime({ events }: Detection): bigint {
  let last: bigint | null = null;
  for (const event of events) if (event !== null && (last === null || event.ts > last)) last = event.ts;
  if (last === null) throw new RangeError("a detection without events");
  return last;
}

/** What matched, under which key, by which rule of which package. */
function alertId(digest: string, rule: string, { key, events }: Detection): string {
  const hash = createHash("sha256");
  // Each part is told from the next by its length, so no two detections are the same sequence of bytes.
  hash.update(`${digest} ${rule.length} ${rule} ${key.length} ${key}`);
  for (const event of events) hashEvent(hash, event);
  return hash.digest("hex").slice(0, ID_DIGITS);
}

function hashEvent(hash: Hash, event: EvidenceEvent | null): void {
  if (event === null) {
    hash.update(" -");
    return;
  }
  hash.update(` ${event.ordinal} ${event.bytes.length} `);
  hash.update(event.bytes);
}
