// A condition over one event -> true or false, by walking the tree as the parser left it.
// `and`, `or` and `not` join leaves that are either true or false; inside a leaf, null spreads. A leaf is tried with every
// combination of the values of its fields, and is true when one of them makes it true.
//
// What an operation gives is a value, as `process.pid + 1` does, or the truth of a question, as `process.pid > 1` does. A
// truth beside the literal `true` or `false` is asked for as itself or its negation: `(process.pid > 1) == false` means
// `not process.pid > 1`, also for events without a pid. A boolean field holds a value, and beside a literal it is compared.

import type { Binary, Call, Expr, FieldRef, Match } from "@kestrel/compiler/syntax/ast";
import type { Schema } from "@kestrel/stdlib/schema/types";
import { adapt, isLiteral } from "./adapt.js";
import { calculate } from "./arithmetic.js";
import { fitsLong } from "./decimals.js";
import { isSearch, visitFields } from "./element-type.js";
import { readEvent } from "./events.js";
import { callFunction, type Given } from "./functions.js";
import { compileRegex } from "./regex.js";
import { elementsAt, isNull, namesOf, readField, type Scope, scopeOf, typeOfElement, typeOfField } from "./scope.js";
import { compareValues, equalValues, type Truth, textOf, type Value } from "./values.js";
import { hasWildcard, matchesWildcard } from "./wildcard.js";

/** The query uses something that the interpreter does not interpret. */
export class Unsupported extends Error {}

/** What each field of a leaf stands for while one combination is tried. */
type Binding = ReadonlyMap<FieldRef, Value>;
const NOTHING: Binding = new Map();

/** Throws Error when a field, variable or function does not exist. */
export function holds(condition: Expr, scope: Scope): boolean {
  if (isConstant(condition, scope)) return evaluate(condition, NOTHING, scope) === true;
  const asked = questionBesideLiteral(condition, (side) => give(side, NOTHING, scope));
  if (asked !== null) return holds(asked.question, scope) === asked.wanted;
  if (condition.kind === "unary" && condition.op === "not") return !holds(condition.operand, scope);
  if (condition.kind === "binary") {
    const { op, left, right } = condition;
    if (op === "and") return holds(left, scope) && holds(right, scope);
    if (op === "or") return holds(left, scope) || holds(right, scope);
    if (op === "!=") return !leafHolds({ ...condition, op: "==" }, scope);
  }
  if (condition.kind === "match" && condition.negated) return !leafHolds({ ...condition, negated: false }, scope);
  return leafHolds(condition, scope);
}

/** The value of an expression without fields. Throws as `holds` does. */
export function constantValue(expression: Expr, schema: Schema): Value {
  const scope = scopeOf(readEvent("{}", { schema }), { schema });
  if (!isConstant(expression, scope)) throw new Unsupported("The expression names a field");
  return evaluate(expression, NOTHING, scope);
}

function leafHolds(leaf: Expr, scope: Scope): boolean {
  const readings = new Map<string, { readonly values: readonly Value[]; readonly fields: FieldRef[] }>();
  visitFields(leaf, typesOf(scope), (field, wanted) => {
    const reading = readField(field, wanted, scope);
    if (reading === null) return;
    const standing = readings.get(reading.id);
    if (standing !== undefined) standing.fields.push(field);
    else readings.set(reading.id, { values: reading.values.length > 0 ? reading.values : [null], fields: [field] });
  });
  let bindings: Map<FieldRef, Value>[] = [new Map()];
  for (const { values, fields } of readings.values()) {
    bindings = bindings.flatMap((binding) =>
      values.map((value) => new Map([...binding, ...fields.map((field) => [field, value] as const)])),
    );
  }
  return bindings.some((binding) => evaluate(leaf, binding, scope) === true);
}

/** Whether no field, array or process tree decides. An optional field that is unknown is the constant null. */
function isConstant(expression: Expr, scope: Scope): boolean {
  switch (expression.kind) {
    case "error":
      throw new Error("an error node is not evaluated");
    case "literal":
      return true;
    case "field":
      return isNull(expression, scope);
    case "call":
      return !isSearch(expression) && expression.args.every((arg) => isConstant(arg, scope));
    case "unary":
      return isConstant(expression.operand, scope);
    case "binary":
      return isConstant(expression.left, scope) && isConstant(expression.right, scope);
    case "match":
      return isConstant(expression.subject, scope) && expression.values.every((value) => isConstant(value, scope));
    case "lineage":
      return false;
  }
}

function typesOf(scope: Scope) {
  return (field: FieldRef) => {
    const [root = "", ...rest] = namesOf(field);
    if (field.variable) return typeOfElement(scope.variables.get(root)?.array ?? "", rest, scope.schema);
    return typeOfField((scope.aliases.has(root) ? rest : [root, ...rest]).join("."), scope.schema);
  };
}

/**
 * The question that is compared with the literal `true` or `false`, its truth as `givenBy` has it, and the answer that makes
 * the comparison true; null for every other expression. `givenBy` evaluates a side; that it gives a truth does not depend on the values of its fields.
 */
function questionBesideLiteral(
  expression: Expr,
  givenBy: (side: Expr) => Given,
): { readonly question: Expr; readonly truth: Truth; readonly wanted: boolean } | null {
  if (expression.kind !== "binary" || (expression.op !== "==" && expression.op !== "!=")) return null;
  const { op, left, right } = expression;
  for (const [question, literal] of [[left, right] as const, [right, left] as const]) {
    if (literal.kind !== "literal" || literal.type !== "boolean") continue;
    const { value, isTruth } = givenBy(question);
    if (isTruth) return { question, truth: truthOf(value), wanted: literal.value === (op === "==") };
  }
  return null;
}

function evaluate(expression: Expr, binding: Binding, scope: Scope): Value {
  return give(expression, binding, scope).value;
}

function give(expression: Expr, binding: Binding, scope: Scope): Given {
  switch (expression.kind) {
    case "error":
      throw new Error("an error node is not evaluated");
    case "literal":
      if (expression.type === "null") return valued(null);
      if (expression.type === "integer")
        return valued(fitsLong(expression.value) ? expression.value : Number(expression.value));
      return valued(expression.value);
    case "field":
      return valued(binding.get(expression) ?? null);
    case "call":
      return giveCall(expression, binding, scope);
    case "unary": {
      const value = evaluate(expression.operand, binding, scope);
      if (expression.op === "not") return answered(not(truthOf(value)));
      return valued(expression.op === "-" ? negate(value) : calculate("+", 0n, value));
    }
    case "binary":
      return giveBinary(expression, binding, scope);
    case "match":
      return answered(evaluateMatch(expression, binding, scope));
    case "lineage":
      return answered(scope.related(expression, scope.event));
  }
}

function valued(value: Value): Given {
  return { value, isTruth: false };
}

function answered(truth: Truth): Given {
  return { value: truth, isTruth: true };
}

function giveCall(call: Call, binding: Binding, scope: Scope): Given {
  if (isSearch(call)) return answered(searchArray(call, scope));
  const args = call.args.map((arg) => evaluate(arg, binding, scope));
  const given = callFunction(call.name, call.insensitive, args);
  if (call.name.toLowerCase() !== "number" || given.value === null || isConstant(call, scope)) return given;
  // Of a text that only the event knows, `number` is a double; with another base than ten it is a long.
  const base = call.args[1];
  const inBase = base !== undefined && isConstant(base, scope) && args[1] !== null && args[1] !== 10n;
  return inBase ? given : valued(Number(given.value));
}

/** `_arraysearch(array, $v, condition)`: whether an element makes the condition true. Never null. */
function searchArray(call: Call, scope: Scope): boolean {
  const [array, variable, condition] = call.args;
  if (call.insensitive || call.args.length !== 3 || condition === undefined)
    throw new Error("_arraysearch is malformed");
  if (array?.kind !== "field") throw new Error("The first argument of _arraysearch must be a field");
  if (variable?.kind !== "field" || !variable.variable || variable.path.length !== 1)
    throw new Error("The second argument of _arraysearch must be a variable");
  const name = String(variable.path[0]);
  return elementsAt(array, scope).some((element) =>
    holds(condition, { ...scope, variables: new Map([...scope.variables, [name, element]]) }),
  );
}

function giveBinary(expression: Binary, binding: Binding, scope: Scope): Given {
  const asked = questionBesideLiteral(expression, (side) => give(side, binding, scope));
  if (asked !== null) return answered(asked.wanted ? asked.truth : not(asked.truth));
  const { op } = expression;
  const inOrder = op !== "==" && op !== "!=";
  let left = evaluate(expression.left, binding, scope);
  let right = evaluate(expression.right, binding, scope);
  if (isComparison(op) && isLiteral(expression.right)) [left, right] = adapt(left, right, inOrder);
  else if (isComparison(op) && isLiteral(expression.left)) [right, left] = adapt(right, left, inOrder);
  switch (op) {
    case "and":
      return answered(and(truthOf(left), truthOf(right)));
    case "or":
      return answered(not(and(not(truthOf(left)), not(truthOf(right)))));
    case "==":
    case "!=": {
      const isNullTest = isNullConstant(expression.left, scope) || isNullConstant(expression.right, scope);
      const equal = isNullTest ? left === null && right === null : equalValues(left, right);
      return answered(op === "==" ? equal : not(equal));
    }
    case "<":
    case "<=":
    case ">":
    case ">=":
      return answered(ordered(op, compareValues(left, right)));
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return valued(calculate(op, left, right));
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
function evaluateMatch(match: Match, binding: Binding, scope: Scope): Truth {
  const subject = evaluate(match.subject, binding, scope);
  const results = match.values.map((value) => {
    const wanted = evaluate(value, binding, scope);
    const verbatim = match.op.startsWith("like") && typeof wanted !== "string";
    const adapts = isLiteral(value) && (match.op === "in" || match.op === "in~" || match.op === ":" || verbatim);
    return matchOne(match.op, ...(adapts ? adapt(subject, wanted, false) : ([subject, wanted] as const)));
  });
  const found = results.includes(true) ? true : results.includes(null) ? null : false;
  return match.negated ? not(found) : found;
}

function matchOne(op: Match["op"], subject: Value, value: Value): Truth {
  if (op === "in" || op === "in~") return equalValues(subject, value, op === "in~");
  const text = textOf(subject);
  const pattern = textOf(value);
  if ((op === ":" && isVerbatim(subject, pattern)) || (op.startsWith("like") && pattern === null))
    return equalValues(subject, value, true);
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
function isNullConstant(expression: Expr, scope: Scope): boolean {
  return isConstant(expression, scope) && evaluate(expression, NOTHING, scope) === null;
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
