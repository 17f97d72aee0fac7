// Records that wait as bytes: what comes back is the event that would have been made at once, and no block stays for a few.

import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { createEvaluator } from "@kestrel/runtime/evaluate/evaluator";
import { createHeldRecords, type HeldRecords } from "@kestrel/runtime/evaluate/held-records";
import { createRecordReader } from "@kestrel/runtime/evaluate/records";
import { compareEvents, type MatchedEvent } from "@kestrel/runtime/event/stream-event";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import { compileForTest, ruleOf } from "./support/run-pack.js";

const test = suite("held records");

interface Waiting {
  readonly slot: number;
  readonly event: MatchedEvent;
}

/** Bytes of the blocks that some records stand in. */
function bytesBehind(held: HeldRecords, waiting: readonly Waiting[]): number {
  const blocks = new Set(
    waiting.flatMap(({ slot }) => {
      const { memory, lineMemory } = held.at(slot);
      return [memory.bytes, lineMemory.bytes];
    }),
  );
  return [...blocks].reduce((sum, { length }) => sum + length, 0);
}

test("are the same events when their turn comes, wherever they have been moved", async () => {
  const rules = [
    ruleOf("pair", "sequence by host.id [process where true] [file where true]"),
    ruleOf("alone", 'process where process.name == "a"'),
  ];
  const { pack } = await compileForTest(rules, DEFAULT_OPTIONS);
  const reader = createRecordReader(pack.manifest.predicates, pack);
  for (let seed = 1; seed <= 2; seed++) {
    const { below, pick } = createRandom(seed);
    const evaluator = createEvaluator(pack);
    const held = createHeldRecords();
    let waiting: Waiting[] = [];
    const letGo = ({ slot, event }: Waiting): void => {
      const record = held.at(slot);
      assert.is(held.time(slot), event.ts);
      assert.equal(reader.toEvent(record), event);
      assert.equal(reader.withoutBytes(record, false), { ...event, rules: [], bytes: new Uint8Array(0) });
      assert.equal(reader.withoutStages(record), { ...event, stages: [] });
      held.letGo(slot);
    };
    for (let chunk = 0; chunk < 200; chunk++) {
      const lines = Array.from({ length: 1 + below(20) }, () => {
        const event = { category: pick(["process", "file"]), sequence: pick([undefined, below(9)]) };
        const message = "x".repeat(pick([0, 100, 3000, chunk === 7 ? 1_500_000 : 0]));
        const name = pick(["a", "b"]);
        return JSON.stringify({
          "@timestamp": below(1e6),
          event,
          host: { id: pick(["h", ["h", "i"]]) },
          process: { name },
          message,
        });
      });
      const bytes = Buffer.from(`${lines.join("\n")}\n`);
      for (const { output } of evaluator.evaluate(bytes, { file: "f", firstLine: 1 + chunk * 20 }, chunk * 20)) {
        reader.open(output);
        for (let found = reader.next(); found !== null; found = reader.next()) {
          const event = reader.toEvent(found);
          const bare = held.hold(found, "none");
          assert.equal(reader.toEvent(held.at(bare)), { ...event, bytes: new Uint8Array(0) });
          held.letGo(bare);
          const before = held.bytes;
          const slot = held.hold(found, "bytes");
          assert.ok(held.bytes > before + event.bytes.length);
          for (const other of waiting.slice(-3)) {
            assert.is(Math.sign(held.compare(slot, other.slot)), Math.sign(compareEvents(event, other.event)));
          }
          waiting.push({ slot, event });
        }
        held.settle();
      }
      bytes.fill(0);
      // Now and then all but a few go, from all blocks alike.
      if (chunk % 50 === 49) {
        const stays = waiting.filter(() => below(100) === 0);
        for (const one of waiting) if (!stays.includes(one)) letGo(one);
        waiting = stays;
      }
    }
    for (const one of waiting) letGo(one);
    assert.is(held.bytes, 0);
  }
});

test("are those of events that can be part of something", async () => {
  const rules = [
    ruleOf("pair", "sequence by user.name [process where true] [process where true]"),
    ruleOf("absent", "sequence by host.id, ?user.name [file where true] [file where true]"),
  ];
  const { pack } = await compileForTest(rules, DEFAULT_OPTIONS);
  const reader = createRecordReader(pack.manifest.predicates, pack);
  const of = (category: string, more: object): string => `${JSON.stringify({ event: { category }, ...more })}\n`;
  const lines = [
    of("process", {}),
    of("process", { user: { name: "u" } }),
    of("file", {}),
    of("file", { host: { id: "h" } }),
    of("file", { user: { name: "u" } }),
  ];
  const found: boolean[] = [];
  for (const { output } of createEvaluator(pack).evaluate(
    Buffer.from(lines.join("")),
    { file: "f", firstLine: 1 },
    0,
  )) {
    reader.open(output);
    for (let one = reader.next(); one !== null; one = reader.next()) found.push(one.hasStages);
  }
  assert.equal(found, [false, true, false, true, false]);
});

for (const atOnce of [false, true]) {
  test(`leave no blocks behind for a few that stay when the others go ${atOnce ? "at once" : "one by one"}`, async () => {
    const { pack } = await compileForTest(
      [ruleOf("pair", "sequence [process where true] [file where true]")],
      DEFAULT_OPTIONS,
    );
    const reader = createRecordReader(pack.manifest.predicates, pack);
    const held = createHeldRecords();
    const line = JSON.stringify({ event: { category: "file" }, message: "x".repeat(10_000) });
    let waiting: Waiting[] = [];
    const sizes: number[] = [];
    const lines = Buffer.from(`${line}\n`.repeat(2000));
    for (const { output } of createEvaluator(pack).evaluate(lines, { file: "f", firstLine: 1 }, 0)) {
      reader.open(output);
      for (let found = reader.next(); found !== null; found = reader.next()) {
        waiting.push({ slot: held.hold(found, "bytes"), event: reader.toEvent(found) });
        sizes.push(held.bytes);
      }
      held.settle();
    }
    assert.ok(bytesBehind(held, waiting) > 20e6);
    // What all of them match stands there once.
    const each = (sizes[1] ?? 0) - (sizes[0] ?? 0);
    const matches = (sizes[0] ?? 0) - each;
    assert.ok(matches > 0);
    for (const part of [50, 5, 8]) {
      const stay = waiting.filter((_, at) => at % part === 0);
      if (atOnce) held.keepOnly(stay.map(({ slot }) => slot));
      else for (const [at, { slot }] of waiting.entries()) if (at % part !== 0) held.letGo(slot);
      assert.is(held.bytes, matches + each * stay.length);
      assert.ok(bytesBehind(held, stay) < 5e6, `${bytesBehind(held, stay)} bytes for ${stay.length} records`);
      for (const { slot, event } of stay) assert.equal(reader.toEvent(held.at(slot)), event);
      waiting = stay;
    }
  });
}

test.run();
