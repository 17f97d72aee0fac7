// The whole replay against JSON.parse of each line, the lines being strings already: run after run in one process, each
// run of the one beside a run of the other, and the ratio taken pair by pair. The matches of every run must be the same.

import { strict as assert } from "node:assert";
import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { alertToJson } from "@kestrel/runtime/alert/alert-to-json";
import { detectionToAlert } from "@kestrel/runtime/alert/detection-to-alert";
import { createDetector, type DetectorCounters } from "@kestrel/runtime/engine/detector";
import type { Package } from "@kestrel/runtime/load/load-package";
import type { LinesAgain } from "@kestrel/runtime/read/read-again";
import { type Input, linesOf } from "./corpus.js";

/** What must be the same in every run, and is committed for inputs that everyone can have. */
export interface Found {
  readonly alerts: number;
  /** Events for which at least one predicate held. */
  readonly matched: number;
}

export interface Pair {
  /** Milliseconds. */
  readonly replay: number;
  readonly parse: number;
  readonly ratio: number;
}

export interface ReplayResult {
  readonly input: string;
  readonly rules: string;
  readonly events: number;
  readonly bytes: number;
  readonly found: Found;
  readonly late: number;
  /** Bytes of the alerts as NDJSON. */
  readonly alertBytes: number;
  /** Predicates evaluated for an event, on average. */
  readonly tried: number;
  /** Without the first, which warms up. */
  readonly pairs: readonly Pair[];
}

// A run that begins with an empty young generation does not pay for the garbage of the run before it.
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** `runs` pairs behind the first one. Throws AssertionError when two runs find different things. */
export function measureReplay(pack: Package, input: Input, runs: number): ReplayResult {
  const lines = linesOf(input.chunks);
  assert.equal(lines.length, input.events);
  const pairs: Pair[] = [];
  const first = replay(pack, input);
  parse(lines);
  const found: Found = { alerts: first.counters.alerts, matched: first.counters.matched };
  for (let run = 0; run < runs; run++) {
    const one = replay(pack, input);
    assert.deepEqual({ alerts: one.counters.alerts, matched: one.counters.matched }, found, "two runs differ");
    assert.equal(one.alertBytes, first.alertBytes, "two runs differ");
    const other = parse(lines);
    pairs.push({ replay: one.milliseconds, parse: other, ratio: one.milliseconds / other });
  }
  return {
    input: input.name,
    rules: input.rules.name,
    events: input.events,
    bytes: input.bytes,
    found,
    late: first.counters.late,
    alertBytes: first.alertBytes,
    tried: first.counters.evaluated / input.events,
    pairs,
  };
}

/** The lines of a chunk can be read again, as those of a file can. */
export function againFrom(chunk: Buffer): LinesAgain {
  return { file: { line: (offset, length) => chunk.subarray(offset, offset + length) }, offset: 0 };
}

interface Replay {
  readonly milliseconds: number;
  readonly counters: DetectorCounters;
  readonly alertBytes: number;
}

/** What kestrel-run does between reading and writing: an instance, every line, every alert as text. */
function replay(pack: Package, input: Input): Replay {
  collectGarbage();
  const start = performance.now();
  let alertBytes = 0;
  const detector = createDetector(pack, {
    // As kestrel-run replays files unless told otherwise: sorted as a whole.
    latenessNs: null,
    onAlert: (detection) => {
      alertBytes += Buffer.byteLength(alertToJson(detectionToAlert(detection, pack.manifest))) + 1;
    },
  });
  let firstLine = 1;
  for (const chunk of input.chunks) {
    firstLine += detector.feed(chunk, { file: "bench", firstLine, again: againFrom(chunk) });
  }
  detector.finish();
  const milliseconds = performance.now() - start;
  const counters = detector.counters();
  assert.equal(counters.events, input.events, "not every line was read as an event");
  return { milliseconds, counters, alertBytes };
}

function parse(lines: readonly string[]): number {
  collectGarbage();
  const start = performance.now();
  let objects = 0;
  for (const line of lines) if (typeof JSON.parse(line) === "object") objects++;
  const milliseconds = performance.now() - start;
  assert.equal(objects, lines.length);
  return milliseconds;
}

/** Least, middle and greatest of some numbers, of which there is at least one. */
export function spread(values: readonly number[]): {
  readonly min: number;
  readonly median: number;
  readonly max: number;
} {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return { min: at(0), median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, max: at(sorted.length - 1) };
}
