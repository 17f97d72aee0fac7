// Records as they arrive -> records in their final order: timestamp, tiebreaker (a missing one last), arrival.
//
// A bounded buffer. The floor is the watermark less the allowed lateness. What lies below the floor is released, earliest
// first; a record that arrives below the floor is late, and is handed on at once and counted.
//
// Who pushes a record or moves the floor takes what is due with `next`, one by one, so that it can pause in between.
//
// Records wait in two places: a run, in which each stands after the one before it, and a binary heap for those that came out
// of order. Streams are mostly in order, and a record that only passes through the run costs two comparisons instead of
// a path down the heap. The next record is the earlier of the two heads.
//
// INVARIANT: what is delivered depends only on the records, never on when or how often `advance` is called: whatever a
// watermark releases would have been released, in the same order, before the next record was looked at.
// INVARIANT: unless the buffer overflows, the records that are not late come out sorted. That is why a record that lies
// exactly on the floor waits: another with the same timestamp and a smaller tiebreaker may still arrive and is not late.

import { compareEvents, type StreamEvent } from "../event/stream-event.js";

/** What the order is made of; a caller's record adds what it likes. */
export interface OrderedRecord extends StreamEvent {
  /** The greatest event time seen when this record arrived, its own and those of events never pushed included. */
  readonly watermark: bigint;
}

export interface ReorderOptions {
  /** How far behind the watermark a record may come and still find its place; null for no limit: an exact sort. */
  readonly latenessNs: bigint | null;
  /** How many records may wait: a positive integer, or Infinity; 1,000,000 when absent. */
  readonly capacity?: number;
}

export interface ReorderCounters {
  /** Records that arrived below the floor. */
  readonly late: number;
  /** Records released before their time because the buffer was full. */
  readonly overflowed: number;
  /** Records waiting now. */
  readonly waiting: number;
}

export interface Reorder<R extends OrderedRecord> {
  /** Takes the next record in arrival order; watermarks must not decrease, and `next` must have said that nothing is due. */
  push(record: R): void;
  /** Says that event time has reached `watermark`, and so that no later record will carry a smaller one. */
  advance(watermark: bigint): void;
  /** Makes everything due; when it has been taken, the buffer can start on another stream. */
  finish(): void;
  /**
   * The next record in the final order, or null when none is due. A late record comes behind records of a later time.
   */
  next(): R | null;
  counters(): ReorderCounters;
}

/** A reorder buffer. Throws RangeError for a capacity below 1 or a negative lateness. */
export function createReorder<R extends OrderedRecord>(options: ReorderOptions): Reorder<R> {
  const { latenessNs, capacity = 1_000_000 } = options;
  if (!(capacity >= 1)) throw new RangeError(`capacity ${capacity} is below 1`);
  if (latenessNs !== null && latenessNs < 0n) throw new RangeError(`lateness ${latenessNs} is negative`);
  const heap: R[] = [];
  const run: (R | undefined)[] = [];
  let runHead = 0;
  /** What was pushed last, until all that lies below its floor has been taken. */
  let arriving: R | null = null;
  let floor: bigint | null = null;
  let isEnding = false;
  let late = 0;
  let overflowed = 0;

  function add(record: R): void {
    const last = runHead < run.length ? run[run.length - 1] : undefined;
    if (last === undefined || compareEvents(last, record) < 0) run.push(record);
    else insert(heap, record);
  }

  function first(): R | undefined {
    const inRun = run[runHead];
    const inHeap = heap[0];
    if (inRun === undefined || inHeap === undefined) return inRun ?? inHeap;
    return compareEvents(inRun, inHeap) < 0 ? inRun : inHeap;
  }

  /** Takes the first record, which is `record`, out. */
  function remove(record: R): R {
    if (run[runHead] !== record) {
      removeFirst(heap);
      return record;
    }
    run[runHead++] = undefined;
    if (runHead === run.length) {
      run.length = 0;
      runHead = 0;
    } else if (runHead >= 4096 && runHead * 2 >= run.length) {
      // At least as many are cut off as are moved, so this costs each record one move.
      run.splice(0, runHead);
      runHead = 0;
    }
    return record;
  }

  function countWaiting(): number {
    return heap.length + run.length - runHead;
  }

  /** Gives what was pushed last its place. Returns what is due at once because of it. */
  function arrive(record: R): R | null {
    arriving = null;
    if (floor !== null && record.ts < floor) {
      late++;
      return record;
    }
    add(record);
    if (countWaiting() <= capacity) return null;
    const earliest = first();
    if (earliest === undefined) return null;
    overflowed++;
    return remove(earliest);
  }

  return {
    push(record) {
      if (arriving !== null) throw new RangeError("records are still due");
      arriving = record;
      if (latenessNs !== null) floor = record.watermark - latenessNs;
    },
    advance(watermark) {
      if (latenessNs !== null) floor = watermark - latenessNs;
    },
    finish() {
      isEnding = true;
    },
    next() {
      const record = first();
      if (record !== undefined && (isEnding || (floor !== null && record.ts < floor))) return remove(record);
      if (arriving !== null) return arrive(arriving);
      if (isEnding) floor = null;
      isEnding = false;
      return null;
    },
    counters: () => ({ late, overflowed, waiting: countWaiting() }),
  };
}

/** The same for events whose order is that of their arrival: nothing waits. */
export function createArrivalOrder<R extends OrderedRecord>(): Reorder<R> {
  let arriving: R | null = null;
  return {
    push(record) {
      arriving = record;
    },
    advance() {},
    finish() {},
    next() {
      const record = arriving;
      arriving = null;
      return record;
    },
    counters: () => ({ late: 0, overflowed: 0, waiting: 0 }),
  };
}

function insert<R extends OrderedRecord>(heap: R[], record: R): void {
  let at = heap.length;
  heap.push(record);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || compareEvents(parent, record) <= 0) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = record;
}

function removeFirst<R extends OrderedRecord>(heap: R[]): void {
  const moved = heap.pop();
  if (moved === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    let child = heap[below];
    if (child === undefined) break;
    const right = heap[below + 1];
    if (right !== undefined && compareEvents(right, child) < 0) {
      below++;
      child = right;
    }
    if (compareEvents(moved, child) <= 0) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = moved;
}
