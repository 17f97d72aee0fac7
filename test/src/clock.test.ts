// The clock of a stream, as the prelude keeps it, against a model that is written down from "The clock of a stream" in
// stdlib/src/abi.ts.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { createEvaluator } from "@kestrel/runtime/evaluate/evaluator";
import { createRecordReader } from "@kestrel/runtime/evaluate/records";
import type { MatchedEvent } from "@kestrel/runtime/event/stream-event";
import type { Package } from "@kestrel/runtime/load/load-package";
import { CLOCK_RETURN_AFTER } from "@kestrel/stdlib/abi";
import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import { TIME_UNITS, type TimeUnit } from "@kestrel/stdlib/time-units";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import { readEvent } from "./reference/interpret.js";
import { repositoryRoot } from "./support/repository.js";
import { compileForTest, ruleOf } from "./support/run-pack.js";

const test = suite("clock");

const MILLISECOND = 1_000_000n;
const MINUTE = 60_000_000_000n;
const HOUR = 60n * MINUTE;
const START = 1_767_225_600_000n * MILLISECOND;
const YEAR_2262 = 9_214_646_400_000n * MILLISECOND;
const BEFORE_EVERYTHING = -(1n << 63n);

/** Reads lines, and counts what was strange in all of them. */
interface Reading {
  events(text: string): MatchedEvent[];
  counters: ReturnType<typeof createEvaluator>["counters"];
}

async function everyEvent(): Promise<Reading> {
  const { pack } = await compileForTest([ruleOf("all", "any where true")], DEFAULT_OPTIONS);
  return createReading(pack);
}

function createReading(pack: Package): Reading {
  const evaluator = createEvaluator(pack);
  const reader = createRecordReader(pack.manifest.predicates, pack);
  return {
    events(text) {
      const events: MatchedEvent[] = [];
      for (const { output } of evaluator.evaluate(Buffer.from(text), { file: "f", firstLine: 1 }, 0)) {
        reader.open(output);
        for (let found = reader.next(); found !== null; found = reader.next()) events.push(reader.toEvent(found));
      }
      return events;
    },
    counters: evaluator.counters,
  };
}

/** Events with these times, whole milliseconds; null is an event without one. */
function read(over: Reading, times: readonly (bigint | null)[]): MatchedEvent[] {
  const lines = times.map((time) => (time === null ? "{}\n" : `{"@timestamp":${time / MILLISECOND}}\n`));
  return over.events(lines.join(""));
}

interface Model {
  readonly clocks: readonly bigint[];
  readonly leaps: number;
  readonly returns: number;
}

function model(times: readonly (bigint | null)[]): Model {
  const clocks: bigint[] = [];
  let [clock, leaps, returns] = [0n, 0, 0];
  let newest: bigint | null = null;
  let behind: bigint[] = [];
  for (const time of times) {
    if (time !== null) {
      if (newest === null) newest = time;
      else if (newest - time > MINUTE) {
        behind.push(time);
        if (behind.length === CLOCK_RETURN_AFTER) {
          newest = behind.reduce((a, b) => (a > b ? a : b));
          behind = [];
          returns++;
        }
      } else {
        behind = [];
        if (time - newest > MINUTE) {
          clock += MINUTE;
          leaps++;
        } else if (time > newest) clock += time - newest;
        if (time > newest) newest = time;
      }
    }
    clocks.push(clock);
  }
  return { clocks, leaps, returns };
}

test("one event from the future moves the clock by a step", async () => {
  const over = await everyEvent();
  const events = read(over, [START, START + MINUTE, YEAR_2262, START + 2n * MINUTE]);
  assert.equal(
    events.map(({ clock }) => clock),
    [0n, MINUTE, 2n * MINUTE, 2n * MINUTE],
  );
  const { leaps, returns, lastTime } = over.counters();
  assert.equal([leaps, returns, lastTime], [1, 0, YEAR_2262]);
});

test("a newest time that nobody else comes near is taken back", async () => {
  const over = await everyEvent();
  const steady = Array.from({ length: CLOCK_RETURN_AFTER + 10 }, (_, index) => START + BigInt(index) * MILLISECOND);
  const clocks = read(over, [START, YEAR_2262, ...steady]).map(({ clock }) => clock);
  assert.is(clocks[CLOCK_RETURN_AFTER + 1], MINUTE);
  assert.is(clocks.at(-1), MINUTE + 10n * MILLISECOND);
  assert.equal([over.counters().leaps, over.counters().returns], [1, 1]);
});

test("distances are exact from the first time to the last", async () => {
  const over = await everyEvent();
  const [first, last] = [-9_223_372_036_854n, 9_223_372_036_854n];
  const clocks = read(over, [first * MILLISECOND, last * MILLISECOND, first * MILLISECOND]).map(({ clock }) => clock);
  assert.equal(clocks, [0n, MINUTE, MINUTE]);
  assert.is(over.counters().leaps, 1);
});

test("an event without a time takes that of the timed one before it", async () => {
  const events = read(await everyEvent(), [null, START, null, START - HOUR, null]);
  assert.equal(
    events.map(({ ts, timed }) => [ts, timed]),
    [
      [BEFORE_EVERYTHING, false],
      [START, true],
      [START, false],
      [START - HOUR, true],
      [START - HOUR, false],
    ],
  );
});

test("the clock is what the model says, however the lines are cut", async () => {
  const random = createRandom(8);
  let [leaps, returns] = [0, 0];
  for (let round = 0; round < 40; round++) {
    let time = START;
    const times: (bigint | null)[] = [];
    const wild = random.pick([0, 0.0005, 0.01, 0.5]);
    for (let left = 3000; left > 0; left--) {
      time += BigInt(random.below(200)) * MILLISECOND;
      if (random.chance(0.05)) times.push(null);
      else if (random.chance(wild)) times.push(random.pick([YEAR_2262, time + 2n * HOUR, time - HOUR, 0n]));
      else times.push(time - BigInt(random.below(70_000)) * MILLISECOND);
    }
    const expected = model(times);
    const over = await everyEvent();
    const cut = random.below(times.length);
    const clocks = [...read(over, times.slice(0, cut)), ...read(over, times.slice(cut))].map(({ clock }) => clock);
    assert.equal(clocks, expected.clocks);
    assert.equal([over.counters().leaps, over.counters().returns], [expected.leaps, expected.returns]);
    leaps += expected.leaps;
    returns += expected.returns;
  }
  assert.ok(leaps > 20 && returns > 2, `${leaps} ${returns}`);
});

/** Numbers around every border, with signs, fractions and exponents. */
function timeTexts(): string[] {
  const borders = [
    0n,
    1n,
    1_767_225_600n,
    116_444_736_000_000_000n,
    134_116_992_001_234_567n,
    300_000_000_000_000_000n,
    2n ** 63n,
  ];
  for (let digits = 9n; digits <= 19n; digits++)
    borders.push(10n ** digits, 1767225600123456789n / 10n ** (19n - digits));
  const whole = borders.flatMap((border) => [border - 1n, border, border + 1n]).flatMap((one) => [`${one}`, `-${one}`]);
  const numbers = whole.map((text) => text.replace("--", "")).filter((text) => text !== "-0");
  return numbers.flatMap((text) => [text, `"${text}"`, `${text}.9876543219`, `${text}e-3`, `"+${text}e2"`]);
}

test("every unit reads numbers as the reference does", async () => {
  const { pack } = await compileForTest([ruleOf("all", "any where true")], DEFAULT_OPTIONS);
  const texts = timeTexts();
  const lines = texts.map((text) => `{"@timestamp":${text}}`);
  for (const [timestampUnit, timeUnit] of Object.entries(TIME_UNITS) as [TimeUnit, number][]) {
    const over = createReading({ ...pack, timeUnit });
    const events = over.events(`${lines.join("\n")}\n`);
    let [untimed, implausible, broken] = [0, 0, 0];
    for (const [index, line] of lines.entries()) {
      const found = events.find(({ ordinal }) => ordinal === index);
      const expected = attempt(() => readEvent(line, { schema: defaultSchema(), timestampUnit }));
      if (expected === null || found === undefined) {
        assert.is(expected === null, found === undefined, line);
        broken++;
        continue;
      }
      assert.is(found.timed, expected.timed, `${timestampUnit} ${line}`);
      if (!expected.timed) untimed++;
      else {
        assert.is(found.ts, expected.ts, `${timestampUnit} ${line}`);
        const year = new Date(Number(expected.ts / MILLISECOND)).getUTCFullYear();
        if (year < 1990 || year > 2099) implausible++;
      }
    }
    const counters = over.counters();
    assert.equal([counters.untimed, counters.implausible, counters.broken], [untimed, implausible, broken]);
    assert.ok(untimed > 0 && implausible > 0 && untimed + implausible < texts.length, timestampUnit);
  }
});

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

test("the command line says what times cannot be right, and reads them in another unit", () => {
  const folder = mkdtempSync(join(tmpdir(), "kestrel-clock-"));
  try {
    const run = (tool: string, ...args: string[]): { status: number | null; stderr: string; stdout: string } =>
      spawnSync(process.execPath, [join(repositoryRoot(), tool), ...args], { encoding: "utf8", cwd: folder });
    writeFileSync(
      join(folder, "hour.eql"),
      'sequence with maxspan=5s [any where process.name == "a"] [any where process.name == "b"]',
    );
    writeFileSync(
      join(folder, "events.ndjson"),
      '{"@timestamp":1767225600,"process":{"name":"a"}}\n{"@timestamp":1767229200,"process":{"name":"b"}}\n',
    );
    const built = run("compiler/bin/eqlc.js", "build", "hour.eql", "-o", "out");
    assert.is(built.status, 0, built.stderr);
    const replay = (...more: string[]) =>
      run("runtime/bin/kestrel-run.js", "out", "--replay", "events.ndjson", "--strict", ...more);
    const right = replay();
    assert.equal([right.status, right.stdout], [0, ""], right.stderr);
    const wrong = replay("--timestamp-unit", "milliseconds");
    assert.is(wrong.status, 2);
    assert.is(wrong.stdout.split("\n").length, 2);
    assert.match(wrong.stderr, /2 events with a time before 1990 or after 2099/);
    assert.match(wrong.stderr, /error\[E_INPUT_TIME\]: 2 events have no time, or one before 1990 or after 2099/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
