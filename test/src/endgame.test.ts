// The endgame dialect in Wasm and on the reference interpreter: text cases that both must answer as written, and what text
// cannot say. A case has queries, each with events that are judged, or with the code of the first error, `refused`.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type CompileOptions, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import type { Query } from "@kestrel/compiler/syntax/ast";
import { parseQuery } from "@kestrel/compiler/syntax/parse";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { interpretEndgame } from "./reference/endgame/interpret.js";
import type { ReferenceOptions } from "./reference/events.js";
import { readEvents } from "./reference/interpret.js";
import { eventsOf, judgedText } from "./support/judged-events.js";
import { repositoryRoot } from "./support/repository.js";
import { compileForTest, type Found, ruleOf, runLines } from "./support/run-pack.js";
import { type CaseKind, checksOf, openTextCases, sectionOf } from "./support/text-cases.js";

const FOLDER = join(repositoryRoot(), "test/cases/endgame");
const KIND: CaseKind = { inputs: ["query"], expectations: ["judged", "refused"] };
const OPTIONS: CompileOptions = { ...DEFAULT_OPTIONS, dialect: "endgame", tiebreakerField: null };
const REFERENCE: ReferenceOptions = { schema: { fields: new Map() } };
const endgame = suite("endgame");

interface Ran {
  readonly found: Found;
  readonly query: Query;
}

async function run(text: string, lines: readonly string[]): Promise<Ran> {
  const under = await compileForTest([ruleOf("case", text)], OPTIONS);
  const [rule] = under.rules;
  if (rule === undefined) throw new Error(`${text}: ${under.diagnostics.map(({ message }) => message).join("; ")}`);
  return { found: runLines(under.pack, bytesOf(lines), { order: "arrival" }), query: rule.query };
}

function bytesOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(""));
}

/** Ordinals of the events of each match. */
function interpreted(query: Query, lines: readonly string[]): readonly (readonly number[])[] {
  const { rows } = interpretEndgame(query, readEvents(lines, REFERENCE), REFERENCE);
  return rows.map(({ events }) => events.map((event) => event?.ordinal ?? -1));
}

// All queries of a file are one pack, so that they share what they have in common.
for (const file of readdirSync(FOLDER).sort()) {
  endgame(file, async () => {
    const open = openTextCases(pathToFileURL(join(FOLDER, file)), KIND);
    const checks = open.cases.flatMap((one) => checksOf(one, ["query"]).checks);
    const rules = checks.map(({ input }, index) => ruleOf(`case${String(index).padStart(4, "0")}`, input.text));
    const under = await compileForTest(rules, OPTIONS);
    let compiled = -1;
    for (const [index, { input, rest }] of checks.entries()) {
      const name = rules[index]?.source.file;
      const [error] = under.diagnostics.filter(({ severity, place }) => severity === "error" && place.file === name);
      if (rest.some((section) => section.name === "refused")) {
        open.expect(sectionOf(rest, "refused"), error?.code ?? "nothing", `${input.text}: ${error?.message}`);
        assert.ok(error?.place.span, `${input.text}: the error has no span`);
        continue;
      }
      assert.is(error?.message, undefined, input.text);
      compiled++;
      const query = under.rules[compiled]?.query;
      if (query === undefined) throw new Error(`${input.text} is not in the pack`);
      const judged = sectionOf(rest, "judged");
      const lines = eventsOf(judged);
      const { byRule, counters } = runLines(under.pack, bytesOf(lines), { order: "arrival" });
      assert.is(counters.broken, 0, `${input.text}: a line is broken`);
      const reference = judgedText(lines, new Set(interpreted(query, lines).flat()));
      open.expect(judged, reference, `reference: ${input.text}`);
      assert.is(judgedText(lines, new Set(byRule[compiled]?.flat())), reference, `Wasm: ${input.text}`);
    }
    open.finish();
  });
}

async function bothFind(text: string, lines: readonly string[], expected: readonly (readonly number[])[]) {
  const { found, query } = await run(text, lines);
  assert.equal(interpreted(query, lines), expected, `reference: ${text}`);
  assert.equal(found.byRule[0], expected, `Wasm: ${text}`);
}

endgame("keys are any value", async () => {
  const pairs: readonly (readonly [string, string, boolean])[] = [
    ['"A"', '"a"', true],
    ["1", "1.0", true],
    ["1", "true", true],
    ["1", '"1"', false],
    ["null", '{"x": 1}', true],
    ["0", "null", false],
    ['["A", 1, [true], null]', '["a", 1.0, [1], {"k": 2}]', true],
    ['["a\\n\\"", 1e300]', '["A\\u000a\\"", 10e299]', true],
    ["[1]", "[1, null]", false],
    ["[0.5]", "[0.25]", false],
    ["[]", "null", false],
    ["-0.0", "false", true],
    ["99999999999999999999", "1e20", true],
  ];
  const text = 'sequence by k [any where n == "a"] [any where n == "b"]';
  const under = await compileForTest([ruleOf("case", text)], OPTIONS);
  const query = under.rules[0]?.query;
  if (query === undefined) throw new Error("the sequence does not compile");
  for (const [a, b, joined] of pairs) {
    const lines = [`{"n": "a", "k": ${a}}`, `{"n": "b", "k": ${b}}`];
    const expected = joined ? [[0, 1]] : [];
    assert.equal(interpreted(query, lines), expected, `reference: ${a} and ${b}`);
    assert.equal(runLines(under.pack, bytesOf(lines)).byRule[0], expected, `Wasm: ${a} and ${b}`);
  }
  const lines = ['{"n": "a", "k": "xy"}', '{"n": "b", "k": 2}'];
  await bothFind('sequence [any where n == "a"] by length(k) [any where n == "b"] by k * 1.0', lines, [[0, 1]]);
});

endgame("pipes read the events of a match", async () => {
  const lines = ['{"n": "a", "k": 1}', '{"n": "b", "k": 2}', '{"n": "a", "k": 1}', '{"n": "b", "k": 1}'];
  const sequence = 'sequence [any where n == "a"] [any where n == "b"]';
  await bothFind(`${sequence} | filter events[1].k == 1`, lines, [[2, 3]]);
  await bothFind(`${sequence} | filter k < events[1].k`, lines, [[0, 1]]);
  await bothFind(`${sequence} | unique k`, lines, [[0, 1]]);
  await bothFind(`${sequence} | unique events[1].k | head 1`, lines, [[0, 1]]);
});

endgame("deep and long conditions", async () => {
  let deep = "a == 1";
  for (let i = 0; i < 200; i++) deep = `(${deep}) == ${i % 2 === 0}`;
  const lines = ['{"a": 1}', '{"a": 2}', "{}"];
  const { found } = await run(`any where ${deep}`, lines);
  // Each `== true` keeps the truth and each `== false` turns it round.
  assert.equal(found.byRule[0], [[0]]);
  const sum = Array.from({ length: 300 }, () => "a").join(" + ");
  assert.equal((await run(`any where ${sum} == 600`, lines)).found.byRule[0], [[1]]);
  const any = Array.from({ length: 300 }, (_, i) => `a == ${i + 2}`).join(" or ");
  assert.equal((await run(`any where (${any}) == true`, lines)).found.byRule[0], [[1]]);
  const search = `any where arraySearch(l, x, ${any.replaceAll("a ==", "x ==")})`;
  assert.equal((await run(search, ['{"l": [0, 1]}', '{"l": [0, 301]}'])).found.byRule[0], [[1]]);
  const texts = Array.from({ length: 20_000 }, (_, i) => `"t${i}"`).join(", ");
  assert.equal((await run(`any where l[0] in (${texts})`, ['{"l": ["T19999"]}', '{"l": ["t"]}'])).found.byRule[0], [
    [0],
  ]);
});

endgame("searches are bounded", async () => {
  const list = `[${Array.from({ length: 400 }, (_, i) => i).join(",")}]`;
  const text = "any where arraySearch(a, x, arraySearch(a, y, x + y == 1000))";
  const { found } = await run(text, [`{"a": ${list}}`, '{"a": [1, 999]}']);
  assert.equal(found.byRule[0], [[1]]);
  assert.is(found.counters.combinations, 1);
});

endgame("what a search makes is given back", async () => {
  // 2,000 folded copies of 100 kB are more than the arena holds.
  const big = "A".repeat(100_000);
  const list = `[${Array.from({ length: 2000 }, () => '"b"').join(",")}]`;
  const text = 'any where arrayCount(a, x, concat(big, x) == "*ab") == 2000';
  const { found } = await run(text, [`{"big": "${big}", "a": ${list}}`]);
  assert.equal(found.byRule[0], [[0]]);
});

endgame("an event that outgrows the arena is broken, not wrong", async () => {
  const big = "A".repeat(3_000_000);
  const parts = Array.from({ length: 40 }, () => "big").join(", ");
  const lines = [`{"big": "${big}"}`, '{"big": "x"}'];
  const { found } = await run(`any where length(concat(${parts})) == 40 or not length(concat(${parts})) == 1`, lines);
  assert.is(found.counters.broken, 1);
  assert.equal(found.byRule[0], [[1]]);
});

endgame("text inside a value that is no JSON reads as null", async () => {
  const lines = [
    '{"a": {"b" 1}}',
    '{"a": {"b": tru}}',
    '{"a": {"b": 01}}',
    '{"a": {b: 1}}',
    '{"a": {"x": 1 "b": 1}}',
    '{"a": {"b": "\\q"}}',
  ];
  const { found } = await run("any where a.b == null", lines);
  assert.equal(
    found.byRule[0]?.map(([ordinal]) => ordinal),
    lines.map((_, index) => index),
  );
});

endgame("the index leaves no event out", async () => {
  // A pack of many rules, each with its own literal, against each rule alone.
  const lines = [
    '{"n": ["x", "y"], "n": "z"}',
    '{"n": "Y"}',
    '{"n": {"n": "y"}}',
    '{"p": {"n": "y"}}',
    '{"p": [{"n": "y"}]}',
    '{"p.n": "y"}',
    '{"n": 1}',
    '{"n": "\\u0079"}',
  ];
  const texts = [
    'any where n == "y"',
    'any where n in ("x", "Y")',
    'any where p.n == "Y"',
    'any where n.n == "y" or n == "*Y*"',
    'any where not (n != "y")',
    'any where n == "y*" or n == "z" or p.n in ("y")',
  ];
  const under = await compileForTest(
    texts.map((text, index) => ruleOf(`r${index}`, text)),
    OPTIONS,
  );
  assert.is(under.rules.length, texts.length);
  const found = runLines(under.pack, bytesOf(lines));
  for (const [index, text] of texts.entries()) {
    const parsed = parseQuery(text, { dialect: "endgame" }).query;
    if (parsed === null) throw new Error(text);
    assert.equal(found.byRule[index], interpreted(parsed, lines), text);
  }
});

endgame.run();
