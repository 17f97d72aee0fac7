// A package folder and files of events -> alerts on standard output or in a file, and a summary on standard error.

import { join } from "node:path";
import { MODULE_FILE } from "@kestrel/stdlib/package-format";
import { TIME_UNITS, type TimeUnit } from "@kestrel/stdlib/time-units";
import { printable } from "../alert/terminal.js";
import { isHeader } from "../ebpf/notes.js";
import { compareDetectors } from "../engine/compare-detectors.js";
import { createDetector, type Detector, type DetectorOptions } from "../engine/detector.js";
import { ModuleError } from "../load/call-module.js";
import { loadForRuntime, type Runtime } from "../load/choose-runtime.js";
import type { LoadOptions, Package } from "../load/load-package.js";
import { expandPaths } from "../read/expand-paths.js";
import { hasEnd } from "../read/has-end.js";
import { InputError, type ReadOptions, readChunks } from "../read/lines.js";
import { createFilesAgain, type FilesAgain } from "../read/read-again.js";
import { counted, summaryJson, summaryText } from "../report/summary.js";
import { createInputWatch, type InputWatch } from "../report/usable-input.js";
import { createDelivery, type Delivery } from "../sink/delivery.js";
import { createBrokenReport } from "./broken-report.js";
import { createDifferenceReport } from "./difference-report.js";
import {
  CliError,
  describeFailure,
  EXIT_ALERTS,
  EXIT_NOT_READ,
  EXIT_OK,
  errorLine,
  reportFailure,
} from "./failures.js";
import { createFaultReport } from "./fault-report.js";
import { feedChunks } from "./feed-chunks.js";
import { type JudgedStream, judgeStream } from "./judge-stream.js";
import { createLossReport } from "./loss-report.js";
import { openSinks, type SinkOptions } from "./open-sinks.js";
import { startProfile } from "./profile-option.js";
import { createProgress, type Progress } from "./progress.js";
import { findRecordings } from "./recordings.js";
import { createStop, isSignal, SIGNALS, type Stop, type StopReason, stopAtSignals } from "./stop.js";
import { expectRunOver } from "./wasm-tiers.js";
import { startWatchdog, type Watchdog } from "./watchdog.js";

export interface ReplayOptions extends SinkOptions, LoadOptions {
  /** Files, folders and patterns in the order in which they make one stream; `-` is standard input. */
  readonly replay: readonly string[];
  /** null sorts everything; undefined sorts inputs that have an end, and gives others the lateness that is usual. */
  readonly latenessNs: bigint | null | undefined;
  /** After so much silence of an input that may not end nothing waits for its order any longer; 0 for never. */
  readonly idleNs: bigint;
  /** What the events that wait or are kept may take. */
  readonly memoryBytes: number;
  /** What one call into the module may take; 0 for any time. */
  readonly moduleTimeoutNs: bigint;
  /** What a number in the time field counts; null for what the package was built with. */
  readonly timestampUnit: TimeUnit | null;
  /** How predicates are run; null for how the package was built. */
  readonly runtime: Runtime | null;
  readonly strict: boolean;
  readonly failOnAlerts: boolean;
  readonly maxLineBytes: number;
  readonly batchBytes: number;
  /** Where the profile of the run is written; null for nowhere. */
  readonly profile: string | null;
  readonly summary: "text" | "json" | "none";
}

/** What the lateness is where nobody has said it and the input may not end. */
export const USUAL_LATENESS_NS = 60_000_000_000n;

/** What became of the reading. */
type Ending = "end" | StopReason;

/** Runs to the end of the input, and returns the exit code. Failures are thrown. */
export async function replay(dir: string, given: ReplayOptions): Promise<number> {
  // Not by performance.now(), for which Node loads a millisecond of modules.
  const began = process.hrtime.bigint();
  const watchdog = startWatchdog(join(dir, MODULE_FILE), given.moduleTimeoutNs);
  try {
    return await replayWatched(dir, given, watchdog, began);
  } finally {
    await watchdog.close();
  }
}

async function replayWatched(dir: string, given: ReplayOptions, watchdog: Watchdog, began: bigint): Promise<number> {
  const profile = await startProfile(given.profile, dir, () => expandPaths(given.replay).paths);
  expectRunOver(given.replay);
  const chosen = await loadForRuntime(dir, given.runtime, given);
  const { timestampUnit } = given;
  const inUnit = (built: Package): Package =>
    timestampUnit === null ? built : { ...built, timeUnit: TIME_UNITS[timestampUnit] };
  const pack = inUnit(chosen.pack);
  const { paths, skippable } = expandPaths(given.replay);
  const options: ReplayOptions = { ...given, replay: paths };
  const stop = createStop();
  const sinks = await openSinks(dir, options, {
    closed: () => stop.now("nobody reads"),
    say: (line) => broken.say(line),
  });
  // A bar would run into alerts on the same terminal.
  const mixed = options.output !== null && process.stdout.isTTY;
  const progress = await createProgress(mixed ? ["-"] : options.replay, process.stderr);
  // Nobody may be there to read the summary; the exit code still says how it went.
  process.stderr.on("error", () => undefined);
  const broken = createBrokenReport(() => progress.clear());
  const delivery = createDelivery(pack.manifest, sinks, (error) => {
    for (const line of describeFailure(error) ?? []) broken.say(`${line}; the other output goes on`);
  });
  const mayNotEnd = !(await haveEnds(options.replay));
  const recordings = await findRecordings(options.replay, pack.manifest, broken.say);
  const usual = recordings.latenessNs ?? (mayNotEnd ? USUAL_LATENESS_NS : null);
  const latenessNs = options.latenessNs === undefined ? usual : options.latenessNs;
  const changed: Changed[] = [];
  const judging = {
    ...{ latenessNs, memoryBytes: options.memoryBytes, onFault: createFaultReport(broken.say) },
    onChanged(place: Changed): void {
      if (changed.length === 0) changed.push(place);
    },
  };
  const make = (onAlert: Delivery["onAlert"]): Detector =>
    createDetector(pack, { ...judging, onAlert, onBroken: broken.show });
  const { other } = chosen;
  const compared =
    other === null
      ? null
      : compareDetectors(
          make,
          (onAlert) => createDetector(inUnit(other), { ...judging, onAlert }),
          delivery.onAlert,
          createDifferenceReport(pack.manifest, broken.say),
        );
  const detector = compared?.detector ?? make(delivery.onAlert);
  const idleNs = mayNotEnd && latenessNs !== null ? options.idleNs : 0n;
  const { category_field: categoryField, categories = null } = pack.manifest.schema;
  const watch = createInputWatch({ categoryField, categories });
  let skipped = 0;
  const passOver = {
    skippable,
    onSkip(_: string, reason: string): void {
      skipped++;
      broken.say(printable(`note: left out: ${reason}`));
    },
  };
  const losses = createLossReport(broken.say);
  const stream = judgeStream(detector, delivery, { obeysTicks: latenessNs !== null, onLoss: losses.add });
  const repeats = recordings.latenessNs !== null && latenessNs !== null;
  const signals = stopAtSignals(stop);
  const run = runAll({
    ...{ detector, delivery, stream, stop, progress, watch, passOver },
    recordings: recordings.files,
    endsAsStopped: repeats,
    again: latenessNs === null ? createFilesAgain() : null,
    options: { ...options, idleNs },
  });
  const outcome = await watchdog.whileWatched(run, signals).catch(async (error: unknown): Promise<Outcome> => {
    if (!(error instanceof ModuleError)) throw error;
    // It was ended where it stood, with nothing written of what it had found.
    await delivery.close();
    return { ending: "end", failure: error };
  });
  progress.clear();

  const counters = detector.counters();
  const { ending } = outcome;
  const failure = outcome.failure ?? (ending === "end" ? changedFailure(changed, counters.changed) : null);
  if (ending === "nobody reads") {
    broken.say(errorLine("E_ALERTS_WRITE", "nobody reads standard output any more: the run ended there"));
  }
  if (!(failure !== null && counters.lines === 0)) {
    broken.sumUp(counters.broken);
    losses.sumUp();
    const facts = { seconds: Number(process.hrtime.bigint() - began) / 1e9, lost: losses.byClass };
    if (options.summary === "json") broken.say(summaryJson(counters, pack.manifest, facts));
    if (options.summary === "text") broken.say(summaryText(counters, facts));
  }
  const profiled = await profile?.finish(chosen.folder, pack.manifest, counters);
  if (profiled !== undefined && options.summary === "text") broken.say(profiled);
  // An input that is still read would keep the process alive.
  if (failure instanceof ModuleError) process.exit(reportFailure(failure));
  if (failure !== null) throw failure;
  // A read that still waits for input would keep the process alive; everything has been written.
  if (isSignal(ending)) process.exit(128 + SIGNALS[ending]);
  if (ending === "nobody reads") process.exit(EXIT_NOT_READ);
  if (ending === "end") {
    const problem = watch.problem(counters);
    if (problem !== null) throw new CliError("E_INPUT_UNUSABLE", problem);
    if (skipped > 0 && skipped === paths.length) {
      throw new CliError("E_INPUT_UNUSABLE", `no file of events in ${given.replay.join(", ")}`);
    }
    if (counters.lines === counters.blank) broken.say("note: the input is empty");
  }
  const differences = compared?.differences() ?? 0;
  if (differences > 0) {
    throw new CliError(
      "E_RUNTIMES_DIFFER",
      `Wasm and Lua did not find the same in ${counted(differences, "batch", "batches")} of events`,
    );
  }
  if (options.strict && counters.broken > 0) {
    throw new CliError("E_INPUT_BROKEN", `${counted(counters.broken, "line is", "lines are")} broken (--strict)`);
  }
  const strange = counters.untimed + counters.implausible;
  if (options.strict && strange > 0) {
    const message = `${counted(strange, "event has", "events have")} no time, or one before 1990 or after 2099 (--strict)`;
    throw new CliError("E_INPUT_TIME", message);
  }
  return options.failOnAlerts && counters.alerts > 0 ? EXIT_ALERTS : EXIT_OK;
}

type Changed = Parameters<NonNullable<DetectorOptions["onChanged"]>>[0];

/** What is wrong when `count` events were left out because files were written to while they were read; null when none was. */
function changedFailure([first]: readonly Changed[], count: number): InputError | null {
  if (first === undefined) return null;
  const { file, line } = first;
  const more = count > 1 ? `, and ${counted(count - 1, "event", "events")} more` : "";
  return new InputError(file, `${file} was changed while it was read: the event on line ${line} was left out${more}`);
}

async function haveEnds(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) if (!(await hasEnd(path))) return false;
  return true;
}

/** What a run is made of. */
interface Run {
  readonly detector: Detector;
  readonly delivery: Delivery;
  readonly stream: JudgedStream;
  readonly stop: Stop;
  readonly progress: Progress;
  readonly watch: InputWatch;
  readonly passOver: Pick<ReadOptions, "skippable" | "onSkip">;
  /** Inputs that are recordings of live runs. */
  readonly recordings: ReadonlySet<string>;
  /** A live run has no end: what is not due when its recording is over is not judged. */
  readonly endsAsStopped: boolean;
  /** The files that can be read again, where all that waits does so for the end. */
  readonly again: FilesAgain | null;
  readonly options: ReplayOptions;
}

interface Outcome {
  readonly ending: Ending;
  readonly failure: InputError | ModuleError | null;
}

/** Reads and judges everything, and writes what was found. An input that breaks off is an ending too, and a module that fails. */
async function runAll(run: Run): Promise<Outcome> {
  const { detector, delivery, stream, stop, progress, watch, recordings, endsAsStopped, again, options } = run;
  const chunks = readChunks(options.replay, {
    ...run.passOver,
    ...(again === null ? {} : { again }),
    chunkBytes: options.batchBytes,
    maxLineBytes: options.maxLineBytes,
    onOversize(line) {
      watch.skipLong(line.file);
      detector.skipLong(line);
    },
    reuse: true,
    buffers: detector.readBuffers(options.batchBytes),
  });
  const silence = {
    ns: options.idleNs,
    over: () => stream.idle(options.idleNs),
  };
  let ending: Ending = "end";
  let failure: Outcome["failure"] = null;
  try {
    ending = await feedChunks(chunks, stop, silence, async (chunk) => {
      if (!recordings.has(chunk.file) && isHeader(chunk.bytes)) {
        const input = chunk.file === "-" ? "standard input" : chunk.file;
        throw new CliError("E_INPUT_UNUSABLE", `${input} is the recording of a live run: name its file to --replay`);
      }
      if (recordings.has(chunk.file)) chunk.lineCount = await stream.feedLive(chunk);
      else {
        watch.look(chunk);
        chunk.lineCount = await stream.feed(chunk);
      }
      progress.add(chunk.bytes.length);
    }).catch((error: unknown): Ending => {
      if (!(error instanceof InputError)) throw error;
      failure = error;
      return "end";
    });
    // Nothing was read: there is nothing to end, and what an earlier run has written stays.
    const hasRead = failure === null || detector.counters().lines > 0;
    if (isSignal(ending) || (ending === "end" && hasRead && endsAsStopped)) await stream.stop();
    else if (ending === "end" && hasRead && (await stream.finish(stop)) === "stopped") ending = stop.reason ?? "end";
    await delivery.flush();
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
    failure = error;
  } finally {
    await delivery.close();
    await again?.close();
  }
  if (delivery.failure !== null) throw delivery.failure;
  return { ending, failure };
}
