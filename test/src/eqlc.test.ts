// eqlc as a process: what build, check, dump and explain write and print where, and how they end.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nameSources } from "@kestrel/compiler/package/source-names";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CHAIN_RULE, folder, KESTREL_RUN, manifestOf, put, run, setUp, tearDown } from "./support/eqlc-process.js";
import type { Ended } from "./support/run-process.js";

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
explaining.before(() => setUp("explain"));
explaining.after(tearDown);

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
