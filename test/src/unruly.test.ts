// Streams as unruly as real ones: clocks that are wrong, hosts that lag, files in any order, floods.
//
// What a rule says of a key is decided by that key's own events, whatever else is in the stream.

import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { createDetector, type DetectorCounters, type DetectorOptions } from "@kestrel/runtime/engine/detector";
import type { Package } from "@kestrel/runtime/load/load-package";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileForTest, ruleOf } from "./support/run-pack.js";

const SECOND = 1_000_000_000n;
const MINUTE = 60n * SECOND;
const START = Date.UTC(2026, 0, 5, 8);

/** An event of a host at so many seconds of the day. */
function event(host: string, seconds: number, name: string, more: Readonly<Record<string, unknown>> = {}): string {
  const time = new Date(START + seconds * 1000).toISOString();
  return JSON.stringify({
    "@timestamp": time,
    event: { category: "process", type: "start" },
    host: { id: host },
    process: { name },
    ...more,
  });
}

const PAIR =
  'sequence by host.id with maxspan=1m [process where process.name == "a"] [process where process.name == "b"]';
const ABSENT =
  'sequence by host.id with maxspan=1m [process where process.name == "a"] ![process where process.name == "b"]';
const PLAIN = 'process where process.name == "plain"';

interface Found {
  readonly alerts: string[];
  readonly counters: DetectorCounters;
}

function detect(pack: Package, lines: readonly string[], options: Partial<DetectorOptions>, atOnce = 1000): Found {
  const alerts: string[] = [];
  const detector = createDetector(pack, {
    latenessNs: MINUTE,
    onAlert: ({ rule, key, events, atEnd }) => {
      const id = pack.manifest.rules[rule]?.id ?? "";
      const ordinals = events.map((one) => one?.ordinal ?? "-").join();
      alerts.push(`${id} ${key} ${ordinals}${atEnd === true ? " at the end" : ""}`);
    },
    ...options,
  });
  for (let at = 0; at < lines.length; at += atOnce) {
    const some = lines.slice(at, at + atOnce);
    detector.feed(Buffer.from(some.map((line) => `${line}\n`).join("")), { file: "f", firstLine: at + 1 });
  }
  detector.finish();
  return { alerts, counters: detector.counters() };
}

/** Pairs of one host, ten seconds apart, of which each must alert. */
function pairs(count: number, host = "steady", from = 0): string[] {
  return Array.from({ length: count }, (_, at) => [
    event(host, from + at * 10, "a"),
    event(host, from + at * 10 + 2, "b"),
  ]).flat();
}

async function loadRules(rules: Readonly<Record<string, string>>): Promise<Package> {
  const { pack: loaded, diagnostics } = await compileForTest(
    Object.entries(rules).map(([id, query]) => ruleOf(id, query)),
    DEFAULT_OPTIONS,
  );
  assert.equal(
    diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message),
    [],
  );
  return loaded;
}

const test = suite("unruly streams");
const pack = await loadRules({ pair: PAIR });

test("events of the year 2262, of another host, silence nothing", () => {
  for (const at of [1, 50, 101]) {
    const lines = pairs(100);
    const ahead = JSON.stringify({
      "@timestamp": "2262-01-01T00:00:00Z",
      event: { category: "process" },
      process: { name: "x" },
    });
    lines.splice(at, 0, ahead, ahead.replace("00:00:00", "00:00:01"));
    for (const latenessNs of [MINUTE, null]) {
      assert.is(detect(pack, lines, { latenessNs }).alerts.length, 100, `behind ${at} events`);
    }
    assert.is(detect(pack, lines, {}).counters.leaps, 1, "the leap is counted");
  }
});

test("a host whose clock is two hours ahead silences no other, and is not silenced", () => {
  const lines = [pairs(100), pairs(100, "ahead", 7200)].map((all) => [...all]);
  const mixed = (lines[0] ?? []).flatMap((line, at) => [line, lines[1]?.[at] ?? ""]);
  assert.is(detect(pack, mixed, {}).alerts.length, 200);
  assert.is(detect(pack, mixed, { latenessNs: null }).alerts.length, 200);
});

test("a host whose shipper lags three minutes is heard", () => {
  const prompt = pairs(100, "prompt", 180);
  const lagging = pairs(100, "lagging", 0);
  const mixed = prompt.flatMap((line, at) => [line, lagging[at] ?? ""]);
  const { alerts } = detect(pack, mixed, {});
  assert.is(alerts.filter((one) => one.includes("lagging")).length, 100);
  assert.is(alerts.length, 200);
});

test("what is found in a stream with lateness does not depend on how it is cut", () => {
  const lines = [...pairs(50), ...pairs(50, "other", 3000), ...pairs(50, "late", -900)];
  lines.splice(60, 0, event("far", 90_000_000, "a"));
  const whole = detect(pack, lines, {});
  for (const atOnce of [1, 3, 17]) {
    const cut = detect(pack, lines, {}, atOnce);
    assert.equal(cut.alerts, whole.alerts);
    assert.equal(cut.counters, whole.counters);
  }
});

test("an alert that needs no order leaves with the batch that holds its event", async () => {
  const plain = await loadRules({ pair: PAIR, plain: PLAIN });
  const alerts: string[] = [];
  for (const latenessNs of [MINUTE, null]) {
    const detector = createDetector(plain, { latenessNs, onAlert: ({ kind }) => alerts.push(kind) });
    detector.feed(Buffer.from(`${event("h", 0, "plain")}\n`), { file: "f", firstLine: 1 });
    assert.equal(alerts.splice(0), ["event"]);
  }
});

test("after a silence what waits for its order is judged, and time has passed for what is held", async () => {
  const rules = await loadRules({ pair: PAIR, absent: ABSENT });
  const alerts: string[] = [];
  const detector = createDetector(rules, {
    latenessNs: MINUTE,
    onAlert: ({ kind, events, atEnd }) => alerts.push(`${kind} ${events.map((one) => one?.ordinal ?? "-")} ${atEnd}`),
  });
  const lines = [event("h", 0, "a"), event("h", 1, "b"), event("g", 1, "a")];
  detector.feed(Buffer.from(lines.map((line) => `${line}\n`).join("")), { file: "f", firstLine: 1 });
  assert.equal(alerts.splice(0), []);
  for (const _ of detector.idleInSteps(10n * SECOND));
  assert.equal(alerts.splice(0), ["sequence 0,1 undefined"]);
  for (let minutes = 0; minutes < 4; minutes++) for (const _ of detector.idleInSteps(MINUTE));
  assert.equal(alerts.splice(0), ["sequence 2,- undefined"], "the absence is certain by then");
  detector.finish();
  assert.equal(alerts, []);
});

test("to be stopped judges what has come, and no absence; the end of the input judges that too and says so", async () => {
  const rules = await loadRules({ pair: PAIR, absent: ABSENT });
  for (const isStopped of [true, false]) {
    const alerts: string[] = [];
    const detector = createDetector(rules, {
      latenessNs: MINUTE,
      onAlert: ({ events, atEnd }) => alerts.push(`${events.map((one) => one?.ordinal ?? "-")} ${atEnd === true}`),
    });
    const lines = [event("h", 0, "a"), event("h", 1, "b"), event("g", 1, "a")];
    detector.feed(Buffer.from(lines.map((line) => `${line}\n`).join("")), { file: "f", firstLine: 1 });
    for (const _ of isStopped ? detector.stopInSteps() : detector.finishInSteps());
    assert.equal(alerts, isStopped ? ["0,1 false"] : ["0,1 false", "2,- true"]);
    assert.is(detector.counters().sequences.held, isStopped ? 1 : 0);
  }
});

test("an absence is certain when maxspan and the lateness are over", async () => {
  const rules = await loadRules({ absent: ABSENT });
  const alertsAt = (seconds: number, ...more: readonly string[]): string[] => {
    // Another host's events move the clock on.
    const others = Array.from({ length: seconds }, (_, at) => event("other", 1 + at, "x"));
    const before = detect(rules, [event("h", 0, "a"), ...more, ...others], {}).alerts;
    return before.filter((one) => !one.endsWith("at the end"));
  };
  assert.equal(alertsAt(119), []);
  assert.equal(alertsAt(122), ['absent "h" 0,-']);
  assert.equal(alertsAt(122, event("h", 59, "b")), []);
  // What speaks against it comes in time, and still waits for its own order.
  const lines = Array.from({ length: 240 }, (_, at) => event("other", 1 + at, "x"));
  lines.splice(115, 0, event("h", 59, "b"));
  assert.equal(detect(rules, [event("h", 0, "a"), ...lines], {}).alerts, []);
});

test("what is held at the end of a stream is reported, not dropped for want of memory", async () => {
  const rules = await loadRules({ absent: ABSENT });
  const lines = Array.from({ length: 500 }, (_, at) => event(`host ${at}`, at / 100, "a"));
  const { alerts, counters } = detect(rules, lines, { memoryBytes: 3 << 20 });
  assert.is(alerts.length, 500);
  assert.is(counters.sequences.evicted, 0);
});

test("a rule that asks for ancestors waits for the order of its host, whatever the clocks of others say", async () => {
  const query = 'process where process.name == "a" and descendant of [process where process.name == "c"]';
  const rules = await loadRules({ child: query });
  const start = (host: string, year: number, second: number, name: string, id: string, parent: string): string =>
    JSON.stringify({
      "@timestamp": new Date(Date.UTC(year, 0, 1) + second * 1000).toISOString(),
      event: { category: "process", type: "start" },
      host: { id: host },
      process: { name, entity_id: id, parent: { entity_id: parent } },
    });
  const lines = [
    start("h", 2026, 0, "a", "1", "0"),
    start("past", 1996, 10, "c", "root", "0"),
    // The child comes before its parent, a second out of order. Others are due meanwhile.
    ...[15, 30].map((second) => start("h", 2026, second, "x", `${second}`, "1")),
    start("past", 1996, 66, "a", "child", "parent"),
    ...[45, 58, 64].map((second) => start("h", 2026, second, "x", `${second}`, "1")),
    start("past", 1996, 65, "d", "parent", "root"),
  ];
  for (const latenessNs of [MINUTE, null]) {
    assert.equal(detect(rules, lines, { latenessNs }).alerts, ["child  4"]);
  }
});

test("an absence that was certain before the end does not say that it was the end", async () => {
  const rules = await loadRules({ absent: ABSENT });
  const lines = [event("h", 0, "a"), event("g", 600, "a")];
  assert.equal(detect(rules, lines, { latenessNs: null }).alerts, ['absent "h" 0,-', 'absent "g" 1,- at the end']);
});

test("an event without a time of its own satisfies no maxspan", () => {
  const untimed = (name: string): string => event("h", 0, name).replace(/"@timestamp":"[^"]*",/, "");
  for (const latenessNs of [MINUTE, null]) {
    assert.equal(detect(pack, [untimed("a"), untimed("b")], { latenessNs }).alerts, []);
    assert.equal(detect(pack, [event("h", 0, "a"), untimed("b")], { latenessNs }).alerts, []);
    assert.is(detect(pack, [event("h", 0, "a"), untimed("a"), event("h", 1, "b")], { latenessNs }).alerts.length, 1);
  }
});

test("a flood of unfinished sequences with large events stays within its memory, the stalest first", () => {
  const pad = "x".repeat(100_000);
  const lines = Array.from({ length: 200 }, (_, at) => event(`host ${at}`, at / 100, "a", { message: pad }));
  const ends = Array.from({ length: 200 }, (_, at) => event(`host ${at}`, 10 + at / 100, "b"));
  for (const latenessNs of [MINUTE, null]) {
    const { alerts, counters } = detect(pack, [...lines, ...ends], { latenessNs, memoryBytes: 4 << 20 }, 20);
    assert.ok(counters.sequences.evicted + counters.overflowed > 0);
    assert.ok(alerts.length > 15 && alerts.length < 60, `${alerts.length} alerts`);
    assert.ok(alerts.includes('pair "host 199" 199,399'), "the newest is still there");
  }
});

test("a flood of matching events of one time stays within its memory, and loses nothing that it need not", () => {
  const lines: string[] = [];
  for (let at = 0; at < 20_000; at++) lines.push(event(`host ${at}`, 0, at % 2 === 0 ? "a" : "b"));
  const { counters } = detect(pack, lines, { latenessNs: null, memoryBytes: 2 << 20 });
  assert.ok(counters.overflowed > 10_000, `${counters.overflowed} were judged early`);
  assert.ok(counters.sequences.evicted > 1000);
});

test.run();
