// A cold build of all rules that there are, stage by stage: what each takes of the processor. The stages of one run are compared with each other.

import { strict as assert } from "node:assert";
import { lowerPack } from "@kestrel/compiler/backend/wasm/lower-pack";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { buildPackage, sortRules } from "@kestrel/compiler/package/build-package";
import { checkRules } from "@kestrel/compiler/package/check-rules";
import { partsOf } from "@kestrel/compiler/package/pack-parts";
import { nameSources } from "@kestrel/compiler/package/source-names";
import { leaveOutKnown } from "@kestrel/compiler/passes/leave-out-known";
import { eventReading, planRules } from "@kestrel/compiler/plan/plan-rules";
import { PACKAGE_OPTIONS } from "./compile.js";
import { packs } from "./corpus.js";

export interface BuildResult {
  readonly rules: number;
  readonly stages: readonly { readonly name: string; readonly milliseconds: number }[];
}

/** Builds the largest packs as one, once. Throws AssertionError when the optimiser changes what the module holds for. */
export function measureBuild(): BuildResult {
  const paths = packs().map(({ path }) => path);
  const stages: { name: string; milliseconds: number }[] = [];
  const timed = <Result>(name: string, work: () => Result): Result => {
    const before = process.cpuUsage();
    const result = work();
    const { user, system } = process.cpuUsage(before);
    stages.push({ name, milliseconds: (user + system) / 1000 });
    return result;
  };
  const { rules: found, collected } = timed("reading, typing, lints", () => checkRules(paths, DEFAULT_OPTIONS));
  const rules = sortRules(found);
  const ir = timed("plan and passes", () => planRules(rules, DEFAULT_OPTIONS));
  const { schema, timestampField, timestampUnit } = DEFAULT_OPTIONS;
  const events = { timestamp: eventReading(timestampField, schema, "date"), unit: timestampUnit, tiebreaker: null };
  const asked = timed("what is known, left out", () => leaveOutKnown(ir));
  timed("module without optimising", () => lowerPack(asked, { events, optimize: false, text: false }));
  const lowered = timed("module, optimised", () => lowerPack(asked, { events, optimize: true, text: false }));
  const pack = { rules, ir, asked, lowered };
  const sources = nameSources(collected.files, paths, new Map());
  const { manifest } = timed("package", () => buildPackage(rules, partsOf(pack), sources, PACKAGE_OPTIONS));
  assert.equal(manifest.rules.length, rules.length);
  return { rules: rules.length, stages };
}
