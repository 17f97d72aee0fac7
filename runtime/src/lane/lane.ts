// Records of matched events as they arrive -> detections, in an order that only the events decide.
//
// What needs no order is judged as it comes. What does waits, in one of three ways:
//   sorted    a stream that ends: everything waits for the end and is then judged in order of time, tiebreaker and arrival
//   by key    a stream that may not end: each share of an event waits for the allowed lateness (order/key-order.ts), and what
//             happens to a key depends on the order and times of its own events
//   arrival   nothing waits
//
// A lane shares nothing with the evaluators whose events it takes: late tests have an instance of their own.
//
// Detections are handed on as they are found, and after some of them the lane pauses, so that whoever takes them can wait
// until there is room for more. What one event completes is never cut in two.
// INVARIANT: neither pauses nor how often the clock is told change the detections, their order or the counters.
//
// Bounded: the events that wait and those that sequences keep take no more memory than `memoryBytes`, as event/evidence.ts
// counts. Each of the two may take what the other leaves, and half of it always. When it is short, what came first goes first:
// what waits is judged early, what sequences keep is dropped; both are counted.

import type { SequenceTables } from "@kestrel/stdlib/sequence-tables";
import type { Batch } from "../evaluate/evaluator.js";
import { createHeldRecords } from "../evaluate/held-records.js";
import {
  createRecordReader,
  type EventRecord,
  type FoundRecord,
  heldBytesOf,
  type RecordReader,
} from "../evaluate/records.js";
import { createEvidence, type Evidence, sizeOf } from "../event/evidence.js";
import type { MatchedEvent } from "../event/stream-event.js";
import type { Package } from "../load/load-package.js";
import { createKeyOrder } from "../order/key-order.js";
import { addAll, countOf, createSortedQueue, removeFirst } from "../order/sorted-queue.js";
import { hopesOf } from "./hopes.js";
import { createJudge, type Judge, type JudgeCounters, type JudgeOptions } from "./judge.js";
import type { Ask } from "./pipes.js";
import type { RuleState } from "./rule-states.js";
import { sift } from "./sift.js";

/** After so many detections a lane pauses; they are references to events that are in memory already. */
export const PAUSE_AFTER = 256;
/** What evidence may take when nothing is said. */
export const MEMORY_BYTES = 512 << 20;
/** While sequences keep less than this part of the memory, what has expired by the clock stays. */
const KEPT_PART = 16;
/** Finding what has to be judged of what waits at the end may take this part of the memory besides. */
const SIFTING_PART = 4;

export interface LaneOptions extends JudgeOptions {
  /** How late an event may come and still find its place; null for a stream that ends: everything is sorted. */
  readonly latenessNs: bigint | null;
  /** `arrival` when the order of events is that of their arrival, as the endgame dialect has it: then nothing waits. */
  readonly order?: "time" | "arrival";
  /** Of a stream that ends: whether what needs no order waits for it all the same, so that detections come in order. */
  readonly inOrder?: boolean;
  /** About how many bytes the events may take that wait or are kept; MEMORY_BYTES when absent. */
  readonly memoryBytes?: number;
  /** Is told of each event that is left out because its file was changed before its line was read again. */
  readonly onChanged?: (place: { readonly file: string; readonly line: number }) => void;
}

export interface LaneCounters extends JudgeCounters {
  /** Events for which at least one predicate held. */
  readonly matched: number;
  /** Matches whose multi-valued keys were cut. */
  readonly keysCut: number;
  /** Events that came behind one that stands after them in their key. */
  readonly late: number;
  /** Events, or shares of them, that were judged early because memory was short. */
  readonly overflowed: number;
  /** Events that were left out because their file was changed before their lines were read again. */
  readonly changed: number;
  /** Those that wait now. */
  readonly waiting: number;
}

/** What is done piece by piece: run it to its end, waiting in between as long as need be. */
export type Steps = Generator<void, void, void>;

export interface Lane {
  /** Takes the next batch; nothing of it is needed when that is done. */
  take(batch: Batch): Steps;
  /** Says how far the stream has come where no batch does. */
  advance(clock: bigint): Steps;
  /**
   * Says that the stream has been silent for so long. Nothing waits for its order any longer, and held matches see the
   * time pass. Of a stream that is sorted as a whole nothing is judged.
   */
  idle(silenceNs: bigint): Steps;
  /** Says that the stream has ended: everything that waits is judged, and so is what is held. */
  finish(): Steps;
  /** Says that the run has ended, the stream has not: what waits is judged; what is held is not due and stays unsaid. */
  stop(): Steps;
  /** Makes a late test of the package, see Detector. */
  readonly ask: Ask;
  counters(): LaneCounters;
  /** What is remembered of a rule; undefined for an id that no rule of the package has. */
  stateOf(id: string): RuleState | undefined;
}

const NO_BYTES = new Uint8Array(0);

/** How the events of a lane wait. */
interface Order {
  /** Takes a record; what is to be judged for it, if anything. */
  take(record: FoundRecord): Steps | null;
  /** The clock of the stream has reached `clock`. */
  advance(clock: bigint): Steps;
  idle(silenceNs: bigint): Steps;
  /** Judges all that waits; `atEnd` says that nothing will come any more. */
  release(atEnd: boolean): Steps;
  counters(): { readonly overflowed: number; readonly changed: number; readonly waiting: number };
}

/** What the orders share. */
interface Scales {
  /** Bytes of the events that wait. */
  waitingBytes: number;
  readonly kept: Evidence;
  readonly memoryBytes: number;
}

/** A lane for the matches of a package. Throws RangeError for a lateness below 0. */
export function createLane(pack: Package, options: LaneOptions): Lane {
  const { latenessNs, onAlert, memoryBytes = MEMORY_BYTES } = options;
  const kind = options.order === "arrival" ? "arrival" : latenessNs === null ? "time" : "key";
  const scales: Scales = { waitingBytes: 0, kept: createEvidence(), memoryBytes };
  let sincePause = 0;
  const judge = createJudge(
    pack,
    {
      ...options,
      onAlert(detection) {
        sincePause++;
        onAlert(detection);
      },
    },
    {
      order: kind,
      latenessNs: latenessNs ?? 0n,
      evidence: scales.kept,
      keptBytes: memoryBytes / KEPT_PART,
    },
  );
  const { sequences } = judge;
  const reader = createRecordReader(pack.manifest.predicates, pack);
  let matched = 0;

  function isPauseDue(): boolean {
    if (sincePause < PAUSE_AFTER) return false;
    sincePause = 0;
    return true;
  }

  const order =
    kind === "arrival"
      ? orderByArrival(reader, judge, scales)
      : kind === "time"
        ? orderSorted(reader, judge, scales, isPauseDue, options.inOrder === true, pack, options.onChanged)
        : orderByKey(reader, judge, scales, isPauseDue, latenessNs ?? 0n);

  return {
    *take({ output, clock }) {
      reader.open(output);
      for (let record = reader.next(); record !== null; record = reader.next()) {
        matched++;
        const steps = order.take(record);
        if (steps !== null) yield* steps;
        if (isPauseDue()) yield;
      }
      yield* order.advance(clock);
    },
    advance: (clock) => order.advance(clock),
    idle: (silenceNs) => order.idle(silenceNs),
    *finish() {
      yield* order.release(true);
      while (sequences.reportDue(null)) if (isPauseDue()) yield;
      sequences.finish();
    },
    stop: () => order.release(false),
    ask: judge.ask,
    counters() {
      const judged = judge.counters();
      return { ...order.counters(), matched, keysCut: reader.keysCut, late: judged.sequences.late, ...judged };
    },
    stateOf: (id) => judge.states.byId.get(id),
  };
}

function* nothing(): Steps {}

function isShort({ kept, waitingBytes, memoryBytes }: Scales): boolean {
  return kept.bytes + waitingBytes > memoryBytes;
}

/** Drops what sequences keep until the memory does; false when that is not enough. */
function relieveSequences({ sequences }: Judge, scales: Scales): boolean {
  while (isShort(scales)) {
    if (scales.waitingBytes * 2 > scales.memoryBytes || !sequences.evictOldest()) return false;
  }
  return true;
}

function orderByArrival(reader: RecordReader, judge: Judge, scales: Scales): Order {
  return {
    take(record) {
      const event = reader.toEvent(record);
      judge.judgeAlone(event);
      judge.judgeInOrder(event);
      relieveSequences(judge, scales);
      return null;
    },
    advance: nothing,
    idle: nothing,
    release: nothing,
    counters: () => ({ overflowed: 0, changed: 0, waiting: 0 }),
  };
}

function orderSorted(
  reader: RecordReader,
  judge: Judge,
  scales: Scales,
  isPauseDue: () => boolean,
  inOrder: boolean,
  tables: SequenceTables,
  onChanged: LaneOptions["onChanged"],
): Order {
  const held = createHeldRecords();
  const queue = createSortedQueue<number>(held.compare);
  const { sequences } = judge;
  let overflowed = 0;
  let changed = 0;
  let hasJudged = false;
  /** What waits and is not in the queue yet: all together are sorted in less time than one by one. And of that the plain records. */
  let arrived: number[] = [];
  let plain: number[] = [];

  function sort(): void {
    addAll(queue, arrived.concat(plain));
    arrived = [];
    plain = [];
  }

  /** What no program that may still report asks for need not be sorted. */
  function dropHopeless(): void {
    const hopes = hopesOf(tables, reader.seen);
    reader.readOnly(hopes.predicates);
    // What was judged before has keys and parents, too, and is gone.
    if (inOrder || hasJudged) return;
    const room = scales.memoryBytes / SIFTING_PART;
    arrived = sift(plain, arrived, { tables, hopes, reader, held, reach: judge.reach, room });
    plain = [];
    held.keepOnly(arrived);
    scales.waitingBytes = held.bytes;
  }

  function judgeOne(slot: number, time: bigint): void {
    const record = held.at(slot);
    const process = !inOrder && held.isPlain(slot) ? reader.processOf(record) : null;
    const flags = process === null ? undefined : judge.flagsOf(process, time);
    if (flags !== undefined && (flags === null || !reader.asksFor(record, flags))) {
      sequences.advance(time);
      return;
    }
    const event = reader.withoutBytes(record, inOrder);
    const isAsked = event.rules.length > 0 || judge.asksBytes(event);
    if (isAsked) event.bytes = lineOf(record);
    judge.judgeAlone(event);
    if (judge.judgeLineage(event)) {
      if (!isAsked) event.bytes = lineOf(record);
      if (event.bytes.length > 0) {
        judge.judgePrograms(event);
        return;
      }
    }
    sequences.advance(time);
  }

  /** The line of a held record; none where its file was changed, which is counted. */
  function lineOf(record: EventRecord): Uint8Array {
    const bytes = heldBytesOf(record);
    if (bytes !== null) return bytes;
    changed++;
    onChanged?.({ file: record.file, line: record.fileLine });
    return NO_BYTES;
  }

  /** Judges the first of those that wait, so many at most. */
  function* judgeFirst(most: number): Steps {
    hasJudged = true;
    for (let left = most; left > 0; left--) {
      const slot = removeFirst(queue);
      if (slot === undefined) return;
      // Held matches that fall due before this event are reported first.
      const time = held.time(slot);
      while (sequences.reportDue(time)) if (isPauseDue()) yield;
      judgeOne(slot, time);
      held.letGo(slot);
      scales.waitingBytes = held.bytes;
      if (isPauseDue()) yield;
      relieveSequences(judge, scales);
    }
  }

  /** Judges early what does not fit into memory. */
  function* relieve(): Steps {
    while (!relieveSequences(judge, scales) && countOf(queue) + arrived.length + plain.length > 0) {
      if (arrived.length + plain.length > 0) sort();
      overflowed++;
      yield* judgeFirst(1);
    }
  }

  return {
    take(record) {
      if (!inOrder) {
        if (record.hasRules) judge.judgeAlone(reader.withoutStages(record));
        if (!record.hasStages) return null;
      }
      // Of 24,508 events that waited, of 31,390 recorded ones, none was wanted in the end.
      const line = inOrder || !record.isPlain ? "bytes" : "place";
      const slot = held.hold(record, record.hasUses || (inOrder && record.hasRules) ? line : "none");
      (record.isPlain && !inOrder ? plain : arrived).push(slot);
      scales.waitingBytes = held.bytes;
      return isShort(scales) ? relieve() : null;
    },
    advance() {
      held.settle();
      return nothing();
    },
    idle: nothing,
    *release() {
      dropHopeless();
      sort();
      yield* judgeFirst(countOf(queue));
    },
    counters: () => ({ overflowed, changed, waiting: countOf(queue) + arrived.length + plain.length }),
  };
}

function orderByKey(
  reader: RecordReader,
  judge: Judge,
  scales: Scales,
  isPauseDue: () => boolean,
  latenessNs: bigint,
): Order {
  const keys = createKeyOrder<MatchedEvent>(latenessNs);
  const { sequences } = judge;
  let overflowed = 0;
  /** What silence has added to the clock of the stream. */
  let silentNs = 0n;
  let now = 0n;

  /** Judges the next share of those that came first. */
  function judgeNext(): void {
    const share = keys.next();
    if (share !== null) judgeShare(share.group, share.key, share.event);
  }

  function judgeShare(group: number, key: string, event: MatchedEvent): void {
    judge.judgeShare(group, key, event, (before, beforeKey) => {
      for (let one = keys.nextUpTo(before, beforeKey, event); one !== null; ) {
        judgeShare(one.group, one.key, one.event);
        one = keys.nextUpTo(before, beforeKey, event);
      }
    });
    event.waiting--;
    if (event.waiting === 0) scales.waitingBytes -= sizeOf(event);
  }

  /** All that can speak against the first held match has come; as long as some of it waits, the next of that is judged instead. */
  function reportHeld(clock: bigint | null): void {
    const first = sequences.firstHeld();
    if (first === null) return;
    const end = { ts: first.until, tie: null, ordinal: Number.POSITIVE_INFINITY };
    const share = keys.nextUpTo(first.program, first.key, end);
    if (share === null) sequences.reportDue(clock);
    else judgeShare(share.group, share.key, share.event);
  }

  /**
   * Judges what is due at `clock`: shares and held matches, in the order in which they are. The sequences are told the time
   * when a share comes, and at no other moment: what they forget then is the same however often the clock is told.
   */
  function* advance(clock: bigint): Steps {
    now = clock;
    for (;;) {
      const share = keys.dueAt();
      const held = sequences.dueAt();
      if (share !== null && (share < clock || latenessNs === 0n) && (held === null || share <= held)) {
        sequences.advance(share);
        judgeNext();
        relieveSequences(judge, scales);
      } else if (held !== null && held < clock) reportHeld(clock);
      else break;
      if (isPauseDue()) yield;
    }
  }

  function* release(atEnd: boolean): Steps {
    while (keys.size > 0) {
      judgeNext();
      // At the end a held match need not wait for others to become due, and goes rather than being dropped.
      while (atEnd && isShort(scales) && sequences.firstHeld() !== null) {
        reportHeld(null);
        if (isPauseDue()) yield;
      }
      relieveSequences(judge, scales);
      if (isPauseDue()) yield;
    }
  }

  return {
    *take(record) {
      const event = reader.toEvent(record);
      event.clock += silentNs;
      yield* advance(event.clock);
      judge.judgeAlone(event);
      if (event.stages.length === 0) return;
      judge.forEachShare(event, (group, key) => {
        keys.push(group, key, event);
        if (event.waiting === 0) scales.waitingBytes += sizeOf(event);
        event.waiting++;
      });
      if (latenessNs === 0n) yield* advance(event.clock);
      while (!relieveSequences(judge, scales) && keys.size > 0) {
        overflowed++;
        judgeNext();
        if (isPauseDue()) yield;
      }
    },
    advance: (clock) => advance(clock + silentNs),
    *idle(silenceNs) {
      yield* release(false);
      silentNs += silenceNs;
      yield* advance(now + silenceNs);
    },
    release,
    counters: () => ({ overflowed, changed: 0, waiting: keys.size }),
  };
}
