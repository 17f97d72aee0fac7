// Table "thresholds": lists of a growing number of operands, on both sides of where the compiler changes its ways. What a
// threshold is for shows in the time to compile, what it costs in the time of an event.

import { strict as assert } from "node:assert";
import { compilePack, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { createDetector } from "@kestrel/runtime/engine/detector";
import { Bench } from "tinybench";
import { load, packageOf } from "../compile.js";
import { analysed } from "../functions.js";
import { spread } from "../replay.js";
import { LINE } from "./process-event.js";
import { processorMs } from "./processor-time.js";

export interface Threshold {
  /** The constant of the compiler. */
  readonly constant: string;
  readonly operands: number;
  readonly compileMs: number;
  readonly moduleBytes: number;
  /** Of one event that does not match, decoding included. */
  readonly nanoseconds: number;
}

const EVENTS = 200;
const COMPILES = 3;

interface Series {
  readonly constant: string;
  readonly sizes: readonly number[];
  readonly dialect?: "endgame";
  readonly query: (size: number) => string;
}

function list(size: number, part: (index: number) => string, joint: string): string {
  return Array.from({ length: size }, (_, index) => part(index)).join(joint);
}

const SERIES: readonly Series[] = [
  {
    constant: "MANY_PATTERNS = 32",
    sizes: [8, 31, 32, 128],
    // Each is an operand of its own, as in rules that several predicates share patterns with.
    query: (size) => `any where ${list(size, (i) => `process.command_line : "*-${i}-none*"`, " or ")}`,
  },
  {
    constant: "FEW = 64",
    sizes: [16, 64, 65, 256],
    query: (size) => `any where ${list(size, (i) => `process.command_line : "*-${i}-none*"`, " or ")}`,
  },
  {
    constant: "MOST_INLINE = 2,000",
    sizes: [500, 2_000, 2_001, 4_000],
    query: (size) => `any where process.command_line : (${list(size, (i) => `"*-${i}-none*"`, ", ")})`,
  },
  {
    constant: "MANY_ATOMS = 500",
    sizes: [125, 499, 500, 1_000],
    query: (size) =>
      `any where ${list(size, (i) => `(process.pid > 1 and process.command_line : "*-${i}-none*")`, " or ")}`,
  },
  {
    constant: "MOST_OPERANDS = 64",
    sizes: [16, 64, 65, 256],
    dialect: "endgame",
    query: (size) =>
      `any where ${list(size, (i) => `length(command_line) == length(user_name) + ${1_000 + i}`, " or ")}`,
  },
  {
    constant: "DEEPEST = 24",
    sizes: [6, 22, 26, 100],
    dialect: "endgame",
    query: (size) => `any where ${"concat(".repeat(size)}command_line${', "a")'.repeat(size)} == user_name`,
  },
];

export async function measureThresholds(): Promise<Threshold[]> {
  const bench = new Bench({ time: 300, iterations: 10, warmupTime: 50, now: processorMs });
  const rows: { series: Series; size: number; name: string; compileMs: number; moduleBytes: number }[] = [];
  for (const series of SERIES) {
    for (const size of series.sizes) {
      const rule = analysed("threshold", series.query(size), series.dialect);
      const times: number[] = [];
      let pack = compilePack([rule], DEFAULT_OPTIONS);
      for (let run = 0; run < COMPILES; run++) {
        const start = processorMs();
        pack = compilePack([rule], DEFAULT_OPTIONS);
        times.push(processorMs() - start);
      }
      const name = `${series.constant}, ${size}`;
      const detector = createDetector(await load(packageOf(pack)), { latenessNs: 0n, onAlert: () => {} });
      const bytes = Buffer.from(LINE.repeat(EVENTS));
      bench.add(name, () => {
        const before = detector.counters();
        detector.feed(bytes, { file: "bench", firstLine: 1 });
        const after = detector.counters();
        assert.equal(after.events - before.events, EVENTS);
        assert.equal(after.evaluated - before.evaluated, EVENTS, "the predicate was not tried for every event");
        assert.equal(after.matched - before.matched, 0, `${name} matched`);
      });
      const moduleBytes = pack.lowered.binary.length;
      rows.push({ series, size, name, compileMs: spread(times).median, moduleBytes });
    }
  }
  await bench.run();
  return rows.map(({ series, size, name, compileMs, moduleBytes }) => {
    const result = bench.getTask(name)?.result;
    if (result?.state !== "completed") {
      throw new Error(`${name} failed`, { cause: result?.state === "errored" ? result.error : undefined });
    }
    const nanoseconds = (result.latency.min * 1e6) / EVENTS;
    return { constant: series.constant, operands: size, compileMs, moduleBytes, nanoseconds };
  });
}
