// What a package asks for -> programs in the kernel that collect it, and what is to be said of them.

import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { printable } from "../alert/terminal.js";
import {
  type CollectorReport,
  type EbpfAddon,
  type EbpfCollector,
  type EventClass,
  loadAddon,
} from "../ebpf/load-addon.js";
import { type CollectionPlan, planCollection, streamed } from "../ebpf/plan-collection.js";
import { thisHost } from "../ebpf/this-host.js";
import { counted } from "../report/summary.js";
import { CliError } from "./failures.js";

export interface CollectionLimits {
  /** A folder of cgroup version 2 that collection is confined to; null for the whole machine. */
  readonly cgroup: string | null;
  /** Folders of the kind whose processes are not watched. */
  readonly excludedCgroups: readonly string[];
  readonly ringBytes: number;
}

/** A collector that is attached and not started yet. */
export interface Attached {
  readonly collector: EbpfCollector;
  /** The classes that rules see. */
  readonly collected: readonly EventClass[];
  /** How many places of the kernel are hooked. */
  readonly hooks: number;
  /** What rules ask for and do not get, in lines for people. */
  readonly shortcomings: readonly string[];
}

const HASHES = ["md5", "sha1", "sha256"] as const;
/** The ring is read so often. A wake for each event would cost the start of a process a fifth of its time. */
const INTERVAL_MICROSECONDS = 4000;
/** After so much silence the stream says what time it is. */
const TICK_MS = 100;

/** Throws EbpfAddonError without the addon, and CliError when nothing can be collected or nothing is asked for. */
export function attachCollector(manifest: PackageManifest, limits: CollectionLimits): Attached {
  const addon = loadAddon();
  const plan = planCollection(manifest);
  const asked = streamed(plan);
  if (asked.length === 0) {
    throw new CliError("E_EBPF", "no rule of the package can fire on live events; kestrel-run doctor DIR says why");
  }
  const collector = attach(addon, limits, plan, asked);
  const report = collector.report();
  const attached = new Set(report.programs.filter(({ state }) => state === "attached").map(({ event }) => event));
  const hooks = report.programs.flatMap(({ state, hook }) => (state === "attached" ? hook.split(" + ") : []));
  return {
    collector,
    collected: asked.filter((event) => attached.has(event)),
    hooks: new Set(hooks).size,
    shortcomings: shortcomingsOf(
      plan,
      asked.filter((event) => !attached.has(event)),
      report,
      manifest.rules.length,
    ),
  };
}

function attach(
  addon: EbpfAddon,
  { ringBytes, cgroup, excludedCgroups }: CollectionLimits,
  { classes, extras }: CollectionPlan,
  asked: readonly EventClass[],
): EbpfCollector {
  const settings = {
    ringBytes,
    events: asked,
    pathPrefixes: Object.fromEntries(classes.flatMap(({ event, paths }) => (paths === null ? [] : [[event, paths]]))),
    excludedCgroups,
    hashes: HASHES.filter((name) => extras.hashes.some((field) => field.endsWith(`.${name}`))),
    environment: extras.environment.length > 0,
    capabilities: extras.capabilities.length > 0,
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

/** Of this kernel, and of any. */
function shortcomingsOf(
  { classes, silent, extras }: CollectionPlan,
  missing: readonly EventClass[],
  report: CollectorReport,
  rules: number,
): string[] {
  const lines = missing.map((event) => {
    const count = classes.find((one) => one.event === event)?.rules.length ?? 0;
    const reason = report.programs.find((one) => one.event === event && one.state === "failed")?.reason ?? "";
    const asks = counted(count, "rule asks", "rules ask");
    return printable(`warning: no ${event} events on this kernel, for which ${asks}: ${reason.split("\n")[0]}`);
  });
  if (extras.environment.length > 0) {
    lines.push(
      "note: a rule reads process.env_vars, so the environment of every program, secrets too, stands in its events",
    );
  }
  if (silent.length > 0) {
    const never = `${silent.length} of ${counted(rules, "rule", "rules")} can never fire on live events`;
    lines.push(`note: ${never}; kestrel-run doctor DIR says why`);
  }
  return lines;
}
