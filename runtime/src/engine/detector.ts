// Chunks of NDJSON lines -> detections: an evaluator whose batches go to one lane, in the order in which they were read.
//
// INVARIANT: cutting the same lines into other chunks changes neither the detections nor their order nor the counters.

import { LINE_FEED } from "@kestrel/stdlib/text/characters";
import type { BrokenLine } from "../evaluate/broken-lines.js";
import { type ChunkOrigin, createEvaluator, type LongLine } from "../evaluate/evaluator.js";
import type { ForeignCounters, ForeignFaultReport } from "../evaluate/foreign-tester.js";
import { createLane, type LaneCounters, type LaneOptions, type Steps } from "../lane/lane.js";
import type { Ask } from "../lane/pipes.js";
import type { LineageCounters } from "../lineage/lineage.js";
import { ModuleError } from "../load/call-module.js";
import type { Package } from "../load/load-package.js";
import type { SequenceCounters } from "../sequence/engine.js";

export type { BrokenLine } from "../evaluate/broken-lines.js";
export type { ChunkOrigin } from "../evaluate/evaluator.js";
export { ModuleError } from "../load/call-module.js";

export interface DetectorOptions extends LaneOptions {
  /** Takes broken lines: all that are too long, and of the others the first 32 of every piece. All are counted. */
  readonly onBroken?: (line: BrokenLine) => void;
  /** Is told of each fault of hand-written code. */
  readonly onFault?: (fault: ForeignFaultReport) => void;
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
  /** Events with a time before 1990 or after 2099. */
  readonly implausible: number;
  /** Events more than a step ahead of the newest time, and how often the newest time was taken back. */
  readonly leaps: number;
  readonly returns: number;
  /** Events for which at least one predicate held. */
  readonly matched: number;
  /** Events that came behind one that stands after them in their key; those judged early because memory was short. */
  readonly late: number;
  readonly overflowed: number;
  readonly waiting: number;
  /** Events that were left out because their file was changed before their lines were read again. */
  readonly changed: number;
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
  /** Hand-written code that was asked for; its faults, and those of all. */
  readonly foreign: readonly ForeignCounters[];
  readonly faults: number;
  readonly alerts: number;
  /** By rule index. */
  readonly alertsByRule: LaneCounters["alertsByRule"];
  /** The greatest event time, in nanoseconds; null before the first. */
  readonly lastTime: bigint | null;
}

export interface Detector {
  /**
   * Buffers of so many bytes for a reader to take turns with, two or none, in the module's memory: chunks that are parts of them are judged
   * where they stand, any others are copied first. They are good as long as the detector, and stand at the same place whenever they are asked for.
   */
  readBuffers(bytes: number): readonly Buffer[];
  /**
   * Takes whole lines, the last one ended by a line feed too, and returns how many. The buffer can be used again afterwards.
   * Throws RangeError when the last line is not ended, and {@link ModuleError} when the module fails.
   */
  feed(bytes: Buffer, origin: ChunkOrigin): number;
  /**
   * The same with pauses: it yields once `onAlert` has been called PAUSE_AFTER times, but not before it was called for
   * all that the event at hand completes. The generator must be run to its end before the detector is used again, and
   * the buffer must stay until then.
   */
  feedInSteps(bytes: Buffer, origin: ChunkOrigin): Generator<void, number, void>;
  /**
   * Takes a line that says only what time it is, and steps as `feedInSteps` does. It moves the clock of the stream as an event of
   * that time would; it is none, no rule sees it, and it is not counted.
   */
  tickInSteps(line: Buffer, origin: ChunkOrigin): Steps;
  /** Counts and reports a line that its reader left out because it was too long. */
  skipLong(line: LongLine): void;
  /** Says that the stream has ended: everything that waits is judged. */
  finish(): void;
  /** The same with pauses, as `feedInSteps` has them. */
  finishInSteps(): Steps;
  /** Says that the stream has been silent for so long, see Lane; with pauses. */
  idleInSteps(silenceNs: bigint): Steps;
  /** Says that the run has ended, the stream has not, see Lane; with pauses. */
  stopInSteps(): Steps;
  /**
   * Makes a late test of the package: the key strings under which it holds, or null. `others[i]` is the event of stage
   * `test.stages[i]`. For callers that apply pipes themselves; not to be called from `onAlert`. Throws RangeError for a
   * package without tests.
   */
  readonly ask: Ask;
  counters(): DetectorCounters;
}

/** The clock must move on, whatever the lateness. */
const LEAST_STEP_NS = 1_000_000_000n;

/** A detector over its own instances of the package's module. */
export function createDetector(pack: Package, options: DetectorOptions): Detector {
  const { latenessNs } = options;
  const quarter = latenessNs === null ? 0n : latenessNs / 4n;
  // An event that is far ahead of all others uses up a quarter of the time that what waits has got.
  const stepNs = quarter < LEAST_STEP_NS ? LEAST_STEP_NS : quarter;
  const evaluator = createEvaluator(pack, options.onBroken, stepNs, options.onFault);
  const lane = createLane(pack, options);
  /** The arrival number of the next line. */
  let arrived = 0;
  /** Lines that said only what time it is. */
  let ticks = 0;
  /**
   * Set while a step runs. It stays set when one throws or is not run to its end: the lane then stands inside an event.
   */
  let isUnderWay = false;

  function begin(): void {
    if (isUnderWay) throw new ModuleError("the module has failed before, or a step was not run to its end");
  }

  function* feedInSteps(chunk: Buffer, origin: ChunkOrigin): Generator<void, number, void> {
    begin();
    if (chunk.length > 0 && chunk[chunk.length - 1] !== LINE_FEED) {
      throw new RangeError("a chunk must end with a line feed");
    }
    isUnderWay = true;
    const batches = evaluator.evaluate(chunk, origin, arrived);
    let batch = batches.next();
    for (; batch.done !== true; batch = batches.next()) yield* lane.take(batch.value);
    isUnderWay = false;
    arrived += batch.value;
    return batch.value;
  }

  function* tickSteps(line: Buffer, origin: ChunkOrigin): Steps {
    const batches = evaluator.evaluate(line, origin, arrived);
    let batch = batches.next();
    for (; batch.done !== true; batch = batches.next()) yield* lane.advance(batch.value.clock);
    ticks += batch.value;
  }

  function* inSteps(steps: Steps): Steps {
    begin();
    isUnderWay = true;
    yield* steps;
    isUnderWay = false;
  }

  return {
    feed: (chunk, origin) => runThrough(feedInSteps(chunk, origin)),
    readBuffers: evaluator.readBuffers,
    feedInSteps,
    tickInSteps: (line, origin) => inSteps(tickSteps(line, origin)),
    skipLong(line) {
      arrived++;
      evaluator.skipLong(line);
    },
    finish: () => runThrough(inSteps(lane.finish())),
    finishInSteps: () => inSteps(lane.finish()),
    idleInSteps: (silenceNs) => inSteps(lane.idle(silenceNs)),
    stopInSteps: () => inSteps(lane.stop()),
    ask: lane.ask,
    counters() {
      const read = evaluator.counters();
      const { lateTests, ...judged } = lane.counters();
      const late = lateTests?.module;
      const foreign = joined([...read.foreign, ...(lateTests?.foreign ?? [])]);
      return {
        lines: read.lines - ticks,
        events: read.events - ticks,
        blank: read.blank,
        broken: read.broken + read.tooLong,
        tooLong: read.tooLong,
        malformed: read.malformed + (late?.malformed ?? 0),
        replaced: read.replaced + (late?.replaced ?? 0),
        untimed: read.untimed,
        implausible: read.implausible,
        // Where everything is sorted nobody asks the clock.
        leaps: latenessNs === null ? 0 : read.leaps,
        returns: latenessNs === null ? 0 : read.returns,
        matched: judged.matched,
        late: judged.late,
        overflowed: judged.overflowed,
        waiting: judged.waiting,
        changed: judged.changed,
        keyOverflow: read.keyOverflow + (late?.keyOverflow ?? 0),
        keysCut: judged.keysCut + (lateTests?.keysCut ?? 0),
        combinations: read.combinations + (late?.combinations ?? 0),
        evaluated: read.evaluated + (late?.evaluated ?? 0),
        sequences: judged.sequences,
        lateTests: lateTests?.made ?? 0,
        lateLost: lateTests?.lost ?? 0,
        pipeKeysForgotten: judged.pipeKeysForgotten,
        lineage: judged.lineage,
        foreign,
        faults: foreign.reduce((sum, { faults }) => sum + faults, 0),
        alerts: judged.alerts,
        alertsByRule: judged.alertsByRule,
        lastTime: read.lastTime,
      };
    },
  };
}

/** Runs a generator to its end without waiting. */
function runThrough<Result>(steps: Generator<void, Result, void>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Each code once, of which there may be two instances: one that events ask, and one that late tests do. */
function joined(counters: readonly ForeignCounters[]): readonly ForeignCounters[] {
  const byName = new Map<string, ForeignCounters>();
  for (const one of counters) {
    const other = byName.get(one.name);
    byName.set(
      one.name,
      other === undefined
        ? one
        : {
            ...one,
            evaluated: one.evaluated + other.evaluated,
            matched: one.matched + other.matched,
            faults: one.faults + other.faults,
            skipped: one.skipped + other.skipped,
            quarantines: one.quarantines + other.quarantines,
            lastFault: one.lastFault ?? other.lastFault,
          },
    );
  }
  return [...byName.values()];
}
