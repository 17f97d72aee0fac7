// Operands and operators in reading order to an expression tree, by operator precedence.
// Loosest to tightest: or, and, not, comparison, + -, * / %, sign; `in`, `:`, `like` and `regex` bind tighter than a
// sign in elastic and looser than a sum in endgame. INVARIANT: runs of one operator nest to the left, in constant stack.

import type { ArithmeticOp, Binary, ComparisonOp, Dialect, Expr, Match, Span, Unary } from "./ast.js";

export type BinaryOp = "and" | "or" | ComparisonOp | ArithmeticOp;

export const PRECEDENCE: Readonly<Record<BinaryOp | "not" | "sign", number>> = {
  or: 1,
  and: 2,
  not: 3,
  "==": 4,
  "!=": 4,
  "<": 4,
  "<=": 4,
  ">": 4,
  ">=": 4,
  "+": 5,
  "-": 5,
  "*": 6,
  "/": 6,
  "%": 6,
  sign: 7,
};
const COMPARISON = PRECEDENCE["=="];

/** An expression with the range it covers, brackets around it included. */
export interface Operand {
  readonly expr: Expr;
  readonly span: Span;
}

type Pending =
  | { readonly kind: "prefix"; readonly op: Unary["op"]; readonly precedence: number; readonly span: Span }
  | { readonly kind: "binary"; readonly op: BinaryOp; readonly precedence: number; readonly span: Span };

/** An expression half read. `matched`: the last operand ends in a match operator, not in brackets. */
export interface Partial {
  readonly operands: Operand[];
  readonly pending: Pending[];
  matched: boolean;
}

export function startExpression(): Partial {
  return { operands: [], pending: [], matched: false };
}

/** Adds `not`, `-` or `+`. Gives false when the operator before it cannot take it as an operand. */
export function addPrefix(partial: Partial, op: Unary["op"], span: Span, dialect: Dialect): boolean {
  const before = partial.pending.at(-1);
  const precedence = op === "not" ? PRECEDENCE.not : PRECEDENCE.sign;
  partial.pending.push({ kind: "prefix", op, precedence, span });
  if (before === undefined) return true;
  if (op === "not") return before.precedence <= PRECEDENCE.not;
  return dialect === "elastic" || before.kind === "binary" || before.op === "not";
}

export function addOperand(partial: Partial, operand: Operand): void {
  partial.operands.push(operand);
  partial.matched = false;
}

function reduce(partial: Partial): void {
  const operator = partial.pending.pop();
  const right = partial.operands.pop();
  if (operator === undefined || right === undefined) return;
  if (operator.kind === "prefix") {
    const span = { start: operator.span.start, end: right.span.end };
    const expr: Unary = { kind: "unary", op: operator.op, operand: right.expr, span };
    partial.operands.push({ expr, span });
    return;
  }
  const left = partial.operands.pop();
  if (left === undefined) return;
  const span = { start: left.span.start, end: right.span.end };
  const expr: Binary = {
    kind: "binary",
    op: operator.op,
    left: left.expr,
    right: right.expr,
    opSpan: operator.span,
    span,
  };
  partial.operands.push({ expr, span });
}

function reduceAbove(partial: Partial, precedence: number): void {
  for (
    let top = partial.pending.at(-1);
    top !== undefined && top.precedence > precedence;
    top = partial.pending.at(-1)
  ) {
    reduce(partial);
  }
}

/** Adds a binary operator. Gives false when it would compare a comparison, which has no meaning without brackets. */
export function addBinary(partial: Partial, op: BinaryOp, span: Span, dialect: Dialect): boolean {
  const precedence = PRECEDENCE[op];
  reduceAbove(partial, precedence);
  const top = partial.pending.at(-1);
  const chained =
    (precedence === COMPARISON && top?.precedence === COMPARISON) ||
    (dialect === "endgame" && partial.matched && precedence >= COMPARISON);
  if (top?.precedence === precedence && top.kind === "binary") reduce(partial);
  partial.pending.push({ kind: "binary", op, precedence, span });
  partial.matched = false;
  return !chained;
}

/** Turns what stands before a match operator into its subject. Gives false when that is already a comparison. */
export function addMatch(
  partial: Partial,
  match: { op: Match["op"]; negated: boolean; values: readonly Expr[]; opSpan: Span; end: number },
  dialect: Dialect,
): boolean {
  if (dialect === "endgame") reduceAbove(partial, COMPARISON);
  const chained = partial.matched || (dialect === "endgame" && partial.pending.at(-1)?.precedence === COMPARISON);
  const subject = partial.operands.pop();
  if (subject === undefined) return true;
  const span = { start: subject.span.start, end: match.end };
  const { op, negated, values, opSpan } = match;
  partial.operands.push({ expr: { kind: "match", op, negated, subject: subject.expr, values, opSpan, span }, span });
  partial.matched = true;
  return !chained;
}

/**
 * The operands of a half-read expression that are certain to be complete: an operator follows them, and the parser got past
 * that. In `process and .name == "x"` the operator may be what is wrong. `end` is the end of what was read.
 */
export function closedOperands({ operands, pending }: Partial, end: number): readonly Expr[] {
  const operators = pending.filter(({ kind, span }) => kind === "binary" && span.end < end).length;
  return operands.slice(0, operators).map(({ expr }) => expr);
}

/** The finished expression, or null when nothing was read. */
export function finishExpression(partial: Partial): Operand | null {
  reduceAbove(partial, 0);
  return partial.operands[0] ?? null;
}
