// The front of the compiler: rule texts -> typed queries, and everything that is wrong with them.
//
// Every problem of every rule is reported; a rule with an error is left out and the others go on, as they do when eqlc itself
// fails on one. INVARIANT: neither Binaryen nor anything that loads it is imported, so that checking costs no more than it
// must (`test/src/front.test.ts`). Each rule is planned alone, because its size and some warnings show only then.

import { bindQuery } from "./analyse/bind-query.js";
import { checkEventFields, packCategoryField } from "./analyse/check-event-fields.js";
import type { TypedQuery } from "./analyse/typed.js";
import { takeUnknownFields, type UnknownFields } from "./analyse/unknown-fields.js";
import { type CompileOptions, DEFAULT_OPTIONS } from "./compile-options.js";
import type { Diagnostic, Problem } from "./diagnostics/diagnostic.js";
import { placeInRule } from "./diagnostics/locate.js";
import { createSink, type RuleProblem } from "./diagnostics/sink.js";
import type { Foreign } from "./ir/foreign.js";
import type { Lint } from "./lint/lint-input.js";
import { LINTS, lintRule } from "./lint/lints.js";
import { readSuppressions } from "./lint/suppressions.js";
import { checkPatterns } from "./plan/check-patterns.js";
import { checkSize } from "./plan/check-size.js";
import { planRules } from "./plan/plan-rules.js";
import { bareRule, type Rule } from "./rule/rule.js";
import type { Query, Span } from "./syntax/ast.js";
import { type Directive, parseQuery } from "./syntax/parse.js";

export { type CompileOptions, DEFAULT_OPTIONS, planRules };

export interface CompiledRule {
  readonly rule: Rule;
  readonly query: Pick<Query, "dialect" | "span">;
  /** Read from where it is kept only when somebody asks. */
  readonly typed: TypedQuery;
}

/** The same with the whole of its syntax tree. */
export interface AnalysedRule extends CompiledRule {
  readonly query: Query;
}

/** What a rule's text gives. Nothing in it says where the rule stands. */
export interface Analysis {
  /** null when too little of the text could be read. */
  readonly query: CompiledRule["query"] | null;
  /** Reads or gives the typed query; null when there are errors. */
  readonly typed: (() => TypedQuery) | null;
  readonly directives: readonly Directive[];
  /** In the order in which they were found. */
  readonly problems: readonly RuleProblem[];
}

/** Analyses that are known already: see cache/analysis-cache.ts. */
export interface AnalysisCache {
  get(rule: Rule): Analysis | null;
  put(rule: Rule, analysis: Analysis): void;
}

export interface AnalyseSettings {
  /** Problems found before the queries were read, such as an id that another rule has too; reported with the rest. */
  readonly known?: ReadonlyMap<Rule, readonly RuleProblem[]>;
  readonly lints?: readonly Lint[];
  /** The code of hand-written packages, by id, that rules may use. */
  readonly packages?: ReadonlyMap<string, Foreign>;
  readonly cache?: AnalysisCache;
}

/** Parses, types and checks the rules; those with errors are left out. Never throws. */
export function analyseRules(
  rules: readonly Rule[],
  options: CompileOptions,
  settings?: AnalyseSettings & { readonly cache?: undefined },
): { readonly rules: readonly AnalysedRule[]; readonly diagnostics: readonly Diagnostic[] };
export function analyseRules(
  rules: readonly Rule[],
  options: CompileOptions,
  settings: AnalyseSettings,
): { readonly rules: readonly CompiledRule[]; readonly diagnostics: readonly Diagnostic[] };
export function analyseRules(
  rules: readonly Rule[],
  options: CompileOptions,
  settings: AnalyseSettings = {},
): { readonly rules: readonly CompiledRule[]; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const good: CompiledRule[] = [];
  for (const rule of rules) {
    try {
      const { compiled, found } = analyseRule(rule, options, settings);
      diagnostics.push(...found);
      if (compiled !== null) good.push(compiled);
    } catch (error) {
      diagnostics.push(failureIn(rule, error));
    }
  }
  return { rules: good, diagnostics };
}

/** What is made of one query text, and what is wrong with it. */
export interface AnalysedQuery {
  /** The syntax tree, error nodes included; null when too little of the text could be read. */
  readonly query: Query | null;
  /** null when there are errors. */
  readonly typed: TypedQuery | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** As {@link analyseRules}, of one query that is no rule; its places are in the file `name`. */
export function analyseQuery(text: string, options: CompileOptions, name = "query"): AnalysedQuery {
  const rule = bareRule(name, text, name);
  try {
    const { query, typed, directives, problems } = analyseText(rule, options, {});
    const sink = createSink(rule, readSuppressions(directives, rule.suppress));
    sink.add(problems);
    return { query, typed, diagnostics: sink.finish(typed !== null) };
  } catch (error) {
    return { query: null, typed: null, diagnostics: [failureIn(rule, error)] };
  }
}

/** Problems of types: they are only right when the operand belongs to the operator that the parser gave it. */
const OF_TYPES: ReadonlySet<string> = new Set(["E0303", "E0304", "E0305"]);

/**
 * Which problems of binding are reported although the parser stumbled. An unknown name is unknown whatever stands
 * around it. A problem of types is kept back in a term in which the parser expected something else (E0203), and
 * everywhere when brackets do not pair: the operand may belong to another operator.
 */
function certainIn({ body, paired, span }: Query, syntax: readonly Problem[]): (problem: Problem) => boolean {
  const parts = body.kind === "event" ? [] : body.terms.map((term) => term.span);
  const loose = syntax
    .filter(({ code }) => code === "E0203")
    .map(({ span: at }) => parts.find((part) => part.start <= at.start && at.end <= part.end) ?? span);
  return ({ code, span: at }) =>
    !OF_TYPES.has(code) || (paired && !loose.some((part) => part.start <= at.start && at.end <= part.end));
}

function analyseRule(
  rule: Rule,
  options: CompileOptions,
  { known, cache, ...settings }: AnalyseSettings,
): { readonly compiled: CompiledRule | null; readonly found: readonly Diagnostic[] } {
  let analysis = cache?.get(rule) ?? null;
  if (analysis === null) {
    const { typed: made, ...others } = analyseText(rule, options, settings);
    analysis = { ...others, typed: made && (() => made) };
    cache?.put(rule, analysis);
  }
  const { query, typed, directives, problems } = analysis;
  const sink = createSink(rule, readSuppressions(directives, rule.suppress));
  sink.add(known?.get(rule) ?? []);
  sink.add(problems);
  if (query === null || typed === null || sink.failed()) return { compiled: null, found: sink.finish(false) };
  const compiled: CompiledRule = {
    rule,
    query,
    get typed() {
      return typed();
    },
  };
  return { compiled, found: sink.finish(true) };
}

/** Everything that a rule's text gives, whatever file it stands in and whatever warnings it asks not to hear. */
function analyseText(
  rule: Rule,
  options: CompileOptions,
  { lints = LINTS, packages = NO_PACKAGES }: Pick<AnalyseSettings, "lints" | "packages">,
): Omit<AnalysedQuery, "diagnostics"> & Pick<Analysis, "directives" | "problems"> {
  const { query, problems: syntax, directives } = parseQuery(rule.query, { dialect: rule.dialect ?? options.dialect });
  if (query === null) return { query, typed: null, directives, problems: syntax };
  const { predicates, problems: missing } = usedCode(rule, packages, query.span);
  const { schema, problems: taken } = takeUnknownFields(query, options.schema, unknownFieldsOf(rule, options));
  const { typed, problems: wrong, bound } = bindQuery(query, schema, rule.eventFields.category, predicates);
  const problems: RuleProblem[] = [
    ...checkEventFields(rule.eventFields, query, options),
    ...missing,
    ...taken,
    ...inOrder(syntax, wrong.filter(certainIn(query, syntax))),
  ];
  const failed = (): boolean => problems.some(({ severity }) => severity === "error");
  const left = { query, typed: null, directives, problems };
  if (typed === null || failed()) return left;
  // INVARIANT: what is said of a rule does not depend on a profile, and cache/analysis-cache.ts rests on that.
  const planned = planRules([{ typed }], { ...options, profile: null });
  problems.push(...checkPatterns(planned, query.span));
  if (!failed()) problems.push(...checkSize(planned, query.span));
  if (failed()) return left;
  const categoryField = rule.eventFields.category ?? packCategoryField(query.dialect, options);
  problems.push(...lintRule({ text: rule.query, query, schema, categoryField, bound, planned }, lints));
  return { query, typed, directives, problems };
}

/** The code that a rule uses, by the names it gives it; null where there is none. */
function usedCode(
  { uses }: Rule,
  packages: ReadonlyMap<string, Foreign>,
  span: Span,
): { readonly predicates: ReadonlyMap<string, Foreign | null>; readonly problems: readonly Problem[] } {
  const predicates = new Map<string, Foreign | null>();
  const problems: Problem[] = [];
  for (const [name, id] of uses) {
    const code = packages.get(id);
    predicates.set(name, code ?? null);
    if (code === undefined) {
      const message = `\`${name}\` stands for the package "${id}", which is not among the rules`;
      problems.push({ code: "E0310", severity: "error", message, span });
    }
  }
  return { predicates, problems };
}

const NO_PACKAGES: ReadonlyMap<string, Foreign> = new Map();

/** A rule that says where its events come from may use the fields that are known there, and nobody lists them all. */
function unknownFieldsOf({ namesSource }: Rule, { unknownFields }: CompileOptions): UnknownFields {
  return unknownFields ?? (namesSource ? "warn-unless-near" : "error");
}

/**
 * The problems of both in the order of the text. A construct of the other dialect (E0204) is reported by both: once is
 * enough.
 */
function inOrder(syntax: readonly Problem[], bound: readonly Problem[]): readonly Problem[] {
  if (syntax.length === 0) return bound;
  const foreign = syntax.filter(({ code }) => code === "E0204");
  const said = ({ code, span }: Problem): boolean =>
    code === "E0204" && foreign.some((one) => one.span.start < span.end && span.start < one.span.end);
  const all = [...syntax, ...bound.filter((problem) => !said(problem))];
  return all.sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
}

/** The diagnostic for an exception, which is eqlc's own mistake. It costs this rule, and the others go on. */
function failureIn(rule: Rule, error: unknown): Diagnostic {
  return {
    code: "E0403",
    severity: "error",
    message: `eqlc itself failed on the rule: ${error instanceof Error ? error.message : String(error)}`,
    place: placeInRule(rule),
    help: "this is a mistake in eqlc, not in the rule; please report it together with the rule",
  };
}
