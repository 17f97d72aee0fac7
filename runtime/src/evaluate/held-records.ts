// Records that wait for the end of the stream -> copies of them in a few large blocks, and what they are sorted by in columns.
//
// A million waiting events as objects would be many millions of objects, which the collector visits again and again. A record is
// some hundred bytes, and its line where that may be needed, or where the line can be read again; it is known by a number, its slot.
//
// A record and its line stand in blocks of their own (blocks.ts). A slot that is let go is used again.
//
// INVARIANT: what stands where depends on the records alone, not on the batches in which they come.

import { EVENT_HEADER_TIME } from "@kestrel/stdlib/abi";
import { capturedBytes } from "../event/evidence.js";
import type { EventCaptures } from "../event/stream-event.js";
import type { FileAgain } from "../read/read-again.js";
import { createBlocks } from "./blocks.js";
import { type EventRecord, type FoundRecord, tiebreakerOf, timeOf } from "./records.js";

/** What is held of a record's line: nothing; where it can be read again, or it where it cannot; or it. */
export type HeldLine = "none" | "place" | "bytes";

export interface HeldRecords {
  /** Holds a record, and of its line what is said, and gives its slot. It must stay until `settle`. */
  hold(record: FoundRecord, line: HeldLine): number;
  /** To be called before the memory of the records goes that were held last. */
  settle(): void;
  /** As compareEvents, for two slots. */
  compare(a: number, b: number): number;
  /** The record of a slot, good until the next call. */
  at(slot: number): EventRecord;
  /** Its time, see StreamEvent. */
  time(slot: number): bigint;
  /** See FoundRecord. */
  isPlain(slot: number): boolean;
  /** Says that a record waits no longer. */
  letGo(slot: number): void;
  /** Says that none waits but these; the slots of the others are not used again. */
  keepOnly(slots: readonly number[]): void;
  /** About how many bytes of memory all that waits takes. */
  readonly bytes: number;
}

const WORD_BYTES = 4;
/** Behind a line, so that lines which follow one another are copied together. */
const LINE_END_BYTES = 1;
/**
 * What a held record takes beside its bytes: its columns, its places in a queue and in its block; and what its event leaves to be
 * collected. Measured as the peak of a process, when each was an object besides: it is less now.
 */
const HELD_OVERHEAD = 2048;
/** The same of one without its line, of which no event is made as a rule. Of 726,240 each took 237 bytes beside its own. */
const BARE_OVERHEAD = 256;
const FIRST_SLOTS = 1024;

export function createHeldRecords(): HeldRecords {
  const heads = createBlocks();
  const lines = createBlocks();
  /** Of all that waits, to the next word each; and about how many bytes the records take beside those. */
  let waiting = 0;
  let beside = 0;
  // By slot. Times are written as their halves.
  let capacity = FIRST_SLOTS;
  let high = new Int32Array(capacity);
  let low = new Uint32Array(capacity);
  let ordinals = new Float64Array(capacity);
  let fileLines = new Float64Array(capacity);
  let origins = new Int32Array(capacity);
  /** What the line can be read again from, counted from 1, and where; 0 where it is held, or not wanted. */
  let sources = new Int32Array(capacity);
  let offsets = new Float64Array(capacity);
  let plain = new Uint8Array(capacity);
  const files = new Map<string, number>();
  let lastFile = -1;
  const fileNames: string[] = [];
  const again: FileAgain[] = [];
  const captured = new Map<number, EventCaptures>();
  const free: number[] = [];
  let slots = 0;
  const record: { -readonly [name in keyof EventRecord]: EventRecord[name] } = {
    memory: heads.memoryOf(0),
    at: 0,
    lineMemory: lines.memoryOf(0),
    lineAt: 0,
    lineLength: 0,
    ordinal: 0,
    file: "",
    fileLine: 0,
    captures: undefined,
    again: null,
    againAt: 0,
  };

  function takeSlot(): number {
    const found = free.pop();
    if (found !== undefined) return found;
    if (slots === capacity) {
      capacity *= 2;
      high = grown(high, new Int32Array(capacity));
      low = grown(low, new Uint32Array(capacity));
      ordinals = grown(ordinals, new Float64Array(capacity));
      fileLines = grown(fileLines, new Float64Array(capacity));
      origins = grown(origins, new Int32Array(capacity));
      sources = grown(sources, new Int32Array(capacity));
      offsets = grown(offsets, new Float64Array(capacity));
      plain = grown(plain, new Uint8Array(capacity));
    }
    return slots++;
  }

  function numberOf(file: string): number {
    if (fileNames[lastFile] === file) return lastFile;
    lastFile = files.get(file) ?? fileNames.push(file) - 1;
    files.set(file, lastFile);
    return lastFile;
  }

  function sourceOf(file: FileAgain): number {
    const found = again.lastIndexOf(file);
    return found >= 0 ? found + 1 : again.push(file);
  }

  function lineLengthOf(slot: number): number {
    return Math.max(0, lines.lengthOf(slot) - LINE_END_BYTES);
  }

  function count(headLength: number, lineLength: number, captures: EventCaptures | undefined, by: 1 | -1): void {
    const bytes = (headLength + lineLength + WORD_BYTES - 1) & -WORD_BYTES;
    waiting += by * bytes;
    beside += by * ((lineLength > 0 ? HELD_OVERHEAD : BARE_OVERHEAD) + capturedBytes(captures));
  }

  function capturesOf(slot: number): EventCaptures | undefined {
    return captured.size === 0 ? undefined : captured.get(slot);
  }

  /** Counts a record that waits, or one that goes. */
  function countSlot(slot: number, by: 1 | -1): void {
    count(heads.lengthOf(slot), lineLengthOf(slot), capturesOf(slot), by);
  }

  return {
    hold(
      { memory, at, length, lineAt, lineLength, ordinal, file, fileLine, captures, isPlain, again: from, againAt },
      line,
    ) {
      const slot = takeSlot();
      const isRead = line === "place" && from !== null;
      const isHeld = line !== "none" && !isRead;
      heads.put(slot, memory, at, length);
      sources[slot] = isRead ? sourceOf(from) : 0;
      offsets[slot] = againAt;
      if (isHeld) lines.put(slot, memory, lineAt, lineLength + LINE_END_BYTES);
      low[slot] = memory.view.getUint32(at + EVENT_HEADER_TIME, true);
      high[slot] = memory.view.getInt32(at + EVENT_HEADER_TIME + WORD_BYTES, true);
      ordinals[slot] = ordinal;
      fileLines[slot] = fileLine;
      origins[slot] = numberOf(file);
      plain[slot] = isPlain ? 1 : 0;
      if (captures !== undefined) captured.set(slot, captures);
      count(length, isHeld ? lineLength : 0, captures, 1);
      return slot;
    },
    settle() {
      heads.settle();
      lines.settle();
    },
    compare(a, b) {
      const order = (high[a] ?? 0) - (high[b] ?? 0) || (low[a] ?? 0) - (low[b] ?? 0);
      return order || compareTies(a, b) || (ordinals[a] ?? 0) - (ordinals[b] ?? 0);
    },
    at(slot) {
      record.memory = heads.memoryOf(slot);
      record.at = heads.placeOf(slot);
      record.lineMemory = lines.memoryOf(slot);
      record.lineAt = lines.placeOf(slot);
      record.lineLength = lineLengthOf(slot);
      record.ordinal = ordinals[slot] ?? 0;
      record.file = fileNames[origins[slot] ?? 0] ?? "";
      record.fileLine = fileLines[slot] ?? 0;
      record.captures = capturesOf(slot);
      record.again = again[(sources[slot] ?? 0) - 1] ?? null;
      record.againAt = offsets[slot] ?? 0;
      return record;
    },
    time: (slot) => timeOf(heads.memoryOf(slot).view, heads.placeOf(slot)),
    isPlain: (slot) => plain[slot] === 1,
    letGo(slot) {
      countSlot(slot, -1);
      heads.leave(slot);
      lines.leave(slot);
      if (captured.size > 0) captured.delete(slot);
      free.push(slot);
      heads.tidy();
      lines.tidy();
    },
    keepOnly(kept) {
      heads.keepOnly(kept);
      lines.keepOnly(kept);
      if (captured.size > 0) {
        const stays = new Set(kept);
        for (const slot of captured.keys()) if (!stays.has(slot)) captured.delete(slot);
      }
      waiting = 0;
      beside = 0;
      for (const slot of kept) countSlot(slot, 1);
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
    return tiebreakerOf(heads.memoryOf(slot).view, heads.placeOf(slot));
  }
}

function grown<Column extends Uint8Array | Int32Array | Uint32Array | Float64Array>(
  before: Column,
  after: Column,
): Column {
  after.set(before);
  return after;
}
