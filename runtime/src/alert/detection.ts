// What the detector finds, before it is put into words: a rule, a join key, and the events of the match.

import type { RuleKind } from "@kestrel/stdlib/package-format";
import type { LateEvent } from "../engine/late-tests.js";
import type { StreamEvent } from "../sequence/stream-event.js";

/** An event that is part of a detection, with the place it was read from. */
export interface EvidenceEvent extends StreamEvent, LateEvent {
  /** The path that the event came from, as it was given. */
  readonly file: string;
  /** Its line there, from 1. */
  readonly fileLine: number;
}

export interface Detection {
  /** Index into the manifest's `rules`. */
  readonly rule: number;
  readonly kind: RuleKind;
  /** The join key as engine/join-keys.ts writes it; "" without keys. */
  readonly key: string;
  /** One event for each stage, null for a missing event; one event for an event rule. At least one is not null. */
  readonly events: readonly (EvidenceEvent | null)[];
}

/** The event that came last in time; a sample's need not be the last one written. */
export function lastEvent(detection: Detection): EvidenceEvent {
  let last: EvidenceEvent | null = null;
  for (const event of detection.events) if (event !== null && (last === null || event.ts >= last.ts)) last = event;
  if (last === null) throw new RangeError("a detection without events");
  return last;
}
