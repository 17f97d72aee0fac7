// Packs of real rules over real and hostile streams: the whole detector against JSON.parse of the same lines, slice by slice in one process,
// so that both see the same weather. A figure is the sum of the least times of each slice, and beside it that of the middle ones.
// What is found is asserted: the same in every pass, and for a part of each stream the same as with every predicate tried on every event.

import { strict as assert } from "node:assert";
import { performance } from "node:perf_hooks";
import { alertToJson } from "@kestrel/runtime/alert/alert-to-json";
import { detectionToAlert } from "@kestrel/runtime/alert/detection-to-alert";
import { createDetector, type Detector } from "@kestrel/runtime/engine/detector";
import { instantiate } from "@kestrel/runtime/load/instantiate";
import type { Package } from "@kestrel/runtime/load/load-package";
import { CONTROL_BASE, CONTROL_EVALUATED } from "@kestrel/stdlib/abi";
import { compile, everyTenth, load, packageOf } from "./compile.js";
import { type Input, linesOf, otherRecordings, PACK_PATHS, recordings } from "./corpus.js";
import { againFrom, spread } from "./replay.js";
import { neverRepeating, ofMatches, shuffled } from "./streams.js";
import { count } from "./table.js";

const SLICE_BYTES = 1 << 20;
/** Without an index, as the judge of the one with it. */
const SCANNING = { narrow: false, optimize: false };
/** Events that are also judged by a full scan, and whose tried predicates are counted one by one. */
const SCANNED_EVENTS = 20_000;

export interface PackResult {
  readonly pack: string;
  readonly stream: string;
  readonly rules: number;
  readonly predicates: number;
  readonly events: number;
  readonly alerts: number;
  readonly matched: number;
  /** Against JSON.parse: of least times, and of middle ones. */
  readonly least: number;
  readonly middle: number;
  /** Nanoseconds of an event, least. */
  readonly event: number;
  /** Predicates tried for an event: the mean, and what 95 of 100 events do not pass. */
  readonly tried: { readonly mean: number; readonly p95: number };
}

interface Loaded {
  readonly name: string;
  readonly rules: number;
  readonly predicates: number;
  readonly pack: Package;
  readonly scanning: Package;
}

/** All packs over the recordings, and the streams that only some are asked about. Throws AssertionError when a match is lost. */
export async function measurePacks(
  events: number,
  passes: number,
  show: (result: PackResult) => void,
): Promise<PackResult[]> {
  const results: PackResult[] = [];
  const recorded = recordings(events);
  const others = otherRecordings();
  const named = (name: string): Input[] => others.filter((input) => input.name.startsWith(name));
  const measure = (loaded: Loaded, inputs: readonly Input[]): void => {
    for (const input of inputs) {
      const result = measurePack(loaded, input, passes);
      results.push(result);
      show(result);
    }
  };
  const { toml, endpoint, elastic, sigma } = PACK_PATHS;
  const small = await loadPack("TOML rules", toml);
  measure(small, [recorded, shuffled(recorded), neverRepeating(recorded, SCANNED_EVENTS), ...named("evtx-samples")]);
  measure(small, [ofMatches(small.pack, recorded, SCANNED_EVENTS)]);
  measure(await loadPack("endpoint rules", endpoint), named("linux-sysflow"));
  measure(await loadPack("Elastic rules", elastic), [recorded]);
  const all = [...elastic, ...sigma];
  measure(await loadPack("Elastic and Sigma rules", all), [recorded, ...named("linux-sysflow")]);
  const [tenth, scanning] = [everyTenth(all), everyTenth(all, SCANNING)];
  const rules = tenth.rules.length;
  const predicates = tenth.ir.predicates.length;
  const pack = await load(packageOf(tenth));
  measure({ name: "rules, every tenth of those", rules, predicates, pack, scanning: await load(packageOf(scanning)) }, [
    recorded,
  ]);
  return results;
}

async function loadPack(name: string, [path = "", ...more]: readonly string[]): Promise<Loaded> {
  const { built, rules, predicates } = await compile({ name, path }, more);
  const scanning = await compile({ name, path }, more, SCANNING);
  return { name, rules, predicates, pack: await load(built), scanning: await load(scanning.built) };
}

function measurePack({ name, rules, predicates, pack, scanning }: Loaded, input: Input, passes: number): PackResult {
  const slices = slicesOf(input);
  assertNothingLost(pack, scanning, slices);
  const times = slices.map(() => ({ parse: [] as number[], detect: [] as number[] }));
  let found: { readonly alerts: number; readonly matched: number; readonly bytes: number } | null = null;
  for (let pass = 0; pass <= passes; pass++) {
    const run = begin(pack);
    for (const [at, slice] of slices.entries()) {
      const lines = linesOf([slice]);
      const parse = timed(() => lines.forEach(parseLine));
      const detect = timed(() => run.feed(slice, at === slices.length - 1));
      // The first pass warms up.
      if (pass > 0) times[at]?.parse.push(parse);
      if (pass > 0) times[at]?.detect.push(detect);
    }
    const { alerts, matched, events } = run.detector.counters();
    assert.equal(events, input.events, "not every line was read as an event");
    const now = { alerts, matched, bytes: run.bytes() };
    if (found !== null) assert.deepEqual(now, found, "two passes differ");
    found = now;
  }
  const sum = (one: (time: (typeof times)[number]) => number): number =>
    times.reduce((total, time) => total + one(time), 0);
  const least = sum(({ detect }) => Math.min(...detect));
  return {
    pack: name,
    stream: input.name,
    rules,
    predicates,
    events: input.events,
    alerts: found?.alerts ?? 0,
    matched: found?.matched ?? 0,
    least: least / sum(({ parse }) => Math.min(...parse)),
    middle: sum(({ detect }) => spread(detect).median) / sum(({ parse }) => spread(parse).median),
    event: (least * 1e6) / input.events,
    tried: triedBy(pack, slices),
  };
}

interface Run {
  readonly detector: Detector;
  feed(slice: Buffer, isLast: boolean): void;
  /** Of the alerts as NDJSON. */
  bytes(): number;
}

function begin(pack: Package): Run {
  let bytes = 0;
  let firstLine = 1;
  const detector = createDetector(pack, {
    latenessNs: null,
    onAlert: (detection) => {
      bytes += Buffer.byteLength(alertToJson(detectionToAlert(detection, pack.manifest))) + 1;
    },
  });
  return {
    detector,
    bytes: () => bytes,
    feed(slice, isLast) {
      firstLine += detector.feed(slice, { file: "bench", firstLine, again: againFrom(slice) });
      if (isLast) detector.finish();
    },
  };
}

function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function parseLine(line: string): void {
  assert.ok(typeof JSON.parse(line) === "object");
}

/** The input in pieces of whole lines. */
export function slicesOf({ chunks }: Pick<Input, "chunks">): Buffer[] {
  const slices: Buffer[] = [];
  for (const chunk of chunks) {
    for (let start = 0; start < chunk.length; ) {
      const feed = chunk.indexOf(10, Math.min(start + SLICE_BYTES, chunk.length - 1));
      slices.push(chunk.subarray(start, feed + 1));
      start = feed + 1;
    }
  }
  return slices;
}

/** The first events of the stream, whole slices of them. */
function firstOf(slices: readonly Buffer[]): Buffer[] {
  const first: Buffer[] = [];
  let events = 0;
  for (const slice of slices) {
    if (events >= SCANNED_EVENTS) break;
    first.push(slice);
    events += linesOf([slice]).length;
  }
  return first;
}

function assertNothingLost(pack: Package, scanning: Package, slices: readonly Buffer[]): void {
  const first = firstOf(slices);
  const [found, judged] = [pack, scanning].map((one) => {
    const run = begin(one);
    for (const [at, slice] of first.entries()) run.feed(slice, at === first.length - 1);
    const { alerts, matched } = run.detector.counters();
    return { alerts, matched, bytes: run.bytes() };
  });
  assert.deepEqual(found, judged, "the index finds other than a full scan");
}

function triedBy(pack: Package, slices: readonly Buffer[]): PackResult["tried"] {
  const instance = instantiate(pack.module);
  const memory = Buffer.from(instance.memory.buffer);
  const tried: number[] = [];
  let before = 0n;
  for (const slice of firstOf(slices)) {
    for (let start = 0; start < slice.length; ) {
      const end = slice.indexOf(10, start) + 1;
      memory.set(slice.subarray(start, end), instance.inputBase);
      instance.run(instance.inputBase, end - start);
      const now = memory.readBigUInt64LE(CONTROL_BASE + CONTROL_EVALUATED);
      tried.push(Number(now - before));
      before = now;
      start = end;
    }
  }
  tried.sort((a, b) => a - b);
  const mean = tried.reduce((sum, one) => sum + one, 0) / tried.length;
  return { mean, p95: tried[Math.floor(tried.length * 0.95)] ?? 0 };
}

export function packText({ pack, stream, rules, predicates, events, alerts, matched, ...figures }: PackResult): string {
  const { least, middle, event, tried } = figures;
  const share = ((100 * tried.p95) / predicates).toFixed(2);
  return [
    `${count(rules)} ${pack} over ${stream}: ${least.toFixed(3)} of JSON.parse (middle ${middle.toFixed(3)}), ${event.toFixed(0)} ns an event`,
    `  ${count(events)} events, ${count(matched)} matched, ${count(alerts)} alerts; of ${count(predicates)} predicates ${tried.mean.toFixed(1)} tried, ${tried.p95} in 95 of 100 (${share} %)`,
  ].join("\n");
}
