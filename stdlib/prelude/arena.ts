// Scratch memory of one event: a bump pointer that is set back before each event. Nothing in it outlives the event.
// INVARIANT: a full arena sets `arenaFull`, and the event is given up as broken once it has been evaluated. Until then every
// allocation is the same overflow region behind arena_end, large enough for any of them. What stands in the arena stays
// whole, so only texts may be read back from an allocation made since then, never addresses or symbols. That the region is large
// enough is checked in stdlib/src/memory-layout.ts.

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
    return arena_end;
  }
  next = end;
  return start;
}

/** Whether so many bytes can still be had. */
export function hasRoom(bytes: usize): bool {
  return next <= arena_end && bytes + 7 <= arena_end - next;
}

/** Gives back the tail of the newest allocation. */
export function shrinkTo(end: usize): void {
  next = (end + 7) & ~7;
}

/** Where the next allocation goes; `release` gives back everything allocated since. */
export function mark(): usize {
  return next;
}

export function release(to: usize): void {
  if (!arenaFull) next = to;
}
