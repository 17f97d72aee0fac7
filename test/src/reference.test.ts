// The reference interpreter against our own text cases and, where the corpora stand beside the repository, against the
// expectations collected from Elasticsearch's test files.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Dialect } from "@kestrel/compiler/syntax/ast";
import { parseExpression, parseQuery } from "@kestrel/compiler/syntax/parse";
import type { FieldType } from "@kestrel/stdlib/schema/types";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TEST_SCHEMA } from "./generate/schema.js";
import type { TimestampUnit } from "./reference/dates.js";
import { evaluateEndgame, toJson } from "./reference/endgame/interpret.js";
import { inferSchema } from "./reference/infer-schema.js";
import {
  BEFORE_EVERYTHING,
  constantValue,
  interpret,
  type RefEvent,
  type ReferenceOptions,
  type Result,
  readEvent,
  readEvents,
} from "./reference/interpret.js";
import type { Value } from "./reference/values.js";
import { SEMANTICS, semanticsCases } from "./support/semantics-cases.js";
import { openTextCases } from "./support/text-cases.js";

const CASES = new URL("../cases/semantics/", import.meta.url);
const CORPUS = new URL("../../../shared/corpora/eql/", import.meta.url);

const own = suite("reference interpreter: semantics");

for (const file of readdirSync(CASES).filter((name) => name.endsWith(".txt"))) {
  own(file, () => {
    const dialect: Dialect = file.startsWith("endgame-") ? "endgame" : "elastic";
    const open = openTextCases(new URL(file, CASES), SEMANTICS);
    for (const one of semanticsCases(open)) {
      const options: ReferenceOptions = { schema: TEST_SCHEMA, timestampUnit: "milliseconds" };
      const events = readEvents(one.events, options);
      for (const { kind, text, expect } of one.checks) {
        expect(
          attempt(() =>
            kind === "query" ? showResult(runQuery(text, events, options, dialect)) : evaluateIn(dialect, text),
          ),
        );
      }
    }
    open.finish();
  });
}

own("malformed values are counted, nulls are not", () => {
  const malformed = (line: string): number => readEvent(line, { schema: TEST_SCHEMA }).malformed;
  assert.is(malformed('{"process.pid": ["1", "x", null, true, 1e30]}'), 3);
  assert.is(malformed('{"process": {"start": ["2024-02-30", false], "code_signature": {"trusted": [1, "TRUE"]}}}'), 4);
  assert.is(malformed('{"process.name": [1, true, {"x": "y"}], "no.such.field": "x"}'), 0);
});

own("a line that is not a JSON object is refused", () => {
  const refused = [
    "",
    "[]",
    "1",
    "null",
    '{"a":01}',
    '{"a":1,}',
    "{'a':1}",
    '{"a":.5}',
    '{"a":1}x',
    '{"a":"\\x"}',
    '{"a":"\t"}',
  ];
  for (const line of [
    ...refused,
    '{"a":"',
    '{"a":[1}',
    '{"a" 1}',
    '{"a":tru}',
    '{"a":NaN}',
    '{"a":"\\u12"}',
    "{a:1}",
  ]) {
    assert.throws(() => readEvent(line, { schema: TEST_SCHEMA }), undefined, line);
  }
});

own("a number in the timestamp field is told by its size, and exact", () => {
  const read = (text: string, timestampUnit?: TimestampUnit): bigint | null => {
    const options = { schema: TEST_SCHEMA, ...(timestampUnit === undefined ? {} : { timestampUnit }) };
    const { ts, timed } = readEvent(`{"@timestamp":${text}}`, options);
    return timed ? ts : null;
  };
  const first = 1_767_225_600_123_456_789n;
  assert.is(read("1767225600.123456789"), first);
  assert.is(read('"1.767225600123456789e9"'), first);
  assert.is(read("1767225600123.456789"), first);
  assert.is(read("1767225600123456.789"), first);
  assert.is(read("1767225600123456789"), first);
  assert.is(read("134116992001234567"), first - 89n);
  assert.is(read("0"), 0n);
  assert.is(read("-1.5"), -1_500_000_000n);
  assert.is(read("-134116992001234567"), -134_116_992_001_234_567n);
  for (const [end, below, from] of [
    ["100000000000", 9, 6],
    ["100000000000000", 6, 3],
  ] as const) {
    assert.is(read(String(BigInt(end) / 100n)), (BigInt(end) / 100n) * 10n ** BigInt(below));
    assert.is(read(end), BigInt(end) * 10n ** BigInt(from));
  }
  assert.is(read("299999999999999999"), null);
  assert.is(read("300000000000000000"), 300_000_000_000_000_000n);
  assert.is(read("99999999999"), null);
  assert.is(read("12", "microseconds"), 12_000n);
  assert.is(read("9223372036854775808"), null);
  assert.is(read("true"), null);
});

own("events without a timestamp take that of the timed one before, or stand before everything", () => {
  const lines = ["{}", '{"@timestamp": 5}', '{"@timestamp": 3}', '{"@timestamp": "x"}'];
  const times = readEvents(lines, { schema: TEST_SCHEMA, timestampUnit: "milliseconds" }).map((event) => event.ts);
  assert.equal(times, [BEFORE_EVERYTHING, 5_000_000n, 3_000_000n, 3_000_000n]);
});

own.run();

interface Case {
  readonly name: string;
  readonly dataset?: string;
  readonly query?: string;
  readonly expression?: string;
  readonly expected?: unknown;
  readonly expected_event_ids?: Ids;
  readonly expected_any_of?: readonly Ids[];
  readonly join_keys?: readonly (string | null)[];
  readonly size?: number;
  readonly max_samples_per_key?: number;
  readonly requires?: readonly string[];
}

type Ids = readonly (number | readonly (number | null)[])[];

interface DataSet {
  readonly options: ReferenceOptions;
  readonly events: readonly RefEvent[];
  readonly ids: ReadonlyMap<RefEvent, number>;
}

/** What the data sets need to be told beyond what their events show. */
const DATASETS: Readonly<
  Record<string, Omit<ReferenceOptions, "schema"> & { idField: string; types: Record<string, FieldType> }>
> = {
  endgame_es: {
    idField: "serial_event_id",
    tiebreakerField: "serial_event_id",
    types: { "@timestamp": "date", source_address: "ip", destination_address: "ip" },
  },
  es_missing_events: { idField: "sequence", tiebreakerField: "sequence", types: { "@timestamp": "date" } },
  es_extra: {
    idField: "sequence",
    tiebreakerField: "sequence",
    types: { "@timestamp": "date", version: "version", date_tags: "date", optional_field_mapping_only: "keyword" },
  },
  es_sample: {
    idField: "id",
    types: { "@timestamp": "date", "@timestamp_pretty": "date", ip: "ip", host_ip: "ip", version: "version" },
  },
  es_sample_multi: { idField: "id", types: {} },
  es_series: { idField: "id", timestampField: "ts", types: {} },
};

const EXPRESSION_SUITES = ["es_folding", "es_docs_function_examples", "es_string_literals"];
const QUERY_SUITES = [
  "es_queries",
  "es_additional",
  "es_extra",
  "es_series",
  "es_missing_events",
  "es_sample",
  "es_sample_multi",
  "es_date",
];

/** Cases that Kestrel decides otherwise, or that need what Kestrel does not have. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  anyRulesWithOneDifferentNameKey: "a sample takes its events in event order, Elasticsearch in the order of the index",
  complexFilters: "a sample takes its events in event order, Elasticsearch in the order of the index",
};

const corpus = suite("reference interpreter: collected expectations");

if (existsSync(CORPUS)) {
  for (const name of EXPRESSION_SUITES) {
    corpus(name, () =>
      checkSuite(name, (test) => {
        const actual = attempt(() => showValue(evaluateText(test.expression ?? "")));
        return sameConstant(actual, test.expected) ? null : `expected ${JSON.stringify(test.expected)}, got ${actual}`;
      }),
    );
  }
  const datasets = new Map<string, DataSet>();
  for (const name of QUERY_SUITES) {
    corpus(name, () => checkSuite(name, (test) => checkQuery(test, loadDataSet(datasets, test.dataset ?? ""))));
  }
  corpus("dialect_differences", checkDifferences);
} else {
  corpus("the corpora", () => {
    console.log("  (skipped: there is no ../shared/corpora beside the repository)");
  });
}

corpus.run();

function checkSuite(name: string, check: (test: Case) => string | null): void {
  const tests = JSON.parse(readFileSync(new URL(`cases/${name}.json`, CORPUS), "utf8")) as Case[];
  const failures: string[] = [];
  let passed = 0;
  let skipped = 0;
  for (const test of tests) {
    const exception = EXCEPTIONS[test.name];
    if (exception !== undefined || test.requires?.includes("mapping:null_value")) {
      skipped++;
      continue;
    }
    const failure = check(test);
    if (failure === null) passed++;
    else failures.push(`${test.name}: ${test.query ?? test.expression ?? ""}\n    ${failure}`);
  }
  console.log(`  ${name}: ${passed} of ${tests.length} agree${skipped > 0 ? `, ${skipped} left out` : ""}`);
  assert.is(failures.join("\n"), "");
}

/** Tiny data sets of their own, with what each dialect makes of them; here the Elasticsearch side, where it is known. */
function checkDifferences(): void {
  interface Difference {
    readonly name: string;
    readonly events: readonly { readonly id: number }[];
    readonly query_es: string;
    readonly es: unknown;
  }
  const tests = JSON.parse(readFileSync(new URL("cases/dialect_differences.json", CORPUS), "utf8")) as Difference[];
  const known = tests.filter((test) => Array.isArray(test.es) && EXCEPTIONS[test.name] === undefined);
  const failures: string[] = [];
  for (const { name, events, query_es, es } of known) {
    const lines = events.map((event) => JSON.stringify(event));
    const options = {
      schema: inferSchema(lines, { n: "keyword", k: "keyword" }),
      timestampField: "ts",
      timestampUnit: "milliseconds" as const,
      categoryField: "event_type",
    };
    const id = (event: RefEvent | null): number | null => events[event?.ordinal ?? -1]?.id ?? null;
    const actual = attempt(() => {
      const result = runQuery(query_es, readEvents(lines, options), options);
      if (result.kind === "events") return JSON.stringify(result.events.map(id));
      return JSON.stringify(result.sequences.map((sequence) => sequence.events.map(id)));
    });
    if (actual !== JSON.stringify(es))
      failures.push(`${name}: ${query_es}\n    expected ${JSON.stringify(es)}, got ${actual}`);
  }
  console.log(`  dialect_differences: ${known.length - failures.length} of ${known.length} agree`);
  assert.is(failures.join("\n"), "");
}

function checkQuery(test: Case, data: DataSet): string | null {
  const options: ReferenceOptions = { ...data.options, maxSamplesPerKey: test.max_samples_per_key ?? 1 };
  let keys: (string | null)[] = [];
  const actual = attempt(() => {
    const result = runQuery(test.query ?? "", data.events, options);
    if (result.kind === "events")
      return JSON.stringify(result.events.map((event) => data.ids.get(event)).slice(0, test.size));
    const kept = result.sequences.slice(0, test.size);
    keys = kept.flatMap((sequence) => sequence.key);
    return JSON.stringify(
      kept.map(({ events }) => events.map((event) => (event === null ? null : data.ids.get(event)))),
    );
  });
  const allowed = (test.expected_any_of ?? [test.expected_event_ids]).map((ids) => JSON.stringify(ids));
  if (!allowed.includes(actual)) return `expected ${allowed.join(" or ")}, got ${actual}`;
  // Dates are shown in another way here, and a choice among samples may come with other keys.
  const comparable = test.expected_any_of === undefined && !/date|timestamp/i.test(test.query ?? "");
  const wanted = test.join_keys?.map((key) => key ?? "null").join();
  const found = keys.map((key) => key ?? "null").join();
  return comparable && wanted !== undefined && wanted !== found ? `expected the keys ${wanted}, got ${found}` : null;
}

function loadDataSet(loaded: Map<string, DataSet>, name: string): DataSet {
  const standing = loaded.get(name);
  const settings = DATASETS[name];
  if (standing !== undefined) return standing;
  if (settings === undefined) throw new Error(`Unknown data set ${name}`);
  const { idField, types, ...names } = settings;
  const text = readFileSync(new URL(`datasets/${name}.ndjson`, CORPUS), "utf8");
  // One index of the samples writes its dates day first, which its mapping tells Elasticsearch.
  const lines = text
    .trim()
    .split("\n")
    .map((line) => line.replace(/"(\d\d)-(\d\d)-(\d{4})"/, '"$3-$2-$1"'));
  const options: ReferenceOptions = {
    ...names,
    timestampUnit: "milliseconds",
    categoryField: "event_type",
    schema: inferSchema(lines, types),
  };
  const events = readEvents(lines, options);
  const ids = new Map(events.map((event) => [event, Number(event.fields.get(idField)?.[0])]));
  const data = { options, events, ids };
  loaded.set(name, data);
  return data;
}

function runQuery(
  text: string,
  events: readonly RefEvent[],
  options: ReferenceOptions,
  dialect: Dialect = "elastic",
): Result {
  const { query, problems } = parseQuery(text, { dialect });
  if (query === null || problems.some((problem) => problem.severity === "error"))
    throw new Error(JSON.stringify(problems));
  return interpret(query, events, options);
}

function evaluateIn(dialect: Dialect, text: string): string {
  if (dialect === "elastic") return showValue(evaluateText(text));
  const { expr, problems } = parseExpression(text, { dialect });
  if (expr === null || problems.some((problem) => problem.severity === "error"))
    throw new Error(JSON.stringify(problems));
  return toJson(evaluateEndgame(expr));
}

function evaluateText(text: string): Value {
  const { expr, problems } = parseExpression(text, { dialect: "elastic" });
  if (expr === null || problems.some((problem) => problem.severity === "error"))
    throw new Error(JSON.stringify(problems));
  return constantValue(expr, TEST_SCHEMA);
}

function attempt(show: () => string): string {
  try {
    return show();
  } catch (error) {
    return `error: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function showResult(result: Result): string {
  const number = (event: RefEvent | null): string => (event === null ? "_" : String(event.ordinal + 1));
  if (result.counted !== undefined) return result.counted.join(" ");
  if (result.kind === "events") return result.events.map(number).join(" ");
  return result.sequences.map(({ events }) => `[${events.map(number).join(" ")}]`).join(" ");
}

/** JSON, with a point in every double. */
function showValue(value: Value): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return /^-?\d+$/.test(String(value)) ? `${value}.0` : String(value);
  return JSON.stringify(value);
}

/** Numbers are compared as numbers: the collected files do not always tell 8 from 8.0. */
function sameConstant(actual: string, expected: unknown): boolean {
  if (typeof expected === "number") return Number(actual) === expected;
  return actual === JSON.stringify(expected);
}
