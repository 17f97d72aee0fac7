// What a lane finds, before it is put into words: a rule, a join key, and the events of the match.

import type { RuleKind } from "@kestrel/stdlib/package-format";
import type { EvidenceEvent } from "../event/stream-event.js";

export interface Detection {
  /** Index into the manifest's `rules`. */
  readonly rule: number;
  readonly kind: RuleKind;
  /** The join key as event/join-keys.ts writes it; "" without keys. */
  readonly key: string;
  /** One event for each stage, null for a missing event; one event for an event rule. At least one is not null. */
  readonly events: readonly (EvidenceEvent | null)[];
  /** Whether it was the end of the input that decided: until then a missing event `![ ]` could still have come. */
  readonly atEnd?: boolean;
}
