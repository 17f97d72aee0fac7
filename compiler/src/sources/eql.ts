// A `.eql` file to one rule: the file is the query, and its stem is the rule's id and name.

import type { SourceFile, SourceResult } from "./source-file.js";
import { fileProblem, fileStem } from "./source-file.js";

/** Reads a bare query. The query is the whole text, comments and white space included. */
export function readEql(file: SourceFile): SourceResult {
  if (file.text.trim() === "")
    return { rules: [], diagnostics: [fileProblem(file, "E0103", "the file holds no query")] };
  const stem = fileStem(file.path);
  return {
    rules: [
      {
        id: stem,
        name: stem,
        description: "",
        version: "1.0.0",
        author: [],
        severity: "medium",
        riskScore: null,
        tags: [],
        references: [],
        threat: [],
        tests: [],
        dialect: null,
        query: file.text,
        metadata: {},
        source: { file: file.path, queryOffset: { line: 0, column: 0 } },
      },
    ],
    diagnostics: [],
  };
}
