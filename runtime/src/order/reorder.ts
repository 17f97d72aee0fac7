// Records as they arrive -> records in their final order: timestamp, tiebreaker (a missing one last), arrival.
//
// A bounded buffer. The floor is the watermark less the allowed lateness. What lies below the floor is released, earliest
// first; a record that arrives below the floor is late, and is handed on at once and counted.
//
// Records wait in two places: a run, in which each stands after the one before it, and a binary heap for those that came out
// of order. Streams are mostly in order, and a record that only passes through the run costs two comparisons instead of
// a path down the heap. The next record is the earlier of the two heads.
//
// INVARIANT: what is delivered depends only on the records, never on when or how often `advance` is called: whatever a
// watermark releases would have been released, in the same order, before the next record was looked at.
// INVARIANT: unless the buffer overflows, the records that are not late come out sorted. That is why a record that lies
// exactly on the floor waits: another with the same timestamp and a smaller tiebreaker may still arrive and is not late.

import { compareEvents } from "../sequence/stream-event.js";

/** What the order is made of; a caller's record adds what it likes. */
export interface OrderedRecord {
  /** Event time, nanoseconds since 1970. */
  readonly ts: bigint;
  readonly tie: bigint | null;
  /** Arrival number. */
  readonly ordinal: number;
  /** The greatest event time seen when this record arrived, its own and those of events never pushed included. */
  readonly watermark: bigint;
}

export interface ReorderOptions<R extends OrderedRecord> {
  /** How far behind the watermark a record may come and still find its place; null for no limit: an exact sort. */
  readonly latenessNs: bigint | null;
  /** How many records may wait: a positive integer, or Infinity; 1,000,000 when absent. */
  readonly capacity?: number;
  /** Takes the records in their final order. `late` marks one that stands behind later ones. */
  readonly onRecord: (record: R, late: boolean) => void;
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
  /** Takes the next record in arrival order; watermarks must not decrease. */
  push(record: R): void;
  /** Says that event time has reached `watermark`, and so that no later record will carry a smaller one. */
  advance(watermark: bigint): void;
  /** Releases everything; the buffer can then start on another stream. */
  finish(): void;
  counters(): ReorderCounters;
}

/** A reorder buffer. Throws RangeError for a capacity below 1 or a negative lateness. */
export function createReorder<R extends OrderedRecord>(options: ReorderOptions<R>): Reorder<R> {
  const { latenessNs, capacity = 1_000_000, onRecord } = options;
  if (!(capacity >= 1)) throw new RangeError(`capacity ${capacity} is below 1`);
  if (latenessNs !== null && latenessNs < 0n) throw new RangeError(`lateness ${latenessNs} is negative`);
  const heap: R[] = [];
  const run: (R | undefined)[] = [];
  let runHead = 0;
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

  function deliver(record: R): void {
    if (run[runHead] !== record) {
      removeFirst(heap);
    } else {
      run[runHead++] = undefined;
      if (runHead === run.length) {
        run.length = 0;
        runHead = 0;
      } else if (runHead >= 4096 && runHead * 2 >= run.length) {
        // At least as many are cut off as are moved, so this costs each record one move.
        run.splice(0, runHead);
        runHead = 0;
      }
    }
    onRecord(record, false);
  }

  function release(floor: bigint): void {
    for (let record = first(); record !== undefined && record.ts < floor; record = first()) deliver(record);
  }

  function countWaiting(): number {
    return heap.length + run.length - runHead;
  }

  return {
    push(record) {
      if (latenessNs !== null) {
        const floor = record.watermark - latenessNs;
        release(floor);
        if (record.ts < floor) {
          late++;
          onRecord(record, true);
          return;
        }
      }
      add(record);
      if (countWaiting() <= capacity) return;
      const earliest = first();
      if (earliest === undefined) return;
      overflowed++;
      deliver(earliest);
    },
    advance(watermark) {
      if (latenessNs !== null) release(watermark - latenessNs);
    },
    finish() {
      for (let record = first(); record !== undefined; record = first()) deliver(record);
    },
    counters: () => ({ late, overflowed, waiting: countWaiting() }),
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
