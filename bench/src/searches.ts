// One event that brings both sides of a search, agreeing at every place, and another of twice the length: how many times as
// long the second takes. Two is linear, four is quadratic.

import { strict as assert } from "node:assert";
import { performance } from "node:perf_hooks";
import { createDetector, type Detector } from "@kestrel/runtime/engine/detector";
import { compileText, load } from "./compile.js";
import { analysed } from "./functions.js";

export interface SearchResult {
  readonly name: string;
  /** Bytes of the longer event. */
  readonly bytes: number;
  /** Of the longer event, the least of all runs: what others do on the machine only adds to it. */
  readonly milliseconds: number;
  /** The longer one's time to the shorter one's, of each the least. */
  readonly ratio: number;
}

/** What no linear search reaches; a quadratic one has four. */
const MOST = 3;
/** Runs of each, in turn. */
const RUNS = 80;
/** Letters of the longer haystack. The needle has half of them. */
const LETTERS = 400_000;

/** Each holds for events of which the needle is no part. */
const SEARCHES: Readonly<Record<string, string>> = {
  "first place": "not stringContains(process.command_line, process.title)",
  "last place": 'length(between(process.command_line, "a", process.title, true)) == 0',
  "first place, without case": "not stringContains~(process.command_line, process.title)",
  "last place, without case": 'length(between~(process.command_line, "a", process.title, true)) == 0',
};

/** Throws when a search is not linear, or finds what is not there. */
export async function measureSearches(): Promise<SearchResult[]> {
  const results: SearchResult[] = [];
  for (const [name, query] of Object.entries(SEARCHES)) results.push(await measure(name, `any where ${query}`));
  const [worst] = [...results].sort((a, b) => b.ratio - a.ratio);
  if (worst !== undefined && worst.ratio >= MOST) {
    throw new Error(
      `${worst.name}: twice the event takes ${worst.ratio.toFixed(1)} times as long, ${MOST} is too much`,
    );
  }
  return results;
}

async function measure(name: string, query: string): Promise<SearchResult> {
  const pack = await load(compileText([analysed("search", query)]));
  const detector = createDetector(pack, { latenessNs: 0n, onAlert: () => {} });
  const [short, long] = [hostile(LETTERS / 2), hostile(LETTERS)];
  let [least, leastLong] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let run = 0; run < RUNS; run++) {
    least = Math.min(least, timeOf(detector, short));
    leastLong = Math.min(leastLong, timeOf(detector, long));
  }
  return { name, bytes: long.length, milliseconds: leastLong, ratio: leastLong / least };
}

/** The needle agrees for a quarter of the haystack's length at every place, and then differs. */
function hostile(letters: number): Buffer {
  const half = "a".repeat(letters / 4);
  const event = { process: { command_line: "a".repeat(letters), title: `${half}b${half}` } };
  return Buffer.from(`${JSON.stringify(event)}\n`);
}

function timeOf(detector: Detector, line: Buffer): number {
  const before = detector.counters().matched;
  const start = performance.now();
  detector.feed(line, { file: "bench", firstLine: 1 });
  const milliseconds = performance.now() - start;
  assert.equal(detector.counters().matched - before, 1);
  return milliseconds;
}
