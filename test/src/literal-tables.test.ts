// The tables of literals bound what a place of a value can cost, however alike the texts are that rules look for.

import { createDataSection } from "@kestrel/compiler/backend/wasm/data-section";
import { addLiteralTables } from "@kestrel/compiler/backend/wasm/literal-tables";
import type { PredicateId, TextPostings } from "@kestrel/compiler/ir/pack-ir";
import { readName } from "@kestrel/compiler/ir/reading";
import {
  GRAM_ENTRY_BYTES,
  GRAM_ENTRY_LITERALS,
  GRAM_LITERALS_BYTES,
  GRAM_LITERALS_COUNT,
  LITERAL_BYTES,
  LITERAL_LENGTH,
  LITERAL_POSTINGS,
  POSTING_GUARDS,
  POSTING_PREDICATE,
  POSTINGS_BYTES,
  POSTINGS_COUNT,
} from "@kestrel/stdlib/abi";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("literal tables");

/** The tables of a field's literals, and how to read words of what was written at an address. */
function tablesOf(byText: TextPostings["byText"]) {
  const data = createDataSection(65_536);
  const postings = { reading: readName("process.command_line", "keyword"), fold: true, byText, anyOf: 0n };
  const tables = addLiteralTables(postings, null, 0, data);
  const bytes = data.bytes();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const { base } = data;
  return { ...tables, view, base, at: (address: number): number => view.getUint32(address - base, true) };
}

test("literals that share their bytes", () => {
  // All grams but a few are the same, and some texts are long.
  const texts = Array.from({ length: 2_000 }, (_, number) =>
    number % 2 === 0 ? `${"ab".repeat(2 + (number % 60))}${number}` : `aaaa${"a".repeat(number % 40)}`,
  );
  // Bytes that are the same but for the bit of case.
  for (let number = 0; number < 64; number++) {
    texts.push(Array.from({ length: 6 }, (_, bit) => ((number >> bit) & 1 ? "[" : "{")).join(""));
  }
  const byText = new Map(
    [...new Set(texts)].map((text, number) => [text, [{ predicate: number as PredicateId, guards: 0n }]]),
  );
  const { table, mask, at } = tablesOf(byText);
  let run = 0;
  let longest = 0;
  let literals = 0;
  for (let entry = 0; entry < (mask + 1) * 2; entry++) {
    const list = at(table + (entry & mask) * GRAM_ENTRY_BYTES + GRAM_ENTRY_LITERALS);
    run = list === 0 ? 0 : run + 1;
    longest = Math.max(longest, run);
    if (list === 0 || entry > mask) continue;
    const count = at(list + GRAM_LITERALS_COUNT);
    literals += count;
    assert.ok(count <= 5, `${count} literals of one gram`);
    for (let number = 0; number < count; number++) {
      const length = at(list + GRAM_LITERALS_BYTES + number * LITERAL_BYTES + LITERAL_LENGTH);
      assert.ok(length === 0 || (length >= 4 && length <= 32), `a literal of ${length} bytes`);
    }
  }
  assert.ok(longest <= 8, `a run of ${longest} entries`);
  assert.ok(literals > 100 && literals <= byText.size, `${literals} literals`);
});

test("of texts that are looked for as one, a posting names the guards that it needs for each", () => {
  const predicate = 7 as PredicateId;
  const texts = Array.from({ length: 40 }, (_, number) => "a".repeat(4 + number));
  const byText = new Map(
    texts.map((text, number) => [text, [{ predicate, guards: 4n + (number % 2 === 0 ? 1n : 2n) }]]),
  );
  const { table, mask, view, at, base } = tablesOf(byText);
  const guards: bigint[] = [];
  for (let entry = 0; entry <= mask; entry++) {
    const list = at(table + entry * GRAM_ENTRY_BYTES + GRAM_ENTRY_LITERALS);
    if (list === 0) continue;
    for (let number = 0; number < at(list + GRAM_LITERALS_COUNT); number++) {
      const found = at(list + GRAM_LITERALS_BYTES + number * LITERAL_BYTES + LITERAL_POSTINGS);
      assert.equal(at(found + POSTINGS_COUNT), 1);
      assert.equal(at(found + POSTINGS_BYTES + POSTING_PREDICATE), predicate);
      guards.push(view.getBigUint64(found + POSTINGS_BYTES + POSTING_GUARDS - base, true));
    }
  }
  // The last one stands for all that found no room.
  assert.equal(guards, [5n, 6n, 5n, 6n, 4n]);
});

test.run();
