// Syntax tree -> an outline with the span of every node, and JSON.

import type { Dialect, EventQuery, Expr, Query, Term } from "../../syntax/ast.js";
import { printExpression } from "../../syntax/print.js";
import { leftSpine } from "../../syntax/walk.js";
import { node, type Outline, outlineText } from "./outline.js";

/** The tree as indented text. */
export function astText(query: Query): string {
  const { body, dialect } = query;
  const expr = (one: Expr): Outline => expression(one, dialect);
  const keys = (by: readonly Expr[]): Outline | null => (by.length === 0 ? null : node("by", by.map(expr)));
  const term = (one: Term, name: string): Outline =>
    node(
      `${one.missing ? "missing " : ""}${name}${one.runs === 1 ? "" : ` runs=${one.runs}`}${one.fork ? " fork" : ""}` +
        `${one.alias === null ? "" : ` as ${one.alias.name}`}${spanText(one)}`,
      event(one.query, dialect),
      keys(one.by),
    );
  const pipes = query.pipes.map((pipe) => node(`pipe ${pipe.name}${spanText(pipe)}`, pipe.args.map(expr)));
  if (body.kind === "event") return outlineText(node(`query ${dialect}`, event(body, dialect), pipes));
  const maxspan = body.kind === "sequence" ? body.maxspan : null;
  const until = body.kind === "sample" ? null : body.until;
  const parts = node(
    `${body.kind}${maxspan === null ? "" : ` maxspan=${maxspan.milliseconds}ms`}${spanText(body)}`,
    keys(body.by),
    body.terms.map((one) => term(one, "term")),
    until === null ? null : term(until, "until"),
  );
  return outlineText(node(`query ${dialect}`, parts, pipes));
}

/** The tree as JSON; integers that a double cannot hold are texts. */
export function astJson(query: Query): string {
  const plain = (_key: string, value: unknown): unknown => {
    if (typeof value !== "bigint") return value;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  };
  return `${JSON.stringify(query, plain, 2)}\n`;
}

function event(query: EventQuery, dialect: Dialect): Outline {
  return node(`event ${query.category ?? "any"}${spanText(query)}`, expression(query.condition, dialect));
}

function expression(expr: Expr, dialect: Dialect): Outline {
  const below = (one: Expr): Outline => expression(one, dialect);
  const named = (text: string, ...parts: readonly Expr[]): Outline =>
    node(`${text}${spanText(expr)}`, parts.map(below));
  switch (expr.kind) {
    case "literal":
      return named(`${expr.type} ${printExpression(expr, dialect)}`);
    case "field":
      return named(`field ${printExpression(expr, dialect)}`);
    case "call":
      return named(`call ${expr.name}${expr.insensitive ? "~" : ""}`, ...expr.args);
    case "unary":
      return named(expr.op, expr.operand);
    case "binary": {
      // `a and b and c` is one level, as it is read.
      const { base, links } = leftSpine(expr);
      let left = below(base);
      let op: string | null = null;
      for (const link of links) {
        const right = below(link.right);
        const chained = op === link.op && (op === "and" || op === "or");
        left = node(`${link.op}${spanText(link)}`, chained ? left.parts : left, right);
        op = link.op;
      }
      return left;
    }
    case "match":
      return named(`${expr.negated ? "not " : ""}${expr.op}`, expr.subject, ...expr.values);
    case "error":
      return named("not understood", ...expr.read);
    case "lineage":
      return node(`${expr.relation} of${spanText(expr)}`, event(expr.query, dialect));
  }
}

function spanText({ span }: { readonly span: { readonly start: number; readonly end: number } }): string {
  return `  @${span.start}..${span.end}`;
}
