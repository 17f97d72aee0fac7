// The matches of a rule -> those that its pipes let through, one by one as they come (docs/language.md#pipes).
//
//   filter               the test must hold
//   unique, unique_count a key passes once; from unique_count on tests read the event with a `count` of 1, since a stream
//                        cannot know how many more will come
//   head                 the first N pass
//
// A match that could not be given a key (it was too long to be written, which the module counts, or the lines did not fit,
// which the tester counts) passes `unique`: an alert too many is better than one too few.
//
// Bounded: a rule remembers at most `keyCap` keys, all its pipes together; the oldest go first, and are counted.

import type { LateTest, PipeProgram } from "@kestrel/stdlib/sequence-tables";
import { withCount } from "../event/formats.js";
import type { EvidenceEvent } from "../event/stream-event.js";
import { oldestOf } from "../order/oldest.js";

/** How many keys of `unique` a rule remembers. */
export const PIPE_KEY_LIMIT = 100_000;

/** What the pipes of one rule remember of its matches. */
export interface PipeState {
  /** Matches that each `head` may still let through. */
  readonly left: number[];
  /** The keys seen by each `unique`, behind its number; the oldest first. */
  readonly seen: Set<string>;
  /** Keys forgotten because of the cap. */
  forgotten: number;
}

/**
 * Makes a late test: the key strings under which it holds, or null. `others[i]` is the event of stage `test.stages[i]`.
 */
export type Ask = (
  test: LateTest,
  event: EvidenceEvent,
  others: readonly (EvidenceEvent | null)[],
) => readonly string[] | null;

/** What the pipes of a rule begin with. Throws RangeError for a pipe that needs the end of the matches. */
export function createPipeState(pipes: readonly PipeProgram[]): PipeState {
  for (const { kind } of pipes) {
    if (kind === "tail" || kind === "sort" || kind === "count") throw new RangeError(`${kind} has no end to wait for`);
  }
  return { left: pipes.map((pipe) => (pipe.kind === "head" ? pipe.count : 0)), seen: new Set(), forgotten: 0 };
}

/**
 * Whether a match passes the pipes of its rule; `events` holds one event for each stage, null for a missing one. At most
 * `keyCap` keys are remembered.
 */
export function passPipes(
  pipes: readonly PipeProgram[],
  state: PipeState,
  events: readonly (EvidenceEvent | null)[],
  ask: Ask,
  keyCap: number,
): boolean {
  let first = firstOf(events);
  for (const [at, pipe] of pipes.entries()) {
    switch (pipe.kind) {
      case "head": {
        const left = state.left[at] ?? 0;
        if (left === 0) return false;
        state.left[at] = left - 1;
        break;
      }
      case "filter":
        if (ask(pipe.test, first, eventsOf(pipe.test.stages, events)) === null) return false;
        break;
      case "unique":
      case "unique_count": {
        const [key] = ask(pipe.keys, first, eventsOf(pipe.keys.stages, events)) ?? [];
        if (key !== undefined && !isNew(state, `${at} ${key}`, keyCap)) return false;
        if (pipe.kind === "unique_count") first = withCount(first);
        break;
      }
      case "tail":
      case "sort":
      case "count":
        break;
    }
  }
  return true;
}

function isNew(state: PipeState, key: string, keyCap: number): boolean {
  const { seen } = state;
  if (seen.has(key)) return false;
  seen.add(key);
  if (seen.size > keyCap) {
    seen.delete(oldestOf(seen) ?? key);
    state.forgotten++;
  }
  return true;
}

/** The event that the tests of pipes have at hand. Throws RangeError for a match without events. */
export function firstOf<Event>(events: readonly (Event | null)[]): Event {
  for (const event of events) if (event !== null) return event;
  throw new RangeError("a match without events");
}

/** The events of some stages of a match. */
export function eventsOf<Event>(stages: readonly number[], events: readonly (Event | null)[]): (Event | null)[] {
  return stages.map((stage) => events[stage] ?? null);
}
