// A typed expression -> what can be known of its value without an event: a constant, a range of numbers, the greatest length of
// a text. Everything here is an under-estimate of what is known: `undefined` stands for "anything".

import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { Typed, TypedOf } from "../analyse/typed.js";
import type { Patterns } from "../patterns/patterns.js";
import { wildcardMatches } from "../patterns/wildcard.js";

/** true, false, null (the three values of a condition), or undefined when the event decides. */
export type KnownTruth = boolean | null | undefined;

/** The value of a condition that is the same for every event. */
export function constantTruth(typed: Typed): KnownTruth {
  switch (typed.kind) {
    case "null":
      return null;
    case "boolean":
      return typed.value;
    case "not": {
      const truth = constantTruth(typed.operand);
      return typeof truth === "boolean" ? !truth : truth;
    }
    case "and":
    case "or": {
      const decisive = typed.kind === "or";
      const truths = typed.operands.map(constantTruth);
      if (truths.includes(decisive)) return decisive;
      if (truths.includes(undefined)) return undefined;
      return truths.includes(null) ? null : !decisive;
    }
    case "is-null":
      if (typed.operand.kind === "null") return true;
      return isLiteral(typed.operand) ? false : undefined;
    case "compare":
      return compareLiterals(typed);
    case "match": {
      const { subject, patterns } = typed;
      if (subject.kind === "null") return null;
      const text = literalOf(subject);
      return text?.kind === "string" ? matchesText(patterns, text.value) : undefined;
    }
    case "call": {
      const known = literalOf(typed);
      return known?.kind === "boolean" ? known.value : undefined;
    }
    default:
      return undefined;
  }
}

function isLiteral(typed: Typed): boolean {
  return ["string", "long", "double", "boolean", "date"].includes(typed.kind);
}

const I64 = 2n ** 63n;

/** The literal that an expression comes to; undefined when it is none, or when working it out is left to the event. */
function literalOf(typed: Typed): Typed | undefined {
  if (isLiteral(typed)) return typed;
  if (typed.kind === "arithmetic") {
    const [left, right] = [literalOf(typed.left), literalOf(typed.right)];
    if (left?.kind !== "long" || right?.kind !== "long" || typed.op === "/" || typed.op === "%") return undefined;
    const [a, b] = [left.value, right.value];
    const value = typed.op === "+" ? a + b : typed.op === "-" ? a - b : a * b;
    return value >= -I64 && value < I64 ? { kind: "long", value } : undefined;
  }
  if (typed.kind !== "call") return undefined;
  const texts = typed.args.map((arg) => {
    const literal = literalOf(arg);
    return literal?.kind === "string" ? literal.value : null;
  });
  const [first, second] = texts;
  if (typeof first !== "string" || texts.includes(null)) return undefined;
  if (typed.name === "length") return { kind: "long", value: BigInt(first.length) };
  if (typed.name === "concat") return { kind: "string", value: texts.join("") };
  if (typeof second !== "string") return undefined;
  const [text, part] = typed.fold ? [foldString(first), foldString(second)] : [first, second];
  if (typed.name === "startsWith") return { kind: "boolean", value: text.startsWith(part) };
  return typed.name === "endsWith" ? { kind: "boolean", value: text.endsWith(part) } : undefined;
}

function compareLiterals(comparison: TypedOf<"compare">): KnownTruth {
  if (comparison.left.kind === "null" || comparison.right.kind === "null") return null;
  const { op } = comparison;
  const [left, right] = [literalOf(comparison.left), literalOf(comparison.right)];
  if (left === undefined || right === undefined) return undefined;
  const a = literalNumber(left);
  const b = literalNumber(right);
  if (a !== undefined && b !== undefined) return holds(op, a < b ? -1 : a > b ? 1 : 0);
  if (left.kind === "boolean" && right.kind === "boolean" && op === "==") return left.value === right.value;
  if (left.kind === "string" && right.kind === "string" && op === "==") return left.value === right.value;
  return undefined;
}

function holds(op: "==" | "<" | "<=" | ">" | ">=", order: number): boolean {
  switch (op) {
    case "==":
      return order === 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
}

function literalNumber(typed: Typed): bigint | number | undefined {
  if (typed.kind === "long" || typed.kind === "double") return typed.value;
  return typed.kind === "date" ? typed.nanoseconds : undefined;
}

/** Whether a text matches; undefined when a regular expression would decide. */
export function matchesText({ fold, exact, globs, regexes }: Patterns, text: string): boolean | undefined {
  const folded = fold ? foldString(text) : text;
  const same = (one: string): boolean => (fold ? foldString(one) : one) === folded;
  if (exact.some(same) || globs.some((glob) => wildcardMatches(glob.text, text, fold))) return true;
  return regexes.length === 0 ? false : undefined;
}

/** The least value that a number can have; undefined when it has no known bound. */
export function leastOf(typed: Typed): number | undefined {
  return typed.kind === "call" && (typed.name === "length" || typed.name === "indexOf") ? 0 : undefined;
}

/** The greatest length of a text in UTF-16 units; undefined when it has no known bound. */
export function longestOf(typed: Typed): number | undefined {
  if (typed.kind === "string") return typed.value.length;
  if (typed.kind !== "call" || typed.name !== "substring") return undefined;
  const [subject, start, end] = typed.args;
  const whole = subject === undefined ? undefined : longestOf(subject);
  const from = start?.kind === "long" ? Number(start.value) : undefined;
  const to = end?.kind === "long" ? Number(end.value) : undefined;
  let cut: number | undefined;
  if (from !== undefined && from < 0 && end === undefined) cut = -from;
  // A negative end counts from the end of a text whose length is not known.
  else if (from !== undefined && to !== undefined && from >= 0 === to >= 0) cut = Math.max(0, to - from);
  if (cut === undefined || whole === undefined) return cut ?? whole;
  return Math.min(cut, whole);
}
