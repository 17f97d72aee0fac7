// Examples of the language reference -> what each way to run EQL makes of them: the reference interpreter, a query over a file as
// `eqlc query` runs it, and a package. Fields have the types of Kestrel's own schema, so that an example means here what it
// means in a rule.

import { analyseRules, type CompileOptions, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import type { Diagnostic } from "@kestrel/compiler/diagnostics/diagnostic";
import type { EventLines } from "@kestrel/compiler/query/event-lines";
import { extendSchema } from "@kestrel/compiler/query/extend-schema";
import { runQuery } from "@kestrel/compiler/query/run-query";
import type { Dialect } from "@kestrel/compiler/syntax/ast";
import { parseExpression, parseQuery } from "@kestrel/compiler/syntax/parse";
import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import type { FieldType } from "@kestrel/stdlib/schema/types";
import { evaluateEndgame, toJson } from "../reference/endgame/interpret.js";
import { constantValue, interpret, type RefEvent, type ReferenceOptions } from "../reference/interpret.js";
import type { Row, TableEvent } from "./language-page.js";
import { sortedJson } from "./language-page.js";
import { compileForTest, type Found, ruleOf, runLines } from "./run-pack.js";

const DAY = "2026-01-05";
/** What 1970 is as a Windows file time, in units of 100 ns. */
const FILETIME_OF_1970 = 116_444_736_000_000_000n;

/** What the examples of one section and dialect are run with. */
export interface Setting {
  readonly options: CompileOptions;
  readonly reference: ReferenceOptions;
}

export function settingOf(dialect: Dialect, types: ReadonlyMap<string, FieldType>): Setting {
  const schema = extendSchema(defaultSchema(), types);
  if (dialect === "elastic") return { options: { ...DEFAULT_OPTIONS, schema }, reference: { schema } };
  const time = { timestampField: "timestamp", timestampUnit: "filetime" } as const;
  return {
    options: { ...DEFAULT_OPTIONS, ...time, schema, dialect, tiebreakerField: null },
    reference: { ...time, schema, categoryField: DEFAULT_OPTIONS.endgameCategoryField },
  };
}

/** The events as a recording holds them, each with its time in the field that the dialect takes it from. */
export function linesOf(events: readonly TableEvent[], dialect: Dialect): string[] {
  return events.map(({ time, json }) => {
    if (time === null) return json;
    const rest = json.slice(1) === "}" ? "}" : `,${json.slice(1)}`;
    if (dialect === "elastic") return `{"@timestamp":"${DAY}T${time}Z"${rest}`;
    const filetime = BigInt(Date.parse(`${DAY}T${time}Z`)) * 10_000n + FILETIME_OF_1970;
    return `{"timestamp":${filetime}${rest}`;
  });
}

/** Throws Error when the query is refused. */
export function rowsOfReference(text: string, events: readonly RefEvent[], setting: Setting): Row[] {
  const { query, problems } = parseQuery(text, { dialect: setting.options.dialect });
  const wrong = problems.find(({ severity }) => severity === "error");
  if (query === null || wrong !== undefined) throw new Error(wrong?.message ?? "The query cannot be read");
  const result = interpret(query, events, setting.reference);
  const number = (event: RefEvent | null): number | null => (event === null ? null : event.ordinal + 1);
  const { counted } = result;
  if (result.kind === "sequences") {
    const rows = result.sequences.map((match) => ({ events: match.events.map(number), counted: null }));
    return counted === undefined ? rows : addCounted(rows, counted, events);
  }
  const rows = result.events.map((event) => ({ events: [number(event)], counted: null }));
  return counted === undefined ? rows : addCounted(rows, counted, events);
}

/** What a pipe has counted stands behind the numbers of the events that it belongs to, without what the events hold themselves. */
function addCounted(rows: readonly Row[], counted: readonly (string | null)[], events: readonly RefEvent[]): Row[] {
  const left = [...rows];
  return counted.map((json) => {
    const match = left.shift() ?? { events: [], counted: null };
    return { ...match, counted: countedOnly(json, events[(match.events[0] ?? 0) - 1]?.line ?? "{}") };
  });
}

function countedOnly(json: string | null, line: string): string | null {
  if (json === null) return null;
  const own = JSON.parse(line) as Record<string, unknown>;
  const all = Object.entries(JSON.parse(json) as Record<string, unknown>);
  return sortedJson(
    Object.fromEntries(all.filter(([key, value]) => sortedJson(own[key] ?? null) !== sortedJson(value))),
  );
}

/** The value of an expression without fields, as JSON. Throws Error when it is refused. */
export function valueOfReference(text: string, setting: Setting): string {
  const { expr, problems } = parseExpression(text, { dialect: setting.options.dialect });
  const wrong = problems.find(({ severity }) => severity === "error");
  if (expr === null || wrong !== undefined) throw new Error(wrong?.message ?? "The expression cannot be read");
  if (setting.options.dialect === "endgame") return toJson(evaluateEndgame(expr));
  const value = constantValue(expr, setting.options.schema);
  if (typeof value === "bigint") return String(value);
  const written = JSON.stringify(value);
  return typeof value === "number" && /^-?[0-9]+$/.test(written) ? `${written}.0` : written;
}

/** The query over all of the events. Throws Error when it is refused. */
export async function rowsOfQuery(text: string, lines: readonly string[], setting: Setting): Promise<Row[]> {
  // That the optimiser changes nothing is another test's affair.
  const options = { ...setting.options, allPipes: true, optimize: false };
  const { rules, diagnostics } = analyseRules([ruleOf("query", text)], options);
  const [compiled] = rules;
  if (compiled === undefined) throw new Error(diagnostics.map(({ code, message }) => `${code} ${message}`).join("; "));
  const onBroken = ({ reason }: { readonly reason: string }): void => {
    throw new Error(`A line is no event: ${reason}`);
  };
  const { matches } = await runQuery(compiled, chunkOf(lines), { ...options, onBroken });
  return matches.map(({ events, isRecord }) => {
    const first = Buffer.from(events[0]?.bytes ?? "null").toString();
    if (isRecord) return { events: [], counted: sortedJson(JSON.parse(first)) };
    const own = lines[events[0]?.ordinal ?? -1] ?? "null";
    return {
      events: events.map((event) => (event === null ? null : event.ordinal + 1)),
      counted: first.trim() === own ? null : countedOnly(first, own),
    };
  });
}

function chunkOf(lines: readonly string[]): Pick<EventLines, "read"> {
  return {
    async *read() {
      yield { bytes: bytesOf(lines), file: "events", firstLine: 1, lineCount: null };
    },
  };
}

export interface PackedQuery {
  readonly text: string;
  /** The recording that its alerts are wanted of. */
  readonly lines: readonly string[];
}

export interface PackageAnswer {
  /** In order; null when the query is refused. */
  readonly alerts: readonly Row[] | null;
  /** Everything that the build says of the query. */
  readonly diagnostics: readonly Diagnostic[];
}

/** The queries as the rules of one package, which runs over each recording. */
export async function runAsPackage(queries: readonly PackedQuery[], setting: Setting): Promise<PackageAnswer[]> {
  const ids = queries.map((_, index) => `rule-${String(index).padStart(4, "0")}`);
  const rules = queries.map(({ text }, index) => ruleOf(ids[index] ?? "", text));
  const under = await compileForTest(rules, setting.options);
  const said = under.diagnostics;
  const found = new Map<readonly string[], Found>();
  return queries.map(({ lines }, index) => {
    const run = found.get(lines) ?? runLines(under.pack, bytesOf(lines));
    found.set(lines, run);
    if (run.counters.broken > 0) throw new Error("A line is no event");
    const id = ids[index] ?? "";
    const alerts = run.byRule[under.pack.manifest.rules.findIndex((rule) => rule.id === id)];
    return {
      alerts: alerts?.map(rowOfAlert) ?? null,
      diagnostics: said.filter(({ place }) => place.file === `${id}.eql`),
    };
  });
}

function rowOfAlert(ordinals: readonly number[]): Row {
  return { events: ordinals.map((ordinal) => (ordinal < 0 ? null : ordinal + 1)), counted: null };
}

function bytesOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(""));
}
