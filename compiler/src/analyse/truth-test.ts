// `condition == true` and its kin: the condition itself, or its negation. What is so compared is a condition as written, a
// comparison, a match, `and`, `or`, `not`, a lineage test or a call that answers yes or no. A boolean field is a value, and
// `flag == false` a question about it.

import { answersYesOrNo } from "../functions/catalogue.js";
import type { Binary, Expr } from "../syntax/ast.js";

export interface TruthTest {
  readonly condition: Expr;
  readonly negated: boolean;
}

/** null for any other comparison. */
export function readTruthTest({ op, left, right }: Binary): TruthTest | null {
  if (op !== "==" && op !== "!=") return null;
  const literal = isBoolean(right) ? right : isBoolean(left) ? left : null;
  if (literal === null) return null;
  const condition = literal === right ? left : right;
  return answers(condition) ? { condition, negated: literal.value !== (op === "==") } : null;
}

function isBoolean(expr: Expr): expr is Extract<Expr, { kind: "literal"; type: "boolean" }> {
  return expr.kind === "literal" && expr.type === "boolean";
}

function answers(expr: Expr): boolean {
  switch (expr.kind) {
    case "literal":
    case "field":
      return false;
    case "call":
      return answersYesOrNo(expr.name);
    case "unary":
      return expr.op === "not";
    case "binary":
      return !["+", "-", "*", "/", "%"].includes(expr.op);
    default:
      return true;
  }
}
