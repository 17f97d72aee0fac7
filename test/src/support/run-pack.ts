// Rules, compiled in this process, over lines of NDJSON: what the Wasm side finds, in a form that tests can compare.

import {
  type AnalysedRule,
  analyseRules,
  type CompiledPack,
  type CompileOptions,
  compilePack,
  type Target,
} from "@kestrel/compiler/compile";
import type { Diagnostic } from "@kestrel/compiler/diagnostics/diagnostic";
import { buildPackage } from "@kestrel/compiler/package/build-package";
import { partsOf } from "@kestrel/compiler/package/pack-parts";
import { bareRule, type Rule } from "@kestrel/compiler/rule/rule";
import type { DetectorCounters } from "@kestrel/runtime/engine/detector";
import { createDetector, type DetectorOptions } from "@kestrel/runtime/engine/detector";
import { type Package, packageFromMemory } from "@kestrel/runtime/load/load-package";
import { MODULE_FILE } from "@kestrel/stdlib/package-format";

/** A rule with nothing but a query. */
export function ruleOf(id: string, query: string): Rule {
  return bareRule(id, query, `${id}.eql`);
}

export interface PackUnderTest {
  readonly pack: Package;
  readonly rules: readonly AnalysedRule[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Compiles what compiles; the rest is in `diagnostics`. */
export async function compileForTest(rules: readonly Rule[], options: CompileOptions): Promise<PackUnderTest> {
  const { rules: analysed, diagnostics } = analyseRules(rules, options);
  return { ...(await lowerForTest(analysed, options)), diagnostics };
}

/** Compiles rules that are analysed, so that who compiles them in several ways need not do that again. */
export async function lowerForTest(
  rules: readonly AnalysedRule[],
  options: CompileOptions,
  target: Target = "wasm",
): Promise<Omit<PackUnderTest, "diagnostics">> {
  return { pack: await loadForTest(compilePack(rules, options, { target }), options), rules };
}

/** A compiled pack as the runtime loads it. */
export async function loadForTest(compiled: CompiledPack, options: CompileOptions): Promise<Package> {
  const sources = new Map(
    compiled.rules.map(({ rule }) => [rule.source.file, { name: `${rule.id}.eql`, text: rule.query }]),
  );
  const { timestampField, tiebreakerField, categoryField } = options;
  const { manifest, files } = buildPackage(compiled.rules, partsOf(compiled), sources, {
    name: "test",
    version: "1.0.0",
    compilerVersion: "test",
    timestampField,
    tiebreakerField,
    categoryField,
  });
  return packageFromMemory({ manifest, module: files.get(MODULE_FILE) ?? new Uint8Array(), foreign: files });
}

export interface Found {
  /** For each rule, its detections in order: the arrival ordinals of their events, -1 for a missing one. */
  readonly byRule: readonly (readonly (readonly number[])[])[];
  /** The join keys of the same detections, as engine/join-keys.ts writes them. */
  readonly keysByRule: readonly (readonly string[])[];
  readonly counters: DetectorCounters;
}

/** Runs a package over the bytes of whole lines, in exact order unless told otherwise. */
export function runLines(pack: Package, bytes: Buffer, options: Partial<DetectorOptions> = {}, chunk = 1 << 20): Found {
  const byRule: number[][][] = pack.manifest.rules.map(() => []);
  const keysByRule: string[][] = pack.manifest.rules.map(() => []);
  const detector = createDetector(pack, {
    latenessNs: null,
    inOrder: true,
    onAlert({ rule, key, events }) {
      byRule[rule]?.push(events.map((event) => event?.ordinal ?? -1));
      keysByRule[rule]?.push(key);
    },
    ...options,
  });
  let line = 1;
  for (let start = 0; start < bytes.length; ) {
    let end = Math.min(start + chunk, bytes.length);
    end = end === bytes.length ? end : bytes.lastIndexOf(10, end - 1) + 1;
    if (end <= start) end = bytes.indexOf(10, start) + 1;
    line += detector.feed(bytes.subarray(start, end), { file: "test", firstLine: line });
    start = end;
  }
  detector.finish();
  return { byRule, keysByRule, counters: detector.counters() };
}
