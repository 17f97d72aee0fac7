// Records that wait for the end of the stream -> columns of what is their own, and copies of the rest.
//
// A million waiting events as objects would be many millions of objects, which the collector visits again and again. A record is its
// header, the number of its matches, which it shares with others (match-lists.ts), and its line where that may be needed (blocks.ts), or where
// the line can be read again. It is known by a number, its slot. A slot that is let go is used again.
//
// INVARIANT: what stands where depends on the records alone, not on the batches in which they come.

import { EVENT_HEADER_ADDRESS, EVENT_HEADER_BYTES, EVENT_HEADER_LINE, EVENT_HEADER_TIME } from "@kestrel/stdlib/abi";
import { capturedBytes } from "../event/evidence.js";
import type { EventCaptures } from "../event/stream-event.js";
import { viewMemory } from "../load/memory-view.js";
import type { LinesAgain } from "../read/read-again.js";
import { createBlocks } from "./blocks.js";
import { grown } from "./grown.js";
import { createMatchLists } from "./match-lists.js";
import { type BatchPlace, type EventRecord, type FoundRecord, tiebreakerOf, timeOf } from "./records.js";

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
  /** The number of its list of matches: who has the same number now has the same matches. */
  matchesOf(slot: number): number;
  /** Says that a record waits no longer. */
  letGo(slot: number): void;
  /** Says that none waits but these; the slots of the others are not used again. */
  keepOnly(slots: readonly number[]): void;
  /** How many lists there are. */
  readonly lists: number;
  /** About how many bytes of memory all that waits takes. */
  readonly bytes: number;
}

const WORD_BYTES = 4;
const HEADER_WORDS = EVENT_HEADER_BYTES / WORD_BYTES;
const LINE_WORD = EVENT_HEADER_LINE / WORD_BYTES;
const ADDRESS_WORD = EVENT_HEADER_ADDRESS / WORD_BYTES;
const TIME_WORD = EVENT_HEADER_TIME / WORD_BYTES;
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

/** A batch of which some records wait. */
interface HeldBatch {
  readonly place: BatchPlace;
  readonly lines: LinesAgain | null;
  readonly number: number;
  waiting: number;
}

const NO_BATCH: HeldBatch = { place: { file: "", fileLine: 0, ordinal: 0 }, lines: null, number: -1, waiting: 0 };

export function createHeldRecords(): HeldRecords {
  const lists = createMatchLists();
  const lines = createBlocks();
  /** About how many bytes all that waits takes beside its matches. */
  let waiting = 0;
  // By slot.
  let capacity = FIRST_SLOTS;
  let headers = new Int32Array(capacity * HEADER_WORDS);
  let headerMemory = viewMemory(headers);
  let matches = new Int32Array(capacity);
  /** The number of its batch, and whether its line is read again. */
  let origins = new Int32Array(capacity);
  let readAgain = new Uint8Array(capacity);
  let plain = new Uint8Array(capacity);
  const batches: HeldBatch[] = [];
  const freeBatches: number[] = [];
  let batch = NO_BATCH;
  const captured = new Map<number, EventCaptures>();
  const free: number[] = [];
  let slots = 0;
  const record: { -readonly [name in keyof EventRecord]: EventRecord[name] } = {
    memory: headerMemory,
    at: 0,
    matchMemory: headerMemory,
    matchesAt: 0,
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
      headers = grown(headers, new Int32Array(capacity * HEADER_WORDS));
      headerMemory = viewMemory(headers);
      matches = grown(matches, new Int32Array(capacity));
      origins = grown(origins, new Int32Array(capacity));
      readAgain = grown(readAgain, new Uint8Array(capacity));
      plain = grown(plain, new Uint8Array(capacity));
    }
    return slots++;
  }

  /** Begins another batch. */
  function open(place: BatchPlace, lines: LinesAgain | null): void {
    forget(batch);
    batch = { place, lines, number: freeBatches.pop() ?? batches.length, waiting: 0 };
    batches[batch.number] = batch;
  }

  /** Forgets a batch of which nothing waits. */
  function forget({ number, waiting }: HeldBatch): void {
    if (number < 0 || waiting > 0) return;
    batches[number] = NO_BATCH;
    freeBatches.push(number);
  }

  function batchOf(slot: number): HeldBatch {
    return batches[origins[slot] ?? 0] ?? NO_BATCH;
  }

  function ordinalOf(slot: number): number {
    return batchOf(slot).place.ordinal + (headers[slot * HEADER_WORDS + LINE_WORD] ?? 0);
  }

  function lineLengthOf(slot: number): number {
    return Math.max(0, lines.lengthOf(slot) - LINE_END_BYTES);
  }

  function capturesOf(slot: number): EventCaptures | undefined {
    return captured.size === 0 ? undefined : captured.get(slot);
  }

  /** About how many bytes a record takes beside its matches. */
  function bytesOf(slot: number): number {
    const length = lineLengthOf(slot);
    return (length > 0 ? length + HELD_OVERHEAD : BARE_OVERHEAD) + capturedBytes(capturesOf(slot));
  }

  return {
    hold(found, line) {
      const { memory, at, place, lines: again, captures } = found;
      if (batch.place !== place) open(place, again);
      const slot = takeSlot();
      const isRead = line === "place" && again !== null;
      const { words } = memory;
      const into = headers;
      const to = slot * HEADER_WORDS;
      for (let word = 0, from = at / WORD_BYTES; word < HEADER_WORDS; word++) into[to + word] = words[from + word] ?? 0;
      matches[slot] = lists.take(memory, found.matchesAt, found.matchBytes);
      origins[slot] = batch.number;
      batch.waiting++;
      readAgain[slot] = isRead ? 1 : 0;
      if (line !== "none" && !isRead) lines.put(slot, memory, found.lineAt, found.lineLength + LINE_END_BYTES);
      plain[slot] = found.isPlain ? 1 : 0;
      if (captures !== undefined) captured.set(slot, captures);
      waiting += bytesOf(slot);
      return slot;
    },
    settle() {
      lists.settle();
      lines.settle();
    },
    compare(a, b) {
      return compareTimes(a, b) || compareTies(a, b) || ordinalOf(a) - ordinalOf(b);
    },
    at(slot) {
      const list = matches[slot] ?? 0;
      record.memory = headerMemory;
      record.at = slot * EVENT_HEADER_BYTES;
      record.matchMemory = lists.memoryOf(list);
      record.matchesAt = lists.placeOf(list);
      record.lineMemory = lines.memoryOf(slot);
      record.lineAt = lines.placeOf(slot);
      record.lineLength = lineLengthOf(slot);
      const { place, lines: again } = batchOf(slot);
      const line = headers[slot * HEADER_WORDS + LINE_WORD] ?? 0;
      record.ordinal = place.ordinal + line;
      record.file = place.file;
      record.fileLine = place.fileLine + line;
      record.captures = capturesOf(slot);
      record.again = readAgain[slot] === 1 && again !== null ? again.file : null;
      record.againAt = (again?.offset ?? 0) + ((headers[slot * HEADER_WORDS + ADDRESS_WORD] ?? 0) >>> 0);
      return record;
    },
    time: (slot) => timeOf(headerMemory.view, slot * EVENT_HEADER_BYTES),
    isPlain: (slot) => plain[slot] === 1,
    matchesOf: (slot) => matches[slot] ?? 0,
    letGo(slot) {
      waiting -= bytesOf(slot);
      const of = batchOf(slot);
      of.waiting--;
      if (of !== batch) forget(of);
      lists.leave(matches[slot] ?? 0);
      lines.leave(slot);
      if (captured.size > 0) captured.delete(slot);
      free.push(slot);
      lines.tidy();
    },
    keepOnly(kept) {
      lists.keepOnly(kept.map((slot) => matches[slot] ?? 0));
      lines.keepOnly(kept);
      for (const one of batches) one.waiting = 0;
      for (const slot of kept) batchOf(slot).waiting++;
      for (const one of batches) if (one !== batch) forget(one);
      if (captured.size > 0) {
        const stays = new Set(kept);
        for (const slot of captured.keys()) if (!stays.has(slot)) captured.delete(slot);
      }
      waiting = 0;
      for (const slot of kept) waiting += bytesOf(slot);
    },
    get lists() {
      return lists.size;
    },
    get bytes() {
      return waiting + lists.bytes;
    },
  };

  function compareTimes(a: number, b: number): number {
    const one = a * HEADER_WORDS + TIME_WORD;
    const other = b * HEADER_WORDS + TIME_WORD;
    const order = (headers[one + 1] ?? 0) - (headers[other + 1] ?? 0);
    return order || ((headers[one] ?? 0) >>> 0) - ((headers[other] ?? 0) >>> 0);
  }

  function compareTies(a: number, b: number): number {
    const [one, other] = [tieOf(a), tieOf(b)];
    if (one === other) return 0;
    if (one === null) return 1;
    if (other === null) return -1;
    return one < other ? -1 : 1;
  }

  function tieOf(slot: number): bigint | null {
    return tiebreakerOf(headerMemory.view, slot * EVENT_HEADER_BYTES);
  }
}
