// A package folder and the running kernel -> alerts as things happen, a recording if one is wanted, and a summary at the end.
//
// The stream is lines like any other: what is judged is what is recorded, byte for byte, and a replay of it goes the same way.

import { statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { MODULE_FILE } from "@kestrel/stdlib/package-format";
import { printable } from "../alert/terminal.js";
import { liveChunks } from "../ebpf/live-chunks.js";
import type { EbpfCollector, EventClass } from "../ebpf/load-addon.js";
import { createDetector } from "../engine/detector.js";
import { ModuleError } from "../load/call-module.js";
import { loadForRuntime } from "../load/choose-runtime.js";
import type { LoadOptions } from "../load/load-package.js";
import { type RunFacts, summaryJson, summaryText } from "../report/summary.js";
import { createDelivery } from "../sink/delivery.js";
import { type Attached, attachCollector, type CollectionLimits } from "./attach-collector.js";
import { createBrokenReport } from "./broken-report.js";
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
import { type JudgedStream, judgeStream } from "./judge-stream.js";
import { type KeptRecording, keepRecording } from "./keep-recording.js";
import { createLiveStatus } from "./live-status.js";
import { after } from "./long-timer.js";
import { createLossReport } from "./loss-report.js";
import { openSinks, type SinkOptions } from "./open-sinks.js";
import { startProfile } from "./profile-option.js";
import { createStop, SIGNALS, type Stop, stopAtSignals } from "./stop.js";
import { startWatchdog } from "./watchdog.js";

export interface LiveOptions extends Omit<SinkOptions, "replay">, CollectionLimits, LoadOptions {
  /** Where the stream is recorded; null for nowhere. */
  readonly record: string | null;
  readonly latenessNs: bigint;
  readonly memoryBytes: number;
  /** What one call into the module may take; 0 for any time. */
  readonly moduleTimeoutNs: bigint;
  /** How predicates are run; null for how the package was built. */
  readonly runtime: "wasm" | "lua" | null;
  /** How long to watch; null for until a signal comes. */
  readonly durationNs: bigint | null;
  readonly failOnAlerts: boolean;
  /** Where the profile of the run is written; null for nowhere. */
  readonly profile: string | null;
  readonly summary: "text" | "json" | "none";
}

/** So often it is looked whether the cgroup is still there. */
const LOOK_MS = 1000;

/** Watches until a signal comes or the time is over, and returns the exit code. Failures are thrown. */
export async function watchLive(dir: string, options: LiveOptions): Promise<number> {
  const began = performance.now();
  const profile = await startProfile(options.profile, dir, () => []);
  const { pack, folder } = await loadForRuntime(dir, options.runtime, options);
  const stop = createStop();
  let clearStatus: () => void = () => undefined;
  const broken = createBrokenReport(() => clearStatus());
  process.stderr.on("error", () => undefined);
  const events = { closed: () => stop.now("nobody reads"), say: broken.say };
  const sinks = await openSinks(dir, { ...options, replay: [] }, events);
  const delivery = createDelivery(pack.manifest, sinks, (error) => {
    for (const line of describeFailure(error) ?? []) broken.say(`${line}; the other output goes on`);
  });
  const { latenessNs, memoryBytes } = options;
  const detector = createDetector(pack, {
    ...{ latenessNs, memoryBytes },
    onAlert(detection) {
      clearStatus();
      delivery.onAlert(detection);
    },
    onBroken: broken.show,
    onFault: createFaultReport(broken.say),
  });
  const losses = createLossReport(broken.say);
  const stream = judgeStream(detector, delivery, { obeysTicks: true, onLoss: losses.add });
  const watchdog = startWatchdog(join(dir, MODULE_FILE), options.moduleTimeoutNs);
  const signals = stopAtSignals(stop);

  let recording: KeptRecording | undefined;
  let attached: Attached;
  let ending: Ending | ModuleError;
  try {
    attached = attachCollector(pack.manifest, options);
    for (const line of attached.shortcomings) broken.say(line);
    const { collected } = attached;
    const header = { latenessNs, events: collected, package: pack.manifest.package, host: hostname() };
    recording = await keepRecording(options.record, header, broken.say);
    const status = createLiveStatus(process.stderr, attached.hooks, () => {
      const { events, alerts } = detector.counters();
      return { events, alerts, lost: [...losses.byClass.values()].reduce((sum, count) => sum + count, 0) };
    });
    clearStatus = status.clear;
    broken.say(watchingLine(attached, options));
    ending = await watchdog
      .whileWatched(judgeAll(attached.collector, stream, recording, stop, options), signals)
      .catch((error: unknown) => {
        if (error instanceof ModuleError) return error;
        throw error;
      });
    status.close();
  } finally {
    await recording?.close();
    await delivery.close();
    await watchdog.close();
  }

  const counters = detector.counters();
  if (ending === "nobody reads") {
    broken.say(errorLine("E_ALERTS_WRITE", "nobody reads standard output any more: the run ended there"));
  }
  losses.sumUp();
  broken.sumUp(counters.broken);
  const seconds = (performance.now() - began) / 1000;
  const run = { seconds, lost: losses.byClass, collected: countersOf(attached.collector, attached.collected) };
  if (options.summary === "json") broken.say(summaryJson(counters, pack.manifest, run));
  if (options.summary === "text") broken.say(summaryText(counters, run));
  const profiled = await profile?.finish(folder, pack.manifest, counters);
  if (profiled !== undefined && options.summary === "text") broken.say(profiled);
  // The collector would keep the process alive.
  if (ending instanceof ModuleError) process.exit(reportFailure(ending));
  for (const failure of [delivery.failure, recording.failure]) if (failure !== null) throw failure;
  if (ending === "cgroup gone") {
    throw new CliError("E_EBPF", `the cgroup ${options.cgroup} is gone: nothing can happen in it any more`);
  }
  if (ending === "nobody reads") return EXIT_NOT_READ;
  if (ending !== "time over") return 128 + SIGNALS[ending];
  return options.failOnAlerts && counters.alerts > 0 ? EXIT_ALERTS : EXIT_OK;
}

type Ending = NonNullable<Stop["reason"]> | "cgroup gone" | "time over";

/** Judges and records until there is a reason to stop, and then what the ring still holds. */
async function judgeAll(
  collector: EbpfCollector,
  stream: JudgedStream,
  recording: KeptRecording,
  stop: Stop,
  { cgroup, durationNs }: LiveOptions,
): Promise<Ending> {
  let ending: Ending = "time over";
  const end = (why: Ending): void => {
    ending = why;
    collector.stop();
  };
  const cancelLook = cgroup === null ? () => undefined : whenGone(cgroup, () => end("cgroup gone"));
  const cancelEnd = durationNs === null ? () => undefined : after(durationNs, () => end("time over"));
  stop.onStop = () => end(stop.reason ?? "time over");
  if (stop.reason !== null) stop.onStop();
  try {
    // Line 1 is the header of the recording, whether there is one or not.
    let line = 2;
    for await (const bytes of liveChunks(collector)) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const [lines] = await Promise.all([stream.feedLive({ bytes: chunk, firstLine: line }), recording.write(chunk)]);
      line += lines;
    }
    await stream.stop();
  } finally {
    cancelEnd();
    cancelLook();
  }
  return ending;
}

/** Looks now and then whether a folder is still the one that it was, and calls `act` once when it is not. Returns what ends that. */
function whenGone(folder: string, act: () => void): () => void {
  const inodeOf = (): bigint | undefined => statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino;
  const before = inodeOf();
  const timer = setInterval(() => {
    // It may have gone before it was looked at first.
    if (before !== undefined && inodeOf() === before) return;
    clearInterval(timer);
    act();
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function countersOf(collector: EbpfCollector, classes: readonly EventClass[]): NonNullable<RunFacts["collected"]> {
  const counters = collector.counters();
  return Object.fromEntries(
    classes.map((name) => {
      const { made, dropped, received } = counters[name];
      return [name, { made, dropped, received }];
    }),
  );
}

/** Everything is attached when this is said; what happens from now on is seen. */
function watchingLine({ collected, hooks }: Attached, { cgroup, excludedCgroups, record }: LiveOptions): string {
  const inside = cgroup === null ? "" : ` in ${cgroup}`;
  const where = excludedCgroups.length === 0 ? inside : `${inside} but not in ${excludedCgroups.join(", ")}`;
  const recorded = record === null ? "" : `, recording to ${record}`;
  return printable(`watching ${collected.join(", ")}${where} with ${hooks} hooks${recorded}; Ctrl-C ends it`);
}
