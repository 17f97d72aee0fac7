// Finds regular expressions whose automaton would pass the limits, while the rule they stand in is still known.

import type { Problem } from "../diagnostics/diagnostic.js";
import { operandsOf } from "../ir/expression.js";
import { compileRegex } from "../patterns/regex-compile.js";
import type { Span } from "../syntax/ast.js";
import type { Typed, TypedQuery } from "./typed.js";

/** One problem for each list of regular expressions that is too large. */
export function checkPatterns(query: TypedQuery, span: Span): Problem[] {
  const problems: Problem[] = [];
  const visit = (t: Typed): void => {
    for (const operand of operandsOf(t)) visit(operand);
    if (t.kind === "search") visit(t.condition);
    if (t.kind === "lineage") visit(t.query.condition);
    if (t.kind !== "match" || t.patterns.regexes.length === 0) return;
    const nodes = t.patterns.regexes.map(({ tree }) => tree);
    const program = compileRegex(nodes, t.patterns.fold);
    if (program.kind === "too-large")
      problems.push({ code: "E0402", severity: "error", message: program.message, span });
  };
  const terms = query.kind === "event" ? [query.term] : query.terms;
  for (const term of terms) visit(term.condition);
  if ((query.kind === "sequence" || query.kind === "join") && query.until !== null) visit(query.until.condition);
  return problems;
}
