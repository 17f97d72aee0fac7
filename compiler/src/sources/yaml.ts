// A YAML file to its rules: each document is one rule or a list of rules.

import type { Node, Scalar, YAMLMap } from "yaml";
import { isCollection, isMap, isScalar, isSeq, parseAllDocuments } from "yaml";
import type { QueryOffset } from "../rule/rule.js";
import type { Span } from "../syntax/ast.js";
import type { Entry } from "./entries-to-rules.js";
import { entriesToRules } from "./entries-to-rules.js";
import type { PositionOf, SourceFile, SourceResult } from "./source-file.js";
import { fileProblem, positionsOf } from "./source-file.js";
import { isTable } from "./values.js";

/** Reads one YAML file. A document that is not valid YAML makes the whole file invalid. */
export function readYaml(file: SourceFile): SourceResult {
  const entries: Entry[] = [];
  const place: PlaceIn = { text: file.text, positionOf: positionsOf(file.text) };
  let documents = 0;
  for (const document of parseAllDocuments(file.text, { prettyErrors: false, logLevel: "error" })) {
    const error = document.errors[0];
    if (error !== undefined) {
      const [start, end] = error.pos;
      // The parser calls itself for each level until the stack ends.
      const why = error.code === "RESOURCE_EXHAUSTION" ? "it is nested too deeply" : error.message;
      return {
        rules: [],
        diagnostics: [fileProblem(file, "E0102", `not valid YAML: ${why}`, { start, end })],
      };
    }
    try {
      const found = readDocument(place, document.contents, document.toJS(), documents + 1);
      if (found.length > 0) documents++;
      for (const entry of found) entries.push(entry);
    } catch (error) {
      // Aliases that do not resolve, or that would grow without bound.
      const message = error instanceof Error ? error.message : String(error);
      return { rules: [], diagnostics: [fileProblem(file, "E0102", `not valid YAML: ${message}`)] };
    }
  }
  return entriesToRules(file, "YAML", entries);
}

/** A file's text, and where an offset of it stands. */
interface PlaceIn {
  readonly text: string;
  readonly positionOf: PositionOf;
}

function readDocument(place: PlaceIn, contents: Node | null, value: unknown, number: number): Entry[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) {
    const items = isSeq(contents) ? contents.items : [];
    return value.map((entry: unknown, index) => readEntry(place, items[index], entry));
  }
  return [{ ...readEntry(place, contents, value), document: number }];
}

function readEntry(place: PlaceIn, node: unknown, value: unknown): Entry {
  const map = isMap(node) ? node : null;
  return {
    value: map !== null && isTable(value) ? withVersionAsWritten(map, value) : value,
    keySpan: (key) => (map === null ? undefined : findKey(map, key)),
    queryOffset: (query) => {
      const scalar = map?.get("query", true);
      return isScalar(scalar) ? findQuery(place, scalar, query) : null;
    },
  };
}

/** `version: 1.10` is a number to YAML, but not to the author. */
function withVersionAsWritten(map: YAMLMap, value: Readonly<Record<string, unknown>>): unknown {
  const version = map.get("version", true);
  if (!isScalar(version) || typeof version.value !== "number") return value;
  return { ...value, version: version.source ?? String(version.value) };
}

/** The key's value when it is a plain one, else the key itself. */
function findKey(map: YAMLMap, key: string): Span | undefined {
  const pair = map.items.find((item) => isScalar(item.key) && item.key.value === key);
  if (pair === undefined) return map.range ? { start: map.range[0], end: map.range[0] } : undefined;
  const node = pair.value === null || isCollection(pair.value) ? pair.key : pair.value;
  const range = isScalar(node) ? node.range : null;
  return range ? { start: range[0], end: Math.max(range[0], range[1]) } : undefined;
}

function findQuery({ text, positionOf }: PlaceIn, scalar: Scalar, query: string): QueryOffset | null {
  const start = scalar.range?.[0];
  if (start === undefined) return null;
  switch (scalar.type) {
    case "PLAIN":
      return text.startsWith(query, start) ? positionOf(start) : null;
    case "QUOTE_DOUBLE":
    case "QUOTE_SINGLE":
      return text.startsWith(query, start + 1) ? positionOf(start + 1) : null;
    case "BLOCK_LITERAL":
      return findBlock({ text, positionOf }, text.indexOf("\n", start) + 1, query);
    default:
      return null;
  }
}

/** A block text is the query line by line, each line behind the same indent. */
function findBlock({ text, positionOf }: PlaceIn, start: number, query: string): QueryOffset | null {
  const lines = query.replace(/\n+$/, "").split("\n");
  const written = text.slice(start).split("\n", lines.length);
  const known = lines.findIndex((line) => line !== "");
  const indent = (written[known]?.length ?? 0) - (lines[known]?.length ?? 0);
  if (known < 0 || start === 0 || indent < 0) return null;
  const margin = " ".repeat(indent);
  const verbatim = lines.every((line, index) => {
    const there = written[index];
    return there === margin + line || (line === "" && there?.trim() === "");
  });
  return verbatim ? { line: positionOf(start).line, column: indent, indent } : null;
}
