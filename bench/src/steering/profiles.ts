// Table "profiles": what a pack gains by a profile of the events that it will see, against the built-in figures: predicates tried for an event,
// and the time of the batches. Both packs find the same.

import { strict as assert } from "node:assert";
import { performance } from "node:perf_hooks";
import { analyseRules, DEFAULT_OPTIONS, planRules } from "@kestrel/compiler/compile";
import { askedOf } from "@kestrel/compiler/passes/asked-conditions";
import { createEventCounter } from "@kestrel/compiler/profile/count-events";
import type { Profile } from "@kestrel/compiler/profile/profile";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import { createDetector } from "@kestrel/runtime/engine/detector";
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
/** Passes over the events, each of all packs in turns; the least of each batch counts. */
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
  const profiles = [
    null,
    countIn(input, lines),
    countIn(
      input,
      lines.filter((_, at) => at % step === 0),
    ),
  ];
  const packs = await Promise.all(
    profiles.map((profile) => load(compile(input.rules, [], { ...OPTIONS, profile }).built)),
  );
  const batches = batchesOf(Buffer.concat(input.chunks));
  const least = packs.map(() => batches.map(() => Number.POSITIVE_INFINITY));
  const counts: { readonly tried: number; readonly alerts: number }[] = [];
  for (let pass = 0; pass < PASSES; pass++) {
    const detectors = packs.map(detectorOf);
    for (const [at, batch] of batches.entries()) {
      for (let turn = 0; turn < packs.length; turn++) {
        const which = (turn + pass + at) % packs.length;
        const start = performance.now();
        detectors[which]?.feed(batch, { file: "bench", firstLine: 1 });
        const time = performance.now() - start;
        const own = least[which];
        if (own !== undefined && pass >= WARM_UP) own[at] = Math.min(own[at] ?? time, time);
      }
    }
    for (const [which, detector] of detectors.entries()) {
      detector.finish();
      const { evaluated, events, alerts } = detector.counters();
      assert.equal(events, input.events);
      counts[which] = { tried: evaluated / events, alerts };
    }
  }
  const [builtIn, all, thousand] = counts;
  assert.ok(builtIn !== undefined && all !== undefined && thousand !== undefined);
  assert.ok(all.alerts === builtIn.alerts && thousand.alerts === builtIn.alerts, "a profile changes what is found");
  const sum = (times: readonly number[] = []): number => times.reduce((total, time) => total + time, 0);
  return {
    ...{ input: input.name, events: input.events },
    ...{ builtIn: builtIn.tried, thousand: thousand.tried, all: all.tried },
    ratio: sum(least[1]) / sum(least[0]),
  };
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
