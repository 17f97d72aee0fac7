// The manifest of a hand-written rule -> its metadata, capabilities, limits and the fields it names.
//
// Every key has a meaning, so one that is not known is a slip. Whatever is wrong is reported with its place, and all of it.

import { FOREIGN_FUEL, FOREIGN_MEMORY_BYTES } from "@kestrel/stdlib/host-api";
import { editBound, editDistance } from "@kestrel/stdlib/schema/schema";
import { findNodeAtLocation, type Node, parseTree } from "jsonc-parser";
import type { Code } from "../diagnostics/codes.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { type Capabilities, NO_EVENT_FIELDS, NO_USES, type Rule, type Severity } from "../rule/rule.js";
import type { Span } from "../syntax/ast.js";
import { FOREIGN_FORMAT, type ForeignLimits, type NamedField } from "./foreign-source.js";
import { findJsonError, MAX_DEPTH } from "./json-error.js";
import { readTests } from "./read-tests.js";
import { readThreat } from "./read-threat.js";
import { fileProblem, type SourceFile } from "./source-file.js";
import { describe, isTable, type Report, readText, type Table } from "./values.js";

export interface ForeignManifest {
  readonly rule: Rule;
  readonly capabilities: Capabilities;
  readonly limits: ForeignLimits;
  readonly fields: readonly NamedField[] | null;
}

const SEVERITIES: readonly Severity[] = ["informational", "low", "medium", "high", "critical"];
const METADATA_SCHEMA = "1.0";

/** The keys of the manifest and of its tables; those of `threat` and `tests` are read by what reads them in rule files. */
const KEYS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    "": ["format_version", "metadata", "capabilities", "fields", "limits", "risk_score", "threat", "tests"],
    metadata: [
      ...["rule_id", "rule_name", "rule_version", "author", "description", "tags", "severity"],
      ...["schema_version", "references"],
    ],
    capabilities: ["supports_inline", "requires_alert", "requires_block", "max_span_ms", "mitre_attack"],
    limits: ["fuel", "memory_bytes"],
  }),
);

type Path = readonly (string | number)[];

/** What the readers of single values share: the tree of the text, and where they say what is wrong. */
interface Reading {
  readonly file: SourceFile;
  readonly tree: Node | undefined;
  readonly diagnostics: Diagnostic[];
  label: string | null;
}

/** Reads a manifest; there is none where anything is wrong with it. */
export function readForeignManifest(file: SourceFile): {
  readonly manifest: ForeignManifest | null;
  readonly diagnostics: readonly Diagnostic[];
} {
  const reading: Reading = { file, tree: parse(file.text), diagnostics: [], label: null };
  if (reading.tree === undefined) {
    const { span, message } = findJsonError(file.text);
    return { manifest: null, diagnostics: [fileProblem(file, "E0702", `not valid JSON: ${message}`, span)] };
  }
  const document: unknown = JSON.parse(file.text);
  if (!isTable(document)) {
    wrong(reading, [], "a table", document);
    return { manifest: null, diagnostics: reading.diagnostics };
  }
  const manifest = readDocument(reading, document);
  return { manifest: reading.diagnostics.length === 0 ? manifest : null, diagnostics: reading.diagnostics };
}

function parse(text: string): Node | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const tree = parseTree(text);
  return tree === undefined || isDeeper(tree, MAX_DEPTH * 2) ? undefined : tree;
}

/** A member of a table is two nodes deep: the pair, and its value. */
function isDeeper(node: Node, limit: number): boolean {
  return limit === 0 || (node.children ?? []).some((child) => isDeeper(child, limit - 1));
}

/** null where a table is missing: of what should stand in it nothing more is said. */
function readDocument(reading: Reading, document: Table): ForeignManifest | null {
  const metadata = tableOf(reading, document, "metadata");
  const capabilities = tableOf(reading, document, "capabilities");
  if (metadata === null || capabilities === null) return null;
  if (typeof metadata.rule_name === "string") reading.label = metadata.rule_name;
  checkKeys(reading, reading.tree, "");
  const format = document.format_version;
  if (format !== FOREIGN_FORMAT) wrong(reading, ["format_version"], `"${FOREIGN_FORMAT}"`, format);
  const report: Report = (key, expected, found) => wrong(reading, pathOf(key), expected, found);
  return {
    rule: readRule(reading, document, metadata, report),
    capabilities: {
      supportsInline: flagOf(reading, capabilities, "supports_inline"),
      requiresAlert: flagOf(reading, capabilities, "requires_alert"),
      requiresBlock: flagOf(reading, capabilities, "requires_block"),
      maxSpanMs: spanOf(reading, capabilities.max_span_ms),
      mitreAttack: textsOf(reading, capabilities, ["capabilities", "mitre_attack"]),
    },
    limits: readLimits(reading, document),
    fields: readFields(reading, document.fields),
  };
}

function readRule(reading: Reading, document: Table, metadata: Table, report: Report): Rule {
  const within: Report = (key, expected, found) => wrong(reading, ["metadata", key], expected, found);
  const schema = metadata.schema_version;
  if (schema !== METADATA_SCHEMA) within("schema_version", `"${METADATA_SCHEMA}"`, schema);
  const author = readText(metadata, "author", "", within);
  return {
    id: needed(metadata, "rule_id", within),
    name: needed(metadata, "rule_name", within),
    description: readText(metadata, "description", "", within),
    version: needed(metadata, "rule_version", within),
    author: author === "" ? [] : [author],
    severity: readSeverity(metadata.severity, within),
    riskScore: readRiskScore(document.risk_score, report),
    tags: textsOf(reading, metadata, ["metadata", "tags"]),
    references: textsOf(reading, metadata, ["metadata", "references"]),
    threat: readThreat(document.threat, report),
    tests: readTests(document.tests, report),
    suppress: [],
    dialect: null,
    eventFields: NO_EVENT_FIELDS,
    namesSource: false,
    uses: NO_USES,
    query: "",
    metadata: {},
    source: { file: reading.file.path, queryOffset: null },
  };
}

function needed(table: Table, key: string, report: Report): string {
  const value = table[key];
  if (typeof value === "string" && value.trim() !== "") return value.trim();
  report(key, "a text that is not empty", value);
  return "";
}

function readSeverity(value: unknown, report: Report): Severity {
  const lower = typeof value === "string" ? value.toLowerCase() : null;
  const severity = SEVERITIES.find((name) => name === lower);
  if (severity === undefined) report("severity", "Informational, Low, Medium, High or Critical", value);
  return severity ?? "medium";
}

function readRiskScore(value: unknown, report: Report): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && value >= 0 && value <= 100) return value;
  report("risk_score", "a number from 0 to 100", value);
  return null;
}

/** A package may ask for less than it would have, never for more. */
function readLimits(reading: Reading, document: Table): ForeignLimits {
  const limits = document.limits === undefined ? {} : (tableOf(reading, document, "limits") ?? {});
  const read = (key: string, most: number): number => {
    const value = limits[key];
    if (value === undefined) return most;
    if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) return value;
    wrong(reading, ["limits", key], `a whole number from 1 to ${most}`, value);
    return most;
  };
  return { fuel: read("fuel", FOREIGN_FUEL), memoryBytes: read("memory_bytes", FOREIGN_MEMORY_BYTES) };
}

function readFields(reading: Reading, value: unknown): readonly NamedField[] | null {
  if (value === undefined) return null;
  if (!Array.isArray(value)) {
    wrong(reading, ["fields"], "a list of names or ids of fields", value);
    return null;
  }
  return value.flatMap((field: unknown, index): NamedField[] => {
    const isId = typeof field === "number" && Number.isSafeInteger(field);
    if (typeof field === "string" || isId)
      return [{ field: field as string | number, span: spanAt(reading, ["fields", index]) }];
    wrong(reading, ["fields", index], "the name or the id of a field", field);
    return [];
  });
}

function tableOf(reading: Reading, document: Table, key: string): Table | null {
  const value = document[key];
  if (isTable(value)) return value;
  wrong(reading, [key], "a table", value);
  return null;
}

/** A capability that is missing is not asked for; the format has all of them, so each must be there. */
function flagOf(reading: Reading, capabilities: Table, key: string): boolean {
  const value = capabilities[key];
  if (typeof value === "boolean") return value;
  wrong(reading, ["capabilities", key], "true or false", value);
  return false;
}

function spanOf(reading: Reading, value: unknown): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  wrong(reading, ["capabilities", "max_span_ms"], "a whole number of milliseconds, or null", value);
  return null;
}

function textsOf(reading: Reading, table: Table, path: readonly [string, string]): readonly string[] {
  const value = table[path[1]];
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    wrong(reading, path, "a list of texts", value);
    return [];
  }
  return value.filter((entry: unknown, index): entry is string => {
    if (typeof entry === "string") return true;
    wrong(reading, [...path, index], "a text", entry);
    return false;
  });
}

/** Reports unknown and repeated keys of the table at `name`, and of the tables in it. JSON.parse keeps the last of two. */
function checkKeys(reading: Reading, node: Node | undefined, name: string): void {
  const known = KEYS.get(name);
  if (known === undefined || node?.type !== "object") return;
  const seen = new Set<string>();
  for (const { children: [key, value] = [] } of node.children ?? []) {
    if (key === undefined || value === undefined) continue;
    const word = String(key.value);
    const path = name === "" ? word : `${name}.${word}`;
    const span = { start: key.offset, end: key.offset + key.length };
    if (seen.has(word)) add(reading, "E0702", `key \`${path}\` stands there twice`, span);
    else if (!known.includes(word)) {
      const near = nearest(word, known);
      add(
        reading,
        "E0703",
        `unknown key \`${path}\``,
        span,
        near === null ? `known are ${known.join(", ")}` : `did you mean \`${near}\`?`,
      );
    }
    seen.add(word);
    if (name === "") checkKeys(reading, value, word);
  }
}

function nearest(word: string, known: readonly string[]): string | null {
  const bound = editBound(word.length);
  const near = known
    .map((key) => ({ key, edits: editDistance(word.toLowerCase(), key, bound) }))
    .filter(({ key, edits }) => edits <= bound || key.endsWith(`_${word.toLowerCase()}`))
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.key ?? null;
}

/** `threat[0].tactic.id` -> its steps. */
function pathOf(key: string): Path {
  return [...key.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([word, index]) => (index === undefined ? word : Number(index)));
}

function wrong(reading: Reading, path: Path, expected: string, found: unknown): void {
  const name = path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`))
    .join("")
    .replace(/^\./, "");
  const subject = name === "" ? "the manifest" : `key \`${name}\``;
  add(reading, "E0702", `${subject} must be ${expected}, but ${describe(found)}`, spanAt(reading, path));
}

/** The value at a path, or where it is missing the beginning of the last table on the way to it. */
function spanAt({ tree }: Reading, path: Path): Span | undefined {
  if (tree === undefined) return undefined;
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? tree : findNodeAtLocation(tree, path.slice(0, length));
    if (node === undefined) continue;
    const isWhole = length === path.length && node.children === undefined;
    return { start: node.offset, end: node.offset + (isWhole ? node.length : 1) };
  }
  return undefined;
}

function add(reading: Reading, code: Code, message: string, span: Span | undefined, help?: string): void {
  const problem = fileProblem(reading.file, code, message, span, help);
  const { label } = reading;
  reading.diagnostics.push(label === null ? problem : { ...problem, place: { ...problem.place, rule: label } });
}
