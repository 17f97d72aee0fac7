// From what the module writes to what a person reads: join keys, alert lines, the text for terminals, the summary.

import { createHash } from "node:crypto";
import { alertId } from "@kestrel/runtime/alert/alert-id";
import { eventJson } from "@kestrel/runtime/event/formats";
import { isoTime } from "@kestrel/runtime/event/iso-time";
import { createKeyReader, keyJson } from "@kestrel/runtime/event/join-keys";
import {
  alertToJson,
  createAlertRenderer,
  type Detection,
  detectionToAlert,
  type EvidenceEvent,
} from "@kestrel/runtime/index";
import { doubleText } from "@kestrel/runtime/load/instantiate";
import { type MemoryView, viewMemory } from "@kestrel/runtime/load/memory-view";
import * as abi from "@kestrel/stdlib/abi";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fakeManifest, fakeRule } from "./support/fake-pack.js";

const keys = suite("join keys");
const alerts = suite("alerts");

type KeyField = readonly [type: number, values: readonly (string | number | bigint | boolean)[], optional?: boolean];

/** The key region that abi.ts draws, at an address that is not a multiple of 8. */
function keyRegion(fields: readonly KeyField[]): { memory: MemoryView; at: number; length: number } {
  const memory = viewMemory({ buffer: new ArrayBuffer(1 << 16) });
  const { view, bytes } = memory;
  const start = 12;
  let at = start;
  for (const [type, values, optional = false] of fields) {
    view.setUint32(at, optional ? (type | abi.KEY_OPTIONAL) >>> 0 : type, true);
    view.setUint32(at + 4, values.length, true);
    at += 8;
    for (const value of values) {
      if (typeof value === "string") {
        const length = bytes.write(value, at + 4);
        view.setUint32(at, length, true);
        at += 4 + Math.ceil(length / 4) * 4;
        continue;
      }
      if (type === abi.TYPE_DOUBLE) view.setFloat64(at, Number(value), true);
      else view.setBigInt64(at, BigInt(value), true);
      at += 8;
    }
  }
  return { memory, at: start, length: at - start };
}

function keysOf(fields: readonly KeyField[], limit?: number): { keys: readonly string[]; isCut: boolean } {
  const reader = createKeyReader(limit);
  const { memory, at, length } = keyRegion(fields);
  return { keys: reader.read(memory, at, length), isCut: reader.isCut(memory, at, length) };
}

function jsonOf(fields: readonly KeyField[]): string[] {
  return keysOf(fields).keys.map(keyJson);
}

keys("have one string for each distinct tuple, the first key changing slowest", () => {
  assert.equal(keysOf([]).keys, [""]);
  assert.is(keyJson(""), "[]");
  const two: KeyField[] = [
    [abi.TYPE_KEYWORD, ["b", "a", "b"]],
    [abi.TYPE_LONG, [2n, 1n]],
  ];
  assert.equal(jsonOf(two), ['["b",2]', '["b",1]', '["a",2]', '["a",1]']);
});

keys("tell text from numbers, and do not tell a long from the same double", () => {
  const one = (type: number, value: string | number | bigint | boolean): string =>
    keysOf([[type, [value]]]).keys.join();
  assert.is(one(abi.TYPE_LONG, 1n), one(abi.TYPE_DOUBLE, 1));
  assert.is(one(abi.TYPE_LONG, 0n), one(abi.TYPE_DOUBLE, -0));
  assert.is(one(abi.TYPE_LONG, 1n << 62n), one(abi.TYPE_DOUBLE, 2 ** 62));
  assert.is.not(one(abi.TYPE_LONG, (1n << 62n) + 1n), one(abi.TYPE_DOUBLE, 2 ** 62));
  assert.is.not(one(abi.TYPE_KEYWORD, "1"), one(abi.TYPE_LONG, 1n));
  assert.is.not(one(abi.TYPE_KEYWORD, "true"), one(abi.TYPE_BOOLEAN, true));
  assert.is.not(one(abi.TYPE_KEYWORD, "null"), keysOf([[abi.TYPE_KEYWORD, [], true]]).keys.join());
  assert.is.not(one(abi.TYPE_DATE, 1n), one(abi.TYPE_LONG, 1n));
  assert.is.not(one(abi.TYPE_KEYWORD, "d1"), one(abi.TYPE_DATE, 1n));
  const joined = keysOf([
    [abi.TYPE_KEYWORD, ['a\n"b']],
    [abi.TYPE_KEYWORD, ["c"]],
  ]).keys;
  const other = keysOf([
    [abi.TYPE_KEYWORD, ["a"]],
    [abi.TYPE_KEYWORD, ['b"\nc']],
  ]).keys;
  assert.is.not(joined[0], other[0]);
});

keys("are JSON values in an alert", () => {
  const fields: KeyField[] = [
    [abi.TYPE_KEYWORD, ['é"\n\\']],
    [abi.TYPE_LONG, [-9223372036854775808n]],
    [abi.TYPE_DOUBLE, [0.1]],
    [abi.TYPE_DOUBLE, [1e300]],
    [abi.TYPE_BOOLEAN, [false]],
    [abi.TYPE_DATE, [1_500_000_000n]],
    [abi.TYPE_DOUBLE, [Number.NEGATIVE_INFINITY]],
    [abi.TYPE_KEYWORD, [], true],
  ];
  const [json = ""] = jsonOf(fields);
  assert.ok(json.includes("-9223372036854775808"));
  const values = JSON.parse(json) as unknown[];
  assert.equal(values, [
    'é"\n\\',
    -(2 ** 63),
    0.1,
    1e300,
    false,
    "1970-01-01T00:00:01.500Z",
    Number.NEGATIVE_INFINITY,
    null,
  ]);
});

keys("ignore an event without a key that must be there", () => {
  assert.equal(keysOf([[abi.TYPE_KEYWORD, []]]).keys, []);
  const mixed: KeyField[] = [
    [abi.TYPE_KEYWORD, ["a", "b"]],
    [abi.TYPE_LONG, []],
  ];
  assert.equal(keysOf(mixed).keys, []);
});

keys("write JSON text in one way, apart from texts", () => {
  const raw = (text: string): string => keysOf([[abi.TYPE_RAW, [text]]]).keys.join();
  assert.is(raw('[1, "a\\u0062" ,1.0,\t{"x":[true,null]}]'), '[1,"ab",1,{"x":[true,null]}]');
  assert.is(
    raw("[1e2,100.0,-0,9223372036854775807,9223372036854775808,1e400]"),
    "[100,100,0,9223372036854775807,9223372036854775808,1e999]",
  );
  assert.is(raw('["a\nb"]'.replace("\n", "\\n")), '["a\\nb"]');
  assert.is.not(raw("[1]"), keysOf([[abi.TYPE_KEYWORD, ["[1]"]]]).keys.join());
  assert.is(raw('"a"'), keysOf([[abi.TYPE_KEYWORD, ["a"]]]).keys.join());
  assert.is.not(raw("[01]"), raw("[1]"));
  assert.equal(JSON.parse(keyJson(raw("[01]"))), [{ "not JSON": "[01]" }]);
  assert.is(raw(`["${"x".repeat(20_000)}"]`).length, 20_004);
});

keys("are cut at the limit, which can be asked", () => {
  const fields: KeyField[] = [
    [abi.TYPE_LONG, [1n, 2n, 3n]],
    [abi.TYPE_LONG, [1n, 2n]],
  ];
  assert.not(keysOf(fields, 6).isCut);
  const cut = keysOf(fields, 4);
  assert.equal(cut.keys.map(keyJson), ["[1,1]", "[1,2]", "[2,1]", "[2,2]"]);
  assert.ok(cut.isCut);
  assert.equal(keysOf([[abi.TYPE_LONG, [1n, 2n, 3n]]], 2), { keys: ["1", "2"], isCut: true });
  // Equal values are one.
  assert.not(keysOf([[abi.TYPE_LONG, [1n, 1n, 2n]]], 2).isCut);
});

alerts("write times with the fewest digits that lose nothing", () => {
  assert.is(isoTime(0n), "1970-01-01T00:00:00.000Z");
  assert.is(isoTime(1_714_557_723_123_000_000n), "2024-05-01T10:02:03.123Z");
  assert.is(isoTime(1_714_557_723_123_456_000n), "2024-05-01T10:02:03.123456Z");
  assert.is(isoTime(1_714_557_723_123_456_789n), "2024-05-01T10:02:03.123456789Z");
  assert.is(isoTime(-1n), "1969-12-31T23:59:59.999999999Z");
  assert.is(isoTime(-1_000_000_000n), "1969-12-31T23:59:59.000Z");
  assert.is(isoTime(-1_000_000_001n), "1969-12-31T23:59:58.999999999Z");
  assert.is(isoTime(1_000_000n), "1970-01-01T00:00:00.001Z");
  assert.is(isoTime((1n << 63n) - 1n), "2262-04-11T23:47:16.854775807Z");
  assert.is(isoTime(-(1n << 63n)), "1677-09-21T00:12:43.145224192Z");
  assert.is(isoTime(-1_000_000n), "1969-12-31T23:59:59.999Z");
});

alerts("write doubles so that they do not look like integers", () => {
  const values = [1, -0, 0.5, 1e21, 1e-7, -123456789];
  assert.equal(values.map(doubleText), ["1.0", "0.0", "0.5", "1e+21", "1e-7", "-123456789.0"]);
});

function evidence(ordinal: number, ts: bigint, text: string): EvidenceEvent {
  const bytes = new TextEncoder().encode(text);
  return {
    ordinal,
    ts,
    tie: null,
    bytes,
    format: "json",
    lineage: null,
    file: "events.ndjson",
    fileLine: ordinal + 1,
  };
}

const THREAT = [
  {
    framework: "MITRE ATT&CK",
    tactic: { id: "TA0002", name: "Execution" },
    technique: [{ id: "T1059", name: "Interpreter", subtechnique: [{ id: "T1059.001", name: "PowerShell" }] }],
  },
];
const MANIFEST = fakeManifest(
  {
    rules: [
      fakeRule("one", "event", { description: "What it is.", tags: ["a"], threat: THREAT, severity: "high" }),
      fakeRule("two", "sequence", { risk_score: null, keys: ["user.name", "host.id"] }),
      fakeRule("three", "join", { keys: [] }),
    ],
    predicates: [[0], []],
    programs: [],
  },
  {},
);

function write(detection: Detection): string {
  return alertToJson(detectionToAlert(detection, MANIFEST));
}

function render(detection: Detection, color: boolean): string {
  return createAlertRenderer({ color })(detectionToAlert(detection, MANIFEST));
}

interface Line {
  readonly "@timestamp"?: string;
  readonly event: Readonly<Record<string, unknown>>;
  readonly rule: unknown;
  readonly threat?: unknown;
  readonly tags: unknown;
  readonly kestrel: {
    readonly id: string;
    readonly kind: string;
    readonly key: unknown;
    readonly events: readonly ({ readonly event: unknown } | null)[];
    readonly end_of_input?: boolean;
    readonly package: unknown;
  };
}

function read(detection: Detection): Line {
  return JSON.parse(write(detection)) as Line;
}

function eventsOf({ kestrel }: Line): unknown[] {
  return kestrel.events.map((event) => event?.event ?? null);
}

alerts("are lines of JSON in the words of ECS, with the events as they were read", () => {
  const detection: Detection = {
    rule: 0,
    kind: "event",
    key: "",
    events: [evidence(3, 1_000_000_001n, '{"n": 12345678901234567890, "z":1.50, "a":"\\u00e9"} \r')],
  };
  const line = write(detection);
  const alert = JSON.parse(line) as Line;
  const fields = ["@timestamp", "event", "rule", "threat", "tags", "ecs", "n", "z", "a", "kestrel"];
  assert.equal(Object.keys(alert), fields);
  assert.is(alert["@timestamp"], "1970-01-01T00:00:01.000000001Z");
  const { id, ...event } = alert.event;
  assert.match(String(id), /^[0-9a-f]{32}$/);
  assert.is(id, alert.kestrel.id);
  assert.equal(event, { kind: "alert", severity: 73, risk_score: 47 });
  const rule = { id: "one", name: "Rule one", version: "1.0.0", description: "What it is.", ruleset: "fake" };
  assert.equal(alert.rule, rule);
  assert.equal(alert.threat, {
    framework: "MITRE ATT&CK",
    tactic: { id: ["TA0002"], name: ["Execution"] },
    technique: {
      id: ["T1059"],
      name: ["Interpreter"],
      subtechnique: { id: ["T1059.001"], name: ["PowerShell"] },
    },
  });
  assert.equal([alert.tags, alert.kestrel.kind, alert.kestrel.key], [["a"], "event", []]);
  assert.ok(line.includes('"n":12345678901234567890,"z":1.50,"a":"\\u00e9","kestrel"'));
  const place = '"events":[{"file":"events.ndjson","line":4,"event":';
  assert.ok(line.includes(`${place}{"n": 12345678901234567890, "z":1.50, "a":"\\u00e9"}}]`));
  assert.equal(alert.kestrel.package, MANIFEST.package);
  assert.is(alert.kestrel.end_of_input, undefined);
  assert.is(read({ ...detection, atEnd: true }).kestrel.end_of_input, true);
});

alerts("hold null for a missing event, and take time and fields of the latest one", () => {
  const events = [evidence(1, 5_000_000_000n, '{"i":1}'), null, evidence(0, 4_000_000_000n, '{"i":0}')];
  const alert = read({ rule: 1, kind: "sequence", key: '"bob"\nnull', events });
  assert.equal(eventsOf(alert), [{ i: 1 }, null, { i: 0 }]);
  assert.is(alert["@timestamp"], "1970-01-01T00:00:05.000Z");
  assert.is((alert as unknown as { readonly i: number }).i, 1);
  assert.equal(alert.kestrel.key, [
    { name: "user.name", value: "bob" },
    { name: "host.id", value: null },
  ]);
  assert.is(alert.event.risk_score, undefined);
  assert.is(alert.threat, undefined);
  const numbers = read({ rule: 1, kind: "sequence", key: "12345678901234567890\n[1]", events });
  assert.equal(numbers.kestrel.key, [
    { name: "user.name", value: "12345678901234567890" },
    { name: "host.id", value: "[1]" },
  ]);
});

alerts("claim no time when no event of the match has one", () => {
  const untimed = (text: string): EvidenceEvent => Object.assign(evidence(9, 9_000_000_000n, text), { timed: false });
  const some = [evidence(1, 5_000_000_000n, '{"i":1}'), untimed('{"i":2,"@timestamp":"soon"}')];
  const alert = read({ rule: 1, kind: "sequence", key: '"a"\n1', events: some });
  assert.equal([alert["@timestamp"], (alert as unknown as { readonly i: number }).i], ["1970-01-01T00:00:05.000Z", 1]);
  const none: Detection = { rule: 0, kind: "event", key: "", events: some.slice(1) };
  assert.not("@timestamp" in read(none));
  assert.match(render(none, false), /^HIGH {2}no time {2}Rule one {2}\(one\)\n.*\n {2}no time {2}/);
});

alerts("of a join have the time of its latest event, which need not be the last term's", () => {
  const detection: Detection = {
    rule: 2,
    kind: "join",
    key: "",
    events: [evidence(1, 5_000_000_000n, '{"i":1}'), evidence(0, 4_000_000_000n, '{"i":0}')],
  };
  const alert = read(detection);
  assert.equal(
    [alert.kestrel.kind, alert["@timestamp"], eventsOf(alert)],
    ["join", "1970-01-01T00:00:05.000Z", [{ i: 1 }, { i: 0 }]],
  );
  const text = render(detection, false);
  assert.match(
    text,
    /^MEDIUM {2}1970-01-01T00:00:05\.000Z {2}Rule three .*\n {2}1\. 00:00:05\.000 .*\n {2}2\. 00:00:04\.000 /,
  );
});

alerts("have ids that tell detections apart and stay the same", () => {
  const event = (text: string, more: Partial<EvidenceEvent> = {}): EvidenceEvent => ({
    ...evidence(1, 1n, text),
    ...more,
  });
  const idOf = (detection: Partial<Detection>): unknown =>
    read({ rule: 0, kind: "event", key: "", events: [event('{"a":"x y","b":1}')], ...detection }).event.id;
  const different: Partial<Detection>[] = [
    {},
    { rule: 1 },
    { key: '"a"' },
    { events: [event('{"a":"x  y","b":1}')] },
    { events: [event('{"a":"x y","b":10}')] },
    { events: [event('{"b":1,"a":"x y"}')] },
    { events: [event('{"a":"\\" ,\\\\","b":1}')] },
    { events: [event('{"a":"\\",\\\\","b":1}')] },
    { events: [event('{"a":"x y","b":1 2}')] },
    { events: [event('{"a":"x y","b":12}')] },
    { events: [event('{"a":"x y","b":1}'), null] },
    { events: [null, event('{"a":"x y","b":1}')] },
  ];
  assert.is(new Set(different.map(idOf)).size, different.length);
  const same: EvidenceEvent[] = [
    event('{"a":"x y","b":1}', { file: "other", fileLine: 99, ordinal: 7 }),
    event('\t {"a":"x y","b":1} \r'),
    event('{ "a" : "x y" ,\t"b": 1 }'),
  ];
  for (const other of same) assert.is(idOf({ events: [other] }), idOf({}), new TextDecoder().decode(other.bytes));
  // Many lines of one connection may have the same event.id, and two hosts may both count from 1.
  const named = (host: string): EvidenceEvent => event(`{"event":{"id":"1"},"host":{"id":"${host}"}}`);
  assert.is.not(idOf({ events: [named("a")] }), idOf({ events: [named("b")] }));
});

alerts("have ids that are the beginning of a SHA-256 of rule, key and events, each behind its length", () => {
  const long = `{"a":"${"x".repeat(100_000)}"}`;
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  for (const [rule, key, events] of [
    ["one", "", ['{"a":1}']],
    ["r\u00e9gle \ud83d\ude00", '"\u20ac"\nnull', ['{"a":1}', null, long, ""]],
    ["one", "", [long]],
    ["one", "", [null]],
  ] as const) {
    const hash = createHash("sha256").update(`${rule.length} ${rule} ${key.length} ${key}`);
    for (const event of events) hash.update(event === null ? " -" : ` ${bytes(event).length} ${event}`);
    const id = alertId(
      rule,
      key,
      events.map((event) => (event === null ? null : bytes(event))),
    );
    assert.is(id, hash.digest("hex").slice(0, 32));
  }
});

alerts("have ids that neither the package nor its other rules change", () => {
  const detection: Detection = { rule: 0, kind: "event", key: "", events: [evidence(1, 1n, "{}")] };
  const [rule] = MANIFEST.rules;
  assert.ok(rule !== undefined);
  const other = fakeManifest({ rules: [fakeRule("zero", "event"), rule], predicates: [[0], [1]], programs: [] }, {});
  assert.is.not(other.package.digest, MANIFEST.package.digest);
  assert.is(detectionToAlert({ ...detection, rule: 1 }, other).id, detectionToAlert(detection, MANIFEST).id);
});

alerts("stay valid JSON whatever the line holds", () => {
  const json = (bytes: Uint8Array): string => eventJson({ bytes, format: "json" });
  assert.is(json(new TextEncoder().encode('\t{"a":1}\r')), '{"a":1}');
  assert.is(json(new TextEncoder().encode('{"b": 1.50,"a":01}')), '{"b":1.50,"a":"01"}');
  assert.is(json(new TextEncoder().encode('{"a" 1}')), '"{\\"a\\" 1}"');
  const invalid = new Uint8Array([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]);
  assert.is(json(invalid), '{"a":"\ufffd"}');
});

alerts("are data before they are text", () => {
  const events = [evidence(1, 5_000_000_000n, ' {"i":1.50}'), null, evidence(0, 4_000_000_000n, "{no json}")];
  const alert = detectionToAlert({ rule: 1, kind: "sequence", key: '"bob"\nd1500000000', events }, MANIFEST);
  const { id, last, events: found, ...rest } = alert;
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.is(last, found[0]);
  assert.equal(rest, {
    ts: 5_000_000_000n,
    rule: MANIFEST.rules[1],
    kind: "sequence",
    key: ['"bob"', '"1970-01-01T00:00:01.500Z"'],
    atEnd: false,
    package: MANIFEST.package,
  });
  assert.equal(
    found.map((event) => event && { ...event, object: event.object === null ? null : "…" }),
    [
      {
        ts: 5_000_000_000n,
        file: "events.ndjson",
        fileLine: 2,
        json: '{"i":1.50}',
        original: null,
        captures: [],
        isMalformed: false,
        object: "…",
      },
      null,
      {
        ts: 4_000_000_000n,
        file: "events.ndjson",
        fileLine: 1,
        json: '"{no json}"',
        original: "{no json}",
        captures: [],
        isMalformed: true,
        object: null,
      },
    ],
  );
  const nobody: Detection = { rule: 0, kind: "event", key: "", events: [null] };
  assert.throws(() => detectionToAlert(nobody, MANIFEST), /without events/);
  assert.throws(() => detectionToAlert({ ...nobody, rule: 9 }, MANIFEST), /no rule 9/);
});

alerts("read well on a terminal, which obeys nothing in them", () => {
  const event = {
    event: { category: ["process"], type: "start" },
    process: { name: "power\u001b[31mshell.exe" },
    "process.command_line": `powershell -enc ${"A".repeat(300)}`,
    user: [{ name: "bob" }],
    "destination.ip": "10.0.0.1",
    destination: { port: 443 },
  };
  const detection: Detection = {
    rule: 1,
    kind: "sequence",
    key: '"bob"\n7',
    events: [evidence(0, 1_000_000n, JSON.stringify(event)), null],
  };
  const text = render(detection, false);
  const lines = text.split("\n");
  assert.is(lines[0], "MEDIUM  1970-01-01T00:00:00.001Z  Rule two  (two)");
  assert.is(lines[1], "  user.name = bob, host.id = 7");
  const command = `powershell -enc ${"A".repeat(143)}…`;
  const expected = `  1. 00:00:00.001  process start  power\ufffd[31mshell.exe: ${command}  user bob  to 10.0.0.1 port 443`;
  assert.is(lines[2], `${expected}  [events.ndjson:1]`);
  assert.is(lines[3], "  2. nothing, as asked");
  const single = render({ ...detection, rule: 0, key: "" }, true);
  assert.ok(single.startsWith("\u001b[1;31mHIGH\u001b[0m "));
  assert.match(single, /TA0002 Execution, T1059\.001 PowerShell/);
});

keys.run();
alerts.run();
