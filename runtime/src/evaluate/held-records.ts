// Records that wait for the end of the stream -> copies of them in a few large blocks, and what they are sorted by in columns.
//
// A million waiting events as objects would be many millions of objects, which the collector visits again and again. A record is
// some hundred bytes, and its line where that may be needed; it is known by a number, its slot.
//
// A slot that is let go is used again. A block is dropped when nothing of it waits any more; while more bytes are wasted than wait, what
// waits in blocks that are nearly empty is moved together.
//
// INVARIANT: the blocks depend on the records alone, not on the batches in which they come.

import { EVENT_HEADER_ADDRESS, EVENT_HEADER_LENGTH, EVENT_HEADER_TIME } from "@kestrel/stdlib/abi";
import { capturedBytes } from "../event/evidence.js";
import type { EventCaptures } from "../event/stream-event.js";
import { type MemoryView, viewMemory } from "../load/memory-view.js";
import { type EventRecord, type FoundRecord, lineOf, tiebreakerOf, timeOf } from "./records.js";

export interface HeldRecords {
  /** Holds a record, with its line or without, and gives its slot; without it the event's bytes are none. */
  hold(record: FoundRecord, withLine: boolean): number;
  /** As compareEvents, for two slots. */
  compare(a: number, b: number): number;
  /** The record of a slot, good until the next call. */
  at(slot: number): EventRecord;
  /** Its time, see StreamEvent. */
  time(slot: number): bigint;
  /** See FoundRecord. */
  isPlain(slot: number): boolean;
  /** Says that a record waits no longer, or that many do not: what stays is moved together once, then. */
  letGo(slot: number): void;
  letAllGo(slots: readonly number[]): void;
  /** About how many bytes of memory all that waits takes. */
  readonly bytes: number;
}

/** Memory that records share. */
interface Block extends MemoryView {
  /** Bytes that are taken, and those of them whose records still wait. */
  used: number;
  waiting: number;
  /** The slots of its records from the first to the last; those that were let go may stand elsewhere now. */
  readonly slots: number[];
  /** Its place among the blocks. */
  readonly number: number;
}

const WORD_BYTES = 4;
const BLOCK_BYTES = 1 << 20;
/** Of a block that is nearly empty less than one part in so many waits. */
const EMPTY_PART = 4;
/** So much may be wasted whatever waits. */
const WASTED_BYTES = 4 * BLOCK_BYTES;
/**
 * What a held record takes beside its bytes: its columns, its places in a queue and in its block; and what its event leaves to be
 * collected. Measured as the peak of a process, when each was an object besides: it is less now.
 */
const HELD_OVERHEAD = 2048;
/** The same of one without its line, of which no event is made as a rule. Of 726,240 each took 237 bytes beside its own. */
const BARE_OVERHEAD = 256;
const FIRST_SLOTS = 1024;

export function createHeldRecords(): HeldRecords {
  const blocks: Block[] = [];
  const freeBlocks: number[] = [];
  let last = addBlock(0);
  let waiting = 0;
  let wasted = 0;
  /** About how many bytes the records take beside those of the blocks. */
  let beside = 0;
  let emptied: Block[] = [];
  // By slot. `sizes` are the bytes in the block, to the next word; 0 for a slot that is free. Times are written as their halves.
  let capacity = FIRST_SLOTS;
  let places = new Int32Array(capacity);
  let sizes = new Int32Array(capacity);
  let high = new Int32Array(capacity);
  let low = new Uint32Array(capacity);
  let ordinals = new Float64Array(capacity);
  let lines = new Float64Array(capacity);
  let overheads = new Float64Array(capacity);
  let homes = new Int32Array(capacity);
  let origins = new Int32Array(capacity);
  let plain = new Uint8Array(capacity);
  const files = new Map<string, number>();
  let lastFile = -1;
  const fileNames: string[] = [];
  const captured = new Map<number, EventCaptures>();
  const free: number[] = [];
  let slots = 0;
  const record: { -readonly [name in keyof EventRecord]: EventRecord[name] } = {
    memory: last,
    at: 0,
    ordinal: 0,
    file: "",
    fileLine: 0,
    captures: undefined,
  };

  function takeSlot(): number {
    const found = free.pop();
    if (found !== undefined) return found;
    if (slots === capacity) {
      capacity *= 2;
      places = grown(places, new Int32Array(capacity));
      sizes = grown(sizes, new Int32Array(capacity));
      high = grown(high, new Int32Array(capacity));
      low = grown(low, new Uint32Array(capacity));
      ordinals = grown(ordinals, new Float64Array(capacity));
      lines = grown(lines, new Float64Array(capacity));
      overheads = grown(overheads, new Float64Array(capacity));
      homes = grown(homes, new Int32Array(capacity));
      origins = grown(origins, new Int32Array(capacity));
      plain = grown(plain, new Uint8Array(capacity));
    }
    return slots++;
  }

  function addBlock(size: number): Block {
    const number = freeBlocks.pop() ?? blocks.length;
    const block = createBlock(size, number);
    blocks[number] = block;
    return block;
  }

  /** Forgets a block in which nothing waits, unless it is the last. */
  function dropIfEmpty(block: Block): boolean {
    if (block.waiting > 0 || block === last) return false;
    wasted -= block.used;
    blocks[block.number] = NO_BLOCK;
    freeBlocks.push(block.number);
    return true;
  }

  function blockOf(slot: number): Block {
    return blocks[homes[slot] ?? 0] ?? NO_BLOCK;
  }

  function numberOf(file: string): number {
    if (fileNames[lastFile] === file) return lastFile;
    lastFile = files.get(file) ?? fileNames.push(file) - 1;
    files.set(file, lastFile);
    return lastFile;
  }

  /** Room for so many bytes in the last block, or a new one. */
  function take(bytes: number): number {
    if (last.bytes.length - last.used < bytes) {
      const before = last;
      last = addBlock(Math.max(BLOCK_BYTES, bytes));
      dropIfEmpty(before);
    }
    const at = last.used;
    last.used += bytes;
    last.waiting += bytes;
    return at;
  }

  function move(slot: number, from: Block): void {
    const at = places[slot] ?? 0;
    const size = sizes[slot] ?? 0;
    const to = take(size);
    last.bytes.set(from.bytes.subarray(at, at + size), to);
    const { address } = lineOf(from.view, at);
    last.view.setUint32(to + EVENT_HEADER_ADDRESS, address - at + to, true);
    homes[slot] = last.number;
    places[slot] = to;
    last.slots.push(slot);
  }

  /** Moves together what waits in the blocks that are nearly empty. */
  function moveTogether(): void {
    for (const block of emptied) {
      if (block === last || block.waiting === 0) continue;
      for (const slot of block.slots) if (homes[slot] === block.number && (sizes[slot] ?? 0) > 0) move(slot, block);
      wasted += block.waiting;
      block.waiting = 0;
      dropIfEmpty(block);
    }
    emptied = emptied.filter((block) => block === last);
  }

  /** Lets a record go; what stays is not moved. */
  function leave(slot: number): void {
    const block = blockOf(slot);
    const size = sizes[slot] ?? 0;
    const before = block.waiting * EMPTY_PART >= block.used;
    block.waiting -= size;
    waiting -= size;
    wasted += size;
    beside -= overheads[slot] ?? 0;
    sizes[slot] = 0;
    if (captured.size > 0) captured.delete(slot);
    free.push(slot);
    if (!dropIfEmpty(block) && before && block.waiting * EMPTY_PART < block.used) emptied.push(block);
  }

  function moveWhatStays(): void {
    if (wasted > waiting + WASTED_BYTES && emptied.length > 0) moveTogether();
  }

  return {
    hold({ memory, at, length, ordinal, file, fileLine, captures, isPlain }, withLine) {
      const line = lineOf(memory.view, at);
      const lineLength = withLine ? line.length : 0;
      const size = (length + lineLength + WORD_BYTES - 1) & -WORD_BYTES;
      const to = take(size);
      const { buffer, byteOffset } = memory.bytes;
      last.bytes.set(new Uint8Array(buffer, byteOffset + at, length), to);
      if (withLine) last.bytes.set(new Uint8Array(buffer, byteOffset + line.address, lineLength), to + length);
      last.view.setUint32(to + EVENT_HEADER_ADDRESS, to + length, true);
      last.view.setUint32(to + EVENT_HEADER_LENGTH, lineLength, true);
      const slot = takeSlot();
      last.slots.push(slot);
      homes[slot] = last.number;
      places[slot] = to;
      sizes[slot] = size;
      low[slot] = memory.view.getUint32(at + EVENT_HEADER_TIME, true);
      high[slot] = memory.view.getInt32(at + EVENT_HEADER_TIME + WORD_BYTES, true);
      ordinals[slot] = ordinal;
      lines[slot] = fileLine;
      origins[slot] = numberOf(file);
      plain[slot] = isPlain ? 1 : 0;
      if (captures !== undefined) captured.set(slot, captures);
      const overhead = (withLine ? HELD_OVERHEAD : BARE_OVERHEAD) + capturedBytes(captures);
      overheads[slot] = overhead;
      beside += overhead;
      waiting += size;
      return slot;
    },
    compare(a, b) {
      const order = (high[a] ?? 0) - (high[b] ?? 0) || (low[a] ?? 0) - (low[b] ?? 0);
      return order || compareTies(a, b) || (ordinals[a] ?? 0) - (ordinals[b] ?? 0);
    },
    at(slot) {
      record.memory = blockOf(slot);
      record.at = places[slot] ?? 0;
      record.ordinal = ordinals[slot] ?? 0;
      record.file = fileNames[origins[slot] ?? 0] ?? "";
      record.fileLine = lines[slot] ?? 0;
      record.captures = captured.size === 0 ? undefined : captured.get(slot);
      return record;
    },
    time: (slot) => timeOf(blockOf(slot).view, places[slot] ?? 0),
    isPlain: (slot) => plain[slot] === 1,
    letGo(slot) {
      leave(slot);
      moveWhatStays();
    },
    letAllGo(gone) {
      for (const slot of gone) leave(slot);
      moveWhatStays();
    },
    get bytes() {
      return waiting + beside;
    },
  };

  function compareTies(a: number, b: number): number {
    const [one, other] = [tieOf(a), tieOf(b)];
    if (one === other) return 0;
    if (one === null) return 1;
    if (other === null) return -1;
    return one < other ? -1 : 1;
  }

  function tieOf(slot: number): bigint | null {
    return tiebreakerOf(blockOf(slot).view, places[slot] ?? 0);
  }
}

function grown<Column extends Uint8Array | Int32Array | Uint32Array | Float64Array>(
  before: Column,
  after: Column,
): Column {
  after.set(before);
  return after;
}

const NO_BLOCK = createBlock(0, 0);

/** Its memory holds anything: a record is read where it was written. */
function createBlock(size: number, number: number): Block {
  return { ...viewMemory({ buffer: Buffer.allocUnsafeSlow(size).buffer }), used: 0, waiting: 0, slots: [], number };
}
