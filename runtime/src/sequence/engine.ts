// Stage matches, event by event in final order -> completed sequences, samples and joins.
//
// The programs come from the sequence tables and are run in index order. Predicate -> programs is two dense arrays, so an
// event costs the programs whose predicates held for it, and one comparison each for timers and for expiry.
//
// Time is event time. It moves with the events and, between them, with `advance`; whatever falls due (held matches in
// order of deadline and completion, then expiry) is done before the next event is looked at.
// INVARIANT: how often `advance` is called changes neither what is reported nor its order.
//
// In order of arrival, which is what the endgame dialect means by order, event time decides maxspan and nothing else: it
// does not move, nothing expires before it is met, and held matches are judged at the end.
//
// Bounded: a program keeps at most `maxPerProgram` entries and all together `maxTotal`; the oldest goes first, and is
// counted. `maxspan` (for samples the window) bounds how long an entry stays.

import type { SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import type { StageMatch, StreamEvent } from "../event/stream-event.js";
import { acceptJoin } from "./join.js";
import { acceptSequence, type Matches } from "./machine.js";
import { report } from "./missing.js";
import { expire, forget, type Pending } from "./pending.js";
import { acceptSample } from "./sample.js";
import {
  type AskLate,
  type Chain,
  createAutomaton,
  createChain,
  createProgram,
  NEVER,
  NO_TIME,
  type Program,
} from "./state.js";
import { createTimers, firstTimer } from "./timers.js";

const NO_MATCHES: readonly StageMatch[] = [];

export interface SequenceEngineOptions {
  /**
   * Takes each completion: the index of the program, the join key, and the events by stage, null for a missing event. It
   * must neither throw nor call back into the engine.
   */
  readonly onComplete: (program: number, key: string, events: (StreamEvent | null)[]) => void;
  /** Makes the late tests; needed when a program has any. */
  readonly askLate?: AskLate;
  /** Whether events are in order of time, tiebreaker and arrival, which is so when absent, or of arrival alone. */
  readonly order?: "time" | "arrival";
  /** How many partial matches, held matches, marks and sample keys a program may keep; 100,000 when absent. */
  readonly maxPerProgram?: number;
  /** The same for all programs together; 1,000,000 when absent. */
  readonly maxTotal?: number;
  /** How long a sample remembers a key, from the key's first event; an hour when absent. */
  readonly sampleWindowNs?: bigint;
}

export interface SequenceCounters {
  /** Matches reported. */
  readonly completed: number;
  /** Matches that a missing event's appearance kept from being reported. */
  readonly spoilt: number;
  /** Partial matches that ran out of maxspan, and keys of samples that ran out of their window without an alert. */
  readonly expired: number;
  /** Entries dropped because a cap was reached. */
  readonly evicted: number;
  /** Entries kept now, and how many of those are held matches. */
  readonly pending: number;
  readonly held: number;
  /** Join keys remembered now. */
  readonly keys: number;
}

export interface SequenceEngine {
  /**
   * Takes the next event and the predicates that held for it. An event that comes late can only follow events that
   * stand before it. Call `advance` first with the time that it was too late for: then what has expired by that time is
   * gone, whether or not another event has moved the clock there.
   */
  accept(event: StreamEvent, matches: readonly StageMatch[]): void;
  /** Says that no event before `ts` will come any more, unless late. */
  advance(ts: bigint): void;
  /**
   * Reports the first of the held matches that `advance(ts)` would report, or `finish()` for null; false when there is
   * none. A caller that cannot take all of them at once can pause between two.
   */
  reportDue(ts: bigint | null): boolean;
  /** Judges what is held as if no event would come again, and forgets the rest; another stream can follow. */
  finish(): void;
  counters(): SequenceCounters;
  /** What each program remembers, by program index. */
  readonly programs: readonly Program[];
}

/** An engine over the programs of a package. Throws RangeError for a cap or a window below 1. */
export function createSequenceEngine(
  sources: readonly SequenceProgram[],
  options: SequenceEngineOptions,
): SequenceEngine {
  const {
    order = "time",
    maxPerProgram = 100_000,
    maxTotal = 1_000_000,
    sampleWindowNs = 3_600_000_000_000n,
  } = options;
  if (!(maxPerProgram >= 1 && maxTotal >= 1)) throw new RangeError("a cap on pending matches must be at least 1");
  if (sampleWindowNs < 1n) throw new RangeError("the window of samples must be at least 1 ns");
  const askLate = options.askLate ?? cannotAsk(sources);
  const spanChains = new Map<bigint | null, Chain>();
  const programs = sources.map((source, index) => {
    const span = source.kind === "sample" ? sampleWindowNs : source.maxspanNs;
    const chain = spanChains.get(span) ?? createChain();
    spanChains.set(span, chain);
    return createProgram(createAutomaton(source, index, span, chain));
  });
  const { starts, users } = indexPredicates(programs);
  const predicateCount = starts.length - 1;
  const pending: Pending = {
    clock: NO_TIME,
    nextDue: NEVER,
    spanChains: [...spanChains.values()],
    timers: createTimers(),
    maxPerProgram,
    maxTotal,
    onComplete: options.onComplete,
    askLate,
    isByArrival: order === "arrival",
    ages: 0,
    total: 0,
    completed: 0,
    spoilt: 0,
    expired: 0,
    evicted: 0,
  };
  const matches: Matches = {
    current: NO_MATCHES,
    at: new Int32Array(predicateCount),
    event: new Float64Array(predicateCount),
    number: 0,
  };
  /** The programs the current event concerns; `marked[p]` is the number of the last event that did. */
  const concerned = new Int32Array(programs.length);
  const marked = new Float64Array(programs.length);

  function moveTo(ts: bigint): void {
    if (ts <= pending.clock || pending.isByArrival) return;
    pending.clock = ts;
    while (fireTimer(pending, ts));
    expire(pending);
  }

  function accept(event: StreamEvent, current: readonly StageMatch[]): void {
    moveTo(event.ts);
    matches.current = current;
    matches.number++;
    let count = 0;
    for (let at = 0; at < current.length; at++) {
      const predicate = current[at]?.predicate ?? -1;
      if (predicate < 0 || predicate >= predicateCount) continue;
      matches.at[predicate] = at;
      matches.event[predicate] = matches.number;
      const end = starts[predicate + 1] ?? 0;
      for (let use = starts[predicate] ?? 0; use < end; use++) {
        const index = users[use] ?? 0;
        if (marked[index] === matches.number) continue;
        marked[index] = matches.number;
        concerned[count++] = index;
      }
    }
    if (count > 1) concerned.subarray(0, count).sort();
    for (let at = 0; at < count; at++) {
      const program = programs[concerned[at] ?? 0];
      if (program === undefined) continue;
      // An event without a time is within no span of another.
      const { kind, span } = program.automaton;
      if (event.timed === false && span !== null && kind !== "sample") continue;
      switch (kind) {
        case "sequence":
          acceptSequence(pending, program, event, matches);
          break;
        case "sample":
          acceptSample(pending, program, event, matches);
          break;
        case "join":
          acceptJoin(pending, program, event, matches);
          break;
        case "event":
          break;
      }
    }
    matches.current = NO_MATCHES;
  }

  return {
    accept,
    advance: moveTo,
    reportDue(ts) {
      if (ts !== null && (ts <= pending.clock || pending.isByArrival)) return false;
      return fireTimer(pending, ts ?? NEVER);
    },
    finish() {
      while (fireTimer(pending, NEVER));
      forget(pending, programs);
    },
    counters: () => ({
      completed: pending.completed,
      spoilt: pending.spoilt,
      expired: pending.expired,
      evicted: pending.evicted,
      pending: pending.total,
      held: pending.timers.heap.length,
      keys: programs.reduce((sum, program) => sum + program.keys.size + program.samples.size + program.joins.size, 0),
    }),
    programs,
  };
}

/** For programs without late tests; throws RangeError when there are some. */
function cannotAsk(sources: readonly SequenceProgram[]): AskLate {
  const hasLate = sources.some(
    ({ kind, stages, until }) => kind !== "event" && (stages.some(({ late }) => late !== null) || until?.late),
  );
  if (hasLate) throw new RangeError("late tests need someone to make them");
  return () => false;
}

/**
 * Reports the first held match when its deadline lies before `ts`; one that is still held has met nothing that speaks
 * against it. False when there is none.
 */
function fireTimer(pending: Pending, ts: bigint): boolean {
  const match = firstTimer(pending.timers);
  if (match === undefined || match.deadline >= ts) return false;
  report(pending, match);
  return true;
}

/** Predicate p is used by the programs `users[starts[p]]` to `users[starts[p + 1] - 1]`, each once and in order. */
function indexPredicates(programs: readonly Program[]): { starts: Int32Array; users: Int32Array } {
  const uses = programs.map(({ automaton: { predicates, missing, until } }) => {
    const used = new Set([...predicates, ...missing]);
    if (until >= 0) used.add(until);
    return used;
  });
  let greatest = -1;
  for (const used of uses) for (const predicate of used) greatest = Math.max(greatest, predicate);
  const starts = new Int32Array(greatest + 2);
  for (const used of uses) for (const predicate of used) starts[predicate + 1] = (starts[predicate + 1] ?? 0) + 1;
  for (let at = 1; at < starts.length; at++) starts[at] = (starts[at] ?? 0) + (starts[at - 1] ?? 0);
  const next = starts.slice();
  const users = new Int32Array(starts[greatest + 1] ?? 0);
  for (const [index, used] of uses.entries()) {
    for (const predicate of used) {
      const at = next[predicate] ?? 0;
      users[at] = index;
      next[predicate] = at + 1;
    }
  }
  return { starts, users };
}
