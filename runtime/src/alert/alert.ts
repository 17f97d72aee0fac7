// What there is to say about a detection, as data: sinks make text of it.

import type { ManifestRule, PackageManifest, RuleKind } from "@kestrel/stdlib/package-format";

export interface Alert {
  /** The alert's name for ever: the same package over the same events gives the same id. */
  readonly id: string;
  /** The time of the event that came last in time, in nanoseconds since 1970. */
  readonly ts: bigint;
  /** The rule with its severity, threat, tags and the names of its keys, as the manifest has it. */
  readonly rule: ManifestRule;
  readonly kind: RuleKind;
  /** The values of the join keys in order, each as JSON text: no digit of a number is lost. */
  readonly key: readonly string[];
  /** One event for each stage, null for a missing one; one event for an event rule. */
  readonly events: readonly (AlertEvent | null)[];
  readonly package: PackageManifest["package"];
}

/** An event of the match, and where it was read. */
export interface AlertEvent {
  readonly ts: bigint;
  readonly file: string;
  /** Its line there, from 1. */
  readonly fileLine: number;
  /** JSON text of the event, in its own spelling where it was read as JSON. */
  readonly json: string;
}
