// A literal beside a value of another type: the literal is read in the value's type, the way an author means
// `user.id == 0` or `process.pid == "4"`. Only literals adapt; two values of different types are never equal.
//   number or boolean beside a text     compared as text, but in an order as the number that the text spells
//   text beside a number or a boolean   read as one

import type { Expr } from "@kestrel/compiler/syntax/ast";
import { readDouble, readLong } from "./decimals.js";
import { formatValue } from "./functions.js";
import { isNumber, textOf, type Value } from "./values.js";

/** A literal, or one with a sign. */
export function isLiteral(expression: Expr): boolean {
  if (expression.kind === "unary" && expression.op !== "not") return isLiteral(expression.operand);
  return expression.kind === "literal";
}

/** Both values as they are compared. */
export function adapt(value: Value, literal: Value, inOrder: boolean): readonly [Value, Value] {
  if (value === null || literal === null) return [value, literal];
  const text = textOf(value);
  if (text !== null && isNumber(literal)) {
    return inOrder ? [readDouble(text), Number(literal)] : [text, formatValue(literal)];
  }
  if (text !== null && typeof literal === "boolean") return [text, String(literal)];
  if (typeof literal !== "string") return [value, literal];
  if (isNumber(value)) {
    return [value, /^[+-]?[0-9]+$/.test(literal) ? (readLong(literal) ?? readDouble(literal)) : readDouble(literal)];
  }
  if (typeof value === "boolean") return [value, literal === "true" ? true : literal === "false" ? false : null];
  return [value, literal];
}
