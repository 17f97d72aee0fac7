// A typed expression -> what can be known of its value without an event: a constant, a range of numbers, the greatest length of
// a text. Everything here is an under-estimate of what is known: `undefined` stands for "anything".

import { foldString } from "@kestrel/stdlib/text/case-folding";
import { literalValue, nodeOf } from "../analyse/literals.js";
import type { Typed, TypedOf } from "../analyse/typed.js";
import { elasticForm } from "../functions/catalogue.js";
import type { KnownArgument, Literal } from "../functions/entry.js";
import { holds } from "../ir/comparison.js";
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
  return typed.kind === "call" ? literalOfCall(typed) : undefined;
}

function literalOfCall({ name, args, fold }: TypedOf<"call">): Typed | undefined {
  const { evaluate, result } = elasticForm(name);
  const values = args.map(constantValue).filter((value) => value !== undefined);
  if (evaluate === undefined || values.length < args.length) return undefined;
  const value = evaluate(values, fold);
  if (value === null) return undefined;
  // What the compiler reads of a constant may be whole where code gives a double.
  return nodeOf(result === "double" ? Number(value) : value);
}

function constantValue(typed: Typed): Literal | undefined {
  const literal = literalOf(typed);
  return literal === undefined ? undefined : literalValue(literal);
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
  return typed.kind === "call" ? elasticForm(typed.name).least : undefined;
}

/** The greatest length of a text in UTF-16 units; undefined when it has no known bound. */
export function longestOf(typed: Typed): number | undefined {
  if (typed.kind === "string") return typed.value.length;
  return typed.kind === "call" ? elasticForm(typed.name).longest?.(typed.args.map(knownOf)) : undefined;
}

/** Why no event can make the call true; null where one can. */
export function neverTrueCall({ name, args }: TypedOf<"call">): string | null {
  return elasticForm(name).never?.(args.map(knownOf)) ?? null;
}

function knownOf(typed: Typed): KnownArgument {
  return { literal: literalValue(typed), longest: longestOf(typed) };
}
