// A condition compared with `true` or `false` is that condition or its negation, as Elasticsearch reads it:
//   c == true    true == c    c != false   false != c     mean   c
//   c == false   false == c   c != true    true != c      mean   not c
// A condition here is a comparison, a match, `and`, `or`, `not`, lineage, or a call of a function that answers yes or no. A
// boolean field is none: `flag == false` stays a question about the field's values.

import type { Expr } from "@kestrel/compiler/syntax/ast";

const BOOLEAN_FUNCTIONS = new Set([
  "_arraysearch",
  "cidrmatch",
  "endswith",
  "startswith",
  "stringcontains",
  "wildcard",
]);

/** null when the expression is not such a comparison. */
export function readTruthTest(expression: Expr): { readonly condition: Expr; readonly negated: boolean } | null {
  if (expression.kind !== "binary" || (expression.op !== "==" && expression.op !== "!=")) return null;
  for (const [condition, literal] of [
    [expression.left, expression.right],
    [expression.right, expression.left],
  ] as const) {
    if (literal.kind !== "literal" || literal.type !== "boolean" || !isCondition(condition)) continue;
    return { condition, negated: literal.value === (expression.op === "!=") };
  }
  return null;
}

function isCondition(expression: Expr): boolean {
  switch (expression.kind) {
    case "error":
      throw new Error("an error node is not evaluated");
    case "literal":
    case "field":
      return false;
    case "call":
      return BOOLEAN_FUNCTIONS.has(expression.name.toLowerCase());
    case "unary":
      return expression.op === "not";
    case "binary":
      return !["+", "-", "*", "/", "%"].includes(expression.op);
    case "match":
    case "lineage":
      return true;
  }
}
