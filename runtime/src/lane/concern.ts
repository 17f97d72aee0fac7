// Which matches of an event still matter once the flags of its process are known. Most rules that ask for ancestors look at every event of a
// kind, and for nearly all of them no flag is set: what needs one is then over without its test, and without a copy of the event.
//
// SOUND: a test with `flagged` does not hold for an event that none of its flags is set for, unless its predicate `otherwise` held
// (FlaggedTest), and a stage whose test does not hold is not met. Process trees were told before.

import type { FlaggedTest, FlaggedUses } from "@kestrel/stdlib/sequence-tables";
import type { MatchedEvent, StageMatch } from "../event/stream-event.js";

/** One byte for each lineage flag; null when none is set. */
export type Flags = Uint8Array | null;

/** Whether a test can hold for an event of these flags; `held` says whether a predicate did. */
export function mayHold({ flags, otherwise }: FlaggedTest, set: Flags, held: (predicate: number) => boolean): boolean {
  if (set !== null) for (const flag of flags) if (set[flag] === 1) return true;
  return otherwise !== null && held(otherwise);
}

/** Whether a program may still take something from an event, whose flags are set. */
export function isConcerned(uses: FlaggedUses, { stages, lineage }: MatchedEvent): boolean {
  const held = (predicate: number): boolean => hasMatch(stages, predicate);
  for (const { predicate } of stages) {
    for (const use of uses[predicate] ?? []) if (use === null || mayHold(use, lineage, held)) return true;
  }
  return false;
}

export function hasMatch(stages: readonly StageMatch[], predicate: number): boolean {
  for (const stage of stages) if (stage.predicate === predicate) return true;
  return false;
}
