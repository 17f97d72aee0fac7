// Paths -> the parts of a package and everything there is to say about the rules.
//
// What compiles is loaded only when something is to be compiled: Binaryen alone takes longer than reading hundreds of rules.

import type { Diagnostic } from "../diagnostics/diagnostic.js";
import type { CompiledRule, CompileOptions } from "../front.js";
import type { CollectedRules } from "../sources/collect-rules.js";
import type { BuildCache } from "./build-cache.js";
import { sortRules } from "./build-package.js";
import { type CheckedRules, checkRules } from "./check-rules.js";
import type { PackParts } from "./pack-parts.js";
import type { SourceBeside } from "./source-names.js";

export interface CompiledRules {
  readonly collected: CollectedRules;
  /** What belongs to hand-written rules beside their manifests, by the path of these. */
  readonly beside: ReadonlyMap<string, readonly SourceBeside[]>;
  /** Those that compiled, in the order of the package. */
  readonly rules: readonly CompiledRule[];
  /** null when no rule is left. */
  readonly parts: PackParts | null;
  readonly diagnostics: readonly Diagnostic[];
  /** Rules, and files that may have held rules, that have errors and so are not in the pack. */
  readonly leftOut: number;
}

/** Reads, analyses and lowers the rules under `paths`; those with errors are left out. */
export async function compileRules(
  paths: readonly string[],
  options: CompileOptions,
  cache?: BuildCache,
): Promise<CompiledRules> {
  const checked = checkRules(paths, options, cache?.analyses);
  const { collected, foreign, packages, diagnostics, unread } = checked;
  const rules = sortRules(checked.rules);
  const known = cache?.packs.get({ rules, packages }) ?? null;
  const made =
    known === null ? await compileNow({ rules, packages }, options, cache) : { rules, parts: known, failed: [] };
  const predicatesOnly = foreign.filter(({ capabilities }) => !capabilities.requiresAlert).length;
  return {
    collected,
    beside: new Map(foreign.map(({ rule, sources }) => [rule.source.file, sources])),
    rules: made.rules,
    parts: made.parts,
    diagnostics: [...diagnostics, ...made.failed],
    leftOut: collected.rules.length + collected.foreign.length - predicatesOnly - made.rules.length + unread,
  };
}

async function compileNow(
  { rules, packages }: Pick<CheckedRules, "rules" | "packages">,
  options: CompileOptions,
  cache: BuildCache | undefined,
): Promise<Pick<CompiledRules, "rules" | "parts"> & { readonly failed: readonly Diagnostic[] }> {
  const [{ compileWhatFits, tryCompile }, { partsOf }] = await Promise.all([
    import("./compile-what-fits.js"),
    import("./pack-parts.js"),
  ]);
  const { pack, diagnostics } = compileWhatFits(rules, options, (some, how) =>
    tryCompile(some, how, { automatonOf: cache?.automatonOf }),
  );
  if (pack === null) return { rules: [], parts: null, failed: diagnostics };
  const parts = partsOf(pack);
  cache?.packs.put({ rules: pack.rules, packages }, parts);
  return { rules: pack.rules, parts, failed: diagnostics };
}

/** What {@link compileRules} makes, of rules that it compiled, with predicates in Lua. */
export async function partsInLua(rules: readonly CompiledRule[], options: CompileOptions): Promise<PackParts> {
  const [{ compilePack }, { partsOf }] = await Promise.all([import("../compile.js"), import("./pack-parts.js")]);
  return partsOf(compilePack(rules, options, { target: "lua" }));
}
