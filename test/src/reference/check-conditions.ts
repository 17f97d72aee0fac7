// A query of the elastic dialect -> an error when something stands for a condition that has no truth: a number, a text, or a
// field that the schema gives another type than boolean.

import type { Expr, QueryBody } from "@kestrel/compiler/syntax/ast";
import type { Schema } from "@kestrel/stdlib/schema/types";

/** Throws on the first such condition. */
export function checkConditions(body: QueryBody, schema: Schema): void {
  if (body.kind === "event") {
    checkCondition(body.condition, schema);
    return;
  }
  const until = body.kind === "sample" || body.until === null ? [] : [body.until];
  for (const term of [...body.terms, ...until]) checkCondition(term.query.condition, schema);
}

function checkCondition(condition: Expr, schema: Schema): void {
  switch (condition.kind) {
    case "literal":
      if (condition.type !== "boolean" && condition.type !== "null")
        throw new Error(`A ${condition.type} has no truth`);
      return;
    case "field": {
      // A name that the schema does not know is an alias or a variable, or is refused elsewhere.
      const type = schema.fields.get(condition.path.join("."))?.type ?? "boolean";
      if (type !== "boolean") throw new Error(`${condition.path.join(".")} is a ${type} and has no truth`);
      return;
    }
    case "unary":
      if (condition.op !== "not") throw new Error("A number has no truth");
      checkCondition(condition.operand, schema);
      return;
    case "binary":
      if (["+", "-", "*", "/", "%"].includes(condition.op)) throw new Error("A number has no truth");
      if (condition.op !== "and" && condition.op !== "or") return;
      checkCondition(condition.left, schema);
      checkCondition(condition.right, schema);
      return;
    case "lineage":
      checkCondition(condition.query.condition, schema);
      return;
    case "call":
    case "match":
      return;
  }
}
