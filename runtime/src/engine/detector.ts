// Chunks of NDJSON lines -> detections, in an order that only the events decide.
//
// Lines go through the module in pieces that fit its input region. What it finds waits in the reorder buffer until the
// watermark has passed it by the allowed lateness. Each event then goes its way through one lane: the process trees, which
// set its lineage flags; the event rules, in index order; the event rules that have late tests or pipes; and the sequence
// engine. What the programs find goes through their pipes.
//
// INVARIANT: late tests write where `run` writes, so everything that a run found is read before any of it is judged.
// INVARIANT: cutting the same lines into other chunks changes neither the detections nor their order nor the counters.
// A watermark only says earlier what the next event would have said.
// INVARIANT: objects are made for matched events only.

import {
  BROKEN_DEPTH,
  BROKEN_NOT_OBJECT,
  BROKEN_RECORD_BYTES,
  BROKEN_RECORD_LINE,
  BROKEN_RECORD_OFFSET,
  BROKEN_RECORD_REASON,
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
  RUN_DONE,
} from "@kestrel/stdlib/abi";
import type { LateTest, SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import { LINE_FEED } from "@kestrel/stdlib/text/characters";
import type { Detection, EvidenceEvent } from "../alert/detection.js";
import { createLineage, flagCount, type LineageCounters } from "../lineage/lineage.js";
import { instantiate } from "../load/instantiate.js";
import type { Package } from "../load/load-package.js";
import { createReorder, type OrderedRecord } from "../order/reorder.js";
import { createSequenceEngine, type SequenceCounters } from "../sequence/engine.js";
import type { StageMatch } from "../sequence/stream-event.js";
import { createKeyReader } from "./join-keys.js";
import { createLateTester, type LateEvent } from "./late-tests.js";
import { type FoundEvent, indexPredicateUses, readOutput } from "./output-to-events.js";
import { createPipes } from "./pipes.js";

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
  /**
   * What the order of events is: their time, tiebreaker and arrival, which is so when absent, or their arrival alone, as
   * the endgame dialect has it. Then nothing waits, and event time decides maxspan and nothing else.
   */
  readonly order?: "time" | "arrival";
  /** Whether matches go through the pipes of their rules, which is so when absent. */
  readonly pipes?: boolean;
  /** How many matched events may wait for their order; 1,000,000 when absent, and no limit when everything is sorted. */
  readonly reorderCapacity?: number;
  /** Caps of the sequence engine, see SequenceEngineOptions. */
  readonly maxPerProgram?: number;
  readonly maxTotal?: number;
  readonly sampleWindowNs?: bigint;
  /** How many processes each tree holds, and how many keys the pipes of a rule remember; 100,000 each when absent. */
  readonly maxProcesses?: number;
  readonly maxPipeKeys?: number;
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
  /** Late tests made, and those given up because their lines did not fit. */
  readonly lateTests: number;
  readonly lateLost: number;
  /** Keys that the pipes of rules forgot because of their cap. */
  readonly pipeKeysForgotten: number;
  /** Of the process trees; null for a package that asks for no lineage. */
  readonly lineage: LineageCounters | null;
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
  /**
   * Makes a late test of the package: the key strings under which it holds, or null. `others[i]` is the event of stage
   * `test.stages[i]`. For who applies pipes; not to be called from `onAlert`.
   */
  ask(test: LateTest, event: LateEvent, others: readonly (LateEvent | null)[]): readonly string[] | null;
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
  lineage: Uint8Array | null;
  readonly rules: readonly number[];
  readonly stages: readonly StageMatch[];
}

const EXCERPT_BYTES = 120;
/** What CONTROL_WATERMARK holds before the first event time. */
const NO_TIME = -(1n << 63n);

/** A detector over its own instance of the package's module. */
export function createDetector(pack: Package, options: DetectorOptions): Detector {
  const { latenessNs, onAlert, onBroken, order = "time", pipes: hasPipes = true } = options;
  const { manifest, programs } = pack;
  const usesPipes = hasPipes && programs.some(({ pipes }) => pipes.length > 0);
  const instance = instantiate(pack.module);
  const { memory, run, inputBase, outputBase } = instance;
  const room = instance.inputCapacity - INPUT_PADDING;
  const uses = indexPredicateUses(manifest.predicates, pack);
  const keys = createKeyReader();
  const tester = createLateTester(instance, keys, flagCount(pack.lineage), guard);
  const pipes = usesPipes ? createPipes(programs, tester, options.maxPipeKeys) : null;
  const eventPrograms = indexEventPrograms(programs);
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

  /** A match of a program; it becomes an alert when its pipes let it through. */
  function match(index: number, key: string, events: (EvidenceEvent | null)[]): void {
    const program = programs[index];
    if (program === undefined || (pipes !== null && !pipes.pass(index, events))) return;
    alert({ rule: program.rule, kind: program.kind, key, events });
  }

  const engine = createSequenceEngine(programs, {
    // The engine hands back the objects that it was given.
    onComplete: (index, key, events) => match(index, key, events as (EvidenceEvent | null)[]),
    askLate: (test, event, others) =>
      tester.test(test, event as MatchedEvent, others as (MatchedEvent | null)[]) !== null,
    order,
    ...present("maxPerProgram", options.maxPerProgram),
    ...present("maxTotal", options.maxTotal),
    ...present("sampleWindowNs", options.sampleWindowNs),
  });

  const lineage =
    pack.lineage.length === 0
      ? null
      : createLineage<MatchedEvent>(
          pack.lineage,
          (test, event) => tester.test(test, event, []) !== null,
          options.maxProcesses,
        );

  const reorder = createReorder<MatchedEvent>({
    latenessNs,
    capacity: options.reorderCapacity ?? (latenessNs === null ? Number.POSITIVE_INFINITY : 1_000_000),
    onRecord(event, isLate) {
      // What falls due before this event is reported before it; of a late one that is the time it was too late for.
      engine.advance(isLate && latenessNs !== null ? event.watermark - latenessNs : event.ts);
      judge(event);
    },
  });

  function judge(event: MatchedEvent): void {
    if (lineage !== null) lineage.update(event, event.stages);
    for (const rule of event.rules) alert({ rule, kind: "event", key: "", events: [event] });
    if (event.stages.length === 0) return;
    let concerned: readonly number[] = [];
    for (const { predicate } of event.stages) {
      const more = eventPrograms[predicate];
      if (more !== undefined) concerned = concerned.length === 0 ? more : [...concerned, ...more].sort((a, b) => a - b);
    }
    for (const index of concerned) {
      const test = programs[index]?.stages[0]?.late ?? null;
      if (test === null || tester.test(test, event, []) !== null) match(index, "", [event]);
    }
    engine.accept(event, event.stages);
  }

  function found(event: FoundEvent): MatchedEvent {
    matched++;
    return {
      ordinal: lines + event.line,
      ts: event.ts,
      tie: event.tie,
      watermark: event.watermark,
      line: event.bytes,
      file,
      fileLine: fileLine + event.line,
      rules: event.rules,
      stages: event.stages,
      lineage: null,
    };
  }

  /** Memory that has grown stands elsewhere. */
  function refresh(): void {
    if (view.buffer === memory.buffer) return;
    view = new DataView(memory.buffer);
    bytes = Buffer.from(memory.buffer);
  }

  function counter(offset: number): number {
    return Number(view.getBigUint64(CONTROL_BASE + offset, true));
  }

  function reportBroken(address: number, length: number): void {
    if (onBroken === undefined) return;
    const records = view.getUint32(CONTROL_BASE + CONTROL_BROKEN_RECORDS, true);
    for (let index = 0; index < records; index++) {
      const record = CONTROL_BASE + CONTROL_BROKEN_TABLE + index * BROKEN_RECORD_BYTES;
      const start = address + view.getUint32(record + BROKEN_RECORD_OFFSET, true);
      onBroken({
        file,
        line: fileLine + view.getUint32(record + BROKEN_RECORD_LINE, true),
        reason: brokenReason(view.getUint32(record + BROKEN_RECORD_REASON, true)),
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
      refresh();
      const consumed = view.getUint32(CONTROL_BASE + CONTROL_CONSUMED, true);
      const events: MatchedEvent[] = [];
      const outputBytes = view.getUint32(CONTROL_BASE + CONTROL_OUTPUT_BYTES, true);
      readOutput(view, bytes, outputBase, outputBytes, uses, keys, (event) => events.push(found(event)));
      reportBroken(address, length - used);
      const count = view.getUint32(CONTROL_BASE + CONTROL_BATCH_LINES, true);
      lines += count;
      fileLine += count;
      used += consumed;
      if (order === "time") for (const event of events) reorder.push(event);
      else for (const event of events) judge(event);
      if (status === RUN_DONE) break;
      if (consumed === 0) fail("the module stopped without having read a line", undefined);
    }
    refresh();
    const watermark = view.getBigInt64(CONTROL_BASE + CONTROL_WATERMARK, true);
    if (latenessNs === null || order === "arrival" || watermark === NO_TIME) return;
    reorder.advance(watermark);
    engine.advance(watermark - latenessNs);
  }

  function callRun(address: number, length: number): number {
    tester.forget();
    return guard(() => run(address, length));
  }

  function guard<Result>(call: () => Result): Result {
    try {
      return call();
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
      if (chunk.length > 0 && chunk[chunk.length - 1] !== LINE_FEED) {
        throw new RangeError("a chunk must end with a line feed");
      }
      file = origin.file;
      fileLine = origin.firstLine;
      const before = lines;
      let start = 0;
      while (start < chunk.length) {
        const fits = chunk.length - start <= room;
        const end = fits ? chunk.length : chunk.lastIndexOf(LINE_FEED, start + room - 1) + 1;
        if (end > start) {
          refresh();
          bytes.set(chunk.subarray(start, end), inputBase);
          runPiece(end - start);
          start = end;
          continue;
        }
        const feedAt = chunk.indexOf(LINE_FEED, start);
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
    ask: (test, event, others) => tester.test(test, event, others),
    counters() {
      refresh();
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
        lateTests: tester.made,
        lateLost: tester.lost,
        pipeKeysForgotten: pipes?.forgotten ?? 0,
        lineage: lineage?.counters() ?? null,
        alerts,
        alertsByRule: [...alertsByRule],
        lastTime: watermark === NO_TIME ? null : watermark,
      };
    },
  };
}

/** For each predicate the programs of event rules that it decides, in index order; undefined where there are none. */
function indexEventPrograms(programs: readonly SequenceProgram[]): readonly (readonly number[] | undefined)[] {
  const uses: (number[] | undefined)[] = [];
  for (const [index, { kind, stages }] of programs.entries()) {
    const predicate = stages[0]?.predicate;
    if (kind !== "event" || predicate === undefined) continue;
    const programsOf = uses[predicate] ?? [];
    uses[predicate] = programsOf;
    programsOf.push(index);
  }
  return uses;
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
  const feed = rest.indexOf(LINE_FEED);
  const length = feed < 0 ? rest.length : feed;
  return rest.toString("utf8", 0, Math.min(length, EXCERPT_BYTES)).trimEnd() + (length > EXCERPT_BYTES ? "…" : "");
}
