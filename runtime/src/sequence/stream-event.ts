// What the sequence engine is fed: events in their final order, and the stage predicates that held for each.

import type { LateTest } from "@kestrel/stdlib/sequence-tables";

/** An event that some stage matched. Partial matches keep it, so `line` must be a copy of the event's bytes. */
export interface StreamEvent {
  /** Arrival number. */
  readonly ordinal: number;
  /** Event time, nanoseconds since 1970. */
  readonly ts: bigint;
  /** Tiebreaker; null when the event has none. */
  readonly tie: bigint | null;
  readonly line: Uint8Array;
}

/** One predicate that held for an event. An event has at most one of these for a predicate. */
export interface StageMatch {
  readonly predicate: number;
  /**
   * One string for each distinct tuple of join keys, after multi-valued keys are fanned out; `[""]` where the program has
   * no keys; empty when a key that is not optional is null: the event is then ignored.
   */
  readonly keys: readonly string[];
}

/** Whether a late test holds for an event; `others[i]` is what stage `test.stages[i]` took, null when it has taken nothing. */
export type AskLate = (test: LateTest, event: StreamEvent, others: readonly (StreamEvent | null)[]) => boolean;

/** Negative when `a` stands before `b`: by timestamp, then tiebreaker (a missing one last), then arrival (EQL, section 8). */
export function compareEvents(
  a: Pick<StreamEvent, "ts" | "tie" | "ordinal">,
  b: Pick<StreamEvent, "ts" | "tie" | "ordinal">,
): number {
  if (a.ts !== b.ts) return a.ts < b.ts ? -1 : 1;
  if (a.tie !== b.tie) {
    if (a.tie === null) return 1;
    if (b.tie === null) return -1;
    return a.tie < b.tie ? -1 : 1;
  }
  return a.ordinal - b.ordinal;
}

/** Whole milliseconds, rounded down: missing events between two terms are told apart by those (section 9). */
export function toMillis(ts: bigint): bigint {
  const millis = ts / 1_000_000n;
  return ts < 0n && millis * 1_000_000n !== ts ? millis - 1n : millis;
}
