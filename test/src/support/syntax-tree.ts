// The syntax tree as text for the cases of test/cases/syntax: one line for an expression, one for each term and pipe.

import type { EventQuery, Expr, Query, Span, Term } from "@kestrel/compiler/syntax/ast";
import { operandsOf } from "@kestrel/compiler/syntax/walk";

const PLAIN = /^[$@A-Za-z_][A-Za-z0-9_]*$/;

function showPath(path: readonly (string | number)[]): string {
  return path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      return `${index === 0 ? "" : "."}${PLAIN.test(part) ? part : JSON.stringify(part)}`;
    })
    .join("");
}

/** An expression in prefix form: `(and a.b (not-in c "x" 2))`. */
export function showExpr(expr: Expr): string {
  const list = (head: string, parts: readonly Expr[]) => `(${[head, ...parts.map(showExpr)].join(" ")})`;
  switch (expr.kind) {
    case "literal":
      if (expr.type === "null") return "null";
      if (expr.type === "string") return `${expr.raw ? "raw" : ""}${JSON.stringify(expr.value)}`;
      if (expr.type === "float") return Number.isInteger(expr.value) ? `${expr.value}.0` : `${expr.value}`;
      return `${expr.value}`;
    case "field":
      return `${expr.optional ? "?" : ""}${expr.variable ? "var:" : ""}${showPath(expr.path)}`;
    case "call":
      return list(`${expr.method ? "method" : "call"} ${expr.name}${expr.insensitive ? "~" : ""}`, expr.args);
    case "unary":
      return list(expr.op, [expr.operand]);
    case "binary":
      return list(expr.op, [expr.left, expr.right]);
    case "match":
      return list(`${expr.negated ? "not-" : ""}${expr.op}`, [expr.subject, ...expr.values]);
    case "error":
      return list("error", expr.read);
    case "lineage":
      return `(${expr.relation}-of ${showEvent(expr.query)})`;
  }
}

function showEvent(query: EventQuery): string {
  const category =
    query.category === null ? "*" : PLAIN.test(query.category) ? query.category : JSON.stringify(query.category);
  return `(event ${category} ${showExpr(query.condition)})`;
}

function showTerm(term: Term): string {
  const parts = [term.missing ? "missing" : "term", showEvent(term.query)];
  if (term.by.length > 0) parts.push(`(by ${term.by.map(showExpr).join(" ")})`);
  if (term.runs !== 1) parts.push(`runs=${term.runs}`);
  if (term.fork) parts.push("fork");
  if (term.alias !== null) parts.push(`as=${term.alias.name}`);
  return `(${parts.join(" ")})`;
}

/** A query, over several lines when it has terms or pipes. */
export function showQuery(query: Query): string {
  const { body } = query;
  const lines: string[] = [];
  if (body.kind === "event") {
    lines.push(showEvent(body));
  } else {
    const head: string[] = [body.kind];
    if (body.by.length > 0) head.push(`by ${body.by.map(showExpr).join(" ")}`);
    if (body.kind === "sequence" && body.maxspan !== null) head.push(`maxspan ${body.maxspan.milliseconds} ms`);
    lines.push(head.join(", "));
    for (const term of body.terms) lines.push(`  ${showTerm(term)}`);
    if (body.kind !== "sample" && body.until !== null) lines.push(`  until ${showTerm(body.until)}`);
  }
  for (const pipe of query.pipes) lines.push(`(pipe ${[pipe.name, ...pipe.args.map(showExpr)].join(" ")})`);
  return lines.join("\n");
}

function inside(inner: Span, outer: Span, mayBeEmpty: boolean): boolean {
  const isRange = mayBeEmpty ? inner.start <= inner.end : inner.start < inner.end;
  return isRange && outer.start <= inner.start && inner.end <= outer.end;
}

/**
 * Everything in the query whose range does not lie inside the range of what holds it, or is empty: only what is missing, in a
 * query that was not read whole, covers nothing.
 */
export function findStraySpans(query: Query, length: number): string[] {
  const stray: string[] = [];
  const check = (what: string, inner: Span, outer: Span) => {
    if (!inside(inner, outer, query.unread.length > 0))
      stray.push(`${what} at ${inner.start}..${inner.end} in ${outer.start}..${outer.end}`);
  };
  const checkExpr = (expr: Expr, outer: Span): void => {
    check(expr.kind, expr.span, outer);
    if (expr.kind === "binary") {
      check("operator", expr.opSpan, expr.span);
      checkExpr(expr.left, expr.span);
      checkExpr(expr.right, expr.span);
    } else if (expr.kind === "lineage") {
      checkEvent(expr.query, expr.span);
    } else {
      if (expr.kind === "match") check("operator", expr.opSpan, expr.span);
      for (const operand of operandsOf(expr)) checkExpr(operand, expr.span);
    }
  };
  const checkEvent = (event: EventQuery, outer: Span): void => {
    check("event", event.span, outer);
    check("category", event.categorySpan, event.span);
    checkExpr(event.condition, event.span);
  };
  check("query", query.span, { start: 0, end: length });
  const { body } = query;
  check("body", body.span, query.span);
  if (body.kind === "event") {
    checkEvent(body, query.span);
  } else {
    for (const key of body.by) checkExpr(key, body.span);
    const until = body.kind === "sample" ? null : body.until;
    for (const term of until === null ? body.terms : [...body.terms, until]) {
      check("term", term.span, body.span);
      checkEvent(term.query, term.span);
      for (const key of term.by) checkExpr(key, term.span);
      if (term.alias !== null) check("alias", term.alias.span, term.span);
    }
  }
  for (const pipe of query.pipes) {
    check("pipe", pipe.span, query.span);
    for (const arg of pipe.args) checkExpr(arg, pipe.span);
  }
  return stray;
}
