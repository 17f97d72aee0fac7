// Rules -> compiled pack: the whole compiler in one function. Every problem of every rule is reported; a rule with an
// error is left out and the others go on.

import { lookup } from "@kestrel/stdlib/schema/schema";
import type { Field, Schema } from "@kestrel/stdlib/schema/types";
import { bindQuery } from "./analyse/bind-query.js";
import type { TypedQuery } from "./analyse/typed.js";
import { type CompileOptions, DEFAULT_OPTIONS } from "./compile-options.js";
import type { Diagnostic } from "./diagnostics/diagnostic.js";
import { diagnosticInRule } from "./diagnostics/locate.js";
import { checkPatterns } from "./lower/check-patterns.js";
import { type LoweredPack, lowerPack } from "./lower/lower-pack.js";
import type { PackIr } from "./plan/ir.js";
import { planPack } from "./plan/plan-pack.js";
import type { Rule } from "./sources/rule.js";
import type { Query } from "./syntax/ast.js";
import { parseQuery } from "./syntax/parse.js";

export { type CompileOptions, DEFAULT_OPTIONS };

export interface CompiledRule {
  readonly rule: Rule;
  readonly query: Query;
  readonly typed: TypedQuery;
}

export interface CompiledPack {
  /** The rules that compiled, in the order given. */
  readonly rules: readonly CompiledRule[];
  readonly ir: PackIr;
  readonly lowered: LoweredPack;
}

/** Parses and types the rules; those with errors are left out. */
export function analyseRules(
  rules: readonly Rule[],
  options: CompileOptions,
): { readonly rules: readonly CompiledRule[]; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const good: CompiledRule[] = [];
  for (const rule of rules) {
    const { query, problems } = parseQuery(rule.query, { dialect: rule.dialect ?? options.dialect });
    for (const problem of problems) diagnostics.push(diagnosticInRule(rule, problem));
    if (query === null || problems.some((problem) => problem.severity === "error")) continue;
    const bound = bindQuery(query, options.schema);
    const tooLarge = bound.typed === null ? [] : checkPatterns(bound.typed, query.span);
    for (const problem of [...bound.problems, ...tooLarge]) diagnostics.push(diagnosticInRule(rule, problem));
    if (bound.typed !== null && tooLarge.length === 0) good.push({ rule, query, typed: bound.typed });
  }
  return { rules: good, diagnostics };
}

/** Plans rules that analyseRules has passed. */
export function planRules(rules: readonly CompiledRule[], options: CompileOptions): PackIr {
  return planPack(
    rules.map(({ typed }) => typed),
    eventField(options.categoryField, options.schema),
  );
}

/** Plans and lowers rules that analyseRules has passed. */
export function compilePack(rules: readonly CompiledRule[], options: CompileOptions): CompiledPack {
  const ir = planRules(rules, options);
  const tiebreaker = options.tiebreakerField === null ? null : eventField(options.tiebreakerField, options.schema);
  const lowered = lowerPack(ir, {
    timestamp: eventField(options.timestampField, options.schema, "date"),
    tiebreaker: tiebreaker?.type === "long" ? tiebreaker : null,
  });
  return { rules, ir, lowered };
}

/** A field that every event may have; where the schema lacks it, or has another type, it is read as the wanted one. */
function eventField(name: string, schema: Schema, wanted?: "date"): Field {
  const known = lookup(schema, name);
  if (known !== null && (wanted === undefined || known.type === wanted)) return known;
  return { id: known?.id ?? 0, name, type: wanted ?? "keyword" };
}
