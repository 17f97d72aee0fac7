// Alerts as documents that a SIEM takes as they are: every field of ours is one of ECS and has its type, every field of the event
// is there as the event has it, and every line is JSON in which each field stands once, whatever the event looks like.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { bareRule, type Rule } from "@kestrel/compiler/rule/rule";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import { isJson } from "@kestrel/runtime/event/raw-json";
import { alertToJson, createDetector, detectionToAlert, type Package } from "@kestrel/runtime/index";
import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import type { FieldType } from "@kestrel/stdlib/schema/types";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import { fits, type Misfit, misfitsOf, typesOf } from "./support/ecs-types.js";
import { repositoryRoot } from "./support/repository.js";
import { compileForTest } from "./support/run-pack.js";
import { LONG, sizeOf } from "./support/sizes.js";
import { type Member, type Strict, strictJson } from "./support/strict-json.js";

const ROOT = repositoryRoot();
const STORY = join(ROOT, "examples/story/web-server-intrusion.ndjson");
const EVENTS = join(ROOT, "../shared/corpora/events");
const PAGE = readFileSync(join(ROOT, "docs/json.md"), "utf8");

const documents = suite("alert documents");

const TYPES = typesOf(defaultSchema());

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
  detector.feed(Buffer.from(`${lines.join("\n")}\n`), { file, firstLine: 1 });
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

/** The fields of ECS that an alert fills itself, as ECS has them: type, and whether its values are a list. */
const FILLED: Readonly<Record<string, FieldType | `${FieldType}s`>> = {
  "@timestamp": "date",
  "event.kind": "keyword",
  "event.id": "keyword",
  "event.severity": "long",
  "event.risk_score": "double",
  "rule.id": "keyword",
  "rule.uuid": "keyword",
  "rule.name": "keyword",
  "rule.version": "keyword",
  "rule.description": "keyword",
  "rule.author": "keywords",
  "rule.reference": "keyword",
  "rule.ruleset": "keyword",
  "threat.framework": "keyword",
  "threat.tactic.id": "keywords",
  "threat.tactic.name": "keywords",
  "threat.tactic.reference": "keywords",
  "threat.technique.id": "keywords",
  "threat.technique.name": "keywords",
  "threat.technique.reference": "keywords",
  "threat.technique.subtechnique.id": "keywords",
  "threat.technique.subtechnique.name": "keywords",
  "threat.technique.subtechnique.reference": "keywords",
  tags: "keywords",
  "ecs.version": "keyword",
};

/** What the alert itself writes has the type and nothing that Elasticsearch has to convert. */
const EXACT: Readonly<Partial<Record<FieldType, RegExp>>> = {
  keyword: /^"/,
  long: /^-?\d+$/,
  double: /^-?\d+(\.\d+)?$/,
  date: /^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{3}){1,3}Z"$/,
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

/** Fields of ours that hold lists, the others hold one value. */
const KESTREL_LISTS: ReadonlySet<string> = new Set(["kestrel.references", "kestrel.key", "kestrel.events"]);

/** Holds the fields that are not the event's to their names, types and lists. */
function checkOurs(members: readonly Member[], seen: Set<string>, prefix = ""): void {
  for (const [name, value] of members) {
    const path = prefix + name;
    if (path === "kestrel.events.event") continue;
    const below = value.kind === "array" ? value.items : [value];
    const mayHold = (wanted: string): boolean => wanted === path || wanted.startsWith(`${path}.`);
    if (!isOurs(path) && !OURS.some(mayHold)) continue;
    const filled = FILLED[path];
    const isList = filled === undefined ? KESTREL_LISTS.has(path) : filled.endsWith("s");
    if (isOurs(path)) assert.is(value.kind === "array", isList, `${path} is ${isList ? "no" : "a"} list`);
    for (const item of below) {
      if (item.kind === "object") checkOurs(item.members, seen, `${path}.`);
      else if (isOurs(path)) checkScalar(path, item, filled?.replace(/s$/, "") as FieldType | undefined, seen);
    }
  }
}

function checkScalar(path: string, value: Strict, type: FieldType | undefined, seen: Set<string>): void {
  const text = value.kind === "value" ? value.text : "a list in a list";
  // A missing event, and a key that is missing.
  if (text === "null" && (path === "kestrel.events" || path === "kestrel.key.value")) return;
  seen.add(path);
  const pattern = KESTREL[path] ?? (type === undefined ? undefined : EXACT[type]);
  assert.ok(pattern?.test(text) === true, `${path} of type ${type ?? "none"} is ${text}`);
  if (type === undefined) return;
  assert.is(TYPES.get(path), type, `${path} in the field list`);
  assert.ok(fits(type, text), `${path} is ${text}`);
}

/** Every value by its path, where the place is not an object's. */
function allValues(value: Strict | undefined): [string, string[]][] {
  assert.is(value?.kind, "object");
  const { values, objects } = valuesOf(value?.kind === "object" ? value.members : []);
  return [...values]
    .filter(([path]) => !objects.has(path) && !path.split(".").includes(""))
    .map(([path, texts]): [string, string[]] => [path, [...texts].sort()])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function member(value: Strict | undefined, name: string): Strict | undefined {
  return value?.kind === "object" ? value.members.find(([one]) => one === name)?.[1] : undefined;
}

/** Every event in `kestrel.events` is the one that stands in its line. */
function checkEvents(document: Strict, lines: readonly string[]): void {
  const events = member(member(document, "kestrel"), "events");
  assert.ok(events?.kind === "array" && events.items.length > 0);
  if (events?.kind !== "array") return;
  for (const event of events.items) {
    if (event.kind === "value") continue;
    const place = member(event, "line");
    const line = lines[Number(place?.kind === "value" ? place.text : 0) - 1] ?? "";
    assert.equal(allValues(member(event, "event")), allValues(strictJson(line)), line);
  }
}

/**
 * Holds an alert's line to what docs/json.md promises, to ECS, and to the lines that its events were read from. Returns the values
 * that ECS would have otherwise: all of them are the event's own.
 */
function checkDocument({ line, last }: Written, lines: readonly string[], seen = new Set<string>()): readonly Misfit[] {
  assert.ok(!line.includes("\n"));
  const document = strictJson(line);
  const own = strictJson(lines[last] ?? "");
  if (document.kind !== "object" || own.kind !== "object") throw new Error(`no object: ${line}`);
  assert.equal(conflictsIn(document), [], line);
  checkOurs(document.members, seen);
  const { values } = valuesOf(document.members);
  assert.equal(values.get("event.kind"), ['"alert"']);
  assert.equal(values.get("event.id"), values.get("kestrel.id"));
  assert.equal(ownValues(document.members), ownValues(own.members), lines[last]);
  checkEvents(document, lines);
  const misfits = misfitsOf(document.members, TYPES);
  if (misfits.length === 0) return misfits;
  const brought = new Set(misfitsOf(own.members, TYPES).map((misfit) => JSON.stringify(misfit)));
  for (const misfit of misfits) {
    assert.ok(brought.has(JSON.stringify(misfit)), `${misfit.path} of type ${misfit.type} is ${misfit.text}: ${line}`);
  }
  return misfits;
}

/** The whole lines in so many bytes of a file, packed or not. */
function readLines(path: string, most = Number.POSITIVE_INFINITY): string[] {
  const all = readFileSync(path);
  const bytes = all.subarray(0, Math.min(most, all.length));
  const text = path.endsWith(".gz") ? gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }) : bytes;
  const lines = text.toString("utf8").split("\n");
  if (bytes.length < all.length) lines.pop();
  return lines.filter((line) => line.trim() !== "");
}

documents("are held to the types of ECS, however a field is spelt", () => {
  const misfits = (json: string): string[] => {
    const document = strictJson(json);
    return misfitsOf(document.kind === "object" ? document.members : [], TYPES).map(
      ({ path, text }) => `${path} ${text}`,
    );
  };
  const good = [
    ...['"process":{"pid":7,"args":["a","b"]}', '"process.pid":["7",null,8.5,""]', '"source.ip":["::1","192.0.2.1"]'],
    ...[
      '"event.created":["2026-01-01","2026-01-01T00:00:00.123456789+01:00",1767225600000]',
      '"source":[{"port":1},null]',
    ],
    ...[
      '"process.code_signature.trusted":["true",false,""]',
      '"event.risk_score":"1e3"',
      '"user":{"name":7}',
      '"own":{"a":1}',
    ],
    ...['"source.geo.location":["1,2",[3,4]]', '"source.geo":{"location":{"lat":1,"lon":2}}'],
  ];
  for (const one of good) assert.equal(misfits(`{${one}}`), [], one);
  for (const [one, found] of [
    ['"process":{"pid":"x"}', 'process.pid "x"'],
    ['"process.pid":[1,[true]]', "process.pid true"],
    ['"process":{"pid":9223372036854775808}', "process.pid 9223372036854775808"],
    ['"source":[{"ip":"fe80::1%eth0"}]', 'source.ip "fe80::1%eth0"'],
    ['"event.created":"2026-01-01 00:00:00"', 'event.created "2026-01-01 00:00:00"'],
    ['"process.code_signature":{"trusted":1}', "process.code_signature.trusted 1"],
    ['"user":"bob"', 'user "bob"'],
    ['"user.name":{"first":"b"}', "user.name {…}"],
    ['"user":{"name.first":"b"}', "user.name {…}"],
  ] as const) {
    assert.equal(misfits(`{${one}}`), [found], one);
  }
});

documents("of the story are ECS, field by field", async () => {
  const { pack } = await compileForTest(collectRules([join(ROOT, "rules")]).rules, DEFAULT_OPTIONS);
  const lines = readLines(STORY);
  const alerts = alertsOf(pack, lines);
  assert.ok(alerts.length >= 40, `only ${alerts.length} alerts`);
  const seen = new Set<string>();
  for (const alert of alerts) checkDocument(alert, lines, seen);
  assert.ok(seen.has("threat.technique.subtechnique.id") && seen.has("kestrel.key.value"), [...seen].join());
  const every = alertsOf(await anythingPack(), lines);
  assert.is(every.length, lines.length);
  for (const alert of every) checkDocument(alert, lines);
});

/** The events of a recording, its beginning in the short form; a line of generated cases holds the events of a case. */
function recordedLines(file: string): string[] {
  const lines = readLines(join(EVENTS, file), LONG ? Number.POSITIVE_INFINITY : 1 << 16);
  if (!file.startsWith("geneve-")) return lines;
  return lines.flatMap((line) => (JSON.parse(line) as { docs: unknown[] }).docs.map((event) => JSON.stringify(event)));
}

/** Every line, or so many evenly out of all. */
function spread(lines: readonly string[], most: number): readonly string[] {
  const step = Math.max(1, Math.floor(lines.length / most));
  return lines.filter((_, index) => index % step === 0);
}

interface RealPacks {
  /** The rules that ship, and those of Elastic. */
  readonly elastic: Package;
  readonly endgame: Package;
}

/** The packs that are run over all of every recording. */
async function realPacks(): Promise<RealPacks> {
  const corpora = join(ROOT, "../shared/corpora");
  const elastic = [join(ROOT, "rules"), join(corpora, "rules-toml"), join(corpora, "rules/elastic-hunting.json")];
  const options = { ...DEFAULT_OPTIONS, optimize: false };
  const endgame = { ...options, dialect: "endgame", timestampField: "timestamp", tiebreakerField: null } as const;
  return {
    elastic: (await compileForTest(collectRules(elastic).rules, options)).pack,
    endgame: (await compileForTest(collectRules([join(corpora, "rules/endgame-eqllib.json")]).rules, endgame)).pack,
  };
}

documents("of every recording are ECS, field by field", async () => {
  if (!existsSync(EVENTS)) {
    console.log("  skipped, no corpora: alerts of every recording");
    return;
  }
  const packs = LONG ? await realPacks() : null;
  const files = readdirSync(EVENTS, { recursive: true, encoding: "utf8" }).filter((file) => /\.ndjson/.test(file));
  assert.ok(files.length > 80, `${files.length} recordings`);
  const misfits = new Map<string, number>();
  let [count, real] = [0, 0];
  const check = (alerts: readonly Written[], lines: readonly string[]): void => {
    count += alerts.length;
    for (const alert of alerts) {
      for (const { path, type } of checkDocument(alert, lines)) {
        misfits.set(`${path} (${type})`, (misfits.get(`${path} (${type})`) ?? 0) + 1);
      }
    }
  };
  for (const file of files) {
    const lines = recordedLines(file);
    const some = spread(lines, LONG ? 100 : 25);
    const every = alertsOf(await anythingPack(), some);
    assert.is(every.length, some.length, file);
    check(every, some);
    if (packs === null) continue;
    const alerts = alertsOf(file.startsWith("eqllib-normalized-") ? packs.endgame : packs.elastic, lines);
    real += alerts.length;
    check(alerts, lines);
  }
  if (LONG) assert.ok(real > 1000, `only ${real} alerts of real rules`);
  const brought = [...misfits].sort(([, a], [, b]) => b - a).map(([name, times]) => `${name} ${times}`);
  console.log(`  ${count} alerts of ${files.length} recordings, ${real} of real rules`);
  console.log(`  values that are no ECS in the events either: ${brought.join(", ")}`);
});

type Json = Readonly<Record<string, unknown>>;

async function alertOf(line: string): Promise<Json> {
  const [alert] = alertsOf(await anythingPack(), [line]);
  assert.ok(alert !== undefined, `no event: ${line}`);
  checkDocument(alert, [isJson(line) ? line : repairedText(alert.line)]);
  return JSON.parse(alert.line) as Json;
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
