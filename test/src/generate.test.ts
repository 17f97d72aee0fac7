// The generators: what they make is valid, the same for the same seed, and varied enough to be worth running.

import type { Query } from "@kestrel/compiler/syntax/ast";
import { parseQuery } from "@kestrel/compiler/syntax/parse";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { generateEventLine } from "./generate/event.js";
import { generateQuery } from "./generate/query.js";
import { createRandom } from "./generate/random.js";
import { TEST_SCHEMA } from "./generate/schema.js";
import { generateSample, generateSequence, generateStream } from "./generate/stream.js";
import { interpret, type RefEvent, readEvents } from "./reference/interpret.js";

const OPTIONS = { schema: TEST_SCHEMA };
const test = suite("generators");

test("the same seed gives the same queries and events", () => {
  const make = (): string[] => {
    const random = createRandom(7);
    const query = generateQuery(random, TEST_SCHEMA);
    return [query, generateEventLine(random, TEST_SCHEMA), generateSequence(random), ...generateStream(random)];
  };
  assert.equal(make(), make());
});

test("conditions parse, are interpreted, and tell events apart", () => {
  const random = createRandom(1);
  const events = readEvents(
    Array.from({ length: 60 }, () => generateEventLine(random, TEST_SCHEMA)),
    OPTIONS,
  );
  for (const event of events) JSON.parse(event.line);
  let telling = 0;
  const count = 400;
  for (let i = 0; i < count; i++) {
    const query = parse(generateQuery(random, TEST_SCHEMA));
    const result = interpret(query, events, OPTIONS);
    if (result.kind === "events" && result.events.length > 0 && result.events.length < events.length) telling++;
  }
  assert.ok(telling > count / 2, `${telling} of ${count} conditions match some events and not others`);
});

test("sequences and samples parse, are interpreted, and match", () => {
  const random = createRandom(2);
  let matching = 0;
  const count = 200;
  for (let i = 0; i < count; i++) {
    const query = parse(i % 10 === 0 ? generateSample(random) : generateSequence(random));
    const events: RefEvent[] = readEvents(generateStream(random, { disorder: i % 3 }), OPTIONS);
    const result = interpret(query, events, OPTIONS);
    if (result.kind === "sequences" && result.sequences.length > 0) matching++;
  }
  assert.ok(matching > count / 4, `${matching} of ${count} match`);
});

test("what is left out does not come up", () => {
  const random = createRandom(3);
  const without = ["functions", "regex", "addresses", "versions", "dates", "optional", "objects"] as const;
  for (let i = 0; i < 300; i++) {
    const query = generateQuery(random, TEST_SCHEMA, { without });
    assert.not.match(query, /regex|concat\(|length\(|cidrMatch|package\.version (<|in)|\?(process|no)\./);
    parse(query);
  }
});

test.run();

function parse(text: string): Query {
  const { query, problems } = parseQuery(text, { dialect: "elastic" });
  if (query === null || problems.some((problem) => problem.severity === "error")) {
    throw new Error(`${text}\n${JSON.stringify(problems)}`);
  }
  return query;
}
