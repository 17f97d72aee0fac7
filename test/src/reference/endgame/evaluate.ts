// An expression of the endgame dialect over one event, or over the events of a match in a pipe -> its value.

import type { Binary, Call, Expr, FieldRef, Lineage, Literal, Match } from "@kestrel/compiler/syntax/ast";
import { fold } from "../fold.js";
import { callFunction, matchesStars } from "./functions.js";
import { calculate } from "./numbers.js";
import { sameExpression } from "./same-expression.js";
import { compare, type Data, type Dict, equal, integer, isDict, isList, isNumber, same, truth } from "./values.js";

export interface Scope {
  /** What a bare field is read from. */
  readonly event: Dict;
  /** In a pipe after several terms: what `events[i]` reads; null elsewhere. */
  readonly events: readonly Dict[] | null;
  readonly variables: ReadonlyMap<string, Data>;
  readonly related: (lineage: Lineage) => boolean;
}

/** A condition matches when its value counts as true. */
export function holds(condition: Expr, scope: Scope): boolean {
  return truth(evaluate(condition, scope)) === true;
}

/** Throws Error when a function does not exist, and SyntaxError for a malformed regular expression. */
export function evaluate(expression: Expr, scope: Scope): Data {
  switch (expression.kind) {
    case "error":
      throw new Error("an error node is not evaluated");
    case "literal":
      return literalValue(expression);
    case "field":
      return field(expression, scope);
    case "call":
      return call(expression, scope);
    case "unary": {
      const value = evaluate(expression.operand, scope);
      if (expression.op === "not") return not(truth(value));
      if (expression.op === "+") return isNumber(value) ? value : null;
      const float = expression.operand.kind === "literal" && typeof value === "number";
      return float ? -value : calculate("-", 0n, value);
    }
    case "binary":
      return binary(expression, scope);
    case "match":
      return membership(expression, scope);
    case "lineage":
      return scope.related(expression);
  }
}

export function literalValue(literal: Literal): Data {
  switch (literal.type) {
    case "null":
      return null;
    case "integer":
      return integer(literal.value);
    case "string":
    case "float":
    case "boolean":
      return literal.value;
  }
}

function not(value: boolean | null): boolean | null {
  return value === null ? null : !value;
}

function field({ path }: FieldRef, scope: Scope): Data {
  const [first = "", ...rest] = path;
  if (scope.variables.has(String(first))) return follow(scope.variables.get(String(first)) ?? null, rest);
  const [index, ...inner] = rest;
  if (scope.events !== null && first === "events" && typeof index === "number" && typeof inner[0] === "string") {
    return follow(scope.events[index] ?? null, inner);
  }
  return follow(scope.event, path);
}

/** A name after a text asks whether the text is that name: `subtype.create`. */
function follow(value: Data, path: readonly (string | number)[]): Data {
  let at = value;
  for (const step of path) {
    if (typeof at === "string" && typeof step === "string") at = fold(at) === fold(step);
    else if (isDict(at) && typeof step === "string") at = at.get(step) ?? null;
    else if (isList(at) && typeof step === "number") at = at[step] ?? null;
    else return null;
  }
  return at;
}

function binary(expression: Binary, scope: Scope): Data {
  const { op, left, right } = expression;
  switch (op) {
    case "and":
    case "or": {
      const sides = [truth(evaluate(left, scope)), truth(evaluate(right, scope))];
      const decisive = op === "or";
      if (sides.includes(decisive)) return decisive;
      return sides.includes(null) ? null : !decisive;
    }
    case "==":
      return equality(left, right, scope);
    case "!=":
      return not(equality(left, right, scope));
    case "<":
    case "<=":
    case ">":
    case ">=": {
      if (isSelf(left, right)) return op === "<=" || op === ">=";
      const order = compare(evaluate(left, scope), evaluate(right, scope));
      if (order === null) return null;
      if (order === 0) return op === "<=" || op === ">=";
      return order < 0 ? op === "<" || op === "<=" : op === ">" || op === ">=";
    }
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return calculate(op, evaluate(left, scope), evaluate(right, scope));
  }
}

function equality(left: Expr, right: Expr, scope: Scope): boolean | null {
  // Comparing with a written null asks whether there is a value.
  if (isNull(right)) return evaluate(left, scope) === null;
  if (isNull(left)) return evaluate(right, scope) === null;
  if (isSelf(left, right)) return true;
  if (isPattern(right)) return matchesPattern(evaluate(left, scope), right.value);
  if (isPattern(left)) return matchesPattern(evaluate(right, scope), left.value);
  return equal(evaluate(left, scope), evaluate(right, scope));
}

function isNull(expression: Expr): boolean {
  return expression.kind === "literal" && expression.type === "null";
}

/** A thing is itself, also when it is missing. */
function isSelf(left: Expr, right: Expr): boolean {
  return left.kind !== "literal" && sameExpression(left, right);
}

function isPattern(expression: Expr): expression is Literal & { readonly type: "string" } {
  return expression.kind === "literal" && expression.type === "string" && expression.value.includes("*");
}

function matchesPattern(value: Data, pattern: string): boolean | null {
  return typeof value === "string" ? matchesStars(value, pattern) : null;
}

function membership({ negated, subject, values }: Match, scope: Scope): boolean | null {
  const found = isIn(subject, values, scope);
  return negated ? not(found) : found;
}

function isIn(subject: Expr, values: readonly Expr[], scope: Scope): boolean | null {
  if (values.some((value) => isSelf(subject, value))) return true;
  const wanted = evaluate(subject, scope);
  if (wanted === null) return null;
  const choices = values.map((value) => evaluate(value, scope));
  // A list of constants is a set, in which a value is or is not; any other list is several comparisons.
  if (values.every(isConstant)) return choices.some((choice) => choice !== null && same(choice, wanted));
  const answers = choices.map((choice) => equal(wanted, choice));
  return answers.includes(true) ? true : answers.includes(null) ? null : false;
}

function isConstant(expression: Expr): boolean {
  if (expression.kind === "unary" && expression.op !== "not") return isConstant(expression.operand);
  return expression.kind === "literal";
}

function call({ name, args }: Call, scope: Scope): Data {
  const [first, second, third] = args;
  if (name === "arraySearch" || name === "arrayCount") {
    if (first === undefined || second?.kind !== "field" || third === undefined) throw new Error(`${name} is malformed`);
    const array = evaluate(first, scope);
    const variable = String(second.path[0]);
    const found = (isList(array) ? array : []).filter((item) =>
      holds(third, { ...scope, variables: new Map([...scope.variables, [variable, item]]) }),
    );
    return name === "arraySearch" ? found.length > 0 : BigInt(found.length);
  }
  // The old order: the pattern, then what it is tried on.
  const swapped =
    (name === "match" || name === "matchLite") && args.length === 2 && isText(first) && !isText(second)
      ? [...args].reverse()
      : args;
  return callFunction(
    name,
    swapped.map((arg) => evaluate(arg, scope)),
  );
}

function isText(expression: Expr | undefined): boolean {
  return expression?.kind === "literal" && expression.type === "string";
}
