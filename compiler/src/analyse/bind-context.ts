// What binding carries along: the schema, and the problems found so far.

import type { Schema } from "@kestrel/stdlib/schema/types";
import type { Code } from "../diagnostics/codes.js";
import type { Problem } from "../diagnostics/diagnostic.js";
import type { Foreign } from "../ir/foreign.js";
import type { Reading, ValueType } from "../ir/reading.js";
import type { Expr, Span } from "../syntax/ast.js";
import type { Typed } from "./typed.js";

export interface BindContext {
  readonly schema: Schema;
  readonly problems: Problem[];
  /** Ranges of the query that were not understood, which is reported: nothing is said of what touches one. */
  readonly unread: readonly Span[];
  /** What the query may call beside the functions of the language. */
  readonly predicates: ReadonlyMap<string, Foreign | null>;
  /** What each expression was typed as, for the lints. */
  readonly bound: Map<Expr, Typed>;
  /** Where the nodes of conditions are written. */
  readonly spans: Map<object, Span>;
  /** How many expressions the one that is being bound stands in. */
  depth: number;
  /**
   * The named terms of the sequence: the stage of each, null for the term at hand and later ones, which cannot be read
   * yet.
   */
  readonly aliases: Map<string, number | null>;
  /** Why aliases cannot be used here; null where they can. */
  noAliases: string | null;
  /** The variables of the searches that the expression stands in, outermost first. */
  readonly variables: Variable[];
  /** Fields of elements that the schema does not know: what they are compared with decides what they are read as. */
  readonly untyped: WeakSet<Reading>;
}

/** The variable of `_arraysearch`. */
export interface Variable {
  readonly name: string;
  /** Name of the array's field in the schema. */
  readonly array: string;
}

export function createContext(
  schema: Schema,
  unread: readonly Span[],
  predicates: ReadonlyMap<string, Foreign | null>,
): BindContext {
  return {
    schema,
    problems: [],
    unread,
    predicates,
    bound: new Map(),
    spans: new Map(),
    depth: 0,
    aliases: new Map(),
    noAliases: null,
    variables: [],
    untyped: new WeakSet(),
  };
}

export const NULL: Typed = { kind: "null" };

/** Whether a part of the range was not understood, so that nothing that is found wrong there is certain. */
export function isUnread({ unread }: BindContext, { start, end }: Span): boolean {
  return unread.some((one) => (one.start < end && start < one.end) || (start <= one.start && one.end <= end));
}

/** What may stand beside the message of a problem. */
export type Details = Pick<Problem, "help" | "fix" | "labels">;

/** Reports an error, unless the range holds what the parser has complained about. */
export function report(
  context: BindContext,
  code: Code,
  span: Span,
  message: string,
  details?: string | Details,
): Typed {
  if (isUnread(context, span)) return NULL;
  const more = typeof details === "string" ? { help: details } : details;
  context.problems.push({ code, severity: "error", message, span, ...more });
  return NULL;
}

export function describeType(type: ValueType | null): string {
  return type === null ? "null" : type === "long" || type === "double" ? "number" : type;
}
