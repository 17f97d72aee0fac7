// The generators: what they make is valid, the same for the same seed, and varied enough to be worth running.

import type { Dialect, Query } from "@kestrel/compiler/syntax/ast";
import { parseQuery } from "@kestrel/compiler/syntax/parse";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ELASTIC, prepare, type Setting } from "./generate/compare.js";
import { countConstructs } from "./generate/coverage.js";
import { generateEndgameEvent } from "./generate/endgame-event.js";
import { generateEndgameQuery } from "./generate/endgame-query.js";
import { generateEndgamePipes, generateEndgameSequence, generateEndgameStream } from "./generate/endgame-stream.js";
import { generateEventLine } from "./generate/event.js";
import { generateQuery } from "./generate/query.js";
import { createRandom, type Random } from "./generate/random.js";
import { TEST_SCHEMA } from "./generate/schema.js";
import { shrink, writeCase } from "./generate/shrink.js";
import { generateLineageQuery, generateSample, generateSequence, generateStream } from "./generate/stream.js";
import { interpret, type RefEvent, readEvents } from "./reference/interpret.js";

const OPTIONS = { schema: TEST_SCHEMA };
const test = suite("generators");

test("the same seed gives the same queries and events", () => {
  const make = (): string[] => {
    const random = createRandom(7);
    const query = generateQuery(random, TEST_SCHEMA);
    return [
      query,
      generateEventLine(random, TEST_SCHEMA),
      generateSequence(random),
      generateLineageQuery(random),
      ...generateStream(random),
      generateEndgameQuery(random),
      generateEndgameEvent(random),
      generateEndgameSequence(random),
      ...generateEndgameStream(random),
    ];
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

const OPERATORS = ["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"];
const NULLS = ["null left", "null right", "null both", "null neither"];
const SIDES = ["equals", "order", "arithmetic"].flatMap((group) =>
  ["field", "literal", "computed"].flatMap((left) =>
    ["field", "literal", "computed"].map((right) => `${left} ${group} ${right}`),
  ),
);

/** What must come up in 6,000 conditions of each dialect, and in 1,500 queries of several terms. */
const WANTED = {
  elastic: [
    ...OPERATORS.flatMap((op) => NULLS.map((nulls) => `${op} ${nulls}`)),
    ...SIDES.filter((side) => side !== "literal arithmetic literal"),
    ..."and or not boolean".split(" "),
    ..."sign -,sign +,?field,$v,$v.field,string,integer,float,null".split(","),
    ...": like like~ regex regex~ in in~".split(" ").flatMap((op) => [op, `${op} list`]),
    ..."not in,not in~,null in,in (null),in~ (null),in (computed),in~ (computed)".split(","),
    ..."add subtract multiply divide modulo between between~ cidrMatch concat endsWith endsWith~ indexOf indexOf~".split(
      " ",
    ),
    ..."length number startsWith STARTSWITH startsWith~ string stringContains stringContains~ substring".split(" "),
    ..."wildcard wildcard~ _arraysearch".split(" "),
    ..."between/3 between/4 indexOf/2 indexOf/3 substring/2 substring/3 number/1 number/2 concat/1 concat/4".split(" "),
    ..."add(null) concat(null) substring(null) startsWith(null) number(null) indexOf(null) between(null)".split(" "),
  ],
  endgame: [
    ...OPERATORS.flatMap((op) => NULLS.map((nulls) => `${op} ${nulls}`)),
    ...SIDES.filter((side) => side !== "literal arithmetic literal"),
    ..."and or not in index string integer float boolean null".split(" "),
    ..."sign -,sign +,not in,in list,in (null),in (computed)".split(","),
    ..."add subtract multiply divide modulo arrayContains arrayCount arraySearch between cidrMatch concat".split(" "),
    ..."endsWith indexOf length match matchLite number safe startsWith string stringContains substring wildcard".split(
      " ",
    ),
    ..."between/3 between/4 indexOf/2 indexOf/3 substring/2 substring/3 number/1 number/2 concat/1 concat/3".split(" "),
    ..."indexOf(null) substring(null) startsWith(null) add(null)".split(" "),
    ...":length :startsWith :endsWith :concat :substring :wildcard :match :cidrMatch :number :arrayContains".split(" "),
  ],
  "elastic terms": [
    ..."sequence,sample,maxspan,until,missing term,runs,alias,term by,by 1,by 2,optional key,field key".split(","),
    ..."descendant of,child of,event of,_arraysearch,| head,| tail".split(","),
  ],
  "endgame terms": [
    ..."sequence,join,sample,maxspan,until,missing term,fork,term by,by 1,by 2,field key,computed key".split(","),
    ..."descendant of,child of,event of,| head,| tail,| sort,| count,| unique,| unique_count,| filter,index".split(","),
  ],
} as const;

const MAKE: Readonly<Record<keyof typeof WANTED, readonly [count: number, make: (random: Random) => string]>> = {
  elastic: [6_000, (random) => generateQuery(random, TEST_SCHEMA)],
  endgame: [6_000, (random) => generateEndgameQuery(random)],
  "elastic terms": [
    1_500,
    (random) =>
      random.chance(0.2)
        ? generateLineageQuery(random)
        : random.chance(0.1)
          ? generateSample(random)
          : generateSequence(random),
  ],
  "endgame terms": [
    1_500,
    (random) => generateEndgameSequence(random) + generateEndgamePipes(random, true, { all: true }),
  ],
};

for (const kind of Object.keys(WANTED) as (keyof typeof WANTED)[]) {
  test(`every construct comes up: ${kind}`, () => {
    const random = createRandom(11);
    const counts = new Map<string, number>();
    const [count, make] = MAKE[kind];
    for (let i = 0; i < count; i++)
      countConstructs(parse(make(random), kind.startsWith("endgame") ? "endgame" : "elastic"), counts);
    assert.equal(
      WANTED[kind].filter((construct) => (counts.get(construct) ?? 0) < 3),
      [],
    );
  });
}

test("comparisons of two fields meet events that have both, either and neither", () => {
  const random = createRandom(12);
  const events = readEvents(
    Array.from({ length: 40 }, () => generateEventLine(random, TEST_SCHEMA)),
    OPTIONS,
  );
  const met = new Map<string, number>();
  for (let i = 0; i < 1_000; i++) {
    const { body } = parse(generateQuery(random, TEST_SCHEMA, { depth: 0 }));
    const condition = body.kind === "event" ? body.condition : null;
    if (condition?.kind !== "binary" || condition.left.kind !== "field" || condition.right.kind !== "field") continue;
    const [left, right] = [condition.left.path.join("."), condition.right.path.join(".")];
    for (const { fields } of events) {
      const both = `${fields.has(left)} ${fields.has(right)}`;
      met.set(both, (met.get(both) ?? 0) + 1);
    }
  }
  for (const both of ["true true", "true false", "false true", "false false"])
    assert.ok((met.get(both) ?? 0) > 100, `${both}: ${met.get(both)}`);
});

test("the smallest case is found, and written as a block", async () => {
  // What disagrees is made up: the reference is told another schema than the compiler.
  const fields = new Map(
    [...TEST_SCHEMA.fields].map(([name, field]) => [
      name,
      { ...field, type: name === "user.name" ? ("long" as const) : field.type },
    ]),
  );
  const setting: Setting = { ...ELASTIC, reference: { schema: { fields } } };
  const query =
    'any where (process.pid > 0 or process.name : "a*") and not (user.name == "x" and process.exit_code == null)';
  const lines = ['{"process": {"pid": 1}}', '{"process.pid": 2, "user": {"name": "x"}, "process.args": ["a"]}', "{}"];
  const [found] = (await prepare([query], setting)).over(lines).disagreements;
  assert.ok(found !== undefined);
  if (found === undefined) return;
  assert.equal(writeCase(await shrink(found, setting), setting).split("\n"), [
    "// elastic, plain: finds 0",
    "// and not nothing",
    'query: any where user.name == "x"',
    'judged: - {"user": {"name": "x"}}',
  ]);
});

test.run();

function parse(text: string, dialect: Dialect = "elastic"): Query {
  const { query, problems } = parseQuery(text, { dialect });
  if (query === null || problems.some((problem) => problem.severity === "error")) {
    throw new Error(`${text}\n${JSON.stringify(problems)}`);
  }
  return query;
}
