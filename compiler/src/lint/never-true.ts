// W0503: conditions, and parts of conditions, that no event can meet.
//   `false`, `1 == 2`                       the same for every event
//   `length(a) < 0`, `substring(a, 0, 2) == "abc"`, `host.os.type == "Windows"`    out of reach of what stands left of it
//   `a == 1 and not a < 5`                   what two parts of one `and` demand, or one of them and what encloses it
// What stands in a `not (… and …)` is an exclusion: whether it ever applies is the author's affair.

import type { Typed } from "../analyse/typed.js";
import type { Problem } from "../diagnostics/diagnostic.js";
import type { Expr, Span } from "../syntax/ast.js";
import { leftSpine } from "../syntax/walk.js";
import { constantTruth, leastOf, neverTrueCall } from "./constant-truth.js";
import { costOf, exclude, type Fact, factsOf } from "./facts.js";
import { CATEGORIES, impossibleTexts } from "./impossible-texts.js";
import { type Asked, askedBy, keyOf, type Lint, type LintInput, quoteSpan, warning } from "./lint-input.js";

/** Steps of comparing facts with each other in one rule; after that no more contradictions are looked for. */
const MOST_STEPS = 1_000_000;
/** More than a reader would mend before compiling again. */
const MOST_FOUND = 20;

interface Said {
  readonly fact: Fact;
  readonly span: Span;
}

/** What is known to hold where an expression stands: the facts of the `and`s around it, by field. */
interface Known {
  readonly facts: Map<string, Said[]>;
  readonly around: Known | null;
}

interface Search {
  readonly input: LintInput;
  readonly found: Problem[];
  steps: number;
}

export const neverTrue: Lint = {
  code: "W0503",
  run(input) {
    const search: Search = { input, found: [], steps: 0 };
    for (const asked of askedBy(input.query)) {
      checkCategory(asked, search);
      visit(asked.condition, true, { facts: new Map(), around: null }, search);
    }
    return search.found.slice(0, MOST_FOUND);
  },
};

function checkCategory({ category, categorySpan }: Asked, { input, found }: Search): void {
  const lower = category?.toLowerCase();
  if (input.categoryField !== "event.category" || category === null || lower === undefined) return;
  if (lower === category || !CATEGORIES.includes(lower)) return;
  const fix = { title: `Write \`${lower}\``, span: categorySpan, replacement: lower };
  found.push(warning("W0503", categorySpan, `no event has the category "${category}"`, `write \`${lower}\``, fix));
}

/** Looks at a condition (`positive`) or at its negation. False when it was reported to be impossible as a whole. */
function visit(expr: Expr, positive: boolean, known: Known, search: Search): boolean {
  if (expr.kind === "unary" && expr.op === "not") return visit(expr.operand, !positive, known, search);
  if (expr.kind === "binary" && (expr.op === "and" || expr.op === "or")) {
    const parts = partsOf(expr, expr.op);
    const together = (expr.op === "and") === positive;
    return together ? visitAll(parts, positive, known, search) : visitAny(parts, positive, known, search);
  }
  return visitLeaf(expr, positive, known, search);
}

function partsOf(expr: Extract<Expr, { kind: "binary" }>, op: "and" | "or"): readonly Expr[] {
  const { base, links } = leftSpine(expr);
  const parts: Expr[] = [base];
  for (const link of links) {
    // In `(a or b) and c` the spine of the `and` holds the `or` too: all of that is one part.
    if (link.op === op) parts.push(link.right);
    else parts.splice(0, parts.length, link);
  }
  return parts;
}

function visitAll(parts: readonly Expr[], positive: boolean, known: Known, search: Search): boolean {
  const later: Expr[] = [];
  for (const part of parts) {
    if (isDisjunction(part, positive)) later.push(part);
    else if (!visit(part, positive, known, search)) return false;
  }
  // An `or` is looked at last, so that its alternatives are judged by every other part, those behind it included.
  return later.every((part) => visit(part, positive, known, search));
}

function isDisjunction(expr: Expr, positive: boolean): boolean {
  if (expr.kind === "unary" && expr.op === "not") return isDisjunction(expr.operand, !positive);
  return expr.kind === "binary" && expr.op === (positive ? "or" : "and");
}

function visitAny(parts: readonly Expr[], positive: boolean, known: Known, search: Search): boolean {
  // In `not (a and b)` each part is judged by itself: to exclude what the rest of the rule rules out anyway is no
  // mistake.
  const given: Known = positive ? known : { facts: new Map(), around: null };
  let possible = 0;
  for (const part of parts) if (visit(part, positive, { facts: new Map(), around: given }, search)) possible++;
  return possible > 0;
}

function visitLeaf(expr: Expr, positive: boolean, known: Known, search: Search): boolean {
  const typed = search.input.bound.get(expr);
  if (typed === undefined) return true;
  // A condition that is always null is not reported here: that is W0504's affair.
  if (constantTruth(typed) === !positive) {
    return report(search, expr.span, `this is ${positive ? "never true" : "always true, so its negation never is"}`);
  }
  if (!checkReach(expr, typed, search) && positive) return false;
  for (const fact of factsOf(typed, positive)) {
    const key = keyOf(fact.reading);
    const other = findExcluded(fact, key, known, search);
    if (other !== null) {
      const labels = [{ span: other.span, text: "this must hold as well" }];
      return report(search, expr.span, `this is never true where ${quoteSpan(search.input, other.span)} is`, labels);
    }
    const said = known.facts.get(key);
    if (said === undefined) known.facts.set(key, [{ fact, span: expr.span }]);
    else said.push({ fact, span: expr.span });
  }
  return true;
}

function findExcluded(fact: Fact, key: string, known: Known, search: Search): Said | null {
  for (let level: Known | null = known; level !== null; level = level.around) {
    for (const said of level.facts.get(key) ?? []) {
      search.steps += costOf(said.fact, fact);
      if (search.steps > MOST_STEPS) return null;
      if (exclude(said.fact, fact)) return said;
    }
  }
  return null;
}

/** Reports values that the left side can never have; false when the whole leaf is one. */
function checkReach(expr: Expr, typed: Typed, search: Search): boolean {
  const core = typed.kind === "not" ? typed.operand : typed;
  if (core.kind === "compare" && typed === core) {
    const least = leastOf(core.left);
    const value = core.right.kind === "long" || core.right.kind === "double" ? core.right.value : null;
    if (least === undefined || value === null) return true;
    const { op } = core;
    const never = op === "<" ? value <= least : op === "<=" || op === "==" ? value < least : false;
    return never ? report(search, expr.span, `this is never true: the left side is at least ${least}`) : true;
  }
  if (core.kind === "call" && typed === core) {
    const why = neverTrueCall(core);
    return why === null ? true : report(search, expr.span, `this is never true: ${why}`);
  }
  if (core.kind === "or") {
    const reached = core.operands.map((operand) => checkReach(expr, operand, search));
    return reached.includes(true);
  }
  if (core.kind !== "match") return true;
  const impossible = impossibleTexts(core);
  const { exact, globs, regexes } = core.patterns;
  const all = impossible.length > 0 && impossible.length === exact.length + globs.length + regexes.length;
  for (const { text, why } of impossible) {
    if (search.found.length >= MOST_FOUND) break;
    report(search, literalSpan(expr, text) ?? expr.span, `this value is never met: ${why}`);
  }
  return !all;
}

function literalSpan(expr: Expr, text: string): Span | undefined {
  const values = expr.kind === "match" ? expr.values : expr.kind === "binary" ? [expr.left, expr.right] : [];
  return values.find((value) => value.kind === "literal" && value.type === "string" && value.value === text)?.span;
}

function report(search: Search, span: Span, message: string, labels?: Problem["labels"]): false {
  if (search.found.length < MOST_FOUND) {
    search.found.push({ ...warning("W0503", span, message), ...(labels === undefined ? {} : { labels }) });
  }
  return false;
}
