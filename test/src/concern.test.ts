// What needs a lineage flag is over without its test where no flag is set (runtime/src/lane/concern.ts): the same detections as with every
// test made, over random process trees.

import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import type { DetectorOptions } from "@kestrel/runtime/engine/detector";
import type { Package } from "@kestrel/runtime/load/load-package";
import { flaggedUsesOf, type LateTest } from "@kestrel/stdlib/sequence-tables";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import { compileForTest, type Found, ruleOf, runLines } from "./support/run-pack.js";
import { sizeOf } from "./support/sizes.js";

const concern = suite("concern");

const RULES = [
  ruleOf("or", 'process where user.name == "root" or descendant of [process where process.name == "a"]'),
  ruleOf("and", 'any where process.name == "b" and descendant of [process where process.name == "a"]'),
  ruleOf("not", 'process where not descendant of [process where process.name == "a"]'),
  ruleOf("child", 'file where child of [process where process.name == "c"] and file.name == "f"'),
  ruleOf(
    "nested",
    'any where descendant of [process where process.name == "c" and child of [process where process.name == "a"]]',
  ),
  ruleOf(
    "two",
    'process where (child of [process where process.name == "a"] or event of [file where file.name == "g"]) and user.name != "u"',
  ),
  ruleOf(
    "stages",
    'sequence by host.id with maxspan=1m [process where process.name == "b"] [file where file.name == "f" or descendant of [process where process.name == "a"]]',
  ),
  ruleOf(
    "until",
    'sequence by host.id [process where process.name == "a"] [file where file.name == "f"] until [process where descendant of [process where process.name == "c"]]',
  ),
  ruleOf(
    "absent",
    'sequence by host.id with maxspan=10s [file where file.name == "g"] ![process where descendant of [process where process.name == "a"]]',
  ),
  ruleOf(
    "alias",
    'sequence by host.id [process where process.name == "a"] as first [any where process.name == first.process.name or descendant of [file where file.name == "g"]]',
  ),
];

/** The package without what its tests say of flags: each of them is made. */
function withoutFlags(pack: Package): Package {
  const bare = (test: LateTest | null): LateTest | null =>
    test === null ? null : { predicate: test.predicate, stages: test.stages };
  return {
    ...pack,
    programs: pack.programs.map((program) => ({
      ...program,
      stages: program.stages.map((stage) => ({ ...stage, late: bare(stage.late) })),
      until: program.until === null ? null : { ...program.until, late: bare(program.until.late) },
    })),
    lineage: pack.lineage.map((tree) => ({
      ...tree,
      queries: tree.queries.map((query) => ({ ...query, late: bare(query.late) })),
    })),
  };
}

function randomLines(seed: number): Buffer {
  const { below, pick } = createRandom(seed);
  // Some streams mark nearly nothing, and some are out of order.
  const names = pick([["a", "b", "c", "d"], ["b", "d", "d", "d", "d", "c"], ["d"]]);
  const isShuffled = below(2) === 0;
  const lines: string[] = [];
  for (let at = 0; at < 150; at++) {
    const seconds = isShuffled ? below(150) : at;
    const pid = 1 + below(12);
    const category = pick(["process", "process", "file"]);
    lines.push(
      JSON.stringify({
        "@timestamp": 1_700_000_000_000 + seconds * pick([1000, 1000, 1000, 60_000]),
        host: { id: pick(["h", "h", "i"]) },
        event: { category, type: pick(["start", "start", "end", "info", ["start", "end"]]) },
        process: {
          ...(below(10) === 0 ? {} : { pid }),
          ...(below(4) === 0 ? { entity_id: `e${pid}` } : {}),
          name: pick(names),
          ...(below(3) === 0 ? {} : { parent: { pid: 1 + below(12) } }),
        },
        ...(category === "file" ? { file: { name: pick(["f", "g", "x", "x"]) } } : {}),
        user: { name: pick(["root", "u", "v", "v"]) },
      }),
    );
  }
  return Buffer.from(`${lines.join("\n")}\n`);
}

const WAYS: readonly Partial<DetectorOptions>[] = [
  { inOrder: true },
  { inOrder: false },
  { inOrder: false, memoryBytes: 40_000 },
  { latenessNs: 0n },
  { latenessNs: 30_000_000_000n },
  { order: "arrival" },
  { inOrder: false, maxProcesses: 5 },
];

/** Those that leave events which only ask for flags. */
const FEW = RULES.filter(({ id }) => ["and", "child", "nested"].includes(id));

for (const [name, rules] of [
  ["many rules", RULES],
  ["rules that only ask for flags", FEW],
] as const)
  concern(`${name}: finds what is found with every test made`, async () => {
    const { pack, diagnostics } = await compileForTest(rules, DEFAULT_OPTIONS);
    assert.equal(
      diagnostics.filter(({ severity }) => severity === "error"),
      [],
    );
    const flagged = flaggedUsesOf(pack).flatMap((uses) => (uses ?? []).filter((use) => use !== null));
    assert.ok(flagged.some(({ otherwise }) => otherwise === null));
    assert.is(
      flagged.some(({ otherwise }) => otherwise !== null),
      rules === RULES,
    );
    const judge = withoutFlags(pack);
    assert.ok(flaggedUsesOf(judge).every((uses) => (uses ?? []).every((use) => use === null)));
    const found = new Array<number>(rules.length).fill(0);
    let fewer = 0;
    for (let seed = 1; seed <= sizeOf("KESTREL_CONCERN", 8, 100); seed++) {
      const lines = randomLines(seed);
      for (const [way, options] of WAYS.entries()) {
        const run = (one: Package): Found => runLines(one, lines, options, 1 << 12);
        const [without, all] = [run(pack), run(judge)];
        const where = `seed ${seed}, way ${way}`;
        assert.equal(without.byRule, all.byRule, where);
        assert.equal(without.keysByRule, all.keysByRule, where);
        // An event that is no match of a stage does not come late to it.
        const { late } = all.counters.sequences;
        assert.ok(without.counters.sequences.late <= late, where);
        assert.equal({ ...without.counters.sequences, late }, all.counters.sequences, where);
        fewer += all.counters.lateTests - without.counters.lateTests;
        for (const [rule, detections] of without.byRule.entries()) found[rule] = (found[rule] ?? 0) + detections.length;
      }
    }
    assert.ok(fewer > 50, `${fewer} tests were spared`);
    for (const [rule, count] of found.entries()) assert.ok(count > 2, `${rules[rule]?.id}: ${count}`);
  });

concern.run();
