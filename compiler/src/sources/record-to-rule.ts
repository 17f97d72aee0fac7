// One table of keys, whatever file format it came from, to one Rule.
//
// The keys are those of Kestrel's own rule files; Elastic's `rule_id` and `reference` are other names of `id` and
// `references`. Every key of a wrong kind is reported, and then there is no rule. So is one that was misspelt (rule-keys.ts); other
// keys without a meaning go to `metadata`. A rule with `enabled: false` is left out, with a note.

import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { findElastic } from "../functions/catalogue.js";
import { NO_USES, type QueryOffset, type Rule, type Severity } from "../rule/rule.js";
import type { Dialect, Span } from "../syntax/ast.js";
import { readTests } from "./read-tests.js";
import { readThreat } from "./read-threat.js";
import { isKnownKey, meantKey, RULE_KEYS } from "./rule-keys.js";
import type { SourceFile, SourceResult } from "./source-file.js";
import { fileProblem } from "./source-file.js";
import type { Report, Table } from "./values.js";
import { describe, isTable, plainValue, readText, readTexts } from "./values.js";

/** What a frontend knows about the place of a record in its file. */
export interface RecordPlace {
  readonly file: SourceFile;
  /** The id of a rule that names none; null when the file holds several, which must name theirs. */
  readonly fallbackId: string | null;
  /** Whether the format is Kestrel's own, so that no other tool's keys are to be expected. */
  readonly ownFormat?: boolean;
  /** What to call the record when it has neither name nor id, such as `entry 3`. */
  readonly label?: string;
  /** Where the value of a key of the record stands in the file, or the key itself; undefined when that is not known. */
  readonly keySpan: (key: string) => Span | undefined;
  /** Where the query begins in the file when it stands there word for word. */
  readonly queryOffset: (query: string) => QueryOffset | null;
}

const SEVERITIES: readonly Severity[] = ["informational", "low", "medium", "high", "critical"];
const DEFAULT_SEVERITY: Severity = "medium";

// Elastic's rule types that do not hold EQL.
const OTHER_TYPES: ReadonlySet<string> = new Set([
  ...["query", "saved_query", "threshold", "threat_match", "new_terms", "machine_learning", "esql"],
]);

// Keys of Elastic's rules, and of its endpoint's, that say where events come from.
const SOURCE_KEYS = ["index", "integration", "related_integrations", "data_view_id", "min_endpoint_version"];

function isNamed(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null && value !== "";
}

/** Whether a table of a file that may hold anything is meant as a rule. */
export function looksLikeRule(value: unknown): value is Table {
  if (!isTable(value)) return false;
  const has = (key: string): boolean => key in value || Object.keys(value).some((one) => meantKey(one) === key);
  const named = has("id") || has("rule_id") || has("name");
  if (has("query")) return named;
  return named && "severity" in value && ("rule_id" in value || "tests" in value || otherLanguage(value) !== null);
}

/** The language of a rule that is not EQL, as it is to be called, or null. */
function otherLanguage(record: Table): string | null {
  const { language, type } = record;
  if (typeof language === "string") return language.toLowerCase() === "eql" ? otherType(record) : language;
  return typeof type === "string" ? otherType(record) : null;
}

function otherType(record: Table): string | null {
  const { type } = record;
  if (typeof type !== "string" || type === "eql") return null;
  return OTHER_TYPES.has(type) || "rule_id" in record ? `type ${type}` : null;
}

/** Reads one record. `extra` is metadata from outside the record; the record's own keys win over it. */
export function recordToRule(record: Table, place: RecordPlace, extra: Table = {}): SourceResult {
  const { file } = place;
  const diagnostics: Diagnostic[] = [];
  const elasticId = record.rule_id ?? null;
  const idKey = elasticId === null ? "id" : "rule_id";
  const label = [record.name, elasticId, record.id, place.label].find((name) => typeof name === "string");
  const add = (diagnostic: Diagnostic): void => {
    const { place: where } = diagnostic;
    diagnostics.push(typeof label === "string" ? { ...diagnostic, place: { ...where, rule: label } } : diagnostic);
  };
  const report: Report = (key, expected, found) => {
    const message = `key \`${key}\` must be ${expected}, but ${describe(found)}`;
    add(fileProblem(file, "E0103", message, place.keySpan(key.replace(/[.[].*$/, ""))));
  };

  const language = otherLanguage(record);
  if (language !== null) {
    // Whoever names a file wants its rule; a folder may well hold rules for other engines.
    const key = typeof record.language === "string" ? "language" : "type";
    const message = `the rule is written in another language (${language}), not EQL`;
    add(fileProblem(file, file.named ? "E0106" : "N0601", message, place.keySpan(key)));
    return { rules: [], diagnostics };
  }

  const { enabled } = record;
  if (enabled === false) {
    add(fileProblem(file, "N0602", "the rule is disabled and was left out", place.keySpan("enabled")));
    return { rules: [], diagnostics };
  }
  if (enabled !== true && enabled !== undefined && enabled !== null) report("enabled", "true or false", enabled);
  const misspelt = new Set<string>();
  for (const key of Object.keys(record)) {
    const meant = meantKey(key);
    if (meant === null && (isKnownKey(key) || place.ownFormat !== true)) continue;
    if (meant !== null) misspelt.add(meant);
    const help = meant === null ? "keys of your own stand under `metadata`" : `did you mean \`${meant}\`?`;
    add(fileProblem(file, "E0107", `unknown key \`${key}\``, place.keySpan(key), help));
  }

  const idValue = record[idKey] ?? place.fallbackId ?? undefined;
  const id = typeof idValue === "string" ? idValue.trim() : "";
  if (id === "" && !misspelt.has("id") && !misspelt.has("rule_id")) report(idKey, "a text that is not empty", idValue);
  const queryValue = record.query;
  const query = typeof queryValue === "string" ? queryValue : "";
  if (query.trim() === "" && !misspelt.has("query"))
    report("query", "an EQL query", typeof queryValue === "string" ? "" : queryValue);

  const rule: Rule = {
    id,
    name: readText(record, "name", id, report),
    description: readText(record, "description", "", report),
    version: readVersion(record.version, report),
    author: readTexts(record, "author", report),
    severity: readSeverity(record.severity, report),
    riskScore: readRiskScore(record.risk_score, report),
    tags: readTexts(record, "tags", report),
    references: [...readTexts(record, "references", report), ...readTexts(record, "reference", report)],
    threat: readThreat(record.threat, report),
    tests: readTests(record.tests, report),
    suppress: readTexts(record, "suppress", report),
    dialect: readDialect(record.dialect, report),
    eventFields: {
      category: readFieldName(record, "event_category_override", report),
      timestamp: readFieldName(record, "timestamp_field", report),
      tiebreaker: readFieldName(record, "tiebreaker_field", report),
    },
    namesSource: [record, extra].some((table) => SOURCE_KEYS.some((key) => isNamed(table[key]))),
    query,
    uses: readUses(record.predicates, report),
    metadata: readMetadata(record, idKey, extra),
    source: { file: file.path, queryOffset: query === "" ? null : place.queryOffset(query) },
  };
  return { rules: diagnostics.length === 0 ? [rule] : [], diagnostics };
}

/** `predicates: { name: id of a hand-written package }`. */
function readUses(value: unknown, report: Report): ReadonlyMap<string, string> {
  if (value === undefined || value === null) return NO_USES;
  if (!isTable(value)) {
    report("predicates", "names with the ids of hand-written packages", value);
    return NO_USES;
  }
  const uses = new Map<string, string>();
  for (const [name, id] of Object.entries(value)) {
    if (typeof id !== "string" || id.trim() === "")
      report(`predicates.${name}`, "the id of a hand-written package", id);
    else if (!/^[A-Za-z_]\w*$/.test(name) || findElastic(name) !== null) {
      report("predicates", "names that are no functions of the language, of letters, digits and underscores", name);
    } else uses.set(name, id.trim());
  }
  return uses;
}

function readMetadata(record: Table, idKey: string, extra: Table): Readonly<Record<string, unknown>> {
  const rest = Object.entries(record).filter(([key]) => key !== idKey && (key === "id" || !RULE_KEYS.has(key)));
  const own = isTable(record.metadata) ? record.metadata : {};
  return plainValue({ ...extra, ...own, ...Object.fromEntries(rest) }) as Readonly<Record<string, unknown>>;
}

function readVersion(value: unknown, report: Report): string {
  if (typeof value === "string" && value !== "") return value;
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (value !== undefined && value !== null) report("version", "a text or a number", value);
  return "1.0.0";
}

function readSeverity(value: unknown, report: Report): Severity {
  if (value === undefined || value === null) return DEFAULT_SEVERITY;
  const lower = typeof value === "string" ? value.toLowerCase() : null;
  const severity = SEVERITIES.find((name) => name === lower);
  if (severity === undefined) report("severity", `one of ${SEVERITIES.join(", ")}`, value);
  return severity ?? DEFAULT_SEVERITY;
}

function readRiskScore(value: unknown, report: Report): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && value >= 0 && value <= 100) return value;
  report("risk_score", "a number from 0 to 100", value);
  return null;
}

/** The name of a field; null when the key is absent, null or, as Elastic's forms leave it, an empty text. */
function readFieldName(record: Table, key: string, report: Report): string | null {
  const name = readText(record, key, "", report).trim();
  return name === "" ? null : name;
}

/** `elastic` or `endgame`, in any case; words behind the name are tolerated, as in `endgame-eql`. */
function readDialect(value: unknown, report: Report): Dialect | null {
  if (value === undefined || value === null) return null;
  const word = typeof value === "string" ? (/^(?:elastic|endgame)\b/i.exec(value)?.[0].toLowerCase() ?? null) : null;
  if (word === "elastic" || word === "endgame") return word;
  report("dialect", "elastic or endgame", value);
  return null;
}
