// A query from the command line as a rule, so that it goes the way of every rule.

import type { Diagnostic } from "../diagnostics/diagnostic.js";
import type { Rule } from "../sources/rule.js";

const NAME = "query";

/** A rule with nothing but a query. */
export function queryRule(query: string): Rule {
  return {
    id: NAME,
    name: NAME,
    description: "",
    version: "1.0.0",
    author: [],
    severity: "medium",
    riskScore: null,
    tags: [],
    references: [],
    threat: [],
    tests: [],
    dialect: null,
    query,
    metadata: {},
    source: { file: NAME, queryOffset: { line: 0, column: 0 } },
  };
}

/** A diagnostic about such a rule: that it has a name says nothing to whoever typed it. */
export function withoutRuleName(diagnostic: Diagnostic): Diagnostic {
  const { rule: _, ...place } = diagnostic.place;
  return { ...diagnostic, place };
}
