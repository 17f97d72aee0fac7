// A rule file's text to what every frontend returns: its rules, or why it is not a rule file.

import type { Code } from "../diagnostics/codes.js";
import type { Diagnostic, Severity } from "../diagnostics/diagnostic.js";
import type { QueryOffset, Rule } from "../rule/rule.js";
import type { Span } from "../syntax/ast.js";

/**
 * A file that is to be read.
 * INVARIANT: `text` has no byte-order mark and its line ends are "\n", so a pack does not depend on how it was checked out.
 */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** True when the user named this very file, and so expects rules in it. */
  readonly named: boolean;
}

export interface SourceResult {
  readonly rules: readonly Rule[];
  readonly diagnostics: readonly Diagnostic[];
}

const SEVERITIES: Readonly<Record<string, Severity>> = { N: "note", W: "warning" };

/** A diagnostic about the file as a whole, or about `span` of its text. */
export function fileProblem(file: SourceFile, code: Code, message: string, span?: Span, help?: string): Diagnostic {
  return {
    code,
    severity: SEVERITIES[code.charAt(0)] ?? "error",
    message,
    place: span === undefined ? { file: file.path } : { file: file.path, text: file.text, span, lineOffset: 0 },
    ...(help === undefined ? {} : { help }),
  };
}

/** The note for a file, or a part of one, that holds no rule. */
export function notARule(file: SourceFile, why: string): SourceResult {
  return { rules: [], diagnostics: [fileProblem(file, "N0601", `not a rule: ${why}`)] };
}

/** The lines before an offset of a text, and the units before it on its own line. */
export type PositionOf = (offset: number) => QueryOffset;

/** Counts the lines of `text` at the first call, once for all rules of a file. */
export function positionsOf(text: string): PositionOf {
  let starts: number[] | null = null;
  return (offset) => {
    if (starts === null) {
      starts = [0];
      for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    }
    // INVARIANT: line `low` starts at or before the offset, and line `high` behind it.
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low, column: offset - (starts[low] ?? 0) };
  };
}

/** The file's name without folders and without its last extension. */
export function fileStem(path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(0, dot) : name;
}
