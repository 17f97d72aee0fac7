// Arithmetic over two typed operands: two longs give a long, anything with a double a double.

import { nullOf, typeOf } from "../ir/expression.js";
import type { Span } from "../syntax/ast.js";
import { type BindContext, describeType, report } from "./bind-context.js";
import { settle } from "./bind-field.js";
import type { Typed } from "./typed.js";

export interface Operand {
  readonly typed: Typed;
  readonly span: Span;
}

export function bindArithmetic(
  op: "+" | "-" | "*" | "/" | "%",
  left: Operand,
  right: Operand,
  context: BindContext,
): Typed {
  const [a, b] = [numeric(op, left, context), numeric(op, right, context)];
  const types = [typeOf(a), typeOf(b)];
  if (types.includes(null)) return nullOf(a, b);
  return { kind: "arithmetic", op, type: types.includes("double") ? "double" : "long", left: a, right: b };
}

function numeric(op: string, operand: Operand, context: BindContext): Typed {
  const typed = settle(operand.typed, "double", context);
  const type = typeOf(typed);
  if (type === null || type === "long" || type === "double") return typed;
  return report(context, "E0303", operand.span, `\`${op}\` needs numbers, but this is a ${describeType(type)}`);
}
