// Random packs over random streams of hosts whose clocks are wrong and whose events come late, as kestrel-run judges them when nobody
// says anything: files, which are sorted as a whole, and pipes, whose events wait for the usual lateness by the clock of the stream.
//
// Where the events of a key come in order, or late by less than they may, both give what the reference gives over that key's own
// events, sorted: the same events, stage by stage. What may differ is the order of the alerts, and which events a sample shows.
//
// `KESTREL_UNRULY` counts pairs of a pack and a stream: 200 by default, 300 in the long form. `KESTREL_SEED=n` starts elsewhere.

import { type AnalysedRule, analyseRules, type CompileOptions, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { USUAL_LATENESS_NS } from "@kestrel/runtime/cli/replay";
import { createDetector, type DetectorCounters, type DetectorOptions } from "@kestrel/runtime/engine/detector";
import type { Package } from "@kestrel/runtime/load/load-package";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom, type Random } from "./generate/random.js";
import { TEST_SCHEMA } from "./generate/schema.js";
import { generateSample, generateSequence } from "./generate/stream.js";
import { generateUnrulyStream, type UnrulyOptions, type UnrulyStream } from "./generate/unruly-stream.js";
import { interpret, type RefEvent, readEvents } from "./reference/interpret.js";
import { expectedDetections, foundDetections } from "./support/detections.js";
import { lowerForTest, ruleOf } from "./support/run-pack.js";
import { sizeOf } from "./support/sizes.js";

const STREAMS = sizeOf("KESTREL_UNRULY", 200, 300);
const SEED = Number(process.env.KESTREL_SEED ?? 1);

/** What kestrel-run says when its command line says nothing; `--idle` apart, which is no function of the input. */
const PIPE: Pick<DetectorOptions, "latenessNs"> = { latenessNs: USUAL_LATENESS_NS };
const FILES: Pick<DetectorOptions, "latenessNs"> = { latenessNs: null };

const REFERENCE = { schema: TEST_SCHEMA, sampleWindowNs: 3_600_000_000_000n };
const COMPILE: CompileOptions = { ...DEFAULT_OPTIONS, schema: TEST_SCHEMA, optimize: false };

interface Property {
  readonly name: string;
  /** Whether every key is of one host. */
  readonly byHost: boolean;
  readonly stream: UnrulyOptions;
}

// An event that is far ahead moves the clock by a quarter of the lateness. Three clocks, each ahead of the one before, leave half of it.
const PROPERTIES: readonly Property[] = [
  {
    name: "hosts with wrong clocks, their own events in order",
    byHost: true,
    stream: { length: 30, wrongClocks: "some", latestMs: 10_000, overtake: false },
  },
  {
    name: "hosts with wrong clocks, their own events a little out of order",
    byHost: true,
    stream: { length: 30, wrongClocks: "some", latestMs: 6_000, overtake: true },
  },
  {
    name: "hosts with right clocks, events of all keys late by less than the lateness",
    byHost: false,
    stream: { length: 40, wrongClocks: "none", latestMs: 55_000, overtake: true },
  },
  {
    name: "hosts with wrong clocks for so long that time is taken back",
    byHost: true,
    stream: { length: 400, wrongClocks: "all", latestMs: 3_000, overtake: false },
  },
];

interface Judged {
  /** By rule, sorted. */
  readonly rows: readonly (readonly string[])[];
  readonly counters: DetectorCounters;
  /** How many were there before the end of the stream. */
  readonly early: number;
}

const lateness = suite("lateness");

for (const [place, { name, byHost, stream: options }] of PROPERTIES.entries()) {
  // Long streams take the reference long.
  const isLong = options.length > 100;
  const total = isLong ? Math.ceil(STREAMS / 100) : STREAMS / 4;
  lateness(`${name}: pipes, files and reference agree on ${total} streams`, async () => {
    const seen = { results: 0, missing: 0, samples: 0, early: 0, leaps: 0, returns: 0 };
    for (let done = 0, round = 0; done < total; round++) {
      const seed = SEED * 1_000_003 + place * 100_000_007 + round;
      const random = createRandom(seed);
      const { pack, rules } = await randomPack(random, byHost);
      for (let streams = 0; streams < (isLong ? 1 : 4); streams++, done++) {
        const stream = generateUnrulyStream(random, options);
        const expected = expectedOf(rules, stream, byHost);
        const files = judge(pack, rules, stream.lines, FILES, random);
        const pipe = judge(pack, rules, stream.lines, PIPE, random);
        for (const [index, { rule, query }] of rules.entries()) {
          const told = (): string => `seed ${seed}\n${rule.query}\n${stream.lines.join("\n")}`;
          assert.equal(files.rows[index], expected[index], `files, ${told()}`);
          assert.equal(pipe.rows[index], expected[index], `a pipe, ${told()}`);
          const found = expected[index]?.length ?? 0;
          seen.results += found;
          if (query.body.kind === "sample") seen.samples += found;
          if (query.body.kind === "sequence" && query.body.terms.some(({ missing }) => missing)) seen.missing += found;
        }
        assert.equal([pipe.counters.late, pipe.counters.overflowed, pipe.counters.sequences.evicted], [0, 0, 0]);
        seen.early += pipe.early;
        seen.leaps += pipe.counters.leaps;
        seen.returns += pipe.counters.returns;
      }
    }
    // A property that never meets what it is about tests nothing.
    assert.ok(seen.results > 5 * total && seen.missing > total / 2 && seen.samples > total / 2, JSON.stringify(seen));
    if (!isLong) assert.ok(seen.early > total / 4, JSON.stringify(seen));
    if (options.wrongClocks !== "none") assert.ok(seen.leaps > total / 2, JSON.stringify(seen));
    if (isLong) assert.ok(seen.returns > 0, JSON.stringify(seen));
  });
}

lateness.run();

interface RandomPack {
  readonly pack: Package;
  readonly rules: readonly AnalysedRule[];
}

async function randomPack(random: Random, byHost: boolean): Promise<RandomPack> {
  // Lineage is of a process tree, and pipes of all alerts of a rule: neither is of one key.
  const queries = Array.from({ length: 6 }, () =>
    random.chance(0.15) ? generateSample(random, { lineage: false }) : generateSequence(random, { lineage: false }),
  ).map((query) => query.replace(/\n\|[^|\n]*$/, ""));
  const all = queries.map((query, index) => ruleOf(`q${index}`, byHost ? joinedByHost(query) : query));
  const { rules } = analyseRules(all, COMPILE);
  assert.ok(rules.length > 0);
  return { ...(await lowerForTest(rules, COMPILE)), rules };
}

/** The query with the host as the first part of every key. */
function joinedByHost(query: string): string {
  if (!/\bby\b/.test(query)) return query.replace(/^sequence/, "sequence by host.id");
  return query.replace(/\bby /g, "by host.id, ");
}

function expectedOf(rules: readonly AnalysedRule[], { lines, hosts }: UnrulyStream, byHost: boolean): string[][] {
  const events = readEvents(lines, REFERENCE);
  const own = (places: readonly number[]): RefEvent[] => places.flatMap((place) => events[place] ?? []);
  const groups = byHost ? [...hosts.values()].map(own) : [events];
  return rules.map(({ query }) => {
    const rows = groups.flatMap((group) => expectedDetections(query, interpret(query, group, REFERENCE)));
    return comparable(rows, query.body.kind);
  });
}

function judge(
  pack: Package,
  rules: readonly AnalysedRule[],
  lines: readonly string[],
  options: Pick<DetectorOptions, "latenessNs">,
  random: Random,
): Judged {
  const byRule: number[][][] = rules.map(() => []);
  const keysByRule: string[][] = rules.map(() => []);
  let count = 0;
  const detector = createDetector(pack, {
    ...options,
    onAlert({ rule, key, events }) {
      byRule[rule]?.push(events.map((event) => event?.ordinal ?? -1));
      keysByRule[rule]?.push(key);
      count++;
    },
  });
  for (let at = 0; at < lines.length; ) {
    const some = lines.slice(at, at + 1 + random.below(50));
    detector.feed(Buffer.from(some.map((line) => `${line}\n`).join("")), { file: "f", firstLine: at + 1 });
    at += some.length;
  }
  const early = count;
  detector.finish();
  const found = { byRule, keysByRule, counters: detector.counters() };
  const rows = rules.map(({ query }, index) =>
    comparable(foundDetections(found, index, query.dialect), query.body.kind),
  );
  return { rows, counters: found.counters, early };
}

/** Rows in an order of their own; of a sample its key, because which of the key's events it shows is up to their order. */
function comparable(rows: readonly string[], kind: string): string[] {
  return rows.map((row) => (kind === "sample" ? row.replace(/^.*? by /, "") : row)).sort();
}
