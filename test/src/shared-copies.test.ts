// Copies that share their memory: each stays what it was, whatever is copied later and whatever becomes of what it was copied from.

import { createSharedCopies } from "@kestrel/runtime/evaluate/shared-copies";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";

const copies = suite("shared copies");

copies("stay what they were", () => {
  const { below, chance } = createRandom(20_262);
  const copy = createSharedCopies();
  const memory = new Uint8Array(1 << 18);
  const made: { readonly bytes: Uint8Array; readonly length: number; readonly mark: number }[] = [];
  for (let mark = 1; mark <= 250; mark++) {
    const from = below(1 << 16);
    const length = below(chance(0.1) ? 1 << 17 : 5000);
    memory.fill(mark, from, from + length);
    made.push({ bytes: copy(memory, from, from + length), length, mark });
    memory.fill(0);
  }
  for (const { bytes, length, mark } of made) {
    assert.is(bytes.length, length);
    assert.ok(bytes.every((byte) => byte === mark));
  }
  const pieces = new Set(made.map(({ bytes }) => bytes.buffer));
  assert.ok(pieces.size < made.length / 2, `${pieces.size} pieces for ${made.length} copies`);
});

copies.run();
