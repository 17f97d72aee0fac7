// The `const` and `macro` definitions of endgame, expanded while the query is parsed, so that no later stage sees them.
// What comes from a macro's body takes the span of its use; arguments keep their own.
// INVARIANT: all expansions of one query together hold at most MAX_EXPANSION expressions.

import type { Expr, FieldRef, Literal, Span } from "./ast.js";
import { leftSpine, operandsOf } from "./walk.js";

/** How many expressions the macros of one query may expand to in all. */
export const MAX_EXPANSION = 200_000;

export interface Macro {
  readonly parameters: readonly string[];
  readonly body: Expr;
}

export interface Definitions {
  readonly constants: Map<string, Literal>;
  readonly macros: Map<string, Macro>;
  /** Sizes of expressions already measured, so that an argument used twice is walked once. */
  readonly sizes: Map<Expr, number>;
  expanded: number;
  /** Set once the bound is passed; nothing is expanded after that. */
  overflowed: boolean;
}

export function noDefinitions(): Definitions {
  return { constants: new Map(), macros: new Map(), sizes: new Map(), expanded: 0, overflowed: false };
}

function sizeOf(root: Expr, sizes: Map<Expr, number>): number {
  const known = sizes.get(root);
  if (known !== undefined) return known;
  const pending: Expr[] = [root];
  let size = 0;
  for (let expr = pending.pop(); expr !== undefined; expr = pending.pop()) {
    const part = sizes.get(expr);
    if (part !== undefined) {
      size += part;
      continue;
    }
    size++;
    if (expr.kind === "binary") pending.push(expr.left, expr.right);
    else for (const operand of operandsOf(expr)) pending.push(operand);
  }
  sizes.set(root, size);
  return size;
}

function countUses(root: Expr, names: ReadonlyMap<string, Expr>, sizes: Map<Expr, number>): number {
  const pending: Expr[] = [root];
  let size = 0;
  for (let expr = pending.pop(); expr !== undefined; expr = pending.pop()) {
    const replacement = expr.kind === "field" ? replacementOf(expr, names) : undefined;
    size += replacement === undefined ? 1 : sizeOf(replacement, sizes);
    if (expr.kind === "binary") pending.push(expr.left, expr.right);
    else for (const operand of operandsOf(expr)) pending.push(operand);
  }
  return size;
}

function replacementOf(field: FieldRef, names: ReadonlyMap<string, Expr>): Expr | undefined {
  const [name] = field.path;
  return field.path.length === 1 && typeof name === "string" ? names.get(name) : undefined;
}

function substitute(expr: Expr, names: ReadonlyMap<string, Expr>, span: Span): Expr {
  switch (expr.kind) {
    case "literal":
      return { ...expr, span };
    case "field":
      return replacementOf(expr, names) ?? { ...expr, span };
    case "call":
      return { ...expr, args: expr.args.map((arg) => substitute(arg, names, span)), nameSpan: span, span };
    case "error":
      return { ...expr, read: expr.read.map((part) => substitute(part, names, span)), span };
    case "unary":
      return { ...expr, operand: substitute(expr.operand, names, span), span };
    case "binary": {
      const { base, links } = leftSpine(expr);
      return links.reduce<Expr>(
        (left, link) => ({ ...link, left, right: substitute(link.right, names, span), opSpan: span, span }),
        substitute(base, names, span),
      );
    }
    case "match": {
      const subject = substitute(expr.subject, names, span);
      return {
        ...expr,
        subject,
        values: expr.values.map((value) => substitute(value, names, span)),
        opSpan: span,
        span,
      };
    }
    case "lineage": {
      const condition = substitute(expr.query.condition, names, span);
      return { ...expr, query: { ...expr.query, condition, categorySpan: span, span }, span };
    }
  }
}

/** The macro's body with its parameters replaced, or null when the query's expansions would pass MAX_EXPANSION. */
export function expandMacro(macro: Macro, args: readonly Expr[], span: Span, definitions: Definitions): Expr | null {
  const names = new Map(macro.parameters.map((name, index) => [name, args[index] ?? macro.body] as const));
  definitions.expanded += countUses(macro.body, names, definitions.sizes);
  definitions.overflowed = definitions.expanded > MAX_EXPANSION;
  if (definitions.overflowed) return null;
  return substitute(macro.body, names, span);
}
