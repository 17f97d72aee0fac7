// A detection and the manifest -> the alert.
//
// INVARIANT: the same package and the same events give the same alert; neither clock nor host is asked.

import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { readEvent } from "../event/formats.js";
import { keyParts } from "../event/join-keys.js";
import type { EventReading } from "../event/json-reading.js";
import { compareEvents, type EvidenceEvent } from "../event/stream-event.js";
import type { Captures } from "../foreign/foreign-host.js";
import type { Detection } from "../lane/detection.js";
import type { Alert, AlertEvent } from "./alert.js";
import { alertId } from "./alert-id.js";

const NO_CAPTURES: Captures = [];

/** Throws RangeError for a detection of a rule that the manifest lacks, or without events. */
export function detectionToAlert(detection: Detection, manifest: PackageManifest): Alert {
  const rule = manifest.rules[detection.rule];
  if (rule === undefined) throw new RangeError(`there is no rule ${detection.rule}`);
  const identities: (Uint8Array | null)[] = [];
  const events: (AlertEvent | null)[] = [];
  for (const event of detection.events) {
    const reading = event === null ? null : readEvent(event);
    identities.push(reading === null ? null : reading.identity);
    events.push(event === null || reading === null ? null : alertEvent(event, reading, detection.rule, manifest));
  }
  const last = events[lastStage(detection)] ?? null;
  if (last === null) throw new RangeError("a detection without events");
  return {
    id: alertId(rule.id, detection.key, identities),
    ts: last.ts,
    rule,
    kind: detection.kind,
    key: keyParts(detection.key),
    events,
    last,
    atEnd: detection.atEnd === true,
    package: manifest.package,
  };
}

function alertEvent(
  event: EvidenceEvent,
  { text, json, isJson, object }: EventReading,
  rule: number,
  manifest: PackageManifest,
): AlertEvent {
  return {
    ts: isTimed(event) ? event.ts : null,
    file: event.file,
    fileLine: event.fileLine,
    json,
    original: json === text ? null : text,
    captures: capturesOf(event, rule, manifest),
    isMalformed: !isJson,
    object,
  };
}

/** What the code captured that the rule asks, each name once. */
function capturesOf({ captures }: EvidenceEvent, rule: number, { foreign }: PackageManifest): Captures {
  if (captures === undefined) return NO_CAPTURES;
  const found = new Map<string, string>();
  for (const [code, own] of captures) {
    if (foreign[code]?.rules.includes(rule) !== true) continue;
    for (const [name, value] of own) if (!found.has(name)) found.set(name, value);
  }
  return [...found];
}

/** An event without a time has a `ts` all the same, which says nothing. */
function isTimed(event: EvidenceEvent & { readonly timed?: boolean }): boolean {
  return event.timed !== false;
}

/** The stage whose event came last in time; a sample's need not be the last one written. One without a time comes first. */
function lastStage({ events }: Detection): number {
  let found = -1;
  let last: EvidenceEvent | null = null;
  for (const [stage, event] of events.entries()) {
    if (event === null || (last !== null && !isLater(event, last))) continue;
    found = stage;
    last = event;
  }
  return found;
}

function isLater(event: EvidenceEvent, than: EvidenceEvent): boolean {
  return isTimed(event) === isTimed(than) ? compareEvents(event, than) > 0 : isTimed(event);
}
