// What a conformance case asks of a way to run EQL.

import type { Target } from "@kestrel/compiler/compile";
import type { Problem } from "@kestrel/compiler/diagnostics/diagnostic";
import type { Dialect } from "@kestrel/compiler/syntax/ast";
import { parseExpression, parseQuery } from "@kestrel/compiler/syntax/parse";
import type { Ids } from "./cases.js";
import type { DataSet } from "./data-sets.js";

export interface Answer {
  /** Ids of events, or of the events of each sequence; a row that a pipe has counted and is no event is -1. */
  readonly ids: Ids;
  /** The join keys of all results, one after the other, as texts. */
  readonly keys: readonly (string | null)[];
}

export interface ExpectedValue {
  readonly text: string;
  readonly expected: null | boolean | number | string;
}

export interface Backend {
  readonly name: "reference" | Target;
  /** Throws Error when the query is refused. */
  find(text: string, dialect: Dialect, data: DataSet, samplesPerKey: number): Promise<Answer>;
  /** For each expression over no fields what it gives instead of the expected value, or null when it gives that. */
  differences(values: readonly ExpectedValue[], dialect: Dialect): Promise<readonly (string | null)[]>;
  /** For each line whether the condition holds. Throws Error when it is refused. */
  judge(condition: string, dialect: Dialect, lines: readonly string[]): Promise<readonly boolean[]>;
  /** What is wrong with a query or expression; empty when nothing is. */
  problems(text: string, isQuery: boolean, dialect: Dialect, data: DataSet | null): Promise<readonly string[]>;
}

/** The errors of the parser, which all backends share. */
export function parseProblems(text: string, isQuery: boolean, dialect: Dialect): readonly string[] {
  const { problems } = isQuery ? parseQuery(text, { dialect }) : parseExpression(text, { dialect });
  return problems.filter(({ severity }) => severity === "error").map(showProblem);
}

export function showProblem({ code, span, message }: Pick<Problem, "code" | "span" | "message">): string {
  return `${code} at ${span.start}-${span.end}: ${message}`;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
