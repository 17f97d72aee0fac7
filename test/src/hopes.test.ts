// Which matches of a whole stream are not read again because nothing can come of them: runtime/src/lane/hopes.ts.

import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { hopesOf } from "@kestrel/runtime/lane/hopes";
import type { SequenceProgram } from "@kestrel/stdlib/sequence-tables";
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
  return [...hopesOf({ programs, lineage: [] }, flags)].flatMap((flag, predicate) => (flag === 1 ? [predicate] : []));
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

hopes("a process tree is fed when a query in brackets marked a process", () => {
  const query = { flag: 0, relation: "descendant", predicate: 3, late: null } as const;
  const tree = {
    dialect: "elastic",
    feed: 1,
    starts: 2,
    ends: 4,
    processes: null,
    resets: null,
    queries: [query],
  } as const;
  const read = (seen: readonly number[]): readonly number[] => {
    const flags = new Uint8Array(8);
    for (const predicate of seen) flags[predicate] = 1;
    return [...hopesOf({ programs: [], lineage: [tree] }, flags)].flatMap((flag, at) => (flag === 1 ? [at] : []));
  };
  assert.equal(read([1, 2, 4]), []);
  assert.equal(read([1, 2, 3]), [1, 2, 3, 4]);
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
