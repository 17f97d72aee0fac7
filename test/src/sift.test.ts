// What is left out of what waits when a stream ends: nothing that a rule asks for, and most of what it does not.

import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { createDetector } from "@kestrel/runtime/engine/detector";
import { createKeyHopes } from "@kestrel/runtime/lane/key-hopes";
import type { SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ELASTIC, ENDGAME } from "./generate/compare.js";
import { generateEndgameSequence, generateEndgameStream } from "./generate/endgame-stream.js";
import { createRandom, type Random } from "./generate/random.js";
import { generateLineageQuery, generateSample, generateSequence, generateStream } from "./generate/stream.js";
import { compileForTest, type Found, ruleOf, runLines } from "./support/run-pack.js";

const test = suite("sift");

const RARE = '{"event":{"category":"file"},"process":{"name":"rare"}}';

/** What a run finds, whatever the order in which it says so. */
function foundBy({ byRule, keysByRule }: Found): readonly (readonly string[])[] {
  return byRule.map((found, rule) => found.map((events, at) => `${events} ${keysByRule[rule]?.[at]}`).sort());
}

const STREAMS = [
  {
    setting: ELASTIC,
    query: (random: Random): string =>
      random.weighted([
        [3, generateSequence],
        [1, generateSample],
        [2, generateLineageQuery],
      ])(random),
    lines: (random: Random): string[] => generateStream(random, { length: 60, disorder: random.pick([0, 5]) }),
  },
  {
    setting: ENDGAME,
    query: (random: Random): string => generateEndgameSequence(random),
    lines: (random: Random): string[] => generateEndgameStream(random),
  },
];

for (const { setting, query, lines } of STREAMS) {
  test(`${setting.dialect}: a stream of which only what has hope is judged gives what the whole of it gives`, async () => {
    let alerts = 0;
    let judged = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const random = createRandom(seed * 17);
      const rules = [0, 1, 2].map((at) => ({ ...ruleOf(`r${at}`, query(random)), dialect: setting.dialect }));
      const { pack } = await compileForTest(rules, { ...DEFAULT_OPTIONS, ...setting.compile });
      const bytes = Buffer.from(`${lines(random).join("\n")}\n`);
      const run = (inOrder: boolean): Found => runLines(pack, bytes, { ...setting.run, order: "time", inOrder });
      const [all, some] = [run(true), run(false)];
      assert.equal(foundBy(some), foundBy(all), `seed ${seed}\n${rules.map(({ query }) => query).join("\n")}`);
      alerts += all.counters.alerts;
      judged += all.counters.sequences.completed;
    }
    assert.ok(alerts > 200 && judged > 200, `${alerts} alerts, ${judged} of several events`);
  });
}

test("what a process inherits after it was forgotten is known of an event that asks for nothing", async () => {
  const rule = ruleOf("child", 'file where child of [process where process.name == "parent"]');
  const { pack } = await compileForTest([rule], DEFAULT_OPTIONS);
  const of = (hour: number, own: string, type: string, more: object): string =>
    `${JSON.stringify({
      "@timestamp": `2024-01-01T0${hour}:00:00Z`,
      event: { category: "process", type: [type] },
      ...more,
      process: { entity_id: own, name: own, ...(type === "change" ? { parent: { entity_id: "parent" } } : {}) },
    })}\n`;
  const file = { event: { category: "file", type: ["change"] } };
  const lines = [
    of(0, "parent", "start", {}),
    of(1, "own", "change", {}),
    of(2, "own", "end", {}),
    of(4, "own", "change", {}),
    of(5, "own", "other", file),
  ];
  const run = (inOrder: boolean): Found => runLines(pack, Buffer.from(lines.join("")), { inOrder });
  assert.equal(run(true).byRule, [[[4]]]);
  assert.equal(run(false).byRule, [[[4]]]);
});

test("the start of the system is known, though nobody asks for its process", async () => {
  const rule = ruleOf("marked", 'process where opcode == 5 and event of [process where process_name == "marked"]');
  const options = { ...DEFAULT_OPTIONS, ...ENDGAME.compile };
  const { pack } = await compileForTest([{ ...rule, dialect: "endgame" }], options);
  const of = (timestamp: number, pid: number, process_name: string, opcode: number): string =>
    `${JSON.stringify({ timestamp, event_type: "process", pid, process_name, opcode })}\n`;
  const lines = [of(1, 10, "marked", 1), of(2, 10, "", 5), of(3, 4, "System", 1), of(4, 10, "", 5)];
  for (const inOrder of [true, false]) {
    const { byRule } = runLines(pack, Buffer.from(lines.join("")), { order: "time", inOrder });
    assert.equal(byRule, [[[1]]]);
  }
});

test("of a rule of two events only those are judged that share a key", async () => {
  const rules = [
    ruleOf("pair", 'sequence by host.id [file where process.name == "rare"] [process where true]'),
    ruleOf("absent", 'sequence by host.id with maxspan=1s [file where process.name == "rare"] ![network where true]'),
  ];
  const { pack } = await compileForTest(rules, DEFAULT_OPTIONS);
  const events = ["a", "b", "b", "a", "b"].map((id) => ({ event: { category: "process" }, host: { id } }));
  const rare = { ...(JSON.parse(RARE) as object), host: { id: "a" } };
  const bytes = Buffer.from(
    [rare, ...events]
      .map((event, second) => `${JSON.stringify({ "@timestamp": `2024-01-01T00:00:0${second}Z`, ...event })}\n`)
      .join(""),
  );
  const { byRule } = runLines(pack, bytes, { inOrder: false });
  assert.equal(byRule, [[[0, 1]], [[0, -1]]]);
});

test("keys that are cut are counted whether or not their events are judged", async () => {
  const { pack } = await compileForTest(
    [ruleOf("pair", "sequence by user.name, host.id [process where true] [file where true]")],
    DEFAULT_OPTIONS,
  );
  const many = (name: string): readonly string[] => Array.from({ length: 40 }, (_, at) => name + at);
  const of = (category: string, user: readonly string[], host: readonly string[]): string =>
    `${JSON.stringify({ event: { category }, user: { name: user }, host: { id: host } })}\n`;
  const process = of("process", many("u"), many("h"));
  const same = of("process", Array<string>(40).fill("u0"), many("h"));
  for (const inOrder of [true, false]) {
    for (const [lines, cut] of [
      [process.repeat(10) + of("file", ["other"], ["h0"]), 10],
      [process + of("file", ["u0"], ["h0"]) + process, 2],
      [same.repeat(3) + of("file", ["u0"], ["h0"]), 0],
    ] as const) {
      assert.is(runLines(pack, Buffer.from(lines), { inOrder }).counters.keysCut, cut);
    }
  }
});

test("what was judged of one stream counts for the next", async () => {
  const rule = ruleOf("child", 'file where child of [process where process.name == "parent"]');
  const { pack } = await compileForTest([rule], DEFAULT_OPTIONS);
  const of = (second: number, category: string, process: object): string =>
    `${JSON.stringify({ "@timestamp": `2024-01-01T00:00:0${second}Z`, event: { category, type: ["start"] }, process })}\n`;
  const own = { entity_id: "own", parent: { entity_id: "p" } };
  const streams = [
    of(0, "process", { entity_id: "p", name: "parent" }) + of(1, "process", own) + of(2, "file", own),
    of(3, "process", { entity_id: "other", name: "other" }) + of(4, "file", own),
  ];
  for (const inOrder of [true, false]) {
    const found: number[] = [];
    const detector = createDetector(pack, {
      latenessNs: null,
      inOrder,
      onAlert: ({ events }) => found.push(events[0]?.fileLine ?? -1),
    });
    let firstLine = 1;
    for (const lines of streams) {
      firstLine += detector.feed(Buffer.from(lines), { file: "f", firstLine });
      detector.finish();
    }
    assert.equal(found, [3, 5]);
  }
});

test("where there is little memory, all of many different events is judged", async () => {
  const { pack } = await compileForTest(
    [ruleOf("child", 'file where child of [process where process.name == "parent"]')],
    DEFAULT_OPTIONS,
  );
  const lines = Array.from({ length: 200 }, (_, at) => {
    const isAsking = at % 2 === 1;
    const parent = { entity_id: isAsking ? "e0" : "other" };
    const process = { entity_id: `e${at}`, name: at === 0 ? "parent" : "x", parent };
    return `${JSON.stringify({ event: { category: isAsking ? "file" : "process", type: ["start"] }, process })}\n`;
  });
  const again = {
    file: { line: (offset: number, length: number) => bytes.subarray(offset, offset + length) },
    offset: 0,
  };
  const bytes = Buffer.from(lines.join(""));
  const known: number[] = [];
  for (const memoryBytes of [1 << 20, 150_000]) {
    const detector = createDetector(pack, { latenessNs: null, memoryBytes, onAlert: () => undefined });
    detector.feed(bytes, { file: "f", firstLine: 1, again });
    detector.finish();
    const { alerts, overflowed, lineage } = detector.counters();
    assert.equal([alerts, overflowed], [100, 0]);
    known.push(lineage?.known ?? 0);
  }
  // Where it is looked through, nobody is told of those that descend from no marked one.
  assert.equal(known, [101, 200]);
});

test("a key has hope when each stage that needs an event has one with it", () => {
  const stage = (predicate: number, missing = false) => ({ predicate, missing, fork: false, late: null });
  const program = (kind: SequenceProgram["kind"], stages: SequenceProgram["stages"]): SequenceProgram => ({
    rule: 0,
    kind,
    maxspanNs: null,
    stages,
    until: { predicate: 9, late: null },
    untilFirst: false,
    pipes: [],
  });
  const programs = [
    program("sequence", [stage(1), stage(2, true), stage(3)]),
    program("sample", [stage(3), stage(4)]),
    program("join", [stage(5), stage(6)]),
    program("event", [stage(7)]),
    program(
      "sequence",
      Array.from({ length: 40 }, () => stage(8)),
    ),
  ];
  const hopes = createKeyHopes(programs, 100);
  const of = (predicate: number, ...keys: string[]) => [{ predicate, keys }];
  hopes.note([...of(1, "a", "b"), ...of(3, "b", "c")]);
  hopes.note(of(4, "d"));
  const hopeful = (predicate: number): readonly string[] =>
    ["a", "b", "c", "d"].filter((key) => hopes.isHopeful(of(predicate, key)));
  assert.equal([1, 2, 3, 9].map(hopeful), [["b"], ["b"], ["b"], ["a", "b", "c", "d"]]);
  assert.equal(hopeful(4), []);
  for (const predicate of [5, 6, 7, 8]) assert.equal(hopeful(predicate), ["a", "b", "c", "d"]);
  assert.not(hopes.isHopeful(of(1)));
  assert.not(hopes.isHopeful([]));
  assert.ok(hopes.isHopeful([...of(1, "a"), ...of(7, "")]));
  hopes.note(of(4, "c"));
  assert.equal([3, 4].map(hopeful), [["b", "c"], ["c"]]);
  // Of more keys than it may remember each has hope.
  for (const [most, isKnown] of [
    [3, true],
    [2, false],
  ] as const) {
    const few = createKeyHopes(programs, most);
    few.note(of(1, "a", "b", "c"));
    few.note(of(1, "a"));
    assert.is(few.isHopeful(of(1, "a")), !isKnown);
    assert.not(few.isHopeful([]));
  }
});

test.run();
