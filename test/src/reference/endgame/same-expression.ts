// Whether two expressions are written alike: the same tree of the same names and constants, wherever they stand.

import type { Expr } from "@kestrel/compiler/syntax/ast";

export function sameExpression(a: Expr, b: Expr): boolean {
  return shape(a) === shape(b);
}

function shape(expression: Expr): string {
  return JSON.stringify(expression, (name, value: unknown) => {
    // Where something stands, and in which notation, says nothing about what it is.
    if (name === "span" || name.endsWith("Span") || name === "raw" || name === "method") return undefined;
    return typeof value === "bigint" ? `integer ${value}` : value;
  });
}
