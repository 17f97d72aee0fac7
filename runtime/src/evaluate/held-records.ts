// Records that wait for the end of the stream -> copies of them in a few large blocks.
//
// A million waiting events as objects would be many millions of objects, which the collector visits again and again. A record is
// some hundred bytes and its line; what is an object is only what events are sorted by.
//
// INVARIANT: the blocks depend on the records alone, not on the batches in which they come.

import { EVENT_HEADER_ADDRESS } from "@kestrel/stdlib/abi";
import { capturedBytes } from "../event/evidence.js";
import type { StreamEvent } from "../event/stream-event.js";
import type { MemoryView } from "../load/memory-view.js";
import { type EventRecord, type FoundRecord, lineOf, tiebreakerOf, timeOf } from "./records.js";

/** A record that waits, in the place of its event. */
export interface HeldRecord extends EventRecord, StreamEvent {
  /** About how many bytes of memory it takes. */
  readonly size: number;
}

export interface HeldRecords {
  hold(record: FoundRecord): HeldRecord;
  /** Says that a record waits no longer. */
  letGo(record: HeldRecord): void;
}

/** Memory that records share. */
interface Block extends MemoryView {
  /** Bytes that are taken, and those of them whose records still wait. */
  used: number;
  waiting: number;
  readonly records: Held[];
}

/** A held record as its keeper sees it: it may be moved. */
interface Held extends HeldRecord {
  memory: Block;
  at: number;
  /** Bytes of the record and its line, which stands behind it; 0 when it waits no longer. */
  bytes: number;
}

const BLOCK_BYTES = 1 << 20;
/** What waits in a block is moved when it is less than one part in so many, so that no block stays for a few records. */
const MOVED_PART = 4;
/**
 * What a held record takes beside its bytes: its object, its time, its places in a queue and in its block; and what its event
 * leaves to be collected. Measured as the peak of a process.
 */
const HELD_OVERHEAD = 2048;

export function createHeldRecords(): HeldRecords {
  let last = createBlock(0);

  /** Room for so many bytes in the last block, or a new one. */
  function take(bytes: number): number {
    if (last.bytes.length - last.used < bytes) last = createBlock(Math.max(BLOCK_BYTES, bytes));
    const at = last.used;
    last.used += bytes;
    last.waiting += bytes;
    return at;
  }

  function move(record: Held): void {
    const { memory, at, bytes } = record;
    const to = take(bytes);
    last.bytes.set(memory.bytes.subarray(at, at + bytes), to);
    const { address } = lineOf(memory.view, at);
    last.view.setUint32(to + EVENT_HEADER_ADDRESS, address - at + to, true);
    record.memory = last;
    record.at = to;
    last.records.push(record);
  }

  return {
    hold({ memory, at, length, ordinal, file, fileLine, captures }) {
      const line = lineOf(memory.view, at);
      const bytes = length + line.length;
      const to = take(bytes);
      last.bytes.set(memory.bytes.subarray(at, at + length), to);
      last.bytes.set(memory.bytes.subarray(line.address, line.address + line.length), to + length);
      last.view.setUint32(to + EVENT_HEADER_ADDRESS, to + length, true);
      const ts = timeOf(memory.view, at);
      const tie = tiebreakerOf(memory.view, at);
      const size = bytes + HELD_OVERHEAD + capturedBytes(captures);
      const held: Held = { ordinal, ts, tie, file, fileLine, captures, memory: last, at: to, bytes, size };
      last.records.push(held);
      return held;
    },
    letGo(record) {
      const held = record as Held;
      const { memory } = held;
      memory.waiting -= held.bytes;
      held.bytes = 0;
      if (memory === last || memory.waiting * MOVED_PART > memory.used) return;
      for (const other of memory.records) if (other.bytes > 0) move(other);
      memory.records.length = 0;
    },
  };
}

function createBlock(size: number): Block {
  const bytes = Buffer.allocUnsafeSlow(size);
  return { bytes, view: new DataView(bytes.buffer), used: 0, waiting: 0, records: [] };
}
