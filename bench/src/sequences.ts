// The sequence engine alone against a JavaScript Map: a million keys, each with a partial match of a sequence of two events by one
// key, all of which are completed in the end. The Map gets the same keys in the same order, a `get` and a `set` for each match.
//
// The two take turns, a slice of the keys at a time, over several runs; what counts is the least time of each slice on either side,
// added up. The time is the processor's, of the whole process, so the collector's helpers are in it. The keys are strings that
// are there already, which the Map can look up without hashing or comparing their characters; the events of a slice are made
// before its clock starts.
//
// Memory is what the heap and what stands beside it hold when every key waits, after the collector has run, less what they held
// when there were the events and no engine, and less the keys' own bytes.

import { strict as assert } from "node:assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { StageMatch, StreamEvent } from "@kestrel/runtime/event/stream-event";
import { createSequenceEngine, type SequenceEngine } from "@kestrel/runtime/sequence/engine";
import type { SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import { compileText, load } from "./compile.js";
import { analysed, SEQUENCE_QUERY } from "./functions.js";
import { processorMs } from "./steering/processor-time.js";

export interface SequencesResult {
  readonly keys: number;
  /** Nanoseconds for a match that begins and for one that completes. */
  readonly begin: number;
  readonly complete: number;
  /** Nanoseconds for a `get` and a `set`. */
  readonly map: number;
  readonly ratio: number;
  /** Bytes of a partial match, and those of its key, which are not in them. */
  readonly bytes: number;
  readonly keyBytes: number;
}

const KEYS = 1_000_000;
const SLICE = 20_000;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Least nanoseconds of each slice of the first stage and of the second. */
type Times = readonly [Float64Array, Float64Array];

/** `runs` runs behind one that warms up. Throws AssertionError when one does not find a million sequences. */
export async function measureSequences(runs: number): Promise<SequencesResult> {
  const { programs } = await load(compileText([analysed("sequence", SEQUENCE_QUERY)]));
  const keys = Array.from({ length: KEYS }, (_, at) => `"host-${(at * 7919) % KEYS}"`);
  assert.equal(new Set(keys).size, KEYS);
  const engineTimes = noTimes();
  const mapTimes = noTimes();
  for (let run = 0; run <= runs; run++) {
    const isCounted = run > 0;
    measureRun(programs, keys, isCounted ? engineTimes : noTimes(), isCounted ? mapTimes : noTimes());
  }
  const perKey = (times: Float64Array): number => times.reduce((sum, time) => sum + time, 0) / KEYS;
  const [begin, complete] = [perKey(engineTimes[0]), perKey(engineTimes[1])];
  const map = (perKey(mapTimes[0]) + perKey(mapTimes[1])) / 2;
  const keyBytes = keys.reduce((sum, key) => sum + key.length, 0) / KEYS;
  const bytes = measureMemory(programs, keys) - keyBytes;
  return { keys: KEYS, begin, complete, map, ratio: (begin + complete) / 2 / map, bytes, keyBytes };
}

function noTimes(): Times {
  const slices = KEYS / SLICE;
  return [
    new Float64Array(slices).fill(Number.POSITIVE_INFINITY),
    new Float64Array(slices).fill(Number.POSITIVE_INFINITY),
  ];
}

function measureRun(
  programs: readonly SequenceProgram[],
  keys: readonly string[],
  engineTimes: Times,
  mapTimes: Times,
): void {
  collectGarbage();
  let completed = 0;
  const engine = engineFor(programs, () => completed++);
  const map = new Map<string, number>();
  for (const stage of [0, 1] as const) {
    for (let start = 0; start < KEYS; start += SLICE) {
      const events = eventsOf(stage, start, start + SLICE);
      keep(engineTimes[stage], start, () => feed(engine, programs, stage, keys, start, events));
      keep(mapTimes[stage], start, () => touch(map, keys, start));
    }
    assert.equal(engine.counters().pending, stage === 0 ? KEYS : 0);
    assert.equal(map.size, KEYS);
  }
  assert.equal(completed, KEYS);
}

function keep(times: Float64Array, start: number, work: () => void): void {
  const before = processorMs();
  work();
  const took = (processorMs() - before) * 1e6;
  times[start / SLICE] = Math.min(times[start / SLICE] ?? 0, took);
}

function engineFor(programs: readonly SequenceProgram[], onComplete: () => void): SequenceEngine {
  return createSequenceEngine(programs, { maxPerProgram: KEYS, maxTotal: KEYS, onComplete });
}

/** The events of some keys, a microsecond apart, as the lane has them but for what only alerts need. */
function eventsOf(stage: number, start: number, end: number): StreamEvent[] {
  const events: StreamEvent[] = [];
  for (let at = start; at < end; at++) {
    const ordinal = stage * KEYS + at;
    events.push({ ordinal, ts: BigInt(ordinal) * 1_000n, tie: null, timed: true, place: 0 });
  }
  return events;
}

function feed(
  engine: SequenceEngine,
  programs: readonly SequenceProgram[],
  stage: number,
  keys: readonly string[],
  start: number,
  events: readonly StreamEvent[],
): void {
  const key = [""];
  const matches: StageMatch[] = [{ predicate: programs[0]?.stages[stage]?.predicate ?? -1, keys: key }];
  for (let at = 0; at < events.length; at++) {
    key[0] = keys[start + at] ?? "";
    engine.accept(events[at] as StreamEvent, matches);
  }
}

function touch(map: Map<string, number>, keys: readonly string[], start: number): void {
  for (let at = start; at < start + SLICE; at++) {
    const key = keys[at] ?? "";
    map.set(key, (map.get(key) ?? 0) + 1);
  }
}

/** Bytes for each of a million keys that wait, the events apart. */
function measureMemory(programs: readonly SequenceProgram[], keys: readonly string[]): number {
  const events = eventsOf(0, 0, KEYS);
  const before = bytesHeld();
  const engine = engineFor(programs, () => assert.fail("nothing is complete"));
  feed(engine, programs, 0, keys, 0, events);
  const after = bytesHeld();
  assert.equal(engine.counters().pending, KEYS);
  assert.equal(events.length, KEYS);
  return (after - before) / KEYS;
}

function bytesHeld(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
