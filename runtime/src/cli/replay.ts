// A package folder and files of events -> alerts on standard output or in a file, and a summary on standard error.

import { stat } from "node:fs/promises";
import { createAlertWriter } from "../alert/alert-to-json.js";
import { createAlertRenderer } from "../alert/alert-to-text.js";
import { printable, wantsColor } from "../alert/terminal.js";
import { type BrokenLine, createDetector, type Detector } from "../engine/detector.js";
import { loadPackage } from "../load/load-package.js";
import { type Chunk, InputError, readChunks } from "../read/lines.js";
import { counted, summaryJson, summaryText } from "../report/summary.js";
import { CliError, describeFailure, EXIT_ALERTS, EXIT_BAD_INPUT, EXIT_OK } from "./failures.js";
import { createProgress } from "./progress.js";
import { fileSink, type Sink, streamSink } from "./sinks.js";

export interface ReplayOptions {
  /** Files in the order in which they make one stream; `-` is standard input. */
  readonly replay: readonly string[];
  /** File for the alerts; without it they go to standard output. */
  readonly alerts: string | null;
  /** What goes to standard output; null for nothing. */
  readonly output: "text" | "json" | null;
  /** null sorts everything. */
  readonly latenessNs: bigint | null;
  readonly strict: boolean;
  readonly failOnAlerts: boolean;
  readonly maxLineBytes: number;
  readonly batchBytes: number;
  readonly summary: "text" | "json" | "none";
}

/** How many broken lines are shown; the rest is counted. */
const SHOWN_BROKEN = 5;

/** What became of the reading. */
type Ending = "end" | "interrupted" | "nobody reads";

/** Runs to the end of the input, and returns the exit code. Failures are thrown. */
export async function replay(dir: string, options: ReplayOptions): Promise<number> {
  const began = performance.now();
  const pack = await loadPackage(dir);
  let stop: (ending: Ending) => void = () => undefined;
  const stopped = new Promise<Ending>((resolve) => {
    stop = resolve;
  });
  const sinks: { readonly sink: Sink; readonly show: Parameters<typeof createDetector>[1]["onAlert"] }[] = [];
  const attach = (sink: Sink, format: "text" | "json"): void => {
    const color = wantsColor(process.stdout, process.env);
    const render = format === "text" ? createAlertRenderer(pack.manifest, { color }) : createAlertWriter(pack.manifest);
    const gap = "\n";
    sinks.push({ sink, show: (detection) => sink.write(render(detection) + gap) });
  };
  if (options.alerts !== null) {
    await assertNotAnInput(options.alerts, options.replay);
    attach(fileSink(options.alerts), "json");
  }
  if (options.output !== null)
    attach(
      streamSink(process.stdout, () => stop("nobody reads")),
      options.output,
    );
  // A bar would run into alerts on the same terminal.
  const mixed = options.output !== null && process.stdout.isTTY;
  const progress = await createProgress(mixed ? ["-"] : options.replay, process.stderr);
  const say = (line: string): void => {
    progress.clear();
    process.stderr.write(`${line}\n`);
  };
  // Nobody may be there to read the summary; the exit code still says how it went.
  process.stderr.on("error", () => undefined);

  let brokenSeen = 0;
  const detector = createDetector(pack, {
    latenessNs: options.latenessNs,
    onAlert(detection) {
      for (const { show } of sinks) show(detection);
    },
    onBroken(line) {
      brokenSeen++;
      if (brokenSeen <= SHOWN_BROKEN) say(brokenText(line));
    },
  });
  const chunks = readChunks(options.replay, {
    chunkBytes: options.batchBytes,
    maxLineBytes: options.maxLineBytes,
    onOversize: (line) => detector.skipLong(line),
    reuse: true,
  });
  const flush = async (): Promise<void> => {
    for (const { sink } of sinks) await sink.flush();
  };
  const onSignal = (): void => stop("interrupted");
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  let ending: Ending = "end";
  let failure: InputError | null = null;
  try {
    ending = await feedAll(chunks, detector, stopped, async (bytes) => {
      await flush();
      progress.add(bytes);
    });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    failure = error;
  }
  process.off("SIGINT", onSignal);
  process.off("SIGTERM", onSignal);
  detector.finish();
  await flush();
  for (const { sink } of sinks) sink.close();
  progress.clear();

  const counters = detector.counters();
  if (ending !== "nobody reads" && !(failure !== null && counters.lines === 0)) {
    const hidden = counters.broken - Math.min(brokenSeen, SHOWN_BROKEN);
    if (hidden > 0 && counters.broken > SHOWN_BROKEN) say(`and ${counted(hidden, "broken line", "broken lines")} more`);
    if (options.summary === "json") say(summaryJson(counters, pack.manifest));
    if (options.summary === "text") say(summaryText(counters, (performance.now() - began) / 1000));
  }
  if (failure !== null) throw failure;
  // A read that still waits for input would keep the process alive; everything has been written.
  if (ending === "interrupted") process.exit(130);
  if (options.strict && counters.broken > 0) {
    throw new CliError("E_INPUT_BROKEN", `${counted(counters.broken, "line is", "lines are")} broken (--strict)`);
  }
  return options.failOnAlerts && counters.alerts > 0 ? EXIT_ALERTS : EXIT_OK;
}

/** Opening the file for the alerts empties it, which an input would not survive. */
async function assertNotAnInput(alerts: string, inputs: readonly string[]): Promise<void> {
  const target = await stat(alerts).catch(() => null);
  if (target === null || !target.isFile()) return;
  for (const input of inputs) {
    const found = input === "-" ? null : await stat(input).catch(() => null);
    if (found !== null && found.dev === target.dev && found.ino === target.ino) {
      throw new CliError("E_ALERTS_WRITE", `cannot write alerts to ${alerts}: it is one of the inputs`);
    }
  }
}

/** Feeds every chunk until the input ends or `stopped` says so. */
async function feedAll(
  chunks: AsyncGenerator<Chunk, void, void>,
  detector: Detector,
  stopped: Promise<Ending>,
  afterChunk: (bytes: number) => Promise<void>,
): Promise<Ending> {
  for (;;) {
    const next = await Promise.race([chunks.next(), stopped]);
    if (typeof next === "string") {
      // Not waited for: a generator that waits for input ends only when the input comes.
      void chunks.return().catch(() => undefined);
      return next;
    }
    if (next.done === true) return "end";
    const chunk = next.value;
    chunk.lineCount = detector.feed(chunk.bytes, chunk);
    await afterChunk(chunk.bytes.length);
  }
}

function brokenText({ file, line, reason, excerpt }: BrokenLine): string {
  const where = `${file === "-" ? "stdin" : file}:${line}`;
  return printable(`${where}: ${reason}${excerpt === "" ? "" : `: ${excerpt}`}`);
}

/** Prints a failure and gives its exit code; throws what is a mistake in this program. */
export function reportFailure(error: unknown): number {
  const lines = describeFailure(error);
  if (lines === null) throw error;
  for (const line of lines) process.stderr.write(`${line}\n`);
  return EXIT_BAD_INPUT;
}
