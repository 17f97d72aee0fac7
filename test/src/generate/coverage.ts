// Queries, parsed -> which parts of the language they use: operators with null on which side, functions with which number of
// arguments and a `~` or none, what a match or a comparison has on its sides.

import type { Expr, Query, Term } from "@kestrel/compiler/syntax/ast";

/** Adds what a query uses to the counts. */
export function countConstructs(query: Query, counts: Map<string, number>): void {
  const add = (what: string): void => {
    counts.set(what, (counts.get(what) ?? 0) + 1);
  };
  const { body } = query;
  for (const pipe of query.pipes) {
    add(`| ${pipe.name}`);
    for (const arg of pipe.args) countIn(arg, add);
  }
  add(body.kind);
  if (body.kind === "event") {
    add(body.category === null ? "any" : "category");
    countIn(body.condition, add);
    return;
  }
  const until = body.kind === "sample" ? null : body.until;
  for (const term of body.terms) countTerm(term, add);
  if (until !== null) {
    add("until");
    countTerm(until, add);
  }
  if (body.kind === "sequence" && body.maxspan !== null) add("maxspan");
  if (body.by.length > 0) add(`by ${body.by.length}`);
  for (const key of body.by) add(key.kind === "field" ? (key.optional ? "optional key" : "field key") : "computed key");
}

function countTerm(term: Term, add: (what: string) => void): void {
  if (term.missing) add("missing term");
  if (term.runs > 1) add("runs");
  if (term.fork) add("fork");
  if (term.alias !== null) add("alias");
  if (term.by.length > 0) add("term by");
  countIn(term.query.condition, add);
}

function countIn(e: Expr, add: (what: string) => void): void {
  switch (e.kind) {
    case "literal":
      add(e.type);
      return;
    case "field":
      add(e.variable ? (e.path.length > 1 ? "$v.field" : "$v") : "field");
      if (e.optional) add("?field");
      if (e.path.some((part) => typeof part === "number")) add("index");
      return;
    case "unary":
      add(e.op === "not" ? "not" : `sign ${e.op}`);
      countIn(e.operand, add);
      return;
    case "binary":
      add(e.op);
      if (e.op !== "and" && e.op !== "or") {
        add(`${e.op} ${nullness(e.left, e.right)}`);
        add(`${sideOf(e.left)} ${groupOf(e.op)} ${sideOf(e.right)}`);
      }
      countIn(e.left, add);
      countIn(e.right, add);
      return;
    case "match":
      add(`${e.negated ? "not " : ""}${e.op}`);
      if (e.values.length > 1) add(`${e.op} list`);
      if (isNull(e.subject)) add(`null ${e.op}`);
      if (e.values.some(isNull)) add(`${e.op} (null)`);
      if (e.values.some((value) => value.kind !== "literal" && value.kind !== "unary")) add(`${e.op} (computed)`);
      countIn(e.subject, add);
      for (const value of e.values) countIn(value, add);
      return;
    case "call": {
      const name = `${e.name}${e.insensitive ? "~" : ""}`;
      add(name);
      add(`${e.name}/${Math.min(e.args.length, 4)}`);
      if (e.method) add(`:${e.name}`);
      if (e.args.some(isNull)) add(`${e.name}(null)`);
      for (const arg of e.args) countIn(arg, add);
      return;
    }
    case "lineage":
      add(`${e.relation} of`);
      countIn(e.query.condition, add);
  }
}

function groupOf(op: string): string {
  if (op === "==" || op === "!=") return "equals";
  return op.startsWith("<") || op.startsWith(">") ? "order" : "arithmetic";
}

function sideOf(e: Expr): string {
  if (e.kind === "unary" && e.operand.kind === "literal") return "literal";
  return e.kind === "literal" || e.kind === "field" ? e.kind : "computed";
}

function nullness(left: Expr, right: Expr): string {
  if (isNull(left)) return isNull(right) ? "null both" : "null left";
  return isNull(right) ? "null right" : "null neither";
}

function isNull(e: Expr): boolean {
  return e.kind === "literal" && e.type === "null";
}
