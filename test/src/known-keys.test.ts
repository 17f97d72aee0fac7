// Keys that are known again by their bytes (runtime/src/event/known-keys.ts): never one for another, and the same bytes for the same key.

import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { createEvaluator } from "@kestrel/runtime/evaluate/evaluator";
import { createKnownKeys } from "@kestrel/runtime/event/known-keys";
import { KEY_OPTIONAL, TYPE_KEYWORD, TYPE_LONG } from "@kestrel/stdlib/abi";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import { readOutput } from "./support/read-output.js";
import { compileForTest, ruleOf } from "./support/run-pack.js";

const test = suite("known keys");

type Key = readonly (string | number | null)[];

/** The keys as the module writes them. */
function wordsOf(keys: Key): Int32Array<ArrayBuffer> {
  const parts = keys.map((key) => {
    const bytes = Buffer.alloc(8 + (typeof key === "string" ? 4 + ((key.length + 3) & ~3) : key === null ? 0 : 8));
    bytes.writeUInt32LE((typeof key === "number" ? TYPE_LONG : (TYPE_KEYWORD | KEY_OPTIONAL) >>> 0) >>> 0, 0);
    bytes.writeUInt32LE(key === null ? 0 : 1, 4);
    if (typeof key === "number") bytes.writeBigInt64LE(BigInt(key), 8);
    if (typeof key === "string") {
      bytes.writeUInt32LE(key.length, 8);
      bytes.write(key, 12, "latin1");
    }
    return bytes;
  });
  const all = Buffer.concat(parts);
  const words = new Int32Array(all.length / 4);
  new Uint8Array(words.buffer).set(all);
  return words;
}

for (const [dialect, rule, field] of [
  ["elastic", "sequence by user.name with maxspan=1h [any where true] [any where true]", "user.name"],
  ["endgame", "sequence by user_name with maxspan=1h [any where true] [any where true]", "user_name"],
] as const) {
  test(`the module writes equal keys as equal words, whatever was there before: ${dialect}`, async () => {
    const { pack, diagnostics } = await compileForTest([{ ...ruleOf("pair", rule), dialect }], DEFAULT_OPTIONS);
    assert.equal(diagnostics, []);
    const random = createRandom(3);
    const values = Array.from({ length: 12 }, (_, at) => "abcdefghijkl".slice(0, at));
    const lines = Array.from({ length: 3_000 }, () => {
      const value = random.chance(0.2) ? [random.pick(values), random.pick(values)] : random.pick(values);
      return { text: JSON.stringify(value), line: `${JSON.stringify({ [field]: value })}\n` };
    });
    const evaluator = createEvaluator(pack);
    const written = new Map<string, Set<string>>();
    for (let start = 0; start < lines.length; start += 30) {
      const chunk = lines.slice(start, start + 30);
      const input = Buffer.from(chunk.map(({ line }) => line).join(""));
      for (const { output } of evaluator.evaluate(input, { file: "f", firstLine: 1 }, start)) {
        const { view, bytes } = output.memory;
        for (const { line, keysAt, keyBytes } of readOutput(view, output.base, output.length)) {
          const { text = "" } = chunk[line] ?? {};
          const keys = Buffer.from(bytes.subarray(keysAt, keysAt + keyBytes)).toString("hex");
          written.set(text, (written.get(text) ?? new Set()).add(keys));
        }
      }
    }
    assert.ok(written.size > 50, `${written.size} values`);
    for (const [text, ways] of written) assert.is(ways.size, 1, `${text}: ${[...ways].join(" ")}`);
  });
}

test("gives what was added for the same keys, among many", () => {
  const { below, pick } = createRandom(5);
  const known = createKnownKeys<string>();
  let hits = 0;
  for (let at = 0; at < 50_000; at++) {
    const key: Key = Array.from({ length: 1 + below(3) }, () =>
      pick([null, below(5), below(20_000), "a".repeat(below(6)), `p${below(3000)}`, "b".repeat(pick([3, 600]))]),
    );
    const words = wordsOf(key);
    const room = new Int32Array(words.length + 3);
    room.set(words, 2);
    const found = known.find(room, 2, words.length);
    if (found === undefined) known.add(JSON.stringify(key));
    else {
      hits++;
      assert.is(found, JSON.stringify(key));
    }
  }
  assert.ok(hits > 2000, `${hits} known again`);
});

test.run();
