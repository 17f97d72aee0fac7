// What binding carries along: the schema, and the problems found so far.

import type { Schema } from "@kestrel/stdlib/schema/types";
import type { Code } from "../diagnostics/codes.js";
import type { Problem } from "../diagnostics/diagnostic.js";
import type { Span } from "../syntax/ast.js";
import type { Typed, ValueType } from "./typed.js";

export interface BindContext {
  readonly schema: Schema;
  readonly problems: Problem[];
  /** How many expressions the one that is being bound stands in. */
  depth: number;
}

export const NULL: Typed = { kind: "null" };

export function report(context: BindContext, code: Code, span: Span, message: string, help?: string): Typed {
  context.problems.push({ code, severity: "error", message, span, ...(help === undefined ? {} : { help }) });
  return NULL;
}

export function describeType(type: ValueType | null): string {
  return type === null ? "null" : type === "long" || type === "double" ? "number" : type;
}
