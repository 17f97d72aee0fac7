// Types guessed from a sample: whatever comes behind it, either the run ends in doubt, or all events give the same types.

import { analyseRules, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { conditionOfDoubt, watchSchema } from "@kestrel/compiler/query/guess-schema";
import { createInference, inferredSchema } from "@kestrel/compiler/query/infer-schema";
import { DoubtError, runQuery } from "@kestrel/compiler/query/run-query";
import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom, type Random } from "./generate/random.js";
import { ruleOf } from "./support/run-pack.js";

const guessing = suite("guessed fields");

/** Names of every type that ECS has, and of none; two below one another. */
const FIELDS: readonly string[] = [
  ...["process.name", "process.pid", "process.exit_code", "source.ip", "event.start", "process.thread.capabilities"],
  ...["own.a", "own.b", "own.b.c", "timestamp", "event.sequence", "process.Ext.token", "winlog.event_data.Own"],
];

const VALUES: readonly string[] = [
  ...['"text"', '"7"', '"true"', '"1.5"', '"2024-01-01T00:00:00Z"', '"10.0.0.1"', '""', "7", "0", "-3", "1.5", "1.0"],
  ...["1e3", "-0.5E-2", "9223372036854775807", "9223372036854775808", "123456789012345678901", "true", "false", "null"],
  ...[
    "[]",
    "{}",
    "[7]",
    '["a",7]',
    '[["a"]]',
    "[1.5,true]",
    '{"z":1}',
    '[{"z":1}]',
    '{"c":"x"}',
    '[{"c":7},{"c":"e"}]',
    '{"c":true}',
  ],
];

/** One event with some of the fields, written nested, dotted or both; some twice. */
function eventOf(random: Random, names: readonly string[], values: readonly string[]): string {
  const members = names.map((name) => {
    const value = random.pick(values);
    const [first = "", ...rest] = name.split(".");
    if (rest.length === 0 || random.chance(0.4)) return `${JSON.stringify(name)}:${value}`;
    const below = `{${JSON.stringify(rest.join("."))}:${value}}`;
    return `${JSON.stringify(first)}: ${random.chance(0.2) ? `[${below}]` : below}`;
  });
  return `{"@timestamp":"2024-01-01T00:00:00Z","event.category":"process"${members.map((member) => `,${member}`).join("")}}`;
}

async function runGuessed(
  name: string,
  sample: readonly string[],
  rest: readonly string[],
): Promise<"unsure" | "doubt" | "same"> {
  const learn = (lines: readonly string[]): ReturnType<typeof createInference> => {
    const inference = createInference();
    for (const line of lines) inference.add(line);
    return inference;
  };
  const known = defaultSchema();
  const few = learn(sample);
  const guessed = inferredSchema(few, known, new Map());
  const schema = watchSchema(guessed);
  const options = { ...DEFAULT_OPTIONS, schema, tiebreakerField: null, optimize: false };
  const [compiled] = analyseRules([ruleOf("query", `any where ${name} == null`)], options).rules;
  if (compiled === undefined) return "unsure";
  assert.ok(schema.asked.has(name));
  const doubt = conditionOfDoubt([name], few, known, guessed);
  if (doubt === null) return "unsure";
  const bytes = Buffer.from([...sample, ...rest].map((line) => `${line}\n`).join(""));
  const lines = {
    async *read() {
      yield { bytes, file: "events", firstLine: 1, lineCount: null };
    },
  };
  try {
    await runQuery(compiled, lines, { ...options, ...(doubt === true ? {} : { doubt }), onBroken: () => undefined });
  } catch (error) {
    if (error instanceof DoubtError) return "doubt";
    throw error;
  }
  const all = inferredSchema(learn([...sample, ...rest]), known, new Map());
  assert.is(all.fields.get(name)?.type, guessed.fields.get(name)?.type, `${name}: ${bytes.toString("utf8")}`);
  return "same";
}

guessing("hold for all events, or are doubted", async () => {
  const seen = { unsure: 0, doubt: 0, same: 0 };
  for (let seed = 0; seed < 150; seed++) {
    const random = createRandom(seed);
    const name = random.pick(FIELDS);
    // Few kinds in the sample, so that it seems to say something; anything behind it, or once more the same.
    const values = Array.from({ length: 1 + (seed % 3) }, () => random.pick(VALUES));
    const others = random.chance(0.5) ? values : VALUES;
    const sample = Array.from({ length: 2 }, () => eventOf(random, random.chance(0.8) ? [name] : [], values));
    const rest = Array.from({ length: 3 }, () => eventOf(random, [name, random.pick(FIELDS)], others));
    seen[await runGuessed(name, sample, rest)]++;
  }
  // Each way is gone often enough to say something.
  for (const count of Object.values(seen)) assert.ok(count >= 3, JSON.stringify(seen));
});

guessing("doubt what would be read as the guessed type but was learnt as another", async () => {
  const event = (value: string): string => `{"own.a":${value}}`;
  const rest: readonly (readonly [string, string])[] = [
    ...([
      ["7", '"8"'],
      ["7", "1.5"],
      ["7", "true"],
      ["7", "9223372036854775808"],
      ["7", "[1,2.5]"],
    ] as const),
    ...([
      ["1.5", '"8"'],
      ["true", '"true"'],
      ["{}", "1"],
      ["7", '[[["x"]]]'],
    ] as const),
  ];
  for (const [first, later] of rest) {
    assert.is(await runGuessed("own.a", [event(first)], [event(first), event(later)]), "doubt", `${first}, ${later}`);
    assert.is(await runGuessed("own.a", [event(first)], [event(first), event("null")]), "same", first);
  }
  assert.is(await runGuessed("own.a", [event('"x"')], [event("1"), event("[true,{}]")]), "same");
  assert.is(await runGuessed("own.a", [event("null")], [event("1")]), "unsure");
  assert.is(await runGuessed("source.ip", [event("1")], ['{"source":[{"ip":7}]}']), "doubt");
  assert.is(await runGuessed("source.ip", [event("1")], ['{"source":[{"ip":"::1"}]}']), "same");
});

guessing.run();
