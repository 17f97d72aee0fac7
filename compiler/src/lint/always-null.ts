// W0504: an optional field that is nowhere in the schema is always null, and so is an order against null. Both are allowed,
// and both are mostly slips.

import { suggest } from "@kestrel/stdlib/schema/schema";
import type { Problem } from "../diagnostics/diagnostic.js";
import type { Expr } from "../syntax/ast.js";
import { type Lint, warning } from "./lint-input.js";

export const alwaysNull: Lint = {
  code: "W0504",
  run({ query, bound, schema }) {
    if (query.dialect === "endgame") return [];
    const found: Problem[] = [];
    const named = new Set<string>();
    for (const [expr, typed] of bound) {
      if (typed.kind !== "null") continue;
      if (expr.kind === "field" && expr.optional) {
        const name = expr.path.join(".");
        if (named.has(name)) continue;
        named.add(name);
        const near = suggest(schema, name, 1)[0];
        const help = near === undefined ? undefined : `did you mean \`?${near}\`?`;
        found.push(warning("W0504", expr.span, `\`${name}\` is in no schema, so \`?${name}\` is always null`, help));
      } else if (isComparison(expr) && hasNullLiteral(expr)) {
        const help = "a test for presence is `== null` or `!= null`";
        found.push(warning("W0504", expr.span, "a comparison with null is always null, which is not true", help));
      }
    }
    return found;
  },
};

function isComparison(expr: Expr): expr is Extract<Expr, { kind: "binary" }> {
  return expr.kind === "binary" && ["<", "<=", ">", ">="].includes(expr.op);
}

function hasNullLiteral({ left, right }: Extract<Expr, { kind: "binary" }>): boolean {
  return [left, right].some((side) => side.kind === "literal" && side.type === "null");
}
