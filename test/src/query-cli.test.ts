// eqlc query as a process, and what its parts do.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { queryRule } from "@kestrel/compiler/cli/query-rule";
import { analyseRules, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { eventLines } from "@kestrel/compiler/query/event-lines";
import { createSampleCollector } from "@kestrel/compiler/query/exact-sample";
import { extendSchema } from "@kestrel/compiler/query/extend-schema";
import { createInference, inferredSchema } from "@kestrel/compiler/query/infer-schema";
import { runQuery } from "@kestrel/compiler/query/run-query";
import type { EvidenceEvent } from "@kestrel/runtime/event/stream-event";
import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { folder, put, run, setUp, tearDown } from "./support/eqlc-process.js";

const querying = suite("eqlc query");

/** An event at so many seconds. */
function event(seconds: number, category: string, more: Readonly<Record<string, unknown>>): string {
  const time = new Date(1_700_000_000_000 + seconds * 1000).toISOString();
  return JSON.stringify({ "@timestamp": time, event: { category }, ...more });
}

// Not in the order of time.
const EVENTS = [
  event(3, "network", { id: 3, host: "a", port: 80 }),
  event(1, "process", { id: 1, host: "a", name: "sh", zone: { depth: 1.5, open: true } }),
  event(2, "process", { id: 2, host: "b", name: "bash" }),
  event(9, "network", { id: 5, host: "b", port: 8080 }),
  event(5, "file", { id: 4, host: "b", name: "sh" }),
  event(12, "process", { id: 6, host: "a", name: "SH" }),
];

querying.before(() => {
  setUp("query");
  put("events.ndjson", `${EVENTS.join("\n")}\n`);
  writeFileSync(join(folder, "events.ndjson.gz"), gzipSync(`${EVENTS.join("\r\n")}\r\n`));
});
querying.after(tearDown);

/** The ids of events on lines of text; a line that is no event stands for itself. */
function idsOf(text: string): (number | string)[] {
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => (line.startsWith("{") ? (JSON.parse(line) as { id: number }).id : line));
}

/** What the command does with `EVENTS`, in this process: for each match its key and the ids of its events. */
async function ask(text: string): Promise<(number | null | string)[][]> {
  const inference = createInference();
  for (const line of EVENTS) inference.add(line);
  const options = { ...DEFAULT_OPTIONS, schema: inferredSchema(inference, defaultSchema(), new Map()) };
  const { rules, diagnostics } = analyseRules([queryRule(text)], options);
  assert.equal(
    diagnostics.filter(({ severity }) => severity === "error"),
    [],
  );
  const [compiled] = rules;
  if (compiled === undefined) throw new Error("not compiled");
  const lines = eventLines([join(folder, "events.ndjson")], true);
  const { matches } = await runQuery(compiled, lines, { ...options, onBroken: () => undefined });
  return matches.map(({ key, events }) => {
    const ids = events.map((found) =>
      found === null ? null : (JSON.parse(Buffer.from(found.bytes).toString()) as { id: number }).id,
    );
    return key === "" ? ids : [key, ...ids];
  });
}

querying("prints the lines of matching events, in the order of time", async () => {
  const [raw, gzip, nothing] = await Promise.all([
    run(["query", "network where port > 0 and zone.depth == null", "events.ndjson"]),
    run(["query", "process where zone.depth == 1.5 and zone.open", "events.ndjson.gz"]),
    run(["query", 'process where name == "zsh"', "events.ndjson"]),
  ]);
  assert.equal(raw, { code: 0, stdout: `${EVENTS[0]}\n${EVENTS[3]}\n`, stderr: "" });
  assert.equal(gzip, { code: 0, stdout: `${EVENTS[1]}\n`, stderr: "" });
  assert.equal(nothing, { code: 1, stdout: "", stderr: "" });
  assert.equal(await ask('any where name : "sh"'), [[1], [4], [6]]);
});

querying("applies pipes in order, and --limit last", async () => {
  assert.equal(await ask("any where true | head 2"), [[1], [2]]);
  assert.equal(await ask("any where true | tail 2"), [[5], [6]]);
  assert.equal(await ask("any where true | head 4 | tail 2"), [[3], [4]]);
  assert.equal(await ask("any where true | tail 2 | head 4"), [[5], [6]]);
  assert.equal(await ask("any where true | head 0"), []);
  assert.equal(await ask("any where true | tail 0"), []);
  const limited = await run(["query", "any where true | tail 3", "events.ndjson", "--limit", "1"]);
  assert.equal(idsOf(limited.stdout), [4]);
});

querying("finds sequences by key, with maxspan, until and missing events", async () => {
  const pair = "[process where true] [network where true]";
  const both = [
    ['"a"', 1, 3],
    ['"b"', 2, 5],
  ];
  assert.equal(await ask(`sequence by host ${pair}`), both);
  assert.equal(await ask(`sequence by host with maxspan=2s ${pair}`), [both[0]]);
  assert.equal(await ask(`sequence by host ${pair} until [file where true]`), [both[0]]);
  assert.equal(await ask("sequence with maxspan=1m [file where true] [network where true] ![process where true]"), []);
  const missing = "sequence by host with maxspan=1m [process where true] ![file where true] [network where true]";
  assert.equal(await ask(missing), [['"a"', 1, null, 3]]);
});

querying("finds samples: each key once, keys in order", async () => {
  assert.equal(await ask('sample by host [any where name : "*sh"] [any where name : "*sh"]'), [
    ['"a"', 1, 6],
    ['"b"', 2, 4],
  ]);
});

querying("prints sequences for people and for programs", async () => {
  const missing =
    "sequence by host, event.kind with maxspan=1m [process where true] ![file where true] [network where true]";
  const [text, json, optional] = await Promise.all([
    run(["query", "sequence by host [process where true] [network where true]", "events.ndjson"]),
    run(["query", `${missing.replace("event.kind", "?event.kind")}`, "events.ndjson", "--format", "json"]),
    run(["query", "sequence with maxspan=1h [file where true] [process where true]", "events.ndjson"]),
  ]);
  assert.equal(idsOf(text.stdout), ['# sequence host="a"', 1, 3, "", '# sequence host="b"', 2, 5]);
  assert.is(json.stdout, `{"join_keys":["a",null],"events":[${EVENTS[1]},null,${EVENTS[0]}]}\n`);
  assert.equal(idsOf(optional.stdout), ["# sequence", 4, 6]);
});

querying("reads standard input, even twice", async () => {
  const input = `\n${EVENTS.join("\n")}\nnot an event\n[1]`;
  const [learnt, given] = await Promise.all([
    run(["query", "network where port == 80", "-"], input),
    run(["query", 'any where event.category : "NET*"', "-", "--schema", "ecs"], input),
  ]);
  assert.is(learnt.code, 0, learnt.stderr);
  assert.equal(idsOf(learnt.stdout), [3]);
  assert.match(learnt.stderr, /stdin:8: not a JSON object: not an event\nstdin:9: not a JSON object: \[1\]/);
  assert.equal(idsOf(given.stdout), [3, 5]);
});

querying("explains what is wrong with a query or an input", async () => {
  put("times.ndjson", '{"timestamp":"2024-01-01T00:00:02Z","n":2}\n{"timestamp":"2024-01-01T00:00:01Z","n":1}\n');
  const [name, syntax, unread, strictSchema, untimed, timed] = await Promise.all([
    run(["query", 'process where nmae == "sh"', "events.ndjson"]),
    run(["query", "process where", "nowhere.ndjson"]),
    run(["query", "any where true", "nowhere.ndjson"]),
    run(["query", "process where zone.depth == 1.5", "events.ndjson", "--schema", "ecs"]),
    run(["query", "process where n > 0", "times.ndjson"]),
    run(["query", "any where n > 0", "times.ndjson", "--timestamp-field", "timestamp"]),
  ]);
  assert.equal(
    [name, syntax, unread, strictSchema].map(({ code, stdout }) => [code, stdout]),
    [2, 2, 2, 2].map((code) => [code, ""]),
  );
  assert.match(name.stderr, /error\[E0301\][\s\S]*--> query:1:15\n[\s\S]*did you mean `name`/);
  assert.match(syntax.stderr, /error\[E0203\]/);
  assert.match(unread.stderr, /^error\[E_INPUT_READ\]: cannot read nowhere\.ndjson: /);
  assert.match(strictSchema.stderr, /E0301/);
  assert.is(untimed.code, 1);
  assert.match(untimed.stderr, /no event has the time field @timestamp.*--timestamp-field could name timestamp/);
  assert.match(untimed.stderr, /no event has the category field event\.category/);
  assert.is(timed.stdout, '{"timestamp":"2024-01-01T00:00:01Z","n":1}\n{"timestamp":"2024-01-01T00:00:02Z","n":2}\n');
});

querying("learns types from all values, and keeps what ECS says where it fits", () => {
  const inference = createInference();
  const lines = [
    '{"a":1,"b":1,"c":1.5,"d":true,"e":{"f":null,"g.h":"x"},"i":[1,[2]],"process":{"pid":7,"name":3},"timestamp":1}',
    '{"a":2,"b":"x","c":7,"d":false,"i":[{"j":1}],"process.exit_code":"no","big":9300000000000000000}',
    "broken",
    "[]",
  ];
  for (const line of lines) inference.add(line);
  assert.equal(Object.fromEntries([...inference.types(defaultSchema())].sort()), {
    a: "long",
    b: "keyword",
    big: "double",
    c: "double",
    d: "boolean",
    e: "object",
    "e.f": "keyword",
    "e.g": "object",
    "e.g.h": "keyword",
    i: "long",
    "i.j": "long",
    process: "object",
    "process.exit_code": "keyword",
    "process.name": "keyword",
    "process.pid": "long",
    timestamp: "date",
  });
});

querying("gives further fields ids that do not depend on their order", () => {
  const fields = [
    ["z.a", "long"],
    ["process.pid", "long"],
    ["process.name", "long"],
    ["a.z", "ip"],
  ] as const;
  const ids = (pairs: readonly (readonly [string, "long" | "ip"])[]): (number | undefined)[] => {
    const schema = extendSchema(defaultSchema(), new Map(pairs));
    return ["a.z", "process.name", "z.a", "process.pid"].map((name) => schema.fields.get(name)?.id);
  };
  assert.equal(ids(fields), [1_000_000, 1_000_001, 1_000_002, 1]);
  assert.equal(ids([...fields].reverse()), ids(fields));
});

querying("chooses distinct events for a sample, where there is a way", () => {
  const events = Array.from({ length: 4 }, (_, ordinal): EvidenceEvent => {
    return {
      ordinal,
      ts: 0n,
      tie: null,
      bytes: new Uint8Array(),
      format: "json",
      lineage: null,
      file: "",
      fileLine: ordinal + 1,
    };
  });
  const sampleOf = (...filters: readonly (readonly number[])[]): (readonly number[])[] => {
    const collector = createSampleCollector(filters.length);
    for (const [filter, hits] of filters.entries()) {
      for (const hit of hits) for (const one of events) if (one.ordinal === hit) collector.add(filter, "1", one);
    }
    return collector.finish().map((found) => found.events.map(({ ordinal }) => ordinal));
  };
  assert.equal(sampleOf([0, 1], [0]), [[1, 0]]);
  assert.equal(sampleOf([0], [0]), []);
  assert.equal(sampleOf([0, 1, 2, 3], [0, 1], [0]), [[2, 1, 0]]);
  assert.equal(sampleOf([0, 1], [0, 1], [0, 1]), []);
  assert.equal(sampleOf([3], []), []);

  const collector = createSampleCollector(1);
  const keys = ['"b"', "12", '"a"', "null", "9", "2.5", "false", '"\ud83d\ude00"', '"\uffee"', 'null\n"x"', "null\n1"];
  for (const key of keys.filter((one) => !one.includes("\n"))) for (const one of events) collector.add(0, key, one);
  assert.equal(
    collector
      .finish()
      .map(({ key }) => key)
      .filter((key) => /^[\dn]/.test(key)),
    ["null", "2.5", "9", "12"],
  );
  const texts = createSampleCollector(1);
  for (const key of ['"\ud83d\ude00"', '"b"', '"\uffee"', "null", '"a"'])
    for (const one of events) texts.add(0, key, one);
  assert.equal(
    texts.finish().map(({ key }) => key),
    ["null", '"a"', '"b"', '"\uffee"', '"\ud83d\ude00"'],
  );
});

querying.run();
