// The data of the sequence engine: the programs it runs, the keys they have seen, and what is pending for each key.
//
// What a program does (its automaton) is the package's; what it remembers is one object, the Program, to which everything that
// is pending refers. So whoever keeps that object under its rule's id can give it the automaton of the next package.
//
// Four things can be pending, all called entries: a partial match (which turns into a held match when only a trailing
// missing event is left to wait for), the mark a leading missing event leaves on a key, the key of a sample, and the key of
// a join. Each entry hangs in two chains, oldest first: its program's, for the cap, and its span's, for expiry (see pending.ts).
//
// INVARIANT: a KeyState is in its program's map exactly while its `size` is above 0.

import type { LateTest, SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import type { StreamEvent } from "../event/stream-event.js";

/** Before all time: no such event was seen. */
export const NO_TIME = -(1n << 63n);
/** After all time: the deadline of a partial match without maxspan. */
export const NEVER = (1n << 63n) - 1n;

/** What a program does, made ready to run. Positive terms are numbered 0, 1, ... leaving out the missing ones. */
export interface Automaton {
  readonly index: number;
  /**
   * The lane judges programs of kind `event` (late tests and pipes of event rules), so they have no predicates here.
   */
  readonly kind: SequenceProgram["kind"];
  /** Nanoseconds; for a sample the window after which a key is forgotten; null for no limit. */
  readonly span: bigint | null;
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
  readonly automaton: Automaton;
  readonly keys: Map<string, KeyState>;
  readonly samples: Map<string, SampleKey>;
  readonly joins: Map<string, JoinKey>;
  readonly chain: Chain;
  /** How many of its entries had to go because a cap was reached. */
  evicted: number;
}

/** The pending entries of one join key in one program. */
export interface KeyState {
  readonly key: string;
  /** `waiting[s]` has matched positive terms 0..s and waits for term s + 1. */
  readonly waiting: (PartialMatch | null)[];
  /** The held matches that no trailing missing event has met yet, in order of completion; null when there were none. */
  open: Set<PartialMatch> | null;
  mark: Mark | null;
  /** The event that stands last of those judged while this state lasts. */
  latest: StreamEvent | null;
  /** How many entries refer to this state, and while it is being worked on one more. */
  size: number;
}

/** A sequence that has begun: waiting for its next term, or complete and held. */
export interface PartialMatch {
  readonly kind: "partial";
  readonly program: Program;
  readonly owner: KeyState;
  readonly inProgram: Link;
  readonly inSpan: Link;
  /** When it was made, as a count; chains are sorted by it. */
  age: number;
  /** When the clock has passed this it is removed: when it is due, or with the one before it in its span's chain. */
  expires: bigint;
  /** first.ts + maxspan, the last time that an event of its key may have to go on with it. */
  readonly deadline: bigint;
  /** When the clock has passed this no such event is to come: a held match is judged. */
  readonly due: bigint;
  /** The events so far, one for each positive term. */
  readonly events: StreamEvent[];
  /**
   * The last positive term it has matched. Until that is the last of all, the match stands at `owner.waiting[stage]`.
   */
  stage: number;
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
  readonly program: Program;
  readonly owner: KeyState;
  readonly inProgram: Link;
  readonly inSpan: Link;
  age: number;
  expires: bigint;
  due: bigint;
  newest: bigint;
  previous: bigint;
}

/** A key of a sample: the first events of each filter, until it has alerted. */
export interface SampleKey {
  readonly kind: "sample";
  readonly program: Program;
  readonly key: string;
  readonly inProgram: Link;
  readonly inSpan: Link;
  age: number;
  expires: bigint;
  /** The last time that an event may have to find the key still there. */
  readonly deadline: bigint;
  readonly due: bigint;
  readonly hits: StreamEvent[][];
  /** It gained an event from the event being processed. */
  fresh: boolean;
  alerted: boolean;
}

/** A key of a join: the first event of each term, until all are there. */
export interface JoinKey {
  readonly kind: "join";
  readonly program: Program;
  readonly key: string;
  readonly inProgram: Link;
  readonly inSpan: Link;
  age: number;
  expires: bigint;
  readonly due: bigint;
  readonly slots: (StreamEvent | null)[];
}

/** Whether a late test holds for an event; `others[i]` is what stage `test.stages[i]` took, null when it has taken nothing. */
export type AskLate = (test: LateTest, event: StreamEvent, others: readonly (StreamEvent | null)[]) => boolean;

export type Entry = PartialMatch | Mark | SampleKey | JoinKey;

/** An entry's place in one chain. */
export interface Link {
  entry: Entry | null;
  chain: Chain | null;
  older: Link | null;
  newer: Link | null;
}

export interface Chain {
  oldest: Link | null;
  newest: Link | null;
  size: number;
}

export function createLink(): Link {
  return { entry: null, chain: null, older: null, newer: null };
}

export function createChain(): Chain {
  return { oldest: null, newest: null, size: 0 };
}

/** A program that remembers nothing yet. */
export function createProgram(automaton: Automaton): Program {
  return { automaton, keys: new Map(), samples: new Map(), joins: new Map(), chain: createChain(), evicted: 0 };
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

/** The state of a key, made if it is not there. Whoever makes it must enter something or hold and release it. */
export function openKey(program: Program, key: string): KeyState {
  let owner = program.keys.get(key);
  if (owner === undefined) {
    const waiting: (PartialMatch | null)[] = [];
    for (let stage = 1; stage < program.automaton.predicates.length; stage++) waiting.push(null);
    owner = { key, waiting, open: null, mark: null, latest: null, size: 0 };
    program.keys.set(key, owner);
  }
  return owner;
}
