// A TOML file to its one rule: Elastic's detection rules, Elastic's endpoint rules, or the keys of Kestrel's own rule files.
//
// A `[rule]` table holds the rule's keys; without one, a file whose top level looks like a rule is read as one. `[metadata]`
// joins the rule's metadata, other tables stand in it under their names, and a top-level `threat` is the rule's.

import { parse, TomlError } from "smol-toml";
import type { QueryOffset } from "../rule/rule.js";
import type { Span } from "../syntax/ast.js";
import { looksLikeRule, recordToRule } from "./record-to-rule.js";
import { isNear } from "./rule-keys.js";
import type { SourceFile, SourceResult } from "./source-file.js";
import { fileProblem, fileStem, notARule, positionsOf } from "./source-file.js";
import type { Table } from "./values.js";
import { isTable } from "./values.js";

/** Reads one TOML file. */
export function readToml(file: SourceFile): SourceResult {
  let document: Table;
  try {
    document = parse(file.text);
  } catch (error) {
    return { rules: [], diagnostics: [brokenToml(file, error)] };
  }
  const place = {
    file,
    fallbackId: fileStem(file.path),
    keySpan: (key: string) => findKey(file.text, key),
    queryOffset: (query: string) => findQuery(file.text, query),
  };
  const { rule, metadata, threat, ...others } = document;
  if (rule === undefined) {
    const written = Object.keys(others).find((key) => isNear(key, "rule") && looksLikeQuery(others[key]));
    if (written !== undefined) {
      const span = findTable(file.text, written);
      const problem = fileProblem(file, "E0107", `unknown table \`[${written}]\``, span, "did you mean `[rule]`?");
      return { rules: [], diagnostics: [problem] };
    }
    return looksLikeRule(document)
      ? recordToRule(document, place)
      : notARule(file, "the TOML file has no [rule] table");
  }
  if (!isTable(rule)) return notARule(file, "`rule` is not a table in the TOML file");
  const record = threat === undefined || "threat" in rule ? rule : { ...rule, threat };
  return recordToRule(record, place, isTable(metadata) ? { ...others, ...metadata } : others);
}

function looksLikeQuery(value: unknown): boolean {
  return isTable(value) && typeof value.query === "string";
}

/** The header of a table. */
function findTable(text: string, name: string): Span | undefined {
  const start = text.indexOf(`[${name}]`);
  return start < 0 ? undefined : { start, end: start + name.length + 2 };
}

function brokenToml(file: SourceFile, error: unknown) {
  if (!(error instanceof TomlError)) {
    return fileProblem(file, "E0102", `not valid TOML: ${error instanceof Error ? error.message : String(error)}`);
  }
  // The library's message goes on with a picture of the place, which the diagnostic draws itself.
  const what = (error.message.split("\n", 1)[0] ?? "").replace(/^Invalid TOML document: /, "");
  let start = 0;
  for (let line = 1; line < error.line; line += 1) start = file.text.indexOf("\n", start) + 1;
  start = Math.min(start + error.column - 1, file.text.length);
  return fileProblem(file, "E0102", `not valid TOML: ${what}`, { start, end: start });
}

/** The first `key =` of the `[rule]` table, or of the file when there is none. Only a guide for the eye. */
function findKey(text: string, key: string): Span | undefined {
  const table = /^[ \t]*\[rule\]/m.exec(text);
  const pattern = new RegExp(`^[ \\t]*(${key.replace(/\W/g, "\\$&")})[ \\t]*=`, "gm");
  pattern.lastIndex = table?.index ?? 0;
  const found = pattern.exec(text);
  if (found === null) return table === null ? undefined : { start: table.index, end: table.index + table[0].length };
  const start = found.index + found[0].indexOf(key);
  return { start, end: start + key.length };
}

/** Looks for a `query = "…"` whose text is the query word for word, which it is unless the string holds escapes. */
function findQuery(text: string, query: string): QueryOffset | null {
  for (const found of text.matchAll(/^[ \t]*query[ \t]*=[ \t]*('''\n?|"""\n?|'|")/gm)) {
    const start = found.index + found[0].length;
    if (text.startsWith(query, start)) return positionsOf(text)(start);
  }
  return null;
}
