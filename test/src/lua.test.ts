// Generated Lua against the reference interpreter and against Wasm, predicate by predicate: what a rule of one event finds is
// judged by the reference, and every predicate (stages, late tests, what process trees ask) by the compiled module.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { lowerToLua } from "@kestrel/compiler/backend/lua/lower-to-lua";
import { analyseRules, DEFAULT_OPTIONS, planRules } from "@kestrel/compiler/compile";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ELASTIC, ENDGAME, type Setting } from "./generate/compare.js";
import { generateEndgameEvent } from "./generate/endgame-event.js";
import { generateEndgameQuery } from "./generate/endgame-query.js";
import { generateEndgamePipes, generateEndgameSequence, generateEndgameStream } from "./generate/endgame-stream.js";
import { generateEventLine } from "./generate/event.js";
import { generateQuery } from "./generate/query.js";
import { createRandom, type Random } from "./generate/random.js";
import { TEST_SCHEMA } from "./generate/schema.js";
import { generateLineageQuery, generateSample, generateSequence, generateStream } from "./generate/stream.js";
import { readEvent } from "./reference/interpret.js";
import { eventsOf } from "./support/judged-events.js";
import { compareLua } from "./support/lua-against-wasm.js";
import { openLua } from "./support/lua-host.js";
import { repositoryRoot } from "./support/repository.js";
import { ruleOf } from "./support/run-pack.js";
import { sizeOf } from "./support/sizes.js";
import { checksOf, linesOf, openTextCases, sectionOf } from "./support/text-cases.js";

const PAIRS = sizeOf("KESTREL_LUA_PAIRS", 12_000, 100_000);
const SEED = Number(process.env.KESTREL_SEED ?? 1);
const lua = suite("lua");

interface Property {
  readonly name: string;
  readonly setting: Setting;
  readonly share: number;
  readonly make: (random: Random) => { readonly queries: readonly string[]; readonly streams: readonly string[][] };
}

const PROPERTIES: readonly Property[] = [
  {
    name: "elastic conditions",
    setting: ELASTIC,
    share: 0.4,
    make: (random) => ({
      queries: times(100, () => generateQuery(random, TEST_SCHEMA)),
      streams: [times(60, () => generateEventLine(random, TEST_SCHEMA))],
    }),
  },
  {
    name: "endgame conditions",
    setting: ENDGAME,
    share: 0.3,
    make: (random) => ({
      queries: times(100, () => generateEndgameQuery(random)),
      streams: [times(60, () => generateEndgameEvent(random))],
    }),
  },
  {
    name: "elastic terms",
    setting: ELASTIC,
    share: 0.15,
    make: (random) => ({
      queries: times(30, () =>
        random.pick([generateSequence, generateSequence, generateLineageQuery, generateSample])(random),
      ),
      streams: [generateStream(random, { length: 40, disorder: 0 })],
    }),
  },
  {
    name: "endgame terms and pipes",
    setting: ENDGAME,
    share: 0.15,
    make: (random) => ({
      queries: times(30, () =>
        random.chance(0.3)
          ? generateEndgameQuery(random, { lineage: true, depth: 2 })
          : generateEndgameSequence(random, { missing: false }) + generateEndgamePipes(random, true),
      ),
      streams: [generateEndgameStream(random, { length: 40 })],
    }),
  },
];

for (const [place, { name, setting, share, make }] of PROPERTIES.entries()) {
  lua(`${name} agree`, async () => {
    const total = { asked: 0, held: 0, heldLate: 0, lateTests: 0 };
    for (let round = 0; total.asked < PAIRS * share; round++) {
      const random = createRandom(SEED * 1_000_003 + place * 100_000_007 + round);
      const { queries, streams } = make(random);
      const compared = await compareLua(queries, streams, setting, random);
      for (const key of ["asked", "held", "heldLate", "lateTests"] as const) total[key] += compared[key];
    }
    assert.ok(total.held > total.asked / 50, `only ${total.held} of ${total.asked} hold`);
    if (name.includes("terms")) assert.ok(total.lateTests > 10 && total.heldLate > 20, JSON.stringify(total));
  });
}

const AGREEMENT = join(repositoryRoot(), "test/cases/agreement");

for (const file of readdirSync(AGREEMENT).sort()) {
  lua(`cases of ${file}`, async () => {
    const setting = file.startsWith("endgame-") ? ENDGAME : ELASTIC;
    const open = openTextCases(pathToFileURL(join(AGREEMENT, file)), {
      inputs: ["query", "events"],
      expectations: ["judged", "finds"],
    });
    const checks = open.cases.flatMap((one) => checksOf(one, ["query"]).checks);
    for (const { input, rest } of checks) {
      const isJudged = rest.some(({ name }) => name === "judged");
      const lines = isJudged ? eventsOf(sectionOf(rest, "judged")) : linesOf(sectionOf(rest, "events"));
      await compareLua([input.text], [lines], setting, createRandom(1));
    }
  });
}

/** Rules that are larger or deeper than a person writes; Lua has limits of its own, which none may reach. */
const LARGE: Readonly<Record<string, readonly [setting: Setting, query: string, holds: string]>> = {
  "a long list of texts": [
    ELASTIC,
    `any where process.name in (${times(5_000, (at) => `"name ${at}"`).join(", ")})`,
    '{"process":{"name":"name 4999"}}',
  ],
  "many operands": [
    ELASTIC,
    `any where ${times(500, (at) => `process.pid + ${at} == ${7 * at + 3}`).join(" or ")}`,
    '{"process":{"pid":2403}}',
  ],
  "deep brackets": [
    ELASTIC,
    `any where ${times(120, (at) => `process.pid == ${at} or process.parent.pid != ${at} and (`).join("")}process.pid == 7${")".repeat(120)}`,
    '{"process":{"pid":5}}',
  ],
  "a deep expression": [
    ELASTIC,
    `any where ${"(".repeat(200)}process.pid${times(200, (at) => ` + ${at})`).join("")} == 19901`,
    '{"process":{"pid":1}}',
  ],
  "many values joined": [
    ELASTIC,
    `any where concat(${times(250, (at) => (at % 2 === 0 ? "process.name" : '"-"')).join(", ")}) : "a-a-*"`,
    '{"process":{"name":"a"}}',
  ],
  "a deep value of endgame": [
    ENDGAME,
    `any where length(${"concat(".repeat(100)}name${', "x")'.repeat(100)}) == 101`,
    '{"name":"y"}',
  ],
  "many fields of endgame": [
    ENDGAME,
    `any where ${times(300, (at) => `length(field_${at}) == ${at}`).join(" or ")}`,
    '{"field_299":"x","field_1":"y"}',
  ],
  "deep conditions of endgame": [
    ENDGAME,
    `any where (${"not (a == 1 and ".repeat(120)}b == 2${")".repeat(120)}) == true`,
    '{"a":1,"b":2}',
  ],
  "searches inside searches": [
    ENDGAME,
    `any where arraySearch(a, x, arraySearch(x, y, arraySearch(y, z, z == 3 and y[0] == 1)))`,
    '{"a":[[[1,3]]]}',
  ],
};

for (const [name, [setting, query, event]] of Object.entries(LARGE)) {
  lua(`large: ${name}`, async () => {
    const { asked, held } = await compareLua([query], [[event, "{}"]], setting, createRandom(1), false);
    assert.ok(asked > 0 && held > 0, `${held} of ${asked} hold`);
  });
}

/** Events in which a question would try more than it may; behind each, whether it gives up. */
const TIRING: Readonly<Record<string, readonly [setting: Setting, query: string, event: object, givesUp: boolean]>> = {
  "combinations within the limit": [
    ELASTIC,
    "any where process.args == process.name",
    { process: { args: times(200, String), name: [...times(200, (at) => `n${at}`), "199"] } },
    false,
  ],
  "combinations beyond it": [
    ELASTIC,
    "any where process.args == process.name",
    { process: { args: times(300, String), name: [...times(300, (at) => `n${at}`), "299"] } },
    true,
  ],
  "long texts count as more": [
    ELASTIC,
    "any where process.args == process.name",
    { process: { args: ["x".repeat(1 << 20)], name: [...times(100, String), "y"] } },
    true,
  ],
  "searches beyond it": [
    ELASTIC,
    "any where _arraysearch(process.stack, $e, _arraysearch($e.frames, $f, $f.offset == 7))",
    {
      process: {
        stack: [...times(70, () => ({ frames: times(1000, () => ({ offset: 1 })) })), { frames: [{ offset: 7 }] }],
      },
    },
    true,
  ],
  "a search of endgame beyond it": [
    ENDGAME,
    "any where not arraySearch(a, x, arraySearch(x, y, y == 7))",
    { a: times(70, () => times(1000, () => 1)) },
    true,
  ],
  "what decides before a search takes no steps": [
    ENDGAME,
    "any where (b == 1 or arraySearch(a, x, arraySearch(x, y, y == 7))) == true",
    { a: times(70, () => times(1000, () => 1)), b: 1 },
    false,
  ],
};

for (const [name, [setting, query, event, givesUp]] of Object.entries(TIRING)) {
  lua(`limits: ${name}`, async () => {
    const { gaveUp } = await compareLua([query], [[JSON.stringify(event)]], setting, createRandom(1), false);
    assert.is(gaveUp > 0, givesUp);
  });
}

lua("texts of every kind are constants as they are", async () => {
  const texts = [
    '"',
    "\\",
    "]]",
    "--[[",
    "\n",
    "\r",
    "\0" + "1",
    "\u{2028}",
    "\u{202e}abc",
    "\u{feff}",
    "\u{1f600}",
    "\u007f",
    "%d",
    "\\n",
    " ",
  ];
  const all = texts.map((text) => `a${text}b`);
  const query = (text: string): string =>
    `any where process.name == "${[...text].map((one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}}`).join("")}"`;
  const lines = all.map((text) => JSON.stringify({ process: { name: text } }));
  const { held, asked } = await compareLua(all.map(query), [lines], ELASTIC, createRandom(1));
  assert.is(held, all.length);
  assert.is(asked, all.length * all.length);
});

lua("what a rule says of itself stays in comments, and the same rules give the same files", async () => {
  const options = { ...DEFAULT_OPTIONS, schema: TEST_SCHEMA };
  const query =
    'any where process.name : "*\\u{0a}os.exit()*" // \u2028 os.exit()\n/* ]]\ros.exit() */ and process.pid > 1';
  const { rules } = analyseRules([ruleOf("q", query)], options);
  assert.is(rules.length, 1);
  const ir = planRules(rules, options);
  const named = [{ id: "x\nos.exit()", name: "]]\r\nos.exit() --[[\u2028os.exit()", query }];
  const files = lowerToLua(ir, named);
  assert.equal(files, lowerToLua(planRules(rules, options), named));
  const [first] = files;
  if (first === undefined) throw new Error("there is one predicate");
  for (const line of first.text.split(/[\n\r]/)) assert.ok(!/^\s*(os|\]\])/.test(line), line);
  // Loading it runs it: a comment that ended early would not compile, or would call what is not there.
  assert.is(
    (await openLua(files, ELASTIC.reference)).holds(0, {
      event: readEvent('{"process":{"pid":2}}', ELASTIC.reference),
    }),
    false,
  );
});

lua.run();

function times<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}
