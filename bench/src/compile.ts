// Rules -> a package in memory, with the time it took and the size of what came out.

import { basename } from "node:path";
import { performance } from "node:perf_hooks";
import {
  type CompiledPack,
  type CompiledRule,
  type CompileOptions,
  compilePack,
  DEFAULT_OPTIONS,
} from "@kestrel/compiler/compile";
import { type BuiltPackage, buildPackage, sortRules } from "@kestrel/compiler/package/build-package";
import { checkRules } from "@kestrel/compiler/package/check-rules";
import { compileRules } from "@kestrel/compiler/package/compile-rules";
import { compileWhatFits } from "@kestrel/compiler/package/compile-what-fits";
import { partsOf } from "@kestrel/compiler/package/pack-parts";
import { nameSources, type PackageSource } from "@kestrel/compiler/package/source-names";
import { type Package, packageFromMemory } from "@kestrel/runtime/load/load-package";
import { MODULE_FILE } from "@kestrel/stdlib/package-format";
import type { RulePath } from "./corpus.js";

export interface CompileResult {
  readonly name: string;
  readonly rules: number;
  readonly leftOut: number;
  /** From the files on disk to the package in memory. */
  readonly milliseconds: number;
  readonly moduleBytes: number;
  /** All files of the package but the rules' sources. */
  readonly packageBytes: number;
  readonly predicates: number;
  readonly built: BuiltPackage;
}

export const PACKAGE_OPTIONS = {
  name: "bench",
  version: "1.0.0",
  compilerVersion: "bench",
  timestampField: DEFAULT_OPTIONS.timestampField,
  tiebreakerField: DEFAULT_OPTIONS.tiebreakerField,
  categoryField: DEFAULT_OPTIONS.categoryField,
};

/** Compiles what compiles, of `more` too; the rest is counted. Throws when no rule is left, or the compiler fails. */
export async function compile(
  { name, path }: RulePath,
  more: readonly string[] = [],
  options: Partial<CompileOptions> = {},
): Promise<CompileResult> {
  const start = performance.now();
  const compiled = await compileRules([path, ...more], { ...DEFAULT_OPTIONS, ...options });
  const { rules, parts, collected, beside, leftOut } = compiled;
  if (parts === null) throw new Error(`${name}: no rule compiles`);
  const built = buildPackage(rules, parts, nameSources(collected.files, [path, ...more], beside), PACKAGE_OPTIONS);
  const milliseconds = performance.now() - start;
  const sizes = [...built.files].filter(([file]) => !file.startsWith("sources/")).map(([, bytes]) => bytes.length);
  return {
    name,
    rules: rules.length,
    leftOut,
    milliseconds,
    moduleBytes: parts.stats.module_bytes,
    packageBytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    predicates: parts.predicates.length,
    built,
  };
}

/** Every tenth rule of a package, by the order of their ids. */
export function everyTenth(paths: readonly string[], options: Partial<CompileOptions> = {}): CompiledPack {
  const all = { ...DEFAULT_OPTIONS, ...options };
  const rules = sortRules(checkRules(paths, all).rules).filter((_, at) => at % 10 === 0);
  const { pack } = compileWhatFits(rules, all);
  if (pack === null) throw new Error("no rule compiles");
  return pack;
}

/** A package of rules that stand in no file. */
export function compileText(rules: readonly CompiledRule[]): BuiltPackage {
  return packageOf(compilePack(rules, DEFAULT_OPTIONS));
}

/** The package of a compiled pack whose rules stand in no file. */
export function packageOf(pack: CompiledPack): BuiltPackage {
  const sources = new Map<string, PackageSource>(
    pack.rules.map(({ rule }) => [rule.source.file, { name: basename(rule.source.file), text: rule.query }]),
  );
  return buildPackage(pack.rules, partsOf(pack), sources, PACKAGE_OPTIONS);
}

/** Loads a package as the runtime would, its checks included. */
export function load({ manifest, files }: BuiltPackage): Promise<Package> {
  const module = files.get(MODULE_FILE);
  if (module === undefined) throw new Error("the package lacks its module");
  return packageFromMemory({ manifest, module, foreign: files });
}
