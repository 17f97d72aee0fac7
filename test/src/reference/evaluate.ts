// A condition over one event -> true or false, by walking the tree as the parser left it.
// `and`, `or` and `not` join leaves that are either true or false; inside a leaf, null spreads. A leaf is tried with every
// combination of the values of its fields, and is true when one of them makes it true.

import type { Binary, Call, Expr, FieldRef, Match } from "@kestrel/compiler/syntax/ast";
import type { Schema } from "@kestrel/stdlib/schema/types";
import { adapt, isLiteral } from "./adapt.js";
import { calculate } from "./arithmetic.js";
import { fitsLong } from "./decimals.js";
import type { RefEvent } from "./events.js";
import { callFunction } from "./functions.js";
import { compileRegex } from "./regex.js";
import { compareValues, equalValues, type Truth, textOf, type Value } from "./values.js";
import { hasWildcard, matchesWildcard } from "./wildcard.js";

/** The query uses something that the interpreter does not interpret. */
export class Unsupported extends Error {}

/** What each field of a leaf stands for while one combination is tried. */
type Binding = ReadonlyMap<string, Value>;
const NOTHING: Binding = new Map();

/** Throws Unsupported, or Error when a field or function does not exist. */
export function holds(condition: Expr, event: RefEvent, schema: Schema): boolean {
  if (isConstant(condition, schema)) return evaluate(condition, NOTHING, schema) === true;
  if (condition.kind === "unary" && condition.op === "not") return !holds(condition.operand, event, schema);
  if (condition.kind === "binary") {
    const { op, left, right } = condition;
    if (op === "and") return holds(left, event, schema) && holds(right, event, schema);
    if (op === "or") return holds(left, event, schema) || holds(right, event, schema);
    if (op === "!=") return !leafHolds({ ...condition, op: "==" }, event, schema);
  }
  if (condition.kind === "match" && condition.negated)
    return !leafHolds({ ...condition, negated: false }, event, schema);
  return leafHolds(condition, event, schema);
}

/** The value of an expression without fields. Throws as `holds` does. */
export function constantValue(expression: Expr, schema: Schema): Value {
  if (!isConstant(expression, schema)) throw new Unsupported("The expression names a field");
  return evaluate(expression, NOTHING, schema);
}

/** The schema's name for a field; null for an optional field that is unknown, which is the constant null. */
export function fieldName(field: FieldRef, schema: Schema): string | null {
  if (field.variable) throw new Unsupported("Variables are not interpreted");
  if (field.path.some((part) => typeof part === "number")) throw new Unsupported("Array indexes are not interpreted");
  const name = field.path.join(".");
  if (schema.fields.has(name)) return name;
  if (field.optional) return null;
  throw new Error(`Unknown field ${name}`);
}

function leafHolds(leaf: Expr, event: RefEvent, schema: Schema): boolean {
  let bindings: Map<string, Value>[] = [new Map()];
  for (const name of fieldsOf(leaf, schema)) {
    const values = event.fields.get(name) ?? [null];
    bindings = bindings.flatMap((binding) => values.map((value) => new Map(binding).set(name, value)));
  }
  return bindings.some((binding) => evaluate(leaf, binding, schema) === true);
}

function fieldsOf(expression: Expr, schema: Schema): Set<string> {
  const names = new Set<string>();
  const visit = (e: Expr): void => {
    const name = e.kind === "field" ? fieldName(e, schema) : null;
    if (name !== null) names.add(name);
    for (const child of childrenOf(e)) visit(child);
  };
  visit(expression);
  return names;
}

function isConstant(expression: Expr, schema: Schema): boolean {
  return fieldsOf(expression, schema).size === 0;
}

function childrenOf(expression: Expr): readonly Expr[] {
  switch (expression.kind) {
    case "literal":
    case "field":
      return [];
    case "call":
      return expression.args;
    case "unary":
      return [expression.operand];
    case "binary":
      return [expression.left, expression.right];
    case "match":
      return [expression.subject, ...expression.values];
    case "lineage":
      throw new Unsupported("Lineage is not interpreted");
  }
}

function evaluate(expression: Expr, binding: Binding, schema: Schema): Value {
  switch (expression.kind) {
    case "literal":
      if (expression.type === "null") return null;
      if (expression.type === "integer")
        return fitsLong(expression.value) ? expression.value : Number(expression.value);
      return expression.value;
    case "field": {
      const name = fieldName(expression, schema);
      return name === null ? null : (binding.get(name) ?? null);
    }
    case "call":
      return evaluateCall(expression, binding, schema);
    case "unary": {
      const value = evaluate(expression.operand, binding, schema);
      if (expression.op === "not") return not(truthOf(value));
      return expression.op === "-" ? negate(value) : calculate("+", 0n, value);
    }
    case "binary":
      return evaluateBinary(expression, binding, schema);
    case "match":
      return evaluateMatch(expression, binding, schema);
    case "lineage":
      throw new Unsupported("Lineage is not interpreted");
  }
}

function evaluateCall(call: Call, binding: Binding, schema: Schema): Value {
  if (/^_?array(search|count|contains)$/i.test(call.name)) throw new Unsupported(`${call.name} is not interpreted`);
  const args = call.args.map((arg) => evaluate(arg, binding, schema));
  return callFunction(call.name, call.insensitive, args);
}

function evaluateBinary(expression: Binary, binding: Binding, schema: Schema): Value {
  const { op } = expression;
  const inOrder = op !== "==" && op !== "!=";
  let left = evaluate(expression.left, binding, schema);
  let right = evaluate(expression.right, binding, schema);
  if (isComparison(op) && isLiteral(expression.right)) [left, right] = adapt(left, right, inOrder);
  else if (isComparison(op) && isLiteral(expression.left)) [right, left] = adapt(right, left, inOrder);
  switch (op) {
    case "and":
      return and(truthOf(left), truthOf(right));
    case "or":
      return not(and(not(truthOf(left)), not(truthOf(right))));
    case "==":
    case "!=": {
      const isNullTest = isNullConstant(expression.left, schema) || isNullConstant(expression.right, schema);
      const equal = isNullTest ? left === null && right === null : equalValues(left, right);
      return op === "==" ? equal : not(equal);
    }
    case "<":
    case "<=":
    case ">":
    case ">=":
      return ordered(op, compareValues(left, right));
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return calculate(op, left, right);
  }
}

function isComparison(op: Binary["op"]): boolean {
  return op === "==" || op === "!=" || op === "<" || op === "<=" || op === ">" || op === ">=";
}

function ordered(op: "<" | "<=" | ">" | ">=", order: number | null): Truth {
  if (order === null) return null;
  switch (op) {
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

/** True when one of the values does it, else null when one is unknown, else false. */
function evaluateMatch(match: Match, binding: Binding, schema: Schema): Truth {
  const subject = evaluate(match.subject, binding, schema);
  const results = match.values.map((value) => {
    const wanted = evaluate(value, binding, schema);
    const adapts = isLiteral(value) && (match.op === "in" || match.op === "in~" || match.op === ":");
    return matchOne(match.op, ...(adapts ? adapt(subject, wanted, false) : ([subject, wanted] as const)));
  });
  const found = results.includes(true) ? true : results.includes(null) ? null : false;
  return match.negated ? not(found) : found;
}

function matchOne(op: Match["op"], subject: Value, value: Value): Truth {
  if (op === "in" || op === "in~") return equalValues(subject, value, op === "in~");
  const text = textOf(subject);
  const pattern = textOf(value);
  if (op === ":" && isVerbatim(subject, pattern)) return equalValues(subject, value, true);
  if (text === null || pattern === null) return null;
  switch (op) {
    case ":":
      return matchesWildcard(text, pattern, true);
    case "like":
    case "like~":
      return matchesWildcard(text, pattern, op === "like~");
    case "regex":
    case "regex~":
      return compileRegex(pattern, op === "regex~").test(text);
  }
}

/** `:` compares instead of matching when a side is not text, or an address meets a text without wildcards. */
function isVerbatim(subject: Value, pattern: string | null): boolean {
  if (pattern === null || textOf(subject) === null) return true;
  return (
    typeof subject !== "string" &&
    subject !== null &&
    typeof subject === "object" &&
    subject.type === "ip" &&
    !hasWildcard(pattern)
  );
}

/** `x == e` tests for presence when `e` is the literal null or folds to it. */
function isNullConstant(expression: Expr, schema: Schema): boolean {
  return isConstant(expression, schema) && evaluate(expression, NOTHING, schema) === null;
}

function negate(value: Value): Value {
  return typeof value === "number" ? -value : calculate("-", 0n, value);
}

function truthOf(value: Value): Truth {
  return typeof value === "boolean" ? value : null;
}

function not(truth: Truth): Truth {
  return truth === null ? null : !truth;
}

function and(a: Truth, b: Truth): Truth {
  if (a === false || b === false) return false;
  return a === null || b === null ? null : true;
}
