// Alerts as documents that a SIEM takes as they are: every field of ours is one of ECS and has its type, every field of the event
// is there as the event has it, and every line is JSON in which each field stands once, whatever the event looks like.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { bareRule, type Rule } from "@kestrel/compiler/rule/rule";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import { alertToJson, createDetector, detectionToAlert, type Package } from "@kestrel/runtime/index";
import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import { repositoryRoot } from "./support/repository.js";
import { compileForTest } from "./support/run-pack.js";
import { LONG, sizeOf } from "./support/sizes.js";
import { type Member, type Strict, strictJson } from "./support/strict-json.js";

const ROOT = repositoryRoot();
const STORY = join(ROOT, "examples/story/web-server-intrusion.ndjson");
const EVENTS = join(ROOT, "../shared/corpora/events");
const PAGE = readFileSync(join(ROOT, "docs/json.md"), "utf8");

const documents = suite("alert documents");

/** A rule that says everything a rule can say. */
const TELLING: Rule = {
  ...bareRule("5d1a76a5-6a1d-4d2f-9b1c-2f6c0a9f8b11", "any where true", "any.eql"),
  name: "Anything",
  description: "Whatever happens.",
  author: ["Kestrel", "Others"],
  severity: "high",
  riskScore: 73,
  tags: ["Domain: Endpoint"],
  references: ["https://example.org/one", "https://example.org/two"],
  threat: [
    {
      framework: "MITRE ATT&CK",
      tactic: { id: "TA0002", name: "Execution", reference: "https://attack.mitre.org/tactics/TA0002/" },
      technique: [
        {
          id: "T1059",
          name: "Command and Scripting Interpreter",
          reference: "https://attack.mitre.org/techniques/T1059/",
          subtechnique: [
            { id: "T1059.004", name: "Unix Shell", reference: "https://attack.mitre.org/techniques/T1059/004/" },
          ],
        },
      ],
    },
  ],
};

let anything: Promise<Package> | null = null;
function anythingPack(): Promise<Package> {
  anything ??= compileForTest([TELLING], DEFAULT_OPTIONS).then(({ pack }) => pack);
  return anything;
}

interface Written {
  readonly line: string;
  /** Which line is the event that came last in time, from 0. */
  readonly last: number;
}

function alertsOf(pack: Package, lines: readonly string[], file = "events.ndjson"): Written[] {
  const found: Written[] = [];
  const detector = createDetector(pack, {
    latenessNs: null,
    onAlert(detection) {
      const alert = detectionToAlert(detection, pack.manifest);
      found.push({ line: alertToJson(alert), last: alert.last.fileLine - 1 });
    },
  });
  detector.feed(Buffer.from(lines.map((line) => `${line}\n`).join("")), { file, firstLine: 1 });
  detector.finish();
  return found;
}

const OURS = [
  ...["@timestamp", "event.kind", "event.id", "event.severity", "event.risk_score", "event.risk_score_norm", "rule"],
  ...["threat.framework", "threat.tactic", "threat.technique", "tags", "ecs", "kestrel"],
];

function isOurs(path: string): boolean {
  return OURS.some((ours) => path === ours || path.startsWith(`${ours}.`));
}

interface Values {
  /** Every value by its path, as text with all its digits. */
  readonly values: Map<string, string[]>;
  /** The paths at which an object stands. */
  readonly objects: Set<string>;
}

function valuesOf(members: readonly Member[]): Values {
  const found: Values = { values: new Map(), objects: new Set() };
  addMembers("", members, found);
  return found;
}

function addMembers(prefix: string, members: readonly Member[], found: Values): void {
  for (const [name, value] of members) {
    for (let dot = name.indexOf("."); dot > 0; dot = name.indexOf(".", dot + 1)) {
      found.objects.add(prefix + name.slice(0, dot));
    }
    addValues(prefix + name, value, found);
  }
}

function addValues(path: string, value: Strict, found: Values): void {
  if (value.kind === "object") {
    found.objects.add(path);
    addMembers(`${path}.`, value.members, found);
  } else if (value.kind === "array") for (const item of value.items) addValues(path, item, found);
  else if (value.text !== "null") found.values.set(path, [...(found.values.get(path) ?? []), value.text]);
}

/** The values that are the event's own and can be stored: not ours, and not in the way of fields below them. */
function ownValues(members: readonly Member[]): [string, string[]][] {
  const { values, objects } = valuesOf(members);
  return [...values]
    .filter(([path]) => !isOurs(path) && !path.startsWith("_") && path !== "event" && path !== "threat")
    .filter(([path]) => !objects.has(path) && !path.includes(".."))
    .map(([path, texts]): [string, string[]] => [path, [...texts].sort()])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What stands twice in a document: a name, or a field that is spelt in two ways. */
function conflictsIn(value: Strict, path = ""): string[] {
  if (value.kind === "array") return value.items.flatMap((item) => conflictsIn(item, path));
  if (value.kind !== "object") return [];
  const heads = value.members.map(([name]) => (name.split(".").includes("") ? name : (name.split(".")[0] ?? "")));
  const twice = heads.filter((head, index) => heads.indexOf(head) !== index).map((head) => `${path}${head}`);
  return [...twice, ...value.members.flatMap(([name, below]) => conflictsIn(below, `${path}${name}.`))];
}

const TYPE_TESTS: Readonly<Record<string, (text: string) => boolean>> = {
  keyword: (text) => text.startsWith('"'),
  long: (text) => /^-?\d+$/.test(text),
  double: (text) => /^-?\d+(\.\d+)?$/.test(text),
  date: (text) => !Number.isNaN(Date.parse(JSON.parse(text) as string)),
};

/** Fields of ours that ECS lacks, and what they hold. */
const KESTREL: Readonly<Record<string, RegExp>> = {
  "kestrel.id": /^"[0-9a-f]{32}"$/,
  "kestrel.kind": /^"(event|sequence|sample|join)"$/,
  "kestrel.severity": /^"(informational|low|medium|high|critical)"$/,
  "kestrel.references": /^"/,
  "kestrel.key.name": /^"/,
  "kestrel.key.value": /^"/,
  "kestrel.events.file": /^"/,
  "kestrel.events.line": /^\d+$/,
  "kestrel.events.malformed": /^true$/,
  "kestrel.events.original": /^"/,
  "kestrel.end_of_input": /^true$/,
  "kestrel.package.name": /^"/,
  "kestrel.package.version": /^"/,
  "kestrel.package.digest": /^"[0-9a-f]{64}"$/,
};

/** Holds an alert's line to what docs/json.md promises, and to the line that its last event was read from. */
function checkDocument({ line, last }: Written, lines: readonly string[], seen = new Set<string>()): void {
  assert.ok(!line.includes("\n"));
  const document = strictJson(line);
  assert.is(document.kind, "object");
  if (document.kind !== "object") return;
  assert.equal(conflictsIn(document), [], line);
  const ecs = defaultSchema().fields;
  const { values } = valuesOf(document.members);
  for (const [path, texts] of values) {
    if (!isOurs(path) || path.startsWith("kestrel.events.event.")) continue;
    seen.add(path);
    const pattern = KESTREL[path];
    const type = ecs.get(path)?.type;
    for (const text of texts) {
      const fits = pattern !== undefined ? pattern.test(text) : type !== undefined && TYPE_TESTS[type]?.(text) === true;
      assert.ok(fits, `${path} of type ${type ?? "none"} is ${text}`);
    }
  }
  assert.equal(values.get("event.kind"), ['"alert"']);
  assert.equal(values.get("event.id"), values.get("kestrel.id"));
  const own = strictJson(lines[last] ?? "");
  assert.is(own.kind, "object");
  if (own.kind === "object") assert.equal(ownValues(document.members), ownValues(own.members), lines[last]);
}

function readLines(path: string, most: number): string[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const step = Math.max(1, Math.floor(lines.length / most));
  return lines.filter((_, index) => index % step === 0);
}

documents("of the story are ECS, field by field", async () => {
  const { pack } = await compileForTest(collectRules([join(ROOT, "rules")]).rules, DEFAULT_OPTIONS);
  const lines = readLines(STORY, Number.POSITIVE_INFINITY);
  const alerts = alertsOf(pack, lines);
  assert.ok(alerts.length >= 40, `only ${alerts.length} alerts`);
  const seen = new Set<string>();
  for (const alert of alerts) checkDocument(alert, lines, seen);
  assert.ok(seen.has("threat.technique.subtechnique.id") && seen.has("kestrel.key.value"), [...seen].join());
  const every = alertsOf(await anythingPack(), lines);
  assert.is(every.length, lines.length);
  for (const alert of every) checkDocument(alert, lines);
});

documents("of every recording are ECS, field by field", async () => {
  if (!existsSync(EVENTS)) {
    console.log("  skipped, no corpora: alerts of every recording");
    return;
  }
  const pack = await anythingPack();
  const files = readdirSync(EVENTS, { recursive: true, encoding: "utf8" }).filter((file) => /\.ndjson/.test(file));
  assert.ok(files.length > 10);
  let count = 0;
  for (const file of files) {
    const lines = readLines(join(EVENTS, file), LONG ? 500 : 25);
    const alerts = alertsOf(pack, lines);
    assert.is(alerts.length, lines.length, file);
    for (const alert of alerts) checkDocument(alert, lines);
    count += alerts.length;
  }
  console.log(`  ${count} alerts of ${files.length} recordings`);
});

type Json = Readonly<Record<string, unknown>>;

async function alertOf(line: string): Promise<Json> {
  const [alert] = alertsOf(await anythingPack(), [line]);
  assert.ok(alert !== undefined, `no event: ${line}`);
  checkDocument(alert, [isJson(line) ? line : repairedText(alert.line)]);
  return JSON.parse(alert.line) as Json;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The event in an alert, which is what the decoder's line became. */
function repairedText(line: string): string {
  const document = JSON.parse(line) as { kestrel: { events: { event: unknown }[] } };
  return JSON.stringify(document.kestrel.events[0]?.event);
}

const TIME = '"@timestamp":"2026-01-01T00:00:00.000Z"';

documents("have our fields however the event spells its own", async () => {
  const expected = { kind: "alert", severity: 73, risk_score: 73 };
  for (const [own, event] of [
    ['"event":{"kind":"event","category":"process","risk_score":1}', { category: "process" }],
    ['"event.kind":"event","event.category":["process"]', { category: ["process"] }],
    ['"event":{"category":"process"},"event.action":"exec"', { category: "process", action: "exec" }],
    ['"event":[{"category":"process"},{"action":"exec"}]', { category: "process", action: "exec" }],
    ['"event":{"kind":"a"},"event":{"id":"7","code":1}', { code: 1 }],
    ['"event":"started"', {}],
    ['"event":7,"event.category":"process"', { category: "process" }],
    ['"event":null', {}],
  ] as const) {
    const alert = await alertOf(`{${TIME},${own}}`);
    const { id, ...rest } = alert.event as Json;
    assert.match(String(id), /^[0-9a-f]{32}$/);
    assert.equal(rest, { ...expected, ...event }, own);
  }
  const taken = '"rule":"r","rule.id":"other","ecs":"1","kestrel":{"id":"none"},"kestrel.kind":"x"';
  const alert = await alertOf(`{${TIME},${taken},"threat":{"indicator":{"ip":"192.0.2.1"},"framework":"x"},"_id":"7"}`);
  assert.is((alert.rule as Json).id, TELLING.id);
  assert.is((alert.kestrel as Json).kind, "event");
  assert.equal((alert.threat as Json).indicator, { ip: "192.0.2.1" });
  assert.is((alert.threat as Json).framework, "MITRE ATT&CK");
  assert.not("_id" in alert);
});

documents("hold the rule's tags and the event's, each once", async () => {
  const tagsOf = async (own: string): Promise<unknown> => (await alertOf(`{${TIME},${own}}`)).tags;
  assert.equal(await tagsOf('"tags":["a","Domain: Endpoint","a",7]'), ["Domain: Endpoint", "a", "7"]);
  assert.equal(await tagsOf('"tags":"a"'), ["Domain: Endpoint", "a"]);
  assert.equal(await tagsOf('"tags":{"a":"b"}'), ["Domain: Endpoint"]);
  assert.equal(await tagsOf('"tags.a":"b"'), ["Domain: Endpoint"]);
});

documents("gather what an event says twice, and keep every digit", async () => {
  const line = `{${TIME},"n":12345678901234567890,"a":1.50,"a":[2e0],"process.name":"x","process":{"pid":1,"pid":2},"o":1,"o.p":"q"}`;
  const [{ line: text } = { line: "" }] = alertsOf(await anythingPack(), [line]);
  assert.ok(
    text.includes('"n":12345678901234567890,"a":[1.50,2e0],"process":{"name":"x","pid":[1,2]},"o":{"p":"q"}'),
    text,
  );
  const [event] = ((await alertOf(line)).kestrel as { events: Json[] }).events;
  assert.is(event?.original, line);
  assert.not("malformed" in (event ?? {}));
});

documents("are JSON though values that no rule reads are none, which is said", async () => {
  for (const [broken, repaired] of [
    ["01", "01"],
    ["NaN", "NaN"],
    ["'x'", "'x'"],
    ["+1", "+1"],
    ["tru", "tru"],
    [String.raw`"C:\q"`, String.raw`C:\q`],
    [String.raw`"\u12"`, String.raw`\u12`],
    ["[1,]", "[1,]"],
    ["[1}", "[1}"],
    ['{"a" 1}', '{"a" 1}'],
    ["{a:1}", "{a:1}"],
    ['[1,{"b":-,"c":2}]', [1, { b: "-", c: 2 }]],
    ['{"b":1,"b":0x1}', { b: [1, "0x1"] }],
  ] as const) {
    const line = `{${TIME},"unread":${broken},"n":15}`;
    const alert = await alertOf(line);
    assert.equal(alert.unread, repaired, broken);
    const [event] = (alert.kestrel as { events: Json[] }).events;
    assert.equal([event?.malformed, event?.original], [true, line], broken);
    assert.equal((event?.event as Json | undefined)?.unread, repaired);
  }
});

documents("are unambiguous for any event that the decoder takes", async () => {
  const pack = await anythingPack();
  const { below, chance, pick } = createRandom(sizeOf("KESTREL_SEED", 20260, 20260));
  const names = [
    ...["a", "b", "a.b", "a.b.c", "event", "event.kind", "event.a", "rule", "tags", "kestrel.id", "\\u0061"],
    ...["threat", "threat.tactic.id", "a..b"],
  ];
  const scalars = ["1", "1.50", "-0", "12345678901234567890", "true", "null", '"x"', '"\\u00e9\\""', "[]", "{}"];
  const broken = ["01", "nul", '"\\q"', "[1,]", '{"a"}', "[1}"];
  const list = (depth: number): string => `[${Array.from({ length: below(3) }, () => value(depth)).join(" , ")}]`;
  const object = (depth: number): string =>
    `{${Array.from({ length: below(4) }, () => `"${pick(names)}":${value(depth)}`).join(",")}}`;
  const value = (depth: number): string => {
    if (chance(0.02)) return pick(broken);
    if (depth > 3 || chance(0.5)) return pick(scalars);
    return chance(0.4) ? list(depth + 1) : object(depth + 1);
  };
  const lines = Array.from({ length: sizeOf("KESTREL_DOCUMENTS", 3_000, 100_000) }, () => object(0));
  const alerts = alertsOf(pack, lines);
  // The pack reads fields below `event`; what is broken there is no event.
  assert.ok(alerts.length > 0.99 * lines.length, `${alerts.length} of ${lines.length} are events`);
  let valid = 0;
  for (const alert of alerts) {
    const document = strictJson(alert.line);
    assert.equal(conflictsIn(document), [], alert.line);
    let own: Strict;
    try {
      own = strictJson(lines[alert.last] ?? "");
    } catch {
      assert.ok(alert.line.includes('"malformed":true'), alert.line);
      continue;
    }
    valid++;
    assert.not(alert.line.includes('"malformed"'), alert.line);
    if (own.kind !== "object" || document.kind !== "object") assert.unreachable();
    else assert.equal(ownValues(document.members), ownValues(own.members), alert.line);
  }
  assert.ok(valid > lines.length / 2);
});

documents("are the one that docs/json.md shows", async () => {
  const block = (language: string): string => new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(PAGE)?.[1] ?? "";
  const { pack } = await compileForTest(
    [
      {
        ...TELLING,
        id: "shell-then-connection",
        name: "A shell connects",
        query: block("eql").trim(),
        tags: ["OS: Linux"],
      },
    ],
    DEFAULT_OPTIONS,
  );
  const lines = block("ndjson").trim().split("\n");
  const [alert] = alertsOf(pack, lines);
  assert.ok(alert !== undefined);
  const digest = /"digest": "([0-9a-f]{64})"/.exec(block("json"))?.[1] ?? "";
  const shown = JSON.stringify(JSON.parse(block("json")));
  assert.is(alert.line.replace(pack.manifest.package.digest, digest), shown);
});

documents("have no field that docs/json.md does not name", async () => {
  const seen = new Set(Object.keys(KESTREL));
  const lines = [`{${TIME},"event":{"category":"process"}}`];
  for (const alert of alertsOf(await anythingPack(), lines)) checkDocument(alert, lines, seen);
  assert.ok(seen.size > 30, `${seen.size} fields`);
  for (const path of seen) assert.ok(PAGE.includes(`\`${path}\``), `docs/json.md does not name ${path}`);
});

documents.run();
