// eqlc as a process: what it writes and prints where, and how it ends.

import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { queryRule } from "@kestrel/compiler/cli/query-rule";
import { analyseRules, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { nameSources } from "@kestrel/compiler/package/source-names";
import { eventLines } from "@kestrel/compiler/query/event-lines";
import { createSampleCollector } from "@kestrel/compiler/query/exact-sample";
import { extendSchema } from "@kestrel/compiler/query/extend-schema";
import { createInference, inferredSchema } from "@kestrel/compiler/query/infer-schema";
import { runQuery } from "@kestrel/compiler/query/run-query";
import type { EvidenceEvent } from "@kestrel/runtime/event/stream-event";
import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const EQLC = fileURLToPath(new URL("../../compiler/bin/eqlc.js", import.meta.url));
const KESTREL_RUN = fileURLToPath(new URL("../../runtime/bin/kestrel-run.js", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Manifest {
  readonly package: { readonly name: string; readonly version: string; readonly digest: string };
  readonly schema: Readonly<Record<string, unknown>> & { readonly fields: readonly { id: number; name: string }[] };
  readonly rules: readonly {
    readonly id: string;
    readonly kind: string;
    readonly source: string;
    readonly keys: readonly string[];
    readonly capabilities: Readonly<Record<string, unknown>>;
  }[];
  readonly predicates: readonly (readonly number[])[];
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

let folder = "";

function run(parameters: readonly string[], input = "", cwd = folder, bin = EQLC): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...parameters], { cwd });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code: number | null) => {
      if (/^\s+at .*:\d+:\d+/m.test(stderr) || stderr.includes("E_INTERNAL")) reject(new Error(stderr));
      else resolve({ code, stdout, stderr });
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

function put(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
  return path;
}

function manifestOf(dir: string): Manifest {
  return JSON.parse(readFileSync(join(folder, dir, "manifest.json"), "utf8")) as Manifest;
}

/** Every file of a folder with its bytes. */
function contentsOf(dir: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(join(folder, dir), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found[path.slice(join(folder, dir).length)] = readFileSync(path).toString("base64");
  }
  return found;
}

const CHAIN_RULE = `
id: chain
name: Shell and then a connection
severity: high
threat:
  - framework: MITRE ATT&CK
    technique:
      - id: T1059
        name: Command and Scripting Interpreter
        subtechnique: [{ id: T1059.004, name: Unix Shell }]
query: |
  sequence by host.id with maxspan=30s
    [process where process.name == "sh"]
    [network where destination.port > 1024]
`;

function setUp(name: string): void {
  folder = realpathSync(mkdtempSync(join(tmpdir(), `eqlc-${name}-`)));
  put("good/deep/chain.yaml", CHAIN_RULE);
  put("good/curl.eql", 'process where process.name : "curl*" and user.name != "root"');
  put("more/any.eql", "any where user.id == null // kestrel: allow W0507");
}

function tearDown(): void {
  rmSync(folder, { recursive: true, force: true });
}

const building = suite("eqlc build");
building.before(() => setUp("build"));
building.after(tearDown);

building("writes the same bytes whatever the order, the place and the hour", async () => {
  const [one, two, three] = await Promise.all([
    run(["build", "good", "more", "-o", "one"]),
    run(["build", "more/", join(folder, "good"), "-o", "deeper/still/two"]),
    run(["build", "../more", ".", "-o", "../three"], "", join(folder, "good")),
  ]);
  assert.equal([one.code, two.code, three.code], [0, 0, 0]);
  assert.is(one.stdout, "");
  assert.match(one.stderr, /3 compiled, 0 left out/);
  assert.equal(contentsOf("deeper/still/two"), contentsOf("one"));
  assert.equal(contentsOf("three"), contentsOf("one"));

  const { package: about, rules, files, predicates, schema } = manifestOf("one");
  assert.ok(one.stderr.includes(about.digest));
  assert.equal(about.name, "rules");
  assert.equal(
    rules.map(({ id, kind, source, keys }) => [id, kind, source, keys]),
    [
      ["any", "event", "any.eql", []],
      ["chain", "sequence", "deep/chain.yaml", ["host.id"]],
      ["curl", "event", "curl.eql", []],
    ],
  );
  assert.equal(rules[1]?.capabilities, {
    supports_inline: false,
    requires_alert: true,
    requires_block: false,
    max_span_ms: 30_000,
    mitre_attack: ["T1059", "T1059.004"],
  });
  assert.is(rules[2]?.capabilities.supports_inline, true);
  assert.equal(predicates.flat().sort(), [0, 2]);
  const paths = files.map(({ path }) => path);
  assert.equal(paths, ["module.wasm", "sources/any.eql", "sources/curl.eql", "sources/deep/chain.yaml"]);
  assert.equal(readFileSync(join(folder, "one/sources/deep/chain.yaml"), "utf8"), CHAIN_RULE);
  const names = schema.fields.map(({ name }) => name);
  assert.equal(names, [...names].sort());
  assert.equal([schema.timestamp_field, schema.tiebreaker_field], ["@timestamp", "event.sequence"]);
});

building("leaves a bad rule out and builds the others; --strict writes nothing", async () => {
  put("mixed/a.eql", "process where process.name == 5 and");
  put("mixed/b.eql", 'process where process.nmae == "x"');
  put("mixed/c.eql", 'process where process.name == "x"');
  put("mixed/d.toml", "[rule\n");
  const [loose, strict] = await Promise.all([
    run(["build", "mixed", "-o", "loose"]),
    run(["build", "mixed", "-o", "strict", "--strict", "--format", "json"]),
  ]);
  assert.is(loose.code, 1);
  for (const part of ["E0203", "E0301", "E0102", "1 compiled, 3 left out", "mixed/b.eql:1:15"]) {
    assert.ok(loose.stderr.includes(part), part);
  }
  assert.equal(
    manifestOf("loose").rules.map(({ id }) => id),
    ["c"],
  );
  assert.not.ok(existsSync(join(folder, "loose/sources/b.eql")));

  assert.equal([strict.code, strict.stderr], [2, ""]);
  assert.not.ok(existsSync(join(folder, "strict")));
  const report = JSON.parse(strict.stdout) as Record<string, unknown> & { diagnostics: { code: string }[] };
  assert.equal([report.ok, report.output, report.rules, report.left_out], [false, null, 1, 3]);
  assert.equal(report.diagnostics.map(({ code }) => code).sort(), ["E0102", "E0203", "E0301"]);
});

building("names the package, its fields and its schema as it is told", async () => {
  put("acme.json", '{"acme.zone": "keyword", "acme.count": "long", "process.name": "keyword"}');
  put("custom/zone.eql", 'login where acme.zone == "dmz" and acme.count > 3');
  const { code, stderr } = await run([
    ...["build", "custom", "-o", "custom-out", "--schema", "acme.json", "--name", "acme", "--pack-version", "7.1"],
    ...["--timestamp-field", "when", "--tiebreaker-field", "none", "--event-category-field", "what"],
  ]);
  assert.is(code, 0, stderr);
  const { package: about, schema } = manifestOf("custom-out");
  assert.equal([about.name, about.version], ["acme", "7.1"]);
  assert.equal([schema.timestamp_field, schema.tiebreaker_field, schema.category_field], ["when", null, "what"]);
  const ids = new Map(schema.fields.map(({ id, name }) => [name, id]));
  assert.ok((ids.get("acme.count") ?? 0) >= 1_000_000);
  assert.ok((ids.get("acme.zone") ?? 0) > (ids.get("acme.count") ?? 0));
});

building("warns that a pipe has no meaning in a package", async () => {
  put("piped.eql", 'process where process.name == "x" | head 3 | tail 1');
  const [built, checked] = await Promise.all([
    run(["build", "piped.eql", "-o", "piped"]),
    run(["check", "piped.eql", "--strict"]),
  ]);
  assert.equal([built.code, checked.code], [0, 1]);
  assert.is(built.stderr.split("warning[W0501]").length - 1, 1);
  assert.match(checked.stdout, /warning\[W0501\]: the pipe `tail`/);
});

building("replaces packages and empty folders, and nothing else", async () => {
  mkdirSync(join(folder, "empty"));
  put("notes/list.txt", "mine");
  put("file", "mine");
  symlinkSync(join(folder, "empty"), join(folder, "link"));
  const first = await run(["build", "good/curl.eql", "-o", "link"]);
  assert.is(first.code, 0, first.stderr);
  assert.equal(
    manifestOf("empty").rules.map(({ id }) => id),
    ["curl"],
  );
  const again = await run(["build", "more", "-o", "empty/"]);
  assert.is(again.code, 0, again.stderr);
  assert.not.ok(existsSync(join(folder, "empty/sources/curl.eql")));

  put("empty/alerts.ndjson", "mine");
  const refused = await Promise.all(
    ["empty", "notes", "file", "file/below", "."].map((dir) => run(["build", "more", "-o", dir])),
  );
  for (const { code, stderr, stdout } of refused) {
    assert.is(code, 2);
    assert.is(stdout, "");
    assert.match(stderr, /^error\[E_OUTPUT_(REFUSED|WRITE)\]: /);
  }
  assert.match(refused[0]?.stderr ?? "", /alerts\.ndjson/);
  assert.is(readFileSync(join(folder, "empty/alerts.ndjson"), "utf8"), "mine");
  assert.is(readFileSync(join(folder, "notes/list.txt"), "utf8"), "mine");
  const leftovers = readdirSync(folder).filter((name) => name.startsWith("."));
  assert.equal(leftovers, []);
});

building("says what cannot be read, and writes nothing", async () => {
  mkdirSync(join(folder, "hollow"));
  put("prose/readme.txt", "no rule");
  const [hollow, prose, absent, partly] = await Promise.all([
    run(["build", "hollow", "-o", "x1"]),
    run(["build", "prose", "-o", "x2"]),
    run(["build", "absent", "-o", "x3"]),
    run(["build", "good", "absent", "-o", "x4"]),
  ]);
  assert.equal(
    [hollow, prose, absent, partly].map(({ code }) => code),
    [2, 2, 2, 2],
  );
  assert.match(hollow.stderr, /error\[E0105\]: no rule was found under hollow/);
  assert.match(prose.stderr, /E0105/);
  assert.match(absent.stderr, /error\[E0101\]/);
  assert.match(partly.stderr, /absent cannot be read/);
  for (const dir of ["x1", "x2", "x3", "x4"]) assert.not.ok(existsSync(join(folder, dir)));
});

building("builds what kestrel-run accepts until somebody touches it", async () => {
  const built = await run(["build", "good", "-o", "whole"]);
  assert.is(built.code, 0, built.stderr);
  const changes: readonly (readonly [string, string])[] = [
    ["module.wasm", "module.wasm"],
    ["sources/curl.eql", "sources/curl.eql"],
    ["manifest.json", "manifest.json"],
  ];
  for (const [index, [file]] of changes.entries()) {
    const copy = join(folder, `touched-${index}`);
    cpSync(join(folder, "whole"), copy, { recursive: true });
    const bytes = readFileSync(join(copy, file));
    if (file === "manifest.json") {
      writeFileSync(join(copy, file), bytes.toString("utf8").replace('"severity": "high"', '"severity": "low"'));
    } else {
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
      writeFileSync(join(copy, file), bytes);
    }
  }
  const validate = (dir: string): Promise<Ended> => run(["validate", dir], "", folder, KESTREL_RUN);
  const whole = await validate("whole");
  assert.is(whole.code, 0, whole.stderr);
  const touched = await Promise.all(changes.map((_, index) => validate(`touched-${index}`)));
  for (const [index, { code, stderr }] of touched.entries()) {
    assert.is(code, 2);
    assert.ok(stderr.includes(changes[index]?.[1] ?? "?"), stderr);
  }
});

building("names sources by their tree, and tells apart what would collide", () => {
  const names = (files: readonly (readonly [string, string])[], roots: readonly string[]): string[] =>
    [...nameSources(new Map(files), roots).values()].map(({ name }) => name);
  assert.equal(names([["/r/a/x.eql", "1"]], ["/r/a", "/r"]), ["a/x.eql"]);
  assert.equal(names([["/r/a/x.eql", "1"]], ["/r", "/r/a"]), ["a/x.eql"]);
  assert.equal(names([["/r/a/x.eql", "1"]], ["/r/a/x.eql"]), ["x.eql"]);
  assert.equal(names([["/x.eql", "1"]], ["/"]), ["x.eql"]);
  const [one, two, three] = names(
    [
      ["/p/x.eql", "1"],
      ["/q/X.eql", "2"],
      ["/q/y.eql", "3"],
    ],
    ["/p", "/q"],
  );
  assert.match(one ?? "", /^[0-9a-f]{12}\/x\.eql$/);
  assert.match(two ?? "", /^[0-9a-f]{12}\/X\.eql$/);
  assert.is.not(one?.slice(0, 12), two?.slice(0, 12));
  assert.is(three, "y.eql");
});

building.run();

const checking = suite("eqlc check");
checking.before(() => setUp("check"));
checking.after(tearDown);

checking("shows code, place, line and caret on standard output, and writes nothing", async () => {
  put("bad.eql", '// a comment\nprocess where process.name == "a"\n  and proces.pid == 4');
  const before = readdirSync(folder);
  const [text, json] = await Promise.all([run(["check", "bad.eql"]), run(["check", "bad.eql", "--format", "json"])]);
  assert.equal([text.code, json.code], [2, 2]);
  const lines = text.stdout.split("\n");
  assert.match(lines[0] ?? "", /^error\[E0301\]: unknown field/);
  assert.ok(text.stdout.includes("bad.eql:3:7"));
  const shown = lines.findIndex((line) => line.includes("and proces.pid == 4"));
  assert.is((lines[shown] ?? "").indexOf("proces.pid"), (lines[shown + 1] ?? "").indexOf("^^^^^^^^^^"));
  assert.not.ok(text.stdout.includes("\u001b"));
  assert.match(text.stderr, /checked 1 rule: 1 error/);
  const [first] = JSON.parse(json.stdout) as Record<string, unknown>[];
  assert.equal([first?.code, first?.file, first?.line, first?.column], ["E0301", "bad.eql", 3, 7]);
  assert.equal(readdirSync(folder), before);
});

checking("finds what only lowering and packaging would find", async () => {
  put("long.eql", "sequence with maxspan=9999999d [any where true] [any where true]");
  put("huge.eql", 'process where process.name regex "(.*a.{300}){30}"');
  const { code, stdout } = await run(["check", "long.eql", "huge.eql"]);
  assert.is(code, 2);
  for (const part of ["E0205", "E0402"]) assert.ok(stdout.includes(part), part);
});

checking("is content with good rules", async () => {
  const { code, stdout, stderr } = await run(["check", "good", "more"]);
  assert.equal([code, stdout], [0, ""]);
  assert.match(stderr, /checked 3 rules: no problems/);
});

checking("tells wrong usage from wrong rules", async () => {
  put("types.json", '{"a.b": "number"}');
  put("list.json", "[1]");
  const wrong = await Promise.all([
    run([]),
    run(["check"]),
    run(["chekc", "good"]),
    run(["check", "good", "--dialect", "latin"]),
    run(["check", "good", "--schema", "types.json"]),
    run(["check", "good", "--schema", "list.json"]),
    run(["check", "good", "--schema", "nowhere.json"]),
    run(["check", "good", "--tiebreaker-field", "process.name"]),
    run(["build", "good"]),
    run(["query", "any where true"]),
    run(["query", "any where true", "x", "--limit", "-1"]),
    run(["dump", "--stage", "ast"]),
    run(["dump", "--stage", "soup", "-q", "any where true"]),
  ]);
  for (const { code, stdout, stderr } of wrong) {
    assert.is(code, 3, stderr);
    assert.is(stdout, "");
    assert.is.not(stderr, "");
  }
  assert.match(wrong[4]?.stderr ?? "", /error\[E_USAGE\]: --schema: types\.json: the type of `a\.b` is "number"/);
  const [help, version] = await Promise.all([run(["--help"]), run(["--version"])]);
  assert.equal([help.code, version.code], [0, 0]);
  assert.match(version.stdout, /^eqlc \d/);
});

checking.run();

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

const dumping = suite("eqlc dump");
dumping.before(() => setUp("dump"));
dumping.after(tearDown);

const QUERY = [
  "sequence by host.id with maxspan=1m",
  '[process where process.name in ("a", "b") and length(user.name) > 3 and not process.args like "*x*"]',
  '![file where cidrmatch(source.ip, "10.0.0.0/8", "::1/128")]',
  "[network where destination.port > 1024 or user.id == null]",
  'until [process where event.type == "end"]',
].join("\n");

dumping("prints every stage of a query and of a file", async () => {
  const stage = (name: string, ...rest: readonly string[]): Promise<Ended> => run(["dump", "--stage", name, ...rest]);
  const [ast, json, ir, nfa, wat, file, event] = await Promise.all([
    stage("ast", "-q", QUERY),
    stage("ast", "-q", QUERY, "--format", "json"),
    stage("ir", "-q", QUERY),
    stage("nfa", "-q", QUERY),
    stage("wat", "good/curl.eql"),
    stage("ir", "good"),
    stage("nfa", "good/curl.eql"),
  ]);
  for (const { code, stderr } of [ast, json, ir, nfa, wat, file, event]) assert.equal([code, stderr], [0, ""]);
  assert.match(ast.stdout, /^query elastic\n {2}sequence maxspan=60000ms {2}@0\.\.\d+\n {4}by\n {6}field host\.id/);
  assert.match(ast.stdout, /\n {4}missing term/);
  assert.is((JSON.parse(json.stdout) as { kind: string }).kind, "query");
  for (const part of [
    'process.name in {"a", "b"}',
    "computed  (length(user.name) > 3)",
    'process.args like {"*x*"}',
    "10.0.0.0/8",
    "destination.port > 1024",
    "user.id exists",
    "keys      host.id",
    'witness   process.name {"a", "b"}',
    "used by   query until",
  ]) {
    assert.ok(ir.stdout.includes(part), `${part} in\n${ir.stdout}`);
  }
  assert.match(
    nfa.stdout,
    /^program 0: sequence of rule 0 \(query\), maxspan 60000 ms\n {2}stage 0 {3}start --p0--> state 1\n {2}stage 1 {3}no p1 here\n {2}stage 2 {3}state 1 --p2--> match\n {2}until/,
  );
  assert.match(wat.stdout, /^\(module\n[\s\S]*\(export "run"/);
  assert.match(file.stdout, /# curl\natoms\n[\s\S]*# chain\natoms\n/);
  assert.match(event.stdout, /no programs/);
});

dumping("shows what is wrong instead", async () => {
  const [types, syntax, absent] = await Promise.all([
    run(["dump", "--stage", "ast", "-q", "process where nope == 1"]),
    run(["dump", "--stage", "wat", "-q", "process where ("]),
    run(["dump", "--stage", "ir", "absent.eql"]),
  ]);
  assert.equal([types.code, syntax.code, absent.code], [2, 2, 2]);
  assert.match(types.stdout, /field nope/);
  assert.match(types.stderr, /E0301/);
  assert.equal([syntax.stdout, absent.stdout], ["", ""]);
  assert.match(syntax.stderr, /E0203/);
  assert.match(absent.stderr, /E0101/);
});

dumping.run();

const explaining = suite("eqlc explain");

explaining("says what wakes a rule, and why nothing does", async () => {
  put("woken/anything.eql", 'any where process.name == null or user.name : "x" // kestrel: allow W0507');
  put(
    "woken/by-text.eql",
    'sequence by host.id [process where process.name : ("a", "b")] [file where file.path : "*.tmp"] // kestrel: allow W0502',
  );
  const all = await run(["explain", "--index", "woken"]);
  assert.equal([all.code, all.stderr], [0, ""]);
  assert.is(
    all.stdout,
    [
      "anything",
      "  the rule",
      "    woken by  every event: of an alternative, a negation also holds where the field is missing",
      "by-text",
      "  stage 0",
      '    woken by  process.name~ {"a", "b"}',
      "              expected in 4 of 1,000 events",
      "  stage 1",
      '    woken by  event.category {"file"}',
      "              expected in 198 of 1,000 events",
      "",
    ].join("\n"),
  );
  const one = await run(["explain", "--index", "woken", "--rule", "by-text"]);
  assert.ok(one.stdout.startsWith("by-text\n"));
  assert.is((await run(["explain", "woken"])).code, 3);
  assert.is((await run(["explain", "--index", "woken", "--rule", "absent"])).code, 3);
});

explaining("says what a rule takes", async () => {
  const built = await run(["build", "woken", "-o", "out-stats", "--stats", "--format", "json"]);
  const { stats } = JSON.parse(built.stdout) as { readonly stats: Readonly<Record<string, unknown>> };
  assert.equal(stats.woken_by, { texts: 2, literals: 0, fields: 0, every_event: 1 });
  assert.is(stats.rules, 2);
  const text = await run(["build", "woken", "-o", "out-stats", "--stats"]);
  assert.match(text.stderr, /\n {2}a rule {6}\d+ bytes, \d+\.\d atoms, \d+\.\d postings\n {2}index /);
});

explaining.run();

const profiling = suite("eqlc profile");

const COUNTED = [
  '{"event":{"category":"process"},"process":{"name":"a"}}',
  '{"event":{"category":"process"},"process":{"name":"other"}}',
  '{"event.category":"file","file.path":"x.tmp"}',
  "no event",
];

profiling("counts recordings, and steers what is built and explained by them", async () => {
  put("profiled/by-text.eql", 'any where process.name : ("a", "b") and user.name == "root"');
  put("profiled/by-path.eql", 'file where file.path : "*.tmp"');
  put("recordings/one.ndjson", `${COUNTED.join("\n")}\n`);
  writeFileSync(join(folder, "recordings/two.json.gz"), gzipSync(`[${COUNTED.slice(0, 3).join(",")}]`));
  put("recordings/notes.txt", "these are no events");
  const made = await run(["profile", "profiled", "recordings", "-o", "ours.json"]);
  assert.equal([made.code, made.stdout], [0, ""]);
  assert.match(made.stderr, /note: left out: .*notes\.txt/);
  assert.match(
    made.stderr,
    /counted 6 events for 2 rules in ours\.json\n {2}left out {4}1 lines that are no events\n {2}fields {6}3 of 4 .*\n {2}texts {7}2 of 4 /,
  );
  const text = readFileSync(join(folder, "ours.json"), "utf8");
  assert.equal(JSON.parse(text).fields, { "event.category": 6, "file.path": 2, "process.name": 4, "user.name": 0 });
  assert.equal(JSON.parse(text).texts["process.name"], { a: 2, b: 0 });
  const again = await run(
    ["profile", "profiled", "recordings/two.json.gz", "-", "-o", "again.json"],
    COUNTED.join("\n"),
  );
  assert.is(again.code, 0);
  assert.is(readFileSync(join(folder, "again.json"), "utf8"), text);
  assert.equal(
    readdirSync(folder).filter((name) => name.includes(".new")),
    [],
  );

  const explained = await run(["explain", "--index", "profiled", "--rule", "by-text", "--profile", "ours.json"]);
  assert.match(explained.stdout, /woken by {2}user\.name /);
  const plain = await run(["explain", "--index", "profiled", "--rule", "by-text"]);
  assert.match(plain.stdout, /woken by {2}process\.name~ /);
  const built = await run(["build", "profiled", "-o", "out-profiled", "--profile", "ours.json"]);
  assert.is(built.code, 0);
  assert.match(built.stderr, /\n {2}profile {5}of 6 events\n/);
  assert.is(readFileSync(join(folder, "out-profiled/profile.json"), "utf8"), text);
  const validated = await run(["validate", "out-profiled", "--format", "json"], "", folder, KESTREL_RUN);
  const { sha256 } = manifestOf("out-profiled").files.find(({ path }) => path === "profile.json") ?? {};
  assert.is(JSON.parse(validated.stdout).profile, sha256);
  assert.match((await run(["validate", "out-profiled"], "", folder, KESTREL_RUN)).stdout, `\n  profile   ${sha256}\n`);
  assert.is((await run(["build", "profiled", "-o", "out-profiled"])).code, 0);
  assert.is(existsSync(join(folder, "out-profiled/profile.json")), false);
});

profiling("says what is wrong with rules, recordings and files", async () => {
  put("bad.json", '{"profile_version": "1.0", "events": 0}');
  const built = await run(["build", "profiled", "-o", "out-refused", "--profile", "bad.json"]);
  assert.is(built.code, 2);
  assert.match(built.stderr, /^error\[E0802\]: .*\n --> bad\.json:1:28\n/);
  assert.match(built.stderr, /1 error; nothing was written: the profile cannot be used\n$/);
  assert.is(existsSync(join(folder, "out-refused")), false);
  const json = await run(["build", "profiled", "-o", "out-refused", "--profile", "absent.json", "--format", "json"]);
  assert.is(json.code, 2);
  assert.equal(
    JSON.parse(json.stdout).diagnostics.map(({ code }: { readonly code: string }) => code),
    ["E0801"],
  );
  const explained = await run(["explain", "--index", "profiled", "--profile", "bad.json"]);
  assert.equal([explained.code, explained.stdout], [2, ""]);

  put("half-good/good.eql", 'any where process.name == "a"');
  put("half-good/bad.eql", "any where (");
  const half = await run(["profile", "half-good", "recordings/one.ndjson", "-o", "half.json"]);
  assert.is(half.code, 1);
  assert.match(half.stderr, /bad\.eql/);
  assert.match(half.stderr, /counted 3 events for 1 rules in half\.json/);

  put("recordings/strange.ndjson", '{"a":1}\n');
  const cases: readonly (readonly [parameters: readonly string[], code: number, stderr: RegExp])[] = [
    [["profiled", "recordings/absent.ndjson", "-o", "none.json"], 2, /E_INPUT_READ/],
    [["profiled", "recordings/strange.ndjson", "-o", "none.json"], 2, /no event has a field that the rules ask for/],
    [["profiled", "-", "-o", "none.json"], 2, /there are no events to count/],
    [["absent", "recordings", "-o", "none.json"], 2, /E0101/],
    [
      ["profiled", "recordings", "-o", "absent/none.json"],
      2,
      /E_OUTPUT_WRITE\]: cannot write absent\/none\.json: ENOENT/,
    ],
    [["profiled", "recordings"], 3, /required option '-o, --output <file>'/],
    [["profiled", "-o", "none.json"], 3, /missing required argument/],
  ];
  for (const [parameters, code, stderr] of cases) {
    const ended = await run(["profile", ...parameters]);
    assert.is(ended.code, code, parameters.join(" "));
    assert.match(ended.stderr, stderr);
  }
  assert.is(existsSync(join(folder, "none.json")), false);
});

profiling("a profile destroys no recording, and what is no file stays what it is", async () => {
  const recording = join(folder, "recordings/one.ndjson");
  const before = readFileSync(recording, "utf8");
  symlinkSync(recording, join(folder, "link.json"));
  for (const output of ["recordings/one.ndjson", "link.json"]) {
    const ended = await run(["profile", "profiled", "recordings", "-o", output]);
    assert.is(ended.code, 2);
    assert.match(ended.stderr, /E_OUTPUT_WRITE\]: cannot write .*: it is one of the recordings/);
  }
  assert.is(readFileSync(recording, "utf8"), before);
  const pipe = join(folder, "pipe");
  spawnSync("mkfifo", [pipe]);
  const reader = spawn("cat", [pipe], { stdio: "ignore" });
  assert.is((await run(["profile", "profiled", "recordings", "-o", "pipe"])).code, 0);
  assert.ok(statSync(pipe).isFIFO());
  reader.kill();
});

profiling.run();
