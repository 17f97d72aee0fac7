// Chunks of NDJSON lines -> detections, in an order that only the events decide.
//
// Lines go through the module in pieces that fit its input region. What it finds waits in the reorder buffer until the
// watermark has passed it by the allowed lateness; each event then goes first to the event rules, in index order, and
// then to the sequence engine.
//
// INVARIANT: cutting the same lines into other chunks changes neither the detections nor their order nor the counters.
// A watermark only says earlier what the next event would have said.
// INVARIANT: objects are made for matched events only.

import {
  BROKEN_DEPTH,
  BROKEN_NOT_OBJECT,
  BROKEN_RECORD_BYTES,
  BROKEN_SIZE,
  CONTROL_BASE,
  CONTROL_BATCH_LINES,
  CONTROL_BLANK,
  CONTROL_BROKEN,
  CONTROL_BROKEN_RECORDS,
  CONTROL_BROKEN_TABLE,
  CONTROL_COMBINATIONS,
  CONTROL_CONSUMED,
  CONTROL_EVALUATED,
  CONTROL_EVENTS,
  CONTROL_KEY_OVERFLOW,
  CONTROL_MALFORMED,
  CONTROL_OUTPUT_BYTES,
  CONTROL_REPLACED,
  CONTROL_UNTIMED,
  CONTROL_WATERMARK,
  INPUT_PADDING,
} from "@kestrel/stdlib/abi";
import type { Detection, EvidenceEvent } from "../alert/detection.js";
import { instantiate } from "../load/instantiate.js";
import type { Package } from "../load/load-package.js";
import { createReorder, type OrderedRecord } from "../order/reorder.js";
import { createSequenceEngine, type SequenceCounters } from "../sequence/engine.js";
import type { StageMatch } from "../sequence/stream-event.js";
import { createKeyReader } from "./join-keys.js";
import { type FoundEvent, indexPredicateUses, readOutput } from "./output-to-events.js";

/** Where a chunk was read. */
export interface ChunkOrigin {
  readonly file: string;
  /** Number of the chunk's first line in its file, from 1. */
  readonly firstLine: number;
}

/** A line that is not an event. */
export interface BrokenLine {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
  /** The beginning of the line. */
  readonly excerpt: string;
}

export interface DetectorOptions {
  /** How late an event may come and still find its place; null for no limit: everything waits, and is sorted. */
  readonly latenessNs: bigint | null;
  /** Takes the detections. It must neither throw nor call back into the detector. */
  readonly onAlert: (detection: Detection) => void;
  /** Takes broken lines: all that are too long, and of the others the first 32 of every piece. All are counted. */
  readonly onBroken?: (line: BrokenLine) => void;
  /** How many matched events may wait for their order; 1,000,000 when absent, and no limit when everything is sorted. */
  readonly reorderCapacity?: number;
  /** Caps of the sequence engine, see SequenceEngineOptions. */
  readonly maxPerProgram?: number;
  readonly maxTotal?: number;
  readonly sampleWindowNs?: bigint;
}

export interface DetectorCounters {
  readonly lines: number;
  readonly events: number;
  readonly blank: number;
  /** Lines that are not events, the too long ones included. */
  readonly broken: number;
  readonly tooLong: number;
  /** Values that their field's type could not take. */
  readonly malformed: number;
  /** Strings with invalid UTF-8. */
  readonly replaced: number;
  /** Events without a readable time. */
  readonly untimed: number;
  /** Events for which at least one predicate held. */
  readonly matched: number;
  /** Matched events that came later than was allowed, and those released early because too many waited. */
  readonly late: number;
  readonly overflowed: number;
  readonly waiting: number;
  /** Matches that lost their join keys, those whose multi-valued keys were cut, leaves with too many combinations. */
  readonly keyOverflow: number;
  readonly keysCut: number;
  readonly combinations: number;
  /** Predicates evaluated. */
  readonly evaluated: number;
  readonly sequences: SequenceCounters;
  readonly alerts: number;
  /** By rule index. */
  readonly alertsByRule: readonly number[];
  /** The greatest event time, in nanoseconds; null before the first. */
  readonly lastTime: bigint | null;
}

export interface Detector {
  /**
   * Takes whole lines, the last one ended by a line feed too, and returns how many. The buffer can be used again afterwards.
   * Throws RangeError when the last line is not ended, and {@link ModuleError} when the module fails.
   */
  feed(bytes: Buffer, origin: ChunkOrigin): number;
  /** Counts and reports a line that its reader left out because it was too long. */
  skipLong(line: { readonly file: string; readonly line: number; readonly bytes: number }): void;
  /** Says that the stream has ended: everything that waits is judged. */
  finish(): void;
  counters(): DetectorCounters;
}

/** The module failed, which a module that eqlc built does not do; the detector cannot be used any more. */
export class ModuleError extends Error {
  readonly code = "E_MODULE_FAILED";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ModuleError";
  }
}

interface MatchedEvent extends EvidenceEvent, OrderedRecord {
  readonly rules: readonly number[];
  readonly stages: readonly StageMatch[];
}

const NEWLINE = 10;
const EXCERPT_BYTES = 120;
/** What CONTROL_WATERMARK holds before the first event time. */
const NO_TIME = -(1n << 63n);

/** A detector over its own instance of the package's module. */
export function createDetector(pack: Package, options: DetectorOptions): Detector {
  const { latenessNs, onAlert, onBroken } = options;
  const { manifest, programs } = pack;
  const instance = instantiate(pack.module);
  const { memory, run, inputBase, outputBase } = instance;
  const room = instance.inputCapacity - INPUT_PADDING;
  const uses = indexPredicateUses(manifest.predicates, programs);
  const keys = createKeyReader();
  const alertsByRule = new Array<number>(manifest.rules.length).fill(0);
  let view = new DataView(memory.buffer);
  let bytes = Buffer.from(memory.buffer);
  let lines = 0;
  let tooLong = 0;
  let matched = 0;
  let alerts = 0;
  let failed = false;
  // Of the chunk and the piece being worked on.
  let file = "";
  let fileLine = 0;

  function alert(detection: Detection): void {
    alerts++;
    alertsByRule[detection.rule] = (alertsByRule[detection.rule] ?? 0) + 1;
    onAlert(detection);
  }

  const engine = createSequenceEngine(programs, {
    onComplete(index, key, events) {
      const program = programs[index];
      if (program === undefined) return;
      // The engine hands back the objects that it was given.
      alert({ rule: program.rule, kind: program.kind, key, events: events as (EvidenceEvent | null)[] });
    },
    ...present("maxPerProgram", options.maxPerProgram),
    ...present("maxTotal", options.maxTotal),
    ...present("sampleWindowNs", options.sampleWindowNs),
  });

  const reorder = createReorder<MatchedEvent>({
    latenessNs,
    capacity: options.reorderCapacity ?? (latenessNs === null ? Number.POSITIVE_INFINITY : 1_000_000),
    onRecord(event, late) {
      // What falls due before this event is reported before it; of a late one that is the time it was too late for.
      engine.advance(late && latenessNs !== null ? event.watermark - latenessNs : event.ts);
      for (const rule of event.rules) alert({ rule, kind: "event", key: "", events: [event] });
      if (event.stages.length > 0) engine.accept(event, event.stages);
    },
  });

  function found(event: FoundEvent): void {
    matched++;
    reorder.push({
      ordinal: lines + event.line,
      ts: event.ts,
      tie: event.tie,
      watermark: event.watermark,
      line: event.bytes,
      file,
      fileLine: fileLine + event.line,
      rules: event.rules,
      stages: event.stages,
    });
  }

  function counter(offset: number): number {
    return Number(view.getBigUint64(CONTROL_BASE + offset, true));
  }

  function reportBroken(address: number, length: number): void {
    if (onBroken === undefined) return;
    const records = view.getUint32(CONTROL_BASE + CONTROL_BROKEN_RECORDS, true);
    for (let index = 0; index < records; index++) {
      const record = CONTROL_BASE + CONTROL_BROKEN_TABLE + index * BROKEN_RECORD_BYTES;
      const start = address + view.getUint32(record + 4, true);
      onBroken({
        file,
        line: fileLine + view.getUint32(record, true),
        reason: brokenReason(view.getUint32(record + 8, true)),
        excerpt: excerptOf(bytes.subarray(start, address + length)),
      });
    }
  }

  /** Runs the lines that stand in the input region. */
  function runPiece(length: number): void {
    let used = 0;
    for (;;) {
      const address = inputBase + used;
      const status = callRun(address, length - used);
      if (view.buffer !== memory.buffer) {
        view = new DataView(memory.buffer);
        bytes = Buffer.from(memory.buffer);
      }
      const consumed = view.getUint32(CONTROL_BASE + CONTROL_CONSUMED, true);
      readOutput(view, bytes, outputBase, view.getUint32(CONTROL_BASE + CONTROL_OUTPUT_BYTES, true), uses, keys, found);
      reportBroken(address, length - used);
      const count = view.getUint32(CONTROL_BASE + CONTROL_BATCH_LINES, true);
      lines += count;
      fileLine += count;
      used += consumed;
      if (status === 0) break;
      if (consumed === 0) fail("the module stopped without having read a line", undefined);
    }
    const watermark = view.getBigInt64(CONTROL_BASE + CONTROL_WATERMARK, true);
    if (latenessNs === null || watermark === NO_TIME) return;
    reorder.advance(watermark);
    engine.advance(watermark - latenessNs);
  }

  function callRun(address: number, length: number): number {
    try {
      return run(address, length);
    } catch (error) {
      return fail(`the module failed: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  }

  function fail(message: string, cause: unknown): never {
    failed = true;
    throw new ModuleError(`${message} (${file}, at or behind line ${fileLine})`, { cause });
  }

  function skipLong(line: { readonly file: string; readonly line: number; readonly bytes: number }): void {
    noteLong(line.file, line.line, line.bytes, "");
  }

  function noteLong(inFile: string, line: number, length: number, excerpt: string): void {
    lines++;
    tooLong++;
    onBroken?.({ file: inFile, line, reason: `too long, ${length} bytes`, excerpt });
  }

  return {
    feed(chunk, origin) {
      if (failed) throw new ModuleError("the module has failed before");
      if (chunk.length > 0 && chunk[chunk.length - 1] !== NEWLINE) {
        throw new RangeError("a chunk must end with a line feed");
      }
      file = origin.file;
      fileLine = origin.firstLine;
      const before = lines;
      let start = 0;
      while (start < chunk.length) {
        const fits = chunk.length - start <= room;
        const end = fits ? chunk.length : chunk.lastIndexOf(NEWLINE, start + room - 1) + 1;
        if (end > start) {
          bytes.set(chunk.subarray(start, end), inputBase);
          runPiece(end - start);
          start = end;
          continue;
        }
        const feedAt = chunk.indexOf(NEWLINE, start);
        noteLong(file, fileLine, feedAt - start, excerptOf(chunk.subarray(start, feedAt)));
        fileLine++;
        start = feedAt + 1;
      }
      return lines - before;
    },
    skipLong,
    finish() {
      reorder.finish();
      engine.finish();
    },
    counters() {
      const { late, overflowed, waiting } = reorder.counters();
      const watermark = view.getBigInt64(CONTROL_BASE + CONTROL_WATERMARK, true);
      return {
        lines,
        events: counter(CONTROL_EVENTS),
        blank: counter(CONTROL_BLANK),
        broken: counter(CONTROL_BROKEN) + tooLong,
        tooLong,
        malformed: counter(CONTROL_MALFORMED),
        replaced: counter(CONTROL_REPLACED),
        untimed: counter(CONTROL_UNTIMED),
        matched,
        late,
        overflowed,
        waiting,
        keyOverflow: counter(CONTROL_KEY_OVERFLOW),
        keysCut: keys.cut,
        combinations: counter(CONTROL_COMBINATIONS),
        evaluated: counter(CONTROL_EVALUATED),
        sequences: engine.counters(),
        alerts,
        alertsByRule: [...alertsByRule],
        lastTime: watermark === NO_TIME ? null : watermark,
      };
    },
  };
}

/** An optional option, left out when it is undefined. */
function present<Name extends string, Value>(name: Name, value: Value | undefined): { [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]?: Value });
}

function brokenReason(code: number): string {
  switch (code) {
    case BROKEN_NOT_OBJECT:
      return "not a JSON object";
    case BROKEN_DEPTH:
      return "nested too deeply";
    case BROKEN_SIZE:
      return "too much to hold in one event";
    default:
      return "not valid JSON";
  }
}

function excerptOf(rest: Buffer): string {
  const feed = rest.indexOf(NEWLINE);
  const length = feed < 0 ? rest.length : feed;
  return rest.toString("utf8", 0, Math.min(length, EXCERPT_BYTES)).trimEnd() + (length > EXCERPT_BYTES ? "…" : "");
}
