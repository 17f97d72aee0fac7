// The orders that events wait in: what they give is a function of the events alone.

import { compareEvents } from "@kestrel/runtime/event/stream-event";
import { type ClockedEvent, createKeyOrder } from "@kestrel/runtime/order/key-order";
import { oldestOf } from "@kestrel/runtime/order/oldest";
import { add, countOf, createSortedQueue, first, removeFirst } from "@kestrel/runtime/order/sorted-queue";
import { suite } from "uvu";
import * as assert from "uvu/assert";

function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return Math.floor(((state >>> 0) / 4294967296) * below);
  };
}

/** Events in order of arrival, mostly in order of time too. */
function randomEvents(random: (below: number) => number, count: number): ClockedEvent[] {
  const events: ClockedEvent[] = [];
  let now = 1000n;
  let clock = 0n;
  for (let ordinal = 0; ordinal < count; ordinal++) {
    now += BigInt(random(3));
    clock += BigInt(random(3));
    const ts = random(3) === 0 ? now - BigInt(random(12)) : now;
    events.push({ ts, tie: random(2) === 0 ? null : BigInt(random(3)), ordinal, clock });
  }
  return events;
}

const queues = suite("sorted queue");

queues("gives the earliest first, whatever comes in between", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = createRandom(seed);
    const queue = createSortedQueue<ClockedEvent>(compareEvents);
    let waiting: ClockedEvent[] = [];
    for (const event of randomEvents(random, 200)) {
      add(queue, event);
      waiting.push(event);
      for (let take = random(3); take > 0 && waiting.length > 0; take--) {
        waiting.sort(compareEvents);
        assert.is(first(queue), waiting[0]);
        assert.is(removeFirst(queue), waiting[0]);
        waiting = waiting.slice(1);
      }
      assert.is(countOf(queue), waiting.length);
    }
    waiting.sort(compareEvents);
    for (const event of waiting) assert.is(removeFirst(queue), event);
    assert.is(countOf(queue), 0);
    assert.is(removeFirst(queue), undefined);
  }
});

queues("what came first is found among what was deleted and came again", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const below = createRandom(seed);
    const values = new Set<number>();
    for (let step = 0; step < 2_000; step++) {
      const value = below(50);
      const [first] = values;
      switch (below(5)) {
        case 0:
          assert.is(oldestOf(values), first);
          if (first !== undefined) values.delete(first);
          break;
        case 1:
          values.delete(value);
          break;
        case 2:
          if (below(100) === 0) values.clear();
          break;
        default:
          values.delete(value);
          values.add(value);
      }
    }
  }
});

queues("a flood that stands in reverse costs no more than a sort", () => {
  const queue = createSortedQueue<ClockedEvent>(compareEvents);
  const count = 200_000;
  for (let at = 0; at < count; at++) add(queue, { ordinal: at, ts: BigInt(count - at), tie: null, clock: 0n });
  for (let at = 1; at <= count; at++) assert.is(removeFirst(queue)?.ts, BigInt(at));
});
queues.run();

const orders = suite("order by key");
const KEYS = ["x", "y", "z"];

interface Given {
  readonly group: number;
  readonly key: string;
  readonly ordinal: number;
}

/** Runs events through; the clock is told between them where `isToldOften` says so. */
function deliver(
  events: readonly ClockedEvent[],
  sharesOf: (event: ClockedEvent) => readonly (readonly [group: number, key: string])[],
  latenessNs: bigint,
  isToldOften: () => boolean,
): Given[] {
  const order = createKeyOrder<ClockedEvent>(latenessNs);
  const given: Given[] = [];
  const advance = (clock: bigint): void => {
    for (let due = order.dueAt(); due !== null && due < clock; due = order.dueAt()) take();
  };
  const take = (): void => {
    const share = order.next();
    if (share !== null) given.push({ group: share.group, key: share.key, ordinal: share.event.ordinal });
  };
  let before = 0n;
  for (const event of events) {
    for (let clock = before; clock <= event.clock; clock++) if (isToldOften()) advance(clock);
    before = event.clock;
    advance(event.clock);
    for (const [group, key] of sharesOf(event)) order.push(group, key, event);
  }
  while (order.size > 0) take();
  assert.is(order.next(), null);
  assert.is(order.dueAt(), null);
  return given;
}

orders("gives each key its events sorted, when none comes later than the lateness", () => {
  let outOfOrder = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const random = createRandom(seed);
    const events = randomEvents(random, 120);
    const shares = events.map(() => KEYS.filter(() => random(2) === 0).map((key) => [random(2), key] as const));
    const sharesOf = (event: ClockedEvent) => shares[event.ordinal] ?? [];
    const given = deliver(events, sharesOf, 200n, () => false);
    assert.is(given.length, shares.flat().length);
    for (const group of [0, 1]) {
      for (const key of KEYS) {
        const own = given.filter((one) => one.group === group && one.key === key).map(({ ordinal }) => events[ordinal]);
        assert.equal(
          own,
          [...own].sort((a, b) => (a && b ? compareEvents(a, b) : 0)),
        );
        outOfOrder += own.filter((event, at) => (event?.ordinal ?? 0) < (own[at - 1]?.ordinal ?? 0)).length;
      }
    }
  }
  assert.ok(outOfOrder > 1000);
});

orders("gives the same however often the clock is told", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = createRandom(seed);
    const events = randomEvents(random, 120);
    const shares = events.map(() => KEYS.filter(() => random(2) === 0).map((key) => [random(2), key] as const));
    const sharesOf = (event: ClockedEvent) => shares[event.ordinal] ?? [];
    for (const latenessNs of [0n, 3n, 10n]) {
      const plain = deliver(events, sharesOf, latenessNs, () => false);
      assert.equal(
        deliver(events, sharesOf, latenessNs, () => random(2) === 0),
        plain,
        `seed ${seed}`,
      );
    }
  }
});

orders("one key does not wait for another, whatever its times are", () => {
  const order = createKeyOrder<ClockedEvent>(10n);
  const event = (ordinal: number, ts: bigint, clock: bigint) => ({ ordinal, ts, tie: null, clock });
  const first = event(1, 5_000n, 0n);
  const second = event(2, 90n, 5n);
  const third = event(3, 80n, 8n);
  order.push(0, "ahead", first);
  order.push(0, "behind", second);
  order.push(0, "behind", third);
  assert.is(order.dueAt(), 10n);
  assert.is(order.next()?.event, first);
  assert.is(order.dueAt(), 15n);
  assert.is(order.next()?.event, third);
  assert.is(order.next()?.event, second);
  assert.is(order.dueAt(), null);
});

orders("gives what stands before an event of its key out of turn", () => {
  const order = createKeyOrder<ClockedEvent>(10n);
  const event = (ordinal: number, ts: bigint) => ({ ordinal, ts, tie: null, clock: 0n });
  const [a, b, c] = [event(1, 5n), event(2, 3n), event(3, 9n)];
  for (const one of [a, b, c]) order.push(1, "host", one);
  assert.is(order.nextUpTo(1, "other", a), null);
  assert.is(order.nextUpTo(1, "host", a)?.event, b);
  assert.is(order.nextUpTo(1, "host", a)?.event, a);
  assert.is(order.nextUpTo(1, "host", a), null);
  assert.is(order.size, 1);
  assert.is(order.next()?.event, c);
  assert.is(order.next(), null);
});

orders("a negative lateness is refused", () => {
  assert.throws(() => createKeyOrder(-1n), RangeError);
});
orders.run();
