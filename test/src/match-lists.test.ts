// Lists of matches that many share: each number leads to the bytes that were taken for it, whatever comes and goes between.

import { randomFillSync } from "node:crypto";
import { createMatchLists } from "@kestrel/runtime/evaluate/match-lists";
import { viewMemory } from "@kestrel/runtime/load/memory-view";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";

const test = suite("match lists");

const REGION_WORDS = 4096;

interface Taken {
  readonly list: number;
  readonly words: readonly number[];
}

/** Takes and leaves lists at random. `many` is of how many different ones. */
function compareWithCopies(
  seed: number,
  many: number,
  mostShared: number | undefined,
  fill: (factors: Int32Array) => void,
): { readonly shared: number; readonly apart: number } {
  const { below, pick, chance } = createRandom(seed);
  const lists = createMatchLists(mostShared, fill);
  const memory = viewMemory(new Int32Array(REGION_WORDS));
  let taken: Taken[] = [];
  let shared = 0;
  let apart = 0;
  const stands = ({ list, words }: Taken): void => {
    const at = lists.placeOf(list) / 4;
    assert.equal([...lists.memoryOf(list).words.subarray(at, at + words.length)], words);
  };
  for (let batch = 0; batch < 60; batch++) {
    let next = 1;
    let before: { readonly at: number; readonly words: readonly number[] } | null = null;
    while (next < REGION_WORDS - 200) {
      // As in a module's output, where what is as before stands once.
      if (before === null || chance(0.5)) {
        const which = below(many);
        const words = Array.from({ length: 2 + (which % 150) }, (_, at) => (at === 0 ? which : at * which));
        memory.words.set(words, next);
        before = { at: next, words };
        next += words.length;
      }
      const { at, words } = before;
      const list = lists.take(memory, at * 4, words.length * 4);
      const same = taken.find((one) => one.words[0] === words[0]);
      if (same?.list === list) shared++;
      else if (same !== undefined) apart++;
      taken.push({ list, words });
      if (chance(0.3)) {
        const gone = taken.splice(below(taken.length), 1)[0];
        if (gone !== undefined) lists.leave(gone.list);
      }
    }
    lists.settle();
    memory.words.fill(-1);
    for (const one of taken) stands(one);
    if (batch % 10 === 9) {
      const stay = taken.filter(() => chance(pick([0.02, 0.5])));
      lists.keepOnly(stay.map(({ list }) => list));
      taken = stay;
    }
    for (const one of taken) stands(one);
  }
  for (const { list } of taken) lists.leave(list);
  assert.is(lists.bytes, 0);
  // There is room again for what is looked for.
  const [first, , third] = [8, 12, 8].map((length, at) => lists.take(memory, 4 * at, length));
  assert.is(first, third);
  return { shared, apart };
}

test("are found again by their bytes, and go when nobody needs them", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { shared, apart } = compareWithCopies(seed, 10 * seed * seed, undefined, randomFillSync);
    assert.ok(shared > 500, `${shared} shared`);
    assert.is(apart, 0);
  }
});

test("are told apart by their bytes where all hashes are equal", () => {
  assert.is(compareWithCopies(6, 40, undefined, (factors) => factors.fill(0)).apart, 0);
});

test("are held for themselves where there are too many to be looked for", () => {
  const { shared, apart } = compareWithCopies(7, 90, 20, randomFillSync);
  assert.ok(shared > 100 && apart > 100, `${shared} shared, ${apart} apart`);
});

test.run();
