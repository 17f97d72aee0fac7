// A JSON file to its rules: one rule, a list of rules, or an Elastic export of either.
//
// JSON.parse gives the values, since it is what decides what JSON is; a tree of the same text gives their places.

import type { Node } from "jsonc-parser";
import { parseTree } from "jsonc-parser";
import type { Entry } from "./entries-to-rules.js";
import { entriesToRules, unwrap } from "./entries-to-rules.js";
import { findJsonError, MAX_DEPTH } from "./json-error.js";
import type { PositionOf, SourceFile, SourceResult } from "./source-file.js";
import { fileProblem, positionsOf } from "./source-file.js";

/** Reads one JSON file. */
export function readJson(file: SourceFile): SourceResult {
  const document = parse(file.text);
  if (document === undefined) {
    const { span, message } = findJsonError(file.text);
    return { rules: [], diagnostics: [fileProblem(file, "E0102", `not valid JSON: ${message}`, span)] };
  }
  const positionOf = positionsOf(file.text);
  // Only rules ask for places, and the tree of a file of events would be large.
  let tree: Node | undefined;
  const root = (): Node | undefined => {
    tree ??= parseTree(file.text);
    return tree;
  };
  const entries = Array.isArray(document)
    ? document.map((value: unknown, index) => readEntry(value, () => root()?.children?.[index], file.text, positionOf))
    : [readEntry(document, root, file.text, positionOf)];
  return entriesToRules(file, "JSON", entries);
}

/** The value, or undefined for a text that is not JSON or too deep to be walked. */
function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isDeeper(value, MAX_DEPTH) ? undefined : value;
  } catch {
    return undefined;
  }
}

function isDeeper(value: unknown, limit: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return limit === 0 || Object.values(value).some((member) => isDeeper(member, limit - 1));
}

function readEntry(value: unknown, find: () => Node | undefined, text: string, positionOf: PositionOf): Entry {
  let known: RecordNode | undefined;
  const record = (): RecordNode => {
    known ??= readRecordNode(
      unwrap(value) === value ? find() : readRecordNode(find()).members.get("attributes")?.value,
    );
    return known;
  };
  return {
    value,
    keySpan(key) {
      const { start, members } = record();
      const member = members.get(key);
      if (member === undefined) return start === undefined ? undefined : { start, end: start };
      const { offset, length } = member.value.children === undefined ? member.value : member.key;
      return { start: offset, end: offset + length };
    },
    // A query is in the file word for word when its JSON form holds no escape, which leaves few; for the others no tree is made.
    queryOffset(query) {
      if (JSON.stringify(query).length > query.length + 2) return null;
      const node = record().members.get("query")?.value;
      const isVerbatim = node?.length === query.length + 2 && text.startsWith(query, node.offset + 1);
      return isVerbatim ? positionOf(node.offset + 1) : null;
    },
  };
}

interface RecordNode {
  readonly start: number | undefined;
  /** Of members with the same name the last, which is the one that JSON.parse keeps. */
  readonly members: ReadonlyMap<string, { readonly key: Node; readonly value: Node }>;
}

function readRecordNode(node: Node | undefined): RecordNode {
  const members = new Map<string, { readonly key: Node; readonly value: Node }>();
  for (const { children: [key, value] = [] } of node?.children ?? []) {
    if (key !== undefined && value !== undefined) members.set(key.value as string, { key, value });
  }
  return { start: node?.offset, members };
}
