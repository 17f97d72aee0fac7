// Comparisons of numbers, as instructions.

import type { ComparisonOp } from "../../ir/comparison.js";
import type { Builder, Expression } from "./seam.js";

/** Of i32 with a sign. */
export function compareWords(b: Builder, op: ComparisonOp, x: Expression, y: Expression): Expression {
  const { i32: word } = b.module;
  return { "==": word.eq, "<": word.lt_s, "<=": word.le_s, ">": word.gt_s, ">=": word.ge_s }[op](x, y);
}

export function compareLongs(b: Builder, op: ComparisonOp, x: Expression, y: Expression): Expression {
  const { i64: long } = b.module;
  return { "==": long.eq, "<": long.lt_s, "<=": long.le_s, ">": long.gt_s, ">=": long.ge_s }[op](x, y);
}

export function compareDoubles(b: Builder, op: ComparisonOp, x: Expression, y: Expression): Expression {
  const { f64: double } = b.module;
  return { "==": double.eq, "<": double.lt, "<=": double.le, ">": double.gt, ">=": double.ge }[op](x, y);
}
