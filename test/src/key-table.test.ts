// What the sequence engine keeps, as tables of words: keys against a Map, whatever their hashes; entries and events against lists.

import { randomFillSync } from "node:crypto";
import { createEvidence } from "@kestrel/runtime/event/evidence";
import { createHashFactors, hashBytes } from "@kestrel/runtime/event/key-hash";
import type { StreamEvent } from "@kestrel/runtime/event/stream-event";
import {
  append,
  behindOf,
  createChain,
  createEntryTable,
  expiresOf,
  freeEntry,
  IN_SPAN,
  insertBefore,
  keepAsLong,
  leaveRing,
  setExpires,
  takeEntry,
  unlink,
  wordOf,
} from "@kestrel/runtime/sequence/entry-table";
import { createEventLists, freeList, newestOf, restOf, withEvent } from "@kestrel/runtime/sequence/event-lists";
import { addKey, createKeyTable, findKey, HEAD, keyText, removeKey, want } from "@kestrel/runtime/sequence/key-table";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";

const tables = suite("sequence memory");

/** Adds and removes keys at random, and compares with a Map after each step; `many` is about how many stay. */
function compareWithMap(seed: number, steps: number, many: number, fill?: (factors: Int32Array) => void): void {
  const { below, pick } = createRandom(seed);
  const model = new Map<string, { readonly program: number; readonly key: string; place: number }>();
  const byHead = new Map<number, string>();
  const table = createKeyTable(
    3,
    (head, place) => {
      const found = model.get(byHead.get(head) ?? "");
      assert.ok(found !== undefined, "a record moves that nobody has");
      found.place = place;
    },
    fill,
  );
  let holes = 0;
  for (let step = 1; step <= steps; step++) {
    const program = below(3);
    const key = `${pick(["", "k", "é", "\u{1f600}", "w".repeat(300)])}${below(many)}`;
    const id = `${program} ${key}`;
    want(table, key);
    const place = findKey(table, program);
    const expected = model.get(id);
    assert.is(place, expected?.place ?? 0);
    if (expected !== undefined) {
      removeKey(table, place);
      model.delete(id);
    } else {
      const made = { program, key, place: 0 };
      model.set(id, made);
      byHead.set(step, id);
      made.place = addKey(table, program);
      table.words[made.place + HEAD] = step;
    }
    holes = Math.max(holes, table.holes);
    assert.is(table.index.size, model.size);
  }
  for (const { program, key, place } of model.values()) {
    want(table, key);
    assert.is(findKey(table, program), place);
    assert.is(keyText(table, place), key);
  }
  assert.ok(holes > 0);
}

tables("keys are found where they are, through growth, wrap and moves", () => {
  for (let seed = 1; seed <= 20; seed++) compareWithMap(seed, 4_000, 10 + seed * 20);
});

tables("keys whose hashes are all equal are told apart by their bytes", () => {
  for (let seed = 1; seed <= 3; seed++) {
    compareWithMap(seed, 1_500, 60, (factors) => factors.fill(0));
    // All at the last slot, so that every run of slots wraps.
    compareWithMap(seed, 1_500, 60, (factors) => {
      factors.fill(0);
      factors[0] = -1;
    });
  }
});

tables("a flood of keys that come and go takes the memory of those that stay", () => {
  const table = createKeyTable(1, () => undefined);
  for (let at = 0; at < 200_000; at++) {
    want(table, `key ${at}`);
    table.words[addKey(table, 0) + HEAD] = 1;
    want(table, `key ${at - 100}`);
    const place = findKey(table, 0);
    if (place !== 0) removeKey(table, place);
  }
  assert.is(table.index.size, 100);
  assert.is(table.index.slots.length, 512);
  assert.ok(table.words.length <= 8_192, `${table.words.length} words`);
});

tables("keys that differ in one byte, in length or in a block have hashes of their own", () => {
  const factors = createHashFactors(randomFillSync);
  const hashes = new Set<number>();
  const keys = new Set<string>();
  for (const length of [0, 1, 2, 254, 255, 256, 510, 511, 2_000]) {
    for (let at = 0; at < Math.min(length, 300); at++) {
      const bytes = Buffer.alloc(length);
      bytes[at] = 1 + (at % 255);
      hashes.add(hashBytes(factors, bytes, 0, length) >>> 7);
      keys.add(bytes.toString("latin1"));
    }
  }
  // Of 1,400 keys a million pairs, each equal once in 2^24.
  assert.ok(keys.size - hashes.size <= 2, `${keys.size - hashes.size} of ${keys.size} collide`);
});

tables("entries keep their order in chains and rings, and numbers are used again", () => {
  const { below } = createRandom(7);
  const table = createEntryTable(1_000);
  const chain = createChain();
  let order: number[] = [];
  let ring: number[] = [];
  let greatest = 0;
  for (let step = 0; step < 3_000; step++) {
    if (order.length === 0 || (order.length < 200 && below(2) === 0)) {
      const entry = takeEntry(table);
      assert.not(order.includes(entry));
      append(table, chain, entry, IN_SPAN);
      order.push(entry);
      const at = below(ring.length + 1);
      insertBefore(table, entry, ring[at] ?? ring[0] ?? 0);
      ring = [...ring.slice(0, at), entry, ...ring.slice(at)];
      greatest = Math.max(greatest, entry);
    } else {
      const entry = order[below(order.length)] ?? 0;
      unlink(table, chain, entry, IN_SPAN);
      leaveRing(table, entry);
      freeEntry(table, entry);
      order = order.filter((other) => other !== entry);
      ring = ring.filter((other) => other !== entry);
    }
    const chained: number[] = [];
    for (let at = chain.oldest; at !== 0; at = table.words[wordOf(at, IN_SPAN) + 1] ?? 0) chained.push(at);
    assert.equal([chained, chain.size, chain.newest], [order, order.length, order[order.length - 1] ?? 0]);
    assert.equal(
      ring.map((entry) => behindOf(table, entry)),
      ring.map((_, at) => ring[(at + 1) % ring.length] ?? 0),
    );
  }
  assert.ok(greatest <= 200, `${greatest} numbers for 200 entries`);
});

tables("an entry expires with another that expires later, whatever the 64 bits of the two are", () => {
  const table = createEntryTable(10);
  const [own, other] = [takeEntry(table), takeEntry(table)];
  const edges = [
    -(1n << 63n),
    -(1n << 32n),
    -(1n << 31n),
    0n,
    1n << 31n,
    1n << 32n,
    (1n << 62n) + (1n << 31n),
    (1n << 63n) - 1n,
  ];
  const times = edges
    .flatMap((time) => [time - 1n, time, time + 1n])
    .filter((time) => BigInt.asIntN(64, time) === time);
  for (const time of times) {
    for (const before of times) {
      setExpires(table, own, time);
      setExpires(table, other, before);
      keepAsLong(table, own, other);
      assert.is(expiresOf(table, own), time > before ? time : before);
      assert.is(expiresOf(table, other), before);
    }
  }
});

tables("lists of events", () => {
  const lists = createEventLists();
  const read = (list: number): number[] => {
    const events: number[] = [];
    for (let left = list; left !== 0; left = restOf(lists, left)) events.unshift(newestOf(lists, left));
    return events;
  };
  for (let round = 0; round < 3; round++) {
    const made = Array.from({ length: 100 }, (_, at) => {
      let list = at + 1;
      for (let more = 0; more < at % 5; more++) list = withEvent(lists, list, 1_000 + more);
      return list;
    });
    for (const [at, list] of made.entries()) {
      assert.equal(read(list), [at + 1, ...Array.from({ length: at % 5 }, (_, more) => 1_000 + more)]);
    }
    for (const list of made) freeList(lists, list);
  }
  assert.is(lists.next, 200);
});

tables("events have one place while they are kept or noted, and count once while they are kept", () => {
  const evidence = createEvidence();
  const event = (ordinal: number): StreamEvent => ({ ordinal, ts: 0n, tie: null });
  const [first, second] = [event(1), event(2)];
  const place = evidence.keep(first);
  assert.is(evidence.keep(first), place);
  assert.is(evidence.note(first), place);
  const { bytes } = evidence;
  const other = evidence.note(second);
  assert.is(evidence.bytes, bytes);
  evidence.letGo(place);
  evidence.letGo(place);
  assert.is(evidence.bytes, 0);
  assert.is(evidence.at(place), first);
  evidence.forget(place);
  assert.throws(() => evidence.at(place), /no event is kept there/);
  assert.is(evidence.keep(event(3)), place);
  assert.is(evidence.at(other), second);
});

tables.run();
