// Stage matches, event by event in final order -> completed sequences, samples and joins.
//
// The programs come from the sequence tables and are run in index order. Predicate -> programs is two dense arrays, so an
// event costs the programs whose predicates held for it, and one comparison each for timers and for expiry.
//
// What happens to a key is decided by the order and the times of that key's own events. The clock decides when a held match
// has waited long enough, and what may be forgotten. What the clock is depends on the order in which events come:
//   time      sorted as a whole: the clock is event time, and moves with the events and, between them, with `advance`
//   key       each key's events sorted: the clock of the stream (CONTROL_CLOCK in abi.ts), which `advance` moves
//   arrival   as they arrive, which is what the endgame dialect means by order: the clock does not move, nothing expires
//             before it is met, and held matches are judged at the end
// Whatever falls due (held matches in the order in which they are due and then of completion, then expiry) is done before the
// next event is looked at.
// INVARIANT: how often `advance` is called changes neither what is reported nor its order.
//
// Bounded: a program keeps at most `maxPerProgram` entries and all together `maxTotal`; the oldest goes first, and is
// counted. Who sees that the evidence takes too much memory calls `evictOldest`.

import type { SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import { createEvidence, type Evidence } from "../event/evidence.js";
import type { StageMatch, StreamEvent } from "../event/stream-event.js";
import { behindOf, type Chain, createChain, createEntryTable, KEY_PLACE, wordOf } from "./entry-table.js";
import { createEventLists } from "./event-lists.js";
import { acceptJoin } from "./join.js";
import { createKeyTable } from "./key-table.js";
import { acceptSequence, keysOf, type Matches } from "./machine.js";
import { deadlineOf, report } from "./missing.js";
import { evictOldest, expire, forget, type OnComplete, type Pending } from "./pending.js";
import { acceptSample } from "./sample.js";
import { type AskLate, type Automaton, createAutomaton, createProgram, NEVER, NO_TIME, type Program } from "./state.js";
import { createTimers, firstTimer } from "./timers.js";

const NO_MATCHES: readonly StageMatch[] = [];

export interface SequenceEngineOptions {
  /**
   * Takes each completion. It must neither throw nor call back into the engine.
   */
  readonly onComplete: OnComplete;
  /** Makes the late tests; needed when a program has any. */
  readonly askLate?: AskLate;
  /** See above; `time` when absent. */
  readonly order?: "time" | "key" | "arrival";
  /** In the order of keys: how late an event may come, in nanoseconds; none when absent. */
  readonly latenessNs?: bigint;
  /** Where the events that are kept are counted. */
  readonly evidence?: Evidence;
  /** In the order of keys: what has expired is kept while the evidence takes no more bytes than this; none when absent. */
  readonly keptBytes?: number;
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
  /** Events that came behind one that stands after them in their key. */
  readonly late: number;
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
  /** The programs and keys that an event concerns, programs in index order. `take` may call nothing of the engine. */
  forEachKey(event: StreamEvent, matches: readonly StageMatch[], take: (program: number, key: string) => void): void;
  /** Takes an event for one program and key alone. */
  acceptKey(program: number, key: string, event: StreamEvent, matches: readonly StageMatch[]): void;
  /** Says that the clock has reached `time`; where events are sorted, that none before it will come any more. */
  advance(time: bigint): void;
  /** When the first held match is due; null while none is held. */
  dueAt(): bigint | null;
  /**
   * Where that match stands. Where keys are sorted it is due when whatever speaks against it has come, though that may still wait:
   * the caller lets the shares of the key up to `until` go first.
   */
  firstHeld(): { readonly program: number; readonly key: string; readonly until: bigint } | null;
  /**
   * Reports the first of the held matches that `advance(time)` would report, or `finish()` for null; false when there is
   * none. A caller that cannot take all of them at once can pause between two.
   */
  reportDue(time: bigint | null): boolean;
  /** Drops the entry that was made first, and counts it; false when there is none. */
  evictOldest(): boolean;
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
    latenessNs = 0n,
    evidence = createEvidence(),
    keptBytes = 0,
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
    return createProgram(index, createAutomaton(source, index, span, chain));
  });
  const { starts, users } = indexPredicates(programs);
  const predicateCount = starts.length - 1;
  const entries = createEntryTable(Math.min(maxTotal, programs.length * maxPerProgram) + 1);
  const keys = createKeyTable(programs.length, (head, place) => {
    for (let entry = head; ; ) {
      entries.words[wordOf(entry, KEY_PLACE)] = place;
      entry = behindOf(entries, entry);
      if (entry === head) break;
    }
  });
  const pending: Pending = {
    programs,
    entries,
    keys,
    lists: createEventLists(),
    particulars: new Map(),
    pinned: 0,
    high: 0,
    low: 0,
    clock: NO_TIME,
    latenessNs: order === "key" ? latenessNs : 0n,
    keptBytes: order === "key" ? keptBytes : 0,
    evidence,
    nextDue: NEVER,
    spanChains: [...spanChains.values()],
    timers: createTimers(),
    maxPerProgram,
    maxTotal,
    onComplete: options.onComplete,
    askLate,
    isByArrival: order === "arrival",
    isSorted: order === "time",
    isAtEnd: false,
    late: 0,
    lastLate: null,
    ages: 0,
    total: 0,
    completed: 0,
    spoilt: 0,
    expired: 0,
    evicted: 0,
  };
  const matches: Matches = {
    current: NO_MATCHES,
    of: null,
    at: new Int32Array(predicateCount),
    event: new Float64Array(predicateCount),
    number: 0,
  };
  /** A time, and the halves of its bits. */
  const time = new BigInt64Array(1);
  const halves = new Int32Array(time.buffer);
  /** The programs the current event concerns; `marked[p]` is the number of the last event that did. */
  const concerned = new Int32Array(programs.length);
  const marked = new Float64Array(programs.length);

  function moveTo(ts: bigint): void {
    if (ts <= pending.clock || pending.isByArrival) return;
    pending.clock = ts;
    while (fireTimer(pending, ts));
    expire(pending);
  }

  function fireLast(): boolean {
    pending.isAtEnd = true;
    const isFired = fireTimer(pending, NEVER);
    pending.isAtEnd = false;
    return isFired;
  }

  /** Makes `matches` those of this event. */
  function look(event: StreamEvent, current: readonly StageMatch[]): void {
    if (matches.of === event) return;
    matches.of = event;
    matches.current = current;
    matches.number++;
    for (let at = 0; at < current.length; at++) {
      const predicate = current[at]?.predicate ?? -1;
      if (predicate < 0 || predicate >= predicateCount) continue;
      matches.at[predicate] = at;
      matches.event[predicate] = matches.number;
    }
  }

  /** Writes the programs that an event concerns into `concerned`, in index order, and returns how many they are. */
  function findConcerned(event: StreamEvent, current: readonly StageMatch[]): number {
    look(event, current);
    let count = 0;
    for (const { predicate } of current) {
      if (predicate >= predicateCount) continue;
      const end = starts[predicate + 1] ?? 0;
      for (let use = starts[predicate] ?? 0; use < end; use++) {
        const index = users[use] ?? 0;
        if (marked[index] === matches.number) continue;
        marked[index] = matches.number;
        if (event.timed === false && programs[index]?.automaton.hasMaxspan === true) continue;
        concerned[count++] = index;
      }
    }
    if (count > 1) concerned.subarray(0, count).sort();
    return count;
  }

  function judge(program: Program, key: string, event: StreamEvent): void {
    time[0] = event.ts;
    pending.high = halves[1] ?? 0;
    pending.low = (halves[0] ?? 0) >>> 0;
    switch (program.automaton.kind) {
      case "sequence":
        acceptSequence(pending, program, event, key, matches);
        break;
      case "sample":
        acceptSample(pending, program, event, key, matches);
        break;
      case "join":
        acceptJoin(pending, program, event, key, matches);
        break;
      case "event":
        break;
    }
  }

  return {
    accept(event, current) {
      if (pending.isSorted) moveTo(event.ts);
      matches.of = null;
      const count = findConcerned(event, current);
      for (let at = 0; at < count; at++) {
        const program = programs[concerned[at] ?? 0];
        if (program === undefined) continue;
        if (program.automaton.kind === "join") acceptJoin(pending, program, event, null, matches);
        else for (const key of keysFor(program.automaton, matches)) judge(program, key, event);
      }
    },
    forEachKey(event, current, take) {
      const count = findConcerned(event, current);
      for (let at = 0; at < count; at++) {
        const index = concerned[at] ?? 0;
        const program = programs[index];
        if (program !== undefined) for (const key of keysFor(program.automaton, matches)) take(index, key);
      }
    },
    acceptKey(index, key, event, current) {
      look(event, current);
      const program = programs[index];
      if (program !== undefined) judge(program, key, event);
    },
    advance: moveTo,
    dueAt() {
      const match = pending.isByArrival ? undefined : firstTimer(pending.timers);
      return match === undefined ? null : match.due - pending.latenessNs;
    },
    firstHeld() {
      const match = firstTimer(pending.timers);
      if (match === undefined) return null;
      return { program: match.program.automaton.index, key: match.key, until: deadlineOf(pending, match) };
    },
    reportDue(time) {
      if (time !== null && (time <= pending.clock || pending.isByArrival)) return false;
      return time === null ? fireLast() : fireTimer(pending, time);
    },
    evictOldest: () => evictOldest(pending),
    finish() {
      while (fireLast());
      forget(pending);
    },
    counters: () => ({
      completed: pending.completed,
      spoilt: pending.spoilt,
      expired: pending.expired,
      evicted: pending.evicted,
      late: pending.late,
      pending: pending.total,
      held: pending.timers.heap.length,
      keys: keys.index.size,
    }),
    programs,
  };
}

const NO_KEYS: readonly string[] = [];

/** The keys under which the current event concerns a program, each once: those that may complete something first. */
function keysFor({ asked }: Automaton, matches: Matches): Iterable<string> {
  let found: readonly string[] | null = null;
  let all: Set<string> | null = null;
  for (let at = 0; at < asked.length; at++) {
    const keys = keysOf(matches, asked[at] ?? -1);
    if (keys === undefined || keys === found) continue;
    if (found === null) found = keys;
    else if (all !== null || keys.length > 1 || keys[0] !== found[0] || found.length > 1) {
      all ??= new Set(found);
      for (const key of keys) all.add(key);
    }
  }
  return all ?? found ?? NO_KEYS;
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
 * Reports the first held match when it was due before `ts`; one that is still held has met nothing that speaks
 * against it. False when there is none.
 */
function fireTimer(pending: Pending, ts: bigint): boolean {
  const match = firstTimer(pending.timers);
  if (match === undefined || match.due - pending.latenessNs >= ts) return false;
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
