// A bounded list of problems: a hostile text may hold millions, of which a reader needs the first few and the number.

import type { Fix, Problem } from "../diagnostics/diagnostic.js";
import type { Span } from "./ast.js";

/** How many problems of one stage are kept; the others are counted. */
export const MAX_PROBLEMS = 100;

export interface Problems {
  readonly kept: Problem[];
  omitted: number;
}

export function noProblems(): Problems {
  return { kept: [], omitted: 0 };
}

/** Adds an error to the list, or counts it when the list is full. */
export function addError(
  problems: Problems,
  code: string,
  span: Span,
  message: string,
  help?: string,
  fix?: Fix,
): void {
  add(problems, "error", code, span, message, help, fix);
}

/** As `addError`, for what is read all the same. */
export function addWarning(problems: Problems, code: string, span: Span, message: string, help?: string): void {
  add(problems, "warning", code, span, message, help);
}

function add(
  problems: Problems,
  severity: Problem["severity"],
  code: string,
  span: Span,
  message: string,
  help?: string,
  fix?: Fix,
): void {
  if (problems.kept.length >= MAX_PROBLEMS) {
    problems.omitted++;
    return;
  }
  problems.kept.push({
    code,
    severity,
    message,
    span,
    ...(help === undefined ? {} : { help }),
    ...(fix === undefined ? {} : { fix }),
  });
}
