// Generated Lua on what others have written: the cases of conformance corpora, predicate by predicate against Wasm, and real rules
// over real recordings. The corpora are not part of the repository; where they are absent, that part is skipped with a note.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import type { Dialect } from "@kestrel/compiler/syntax/ast";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Case, readCases } from "./conformance/cases.js";
import { type DataSet, openDataSets } from "./conformance/data-sets.js";
import { learnedOptions, NOTHING, written } from "./conformance/wasm.js";
import { createRandom } from "./generate/random.js";
import { compareLua, type LuaComparison } from "./support/lua-against-wasm.js";
import { repositoryRoot } from "./support/repository.js";
import { SEMANTICS, semanticsCases } from "./support/semantics-cases.js";
import { LONG } from "./support/sizes.js";
import { openTextCases } from "./support/text-cases.js";

const OWN = join(repositoryRoot(), "test/conformance-cases");
const SEMANTICS_FOLDER = join(repositoryRoot(), "test/cases/semantics");
const CORPORA = join(repositoryRoot(), "../shared/corpora");
/** In the short form events of a recording, and cases of which one is taken. */
const MOST_EVENTS = LONG ? 400 : 40;
const EVERY = LONG ? 1 : 5;
const corpora = suite("lua corpora");

/** Queries over the events of a data set, which are taken in parts that fit the module's input. */
async function compareOver(queries: readonly string[], dialect: Dialect, data: DataSet): Promise<LuaComparison> {
  const { timestampField, timestampUnit } = data;
  const setting = {
    compile: { ...learnedOptions(data, false), dialect },
    // What is read is said by the readings of a predicate, not by a schema.
    reference: { schema: { fields: new Map() }, timestampField, timestampUnit },
  };
  return compareLua(queries, [data.lines.slice(0, MOST_EVENTS)], setting, createRandom(1), false);
}

/** All queries over one data set are one pack. */
async function compareCases(cases: readonly Case[], data: (test: Case) => DataSet): Promise<number> {
  const groups = new Map<DataSet, Map<Dialect, string[]>>();
  let count = 0;
  for (const test of cases) {
    if (test.check?.kind !== "query") continue;
    const set = data(test);
    const byDialect = groups.get(set) ?? new Map<Dialect, string[]>();
    groups.set(set, byDialect);
    const queries = byDialect.get(test.dialect) ?? [];
    byDialect.set(test.dialect, queries);
    queries.push(test.check.text);
    count++;
  }
  for (const [set, byDialect] of groups)
    for (const [dialect, queries] of byDialect) await compareOver(queries, dialect, set);
  return count;
}

/** Each value in a query of its own that holds for one event; those that are refused are left out. */
async function compareValues(cases: readonly Case[]): Promise<number> {
  let held = 0;
  for (const dialect of ["elastic", "endgame"] as const) {
    const values = cases.flatMap(({ check, dialect: own }) =>
      own === dialect && check?.kind === "value" ? [check] : [],
    );
    for (let from = 0; from < values.length; from += MOST_EVENTS) {
      const some = values.slice(from, from + MOST_EVENTS);
      const queries = some.map(
        ({ text, expected }, at) => `any where number == ${at} and (${text}) == ${written(expected)}`,
      );
      const lines = some.map((_, at) => JSON.stringify({ number: at }));
      held += (await compareOver(queries, dialect, { ...NOTHING, lines, ids: lines.map(Number) })).held;
    }
  }
  return held;
}

async function compareCorpus(directory: string, every: number): Promise<readonly [queries: number, values: number]> {
  const open = openDataSets(directory);
  const cases = readCases(directory).filter((_, at) => at % every === 0);
  const queries = await compareCases(cases, ({ check }) => (check?.kind === "query" ? open(check.data) : NOTHING));
  return [queries, await compareValues(cases)];
}

corpora("our own conformance cases", async () => {
  const [queries, values] = await compareCorpus(OWN, 1);
  assert.ok(queries > 20 && values > 5, `${queries} queries, ${values} values`);
});

for (const file of readdirSync(SEMANTICS_FOLDER).sort()) {
  corpora(`cases of ${file}`, async () => {
    const dialect = file.startsWith("endgame-") ? "endgame" : "elastic";
    const open = openTextCases(pathToFileURL(join(SEMANTICS_FOLDER, file)), SEMANTICS, { decides: false });
    for (const { events, checks } of semanticsCases(open)) {
      const lines = events.length > 0 ? events : ["{}"];
      // As an operand of `== null` an expression may be of any type.
      const queries = checks.map(({ kind, text }) => (kind === "query" ? text : `any where (${text}) == null`));
      await compareOver(queries, dialect, { ...NOTHING, lines, ids: lines.map((_, at) => at) });
    }
  });
}

function check(name: string, body: () => Promise<void>): void {
  corpora(name, async () => {
    if (existsSync(CORPORA)) await body();
    else console.log(`  skipped, no corpora: ${name}`);
  });
}

check("the collected conformance corpus", async () => {
  const [queries, values] = await compareCorpus(join(CORPORA, "eql"), EVERY);
  console.log(`  ${queries} queries and ${values} values`);
  assert.ok(queries > 50 && values > 10);
});

const RECORDINGS = [
  "linux-sysmon-log4shell-ecs.ndjson",
  "sigma-regression-ecs.ndjson",
  "elastic-endpoint-samples-ecs.ndjson",
];

check("Elastic's detection rules over recordings", async () => {
  const { rules } = collectRules([join(CORPORA, "rules-toml")]);
  const streams = RECORDINGS.map((file) =>
    readFileSync(join(CORPORA, "events", file), "utf8")
      .split("\n")
      .filter((line) => line.trim() !== "")
      .slice(0, MOST_EVENTS),
  );
  const setting = { compile: DEFAULT_OPTIONS, reference: { schema: { fields: new Map() } } };
  const { asked, held, lateTests } = await compareLua(
    rules.map(({ query }) => query),
    streams,
    setting,
    createRandom(1),
    false,
  );
  console.log(`  ${asked} pairs, ${held} hold, ${lateTests} late tests`);
  assert.ok(held > 0);
});

corpora.run();
