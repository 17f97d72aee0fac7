// The matches of a rule -> those that its pipes let through, one by one as they come (EQL reference, sections 0 and 7).
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

import type { SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import { BRACE_CLOSE, BRACE_OPEN, SPACE } from "@kestrel/stdlib/text/characters";
import type { LateEvent, LateTester } from "./late-tests.js";

/** How many keys of `unique` a rule remembers. */
export const PIPE_KEY_LIMIT = 100_000;

export interface Pipes {
  /** Whether a match of a program passes; `events` holds one event for each stage, null for a missing one. */
  pass(program: number, events: readonly (LateEvent | null)[]): boolean;
  /** Keys forgotten because of the cap. */
  readonly forgotten: number;
}

interface State {
  /** Matches that each `head` may still let through. */
  readonly left: number[];
  /** The keys seen by each `unique`, behind its number; the oldest first. */
  readonly seen: Set<string>;
}

const COUNT_ONE = Buffer.from('"count":1');
const COMMA = Buffer.from(",");

/** The pipes of the programs of a package. Throws RangeError for a pipe that needs the end of the matches. */
export function createPipes(programs: readonly SequenceProgram[], late: LateTester, keyCap = PIPE_KEY_LIMIT): Pipes {
  let forgotten = 0;
  const states = programs.map(({ pipes }): State => {
    for (const { kind } of pipes) {
      if (kind === "tail" || kind === "sort" || kind === "count")
        throw new RangeError(`${kind} has no end to wait for`);
    }
    return { left: pipes.map((pipe) => (pipe.kind === "head" ? pipe.count : 0)), seen: new Set() };
  });

  function isNew({ seen }: State, key: string): boolean {
    if (seen.has(key)) return false;
    seen.add(key);
    if (seen.size > keyCap) {
      for (const oldest of seen) {
        seen.delete(oldest);
        forgotten++;
        break;
      }
    }
    return true;
  }

  return {
    pass(index, events) {
      const program = programs[index];
      const state = states[index];
      if (program === undefined || state === undefined) return false;
      let first = firstOf(events);
      for (const [at, pipe] of program.pipes.entries()) {
        switch (pipe.kind) {
          case "head": {
            const left = state.left[at] ?? 0;
            if (left === 0) return false;
            state.left[at] = left - 1;
            break;
          }
          case "filter":
            if (late.test(pipe.test, first, eventsOf(pipe.test.stages, events)) === null) return false;
            break;
          case "unique":
          case "unique_count": {
            const [key] = late.test(pipe.keys, first, eventsOf(pipe.keys.stages, events)) ?? [];
            if (key !== undefined && !isNew(state, `${at} ${key}`)) return false;
            if (pipe.kind === "unique_count") first = { line: withCount(first.line), lineage: first.lineage };
            break;
          }
          case "tail":
          case "sort":
          case "count":
            break;
        }
      }
      return true;
    },
    get forgotten() {
      return forgotten;
    },
  };
}

/** The event that the tests of pipes have at hand. Throws RangeError for a match without events. */
export function firstOf<Event extends LateEvent>(events: readonly (Event | null)[]): Event {
  for (const event of events) if (event !== null) return event;
  throw new RangeError("a match without events");
}

/** The events of some stages of a match. */
export function eventsOf<Event>(stages: readonly number[], events: readonly (Event | null)[]): (Event | null)[] {
  return stages.map((stage) => events[stage] ?? null);
}

/** An event's line with `"count":1` in front of its members, where it is the one that counts. */
function withCount(line: Uint8Array): Uint8Array {
  const open = line.indexOf(BRACE_OPEN) + 1;
  let next = open;
  while (next < line.length && (line[next] ?? 0) <= SPACE) next++;
  const separator = line[next] === BRACE_CLOSE ? [] : [COMMA];
  return Buffer.concat([line.subarray(0, open), COUNT_ONE, ...separator, line.subarray(open)]);
}
