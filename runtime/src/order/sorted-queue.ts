// Events as they come -> the earliest first: timestamp, tiebreaker (a missing one last), arrival.
//
// Events wait in two places: a run, in which each stands after the one before it, and a binary heap for those that came out
// of order. Streams are mostly in order, and an event that only passes through the run costs two comparisons instead of
// a path down the heap. The first of all is the earlier of the two heads.

import { compareEvents, type StreamEvent } from "../event/stream-event.js";
import { createFifo, type Fifo, removeHead } from "./fifo.js";

/** There may be one for each key, so it is no more than its two places. */
export interface SortedQueue<Event extends StreamEvent> {
  readonly run: Fifo<Event>;
  readonly heap: Event[];
}

export function createSortedQueue<Event extends StreamEvent>(): SortedQueue<Event> {
  return { run: createFifo(), heap: [] };
}

export function add<Event extends StreamEvent>({ run, heap }: SortedQueue<Event>, event: Event): void {
  const last = run.items[run.items.length - 1];
  if (last === undefined || compareEvents(last, event) < 0) run.items.push(event);
  else insert(heap, event);
}

/** The earliest; undefined when there is none. */
export function first<Event extends StreamEvent>({ run, heap }: SortedQueue<Event>): Event | undefined {
  const inRun = run.items[run.head];
  const inHeap = heap[0];
  if (inRun === undefined || inHeap === undefined) return inRun ?? inHeap;
  return compareEvents(inRun, inHeap) < 0 ? inRun : inHeap;
}

export function removeFirst<Event extends StreamEvent>(queue: SortedQueue<Event>): Event | undefined {
  const event = first(queue);
  if (event === undefined) return undefined;
  if (queue.run.items[queue.run.head] === event) removeHead(queue.run);
  else removeTop(queue.heap);
  return event;
}

export function countOf({ run, heap }: SortedQueue<StreamEvent>): number {
  return heap.length + run.items.length - run.head;
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
