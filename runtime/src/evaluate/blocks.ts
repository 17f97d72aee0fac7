// Pieces of bytes, each known by a number, its slot -> copies of them in a few large blocks.
//
// Pieces that stand one behind the other where they come from, and were put one after the other, are copied together: a copy of some hundred bytes takes
// hardly longer than to begin one. So copies are made later than they are asked for, at `settle`.
//
// A block is dropped when nothing of it stays; while more bytes are wasted than stay, what stays in blocks that are nearly empty is moved together.
//
// INVARIANT: which block a piece stands in, and where, depends on the pieces alone, not on when they are settled.

import { type MemoryView, viewMemory } from "../load/memory-view.js";
import { grown } from "./grown.js";

export interface Blocks {
  /** Puts so many bytes that stand at `from`; they must stay until `settle`. The slot must be free, and a place begins at a word if all are whole words. */
  put(slot: number, memory: MemoryView, from: number, length: number): void;
  /** Makes the copies that were asked for. */
  settle(): void;
  /** Where the piece of a slot stands, and its length; 0 where there is none. Settles first. */
  memoryOf(slot: number): MemoryView;
  placeOf(slot: number): number;
  lengthOf(slot: number): number;
  /** Lets a piece go. */
  leave(slot: number): void;
  /** Moves what stays together where that is worth it, after pieces were let go. */
  tidy(): void;
  /** Lets all pieces go but those of these slots; the other slots are not used again. */
  keepOnly(slots: readonly number[]): void;
}

interface Block {
  readonly memory: MemoryView;
  readonly size: number;
  /** Bytes that are taken, and those of them that stay. */
  used: number;
  staying: number;
  /** The slots of its pieces from the first to the last; those that were let go may stand elsewhere now. */
  slots: number[];
  /** Its place among the blocks. */
  readonly number: number;
}

const WORD_BYTES = 4;
const BLOCK_BYTES = 1 << 20;
/** Of a block that is nearly empty less than one part in so many stays. */
const EMPTY_PART = 4;
/** So many dropped blocks are kept to be used again. */
const MOST_SPARE = 2;
/** So much may be wasted whatever stays. */
const WASTED_BYTES = 2 * BLOCK_BYTES;
const FIRST_SLOTS = 1024;

export function createBlocks(): Blocks {
  const blocks: Block[] = [];
  const freeNumbers: number[] = [];
  /** Memory of blocks that were dropped: what was touched before is written in a sixth of the time. */
  const spare: MemoryView[] = [];
  let last = addBlock(0);
  let staying = 0;
  let wasted = 0;
  let emptied: Block[] = [];
  // By slot. The length is 0 for a slot that is free.
  let homes = new Int32Array(FIRST_SLOTS);
  let places = new Int32Array(FIRST_SLOTS);
  let lengths = new Int32Array(FIRST_SLOTS);
  // What is to be copied to the last block.
  let source: MemoryView = last.memory;
  let from = 0;
  let to = 0;
  let pending = 0;

  function addBlock(size: number): Block {
    const number = freeNumbers.pop() ?? blocks.length;
    const block = createBlock((size === BLOCK_BYTES ? spare.pop() : undefined) ?? allocate(size), number);
    blocks[number] = block;
    return block;
  }

  /** Forgets a block of which nothing stays, unless it is the last. */
  function dropIfEmpty(block: Block): boolean {
    if (block.staying > 0 || block === last) return false;
    wasted -= block.used;
    blocks[block.number] = NO_BLOCK;
    freeNumbers.push(block.number);
    if (block.size === BLOCK_BYTES && spare.length < MOST_SPARE) spare.push(block.memory);
    return true;
  }

  function blockOf(slot: number): Block {
    return blocks[homes[slot] ?? 0] ?? NO_BLOCK;
  }

  function lengthOf(slot: number): number {
    return slot < lengths.length ? (lengths[slot] ?? 0) : 0;
  }

  function settle(): void {
    if (pending === 0) return;
    const { buffer, byteOffset } = source.bytes;
    last.memory.bytes.set(new Uint8Array(buffer, byteOffset + from, pending), to);
    pending = 0;
  }

  /** Makes a block the last one that has room for so many bytes. */
  function makeRoom(bytes: number): void {
    settle();
    const before = last;
    last = addBlock(Math.max(BLOCK_BYTES, (bytes + WORD_BYTES - 1) & -WORD_BYTES));
    dropIfEmpty(before);
  }

  function grow(slot: number): void {
    const capacity = Math.max(2 * lengths.length, slot + 1);
    homes = grown(homes, new Int32Array(capacity));
    places = grown(places, new Int32Array(capacity));
    lengths = grown(lengths, new Int32Array(capacity));
  }

  function put(slot: number, memory: MemoryView, at: number, length: number): void {
    if (last.size - last.used < length) makeRoom(length);
    const place = last.used;
    if (pending > 0 && memory === source && at === from + pending && place === to + pending) pending += length;
    else {
      settle();
      source = memory;
      from = at;
      to = place;
      pending = length;
    }
    last.used = place + length;
    last.staying += length;
    staying += length;
    last.slots.push(slot);
    if (slot >= lengths.length) grow(slot);
    homes[slot] = last.number;
    places[slot] = place;
    lengths[slot] = length;
  }

  /** Moves together what stays in the blocks that are nearly empty. */
  function moveTogether(): void {
    settle();
    for (const block of emptied) {
      if (block === last || block.staying === 0) continue;
      for (const slot of block.slots) {
        const length = lengths[slot] ?? 0;
        if (homes[slot] !== block.number || length === 0) continue;
        staying -= length;
        put(slot, block.memory, places[slot] ?? 0, length);
      }
      settle();
      wasted += block.staying;
      block.staying = 0;
      dropIfEmpty(block);
    }
    emptied = emptied.filter((block) => block === last);
  }

  function tidy(): void {
    if (wasted > staying + WASTED_BYTES && emptied.length > 0) moveTogether();
  }

  return {
    put,
    settle,
    memoryOf(slot) {
      settle();
      return blockOf(slot).memory;
    },
    placeOf: (slot) => (lengthOf(slot) === 0 ? 0 : (places[slot] ?? 0)),
    lengthOf,
    leave(slot) {
      const length = lengthOf(slot);
      if (length === 0) return;
      const block = blockOf(slot);
      const wasFull = !isNearlyEmpty(block);
      block.staying -= length;
      staying -= length;
      wasted += length;
      lengths[slot] = 0;
      if (!dropIfEmpty(block) && wasFull && isNearlyEmpty(block)) emptied.push(block);
    },
    tidy,
    keepOnly(slots) {
      settle();
      for (const block of blocks) {
        block.staying = 0;
        block.slots = [];
      }
      staying = 0;
      for (const slot of slots) {
        const length = lengthOf(slot);
        if (length === 0) continue;
        const block = blockOf(slot);
        block.staying += length;
        block.slots.push(slot);
        staying += length;
      }
      last = addBlock(0);
      wasted = blocks.reduce((sum, block) => sum + block.used - block.staying, 0);
      emptied = blocks.filter((block) => block !== NO_BLOCK && !dropIfEmpty(block) && isNearlyEmpty(block));
      tidy();
    },
  };
}

function isNearlyEmpty({ staying, used }: Block): boolean {
  return staying * EMPTY_PART < used;
}

const NO_BLOCK = createBlock(allocate(0), 0);

/** It holds anything: a piece is read where it was written. */
function allocate(size: number): MemoryView {
  return viewMemory({ buffer: Buffer.allocUnsafeSlow(size).buffer });
}

function createBlock(memory: MemoryView, number: number): Block {
  return { memory, size: memory.bytes.length, used: 0, staying: 0, slots: [], number };
}
