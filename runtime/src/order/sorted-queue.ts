// Events as they come -> the earliest first: timestamp, tiebreaker (a missing one last), arrival.
//
// Events wait in two places: a run, in which each stands after the one before it, and a binary heap for those that came out
// of order. Streams are mostly in order, and an event that only passes through the run costs two comparisons instead of
// a path down the heap. The first of all is the earlier of the two heads.

import { createFifo, type Fifo, removeHead } from "./fifo.js";

/** Negative when the first of two stands before the other. */
export type Compare<Item> = (a: Item, b: Item) => number;

/** There may be one for each key, so it is no more than its two places. */
export interface SortedQueue<Item> {
  readonly run: Fifo<Item>;
  readonly heap: Item[];
  readonly compare: Compare<Item>;
}

export function createSortedQueue<Item>(compare: Compare<Item>): SortedQueue<Item> {
  return { run: createFifo(), heap: [], compare };
}

export function add<Item>({ run, heap, compare }: SortedQueue<Item>, item: Item): void {
  const last = run.items[run.items.length - 1];
  if (last === undefined || compare(last, item) < 0) run.items.push(item);
  else insert(heap, item, compare);
}

/** Adds many, in any order; they are sorted where they are. */
export function addAll<Item>(queue: SortedQueue<Item>, items: Item[]): void {
  items.sort(queue.compare);
  if (countOf(queue) === 0) for (const item of items) queue.run.items.push(item);
  else for (const item of items) add(queue, item);
}

/** The earliest; undefined when there is none. */
export function first<Item>({ run, heap, compare }: SortedQueue<Item>): Item | undefined {
  const inRun = run.items[run.head];
  const inHeap = heap[0];
  if (inRun === undefined || inHeap === undefined) return inRun ?? inHeap;
  return compare(inRun, inHeap) < 0 ? inRun : inHeap;
}

export function removeFirst<Item>(queue: SortedQueue<Item>): Item | undefined {
  const item = first(queue);
  if (item === undefined) return undefined;
  if (queue.run.items[queue.run.head] === item) removeHead(queue.run);
  else removeTop(queue.heap, queue.compare);
  return item;
}

export function countOf<Item>({ run, heap }: SortedQueue<Item>): number {
  return heap.length + run.items.length - run.head;
}

function insert<Item>(heap: Item[], item: Item, compare: Compare<Item>): void {
  let at = heap.length;
  heap.push(item);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || compare(parent, item) <= 0) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = item;
}

function removeTop<Item>(heap: Item[], compare: Compare<Item>): void {
  const moved = heap.pop();
  if (moved === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    let child = heap[below];
    if (child === undefined) break;
    const right = heap[below + 1];
    if (right !== undefined && compare(right, child) < 0) {
      below++;
      child = right;
    }
    if (compare(moved, child) <= 0) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = moved;
}
