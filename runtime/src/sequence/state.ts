// The data of the sequence engine: the programs it runs, and what is pending for each of their keys.
//
// What a program does (its automaton) is the package's; what it remembers hangs on one object, the Program. So whoever keeps
// that object under its rule's id can give it the automaton of the next package.
//
// Four things can be pending, all called entries: a partial match (which turns into a held match when only a trailing
// missing event is left to wait for), the mark a leading missing event leaves on a key, the key of a sample, and the key of
// a join. What all entries have stands in the entry table (entry-table.ts); what few have is an object beside it, the entry's
// particulars. Each entry hangs in two chains, oldest first: its program's, for the cap, and its span's, for expiry (see
// pending.ts), and in the ring of its key.
//
// INVARIANT: a key is in the key table exactly while an entry is in its ring, or while it is being worked on.
// INVARIANT: a ring stands by stage: the mark, then the partial matches by the last term that they have matched, at most one for
// each, then the held matches.

import type { LateTest, SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import type { StreamEvent } from "../event/stream-event.js";
import { type Chain, createChain } from "./entry-table.js";

/** Before all time: no such event was seen. */
export const NO_TIME = -(1n << 63n);
/** After all time: the deadline of a partial match without maxspan. */
export const NEVER = (1n << 63n) - 1n;
/** Doubles below this are exact, and no difference that is not can seem to be below it. */
const MOST_EXACT = 1n << 53n;

/** What a program does, made ready to run. Positive terms are numbered 0, 1, ... leaving out the missing ones. */
export interface Automaton {
  readonly index: number;
  /**
   * The lane judges programs of kind `event` (late tests and pipes of event rules), so they have no predicates here.
   */
  readonly kind: SequenceProgram["kind"];
  /** Nanoseconds; for a sample the window after which a key is forgotten; null for no limit. */
  readonly span: bigint | null;
  /** The same as a double; Infinity for no limit, and NaN where a double would not hold it. */
  readonly spanDouble: number;
  /** Whether its partial matches have particulars. */
  readonly isWatched: boolean;
  /** Whether it has a maxspan: then events without a time of their own do not concern it. */
  readonly hasMaxspan: boolean;
  /** The predicate of each positive term, what must hold as well, and whether what waits for it goes on as a copy. */
  readonly predicates: Int32Array;
  /** All predicates, each once: those that complete something first, so that completions come in the order of their keys. */
  readonly asked: Int32Array;
  readonly lates: readonly (LateTest | null)[];
  readonly forks: readonly boolean[];
  /** The slot of the output each positive term fills; the other slots stay null. */
  readonly slots: Int32Array;
  readonly width: number;
  /** The positive term that fills each slot; -1 for a missing one. */
  readonly terms: Int32Array;
  /** The predicates of the missing terms, with the number of positive terms before each (its gap), equal ones once. */
  readonly missing: Int32Array;
  readonly missingLates: readonly (LateTest | null)[];
  readonly gaps: Int32Array;
  readonly leading: boolean;
  readonly trailing: boolean;
  /** -1 for none. */
  readonly until: number;
  readonly untilLate: LateTest | null;
  readonly untilFirst: boolean;
  /** The entries of all programs that have the same span. */
  readonly spanChain: Chain;
}

/** What a program remembers. */
export interface Program {
  /** What the key table knows it by, as long as the engine lasts; the automaton's index is its package's. */
  readonly number: number;
  readonly automaton: Automaton;
  readonly chain: Chain;
  /** For each key, the held matches that no trailing missing event has met yet, in order of completion. */
  readonly open: Map<string, Set<Watch>>;
  /** How many of its entries had to go because a cap was reached. */
  evicted: number;
}

/** Of an entry, what entries of other kinds do not have. */
export type Particulars = Watch | Mark | SampleKey | JoinKey;

/** What missing events have to say of a partial match; only those of programs with missing terms have it. */
export interface Watch {
  readonly kind: "watch";
  readonly entry: number;
  readonly program: Program;
  readonly key: string;
  /** When the clock has passed this no event of its key is to come that may go on with it: a held match is judged. */
  readonly due: bigint;
  /** The newest leading missing event before the first event; NO_TIME for none. */
  readonly lead: bigint;
  /** The oldest missing event, in whole milliseconds, after the last event and in the gap being waited in. */
  barrier: bigint;
  /** A missing event was seen between two terms. The machine carries on, but the match will not be reported. */
  spoilt: boolean;
  /** Order of completion, and place in the timers; -1 while not held. */
  held: number;
  timer: number;
}

/** The two newest distinct times at which a leading missing event was seen for a key: one may be the first event's own. */
export interface Mark {
  readonly kind: "mark";
  newest: bigint;
  previous: bigint;
}

/** A key of a sample: the places of the first events of each filter, until it has alerted. */
export interface SampleKey {
  readonly kind: "sample";
  /** The last time that an event may have to find the key still there. */
  readonly deadline: bigint;
  readonly hits: number[][];
  /** It gained an event from the event being processed. */
  fresh: boolean;
  alerted: boolean;
}

/** A key of a join: the place of the first event of each term, 0 while there is none, until all are there. */
export interface JoinKey {
  readonly kind: "join";
  readonly slots: number[];
}

/** Whether a late test holds for an event; `others[i]` is what stage `test.stages[i]` took, null when it has taken nothing. */
export type AskLate = (test: LateTest, event: StreamEvent, others: readonly (StreamEvent | null)[]) => boolean;

/** A program that remembers nothing yet. */
export function createProgram(number: number, automaton: Automaton): Program {
  return { number, automaton, chain: createChain(), open: new Map(), evicted: 0 };
}

/** A program of the tables, ready to run. `spanChain` is shared by the programs that have the same span. */
export function createAutomaton(
  source: SequenceProgram,
  index: number,
  span: bigint | null,
  spanChain: Chain,
): Automaton {
  const predicates: number[] = [];
  const slots: number[] = [];
  const lates: (LateTest | null)[] = [];
  const forks: boolean[] = [];
  const terms: number[] = [];
  const missing: number[] = [];
  const missingLates: (LateTest | null)[] = [];
  const gaps: number[] = [];
  for (const [slot, stage] of (source.kind === "event" ? [] : source.stages).entries()) {
    const gap = predicates.length;
    terms.push(stage.missing ? -1 : gap);
    if (!stage.missing) {
      predicates.push(stage.predicate);
      lates.push(stage.late);
      forks.push(stage.fork);
      slots.push(slot);
      continue;
    }
    const isKnown = missing.some(
      (predicate, at) =>
        predicate === stage.predicate && gaps[at] === gap && missingLates[at]?.predicate === stage.late?.predicate,
    );
    if (isKnown) continue;
    missing.push(stage.predicate);
    missingLates.push(stage.late);
    gaps.push(gap);
  }
  return {
    index,
    kind: source.kind,
    span,
    spanDouble: span === null ? Number.POSITIVE_INFINITY : span < MOST_EXACT ? Number(span) : Number.NaN,
    isWatched: missing.length > 0,
    hasMaxspan: source.maxspanNs !== null,
    predicates: Int32Array.from(predicates),
    asked: askedBy(source, predicates, missing),
    lates,
    forks,
    slots: Int32Array.from(slots),
    width: source.stages.length,
    terms: Int32Array.from(terms),
    missing: Int32Array.from(missing),
    missingLates,
    gaps: Int32Array.from(gaps),
    leading: gaps.includes(0),
    trailing: gaps.includes(predicates.length),
    until: source.until?.predicate ?? -1,
    untilLate: source.until?.late ?? null,
    untilFirst: source.untilFirst,
    spanChain,
  };
}

function askedBy(source: SequenceProgram, predicates: readonly number[], missing: readonly number[]): Int32Array {
  const positives = source.kind === "sequence" ? [...predicates].reverse() : predicates;
  const all = new Set([...positives, ...missing]);
  if (source.kind !== "event" && source.until !== null) all.add(source.until.predicate);
  return Int32Array.from(all);
}
