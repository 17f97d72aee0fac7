// Property tests: random typed queries over random events mean the same in the reference interpreter and in Wasm.
// 200,000 pairs of a query and an event by default; `KESTREL_PAIRS=5000000 npm test` runs longer, and `KESTREL_SEED=n`
// starts elsewhere. A failure prints the seed, the query and the event.

import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { parseQuery } from "@kestrel/compiler/syntax/parse";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { generateEventLine } from "./generate/event.js";
import { generateQuery } from "./generate/query.js";
import { createRandom } from "./generate/random.js";
import { TEST_SCHEMA } from "./generate/schema.js";
import { generateSample, generateSequence, generateStream } from "./generate/stream.js";
import { interpret, matches, readEvents } from "./reference/interpret.js";
import { compileForTest, ruleOf, runLines } from "./support/run-pack.js";

const PAIRS = Number(process.env.KESTREL_PAIRS ?? 200_000);
const SEED = Number(process.env.KESTREL_SEED ?? 1);
const OPTIONS = { ...DEFAULT_OPTIONS, schema: TEST_SCHEMA };
const REFERENCE = { schema: TEST_SCHEMA };
const EVENTS = 250;
const QUERIES = 40;

const differential = suite("differential");

function parsed(text: string) {
  const { query, problems } = parseQuery(text, { dialect: "elastic" });
  if (query === null) throw new Error(`${text}: ${problems.map((problem) => problem.message).join("; ")}`);
  return query;
}

differential(`conditions agree on ${PAIRS} pairs`, async () => {
  let pairs = 0;
  let compiled = 0;
  let refused = 0;
  let matched = 0;
  const reasons = new Map<string, number>();
  for (let round = 0; pairs < PAIRS; round++) {
    const seed = SEED * 1_000_003 + round;
    const random = createRandom(seed);
    const rules = Array.from({ length: QUERIES }, (_, i) => ruleOf(`q${i}`, generateQuery(random, TEST_SCHEMA)));
    const lines = Array.from({ length: EVENTS }, () => generateEventLine(random, TEST_SCHEMA));
    const under = await compileForTest(rules, OPTIONS);
    for (const d of under.diagnostics) reasons.set(d.message, (reasons.get(d.message) ?? 0) + 1);
    compiled += under.rules.length;
    refused += rules.length - under.rules.length;
    const events = readEvents(lines, REFERENCE);
    const found = runLines(under.pack, Buffer.from(`${lines.join("\n")}\n`));
    for (const [index, { rule, query }] of under.rules.entries()) {
      if (query.body.kind !== "event") continue;
      const got = new Set(found.byRule[index]?.map(([ordinal]) => ordinal));
      for (const event of events) {
        const expected = matches(query.body, event, REFERENCE);
        pairs++;
        if (expected) matched++;
        if (expected !== got.has(event.ordinal)) {
          assert.unreachable(
            `seed ${seed}\n${rule.query}\n${event.line}\nreference: ${expected}, Wasm: ${got.has(event.ordinal)}`,
          );
        }
      }
    }
  }
  assert.ok(matched > pairs / 20, `only ${matched} of ${pairs} pairs match`);
  assert.ok(
    compiled > 3 * refused,
    `only ${compiled} of ${compiled + refused} queries compile: ${JSON.stringify([...reasons])}`,
  );
});

differential("sequences and samples agree", async () => {
  const streams = Math.ceil(PAIRS / 1_000);
  let completions = 0;
  for (let round = 0; round < streams; round++) {
    const seed = SEED * 7_000_003 + round;
    const random = createRandom(seed);
    const rules = Array.from({ length: 10 }, (_, i) =>
      ruleOf(`s${i}`, generateSequence(random).replace(/\n\|[^|]*$/, "")),
    );
    const lines = generateStream(random, { length: 60, disorder: random.pick([0, 0, 5]) });
    const under = await compileForTest(rules, OPTIONS);
    assert.equal(
      under.diagnostics.filter((d) => d.severity === "error"),
      [],
    );
    const events = readEvents(lines, REFERENCE);
    const found = runLines(under.pack, Buffer.from(`${lines.join("\n")}\n`));
    for (const [index, { rule }] of under.rules.entries()) {
      const result = interpret(parsed(rule.query), events, REFERENCE);
      if (result.kind !== "sequences") continue;
      const expected = result.sequences.map((s) => s.events.map((event) => event?.ordinal ?? -1).join(" ")).sort();
      const got = (found.byRule[index] ?? []).map((ordinals) => ordinals.join(" ")).sort();
      completions += expected.length;
      if (JSON.stringify(expected) !== JSON.stringify(got)) {
        assert.unreachable(
          `seed ${seed}\n${rule.query}\n${lines.join("\n")}\nreference: ${expected.join(" | ")}\nWasm: ${got.join(" | ")}`,
        );
      }
    }
  }
  assert.ok(completions > streams, `only ${completions} completions in ${streams} streams`);
});

differential("samples find the same keys", async () => {
  let keys = 0;
  for (let round = 0; round < 100; round++) {
    const seed = SEED * 11_000_003 + round;
    const random = createRandom(seed);
    const rules = Array.from({ length: 5 }, (_, i) =>
      ruleOf(`s${i}`, generateSample(random).replace(/\n\|[^|]*$/, "")),
    );
    const lines = generateStream(random, { length: 40 });
    const under = await compileForTest(rules, OPTIONS);
    const events = readEvents(lines, REFERENCE);
    const found = runLines(under.pack, Buffer.from(`${lines.join("\n")}\n`), { sampleWindowNs: 1n << 62n });
    for (const [index, { rule }] of under.rules.entries()) {
      const result = interpret(parsed(rule.query), events, REFERENCE);
      if (result.kind !== "sequences") continue;
      keys += result.sequences.length;
      assert.is(
        found.byRule[index]?.length,
        result.sequences.length,
        `seed ${seed}\n${rule.query}\n${lines.join("\n")}`,
      );
    }
  }
  assert.ok(keys > 50, `only ${keys} keys`);
});

differential.run();
