// A JSON file to its rules: one rule, a list of rules, or an Elastic export of either.

import type { Span } from "../syntax/ast.js";
import { entriesToRules } from "./entries-to-rules.js";
import { findJsonError } from "./json-error.js";
import type { QueryOffset } from "./rule.js";
import type { SourceFile, SourceResult } from "./source-file.js";
import { fileProblem, offsetToPosition } from "./source-file.js";

/** Reads one JSON file. */
export function readJson(file: SourceFile): SourceResult {
  let document: unknown;
  try {
    document = JSON.parse(file.text);
  } catch {
    const { offset, message } = findJsonError(file.text);
    const span = { start: offset, end: offset };
    return { rules: [], diagnostics: [fileProblem(file, "E0102", `not valid JSON: ${message}`, span)] };
  }
  const list = Array.isArray(document);
  const keySpan = (key: string): Span | undefined => (list ? undefined : findOnly(file.text, JSON.stringify(key)));
  const queryOffset = (query: string): QueryOffset | null => findQuery(file.text, query);
  const values: readonly unknown[] = list ? (document as readonly unknown[]) : [document];
  return entriesToRules(
    file,
    "JSON",
    values.map((value) => ({ value, keySpan, queryOffset })),
  );
}

/** Where `part` stands in `text` when it stands there exactly once. */
function findOnly(text: string, part: string): Span | undefined {
  const start = text.indexOf(part);
  if (start < 0 || text.indexOf(part, start + 1) >= 0) return undefined;
  return { start, end: start + part.length };
}

/** A query is in the file word for word when its JSON form holds no escape, which leaves few. */
function findQuery(text: string, query: string): QueryOffset | null {
  const quoted = JSON.stringify(query);
  if (quoted.length !== query.length + 2) return null;
  const span = findOnly(text, quoted);
  return span === undefined ? null : offsetToPosition(text, span.start + 1);
}
