// Ways over an expression that do not recurse along left-nested operators.
// INVARIANT: a query that the parser accepts has a depth of at most MAX_DEPTH when each run of binary operators nested
// on the left counts once. A pass may recurse over operands as long as it loops along `leftSpine`.

import type { Binary, Expr } from "./ast.js";

/** How deep an accepted expression may be, runs of left-nested operators counting once. */
export const MAX_DEPTH = 1024;

/** The operators nested on the left of `expr`, innermost first, and the operand they start from. */
export function leftSpine(expr: Binary): { readonly base: Expr; readonly links: readonly Binary[] } {
  const links: Binary[] = [];
  let base: Expr = expr;
  while (base.kind === "binary") {
    links.push(base);
    base = base.left;
  }
  return { base, links: links.reverse() };
}

/** The direct operands of an expression that is not a binary operator. */
export function operandsOf(expr: Exclude<Expr, Binary>): readonly Expr[] {
  switch (expr.kind) {
    case "literal":
    case "field":
      return [];
    case "call":
      return expr.args;
    case "error":
      return expr.read;
    case "unary":
      return [expr.operand];
    case "match":
      return [expr.subject, ...expr.values];
    case "lineage":
      return [expr.query.condition];
  }
}

/** The first expression found that lies deeper than MAX_DEPTH, or null. */
export function findTooDeep(root: Expr): Expr | null {
  const pending: { expr: Expr; depth: number }[] = [{ expr: root, depth: 1 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { expr, depth } = next;
    if (depth > MAX_DEPTH) return expr;
    if (expr.kind === "binary") {
      const { base, links } = leftSpine(expr);
      pending.push({ expr: base, depth: depth + 1 });
      for (const link of links) pending.push({ expr: link.right, depth: depth + 1 });
    } else {
      for (const operand of operandsOf(expr)) pending.push({ expr: operand, depth: depth + 1 });
    }
  }
  return null;
}
