// Chunks of NDJSON lines -> the events for which some predicate holds, batch by batch: a batch is what one call of the
// module's `run` wrote. Lines go through an instance of the module in pieces that fit its input region. A chunk that was read into the
// instance's memory is judged where it stands; any other is copied.
//
// Nothing of one batch decides what is found in the next, with one exception that is the module's own: the times that this
// instance has seen. An event without a readable time takes that of the timed event before it, and every event carries the
// clock of the stream it arrived at ("The clock of a stream" in abi.ts).
//
// INVARIANT: cutting the same lines into other chunks changes neither the events nor the counters.
// INVARIANT: a batch stands in the module's memory, until the next. Objects are made for matched events only.

import {
  CONTROL_BASE,
  CONTROL_BATCH_LINES,
  CONTROL_CLOCK,
  CONTROL_CONSUMED,
  CONTROL_GREATEST,
  CONTROL_MOST_LINES,
  CONTROL_OUTPUT_BYTES,
  INPUT_PADDING,
  RUN_DONE,
  RUN_FULL,
} from "@kestrel/stdlib/abi";
import { LINE_FEED } from "@kestrel/stdlib/text/characters";
import { callModule, ModuleError } from "../load/call-module.js";
import { type ModuleCounters, readCounters } from "../load/control-block.js";
import { instantiate, NO_TIME, type PackInstance } from "../load/instantiate.js";
import type { Package } from "../load/load-package.js";
import { refresh, viewMemory } from "../load/memory-view.js";
import type { LinesAgain } from "../read/read-again.js";
import { type BrokenLine, excerptOf, readBroken } from "./broken-lines.js";
import { createForeignTester, type ForeignCounters, type ForeignFaultReport } from "./foreign-tester.js";
import type { Output } from "./records.js";

const NOTHING: Output["captures"] = new Map();

/**
 * Lines of one batch, divided by how many codes written by hand may capture MOST_CAPTURE_BYTES of each: what they capture is held until the
 * batch has been handed out, 128 MiB at most.
 */
const LINES_WITH_CAPTURES = 1024;

/** Where a chunk was read. */
export interface ChunkOrigin {
  readonly file: string;
  /** Number of the chunk's first line in its file, from 1. */
  readonly firstLine: number;
  /** Where its lines can be read again: those that hardly ever come to anything are then not held. */
  readonly again?: LinesAgain | null;
}

/** A line that its reader left out because it was too long. */
export interface LongLine {
  readonly file: string;
  readonly line: number;
  readonly bytes: number;
}

/** How many buffers a reader takes turns with. */
const READ_BUFFERS = 2;

/** What one `run` found. */
export interface Batch {
  readonly output: Output;
  /** How far the stream has come, in nanoseconds from 0; only grows. */
  readonly clock: bigint;
}

export interface EvaluatorCounters extends ModuleCounters {
  readonly lines: number;
  /** Lines that were too long to be looked at; not among `broken`. */
  readonly tooLong: number;
  /** The greatest event time, in nanoseconds; null before the first. */
  readonly lastTime: bigint | null;
  readonly foreign: readonly ForeignCounters[];
}

export interface Evaluator {
  /**
   * Evaluates whole lines, the last one ended by a line feed too; the first has the arrival number `firstOrdinal`. Gives the
   * batches one by one, each good until the next, and in the end the number of lines. The chunk must stay as it is until then. Throws
   * {@link ModuleError} when the module fails.
   */
  evaluate(chunk: Buffer, origin: ChunkOrigin, firstOrdinal: number): Generator<Batch, number, void>;
  /**
   * Buffers of so many bytes in the instance's memory, two or none, for a reader to take turns with: what it reads into them need not be
   * copied. SOUND: they stand where late tests have their lines, which are made by another instance, so nothing else is written there.
   */
  readBuffers(bytes: number): readonly Buffer[];
  /** Counts and reports a line that its reader left out. */
  skipLong(line: LongLine): void;
  counters(): EvaluatorCounters;
}

/**
 * An evaluator over its own instance of the package's module; see DetectorOptions for `onBroken`. `stepNs` is how far one
 * event may move the clock of the stream; `onFault` is told of faults of foreign code.
 */
export function createEvaluator(
  pack: Package,
  onBroken?: (line: BrokenLine) => void,
  stepNs?: bigint,
  onFault: (fault: ForeignFaultReport) => void = () => undefined,
): Evaluator {
  const foreign = pack.foreign.length === 0 ? null : createForeignTester(pack, () => instance, onFault);
  const capturing = pack.manifest.foreign.filter(({ library }) => library === null).length;
  const mostLines = capturing === 0 ? 0 : Math.max(1, Math.floor(LINES_WITH_CAPTURES / capturing));
  const makeInstance = (): PackInstance => {
    const made = instantiate(pack.module, stepNs, pack.timeUnit, foreign?.test);
    new DataView(made.memory.buffer).setUint32(CONTROL_BASE + CONTROL_MOST_LINES, mostLines, true);
    return made;
  };
  let instance = makeInstance();
  let { memory } = instance;
  const { inputBase, outputBase, lateBase, lateCapacity } = instance;
  const room = instance.inputCapacity - INPUT_PADDING;
  const now = viewMemory(memory);
  let lines = 0;
  let tooLong = 0;
  let hasRun = false;
  // Of the next line to be looked at.
  let place = { file: "", fileLine: 0, ordinal: 0 };
  /** Where the piece's lines can be read again, with the offset that address 0 would have. */
  let again: LinesAgain | null = null;

  function control(offset: number): number {
    return now.view.getUint32(CONTROL_BASE + offset, true);
  }

  function greatestTime(): bigint | null {
    const time = now.view.getBigInt64(CONTROL_BASE + CONTROL_GREATEST, true);
    return time === NO_TIME ? null : time;
  }

  function countLines(count: number): void {
    lines += count;
    place = { file: place.file, fileLine: place.fileLine + count, ordinal: place.ordinal + count };
  }

  function noteLong(line: LongLine, excerpt: string): void {
    tooLong++;
    onBroken?.({ file: line.file, line: line.line, reason: `too long, ${line.bytes} bytes`, excerpt });
  }

  /** An instance in which nothing has run, with the piece at the same place. Foreign code has a state of its own besides. */
  function renew(piece: Buffer, base: number): (() => void) | undefined {
    if (hasRun || foreign !== null) return undefined;
    return () => {
      instance = makeInstance();
      memory = instance.memory;
      Object.assign(now, viewMemory(memory));
      now.bytes.set(piece, base);
    };
  }

  /** Runs the lines of a piece, which stand at `base`, as often as the output region is full. */
  function* runPiece(piece: Buffer, base: number): Generator<Batch, void, void> {
    const { length } = piece;
    const where = (): string => `${place.file}, at or behind line ${place.fileLine}`;
    for (let used = 0, status: number = RUN_FULL; status !== RUN_DONE; ) {
      const address = base + used;
      foreign?.forget();
      status = callModule(() => instance.run(address, length - used), where, renew(piece, base));
      hasRun = true;
      refresh(now, memory);
      const output = {
        memory: now,
        base: outputBase,
        length: control(CONTROL_OUTPUT_BYTES),
        place,
        again,
        captures: foreign?.captures ?? NOTHING,
      };
      if (onBroken !== undefined) readBroken(now, address, length - used, place, onBroken);
      const consumed = control(CONTROL_CONSUMED);
      countLines(control(CONTROL_BATCH_LINES));
      used += consumed;
      if (status !== RUN_DONE && consumed === 0) {
        throw new ModuleError(`the module stopped without having read a line (${where()})`);
      }
      const clock = now.view.getBigInt64(CONTROL_BASE + CONTROL_CLOCK, true);
      yield { output, clock };
    }
  }

  return {
    *evaluate(chunk, origin, firstOrdinal) {
      place = { file: origin.file, fileLine: origin.firstLine, ordinal: firstOrdinal };
      for (let start = 0; start < chunk.length; ) {
        const fits = chunk.length - start <= room;
        const end = fits ? chunk.length : chunk.lastIndexOf(LINE_FEED, start + room - 1) + 1;
        if (end > start) {
          refresh(now, memory);
          const piece = chunk.subarray(start, end);
          const isThere = piece.buffer === now.bytes.buffer;
          const base = isThere ? piece.byteOffset : inputBase;
          if (!isThere) now.bytes.set(piece, base);
          const lines = origin.again ?? null;
          again = lines && { file: lines.file, offset: lines.offset + start - base };
          yield* runPiece(piece, base);
          start = end;
          continue;
        }
        const feed = chunk.indexOf(LINE_FEED, start);
        const long = { file: place.file, line: place.fileLine, bytes: feed - start };
        noteLong(long, excerptOf(chunk.subarray(start, feed)));
        countLines(1);
        start = feed + 1;
      }
      return place.ordinal - firstOrdinal;
    },
    readBuffers(bytes) {
      const each = bytes + INPUT_PADDING;
      if (READ_BUFFERS * each > lateCapacity) return [];
      return Array.from({ length: READ_BUFFERS }, (_, number) => {
        const start = lateBase + number * each;
        return now.bytes.subarray(start, start + bytes);
      });
    },
    skipLong(line) {
      lines++;
      noteLong(line, "");
    },
    counters() {
      refresh(now, memory);
      return {
        ...readCounters(now.view),
        lines,
        tooLong,
        lastTime: greatestTime(),
        foreign: foreign?.counters() ?? [],
      };
    },
  };
}
