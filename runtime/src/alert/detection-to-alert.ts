// A detection and the manifest -> the alert.
//
// INVARIANT: the same package and the same events give the same alert; neither clock nor host is asked.

import { createHash, type Hash } from "node:crypto";
import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { eventIdentity, eventText } from "../event/formats.js";
import { keyParts } from "../event/join-keys.js";
import { uniqueJson } from "../event/json-tree.js";
import { compareEvents, type EvidenceEvent } from "../event/stream-event.js";
import type { Captures } from "../foreign/foreign-host.js";
import type { Detection } from "../lane/detection.js";
import type { Alert, AlertEvent } from "./alert.js";

/** Hexadecimal digits of an alert's id. */
const ID_DIGITS = 32;
const NO_CAPTURES: Captures = [];

/** Throws RangeError for a detection of a rule that the manifest lacks, or without events. */
export function detectionToAlert(detection: Detection, manifest: PackageManifest): Alert {
  const rule = manifest.rules[detection.rule];
  if (rule === undefined) throw new RangeError(`there is no rule ${detection.rule}`);
  const events = detection.events.map((event) => (event === null ? null : alertEvent(event, detection.rule, manifest)));
  const last = events[lastStage(detection)] ?? null;
  if (last === null) throw new RangeError("a detection without events");
  return {
    id: alertId(rule.id, detection),
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

function alertEvent(event: EvidenceEvent, rule: number, manifest: PackageManifest): AlertEvent {
  const { text, object } = eventText(event);
  const json = object === null ? JSON.stringify(text) : uniqueJson(object);
  return {
    ts: isTimed(event) ? event.ts : null,
    file: event.file,
    fileLine: event.fileLine,
    json,
    original: json === text ? null : text,
    captures: capturesOf(event, rule, manifest),
    isMalformed: object === null || !object.isJson,
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

/** What matched, under which key, by which rule. */
function alertId(rule: string, { key, events }: Detection): string {
  const hash = createHash("sha256");
  // Each part is told from the next by its length, so no two detections are the same sequence of bytes.
  hash.update(`${rule.length} ${rule} ${key.length} ${key}`);
  for (const event of events) hashEvent(hash, event);
  return hash.digest("hex").slice(0, ID_DIGITS);
}

/**
 * An event is known by its content. Its `event.id` is part of that and no more: some shippers give one id to several events of
 * a connection, and the alerts of two hosts that count from 1 would be taken for one.
 */
function hashEvent(hash: Hash, event: EvidenceEvent | null): void {
  if (event === null) {
    hash.update(" -");
    return;
  }
  const bytes = eventIdentity(event);
  hash.update(` ${bytes.length} `);
  hash.update(bytes);
}
