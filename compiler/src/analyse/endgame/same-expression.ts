// Whether two expressions are written alike, wherever they stand. In the endgame dialect `x == x` and `x in (x, 1)` are
// then true for every event, one without an x included.

import type { Expr } from "../../syntax/ast.js";
import { leftSpine, operandsOf } from "../../syntax/walk.js";

export function sameExpression(a: Expr, b: Expr): boolean {
  const pending: (readonly [Expr, Expr])[] = [[a, b]];
  for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
    const [x, y] = pair;
    if (x === y) continue;
    if (x.kind === "binary" || y.kind === "binary") {
      if (x.kind !== "binary" || y.kind !== "binary") return false;
      const [left, right] = [leftSpine(x), leftSpine(y)];
      if (left.links.length !== right.links.length) return false;
      pending.push([left.base, right.base]);
      for (const [index, link] of left.links.entries()) {
        const other = right.links[index];
        if (other === undefined || link.op !== other.op) return false;
        pending.push([link.right, other.right]);
      }
      continue;
    }
    if (!sameNode(x, y)) return false;
    const others = operandsOf(y);
    const operands = operandsOf(x);
    if (operands.length !== others.length) return false;
    for (const [index, operand] of operands.entries()) {
      const other = others[index];
      if (other === undefined) return false;
      pending.push([operand, other]);
    }
  }
  return true;
}

type Node = Exclude<Expr, { kind: "binary" }>;

/** Whether two nodes are alike but for their operands. */
function sameNode(x: Node, y: Node): boolean {
  switch (x.kind) {
    case "literal":
      if (y.kind !== "literal" || x.type !== y.type) return false;
      return x.type === "null" || y.type === "null" || Object.is(x.value, y.value);
    case "field":
      return y.kind === "field" && JSON.stringify(x.path) === JSON.stringify(y.path);
    case "call":
      return y.kind === "call" && x.name === y.name;
    case "unary":
      return y.kind === "unary" && x.op === y.op;
    case "match":
      return y.kind === "match" && x.op === y.op && x.negated === y.negated;
    case "error":
      return false;
    case "lineage":
      return y.kind === "lineage" && x.relation === y.relation && x.query.category === y.query.category;
  }
}
