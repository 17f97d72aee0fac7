// Expression AST -> dynamic value, with the checks that python-eql's verifier makes: types of literals and of what
// operators and functions give are known, a field's type never is. What does not fit is reported once and becomes null of
// unknown type, so that everything around it is still checked. See docs/language.md#the-endgame-dialect.

import { COMPARISONS } from "../../ir/comparison.js";
import { type Constant, isTruth } from "../../ir/dynamic-value.js";
import { atStage, type Reading, readWhole } from "../../ir/reading.js";
import { globFits } from "../../patterns/wildcard.js";
import type { Binary, ComparisonOp, EventQuery, Expr, FieldRef, Lineage, Match } from "../../syntax/ast.js";
import { leftSpine } from "../../syntax/walk.js";
import type { BoundValue, TypedTerm } from "../typed.js";
import { type Binder, bindCall } from "./bind-call.js";
import { parseStars } from "./patterns.js";
import { sameExpression } from "./same-expression.js";
import { type Bound, describeKind, FAILED, fail, fits, type Kind, NULL, type Scope } from "./scope.js";

/** What the binding of calls asks of this file, which it cannot import because it is imported here. */
const BINDER: Binder = { bindValue, bindCondition, arithmetic, wildcard };

/**
 * In `a + b + c` each sum is an operand of the next, so a long one is deep. The parser limits the depth of brackets
 * only.
 */
const DEEPEST = 500;

/** Binds a condition: something that is true or false, or may be. */
export function bindCondition(expr: Expr, scope: Scope): BoundValue {
  const { value, type } = bindValue(expr, scope);
  if (fits(type, "boolean")) return value;
  const help = "compare it with something";
  fail(scope, "E0305", expr.span, `a condition must be true or false, but this is ${describeKind(type)}`, help);
  return NULL;
}

/** Binds the query in the brackets of a term or of a lineage query, without keys. */
export function bindEvents(query: EventQuery, scope: Scope): TypedTerm {
  return {
    dialect: "endgame",
    category: query.category,
    condition: { kind: "dynamic", value: bindCondition(query.condition, scope) },
    keys: [],
    missing: false,
    fork: false,
    span: query.span,
  };
}

export function bindValue(expr: Expr, scope: Scope): Bound {
  const { context } = scope;
  if (context.depth >= DEEPEST) {
    return fail(scope, "E0402", expr.span, `the expression is more than ${DEEPEST} operators deep`);
  }
  context.depth++;
  const bound = bindNode(expr, scope);
  context.depth--;
  if (bound.value !== NULL && !context.spans.has(bound.value)) context.spans.set(bound.value, expr.span);
  return bound;
}

function bindNode(expr: Expr, scope: Scope): Bound {
  switch (expr.kind) {
    case "literal":
      return {
        value: { kind: "constant", value: expr.type === "null" ? null : expr.value },
        type: kindOfLiteral(expr),
      };
    case "field":
      return bindField(expr, scope);
    case "call":
      return bindCall(expr, scope, BINDER);
    case "error":
      for (const part of expr.read) bindValue(part, scope);
      return FAILED;
    case "unary":
      return expr.op === "not" ? bindNot(expr.operand, scope) : bindSign(expr.op, expr.operand, scope);
    case "binary":
      return bindBinary(expr, scope);
    case "match":
      return bindIn(expr, scope);
    case "lineage":
      return bindLineage(expr, scope);
  }
}

function kindOfLiteral(expr: Extract<Expr, { kind: "literal" }>): Kind {
  return expr.type === "integer" || expr.type === "float" ? "number" : expr.type;
}

/** The constant that is written there, a sign before a number included; undefined when it is no literal. */
export function literalOf(expr: Expr): Constant | undefined {
  if (expr.kind === "literal") return expr.type === "null" ? null : expr.value;
  if (expr.kind !== "unary" || expr.op === "not") return undefined;
  const value = literalOf(expr.operand);
  if (typeof value !== "bigint" && typeof value !== "number") return undefined;
  return expr.op === "-" ? -value : value;
}

function bindField(ref: FieldRef, scope: Scope): Bound {
  const [name, ...path] = ref.path;
  if (typeof name !== "string") return FAILED;
  if (ref.variable) {
    const help = "Name the element as `arraySearch(array, name, condition)` does.";
    return fail(scope, "E0204", ref.span, `the variable ${name} belongs to the elastic dialect`, help);
  }
  const depth = scope.variables.lastIndexOf(name);
  if (depth >= 0) return { value: { kind: "element", depth, path }, type: "unknown" };
  const [index, inner, ...rest] = path;
  if (scope.events !== null && name === "events" && typeof index === "number" && typeof inner === "string") {
    const stage = scope.events[index];
    if (stage === undefined) {
      const { length } = scope.events;
      return fail(scope, "E0310", ref.span, `there is no event ${index}: a match has ${length} events, from 0`);
    }
    const value: BoundValue = stage === null ? NULL : { kind: "field", reading: rawField(inner, stage), path: rest };
    return { value, type: "unknown" };
  }
  return { value: { kind: "field", reading: rawField(name, 0), path }, type: "unknown" };
}

/** The field of the event at hand, which is the first of a match, or of a later event of the match. */
function rawField(name: string, event: number): Reading {
  const reading = readWhole(name);
  return event === 0 ? reading : atStage(reading, event);
}

function bindNot(operand: Expr, scope: Scope): Bound {
  const value = bindCondition(operand, scope);
  return { value: negate(value), type: "boolean" };
}

export function negate(value: BoundValue): BoundValue {
  if (value.kind === "constant") {
    return typeof value.value === "boolean" ? { kind: "constant", value: !value.value } : NULL;
  }
  return value.kind === "not" && isTruth(value.operand) ? value.operand : { kind: "not", operand: value };
}

function bindSign(op: "+" | "-", operand: Expr, scope: Scope): Bound {
  const bound = bindValue(operand, scope);
  if (!fits(bound.type, "number")) {
    return fail(scope, "E0303", operand.span, `\`${op}\` needs a number, but this is ${describeKind(bound.type)}`);
  }
  const literal = literalOf(operand);
  if (typeof literal === "bigint" || typeof literal === "number") {
    return { value: { kind: "constant", value: op === "-" ? -literal : literal }, type: "number" };
  }
  const zero: BoundValue = { kind: "constant", value: 0n };
  // `-x` is `0 - x`, and `+x` is `x - 0`, which keeps a negative zero (`x + 0` would not). Both are null for what is no
  // number.
  const [left, right] = op === "-" ? [zero, bound.value] : [bound.value, zero];
  return { value: { kind: "arithmetic", op: "-", left, right }, type: "number" };
}

function bindBinary(expr: Binary, scope: Scope): Bound {
  switch (expr.op) {
    case "and":
    case "or":
      return { value: bindJunction(expr, expr.op, scope), type: "boolean" };
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return arithmetic(expr.op, expr.left, expr.right, scope);
    default:
      return compare(expr.op, expr, scope);
  }
}

/** `a op b`, also written as a function. */
export function arithmetic(op: "+" | "-" | "*" | "/" | "%", left: Expr, right: Expr, scope: Scope): Bound {
  const [a, b] = [left, right].map((side) => {
    const bound = bindValue(side, scope);
    if (fits(bound.type, "number")) return bound.value;
    return fail(scope, "E0303", side.span, `\`${op}\` needs numbers, but this is ${describeKind(bound.type)}`).value;
  }) as [BoundValue, BoundValue];
  return { value: { kind: "arithmetic", op, left: a, right: b }, type: "number" };
}

/** A chain of one operator; a loop, because chains can be very long. */
function bindJunction(expr: Binary, kind: "and" | "or", scope: Scope): BoundValue {
  const { base, links } = leftSpine(expr);
  const split = links.findLastIndex((link) => link.op !== kind) + 1;
  const first = split === 0 ? base : (links[split - 1] ?? base);
  const operands = [first, ...links.slice(split).map((link) => link.right)];
  return junction(
    kind,
    operands.map((operand) => bindCondition(operand, scope)),
  );
}

/** Three-valued: in an `or`, a true wins over null, and a false is left out; in an `and` the other way round. */
function junction(kind: "and" | "or", operands: readonly BoundValue[]): BoundValue {
  const flat = operands.flatMap((operand) => (operand.kind === kind ? operand.operands : [operand]));
  const decisive = kind === "or";
  if (flat.some((operand) => operand.kind === "constant" && operand.value === decisive)) {
    return { kind: "constant", value: decisive };
  }
  const left = flat.filter((operand) => operand.kind !== "constant" || operand.value !== !decisive);
  const [only] = left;
  if (only === undefined) return { kind: "constant", value: !decisive };
  return left.length === 1 && isTruth(only) ? only : { kind, operands: left };
}

function compare(op: ComparisonOp, expr: Binary, scope: Scope): Bound {
  const left = bindValue(expr.left, scope);
  const right = bindValue(expr.right, scope);
  const equality = op === "==" || op === "!=";
  const result = (value: BoundValue): Bound => ({ value: op === "!=" ? negate(value) : value, type: "boolean" });
  if (equality && (isNull(expr.left) || isNull(expr.right))) {
    const { value } = isNull(expr.right) ? left : right;
    return result(value.kind === "constant" ? truth(value.value === null) : { kind: "is-null", operand: value });
  }
  if (!fits(left.type, right.type) || left.type === "array" || right.type === "array") {
    return fail(
      scope,
      "E0303",
      expr.span,
      `${describeKind(left.type)} and ${describeKind(right.type)} cannot be compared`,
    );
  }
  if (!equality) {
    const wrong = [left.type, right.type].find((type) => !fits(type, "number") && !fits(type, "string"));
    if (wrong !== undefined) {
      return fail(
        scope,
        "E0303",
        expr.span,
        `\`${op}\` orders numbers and strings, but this is ${describeKind(wrong)}`,
      );
    }
  }
  if (literalOf(expr.left) === undefined && sameExpression(expr.left, expr.right)) {
    return { value: truth(op !== "!=" && COMPARISONS[op].equal), type: "boolean" };
  }
  if (!equality) return { value: { kind: "order", op, left: left.value, right: right.value }, type: "boolean" };
  for (const [side, other] of [
    [expr.right, left],
    [expr.left, right],
  ] as const) {
    if (side.kind !== "literal" || side.type !== "string" || !side.value.includes("*")) continue;
    return result(wildcard(other.value, [side], scope));
  }
  return result({ kind: "equal", left: left.value, right: right.value });
}

function truth(value: boolean): BoundValue {
  return { kind: "constant", value };
}

function isNull(expr: Expr): boolean {
  return expr.kind === "literal" && expr.type === "null";
}

/** Whether the text matches one of the patterns, each a string literal. */
export function wildcard(
  subject: BoundValue,
  literals: readonly Extract<Expr, { kind: "literal"; type: "string" }>[],
  scope: Scope,
): BoundValue {
  const patterns = literals.map(({ value, span }) => {
    const pattern = parseStars(value);
    if (!globFits(pattern, true)) fail(scope, "E0402", span, "this wildcard pattern is too large");
    return pattern;
  });
  return { kind: "wildcard", subject, patterns };
}

function bindIn(expr: Match, scope: Scope): Bound {
  const subject = bindValue(expr.subject, scope);
  const values = expr.values.map((value) => ({ expr: value, literal: literalOf(value), ...bindValue(value, scope) }));
  if (expr.op !== "in") return fail(scope, "E0204", expr.opSpan, `\`${expr.op}\` belongs to the elastic dialect`);
  for (const { expr: value, type } of values) {
    if (fits(type, subject.type) && type !== "array") continue;
    return fail(
      scope,
      "E0303",
      value.span,
      `${describeKind(subject.type)} cannot be one of these: this is ${describeKind(type)}`,
    );
  }
  const result = (value: BoundValue): Bound => ({
    value: expr.negated ? negate(value) : value,
    type: "boolean",
  });
  if (values.some((value) => value.literal === undefined && sameExpression(value.expr, expr.subject))) {
    return result(truth(true));
  }
  const constants = values.flatMap(({ literal }) => (literal === undefined ? [] : [literal]));
  if (constants.length === values.length) {
    return result({ kind: "member", subject: subject.value, constants });
  }
  const equalities = values.map(({ value }): BoundValue => ({ kind: "equal", left: subject.value, right: value }));
  return result(junction("or", equalities));
}

function bindLineage(expr: Lineage, scope: Scope): Bound {
  if (scope.inPipe) return fail(scope, "E0308", expr.span, `\`${expr.relation} of\` cannot stand in a pipe`);
  // The query is about other events, so the searches around give it no names.
  const query = bindEvents(expr.query, { ...scope, variables: [] });
  return { value: { kind: "lineage", relation: expr.relation, query }, type: "boolean" };
}
