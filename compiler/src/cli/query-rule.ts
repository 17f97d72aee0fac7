// A query from the command line as a rule, so that it goes the way of every rule.

import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { bareRule, type Rule } from "../rule/rule.js";

const NAME = "query";

export function queryRule(query: string): Rule {
  return bareRule(NAME, query, NAME);
}

/** A diagnostic about such a rule: that it has a name says nothing to whoever typed it. */
export function withoutRuleName(diagnostic: Diagnostic): Diagnostic {
  const { rule: _, ...place } = diagnostic.place;
  return { ...diagnostic, place };
}
