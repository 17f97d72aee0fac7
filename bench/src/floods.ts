// Floods of events that must be kept -> how much memory kestrel-run took at its peak, as a process, under a budget.
//
//   one-time   1.5 million matching events of one time, in a file: all of them wait for its end, to be sorted
//   large      4,000 unfinished sequences of half a megabyte each, through a pipe: all of them wait for their second event
//
// At the end come the second events of the sequences that began first and of those that began last. The first must have been
// dropped, or the flood was none; the last must still be there. What was dropped must be counted.

import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { analyseRules, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { writePackage } from "@kestrel/compiler/package/write-package";
import { bareRule } from "@kestrel/compiler/rule/rule";
import { compileText } from "./compile.js";

export interface FloodResult {
  readonly name: string;
  readonly events: number;
  /** Bytes of all lines. */
  readonly bytes: number;
  readonly budget: number;
  /** The greatest resident size of the process. */
  readonly peak: number;
  /** Events that were judged before their time, and unfinished sequences that were dropped. */
  readonly early: number;
  readonly dropped: number;
  readonly milliseconds: number;
}

interface Flood {
  readonly name: string;
  /** Sequences that begin. */
  readonly begun: number;
  /** Bytes of each first event, about. */
  readonly size: number;
  /** Milliseconds from one event to the next. */
  readonly apart: number;
  readonly through: "file" | "pipe";
}

/** What `large` sends is many times the budget; 20,000 took the same memory, and five times as long. */
const FLOODS: readonly Flood[] = [
  { name: "one-time", begun: 1_500_000, size: 150, apart: 0, through: "file" },
  { name: "large", begun: 4_000, size: 500_000, apart: 500, through: "pipe" },
];

const QUERY = `sequence by process.entity_id with maxspan=1h
  [process where process.name == "a"] [process where process.name == "b"]`;
/** So many of the sequences that began first, and of those that began last, get their second event. */
const ENDED = 100;
const BEGINNING = Date.UTC(2026, 0, 1);
export const MEBIBYTE = 1 << 20;
/** The peak must stay below so many times the budget. */
const GATE = 2;

const BIN = fileURLToPath(new URL("../../runtime/bin/kestrel-run.js", import.meta.url));
const PEAK_MODULE = new URL("peak-memory.js", import.meta.url).href;
/** Where peak-memory.ts writes. */
const PEAK_CHANNEL = 3;

/** Runs both floods under each budget, in MiB. Throws AssertionError for a wrong result. */
export async function measureFloods(budgets: readonly number[]): Promise<FloodResult[]> {
  const folder = mkdtempSync(join(tmpdir(), "kestrel-floods-"));
  try {
    const pack = join(folder, "pack");
    const { rules } = analyseRules([bareRule("pair", QUERY, "pair.eql")], DEFAULT_OPTIONS);
    writePackage(pack, compileText(rules));
    const results: FloodResult[] = [];
    for (const flood of FLOODS) {
      const file = flood.through === "file" ? join(folder, `${flood.name}.ndjson`) : null;
      if (file !== null) await pipeline(Readable.from(linesOf(flood)), createWriteStream(file));
      for (const budget of budgets) results.push(await measure(pack, flood, file, budget * MEBIBYTE));
      if (file !== null) rmSync(file);
    }
    return results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Throws AssertionError for a peak that is not below the gate. */
export function checkFloods(results: readonly FloodResult[]): void {
  for (const { name, budget, peak } of results) {
    const [allowed, taken] = [budget, peak].map((bytes) => `${(bytes / MEBIBYTE).toFixed(0)} MiB`);
    assert.ok(peak < GATE * budget, `the flood ${name} took ${taken} at its peak, with --memory ${allowed}`);
  }
}

async function measure(pack: string, flood: Flood, file: string | null, budget: number): Promise<FloodResult> {
  const start = performance.now();
  const ended = await run(pack, flood, file, budget);
  const milliseconds = performance.now() - start;
  const { summary, alerts, peak } = ended;
  const events = flood.begun + 2 * ENDED;
  const what = `${flood.name} within ${budget / MEBIBYTE} MiB`;
  assert.deepEqual([summary.events, summary.matched, summary.broken], [events, events, 0], what);
  const { evicted, completed } = summary.sequences;
  assert.deepEqual([alerts, summary.alerts, completed], [ENDED, ENDED, ENDED], `${what}: alerts`);
  // Nobody's second event came for all others: they were dropped, or were still kept when the stream ended.
  assert.ok(evicted > 0 && evicted <= flood.begun - ENDED, `${what}: ${evicted} dropped`);
  const bytes = sizeOf(flood);
  return { name: flood.name, events, bytes, budget, peak, early: summary.overflowed, dropped: evicted, milliseconds };
}

interface Summary {
  readonly events: number;
  readonly matched: number;
  readonly broken: number;
  readonly alerts: number;
  readonly overflowed: number;
  readonly sequences: { readonly evicted: number; readonly completed: number };
}

interface Ended {
  readonly summary: Summary;
  readonly alerts: number;
  readonly peak: number;
}

function run(pack: string, flood: Flood, file: string | null, budget: number): Promise<Ended> {
  const parameters = [pack, "--replay", file ?? "-", "--memory", `${budget}`, "--idle", "0", "--summary", "json"];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", PEAK_MODULE, BIN, ...parameters], {
      stdio: ["pipe", "pipe", "pipe", "pipe"],
    });
    const taken = (from: unknown): { text: string } => {
      const kept = { text: "" };
      (from as Readable).setEncoding("utf8").on("data", (text: string) => {
        kept.text += text;
      });
      return kept;
    };
    const [out, said, peak] = [taken(child.stdout), taken(child.stderr), taken(child.stdio[PEAK_CHANNEL])];
    const fed = file === null ? pipeline(Readable.from(linesOf(flood)), child.stdin) : Promise.resolve();
    fed.catch(() => undefined);
    if (file !== null) child.stdin.end();
    child.on("error", reject);
    child.on("close", (code) => {
      const summary = said.text.split("\n").find((line) => line.startsWith("{"));
      if (code !== 0 || summary === undefined) reject(new Error(`${flood.name}: code ${code}, ${said.text}`));
      else {
        const alerts = out.text.split("\n").length - 1;
        resolve({ summary: JSON.parse(summary) as Summary, alerts, peak: Number(peak.text) });
      }
    });
  });
}

/** The lines of a flood, about a megabyte at a time. */
function* linesOf(flood: Flood): Generator<Buffer, void, void> {
  let text = "";
  for (const line of eventsOf(flood)) {
    text += line;
    if (text.length < MEBIBYTE) continue;
    yield Buffer.from(text, "latin1");
    text = "";
  }
  yield Buffer.from(text, "latin1");
}

function* eventsOf({ begun, size, apart }: Flood): Generator<string, void, void> {
  let time = BEGINNING;
  const event = (name: string, id: number, message: string): string => {
    const at = new Date(time).toISOString();
    time += apart;
    const head = `{"@timestamp":"${at}","event":{"category":"process"},"process":{"name":"${name}",`;
    return `${head}"entity_id":"${id}"},"message":"${message}"}\n`;
  };
  const padding = "x".repeat(Math.max(0, size - event("a", 0, "").length));
  for (let id = 0; id < begun; id++) yield event("a", id, padding);
  for (let id = 0; id < ENDED; id++) yield event("b", id, "");
  for (let id = begun - ENDED; id < begun; id++) yield event("b", id, "");
}

function sizeOf(flood: Flood): number {
  let bytes = 0;
  for (const line of eventsOf(flood)) bytes += line.length;
  return bytes;
}
