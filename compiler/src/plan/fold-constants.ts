// A value of the endgame dialect that is the same for every event -> that value, where comparisons and conditions lead to
// it. Functions and arithmetic are left to the code that runs.
// SOUND: what is folded here is what stdlib/prelude/dynamic-compare.ts would find.

import { foldString } from "@kestrel/stdlib/text/case-folding";
import { holds } from "../ir/comparison.js";
import type { Constant, DynamicValue } from "../ir/dynamic-value.js";

/** undefined when the value depends on an event, or is not worked out here. */
export function constantOf(value: DynamicValue): Constant | undefined {
  switch (value.kind) {
    case "constant":
      return value.value;
    case "is-null": {
      const operand = constantOf(value.operand);
      return operand === undefined ? undefined : operand === null;
    }
    case "not": {
      const operand = constantOf(value.operand);
      return operand === undefined || operand === null ? operand : !isTrue(operand);
    }
    case "and":
    case "or":
      return junction(value.kind === "or", value.operands);
    case "equal":
    case "order": {
      const [left, right] = [constantOf(value.left), constantOf(value.right)];
      if (left === undefined || right === undefined) return undefined;
      const order = compare(left, right);
      return order === null ? null : value.kind === "equal" ? order === 0 : holds(value.op, order);
    }
    case "member": {
      const subject = constantOf(value.subject);
      if (subject === undefined || subject === null) return subject;
      return value.constants.some((one) => one !== null && compare(asNumber(subject), asNumber(one)) === 0);
    }
    default:
      return undefined;
  }
}

/** Whether a constant counts as true; null does not. */
export function isTrue(constant: Constant): boolean {
  return typeof constant === "string" ? constant !== "" : Boolean(constant);
}

function junction(decisive: boolean, operands: readonly DynamicValue[]): Constant | undefined {
  const values = operands.map(constantOf);
  if (values.some((one) => one !== undefined && one !== null && isTrue(one) === decisive)) return decisive;
  return values.includes(undefined) ? undefined : values.includes(null) ? null : !decisive;
}

/** null when either is null, or the types do not compare. */
function compare(a: Constant, b: Constant): number | null {
  if (typeof a === "string" && typeof b === "string") {
    return Buffer.compare(Buffer.from(foldString(a)), Buffer.from(foldString(b)));
  }
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  // JavaScript compares a bigint with a number by value, without rounding either.
  return isNumber(a) && isNumber(b) ? (a < b ? -1 : a > b ? 1 : 0) : null;
}

function isNumber(constant: Constant): constant is bigint | number {
  return typeof constant === "bigint" || typeof constant === "number";
}

/** In lists, true is 1 and false is 0. */
function asNumber(constant: Constant): Constant {
  return typeof constant === "boolean" ? BigInt(constant) : constant;
}
