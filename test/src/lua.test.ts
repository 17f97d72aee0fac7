// Generated Lua against the reference interpreter and against Wasm, predicate by predicate: what a rule of one event finds is
// judged by the reference, and every predicate (stages, late tests, what process trees ask) by the compiled module.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
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
import { eventsOf } from "./support/judged-events.js";
import { compareLua } from "./support/lua-against-wasm.js";
import { repositoryRoot } from "./support/repository.js";
import { sizeOf } from "./support/sizes.js";
import { checksOf, linesOf, openTextCases, sectionOf } from "./support/text-cases.js";

const PAIRS = sizeOf("KESTREL_LUA_PAIRS", 30_000, 150_000);
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

lua.run();

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
