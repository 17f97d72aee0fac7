// Pieces in blocks (runtime/src/evaluate/blocks.ts) are what was put there, whenever the copies were made and wherever they were moved.

import { createBlocks } from "@kestrel/runtime/evaluate/blocks";
import { viewMemory } from "@kestrel/runtime/load/memory-view";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";

const test = suite("blocks");

test("hold what was put, and the same wherever it is settled", () => {
  for (let seed = 1; seed <= 6; seed++) {
    const { below, pick } = createRandom(seed);
    const [late, early] = [createBlocks(), createBlocks()];
    const pieces = new Map<number, string>();
    const free: number[] = [];
    let slots = 0;
    const check = (): void => {
      for (const [slot, text] of pieces) {
        const at = late.placeOf(slot);
        const { bytes } = late.memoryOf(slot);
        assert.is(late.lengthOf(slot), text.length);
        assert.is(bytes.toString("latin1", at, at + text.length), text);
        assert.is(early.placeOf(slot), at);
        assert.is(early.memoryOf(slot).bytes.length, bytes.length);
        assert.is(early.memoryOf(slot).bytes.toString("latin1", at, at + text.length), text);
      }
    };
    for (let batch = 0; batch < 60; batch++) {
      const size = pick([1 << 16, 1 << 19]);
      const memory = viewMemory({ buffer: new ArrayBuffer(size) });
      for (let at = 0; at < size; at++) memory.bytes[at] = below(256);
      for (let from = 0; from < size; ) {
        const length = Math.min(1 + below(pick([50, 20_000, 1 << 18])), size - from);
        if (below(4) > 0) {
          const slot = free.pop() ?? slots++;
          late.put(slot, memory, from, length);
          early.put(slot, memory, from, length);
          early.settle();
          pieces.set(slot, memory.bytes.toString("latin1", from, from + length));
        }
        from += length + (below(4) === 0 ? below(9) : 0);
      }
      late.settle();
      memory.bytes.fill(0);
      const rarely = pick([2, 2, 30]);
      for (const slot of [...pieces.keys()]) {
        if (below(rarely) > 0) continue;
        for (const blocks of [late, early]) {
          blocks.leave(slot);
          blocks.tidy();
        }
        assert.is(late.lengthOf(slot), 0);
        pieces.delete(slot);
        free.push(slot);
      }
      if (batch % 20 === 0) check();
    }
    check();
    const kept = [...pieces.keys()].filter(() => below(5) === 0);
    for (const slot of pieces.keys()) if (!kept.includes(slot)) pieces.delete(slot);
    for (const blocks of [late, early]) blocks.keepOnly(kept);
    check();
  }
});

test.run();
