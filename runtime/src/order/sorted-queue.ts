// Events as they come -> the earliest first: timestamp, tiebreaker (a missing one last), arrival.
//
// Events wait in two places: a run, in which each stands after the one before it, and a binary heap for those that came out
// of order. Streams are mostly in order, and an event that only passes through the run costs two comparisons instead of
// a path down the heap. The first of all is the earlier of the two heads.

import { compareEvents, type StreamEvent } from "../event/stream-event.js";

export interface SortedQueue<Event extends StreamEvent> {
  add(event: Event): void;
  first(): Event | undefined;
  removeFirst(): Event | undefined;
  readonly size: number;
}

export function createSortedQueue<Event extends StreamEvent>(): SortedQueue<Event> {
  const heap: Event[] = [];
  const run: (Event | undefined)[] = [];
  let runHead = 0;

  function first(): Event | undefined {
    const inRun = run[runHead];
    const inHeap = heap[0];
    if (inRun === undefined || inHeap === undefined) return inRun ?? inHeap;
    return compareEvents(inRun, inHeap) < 0 ? inRun : inHeap;
  }

  return {
    add(event) {
      const last = runHead < run.length ? run[run.length - 1] : undefined;
      if (last === undefined || compareEvents(last, event) < 0) run.push(event);
      else insert(heap, event);
    },
    first,
    removeFirst() {
      const event = first();
      if (event === undefined) return undefined;
      if (run[runHead] !== event) {
        removeTop(heap);
        return event;
      }
      run[runHead++] = undefined;
      if (runHead === run.length) {
        run.length = 0;
        runHead = 0;
      } else if (runHead >= 4096 && runHead * 2 >= run.length) {
        // At least as many are cut off as are moved, so this costs each event one move.
        run.splice(0, runHead);
        runHead = 0;
      }
      return event;
    },
    get size() {
      return heap.length + run.length - runHead;
    },
  };
}

function insert<Event extends StreamEvent>(heap: Event[], event: Event): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || compareEvents(parent, event) <= 0) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = event;
}

function removeTop<Event extends StreamEvent>(heap: Event[]): void {
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
