// The entries of a JSON or YAML file to rules: one entry is one rule, and a file with one rule must hold nothing but rules.

import type { RecordPlace } from "./record-to-rule.js";
import { looksLikeRule, recordToRule } from "./record-to-rule.js";
import type { SourceFile, SourceResult } from "./source-file.js";
import { fileProblem, fileStem, notARule } from "./source-file.js";
import { isTable } from "./values.js";

/** One value of a file that may be a rule, and how to find its parts in the text. */
export interface Entry extends Pick<RecordPlace, "keySpan" | "queryOffset"> {
  readonly value: unknown;
  /** The number of the document that is this very entry, where a file has documents. */
  readonly document?: number;
}

/** Reads every entry; where none looks like a rule, the file is something else. */
export function entriesToRules(file: SourceFile, format: "JSON" | "YAML", entries: readonly Entry[]): SourceResult {
  const records = entries.map(({ value }) => unwrap(value));
  if (!records.some(looksLikeRule)) return notARule(file, whatElse(format, records));
  const stem = fileStem(file.path);
  const ownFormat = format === "YAML";
  const results = entries.map(({ keySpan, queryOffset, document }, index): SourceResult => {
    // A document is a rule as a file is one. An entry of a list must name itself: entries before it come and go.
    const fallbackId = entries.length === 1 ? stem : document === undefined ? null : `${stem}-${document}`;
    const label = `entry ${index + 1}`;
    const record = records[index];
    if (isTable(record)) return recordToRule(record, { file, fallbackId, ownFormat, label, keySpan, queryOffset });
    return { rules: [], diagnostics: [fileProblem(file, "E0103", `${label} is not a rule`)] };
  });
  return {
    rules: results.flatMap((result) => result.rules),
    diagnostics: results.flatMap((result) => result.diagnostics),
  };
}

/** Elastic's packages of prebuilt rules keep the rule under `attributes`. */
export function unwrap(value: unknown): unknown {
  return isTable(value) && value.type === "security-rule" && isTable(value.attributes) ? value.attributes : value;
}

function whatElse(format: string, records: readonly unknown[]): string {
  if (records.length === 0) return `the ${format} file is empty`;
  const sigma = records.some((record) => isTable(record) && "detection" in record && "logsource" in record);
  return sigma ? "it is a Sigma rule" : `the ${format} file holds something else`;
}
