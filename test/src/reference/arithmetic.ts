// Arithmetic on longs and doubles. Two longs give a long, anything with a double gives a double; what has no value
// (division by zero, a long that does not fit 64 bits, an operand that is not a number) is null.

import type { ArithmeticOp } from "@kestrel/compiler/syntax/ast";
import { fitsLong } from "./decimals.js";
import { isNumber, type Value } from "./values.js";

export function calculate(op: ArithmeticOp, a: Value, b: Value): bigint | number | null {
  if (!isNumber(a) || !isNumber(b)) return null;
  if (typeof a === "bigint" && typeof b === "bigint") {
    const result = onLongs(op, a, b);
    return result === null || !fitsLong(result) ? null : result;
  }
  return onDoubles(op, Number(a), Number(b));
}

function onLongs(op: ArithmeticOp, a: bigint, b: bigint): bigint | null {
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0n ? null : a / b;
    case "%":
      return b === 0n ? null : a % b;
  }
}

function onDoubles(op: ArithmeticOp, a: number, b: number): number | null {
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0 ? null : a / b;
    case "%":
      return b === 0 ? null : a % b;
  }
}
