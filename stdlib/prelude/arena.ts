// Scratch memory of one event: a bump pointer that is set back before each event. Nothing in it outlives the event.
// INVARIANT: allocate() never returns memory past arena_end; it sets `arenaFull` instead and hands out the arena's start,
// and the event is then given up as broken.

import { arena_base, arena_end } from "./pack";

/** Counts events; derived records are valid while their stamp equals it. */
export let generation: u32 = 0;
export let arenaFull: bool = false;
let next: usize = 0;

export function startEvent(): void {
  next = arena_base;
  arenaFull = false;
  generation++;
}

export function restartGenerations(): void {
  generation = 1;
}

/** `bytes` bytes of scratch, 8-byte aligned. */
export function allocate(bytes: usize): usize {
  const start = next;
  const end = (start + bytes + 7) & ~7;
  if (end > arena_end || end < start) {
    arenaFull = true;
    return arena_base;
  }
  next = end;
  return start;
}

/** Gives back the tail of the newest allocation. */
export function shrinkTo(end: usize): void {
  next = (end + 7) & ~7;
}
