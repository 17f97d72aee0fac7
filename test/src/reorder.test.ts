// The reorder buffer: what it delivers is a function of the records alone, sorted but for late ones, and bounded.

import { compareEvents } from "@kestrel/runtime/event/stream-event";
import { createReorder, type OrderedRecord, type Reorder, type ReorderOptions } from "@kestrel/runtime/order/reorder";
import { suite } from "uvu";
import * as assert from "uvu/assert";

function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return Math.floor(((state >>> 0) / 4294967296) * below);
  };
}

/** Records in arrival order; some watermarks are ahead of any record, as events that were never pushed leave them. */
function randomRecords(random: (below: number) => number, count: number): OrderedRecord[] {
  const records: OrderedRecord[] = [];
  let now = 1000n;
  let watermark = 0n;
  for (let ordinal = 0; ordinal < count; ordinal++) {
    now += BigInt(random(3));
    const ts = random(3) === 0 ? now - BigInt(random(12)) : now;
    const seen = random(10) === 0 ? ts + BigInt(random(4)) : ts;
    if (seen > watermark) watermark = seen;
    records.push({ ts, tie: random(2) === 0 ? null : BigInt(random(3)), ordinal, watermark });
  }
  return records;
}

interface Delivery {
  readonly ordinal: number;
  readonly late: boolean;
}

/** A buffer whose due records are taken at once. */
function createDelivering(
  options: ReorderOptions,
  onRecord: (record: OrderedRecord, late: boolean) => void,
): Omit<Reorder<OrderedRecord>, "next"> {
  const reorder = createReorder<OrderedRecord>(options);
  const drain = (): void => {
    const { latenessNs } = options;
    for (let record = reorder.next(); record !== null; record = reorder.next()) {
      onRecord(record, latenessNs !== null && record.ts < record.watermark - latenessNs);
    }
  };
  return {
    push(record) {
      reorder.push(record);
      drain();
    },
    advance(watermark) {
      reorder.advance(watermark);
      drain();
    },
    finish() {
      reorder.finish();
      drain();
    },
    counters: reorder.counters,
  };
}

function deliver(
  records: readonly OrderedRecord[],
  latenessNs: bigint | null,
  capacity: number | undefined,
  beforePush: (advance: (watermark: bigint) => void, record: OrderedRecord) => void,
): { deliveries: Delivery[]; late: number; overflowed: number } {
  const deliveries: Delivery[] = [];
  const reorder = createDelivering({ latenessNs, ...(capacity === undefined ? {} : { capacity }) }, (record, late) =>
    deliveries.push({ ordinal: record.ordinal, late }),
  );
  for (const record of records) {
    beforePush(reorder.advance, record);
    reorder.push(record);
    assert.ok(reorder.counters().waiting <= (capacity ?? records.length));
  }
  reorder.finish();
  const { late, overflowed, waiting } = reorder.counters();
  assert.is(waiting, 0);
  return { deliveries, late, overflowed };
}

const test = suite("reorder");

test("sorts by timestamp, tiebreaker with a missing one last, arrival", () => {
  const record = (ordinal: number, ts: bigint, tie: bigint | null) => ({ ordinal, ts, tie, watermark: 5n });
  const records = [record(0, 5n, null), record(1, 5n, 2n), record(2, 5n, 1n), record(3, 4n, 9n), record(4, 5n, 1n)];
  const { deliveries } = deliver(records, null, undefined, () => {});
  assert.equal(
    deliveries.map((one) => one.ordinal),
    [3, 2, 4, 1, 0],
  );
});

test("releases below the floor, and keeps what lies on it", () => {
  const out: number[] = [];
  const reorder = createDelivering({ latenessNs: 10n }, (record) => out.push(record.ordinal));
  reorder.push({ ordinal: 0, ts: 100n, tie: 5n, watermark: 100n });
  reorder.push({ ordinal: 1, ts: 110n, tie: null, watermark: 110n });
  assert.equal(out, []);
  reorder.push({ ordinal: 2, ts: 100n, tie: 4n, watermark: 110n });
  reorder.advance(111n);
  assert.equal(out, [2, 0]);
  reorder.finish();
  assert.equal(out, [2, 0, 1]);
});

test("late records are handed on at once, behind what they were too late for", () => {
  const { deliveries, late } = deliver(
    [
      { ordinal: 0, ts: 100n, tie: null, watermark: 100n },
      { ordinal: 1, ts: 99n, tie: null, watermark: 150n },
      { ordinal: 2, ts: 140n, tie: null, watermark: 150n },
    ],
    10n,
    undefined,
    () => {},
  );
  assert.equal(deliveries, [
    { ordinal: 0, late: false },
    { ordinal: 1, late: true },
    { ordinal: 2, late: false },
  ]);
  assert.is(late, 1);
});

test("an overflow releases the earliest and is counted", () => {
  const records = [5n, 3n, 4n, 1n].map((ts, ordinal) => ({ ordinal, ts, tie: null, watermark: 5n }));
  const { deliveries, overflowed } = deliver(records, null, 2, () => {});
  assert.equal(
    deliveries.map((one) => one.ordinal),
    [1, 3, 2, 0],
  );
  assert.is(overflowed, 2);
});

test("delivery does not depend on how often time is advanced", () => {
  let late = 0;
  let overflowed = 0;
  for (let seed = 1; seed <= 500; seed++) {
    const random = createRandom(seed);
    const records = randomRecords(random, 80);
    const latenessNs = random(8) === 0 ? null : BigInt(random(10));
    const capacity = random(3) === 0 ? 1 + random(6) : undefined;
    const plain = deliver(records, latenessNs, capacity, () => {});
    const often = deliver(records, latenessNs, capacity, (advance, record) => {
      for (let times = random(3); times > 0; times--) advance(record.watermark - BigInt(random(6)));
      if (random(2) === 0) advance(record.watermark);
    });
    assert.equal(often, plain, `seed ${seed}`);
    late += plain.late;
    overflowed += plain.overflowed;
  }
  assert.ok(late > 500 && overflowed > 500);
});

test("what is not late comes out sorted, and late is what lies below the floor", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = createRandom(seed);
    const records = randomRecords(random, 80);
    const latenessNs = BigInt(random(14));
    const { deliveries } = deliver(records, latenessNs, undefined, () => {});
    const isLate = (record: OrderedRecord): boolean => record.ts < record.watermark - latenessNs;
    const sorted = records.filter((record) => !isLate(record)).sort(compareEvents);
    assert.equal(
      deliveries.filter((one) => !one.late).map((one) => one.ordinal),
      sorted.map((record) => record.ordinal),
      `seed ${seed}`,
    );
    assert.equal(
      deliveries.filter((one) => one.late).map((one) => one.ordinal),
      records.filter(isLate).map((record) => record.ordinal),
      `seed ${seed}`,
    );
  }
});

test("a long stream, mostly in order, passes through whole", () => {
  const random = createRandom(7);
  const records = randomRecords(random, 30_000);
  for (const latenessNs of [12n, 9000n, null]) {
    const { deliveries, late } = deliver(records, latenessNs, undefined, () => {});
    assert.is(late, records.filter((one) => latenessNs !== null && one.ts < one.watermark - latenessNs).length);
    const sorted = [...records].sort(compareEvents).map((record) => record.ordinal);
    if (late === 0)
      assert.equal(
        deliveries.map((one) => one.ordinal),
        sorted,
      );
    else assert.is(deliveries.length, records.length);
  }
});

test("gives what is due one by one, and takes nothing new before", () => {
  const reorder = createReorder<OrderedRecord>({ latenessNs: 10n });
  const push = (ordinal: number, ts: bigint): void => reorder.push({ ordinal, ts, tie: null, watermark: ts });
  push(0, 100n);
  assert.throws(() => push(1, 101n), /still due/);
  assert.is(reorder.next(), null);
  push(1, 101n);
  assert.is(reorder.next(), null);
  push(2, 200n);
  assert.equal([reorder.next()?.ordinal, reorder.next()?.ordinal], [0, 1]);
  assert.is(reorder.counters().waiting, 0);
  assert.is(reorder.next(), null);
  assert.is(reorder.counters().waiting, 1);
  reorder.finish();
  assert.equal([reorder.next()?.ordinal, reorder.next()], [2, null]);
  push(3, 5n);
  assert.is(reorder.next(), null);
  assert.is(reorder.counters().late, 0);
});

test("refuses limits that make no sense", () => {
  assert.throws(() => createReorder({ latenessNs: -1n }), RangeError);
  assert.throws(() => createReorder({ latenessNs: null, capacity: 0 }), RangeError);
});

test.run();
