// Process trees: the runtime against a model that goes through a list, and what hostile streams can do to it.

import type { StageMatch } from "@kestrel/runtime/event/stream-event";
import { createLineage, type LineageCounters } from "@kestrel/runtime/lineage/lineage";
import { createTree } from "@kestrel/runtime/lineage/tree";
import type { LateTest, LineageProgram } from "@kestrel/stdlib/sequence-tables";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { lineageModel, type TreeEvent } from "./support/lineage-model.js";

const test = suite("lineage");
const MINUTE = 60_000_000_000n;
const [FEED, STARTS, ENDS, PROCESSES, RESETS, FIRST_QUERY] = [0, 1, 2, 3, 4, 5];

function programOf(
  dialect: LineageProgram["dialect"],
  relations: readonly LineageProgram["queries"][number]["relation"][],
): LineageProgram {
  const isElastic = dialect === "elastic";
  return {
    dialect,
    feed: FEED,
    starts: STARTS,
    ends: ENDS,
    processes: isElastic ? null : PROCESSES,
    resets: isElastic ? null : RESETS,
    queries: relations.map((relation, at) => ({
      flag: at * 2,
      relation,
      predicate: FIRST_QUERY + at,
      late: at % 2 === 1 ? { predicate: 100 + at, stages: [] } : null,
    })),
  };
}

const part = (id: string | null): string => id ?? "null";

function keyOf(dialect: LineageProgram["dialect"], { own, parent }: TreeEvent): string {
  const parts = dialect === "elastic" ? [part(own), "null", part(parent), "null", "null"] : [part(own), part(parent)];
  return parts.join("\n");
}

interface Fed {
  readonly ts: bigint;
  lineage: Uint8Array | null;
  readonly lates: readonly boolean[];
}

/** A tree that is fed as the detector feeds it. */
function runtimeOf(
  program: LineageProgram,
  capacity?: number,
): { take(event: TreeEvent): number[]; counters(): LineageCounters } {
  const asked = (late: LateTest, event: Fed): boolean => event.lates[late.predicate - 100] === true;
  const lineage = createLineage<Fed>([program], asked, capacity);
  return {
    take(event) {
      const fed: Fed = { ts: event.ts, lineage: null, lates: event.lates };
      const held = [true, event.start, event.end, event.process, event.reset, ...event.queries];
      const matches = held.flatMap((holds, predicate): StageMatch[] =>
        holds ? [{ predicate, keys: predicate === FEED ? [keyOf(program.dialect, event)] : [""] }] : [],
      );
      lineage.update(fed, matches);
      return [...(fed.lineage ?? [])].flatMap((flag, at) => (flag === 1 ? [at] : []));
    },
    counters: () => lineage.counters(),
  };
}

function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return Math.floor(((state >>> 0) / 4294967296) * below);
  };
}

function randomEvent(random: (below: number) => number, ts: bigint, queries: number, isElastic: boolean): TreeEvent {
  const ids = ['"a"', '"b"', '"c"', '"d"', "0", "4"];
  const id = (): string | null => ids[random(ids.length + 1)] ?? null;
  const process = isElastic || random(3) > 0;
  return {
    ts,
    own: id(),
    parent: random(3) === 0 ? null : id(),
    start: process && random(3) === 0,
    end: process && random(4) === 0,
    process,
    reset: process && random(40) === 0,
    queries: Array.from({ length: queries }, () => random(4) === 0),
    lates: Array.from({ length: queries }, () => random(2) === 0),
  };
}

for (const dialect of ["elastic", "endgame"] as const) {
  test(`${dialect}: agrees with the model, ages, caps and late events included`, () => {
    let flags = 0;
    let forgotten = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const random = createRandom(seed * 77);
      const relations = Array.from(
        { length: 1 + random(4) },
        () => (["event", "child", "descendant"] as const)[random(3)] ?? "event",
      );
      const program = programOf(dialect, relations);
      const capacity = random(2) === 0 ? 3 : 100;
      const [runtime, model] = [runtimeOf(program, capacity), lineageModel(program, capacity)];
      let ts = 0n;
      for (let step = 0; step < 60; step++) {
        ts += BigInt(random(20)) * MINUTE;
        // A process that is over but stands behind another still counts for the cap, so the two are not mixed.
        const late = capacity === 100 && random(5) === 0 ? BigInt(random(40)) * MINUTE : 0n;
        const event = randomEvent(random, ts - late, relations.length, dialect === "elastic");
        const expected = model.take(event);
        assert.equal(runtime.take(event), expected, `seed ${seed}, step ${step}`);
        flags += expected.length;
      }
      // Now nothing that has ended can hide behind another any more.
      const last = { ...randomEvent(random, ts + 1000n * MINUTE, relations.length, false), own: null };
      model.take(last);
      runtime.take(last);
      const counters = runtime.counters();
      assert.is(counters.known, model.known(), `seed ${seed}`);
      forgotten += counters.forgottenForCap;
    }
    assert.ok(flags > 5000 && forgotten > 100, `${flags} flags, ${forgotten} forgotten`);
  });
}

for (const dialect of ["elastic", "endgame"] as const) {
  test(`${dialect}: what is not reached by a mark that it asks for has no such flag, and is not missed by others`, () => {
    let spared = 0;
    let reachedInVain = 0;
    let flagged = 0;
    let shared = 0;
    let untold = 0;
    for (let seed = 1; seed <= 500; seed++) {
      const random = createRandom(seed * 131);
      const relations = (["descendant", "child", "event"] as const).slice(0, 1 + random(3));
      const program = programOf(dialect, relations);
      const capacity = pickOf(random, [100, 100, 8]);
      const rarely = pickOf(random, [3, 20, 60]);
      const names = pickOf(random, [20, 5]);
      const events = Array.from({ length: 60 }, (_, at): TreeEvent => {
        const event = randomEvent(random, BigInt(at * 3) * MINUTE, relations.length, dialect === "elastic");
        const isPlain = random(2) === 0;
        return {
          ...event,
          own: random(8) === 0 ? event.own : `"${random(names)}"`,
          parent: random(2) === 0 ? null : `"${random(names)}"`,
          ...(isPlain ? { start: false, end: false, process: false, reset: false } : {}),
          queries: event.queries.map(() => !isPlain && random(rarely) === 0),
        };
      });
      const isAsked = (flag: number): boolean => flag !== 2 || seed % 2 === 0;
      const reach = createLineage<Fed>([program], () => false, capacity).reach;
      const marksOf = ({ queries }: TreeEvent): readonly number[] =>
        queries.flatMap((held, at) => (held ? [2 * at] : []));
      const asksFor = events.map((): readonly number[] => [0, 2, 4].filter(() => random(3) === 0));
      // In any order.
      const isPlain = ({ start, end, process, reset, queries }: TreeEvent): boolean =>
        !(start || end || process || reset || queries.includes(true));
      const changesAll = ({ process, reset }: TreeEvent): boolean => dialect === "endgame" && (process || reset);
      const slots: number[] = [];
      const kinds = new Map<string, number>();
      const kindOf = (slot: number): number => kinds.get(kindName(slot)) ?? -1;
      const kindName = (slot: number): string => `${asksFor[slot]} ${events[slot] && keyOf(dialect, events[slot])}`;
      const asks: (readonly number[] | undefined)[] = [];
      for (const event of events.toSorted(() => random(3) - 1)) {
        const slot = events.indexOf(event);
        if (!isPlain(event)) reach.note(keyOf(dialect, event), marksOf(event), event.end ? event.ts : null);
        else slots.push(slot);
        if (!isPlain(event) || kinds.has(kindName(slot))) continue;
        reach.notePlain(keyOf(dialect, event), kinds.size);
        asks.push(asksFor[slot]);
        kinds.set(kindName(slot), kinds.size);
      }
      shared += slots.length - kinds.size;
      const { has, plainOf } = reach.reachedBy(isAsked);
      const reached = new Set(
        plainOf({
          slots,
          kindOf,
          asksFor: (kind, flags) => asks[kind]?.some((flag) => flags[flag] === 1) === true,
          compare: (a, b) => a - b,
          time: (slot) => events[slot]?.ts ?? 0n,
        }),
      );
      const [all, few] = [runtimeOf(program, capacity), runtimeOf(program, capacity)];
      for (const [at, event] of events.entries()) {
        const asked = all.take(event).filter(isAsked);
        if (isPlain(event) && !reached.has(at)) {
          assert.equal(
            asked.filter((flag) => asksFor[at]?.includes(flag)),
            [],
            `seed ${seed}`,
          );
          spared++;
          if (asked.length > 0) reachedInVain++;
        } else if (!isPlain(event) && !changesAll(event) && !has(keyOf(dialect, event))) {
          // Nobody is told of it.
          assert.equal(asked, [], `seed ${seed}`);
          untold++;
        } else {
          assert.equal(few.take(event).filter(isAsked), asked, `seed ${seed}`);
          flagged += asked.length;
        }
      }
    }
    assert.ok(
      spared > 1000 && flagged > 500 && reachedInVain > 20 && shared > 500 && untold > 20,
      `${spared} spared, ${flagged} flags, ${reachedInVain} reached by others, ${shared} of a kind, ${untold} untold`,
    );
  });
}

function pickOf<Item>(random: (below: number) => number, items: readonly [Item, ...Item[]]): Item {
  return items[random(items.length)] ?? items[0];
}

const PLAIN = {
  ts: 0n,
  own: null,
  parent: null,
  start: false,
  end: false,
  process: true,
  reset: false,
  queries: [],
  lates: [],
};

test("an hour after its end a process is forgotten, and counted", () => {
  const runtime = runtimeOf(programOf("elastic", ["event"]));
  runtime.take({ ...PLAIN, own: '"a"', queries: [true], end: true });
  assert.equal(runtime.take({ ...PLAIN, own: '"a"', ts: 60n * MINUTE }), [0]);
  assert.equal(runtime.counters(), { known: 1, forgottenForCap: 0, forgottenForAge: 0 });
  assert.equal(runtime.take({ ...PLAIN, own: '"a"', ts: 60n * MINUTE + 1n }), []);
  assert.equal(runtime.counters(), { known: 0, forgottenForCap: 0, forgottenForAge: 1 });
});

test("a process is found by entity id, else by host and pid; hosts are told apart", () => {
  const lineage = createLineage<Fed>([programOf("elastic", ["child"])], () => false);
  const flagged = (key: readonly string[], more: readonly number[]): boolean => {
    const event: Fed = { ts: 0n, lineage: null, lates: [] };
    lineage.update(
      event,
      [FEED, ...more].map((predicate) => ({ predicate, keys: [key.join("\n")] })),
    );
    return event.lineage !== null;
  };
  flagged(["null", "1", "null", "null", '"h"'], [FIRST_QUERY]);
  assert.ok(flagged(["null", "2", "null", "1", '"h"'], [STARTS]));
  assert.not(flagged(["null", "3", "null", "1", '"i"'], [STARTS]));
  assert.not(flagged(["null", "4", "null", "1", "null"], [STARTS]));
  assert.not(flagged(["null", "5", '"e"', "1", '"h"'], [STARTS]), "a parent with an entity id is found by that");
  assert.ok(flagged(['"x"', "6", "null", "1", '"h"'], [STARTS]));
  assert.ok(flagged(['"x"', "null", "null", "null", "null"], []));
});

test("two dialects keep trees of their own and share the flags", () => {
  const elastic = programOf("elastic", ["event"]);
  const endgame = { ...programOf("endgame", ["event"]), feed: 50 };
  const programs = [
    elastic,
    { ...endgame, queries: [{ flag: 3, relation: "event", predicate: 51, late: null } as const] },
  ];
  const lineage = createLineage<Fed>(programs, () => false);
  const event: Fed = { ts: 0n, lineage: null, lates: [] };
  lineage.update(event, [
    { predicate: FEED, keys: ['"a"\nnull\nnull\nnull\nnull'] },
    { predicate: FIRST_QUERY, keys: [""] },
    { predicate: 50, keys: ["7\nnull"] },
    { predicate: 51, keys: [""] },
  ]);
  assert.equal(event.lineage, Uint8Array.of(1, 0, 0, 1));
  lineage.update(event, [{ predicate: 50, keys: ["7\nnull"] }]);
  assert.equal(event.lineage, Uint8Array.of(0, 0, 0, 1));
  lineage.update(event, []);
  assert.is(event.lineage, null);
});

test("processes that start and end without end are bounded, whatever they are called", () => {
  const tree = createTree(2, 1000, 60n * MINUTE);
  for (let at = 0; at < 200_000; at++) {
    const process = tree.open(at % 3 === 0 ? "again" : `p${at}`, BigInt(at));
    tree.end(process, BigInt(at));
    if (at % 3 === 0) tree.forget(process);
    if (at % 1000 === 0) assert.ok(tree.known <= 1000);
  }
  assert.is(tree.known, 1000);
  assert.ok(tree.forgottenForCap > 130_000);
  assert.is(tree.find("p199999", 1_000n * MINUTE), undefined);
  assert.is(tree.known, 999);
  assert.is(tree.forgottenForAge, 1);
});

test("at the cap what has ended goes first, and the living stay", () => {
  const tree = createTree(1, 100, 60n * MINUTE);
  const living = Array.from({ length: 50 }, (_, at) => `living ${at}`);
  for (const id of living) tree.open(id, 0n);
  for (let at = 0; at < 10_000; at++) tree.end(tree.open(`short ${at}`, 0n), 0n);
  for (const id of living) assert.is(tree.find(id, 0n)?.id, id);
  assert.is(tree.forgottenForCap, 10_000 - 50);
  for (let at = 0; at < 51; at++) tree.open(`new ${at}`, 0n);
  assert.is(tree.find("living 0", 0n), undefined, "when none has ended, the one that became known first goes");
  assert.is(tree.find("living 1", 0n)?.id, "living 1");
});

test("the clock of another host ends no process", () => {
  const runtime = runtimeOf(programOf("elastic", ["child"]));
  runtime.take({ ...PLAIN, own: '"parent"', queries: [true], end: true });
  runtime.take({ ...PLAIN, own: '"far ahead"', ts: 1_000_000n * MINUTE });
  const child = { ...PLAIN, own: '"c"', parent: '"parent"', start: true, queries: [false], ts: MINUTE };
  assert.equal(runtime.take(child), [0]);
});

test("a process may be its own parent", () => {
  const runtime = runtimeOf(programOf("endgame", ["child", "descendant"]));
  runtime.take({ ...PLAIN, own: "7", queries: [true, false] });
  assert.equal(runtime.take({ ...PLAIN, own: "7", parent: "7", start: true, queries: [false, false] }), [0]);
});

test("the idle process is never marked, and a cap below one is refused", () => {
  const runtime = runtimeOf(programOf("endgame", ["event"]));
  assert.equal(runtime.take({ ...PLAIN, own: "0", queries: [true] }), []);
  assert.throws(() => runtimeOf(programOf("elastic", ["event"]), 0), RangeError);
});

test.run();
