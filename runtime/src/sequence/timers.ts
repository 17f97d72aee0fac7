// Held matches in the order they are due, then by completion. A binary heap that knows each match's place, so
// that one that is dropped leaves at once.
//
// INVARIANT: `heap[i].timer === i`.

import type { Watch } from "./state.js";

export interface Timers {
  readonly heap: Watch[];
}

export function createTimers(): Timers {
  return { heap: [] };
}

/** The match that is due first. */
export function firstTimer(timers: Timers): Watch | undefined {
  return timers.heap[0];
}

export function addTimer(timers: Timers, match: Watch): void {
  timers.heap.push(match);
  rise(timers.heap, match, timers.heap.length - 1);
}

/** Takes a match out; it must be in. */
export function removeTimer(timers: Timers, match: Watch): void {
  const { heap } = timers;
  const at = match.timer;
  match.timer = -1;
  const last = heap.pop();
  if (last === undefined || last === match) return;
  const parent = at > 0 ? heap[(at - 1) >> 1] : undefined;
  if (parent !== undefined && isBefore(last, parent)) rise(heap, last, at);
  else sink(heap, last, at);
}

function isBefore(a: Watch, b: Watch): boolean {
  return a.due === b.due ? a.held < b.held : a.due < b.due;
}

function place(heap: Watch[], match: Watch, at: number): void {
  heap[at] = match;
  match.timer = at;
}

function rise(heap: Watch[], match: Watch, from: number): void {
  let at = from;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(match, parent)) break;
    place(heap, parent, at);
    at = above;
  }
  place(heap, match, at);
}

function sink(heap: Watch[], match: Watch, from: number): void {
  let at = from;
  for (;;) {
    let below = 2 * at + 1;
    let child = heap[below];
    if (child === undefined) break;
    const right = heap[below + 1];
    if (right !== undefined && isBefore(right, child)) {
      below++;
      child = right;
    }
    if (!isBefore(child, match)) break;
    place(heap, child, at);
    at = below;
  }
  place(heap, match, at);
}
