// Conformance cases on the reference interpreter and on the compiler: a few of our own, those that define the endgame dialect
// in test/cases/semantics, and, where it stands beside the repository, the whole collected corpus.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { messageOf } from "./conformance/backend.js";
import { KNOWN_WRONG, KNOWN_WRONG_LIMIT } from "./conformance/known-wrong.js";
import { referenceBackend } from "./conformance/reference.js";
import { type Outcome, runConformance } from "./conformance/run.js";
import { createWasmBackend } from "./conformance/wasm.js";
import { repositoryRoot } from "./support/repository.js";
import { SEMANTICS, semanticsCases } from "./support/semantics-cases.js";
import { FULL, LONG } from "./support/sizes.js";
import { openTextCases } from "./support/text-cases.js";

const OWN = join(repositoryRoot(), "test/conformance-cases");
const SEMANTICS_FOLDER = join(repositoryRoot(), "test/cases/semantics");
const CORPUS = join(repositoryRoot(), "../shared/corpora/eql");
const wasm = createWasmBackend(true);
const lua = createWasmBackend(false, "lua");

const conformance = suite("conformance");

conformance("our own cases", async () => {
  const outcomes = await runConformance(OWN, { backends: [referenceBackend, wasm, lua], knownWrong: [] });
  assert.is(failuresOf(outcomes), "");
  const passed = outcomes.filter(({ verdict }) => verdict === "passed").length;
  assert.ok(passed > 60, `only ${passed} passed`);
});

conformance("a case that is held to be wrong must fail", async () => {
  const run = async (name: string): Promise<readonly Outcome[]> => {
    const knownWrong = [{ suite: "elastic_queries", name, proof: "" }];
    return runConformance(OWN, { backends: [referenceBackend], only: `elastic_queries/${name}`, knownWrong });
  };
  assert.equal(
    (await run("order")).map(({ verdict }) => verdict),
    ["listed, passes"],
  );
});

for (const file of readdirSync(SEMANTICS_FOLDER).filter((name) => name.startsWith("endgame-"))) {
  conformance(`${file} on the compiler`, async () => {
    const open = openTextCases(pathToFileURL(join(SEMANTICS_FOLDER, file)), SEMANTICS, { decides: false });
    for (const { events, checks } of semanticsCases(open)) {
      for (const { kind, text, expected, expect } of checks) {
        const actual = kind === "query" ? await answer(text, events) : await value(text, expected);
        // What a pipe has counted has no number; `eqlc query` is asked for it in query.test.ts, and here for as many rows.
        const rows = expected.startsWith("{") ? expected.split(/(?<=\}) (?=\{)/).length : -1;
        const isCounted = rows >= 0 && actual.split(" ").length === rows && !actual.startsWith("error");
        expect(isCounted ? expected : actual);
      }
    }
    open.finish();
  });
}

if (existsSync(CORPUS)) {
  conformance("the collected corpus", async () => {
    // Optimising hundreds of modules would take most of the time of all tests; `npm run conformance` does it.
    // The short form takes every fifth case.
    const every = LONG ? 1 : 5;
    const outcomes = [
      ...(await runConformance(CORPUS, { backends: [referenceBackend, createWasmBackend(false)], every })),
      ...(await runConformance(CORPUS, { backends: [lua], every: FULL ? 1 : 10 })),
    ];
    const passed = outcomes.filter(({ verdict }) => verdict === "passed").length;
    console.log(`  ${passed} of ${outcomes.length} runs pass`);
    assert.is(failuresOf(outcomes), "");
    const cases = every * new Set(outcomes.map((outcome) => outcome.case)).size;
    assert.ok(KNOWN_WRONG.length <= KNOWN_WRONG_LIMIT * cases);
  });
} else {
  conformance("the collected corpus", () => {
    console.log("  (skipped: there is no ../shared/corpora beside the repository)");
  });
}

conformance.run();

function failuresOf(outcomes: readonly Outcome[]): string {
  return outcomes
    .filter(({ verdict }) => verdict === "failed" || verdict === "listed, passes")
    .map(({ case: { suite, name, check }, backend, verdict, failure }) => {
      const what = failure === null ? verdict : `expected ${failure.expected}, got ${failure.got}`;
      return `${suite}/${name} [${backend}] ${check?.text ?? ""}\n    ${what}`;
    })
    .join("\n");
}

/** The numbers of the events, as the case files write them. */
async function answer(text: string, lines: readonly string[]): Promise<string> {
  const data = {
    lines,
    ids: lines.map((_, i) => i + 1),
    timestampField: "@timestamp",
    timestampUnit: "milliseconds",
    tiebreakerField: null,
    categoryField: "event_type",
    types: {},
  } as const;
  try {
    const { ids } = await wasm.find(text, "endgame", data, 1);
    return ids
      .map((found) => (typeof found === "number" ? found : `[${found.map((id) => id ?? "_").join(" ")}]`))
      .join(" ");
  } catch (error) {
    return `error: ${messageOf(error)}`;
  }
}

async function value(text: string, expected: string): Promise<string> {
  if (expected === "error") {
    const problems = await wasm.problems(text, false, "endgame", null);
    return problems.length > 0 ? `error: ${problems.join("; ")}` : "no error";
  }
  const wanted = JSON.parse(expected) as null | boolean | number | string;
  const [difference] = await wasm.differences([{ text, expected: wanted }], "endgame");
  return difference ?? expected;
}
