// What a lint is given, and what it gives: warnings about a rule that compiles but probably does not do what its author meant.
// INVARIANT: a lint never changes what is compiled, and says nothing about a rule that may well be meant as it stands.

import type { Schema } from "@kestrel/stdlib/schema/types";
import type { Typed } from "../analyse/typed.js";
import type { Code } from "../diagnostics/codes.js";
import type { Problem } from "../diagnostics/diagnostic.js";
import type { PackIr } from "../ir/pack-ir.js";
import { type Reading, readingText } from "../ir/reading.js";
import type { Expr, Query, Span, Term } from "../syntax/ast.js";

export interface LintInput {
  /** The query's text, in which spans count. */
  readonly text: string;
  readonly query: Query;
  readonly schema: Schema;
  /** What the categories of the query are compared with. */
  readonly categoryField: string;
  /** What the binder made of each expression. */
  readonly bound: ReadonlyMap<Expr, Typed>;
  /** The rule planned alone. */
  readonly planned: PackIr;
}

export interface Lint {
  readonly code: Code;
  run(input: LintInput): Problem[];
}

/** The category and the condition of an event query or of a term. */
export interface Asked {
  readonly category: string | null;
  readonly categorySpan: Span;
  readonly condition: Expr;
}

/** Everything that a query asks of events: its condition, or those of its terms and of `until`. */
export function askedBy({ body }: Query): readonly Asked[] {
  if (body.kind === "event") return [body];
  const until = body.kind === "sample" ? null : body.until;
  return [...body.terms, ...(until === null ? [] : [until])].map((term: Term) => term.query);
}

/**
 * A name for a field of one event: `process.name` and, of an earlier term's event, `a.process.name` have different
 * ones.
 */
export function keyOf(reading: Reading): string {
  return readingText(reading);
}

/** What stands at a span, on one line and short enough for a message. */
export function quoteSpan({ text }: LintInput, { start, end }: Span): string {
  const whole = text.slice(start, Math.min(end, start + 400)).replace(/\s+/g, " ");
  return `\`${whole.length > 60 ? `${whole.slice(0, 60)}…` : whole}\``;
}

export function warning(code: Code, span: Span, message: string, help?: string, fix?: Problem["fix"]): Problem {
  return {
    code,
    severity: "warning",
    message,
    span,
    ...(help === undefined ? {} : { help }),
    ...(fix === undefined ? {} : { fix }),
  };
}
