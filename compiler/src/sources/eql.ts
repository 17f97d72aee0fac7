// A `.eql` file to one rule: the file is the query, and its stem is the rule's id and name.

import { bareRule } from "../rule/rule.js";
import type { SourceFile, SourceResult } from "./source-file.js";
import { fileProblem, fileStem } from "./source-file.js";

/** Reads a bare query. The query is the whole text, comments and white space included. */
export function readEql(file: SourceFile): SourceResult {
  if (file.text.trim() === "")
    return { rules: [], diagnostics: [fileProblem(file, "E0103", "the file holds no query")] };
  return { rules: [bareRule(fileStem(file.path), file.text, file.path)], diagnostics: [] };
}
