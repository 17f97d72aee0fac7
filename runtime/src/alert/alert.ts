// What there is to say about a detection, as data: sinks make text of it.

import type { ManifestRule, PackageManifest, RuleKind } from "@kestrel/stdlib/package-format";
import type { EventReading } from "../event/json-reading.js";
import type { Captures } from "../foreign/foreign-host.js";

export interface Alert {
  /** The alert's name for ever: the same rule, key and events give the same id, see docs/json.md. */
  readonly id: string;
  /** The time of the event that came last in time, in nanoseconds since 1970; null when no event of the match has a time. */
  readonly ts: bigint | null;
  /** The rule with its severity, threat, tags and the names of its keys, as the manifest has it. */
  readonly rule: ManifestRule;
  readonly kind: RuleKind;
  /** The values of the join keys in order, each as JSON text: no digit of a number is lost. */
  readonly key: readonly string[];
  /** One event for each stage, null for a missing one; one event for an event rule. */
  readonly events: readonly (AlertEvent | null)[];
  /** The event that came last in time, one of `events`. */
  readonly last: AlertEvent;
  /** The match was complete only because the input ended: a missing event could not come any more. */
  readonly atEnd: boolean;
  readonly package: PackageManifest["package"];
}

/** An event of the match, and where it was read. */
export interface AlertEvent {
  /** Nanoseconds since 1970; null for an event without a time. */
  readonly ts: bigint | null;
  readonly file: string;
  /** Its line there, from 1. */
  readonly fileLine: number;
  /** JSON text of the event in which every field stands once: its own text where that is so already. */
  readonly json: string;
  /** The event's own text, where `json` is not that. */
  readonly original: string | null;
  /** The own text is no JSON. */
  readonly isMalformed: boolean;
  /** What the rule's hand-written code captured of it. */
  readonly captures: Captures;
  /** Its members; null for a text that cannot be read as an object. */
  readonly object: EventReading["object"];
}
