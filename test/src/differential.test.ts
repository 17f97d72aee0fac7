// Property tests: random queries over random events mean the same in the reference interpreter and in Wasm, optimised and
// not, in both dialects: the same events, join keys and order. `KESTREL_PAIRS` counts pairs of a condition and an event, 60,000
// by default and 200,000 in the long form; `KESTREL_SEQUENCES` pairs of a query with state (sequence, sample, join, lineage,
// pipes) and a stream, 600 by default and 2,000 in the long form; `KESTREL_SEED=n` starts elsewhere. A failure prints the smallest case that could be found, as a case for test/cases/agreement.
//
// Measured, in seconds of one core: 250 elastic conditions take 1.4 to compile optimised, 0.5 not optimised, and 0.4 to be
// asked about 150 events on both sides; 60 sequences 0.4, 0.2 and, for each stream of 50 events, 0.2. So a condition sees 150
// events and a sequence four streams: more of either would cost little and find little.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ELASTIC, ENDGAME, prepare, type Setting } from "./generate/compare.js";
import { generateEndgameEvent } from "./generate/endgame-event.js";
import { generateEndgameQuery } from "./generate/endgame-query.js";
import { generateEndgamePipes, generateEndgameSequence, generateEndgameStream } from "./generate/endgame-stream.js";
import { generateEventLine } from "./generate/event.js";
import { generateQuery } from "./generate/query.js";
import { createRandom, type Random } from "./generate/random.js";
import { TEST_SCHEMA } from "./generate/schema.js";
import { shrink, writeCase } from "./generate/shrink.js";
import { generateLineageQuery, generateSample, generateSequence, generateStream } from "./generate/stream.js";
import { askReference, askWholeFile } from "./generate/whole-query.js";
import { sizeOf } from "./support/sizes.js";

const PAIRS = sizeOf("KESTREL_PAIRS", 60_000, 200_000);
const SEQUENCES = sizeOf("KESTREL_SEQUENCES", 600, 2_000);
const SEED = Number(process.env.KESTREL_SEED ?? 1);

const differential = suite("differential");

interface Property {
  readonly name: string;
  readonly setting: Setting;
  /** What is counted, and how much of it there is to do. */
  readonly counts: "pairs" | "streams";
  readonly total: number;
  readonly make: (random: Random) => { readonly queries: readonly string[]; readonly streams: readonly string[][] };
  /** How many results there are at least for each that is counted: a property that never matches tests nothing. */
  readonly results: number;
}

const PROPERTIES: readonly Property[] = [
  {
    name: "elastic conditions",
    setting: ELASTIC,
    counts: "pairs",
    total: PAIRS * 0.6,
    make: (random) => ({
      // Large packs share atoms and fill the index; small ones have tables of one.
      queries: times(random.pick([250, 250, 250, 12]), () => generateQuery(random, TEST_SCHEMA)),
      streams: [times(150, () => generateEventLine(random, TEST_SCHEMA))],
    }),
    results: 0.05,
  },
  {
    name: "endgame conditions",
    setting: ENDGAME,
    counts: "pairs",
    total: PAIRS * 0.4,
    make: (random) => ({
      queries: times(random.pick([150, 150, 150, 8]), () => generateEndgameQuery(random)),
      streams: [times(150, () => generateEndgameEvent(random))],
    }),
    results: 0.05,
  },
  {
    name: "elastic sequences and samples",
    setting: ELASTIC,
    counts: "streams",
    total: SEQUENCES * 0.45,
    make: (random) => ({
      queries: times(60, () => withoutPipes(random.chance(0.1) ? generateSample(random) : generateSequence(random))),
      streams: times(4, () => generateStream(random, { length: 50, disorder: random.pick([0, 0, 5]) })),
    }),
    results: 0.5,
  },
  {
    name: "elastic lineage",
    setting: ELASTIC,
    counts: "streams",
    total: SEQUENCES * 0.15,
    make: (random) => ({
      queries: times(40, () => generateLineageQuery(random)),
      streams: times(4, () => generateStream(random, { length: 50, disorder: random.pick([0, 0, 5]) })),
    }),
    results: 0.5,
  },
  {
    name: "endgame sequences, joins, samples and lineage",
    setting: ENDGAME,
    counts: "streams",
    total: SEQUENCES * 0.3,
    make: (random) => {
      // Where time runs back, what is missing is not defined.
      const backwards = random.chance(0.3);
      return {
        queries: times(60, () =>
          random.chance(0.15)
            ? generateEndgameQuery(random, { lineage: true, depth: 2 })
            : generateEndgameSequence(random, { missing: !backwards }),
        ),
        streams: times(4, () => generateEndgameStream(random, { length: 50, backwards })),
      };
    },
    results: 0.5,
  },
  {
    name: "endgame pipes",
    setting: ENDGAME,
    counts: "streams",
    total: SEQUENCES * 0.1,
    make: (random) => ({
      queries: times(30, () => {
        const several = random.chance(0.5);
        // What waits for a missing event comes out later than where the reference has it, and pipes see the order.
        const query = several
          ? generateEndgameSequence(random, { missing: false })
          : generateEndgameQuery(random, { depth: 1 });
        return several && query.startsWith("sample") ? query : query + generateEndgamePipes(random, several);
      }),
      streams: times(4, () => generateEndgameStream(random, { length: 60 })),
    }),
    results: 0.3,
  },
];

for (const [place, property] of PROPERTIES.entries()) {
  const { name, setting, counts, total, make } = property;
  differential(`${name} agree on ${total} ${counts}`, async () => {
    let done = 0;
    let results = 0;
    let compiled = 0;
    const refused = new Map<string, number>();
    for (let round = 0; done < total; round++) {
      const seed = SEED * 1_000_003 + place * 100_000_007 + round;
      const { queries, streams } = make(createRandom(seed));
      const prepared = await prepare(queries, setting);
      for (const lines of streams) {
        const compared = prepared.over(lines);
        const [first] = compared.disagreements;
        if (first !== undefined) {
          const smallest = await shrink(first, setting);
          assert.unreachable(
            `${compared.disagreements.length} disagreements, seed ${seed}\n\n${writeCase(smallest, setting)}\n`,
          );
        }
        done += counts === "pairs" ? compared.pairs : prepared.compiled;
        results += compared.results;
      }
      for (const [reason, count] of prepared.refused) refused.set(reason, (refused.get(reason) ?? 0) + count);
      compiled += prepared.compiled;
    }
    const out = [...refused.values()].reduce((sum, count) => sum + count, 0);
    assert.ok(
      out <= compiled / 50,
      `${out} of ${compiled + out} queries do not compile: ${JSON.stringify([...refused])}`,
    );
    assert.ok(results >= total * property.results, `only ${results} results in ${done} ${counts}`);
  });
}

/** Fewer would not show that anything is found. */
const WHOLE_FILES = Math.max(SEQUENCES * 0.05, 100);

differential(`all pipes agree over whole files on ${WHOLE_FILES} queries`, async () => {
  let rows = 0;
  let compiled = 0;
  for (let round = 0; compiled < WHOLE_FILES; round++) {
    const seed = SEED * 1_000_003 + 900_000_007 + round;
    const random = createRandom(seed);
    const elastic = random.chance(0.2);
    const setting = elastic ? ELASTIC : ENDGAME;
    const several = random.chance(0.4);
    const query = elastic
      ? `${withoutPipes(generateSequence(random))}\n| ${random.pick(["head", "tail"])} ${1 + random.below(4)}`
      : `${several ? generateEndgameSequence(random, { missing: false }) : generateEndgameQuery(random, { depth: 1 })}${generateEndgamePipes(random, several, { all: true })}`;
    const lines = elastic ? generateStream(random) : generateEndgameStream(random);
    const found = await askWholeFile(query, lines, setting);
    if (found === null) continue;
    const expected = askReference(query, lines, setting);
    assert.equal(found, expected, `seed ${seed}\n${query}\n${lines.join("\n")}`);
    rows += expected.length;
    compiled++;
  }
  assert.ok(rows >= Math.floor(compiled / 4), `only ${rows} rows of ${compiled} queries`);
});

differential.run();

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

/** `head` and `tail` look at the order in which a stream completes, which the missing events of others can change. */
function withoutPipes(query: string): string {
  return query.replace(/\n\|[^|\n]*$/, "");
}
