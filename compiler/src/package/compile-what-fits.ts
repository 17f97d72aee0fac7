// Rules -> the pack of those that can be compiled together, and what the others fail of.
//
// Lowering has nothing to say of a rule that `check` would not say: `plan/check-patterns.ts` and `plan/check-size.ts` know
// the limits of one rule. Should rules pass a limit together only, it is found here.

import { LoweringError } from "../backend/wasm/lowering-error.js";
import { type CompiledPack, type CompiledRule, type CompileHow, type CompileOptions, compilePack } from "../compile.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { diagnosticInRule } from "../diagnostics/locate.js";

type Compile = (rules: readonly CompiledRule[], options: CompileOptions) => CompiledPack | LoweringError;

/** Compiles the rules without those that cannot be lowered, each of which gets a diagnostic. */
export function compileWhatFits(
  rules: readonly CompiledRule[],
  options: CompileOptions,
  compile: Compile = tryCompile,
): { readonly pack: CompiledPack | null; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  let left = rules;
  while (left.length > 0) {
    const pack = compile(left, options);
    if (!(pack instanceof LoweringError)) return { pack, diagnostics };
    const failed = rulesThatFail(left, pack, options, compile);
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
  compile: Compile,
): ReadonlyMap<CompiledRule, LoweringError> {
  const named = error.rules.flatMap((index) => rules[index] ?? []);
  if (named.length > 0) return new Map(named.map((rule) => [rule, error]));
  if (rules.length <= 1) return new Map(rules.map((rule) => [rule, error]));
  const middle = rules.length >> 1;
  const found = new Map<CompiledRule, LoweringError>();
  for (const half of [rules.slice(0, middle), rules.slice(middle)]) {
    const result = compile(half, options);
    if (!(result instanceof LoweringError)) continue;
    for (const [rule, why] of rulesThatFail(half, result, options, compile)) found.set(rule, why);
  }
  return found.size > 0 ? found : new Map(rules.map((rule) => [rule, error]));
}

/** Compiles the rules together, or says why that cannot be done. */
export function tryCompile(
  rules: readonly CompiledRule[],
  options: CompileOptions,
  how: CompileHow = {},
): CompiledPack | LoweringError {
  try {
    return compilePack(rules, options, how);
  } catch (error) {
    if (error instanceof LoweringError) return error;
    throw error;
  }
}

/** What an author is told of a rule that was left out. */
export function loweringDiagnostic({ rule, query: { span } }: CompiledRule, error: LoweringError): Diagnostic {
  const { message, isLimit } = error;
  if (isLimit) return diagnosticInRule(rule, { code: "E0402", severity: "error", message, span });
  const help = "this is a mistake in eqlc, not in the rule; please report it together with the rule";
  const failed = `eqlc itself failed on the rule: ${message}`;
  return diagnosticInRule(rule, { code: "E0403", severity: "error", message: failed, span, help });
}
