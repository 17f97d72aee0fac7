// Table "profiles": what a pack gains by a profile of the events that it will see, against the built-in figures: predicates tried for an event,
// and the time of the batches. Both packs find the same.

import { strict as assert } from "node:assert";
import { performance } from "node:perf_hooks";
import { analyseRules, DEFAULT_OPTIONS, planRules } from "@kestrel/compiler/compile";
import { askedOf } from "@kestrel/compiler/passes/asked-conditions";
import { createEventCounter } from "@kestrel/compiler/profile/count-events";
import type { Profile } from "@kestrel/compiler/profile/profile";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import { createDetector, type DetectorCounters } from "@kestrel/runtime/engine/detector";
import type { Package } from "@kestrel/runtime/load/load-package";
import { compile, load } from "../compile.js";
import { type Input, linesOf } from "../corpus.js";

export interface ProfileGain {
  readonly input: string;
  readonly events: number;
  /** Predicates tried for an event. */
  readonly builtIn: number;
  /** The same by a profile of a thousand of the events, and of all. */
  readonly thousand: number;
  readonly all: number;
  /** The time of the batches by the profile of all, against that by the built-in figures. */
  readonly ratio: number;
}

const OPTIONS = { unknownFields: "warn" as const };
/** Passes over the events, each of both packs in turns; the least of each batch counts. */
const PASSES = 15;
const WARM_UP = 2;
const BATCH = 1 << 20;

export async function measureProfiles(inputs: readonly Input[]): Promise<ProfileGain[]> {
  const gains: ProfileGain[] = [];
  for (const input of inputs) gains.push(await measureProfile(input));
  return gains;
}

async function measureProfile(input: Input): Promise<ProfileGain> {
  const lines = linesOf(input.chunks);
  const step = Math.max(1, Math.floor(lines.length / 1000));
  const some = lines.filter((_, at) => at % step === 0);
  const packs = await Promise.all(
    [null, countIn(input, some), countIn(input, lines)].map(async (profile) =>
      load((await compile(input.rules, [], { ...OPTIONS, profile })).built),
    ),
  );
  const batches = batchesOf(Buffer.concat(input.chunks));
  const [builtIn, thousand, all] = packs.map((pack) => {
    const { events, evaluated, alerts } = feedAll(pack, batches);
    assert.equal(events, input.events);
    return { tried: evaluated / events, alerts };
  });
  assert.ok(builtIn !== undefined && all !== undefined && thousand !== undefined);
  assert.ok(all.alerts === builtIn.alerts && thousand.alerts === builtIn.alerts, "a profile changes what is found");
  const [plain, , steered] = packs;
  assert.ok(plain !== undefined && steered !== undefined);
  return {
    ...{ input: input.name, events: input.events },
    ...{ builtIn: builtIn.tried, thousand: thousand.tried, all: all.tried },
    ratio: timeAgainst(steered, plain, batches),
  };
}

/** The sum of the least times of one pack, against that of another; each batch is given to both, in turns. */
function timeAgainst(one: Package, other: Package, batches: readonly Buffer[]): number {
  const packs = [one, other];
  const least = packs.map(() => batches.map(() => Number.POSITIVE_INFINITY));
  for (let pass = 0; pass < PASSES; pass++) {
    const detectors = packs.map(detectorOf);
    for (const [at, batch] of batches.entries()) {
      for (const turn of packs.keys()) {
        const which = (turn + pass + at) % packs.length;
        const start = performance.now();
        detectors[which]?.feed(batch, { file: "bench", firstLine: 1 });
        const time = performance.now() - start;
        const own = least[which];
        if (own !== undefined && pass >= WARM_UP) own[at] = Math.min(own[at] ?? time, time);
      }
    }
    for (const detector of detectors) detector.finish();
  }
  const [first = 0, second = 0] = least.map((times) => times.reduce((total, time) => total + time, 0));
  return first / second;
}

function feedAll(pack: Package, batches: readonly Buffer[]): DetectorCounters {
  const detector = detectorOf(pack);
  for (const batch of batches) detector.feed(batch, { file: "bench", firstLine: 1 });
  detector.finish();
  return detector.counters();
}

function countIn({ rules }: Input, lines: readonly string[]): Profile {
  const options = { ...DEFAULT_OPTIONS, ...OPTIONS };
  const { rules: analysed } = analyseRules(collectRules([rules.path]).rules, options);
  const counter = createEventCounter(askedOf(planRules(analysed, options)));
  for (const line of lines) counter.add(line);
  return counter.profile();
}

function detectorOf(pack: Package): ReturnType<typeof createDetector> {
  return createDetector(pack, { latenessNs: null, onAlert: () => undefined });
}

/** Whole lines, of about a mebibyte. */
function batchesOf(bytes: Buffer): Buffer[] {
  const batches: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.lastIndexOf(10, Math.min(start + BATCH, bytes.length) - 1) + 1;
    batches.push(bytes.subarray(start, end > start ? end : bytes.length));
    start = end > start ? end : bytes.length;
  }
  return batches;
}
