// Which matches of a whole stream are not read again because nothing can come of them: runtime/src/lane/hopes.ts.

import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { hopesOf } from "@kestrel/runtime/lane/hopes";
import type { LateTest, SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileForTest, ruleOf, runLines } from "./support/run-pack.js";

const hopes = suite("hopes");

function program(
  kind: SequenceProgram["kind"],
  stages: readonly number[],
  others: Partial<SequenceProgram> = {},
): SequenceProgram {
  const made = stages.map((predicate) => ({
    predicate: Math.abs(predicate),
    missing: predicate < 0,
    fork: false,
    late: null,
  }));
  return { rule: 0, kind, maxspanNs: null, stages: made, until: null, untilFirst: false, pipes: [], ...others };
}

function wanted(programs: readonly SequenceProgram[], seen: readonly number[]): readonly number[] {
  const flags = new Uint8Array(8);
  for (const predicate of seen) flags[predicate] = 1;
  return [...hopesOf({ programs, lineage: [] }, flags).predicates].flatMap((flag, predicate) =>
    flag === 1 ? [predicate] : [],
  );
}

hopes("a program is read when each of its stages held for some event", () => {
  assert.equal(wanted([program("sequence", [1, 2])], [1]), []);
  assert.equal(wanted([program("sequence", [1, 2])], [1, 2]), [1, 2]);
  assert.equal(wanted([program("sample", [1, 2, 3])], [1, 3]), []);
  assert.equal(wanted([program("join", [1, 2])], [2]), []);
});

hopes("stages that must be absent, `until` and pipes need nothing", () => {
  assert.equal(wanted([program("sequence", [1, -2])], [1]), [1, 2]);
  const until = { predicate: 4, late: null };
  assert.equal(wanted([program("sequence", [1, 2], { until })], [1, 2]), [1, 2, 4]);
  assert.equal(wanted([program("sequence", [1, 2], { until })], [1, 4]), []);
  assert.equal(wanted([program("event", [5])], [5]), [5]);
});

hopes("a predicate of several programs is read for the one that may report", () => {
  assert.equal(wanted([program("sequence", [1, 2]), program("sequence", [1, 3])], [1, 3]), [1, 3]);
});

hopes("a process tree is fed where a query may have marked a process for a flag that somebody asks for", () => {
  const query = (flag: number, predicate: number, late: LateTest | null = null) =>
    ({ flag, relation: "descendant", predicate, late }) as const;
  const flagged = (flags: readonly number[], otherwise: number | null = null): LateTest => ({
    predicate: 9,
    stages: [],
    flagged: { flags, otherwise },
  });
  const asking = (predicate: number, late: LateTest): SequenceProgram =>
    program("event", [], { stages: [{ predicate, missing: false, fork: false, late }] });
  const tree = {
    dialect: "elastic",
    feed: 1,
    starts: 2,
    ends: 4,
    processes: null,
    resets: null,
    queries: [query(0, 3), query(1, 5), query(2, 6, flagged([1], 10))],
  } as const;
  const read = (programs: readonly SequenceProgram[], seen: readonly number[]): readonly number[] => {
    const flags = new Uint8Array(16);
    for (const predicate of seen) flags[predicate] = 1;
    const { predicates, isAsked } = hopesOf({ programs, lineage: [tree] }, flags);
    const asked = [0, 1, 2].filter(isAsked).map((flag) => -1 - flag);
    return [...[...predicates].flatMap((one, at) => (one === 1 ? [at] : [])), ...asked];
  };
  const fed = [1, 2, 3, 4, 7, -1];
  assert.equal(read([asking(7, flagged([0]))], [1, 2, 4, 7]), []);
  assert.equal(read([asking(7, flagged([0]))], [1, 2, 3, 4, 7]), fed);
  // The query held, but what asks for it did not, or asks for another's flag.
  assert.equal(read([], [1, 3]), []);
  assert.equal(read([asking(7, flagged([0]))], [1, 3]), []);
  assert.equal(read([asking(7, flagged([1], 8))], [1, 3, 7, 8]), [7, 8]);
  // Whose test says nothing of flags may ask for each of them.
  assert.equal(read([asking(7, { predicate: 9, stages: [] })], [3, 5, 7]), [1, 2, 3, 4, 5, 7, -1, -2]);
  // A query's own test asks, too, if the query is asked.
  assert.equal(read([asking(7, flagged([2]))], [5, 6, 7]), [1, 2, 4, 5, 6, 7, 10, -2, -3]);
  assert.equal(read([asking(7, flagged([2]))], [6, 7]), []);
  assert.equal(read([asking(7, flagged([2]))], [6, 7, 10]), [1, 2, 4, 6, 7, 10, -3]);
  assert.equal(read([asking(7, flagged([0]))], [3, 5, 6, 7]), fed);
  // So may the tests of pipes.
  const filtered = program("event", [7], { pipes: [{ kind: "filter", test: { predicate: 9, stages: [] } }] });
  assert.equal(read([filtered], [3, 7]), fed);
});

hopes("a rule beside one that cannot complete finds what it finds alone", async () => {
  const rules = [
    ruleOf("complete", "sequence by host.id [process where true] [file where true]"),
    ruleOf("incomplete", "sequence by host.id [process where true] [registry where true]"),
    ruleOf("absent", "sequence by host.id with maxspan=1s [process where true] ![network where true]"),
  ];
  const { pack } = await compileForTest(rules, DEFAULT_OPTIONS);
  const line = (category: string, second: number): string =>
    JSON.stringify({ "@timestamp": `2024-01-01T00:00:0${second}Z`, event: { category }, host: { id: "a" } });
  const bytes = Buffer.from(`${[line("file", 3), line("process", 1), line("process", 5)].join("\n")}\n`);
  for (const inOrder of [true, false]) {
    const { byRule } = runLines(pack, bytes, { inOrder });
    assert.equal(
      byRule,
      [
        [[1, 0]],
        [],
        [
          [1, -1],
          [2, -1],
        ],
      ],
      `in order ${inOrder}`,
    );
  }
});

hopes.run();
