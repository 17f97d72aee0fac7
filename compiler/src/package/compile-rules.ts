// Paths -> compiled pack and everything there is to say about the rules.
//
// Lowering has nothing to say of a rule that `check` would not say: `plan/check-patterns.ts` and `plan/check-size.ts` know
// the limits of one rule. Should rules pass a limit together only, it is found here.

import { type CompiledPack, type CompiledRule, type CompileOptions, compilePack } from "../compile.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { diagnosticInRule } from "../diagnostics/locate.js";
import { PatternTooLarge } from "../lower/atoms-to-code.js";
import type { CollectedRules } from "../sources/collect-rules.js";
import { sortRules } from "./build-package.js";
import { checkRules } from "./check-rules.js";

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
  const { collected, rules, diagnostics, unread } = checkRules(paths, options);
  const compiled = compileWhatFits(sortRules(rules), options);
  const kept = compiled.pack?.rules ?? [];
  return {
    collected,
    pack: compiled.pack,
    diagnostics: [...diagnostics, ...compiled.diagnostics],
    leftOut: collected.rules.length - kept.length + unread,
  };
}

/** Compiles the rules without those whose patterns pass a limit. */
function compileWhatFits(
  rules: readonly CompiledRule[],
  options: CompileOptions,
): { readonly pack: CompiledPack | null; readonly diagnostics: readonly Diagnostic[] } {
  if (rules.length === 0) return { pack: null, diagnostics: [] };
  const whole = tryCompile(rules, options);
  if (!(whole instanceof PatternTooLarge)) return { pack: whole, diagnostics: [] };
  const large = findTooLarge(rules, whole, options);
  const left = rules.filter((rule) => !large.has(rule));
  const diagnostics = [...large].map(([{ rule, query }, { message }]) =>
    diagnosticInRule(rule, { code: "E0402", severity: "error", message, span: query.span }),
  );
  return { pack: left.length === 0 ? null : compilePack(left, options), diagnostics };
}

/** The rules that cannot even be compiled alone, found by halving; all of them when it is only together that they fail. */
function findTooLarge(
  rules: readonly CompiledRule[],
  problem: PatternTooLarge,
  options: CompileOptions,
): ReadonlyMap<CompiledRule, PatternTooLarge> {
  if (rules.length <= 1) return new Map(rules.map((rule) => [rule, problem]));
  const middle = rules.length >> 1;
  const found = new Map<CompiledRule, PatternTooLarge>();
  for (const half of [rules.slice(0, middle), rules.slice(middle)]) {
    const result = tryCompile(half, options);
    if (!(result instanceof PatternTooLarge)) continue;
    for (const [rule, why] of findTooLarge(half, result, options)) found.set(rule, why);
  }
  return found.size > 0 ? found : new Map(rules.map((rule) => [rule, problem]));
}

/** Compiles the rules together, or says why that passes a limit. */
export function tryCompile(rules: readonly CompiledRule[], options: CompileOptions): CompiledPack | PatternTooLarge {
  try {
    return compilePack(rules, options);
  } catch (error) {
    if (error instanceof PatternTooLarge) return error;
    throw error;
  }
}
