// Keys that are known again by their bytes (runtime/src/event/known-keys.ts): never one for another, and whatever stands behind their texts.

import { createKnownKeys } from "@kestrel/runtime/event/known-keys";
import { KEY_OPTIONAL, TYPE_KEYWORD, TYPE_LONG } from "@kestrel/stdlib/abi";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";

const test = suite("known keys");

type Key = readonly (string | number | null)[];

/** The keys as the module writes them, with `rest` where nothing is written. */
function wordsOf(keys: Key, rest: number): Int32Array<ArrayBuffer> {
  const parts = keys.map((key) => {
    const bytes = Buffer.alloc(
      8 + (typeof key === "string" ? 4 + ((key.length + 3) & ~3) : key === null ? 0 : 8),
      rest,
    );
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

test("what stands behind a text is no part of it", () => {
  const known = createKnownKeys<string>();
  const first = wordsOf(["abcde", 7, null, ""], 0);
  assert.is(known.find(first, 0, first.length), undefined);
  known.add("first");
  const other = wordsOf(["x"], 0);
  for (const rest of [0, 0xff, 0x61]) {
    const again = wordsOf(["abcde", 7, null, ""], rest);
    assert.is(known.find(again, 0, again.length), "first");
    // Also when another was asked for in between.
    if (known.find(other, 0, other.length) === undefined) known.add("other");
    assert.is(known.find(other, 0, other.length), "other");
  }
});

test("gives what was added for the same keys, among many", () => {
  const { below, pick } = createRandom(5);
  const known = createKnownKeys<string>();
  let hits = 0;
  for (let at = 0; at < 50_000; at++) {
    const key: Key = Array.from({ length: 1 + below(3) }, () =>
      pick([null, below(5), below(20_000), "a".repeat(below(6)), `p${below(3000)}`, "b".repeat(pick([3, 600]))]),
    );
    const words = wordsOf(key, below(256));
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
