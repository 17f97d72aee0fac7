// Rules -> compiled pack: the whole compiler in one function. Every problem of every rule is reported; a rule with an
// error is left out and the others go on.

import { lookup } from "@kestrel/stdlib/schema/schema";
import type { Schema } from "@kestrel/stdlib/schema/types";
import { bindQuery } from "./analyse/bind-query.js";
import { checkPatterns } from "./analyse/check-patterns.js";
import type { TypedQuery } from "./analyse/typed.js";
import { type LoweredPack, lowerPack } from "./backend/wasm/lower-pack.js";
import { type CompileOptions, DEFAULT_OPTIONS } from "./compile-options.js";
import type { Diagnostic } from "./diagnostics/diagnostic.js";
import { diagnosticInRule, placeInRule } from "./diagnostics/locate.js";
import type { PackIr } from "./ir/pack-ir.js";
import { type Reading, readField, readName } from "./ir/reading.js";
import { lintRule } from "./lint/lints.js";
import { applySuppressions, readSuppressions } from "./lint/suppressions.js";
import { runPasses } from "./passes/passes.js";
import { checkSize } from "./plan/check-size.js";
import { planPack } from "./plan/plan-pack.js";
import type { Rule } from "./sources/rule.js";
import type { Query } from "./syntax/ast.js";
import { parseQuery } from "./syntax/parse.js";

export { type CompileOptions, DEFAULT_OPTIONS };

export interface CompiledRule {
  readonly rule: Rule;
  readonly query: Query;
  readonly typed: TypedQuery;
  /** Codes of warnings that the rule asks not to hear. */
  readonly suppressed?: ReadonlySet<string>;
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
    const { query, problems, directives } = parseQuery(rule.query, { dialect: rule.dialect ?? options.dialect });
    const found = [...problems];
    const suppressions = readSuppressions(directives, rule.suppress);
    let compiled: CompiledRule | null = null;
    if (query !== null && !problems.some((problem) => problem.severity === "error")) {
      const { typed, problems: wrong, bound } = bindQuery(query, options.schema);
      const tooLarge = typed === null ? [] : checkPatterns(typed, query.span);
      found.push(...wrong, ...tooLarge);
      if (typed !== null && tooLarge.length === 0) {
        const one: CompiledRule = { rule, query, typed, suppressed: new Set(suppressions.codes.keys()) };
        const planned = planRules([one], options);
        const tooMany = checkSize(planned, query.span);
        found.push(...tooMany);
        if (tooMany.length === 0) {
          compiled = one;
          found.push(...lintRule({ text: rule.query, query, schema: options.schema, bound, planned }));
        }
      }
    }
    const { kept, unneeded } = applySuppressions(suppressions, found);
    for (const problem of kept) diagnostics.push(diagnosticInRule(rule, problem));
    if (compiled === null) continue;
    for (const { problem, span } of unneeded) {
      const diagnostic = diagnosticInRule(rule, problem);
      diagnostics.push(span === null ? { ...diagnostic, place: placeInRule(rule) } : diagnostic);
    }
    good.push(compiled);
  }
  return { rules: good, diagnostics };
}

/** Plans rules that analyseRules has passed; no pass has run over the result. */
export function draftRules(rules: readonly CompiledRule[], options: CompileOptions): PackIr {
  return planPack(
    rules.map(({ typed }) => typed),
    {
      categories: {
        elastic: eventReading(options.categoryField, options.schema),
        endgame: readName(options.endgameCategoryField, "keyword"),
      },
      stream: !options.allPipes,
    },
  );
}

/** Plans rules that analyseRules has passed, and runs all passes. */
export function planRules(rules: readonly CompiledRule[], options: CompileOptions): PackIr {
  return runPasses(draftRules(rules, options));
}

/** Plans and lowers rules that analyseRules has passed; with `text`, the module's text is kept too. Throws LoweringError. */
export function compilePack(rules: readonly CompiledRule[], options: CompileOptions, text = false): CompiledPack {
  const ir = planRules(rules, options);
  const tiebreaker = options.tiebreakerField === null ? null : eventReading(options.tiebreakerField, options.schema);
  const timestamp =
    options.timestampUnit === "filetime"
      ? readName(options.timestampField, "filetime")
      : eventReading(options.timestampField, options.schema, "date");
  const events = { timestamp, tiebreaker: tiebreaker?.as === "long" ? tiebreaker : null };
  return { rules, ir, lowered: lowerPack(ir, { events, optimize: options.optimize, text }) };
}

/** A field that every event may have; where the schema lacks it, or has another type, it is read as the wanted one. */
function eventReading(name: string, schema: Schema, wanted?: "date"): Reading {
  const known = lookup(schema, name);
  if (known !== null && (wanted === undefined || known.type === wanted)) return readField(known);
  return readName(name, wanted ?? "keyword", known?.id);
}
