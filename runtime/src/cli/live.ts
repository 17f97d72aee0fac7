// A package folder and the running kernel -> alerts as things happen, a recording if one is wanted, and a summary at the end.
//
// The stream is lines like any other: what is judged is what is recorded, byte for byte, and a replay of it goes the same way.

import { statSync } from "node:fs";
import { hostname } from "node:os";
import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { printable } from "../alert/terminal.js";
import { liveChunks } from "../ebpf/live-chunks.js";
import {
  type CollectorReport,
  type EbpfAddon,
  type EbpfCollector,
  type EventClass,
  loadAddon,
} from "../ebpf/load-addon.js";
import { type CollectionPlan, planCollection } from "../ebpf/plan-collection.js";
import { thisHost } from "../ebpf/this-host.js";
import { createDetector } from "../engine/detector.js";
import { loadPackage } from "../load/load-package.js";
import { counted, type RunFacts, summaryJson, summaryText } from "../report/summary.js";
import { createDelivery } from "../sink/delivery.js";
import { createBrokenReport } from "./broken-report.js";
import { CliError, describeFailure, EXIT_ALERTS, EXIT_NOT_READ, EXIT_OK, errorLine } from "./failures.js";
import { judgeStream } from "./judge-stream.js";
import { keepRecording } from "./keep-recording.js";
import { createLiveStatus, type LiveStatus } from "./live-status.js";
import { after } from "./long-timer.js";
import { createLossReport } from "./loss-report.js";
import { openSinks, type SinkOptions } from "./open-sinks.js";
import { createStop, SIGNALS, stopAtSignals } from "./stop.js";

export interface LiveOptions extends Omit<SinkOptions, "replay"> {
  /** A folder of cgroup version 2 that collection is confined to; null for the whole machine. */
  readonly cgroup: string | null;
  /** Folders of the kind whose processes are not watched. */
  readonly excludedCgroups: readonly string[];
  /** Where the stream is recorded; null for nowhere. */
  readonly record: string | null;
  readonly latenessNs: bigint;
  readonly memoryBytes: number;
  readonly ringBytes: number;
  /** How long to watch; null for until a signal comes. */
  readonly durationNs: bigint | null;
  readonly failOnAlerts: boolean;
  readonly summary: "text" | "json" | "none";
}

/** So often it is looked whether the cgroup is still there. */
const LOOK_MS = 1000;
const HASHES = ["md5", "sha1", "sha256"] as const;
/** The ring is read so often. A wake for each event would cost the start of a process a fifth of its time. */
const INTERVAL_MICROSECONDS = 4000;
/** After so much silence the stream says what time it is. */
const TICK_MS = 100;
/** Two events of one key stand in the ring as they happened, but for what two CPUs write at the same moment. */
export const LIVE_LATENESS_NS = 100_000_000n;
export const LIVE_RING_BYTES = 16 << 20;

/** Watches until a signal comes or the time is over, and returns the exit code. Failures are thrown. */
export async function watchLive(dir: string, options: LiveOptions): Promise<number> {
  const began = performance.now();
  const pack = await loadPackage(dir);
  const addon = loadAddon();
  const plan = planCollection(pack.manifest);
  const asked = askedBy(plan);
  if (asked.length === 0) {
    throw new CliError("E_EBPF", `no rule of ${dir} can fire on live events; kestrel-run doctor ${dir} says why`);
  }
  const stop = createStop();
  let status: LiveStatus = { clear: () => undefined, close: () => undefined };
  const broken = createBrokenReport(() => status.clear());
  const sinks = await openSinks(
    dir,
    { ...options, replay: [] },
    {
      closed: () => stop.now("nobody reads"),
      say: (line) => broken.say(line),
    },
  );
  process.stderr.on("error", () => undefined);
  const delivery = createDelivery(pack.manifest, sinks, (error) => {
    for (const line of describeFailure(error) ?? []) broken.say(`${line}; the other output goes on`);
  });
  const detector = createDetector(pack, {
    latenessNs: options.latenessNs,
    memoryBytes: options.memoryBytes,
    onAlert(detection) {
      status.clear();
      delivery.onAlert(detection);
    },
    onBroken: broken.show,
  });
  const losses = createLossReport(broken.say);
  const stream = judgeStream(detector, delivery, { obeysTicks: true, onLoss: losses.add });

  stopAtSignals(stop);
  const { collector, report, collected, recording } = await begin().catch(async (error: unknown) => {
    await delivery.close();
    throw error;
  });
  stop.onStop = () => collector.stop();
  const hooks = new Set(report.programs.flatMap(({ state, hook }) => (state === "attached" ? hook.split(" + ") : [])));
  status = createLiveStatus(process.stderr, hooks.size, () => {
    const { events, alerts } = detector.counters();
    return { events, alerts, lost: [...losses.byClass.values()].reduce((sum, count) => sum + count, 0) };
  });
  let isCgroupGone = false;
  const cancelLook =
    options.cgroup === null
      ? () => undefined
      : whenGone(options.cgroup, () => {
          isCgroupGone = true;
          collector.stop();
        });
  const cancelEnd = options.durationNs === null ? () => undefined : after(options.durationNs, () => collector.stop());
  broken.say(watchingLine(collected, hooks.size, options));
  if (stop.reason !== null) collector.stop();
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
    status.close();
    await recording.close();
    await delivery.close();
  }

  const counters = detector.counters();
  if (stop.reason === "nobody reads") {
    broken.say(errorLine("E_ALERTS_WRITE", "nobody reads standard output any more: the run ended there"));
  }
  losses.sumUp();
  broken.sumUp(counters.broken);
  const seconds = (performance.now() - began) / 1000;
  const run = { seconds, lost: losses.byClass, collected: countersOf(collector, collected) };
  if (options.summary === "json") broken.say(summaryJson(counters, pack.manifest, run));
  if (options.summary === "text") broken.say(summaryText(counters, run));
  if (delivery.failure !== null) throw delivery.failure;
  if (recording.failure !== null) throw recording.failure;
  if (isCgroupGone)
    throw new CliError("E_EBPF", `the cgroup ${options.cgroup} is gone: nothing can happen in it any more`);
  if (stop.reason !== null) return stop.reason === "nobody reads" ? EXIT_NOT_READ : 128 + SIGNALS[stop.reason];
  return options.failOnAlerts && counters.alerts > 0 ? EXIT_ALERTS : EXIT_OK;

  async function begin() {
    const collector = attach(addon, options, plan);
    const report = collector.report();
    const attached = attachedClasses(report);
    const collected = asked.filter((event) => attached.has(event));
    for (const line of shortcomings(plan, asked, report, pack.manifest)) broken.say(line);
    const { latenessNs } = options;
    const header = { latenessNs, events: collected, package: pack.manifest.package, host: hostname() };
    return { collector, report, collected, recording: await keepRecording(options.record, header, broken.say) };
  }
}

/** Looks now and then whether a folder is still the one that it was, and calls `act` once when it is not. Returns what ends that. */
function whenGone(folder: string, act: () => void): () => void {
  const inodeOf = (): bigint | undefined => statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino;
  const before = inodeOf();
  const timer = setInterval(() => {
    if (inodeOf() === before) return;
    clearInterval(timer);
    act();
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Attaches the programs. Throws CliError when nothing can be collected. */
function attach(
  addon: EbpfAddon,
  { ringBytes, cgroup, excludedCgroups }: LiveOptions,
  plan: CollectionPlan,
): EbpfCollector {
  const settings = {
    ringBytes,
    events: askedBy(plan),
    pathPrefixes: Object.fromEntries(
      plan.classes.flatMap(({ event, paths }) => (paths === null ? [] : [[event, paths]])),
    ),
    excludedCgroups,
    hashes: HASHES.filter((name) => plan.extras.hashes.some((field) => field.endsWith(`.${name}`))),
    environment: plan.extras.environment.length > 0,
    capabilities: plan.extras.capabilities.length > 0,
    intervalMicroseconds: INTERVAL_MICROSECONDS,
    tickMilliseconds: TICK_MS,
    host: thisHost(),
    ...(cgroup === null ? {} : { cgroup }),
  };
  let collector: EbpfCollector;
  try {
    collector = new addon.Collector(settings);
  } catch (error) {
    throw new CliError("E_EBPF", error instanceof Error ? error.message : String(error), { cause: error });
  }
  const { failure } = collector.report();
  if (failure !== null) throw new CliError("E_EBPF", `nothing can be collected: ${failure}`);
  return collector;
}

function askedBy({ classes }: CollectionPlan): readonly EventClass[] {
  return classes.flatMap(({ event, collect }) => (collect === "stream" ? [event] : []));
}

function attachedClasses({ programs }: CollectorReport): ReadonlySet<EventClass> {
  return new Set(programs.flatMap(({ state, event }) => (state === "attached" ? [event] : [])));
}

/** What rules ask for and do not get: of this kernel, and of any. */
function shortcomings(
  { classes, silent, extras }: CollectionPlan,
  asked: readonly EventClass[],
  report: CollectorReport,
  { rules }: PackageManifest,
): string[] {
  const attached = attachedClasses(report);
  const lines = asked.flatMap((event) => {
    if (attached.has(event)) return [];
    const count = classes.find((one) => one.event === event)?.rules.length ?? 0;
    const reason = report.programs.find((one) => one.event === event && one.state === "failed")?.reason ?? "";
    const why = reason.split("\n")[0] ?? "";
    return [
      printable(
        `warning: no ${event} events on this kernel, for which ${counted(count, "rule asks", "rules ask")}: ${why}`,
      ),
    ];
  });
  if (extras.environment.length > 0) {
    lines.push(
      "note: a rule reads process.env_vars, so the environment of every program, secrets too, stands in its events",
    );
  }
  if (silent.length > 0) {
    const never = `${silent.length} of ${counted(rules.length, "rule", "rules")} can never fire on live events`;
    lines.push(`note: ${never}; kestrel-run doctor DIR says why`);
  }
  return lines;
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
function watchingLine(
  collected: readonly EventClass[],
  hooks: number,
  { cgroup, excludedCgroups, record }: LiveOptions,
): string {
  const inside = cgroup === null ? "" : ` in ${cgroup}`;
  const where = excludedCgroups.length === 0 ? inside : `${inside} but not in ${excludedCgroups.join(", ")}`;
  const recorded = record === null ? "" : `, recording to ${record}`;
  return printable(`watching ${collected.join(", ")}${where} with ${hooks} hooks${recorded}; Ctrl-C ends it`);
}
