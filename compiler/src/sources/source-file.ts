// A rule file's text to what every frontend returns: its rules, or why it is not a rule file.

import type { Code } from "../diagnostics/codes.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import type { Span } from "../syntax/ast.js";
import type { QueryOffset, Rule } from "./rule.js";

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

/** A diagnostic about the file as a whole, or about `span` of its text. */
export function fileProblem(file: SourceFile, code: Code, message: string, span?: Span, help?: string): Diagnostic {
  return {
    code,
    severity: code.startsWith("N") ? "note" : "error",
    message,
    place: span === undefined ? { file: file.path } : { file: file.path, text: file.text, span, lineOffset: 0 },
    ...(help === undefined ? {} : { help }),
  };
}

/** The note for a file, or a part of one, that holds no rule. */
export function notARule(file: SourceFile, why: string): SourceResult {
  return { rules: [], diagnostics: [fileProblem(file, "N0601", `not a rule: ${why}`)] };
}

/** Lines and units before `offset` in `text`. */
export function offsetToPosition(text: string, offset: number): QueryOffset {
  let line = 0;
  let start = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) {
    line += 1;
    start = at + 1;
  }
  return { line, column: offset - start };
}

/** The file's name without folders and without its last extension. */
export function fileStem(path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(0, dot) : name;
}
