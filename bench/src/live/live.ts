// What watching the kernel costs, how much of it fits through, and how soon an alert is there. Needs root, gcc and the addon.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { spread } from "../replay.js";
import { columns, count } from "../table.js";
import { type LinesResult, measureLines } from "./lines.js";
import { buildPack, makeCgroup, ROOT, removeCgroup, runIn, watch } from "./watching.js";

export interface CostResult {
  readonly name: string;
  /** Watched against alone, pair by pair. */
  readonly ratio: { readonly min: number; readonly median: number; readonly max: number };
  /** Nanoseconds of one, alone. */
  readonly alone: number;
}

export interface RateResult {
  readonly name: string;
  /** How many a second were done. */
  readonly rate: number;
  readonly made: number;
  readonly dropped: number;
  readonly received: number;
}

export interface LiveResult {
  readonly costs: readonly CostResult[];
  readonly rates: readonly RateResult[];
  readonly lines: readonly LinesResult[];
  /** From an event's time to when its alert was read, in milliseconds. */
  readonly latency: { readonly min: number; readonly median: number; readonly max: number };
}

const RULES = 100;
const SPAWNS = 3000;
const CALLS = 5_000_000;
const OPENS_A_SECOND = 100_000;
const SPAWNS_A_SECOND = 2000;
const SECONDS = 30;
const ALERTS = 100;

/** What a run says of itself at its end. */
interface LiveSummary {
  readonly broken: number;
  readonly collected: Readonly<Record<string, { made: number; dropped: number; received: number }>>;
}

interface Measured {
  readonly done: number;
  readonly nanoseconds: number;
}

/** Throws when an event is not accounted for, or one that has to be seen is not. */
export async function measureLive(pairs: number): Promise<LiveResult> {
  const folder = mkdtempSync("/tmp/kestrel-bench-");
  const cgroup = makeCgroup();
  const workload = buildWorkload();
  const work = async (...words: readonly string[]): Promise<Measured> => {
    const output = await runIn(cgroup, [workload, ...words]);
    const [done = 0, nanoseconds = 0] = output.trim().split(" ").map(Number);
    return { done, nanoseconds };
  };
  try {
    // A hundred rules that nothing matches: on starts, as most are, which ask for no system call on any kernel, and on everything that
    // processes do, for which kernels without trampolines have every system call looked at.
    const starts = buildPack(
      join(folder, "starts"),
      numbered((at) => `process where event.type == "start" and process.name == "tool-${at}"`),
    );
    const everything = buildPack(
      join(folder, "everything"),
      numbered((at) => `process where process.name == "tool-${at}"`),
    );
    // Of a path that rules ask for, the kernel's program would make no other events.
    const files = buildPack(join(folder, "files"), {
      written: 'file where event.type in ("creation", "change") and file.name == "nowhere"',
    });
    const started = buildPack(join(folder, "started"), {
      ...numbered((at) => `process where event.type == "start" and process.name == "tool-${at}"`),
      true: 'process where event.action == "exec" and process.name == "true"',
    });
    const lines = await measureLines(pairs);
    const spawn = () => work("spawn", String(SPAWNS));
    const call = () => work("getppid", String(CALLS));
    const costs = [
      await cost("spawn, exec and exit, rules on starts", pairs, spawn, cgroup, starts),
      await cost("spawn, exec and exit, rules on everything", pairs, spawn, cgroup, everything),
      await cost("getppid, rules on starts", pairs, call, cgroup, starts),
      await cost("getppid, rules on everything", pairs, call, cgroup, everything),
    ];
    const file = join(folder, "file");
    // One process alone does not open so many while it is watched.
    const half = (name: string) => work("opens", String(OPENS_A_SECOND / 2), String(SECONDS), `${file}-${name}`);
    const opens = async () => together(await Promise.all([half("one"), half("other")]));
    const spawns = () => work("spawns", String(SPAWNS_A_SECOND), String(SECONDS));
    const rates = [
      await rate("opened for writing", opens, cgroup, files, ["create", "modify"]),
      await rate("programs started", spawns, cgroup, starts, ["exec"]),
    ];
    return { costs, rates, latency: await latency(cgroup, started), lines };
  } finally {
    removeCgroup(cgroup);
    rmSync(folder, { recursive: true });
  }
}

function together(parts: readonly Measured[]): Measured {
  return {
    done: parts.reduce((sum, { done }) => sum + done, 0),
    nanoseconds: Math.max(...parts.map(({ nanoseconds }) => nanoseconds)),
  };
}

function buildWorkload(): string {
  const folder = join(ROOT, "bench/dist/live");
  mkdirSync(folder, { recursive: true });
  const binary = join(folder, "workload");
  execFileSync("gcc", ["-O2", "-Wall", "-o", binary, join(ROOT, "bench/src/live/workload.c")]);
  return binary;
}

function numbered(query: (at: number) => string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: RULES }, (_, at) => [`rule-${at}`, query(at)]));
}

/** What `work` takes while kestrel-run watches, and what that says at its end. */
async function watched(cgroup: string, pack: string, work: () => Promise<Measured>) {
  const watching = await watch(pack, cgroup);
  const measured = await work();
  const said = await watching.end();
  const summary = JSON.parse(said.trim().split("\n").at(-1) ?? "") as LiveSummary;
  if (summary.broken > 0) throw new Error(`${summary.broken} lines are broken`);
  for (const [name, { made, dropped, received }] of Object.entries(summary.collected)) {
    if (made !== dropped + received) throw new Error(`${name}: ${made} made, ${dropped} dropped, ${received} received`);
  }
  return { measured, summary };
}

/** Pairs of runs, A B A B; the first pair warms up and is not counted. */
async function cost(
  name: string,
  pairs: number,
  work: () => Promise<Measured>,
  cgroup: string,
  pack: string,
): Promise<CostResult> {
  const ratios: number[] = [];
  let alone = Number.POSITIVE_INFINITY;
  for (let pair = 0; pair <= pairs; pair++) {
    const bare = await work();
    const { measured } = await watched(cgroup, pack, work);
    if (pair === 0) continue;
    ratios.push(measured.nanoseconds / bare.nanoseconds);
    alone = Math.min(alone, bare.nanoseconds / bare.done);
  }
  return { name, ratio: spread(ratios), alone };
}

async function rate(
  name: string,
  work: () => Promise<Measured>,
  cgroup: string,
  pack: string,
  classes: readonly string[],
): Promise<RateResult> {
  const { measured, summary } = await watched(cgroup, pack, work);
  const sum = (of: "made" | "dropped" | "received"): number =>
    classes.reduce((all, one) => all + (summary.collected[one]?.[of] ?? 0), 0);
  const { done, nanoseconds } = measured;
  if (sum("made") < done) throw new Error(`${name}: ${done} were done, ${sum("made")} were seen`);
  return {
    name,
    rate: (done / nanoseconds) * 1e9,
    made: sum("made"),
    dropped: sum("dropped"),
    received: sum("received"),
  };
}

/** Programs that a rule asks for, one after the other, each with its alert. */
async function latency(cgroup: string, pack: string): Promise<LiveResult["latency"]> {
  const watching = await watch(pack, cgroup);
  const delays: number[] = [];
  watching.stdout.on("data", (text: string) => {
    // Not performance.now(): it does not follow what sets the clock meanwhile, as the collector does.
    const now = Date.now();
    for (const [, time = ""] of text.matchAll(/^\{"@timestamp":"([^"]+)"/gm)) delays.push(now - Date.parse(time));
  });
  for (let at = 0; at < ALERTS; at++) await runIn(cgroup, ["/bin/true"]);
  await setTimeout(500);
  await watching.end();
  if (delays.length !== ALERTS) throw new Error(`${delays.length} of ${ALERTS} alerts came`);
  return spread(delays);
}

export function liveText({ costs, rates, latency, lines }: LiveResult): string {
  const fixed = (numbers: readonly number[], digits: number): string[] => numbers.map((one) => one.toFixed(digits));
  return [
    "Live: watched by kestrel-run against alone",
    ...columns([
      ["  what", "alone", "min", "median", "max"],
      ...costs.map(({ name, ratio: { min, median, max }, alone }) => [
        `  ${name}`,
        `${alone.toFixed(0)} ns`,
        ...fixed([min, median, max], 3),
      ]),
    ]),
    ...columns([
      [`  in ${SECONDS} s`, "a second", "made", "dropped", "received"],
      ...rates.map((one) => [
        `  ${one.name}`,
        ...[Math.round(one.rate), one.made, one.dropped, one.received].map(count),
      ]),
    ]),
    ...columns([
      ["  record to line against decoding", "written", "decoded", "bytes", "min", "median", "max"],
      ...lines.map(({ name, ratio: { min, median, max }, written, decoded, size }) => [
        `  ${name}`,
        ...[`${written.toFixed(0)} ns`, `${decoded.toFixed(0)} ns`, size.toFixed(0)],
        ...fixed([min, median, max], 2),
      ]),
    ]),
    `  from an event to its alert: ${fixed([latency.min, latency.median, latency.max], 1).join(", ")} ms (min, median, max)`,
    "",
  ].join("\n");
}
