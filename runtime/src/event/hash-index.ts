// Hashes -> the places of what they were made of. What stands there is not known here: who looks for something goes through the places of its hash.
//
// The index is open: a hash and a place in each slot, linear probing, at most three of four slots taken, and what is behind a removed
// slot is moved back, so that no slot is a tombstone.
//
// SOUND: who looks compares what stands at a place, so equal hashes cost time only; key-hash.ts says why nobody can make them.

import { GOOD_BITS } from "./key-hash.js";

const FIRST_SLOTS = 16;

export interface HashIndex {
  /** Hash and place by turns; a place of 0 is a free slot. */
  slots: Int32Array;
  /** How far a hash is shifted to be the number of a slot. */
  shift: number;
  /** Places that are there. */
  size: number;
}

export function createHashIndex(): HashIndex {
  return { slots: new Int32Array(2 * FIRST_SLOTS), shift: 32 - Math.log2(FIRST_SLOTS), size: 0 };
}

/** The slot at which the search for a hash begins; it goes on with `behind`, and ends at a free one. */
export function firstSlot({ shift }: HashIndex, hash: number): number {
  return (hash >>> shift) << 1;
}

export function behind({ slots }: HashIndex, slot: number): number {
  return (slot + 2) & (slots.length - 2);
}

/** Adds a place, which is not 0. Throws RangeError for more of them than hashes can tell apart. */
export function enterPlace(index: HashIndex, hash: number, place: number): void {
  if ((index.size + 1) * 8 > index.slots.length * 3) grow(index);
  index.size++;
  enter(index, hash, place);
}

/** Takes away a place that is there. */
export function leavePlace(index: HashIndex, hash: number, place: number): void {
  const { slots, shift } = index;
  const mask = slots.length - 2;
  let free = (hash >>> shift) << 1;
  while (slots[free + 1] !== place) free = (free + 2) & mask;
  // What could stand in the free slot or before it moves there, until one is free anyway.
  for (let slot = (free + 2) & mask; ; slot = (slot + 2) & mask) {
    const other = slots[slot + 1] ?? 0;
    if (other === 0) break;
    const home = ((slots[slot] ?? 0) >>> shift) << 1;
    if (((slot - home) & mask) < ((slot - free) & mask)) continue;
    slots[free] = slots[slot] ?? 0;
    slots[free + 1] = other;
    free = slot;
  }
  slots[free + 1] = 0;
  index.size--;
}

/** Makes it as if nothing had been added; the room stays. */
export function clearIndex(index: HashIndex): void {
  index.slots.fill(0);
  index.size = 0;
}

function enter({ slots, shift }: HashIndex, hash: number, place: number): void {
  const mask = slots.length - 2;
  let slot = (hash >>> shift) << 1;
  while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
  slots[slot] = hash;
  slots[slot + 1] = place;
}

/** Doubles it. From slot to slot, which stand in this order in the new one too: from place to place each would be somewhere else in memory. */
function grow(index: HashIndex): void {
  const { slots } = index;
  const bits = Math.log2(slots.length);
  if (bits > GOOD_BITS) throw new RangeError("more places than hashes can tell apart");
  index.slots = new Int32Array(2 * slots.length);
  index.shift = 32 - bits;
  for (let slot = 0; slot < slots.length; slot += 2) {
    const place = slots[slot + 1] ?? 0;
    if (place !== 0) enter(index, slots[slot] ?? 0, place);
  }
}
