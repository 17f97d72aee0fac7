// The syntax tree back to query text, on one line. INVARIANT: parsing the text again gives the same tree but for spans,
// in the dialect that the tree was parsed in.

import type { Binary, Dialect, EventQuery, Expr, FieldRef, Literal, Query, Term } from "./ast.js";
import { PRECEDENCE } from "./operators.js";
import { quote, quoteRaw } from "./strings.js";
import { isReserved, KEYWORDS } from "./tokens.js";
import { leftSpine } from "./walk.js";

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** Tighter than every operator: a literal, a field or a call. */
const PRIMARY = 9;

function literal(value: Literal, dialect: Dialect): string {
  switch (value.type) {
    case "string":
      return (value.raw ? quoteRaw(value.value, dialect) : null) ?? quote(value.value);
    case "integer":
      return value.value.toString();
    case "float": {
      const text = value.value.toString();
      return /[.e]/.test(text) ? text : `${text}.0`;
    }
    case "boolean":
      return value.value ? "true" : "false";
    case "null":
      return "null";
  }
}

function name(part: string, dialect: Dialect, first: boolean): string {
  const bare = dialect === "elastic" ? /^[A-Za-z_@][A-Za-z0-9_]*$/ : /^[A-Za-z_][A-Za-z0-9_]*$/;
  const reserved = first ? isReserved(part, dialect) : dialect === "endgame" && isReserved(part, dialect);
  if (bare.test(part) && !reserved) return part;
  return `\`${dialect === "elastic" ? part.replaceAll("`", "``") : part}\``;
}

function field(ref: FieldRef, dialect: Dialect): string {
  const parts = ref.path.map((part, index) => {
    if (typeof part === "number") return `[${part}]`;
    if (index === 0) return ref.variable ? part : name(part, dialect, true);
    return `.${name(part, dialect, false)}`;
  });
  return `${ref.optional ? "?" : ""}${parts.join("")}`;
}

function precedenceOf(expr: Expr): number {
  switch (expr.kind) {
    case "binary":
      return PRECEDENCE[expr.op];
    case "unary":
      return expr.op === "not" ? PRECEDENCE.not : PRECEDENCE.sign;
    // A match is bracketed wherever a comparison would be, although elastic could do without at times.
    case "match":
      return PRECEDENCE["=="];
    case "literal":
    case "field":
    case "call":
    case "lineage":
    case "error":
      return PRIMARY;
  }
}

/** Prints `expr`, in brackets unless it binds at least as tightly as `least`. */
function operand(expr: Expr, least: number, dialect: Dialect): string {
  const text = printExpression(expr, dialect);
  return precedenceOf(expr) >= least ? text : `(${text})`;
}

function binary(expr: Binary, dialect: Dialect): string {
  const { base, links } = leftSpine(expr);
  let text = "";
  let before: Expr = base;
  for (const link of links) {
    const precedence = PRECEDENCE[link.op];
    const comparison = precedence === PRECEDENCE["=="];
    if (before === base) text = printExpression(base, dialect);
    // Operators of one rank nest to the left by themselves, except comparisons, which do not chain.
    if (precedenceOf(before) < precedence + (comparison ? 1 : 0)) text = `(${text})`;
    text = `${text} ${link.op} ${operand(link.right, precedence + 1, dialect)}`;
    before = link;
  }
  return text;
}

/** Prints an expression as text of the given dialect. */
export function printExpression(expr: Expr, dialect: Dialect): string {
  switch (expr.kind) {
    case "literal":
      return literal(expr, dialect);
    case "field":
      return field(expr, dialect);
    case "call": {
      const [receiver, ...rest] = expr.args;
      const print = (args: readonly Expr[]) => args.map((arg) => printExpression(arg, dialect)).join(", ");
      if (expr.method && receiver !== undefined)
        return `${operand(receiver, PRIMARY, dialect)}:${expr.name}(${print(rest)})`;
      return `${expr.name}${expr.insensitive ? "~" : ""}(${print(expr.args)})`;
    }
    case "unary":
      if (expr.op === "not") return `not ${operand(expr.operand, PRECEDENCE.not, dialect)}`;
      return `${expr.op}${operand(expr.operand, PRIMARY, dialect)}`;
    case "binary":
      return binary(expr, dialect);
    case "match": {
      const subject = operand(expr.subject, dialect === "elastic" ? PRIMARY : PRECEDENCE["+"], dialect);
      const values = expr.values.map((value) => printExpression(value, dialect));
      const list = expr.op === "in" || expr.op === "in~" || values.length !== 1 ? `(${values.join(", ")})` : values[0];
      const operator = `${expr.negated ? "not " : ""}${expr.op}`;
      return `${subject} ${operator} ${list}`;
    }
    case "error":
      return "…";
    case "lineage":
      return `${expr.relation} of [${printEvent(expr.query, dialect)}]`;
  }
}

function printEvent(query: EventQuery, dialect: Dialect): string {
  const { category } = query;
  const plain = category === null || (/^[A-Za-z_][A-Za-z0-9_]*$/.test(category) && !KEYWORDS.has(category));
  return `${plain ? (category ?? "any") : quote(category)} where ${printExpression(query.condition, dialect)}`;
}

function printKeys(keys: readonly Expr[], dialect: Dialect): string {
  return keys.length === 0 ? "" : ` by ${keys.map((key) => printExpression(key, dialect)).join(", ")}`;
}

function printTerm(term: Term, dialect: Dialect): string {
  return [
    `${term.missing ? "!" : ""}[${printEvent(term.query, dialect)}]`,
    printKeys(term.by, dialect),
    term.alias === null ? "" : ` as ${term.alias.name}`,
    term.runs === 1 ? "" : ` with runs=${term.runs}`,
    term.fork ? " fork=true" : "",
  ].join("");
}

function printDuration(milliseconds: number): string {
  for (const [unit, size] of UNITS) if (milliseconds % size === 0) return `${milliseconds / size}${unit}`;
  return `${milliseconds}ms`;
}

/** Prints a query as text of its own dialect. */
export function printQuery(query: Query): string {
  const { body, dialect } = query;
  const parts: string[] = [];
  if (body.kind === "event") {
    parts.push(printEvent(body, dialect));
  } else {
    const maxspan =
      body.kind === "sequence" && body.maxspan !== null
        ? ` with maxspan=${printDuration(body.maxspan.milliseconds)}`
        : "";
    parts.push(`${body.kind}${printKeys(body.by, dialect)}${maxspan}`);
    for (const term of body.terms) parts.push(printTerm(term, dialect));
    if (body.kind !== "sample" && body.until !== null) parts.push("until", printTerm(body.until, dialect));
  }
  for (const pipe of query.pipes) {
    const args = pipe.args.map((arg) => printExpression(arg, dialect)).join(", ");
    parts.push(args === "" ? `| ${pipe.name}` : `| ${pipe.name} ${args}`);
  }
  return parts.join(" ");
}
