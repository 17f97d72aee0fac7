// Paths -> compiled pack and everything there is to say about the rules: what `build`, `check` and `dump` have in common.

import { analyseRules, type CompiledPack, type CompiledRule, type CompileOptions, compilePack } from "../compile.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { diagnosticInRule } from "../diagnostics/locate.js";
import { PatternTooLarge } from "../lower/atoms-to-code.js";
import { type CollectedRules, collectRules } from "../sources/collect-rules.js";
import { sortRules } from "./build-package.js";
import { streamPipeWarnings } from "./stream-pipes.js";

export interface CompiledRules {
  readonly collected: CollectedRules;
  /** null when no rule is left. */
  readonly pack: CompiledPack | null;
  readonly diagnostics: readonly Diagnostic[];
  /** Rules, and files that may have held rules, that have errors and so are not in the pack. */
  readonly leftOut: number;
}

/** Reads, analyses and lowers the rules under `paths`; those with errors are left out. */
export function compileRules(paths: readonly string[], options: CompileOptions): CompiledRules {
  // The order of the arguments decides nothing, not even which of two rules with one id is kept.
  const collected = collectRules([...paths].sort());
  const analysed = analyseRules(collected.rules, options);
  const compiled = compileWhatFits(sortRules(analysed.rules), options);
  const kept = compiled.pack?.rules ?? [];
  const unread = new Set(
    collected.diagnostics
      .filter(({ severity }) => severity === "error")
      .map(({ place }) => JSON.stringify([place.file, place.rule])),
  );
  return {
    collected,
    pack: compiled.pack,
    diagnostics: [
      ...collected.diagnostics,
      ...analysed.diagnostics,
      ...compiled.diagnostics,
      ...streamPipeWarnings(analysed.rules),
    ],
    leftOut: collected.rules.length - kept.length + unread.size,
  };
}

/** Compiles the rules without those whose patterns, once merged, pass a limit. */
export function compileWhatFits(
  rules: readonly CompiledRule[],
  options: CompileOptions,
): { readonly pack: CompiledPack | null; readonly diagnostics: readonly Diagnostic[] } {
  if (rules.length === 0) return { pack: null, diagnostics: [] };
  if (tooLarge(rules, options) === null) return { pack: compilePack(rules, options), diagnostics: [] };
  return { pack: null, diagnostics: [] };
}
