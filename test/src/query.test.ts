// `eqlc query`: the text cases of the reference interpreter answered by Wasm and the runtime, and what pipes are made of.

import { readdirSync } from "node:fs";
import { analyseRules, type CompileOptions, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import type { EventLines } from "@kestrel/compiler/query/event-lines";
import { createFirstMatches } from "@kestrel/compiler/query/first-matches";
import { compareKeys, identityOf, withEmptyValues } from "@kestrel/compiler/query/key-order";
import { membersOf, memberValue, withMembers } from "@kestrel/compiler/query/line-members";
import { type QueryMatch, runQuery } from "@kestrel/compiler/query/run-query";
import { compareEvents, type EvidenceEvent } from "@kestrel/runtime/event/stream-event";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import { TEST_SCHEMA } from "./generate/schema.js";
import { ruleOf } from "./support/run-pack.js";
import { SEMANTICS, semanticsCases } from "./support/semantics-cases.js";
import { openTextCases } from "./support/text-cases.js";

const CASES = new URL("../cases/semantics/", import.meta.url);
/** Not optimised: most of these queries look at a handful of events. */
const OPTIONS: CompileOptions = {
  ...DEFAULT_OPTIONS,
  timestampUnit: "milliseconds",
  schema: TEST_SCHEMA,
  optimize: false,
};

/** Both dialects' cases were written for events with these fields. */
function optionsOf(file: string): CompileOptions {
  return file.startsWith("endgame-") ? { ...OPTIONS, dialect: "endgame", tiebreakerField: null } : OPTIONS;
}

function linesOf(lines: readonly string[]): Pick<EventLines, "read"> {
  return {
    async *read() {
      if (lines.length === 0) return;
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
      yield { bytes, file: "events", firstLine: 1, lineCount: null };
    },
  };
}

/** What a query gives, as a case has it. */
async function answer(text: string, lines: readonly string[], options: CompileOptions): Promise<string> {
  const { rules, diagnostics } = analyseRules([ruleOf("query", text)], options);
  const [compiled] = rules;
  if (compiled === undefined || diagnostics.some(({ severity }) => severity === "error")) return "error";
  const { matches } = await runQuery(compiled, linesOf(lines), {
    ...options,
    onBroken: ({ line, reason }) => assert.unreachable(`line ${line} is broken: ${reason}`),
  });
  return matches.map((match) => shown(match, compiled.typed.kind === "event", lines)).join(" ");
}

function shown({ events, isRecord }: QueryMatch, isEvent: boolean, lines: readonly string[]): string {
  const [first] = events;
  const text = first == null ? null : Buffer.from(first.bytes).toString("utf8");
  if (text !== null && (isRecord || text !== lines[first?.ordinal ?? -1])) return text;
  const ids = events.map((event) => (event === null ? "_" : String(event.ordinal + 1)));
  return isEvent ? ids.join(" ") : `[${ids.join(" ")}]`;
}

const cases = suite("query: semantics");
for (const file of readdirSync(CASES).filter((name) => name.endsWith(".txt"))) {
  cases(file, async () => {
    const open = openTextCases(new URL(file, CASES), SEMANTICS, { decides: false });
    for (const { events, checks } of semanticsCases(open)) {
      for (const { kind, text, expected, expect } of checks) {
        // An expression is no query; the conformance tests ask for it.
        const actual = kind === "expression" ? expected : await answer(text, events, optionsOf(file));
        expect(sorted(actual) === sorted(expected) ? expected : actual);
      }
    }
    open.finish();
  });
}
cases.run();

const limits = suite("query: limit");

limits("the first matches in order are kept, and no more than are needed", () => {
  const { below } = createRandom(7);
  const shared = new ArrayBuffer(1 << 20);
  const events = Array.from(
    { length: 5000 },
    (_, ordinal): EvidenceEvent => ({
      ...{ ordinal, ts: BigInt(below(300)), tie: below(3) === 0 ? null : BigInt(below(3)), lineage: null },
      ...{ bytes: new Uint8Array(shared, ordinal, 10), format: "json", file: "f", fileLine: ordinal + 1 },
    }),
  );
  const sorted = [...events].sort(compareEvents).map(({ ordinal }) => ordinal);
  for (const most of [undefined, 0, 1, 10, 1000, 10_000]) {
    const first = createFirstMatches(most);
    for (const event of events) first.add(event);
    const found = first.finish().map(({ events: [event] }) => event);
    assert.equal(
      found.map((event) => event?.ordinal),
      sorted.slice(0, most),
    );
    if (most === 1) assert.ok(found.every((event) => event?.bytes.buffer.byteLength === 10));
  }
});

limits("is that of the whole answer", async () => {
  const lines = Array.from({ length: 3000 }, (_, at) =>
    JSON.stringify({ "@timestamp": (at * 7919) % 3000, event: { category: "process" }, process: { pid: at % 10 } }),
  );
  const { rules } = analyseRules([ruleOf("query", "process where process.pid != 3")], DEFAULT_OPTIONS);
  const [compiled] = rules;
  if (compiled === undefined) throw new Error("the query has errors");
  const run = async (more: { readonly limit?: number }): Promise<readonly (number | undefined)[]> => {
    const { matches } = await runQuery(compiled, linesOf(lines), {
      ...DEFAULT_OPTIONS,
      ...more,
      onBroken: () => assert.unreachable(),
    });
    return matches.map(({ events: [event] }) => event?.ordinal);
  };
  const all = await run({});
  assert.is(all.length, 2700);
  assert.equal(await run({ limit: 20 }), all.slice(0, 20));
});

limits.run();

/** Sequences that wait for a missing event are reported when it is due, which no case is about. */
function sorted(answered: string): string {
  return answered.includes("_]") ? (answered.match(/\[[^\]]*\]/g) ?? []).sort().join(" ") : answered;
}

const pipes = suite("query: pipes");

pipes("keys are ordered by kind, then by value", () => {
  const order = [
    "null",
    "-1",
    "false",
    "0.5",
    "1",
    "9007199254740993",
    "1e999",
    "d-5",
    "d10",
    '""',
    '"B"',
    '"a"',
    '"é"',
    '"\u{1F600}"',
    "[]",
    "[0]",
    "[0,1]",
    '["a"]',
    '{"a":1}',
  ];
  const shuffled = [...order].reverse().sort(compareKeys);
  assert.equal(shuffled, order);
  assert.is(compareKeys('"a"\nnull', '"a"\n1'), -1);
  assert.is(compareKeys("true", "1"), 0);
});

pipes("null is sorted as the empty value of its column", () => {
  const keys = [
    ["null", "1", "null"],
    ['"x"', "null", "null"],
    ["null", "null", "[1]"],
  ];
  assert.equal(withEmptyValues(keys), [
    ['""', "1", "[]"],
    ['"x"', "0", "[]"],
    ['""', "0", "[1]"],
  ]);
  assert.equal(withEmptyValues([["null"]]), [["null"]]);
  assert.equal(withEmptyValues([]), []);
});

pipes("keys that the dialect holds equal have one identity", () => {
  assert.is(identityOf('"ÄB"\ntrue'), identityOf('"äb"\n1'));
  assert.is(identityOf('{"a":[1]}'), identityOf("null"));
  assert.is(identityOf('[true,{"x":{"y":"}"}},"K"]'), identityOf('[1,null,"k"]'));
  assert.is.not(identityOf('"true"'), identityOf('"1"'));
  assert.is.not(identityOf('"1"'), identityOf("1"));
});

pipes("members are found and replaced as they are written", () => {
  const line = ' { "a" : 1.50 ,"b":{"a":[1,{"c":"},"}]}, "\\u0061":2,"d":[] , "e":"x" } ';
  const members = membersOf(line);
  assert.equal(
    members.map(({ name, value }) => [name, value]),
    [
      ["a", "1.50"],
      ["b", '{"a":[1,{"c":"},"}]}'],
      ["a", "2"],
      ["d", "[]"],
      ["e", '"x"'],
    ],
  );
  assert.is(memberValue(members, "a"), "1.50");
  assert.is(memberValue(members, "c"), null);
  const added = new Map([
    ["e", "3"],
    ["a", "4"],
    ["new", "null"],
  ]);
  assert.is(withMembers(members, added), '{"a":4,"b":{"a":[1,{"c":"},"}]},"d":[],"e":3,"new":null}');
  for (const other of ["{}", "[1]", "1", '{"a":01}', ""]) assert.equal(membersOf(other), []);
  assert.is(withMembers([], new Map([["a", "1"]])), '{"a":1}');
});

pipes("counts add up to what earlier pipes have counted", async () => {
  const lines = ['{"n":"a","hostname":"h"}', '{"n":"A","hostname":7}', '{"n":"b","count":5}', '{"n":"b","count":"5"}'];
  const endgame = optionsOf("endgame-");
  const give = (text: string): Promise<string> => answer(text, lines, endgame);
  assert.is(
    await give("any where true | unique_count n | filter count == 6 | filter percent == 0.75"),
    '{"n":"b","count":6,"percent":0.75}',
  );
  assert.is(
    await give("any where true | unique_count n | unique_count true == (count > 0)"),
    '{"n":"a","hostname":"h","count":8,"percent":1.0,"hosts":["h"],"total_hosts":1}',
  );
  assert.is(await give('any where n == "none" | count n'), "");
  assert.is(await give('any where n == "none" | count'), '{"count":0,"key":"totals"}');
  assert.is(
    await give("any where true | count n | sort key | head 1"),
    '{"count":2,"percent":0.5,"key":"a","hosts":["h"],"total_hosts":1}',
  );
  assert.is(await give("any where true | count hostname, n | tail 1"), '{"count":2,"percent":0.5,"key":[null,"b"]}');
});

pipes("work on sequences, joins and samples, missing events included", async () => {
  const lines = [
    '{"n":"a","k":1,"@timestamp":1}',
    '{"n":"b","k":1,"@timestamp":2}',
    '{"n":"a","k":2,"@timestamp":3}',
    '{"n":"b","k":2,"@timestamp":4}',
  ];
  const give = (text: string): Promise<string> => answer(text, lines, optionsOf("endgame-"));
  assert.is(await give('join by k [any where n == "b"] [any where n == "a"] | filter events[1].k == 2'), "[4 3]");
  assert.is(
    await give('sample by k [any where n == "b"] [any where n == "a"] | filter k == 2 and events[1].n == "a"'),
    "[4 3]",
  );
  assert.is(await give('sample by k [any where n == "b"] [any where n == "a"] | tail 1'), "[4 3]");
  assert.is(
    await give('sequence by k [any where n == "a"] [any where n == "b"] | count n'),
    '{"count":2,"percent":1.0,"key":"a"}',
  );
  assert.is(
    await give(
      'sequence by k with maxspan=1s [any where n == "a"] [any where n == "b"] ![any where n == "c"] | filter k > 1',
    ),
    "[3 4 _]",
  );
});

pipes.run();
