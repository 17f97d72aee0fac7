// Paths -> compiled pack and everything there is to say about the rules: what `build`, `check` and `dump` have in common.

import { LoweringError } from "../backend/wasm/lowering-error.js";
import { analyseRules, type CompiledPack, type CompiledRule, type CompileOptions, compilePack } from "../compile.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { diagnosticInRule } from "../diagnostics/locate.js";
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

/** Compiles the rules without those that cannot be lowered. */
function compileWhatFits(
  rules: readonly CompiledRule[],
  options: CompileOptions,
): { readonly pack: CompiledPack | null; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  let left = rules;
  while (left.length > 0) {
    const pack = tryCompile(left, options);
    if (!(pack instanceof LoweringError)) return { pack, diagnostics };
    const failed = rulesThatFail(left, pack, options);
    for (const [rule, error] of failed) diagnostics.push(loweringDiagnostic(rule, error));
    left = left.filter((rule) => !failed.has(rule));
  }
  return { pack: null, diagnostics };
}

/** The rules that an error names; where it names none, those that fail alone, found by halving, or else all of them. */
function rulesThatFail(
  rules: readonly CompiledRule[],
  error: LoweringError,
  options: CompileOptions,
): ReadonlyMap<CompiledRule, LoweringError> {
  const named = error.rules.flatMap((index) => rules[index] ?? []);
  if (named.length > 0 || rules.length === 1)
    return new Map((named.length > 0 ? named : rules).map((rule) => [rule, error]));
  const middle = rules.length >> 1;
  const found = new Map<CompiledRule, LoweringError>();
  for (const half of [rules.slice(0, middle), rules.slice(middle)]) {
    const result = tryCompile(half, options);
    if (!(result instanceof LoweringError)) continue;
    for (const [rule, why] of rulesThatFail(half, result, options)) found.set(rule, why);
  }
  return found.size > 0 ? found : new Map(rules.map((rule) => [rule, error]));
}

/** Compiles the rules together, or says why that cannot be done. */
export function tryCompile(
  rules: readonly CompiledRule[],
  options: CompileOptions,
  text = false,
): CompiledPack | LoweringError {
  try {
    return compilePack(rules, options, text);
  } catch (error) {
    if (error instanceof LoweringError) return error;
    throw error;
  }
}

/** What an author is told of a rule that was left out. */
export function loweringDiagnostic({ rule, query: { span } }: CompiledRule, error: LoweringError): Diagnostic {
  const { message, isLimit } = error;
  if (isLimit) return diagnosticInRule(rule, { code: "E0402", severity: "error", message, span });
  const help = "this is a defect of eqlc and not of the rule: please report it with the rule";
  const failed = `eqlc failed on this rule: ${message}`;
  return diagnosticInRule(rule, { code: "E0403", severity: "error", message: failed, span, help });
}
