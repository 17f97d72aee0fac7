// Rule files of every kind to rules, and what is said about files that are not as they should be.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Diagnostic } from "@kestrel/compiler/diagnostics/diagnostic";
import { locate, placeInRule } from "@kestrel/compiler/diagnostics/locate";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/front";
import { checkRules } from "@kestrel/compiler/package/check-rules";
import type { Rule } from "@kestrel/compiler/rule/rule";
import type { CollectedRules } from "@kestrel/compiler/sources/collect-rules";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import { readJson } from "@kestrel/compiler/sources/json";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const CORPORA = fileURLToPath(new URL("../../../shared/corpora/", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "kestrel-sources-"));
let folders = 0;

/** Writes files into a new folder and returns its path. */
function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  folders += 1;
  const folder = join(root, `case-${folders}`);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

function collect(files: Readonly<Record<string, string | Uint8Array>>): CollectedRules {
  return collectRules([folderOf(files)]);
}

function only(collected: CollectedRules): Rule {
  assert.equal(collected.diagnostics, []);
  assert.is(collected.rules.length, 1);
  const rule = collected.rules[0];
  if (rule === undefined) throw new Error("unreachable");
  return rule;
}

function codes(collected: CollectedRules): string[] {
  return collected.diagnostics.map(({ code }) => code);
}

/** `line:column message` of each diagnostic. */
function told(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ message, place }) => {
    const at = locate(place);
    return at === null ? message : `${at.line}:${at.column} ${message}`;
  });
}

/** The position in its file of the first `word` of the rule's query, as `line:column`. */
function positionOf(rule: Rule, word: string): string {
  const start = rule.query.indexOf(word);
  const at = locate(placeInRule(rule, { start, end: start + word.length }));
  return `${at?.within} ${at?.line}:${at?.column}`;
}

const DETECTION = `[metadata]
creation_date = "2024/01/02"
maturity = "production"

[rule]
author = ["A. Author"]
description = """
Two
lines.
"""
language = "eql"
name = "A rule"
risk_score = 47
rule_id = "11111111-2222-3333-4444-555555555555"
severity = "High"
references = ["https://example.test/a"]
tags = ["OS: Linux"]
type = "eql"
from = "now-9m"
query = '''
process where process.name == "id" and
  user.id == "0"
'''

[[rule.threat]]
framework = "MITRE ATT&CK"
[[rule.threat.technique]]
id = "T1033"
name = "System Owner/User Discovery"
[[rule.threat.technique.subtechnique]]
id = "T1033.001"
name = "Sub"
reference = "https://example.test/t"
[rule.threat.tactic]
id = "TA0007"
name = "Discovery"
`;

const sources = suite("sources");

sources.after(() => rmSync(root, { recursive: true }));

sources("reads a detection rule in TOML as Elastic writes it", () => {
  const rule = only(collect({ "a.toml": DETECTION }));
  assert.is(rule.id, "11111111-2222-3333-4444-555555555555");
  assert.is(rule.name, "A rule");
  assert.is(rule.description, "Two\nlines.\n");
  assert.is(rule.version, "1.0.0");
  assert.is(rule.severity, "high");
  assert.is(rule.riskScore, 47);
  assert.equal(rule.author, ["A. Author"]);
  assert.equal(rule.tags, ["OS: Linux"]);
  assert.equal(rule.references, ["https://example.test/a"]);
  assert.equal(rule.threat, [
    {
      framework: "MITRE ATT&CK",
      tactic: { id: "TA0007", name: "Discovery" },
      technique: [
        {
          id: "T1033",
          name: "System Owner/User Discovery",
          subtechnique: [{ id: "T1033.001", name: "Sub", reference: "https://example.test/t" }],
        },
      ],
    },
  ]);
  assert.equal(rule.metadata, {
    creation_date: "2024/01/02",
    maturity: "production",
    language: "eql",
    type: "eql",
    from: "now-9m",
  });
  assert.is(positionOf(rule, "process where"), "file 21:1");
  assert.is(positionOf(rule, "user.id"), "file 22:3");
});

sources("reads an endpoint rule in TOML, with threat and actions beside the [rule] table", () => {
  const rule = only(
    collect({
      "b.toml": `[rule]
id = "b-1"
name = "B"
os_list = ["macos"]
reference = ["https://example.test/b"]
version = "1.0.16"
query = """
process where event.action == "exec"
"""
[[actions]]
action = "kill_process"
state = 0
[[threat]]
framework = "MITRE ATT&CK"
[threat.tactic]
id = "TA0011"
name = "Command and Control"
[internal]
min_endpoint_version = "7.15.0"
since = 2024-05-06
`,
    }),
  );
  assert.is(rule.version, "1.0.16");
  assert.is(rule.severity, "medium");
  assert.is(rule.threat[0]?.tactic?.id, "TA0011");
  assert.equal(rule.references, ["https://example.test/b"]);
  assert.equal(rule.metadata, {
    actions: [{ action: "kill_process", state: 0 }],
    internal: { min_endpoint_version: "7.15.0", since: "2024-05-06" },
    os_list: ["macos"],
  });
  assert.is(positionOf(rule, "event.action"), "file 8:15");
});

sources("reads a bare query, naming the rule after the file", () => {
  const folder = folderOf({ "sub/my.rule.eql": "\ufeff// why\r\nprocess where true\r\n" });
  const collected = collectRules([folder]);
  const rule = only(collected);
  assert.is(rule.id, "my.rule");
  assert.is(rule.name, "my.rule");
  assert.is(rule.version, "1.0.0");
  assert.is(rule.severity, "medium");
  assert.is(rule.query, "// why\nprocess where true\n");
  assert.is(rule.source.file, `${folder}/sub/my.rule.eql`);
  assert.is(collected.files.get(rule.source.file), rule.query);
  assert.is(positionOf(rule, "true"), "file 2:15");
});

sources("reads YAML: several documents, lists, block queries, tests", () => {
  const collected = collect({
    "c.yaml": `id: c-1
name: First
version: 1.10
author: One
severity: LOW
dialect: endgame
query: |
  process where

    process_name == "é"
tests:
  - events: [{ process_name: é }]
    match: true
  - name: none
    events: [{ process_name: e }, {}]
    alerts: 0
---
- id: c-2
  query: process where true
- id: c-3
  query: "file where true"
  metadata: { since: 2024-01-02 }
- id: c-4
  query: >
    process where
    true
---
`,
  });
  assert.equal(collected.diagnostics, []);
  const [first, second, third, fourth] = collected.rules;
  if (!first || !second || !third || !fourth) throw new Error("four rules were expected");
  assert.is(first.version, "1.10");
  assert.equal(first.author, ["One"]);
  assert.is(first.severity, "low");
  assert.is(first.dialect, "endgame");
  assert.equal(first.tests, [
    { name: "test 1", events: [{ process_name: "é" }], alerts: 1 },
    { name: "none", events: [{ process_name: "e" }, {}], alerts: 0 },
  ]);
  assert.equal(
    [positionOf(first, "process where"), positionOf(first, '"é"')],
    ["file 8:3", "file 10:21"],
    "the indent of block text is counted",
  );
  assert.is(second.name, "c-2");
  assert.is(positionOf(second, "where"), "file 19:18");
  assert.is(positionOf(third, "where"), "file 21:16");
  assert.equal(third.metadata, { since: "2024-01-02" });
  assert.is(fourth.source.queryOffset, null);
  assert.is(positionOf(fourth, "where"), "query 1:9");
});

sources("reads JSON: one rule, a list, and Elastic's exports", () => {
  const collected = collect({
    "1.json": `{"rule_id": "j-1", "id": "kibana", "name": "J", "type": "eql", "version": 3, "query": "process where true"}`,
    "2.json": JSON.stringify([
      { id: "j-2", name: "Two", os: "linux", kind: "event", query: 'file where file.name == "x"', severity: null },
      { id: "j-3", name: "Three", query: "any where true", dialect: "endgame-eql (old)" },
    ]),
    "3.json": JSON.stringify({ type: "security-rule", attributes: { rule_id: "j-4", query: "any where true" } }),
    "stem.json": `{"name": "No id", "query": "any where false"}`,
  });
  assert.equal(collected.diagnostics, []);
  assert.equal(
    collected.rules.map(({ id, version }) => `${id} ${version}`),
    ["j-1 3", "j-2 1.0.0", "j-3 1.0.0", "j-4 1.0.0", "stem 1.0.0"],
  );
  const [first, second, third] = collected.rules;
  assert.is(first === undefined ? "" : positionOf(first, "true"), "file 1:102");
  assert.equal(first?.metadata, { id: "kibana", type: "eql" });
  assert.equal(second?.metadata, { os: "linux", kind: "event" });
  assert.is(second?.source.queryOffset, null);
  assert.is(third?.dialect, "endgame");
});

sources("walks in the byte order of relative paths, each file once, without hidden files and loops", () => {
  const rule = (id: string): string => `id: ${id}\nquery: any where true\n`;
  const folder = folderOf({
    "a/z.yml": rule("az"),
    "a-b/y.yml": rule("aby"),
    "a.yml": rule("a"),
    "Z.yml": rule("Z"),
    "é.yml": rule("é"),
    ".git/x.yml": rule("hidden"),
    "node_modules/x.yml": rule("module"),
  });
  symlinkSync(folder, join(folder, "a", "loop"));
  symlinkSync(join(folder, "a.yml"), join(folder, "zz.yml"));
  const collected = collectRules([`${folder}/`, join(folder, "a.yml")]);
  assert.equal(collected.diagnostics, []);
  assert.equal(
    collected.rules.map(({ source }) => source.file.slice(folder.length)),
    ["/Z.yml", "/a-b/y.yml", "/a.yml", "/a/z.yml", "/é.yml"],
  );
});

sources("reports keys of the wrong kind, with their place, and goes on with other rules", () => {
  const collected = collect({
    "bad.yaml": `id: bad
name: 7
severity: urgent
risk_score: 101
tags: [a, 1]
threat: [{ tactic: { id: T } }, 3]
tests: [{ events: [1] }, { events: [], alerts: 1, match: true }]
dialect: sql
query: ""
`,
    "bad.toml": `[rule]\nname = "x"\nquery = 3\n`,
    "list.json": `[{"id": "l-1", "query": "any where true"}, {"name": "No id", "query": "any where true"}, 5]`,
    "empty.eql": " \n",
  });
  assert.equal(told(collected.diagnostics), [
    "3:1 key `query` must be an EQL query, but is the number 3",
    "9:8 key `query` must be an EQL query, but is empty",
    "2:7 key `name` must be a text, but is the number 7",
    '3:11 key `severity` must be one of informational, low, medium, high, critical, but is "urgent"',
    "4:13 key `risk_score` must be a number from 0 to 100, but is the number 101",
    "5:1 key `tags` must be a text or a list of texts, but is the number 1",
    "6:1 key `threat[1]` must be a table, but is the number 3",
    "6:1 key `threat[0].tactic.name` must be a text, but is missing",
    "7:1 key `tests[0].events[0]` must be an event, which is a table of fields, but is the number 1",
    "7:1 key `tests[0].alerts` must be a count from 0 on (or match: true or false), but is missing",
    "7:1 key `tests[1].match` must be left out where alerts is given, but is true",
    '8:10 key `dialect` must be elastic or endgame, but is "sql"',
    "the file holds no query",
    "1:44 key `id` must be a text that is not empty, but is missing",
    "entry 3 is not a rule",
  ]);
  assert.ok(collected.diagnostics.every(({ code, severity }) => code === "E0103" && severity === "error"));
  assert.equal(
    collected.rules.map(({ id }) => id),
    ["l-1"],
  );
});

sources("reports files that are not valid, at the place", () => {
  const collected = collect({
    "a.toml": "[rule]\nid = \n",
    "b.json": '{\n  "id": tru\n}',
    "c.yaml": "id: x\nquery: [a\n",
    "d.yaml": "query: *none\n",
    "e.eql": Uint8Array.of(0xff, 0xfe, 0x41),
  });
  assert.ok(collected.diagnostics.every(({ code }) => code === "E0102"));
  const [toml, json, yaml, alias, bytes] = told(collected.diagnostics);
  assert.is(toml, "2:6 not valid TOML: invalid value");
  assert.is(json, "2:9 not valid JSON: `tru` is not a text in double quotes, nor a number, true, false or null");
  assert.match(yaml ?? "", /^\d:\d+ not valid YAML: /);
  assert.match(alias ?? "", /not valid YAML: .*none/);
  assert.is(bytes, "the file is not valid UTF-8");
});

sources("finds where JSON is broken", () => {
  const cases: readonly (readonly [text: string, place: string, found: string, message: string])[] = [
    ["", "1:1", "", "expected a value, but the file ends"],
    ["[1,]", "1:4", "]", "expected a value, but found `]`"],
    ['{"a":1,}', "1:8", "}", "expected a key in double quotes, but found `}`"],
    ['{"a" 1}', "1:6", "1", "expected `:`, but found `1`"],
    ['{"a": 1 "b": 2}', "1:9", '"b"', 'expected `,` or `}`, but found `"b"`'],
    ["[01]", "1:3", "1", "expected `,` or `]`, but found `1`"],
    ["[1] 2", "1:5", "2", "expected the end of the file, but found `2`"],
    ['{"a":[{}\n', "1:9", "", "expected `]`, but the file ends"],
    ['{"a":1', "1:7", "", "expected `}`, but the file ends"],
    ['["a\nb"]', "1:2", '"a', "the text has no closing quote on its line"],
    ['["\\x"]', "1:2", '"\\x"', '`\\` stands before one of " \\ / b f n r t u'],
    ['["\\u12"]', "1:2", '"\\u12"', "`\\u` stands before four hexadecimal digits"],
    ['["\t"]', "1:2", '"\t"', "a control character in a text must be written as an escape"],
    ["[1.]", "1:2", "1.", "the number `1.` is not complete"],
    ["{id: 1}", "1:2", "id", "`id` is not a text in double quotes, nor a number, true, false or null"],
    ["['a b']", "1:2", "'a", "`'a` is not a text in double quotes, nor a number, true, false or null"],
    ["{ // why\n}", "1:3", "// why", "JSON has no comments"],
    ["[1 /* why */]", "1:4", "/* why */", "JSON has no comments"],
    [`[${"x".repeat(300_000)}`, "1:2", "x".repeat(300_000), `\`${"x".repeat(20)}…\` is not a text`],
  ];
  for (const [text, place, found, message] of cases) {
    assert.throws(() => JSON.parse(text));
    const { diagnostics } = readJson({ path: "x.json", text, named: true });
    const said = told(diagnostics);
    assert.is(said.length, 1);
    assert.is(said[0]?.slice(0, `${place} not valid JSON: ${message}`.length), `${place} not valid JSON: ${message}`);
    const { start, end } = diagnostics[0]?.place.span ?? { start: 0, end: 0 };
    assert.is(text.slice(start, end), found);
  }
});

sources("says of a file that is nested too deeply that it is, and reads the others", () => {
  const nest = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  const rule = '"id": "x", "query": "any where true"';
  const collected = collect({
    "1.json": `{${rule}, "x": ${nest(100_000)}}`,
    "2.json": `{${rule}, "tests": [{"alerts": 0, "events": [${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}]}]}`,
    "3.json": "[".repeat(10 << 20),
    "4.json": "}".repeat(10 << 20),
    "5.json": `{${rule}, "x": ${nest(500)}}`,
    "6.json": `{${rule.replace("x", "deep")}, "x": ${nest(499)}}`,
    "7.yaml": `id: x\nquery: any where true\nx: ${nest(20_000)}\n`,
    "8.toml": `id = "x"\nquery = "any where true"\nx = ${nest(20_000)}\n`,
  });
  assert.equal(
    collected.rules.map(({ id }) => id),
    ["deep"],
  );
  assert.equal(
    told(collected.diagnostics).map((said) => said.replace(/^3:\d+/, "3:?")),
    [
      "1:544 not valid JSON: it is nested deeper than 500 levels",
      "1:2555 not valid JSON: it is nested deeper than 500 levels",
      "1:501 not valid JSON: it is nested deeper than 500 levels",
      "1:1 not valid JSON: expected a value, but found `}`",
      "1:544 not valid JSON: it is nested deeper than 500 levels",
      "3:? not valid YAML: it is nested too deeply",
      "3:? not valid TOML: document contains excessively nested structures. aborting.",
    ],
  );
});

sources("finds the keys and the query of each JSON rule where they stand", () => {
  const collected = collect({
    "a.json": `[
  {"id": "one", "tags": [], "query": "any where true"},
  {"id": "two", "query": "any where true", "severity": "urgent"},
  {"type": "security-rule", "version": 1, "attributes": {
    "rule_id": "three", "version": [], "query": "any where true"}},
  {"id": "four", "query": "any where false", "query": "any where true"},
  {"id": "five", "query": "any where \\u0074rue"},
  {"query": "any where true"}
]`,
  });
  assert.equal(
    collected.rules.map((rule) => positionOf(rule, "true")),
    ["file 2:49", "file 6:66", "query 1:11"],
  );
  assert.equal(told(collected.diagnostics), [
    '3:56 key `severity` must be one of informational, low, medium, high, critical, but is "urgent"',
    "5:25 key `version` must be a text or a number, but is an empty list",
    "8:3 key `id` must be a text that is not empty, but is missing",
  ]);
});

sources("reads a file of 30,000 JSON rules as fast as its length asks for", () => {
  const rules = Array.from({ length: 30_000 }, (_, i) => `{"id": "r${i}", "query": "any where process.pid == ${i}"}`);
  const collected = collect({ "a.json": `[\n${rules.join(",\n")}\n]` });
  assert.equal(collected.diagnostics, []);
  const last = collected.rules.at(-1);
  assert.is(last === undefined ? "" : positionOf(last, "process"), "file 30001:38");
});

sources("leaves out what is not a rule, with a note", () => {
  const others = {
    "README.md": "# x",
    "events.ndjson": "{}\n",
    "manifest.json": '{"name": "x", "start_url": "/"}',
    "config.toml": "[tool]\nname = 'x'\n",
    "sigma.yml": "title: T\nid: s\nlogsource: {}\ndetection: {}\n",
    "kql.toml": DETECTION.replace('"eql"', '"kuery"').replace('type = "eql"', 'type = "query"'),
    "ml.json": '{"rule_id": "m", "name": "M", "severity": "low", "type": "machine_learning"}',
  };
  const folder = folderOf({ ...others, "r.eql": "any where true" });
  const collected = collectRules([folder]);
  assert.is(collected.rules.length, 1);
  assert.ok(collected.diagnostics.every(({ code, severity }) => code === "N0601" && severity === "note"));
  assert.is(collected.diagnostics.length, Object.keys(others).length);
  assert.equal([...collected.files.keys()], [`${folder}/r.eql`]);
  assert.equal(codes(collectRules([join(folder, "kql.toml")])), ["E0106"], "a file that was named must hold EQL");
  assert.equal(told(collectRules([join(folder, "kql.toml")]).diagnostics), [
    "11:1 the rule is written in another language (kuery), not EQL",
  ]);
});

sources("refuses a misspelt key, and in YAML any that is not known", () => {
  const rule = 'id = "x"\nquery = "any where true"';
  const collected = collect({
    "1.yaml": "id: a\nname: A\nquerry: any where true\n",
    "2.yaml": "id: b\nqurey: any where true\nsevertiy: high\n",
    "3.yaml": "id: c\nquery: any where true\nowner: me\nmetadata: { owner: me }\n",
    "4.toml": `[rule]\n${rule}\nrisk_scor = 3\nowner = "me"\n`,
    "5.toml": `[rulle]\n${rule}\n`,
    "6.json": '{"id": "d", "querry": "any where true"}',
    "7.json": '[{"id": "e", "query": "any where true", "riskScore": 3}, {"rule_di": "f", "query": "any where true"}]',
  });
  assert.equal(told(collected.diagnostics), [
    "3:9 unknown key `querry`",
    "2:8 unknown key `qurey`",
    "3:11 unknown key `severtiy`",
    "3:8 unknown key `owner`",
    "4:1 unknown key `risk_scor`",
    "1:1 unknown table `[rulle]`",
    "1:23 unknown key `querry`",
    "1:54 unknown key `riskScore`",
    "1:70 unknown key `rule_di`",
  ]);
  assert.ok(collected.diagnostics.every(({ code, severity }) => code === "E0107" && severity === "error"));
  assert.equal(
    collected.diagnostics.map(({ help }) => help),
    [
      "did you mean `query`?",
      "did you mean `query`?",
      "did you mean `severity`?",
      "keys of your own stand under `metadata`",
      "did you mean `risk_score`?",
      "did you mean `[rule]`?",
      "did you mean `query`?",
      "did you mean `risk_score`?",
      "did you mean `rule_id`?",
    ],
  );
  const kept = collect({
    "1.toml": `[rule]\n${rule}\nowner = "me"\n_id = 1\n`,
    "2.json": '{"id": "j", "uid": 3, "query": "any where true", "notes": "n"}',
  });
  assert.equal(
    kept.rules.map(({ metadata }) => metadata),
    [
      { owner: "me", _id: 1 },
      { uid: 3, notes: "n" },
    ],
  );
  assert.equal(kept.diagnostics, []);
});

sources("leaves out a rule that is disabled, and says so", () => {
  const text = (id: string, enabled: string) => `id: ${id}\nenabled: ${enabled}\nquery: any where true\n`;
  const collected = collect({ "a.yaml": text("a", "false"), "b.yaml": text("b", "true"), "c.yaml": text("c", "no") });
  assert.equal(
    collected.rules.map(({ id }) => id),
    ["b"],
  );
  assert.equal(codes(collected), ["N0602", "E0103"]);
  assert.equal(told(collected.diagnostics), [
    "2:10 the rule is disabled and was left out",
    '2:10 key `enabled` must be true or false, but is "no"',
  ]);
  const none = collect({ "a.yaml": text("a", "false") });
  assert.equal(codes(none), ["N0602", "E0105"]);
  assert.match(none.diagnostics[1]?.message ?? "", /^every rule is disabled under /);
});

sources("reads each document of a YAML file as a rule", () => {
  const collected = collect({
    "pair.yaml":
      "name: One\nquery: any where true\n---\n# nothing\n---\nid: two\nquery: process where true\n---\nquery: file where true\nname: Three\n",
  });
  assert.equal(collected.diagnostics, []);
  assert.equal(
    collected.rules.map(({ id, name }) => [id, name]),
    [
      ["pair-1", "One"],
      ["two", "two"],
      ["pair-3", "Three"],
    ],
  );
});

sources("does not read a package back, wherever it stands", () => {
  const manifest = JSON.stringify({ format_version: "2.0", package: {}, files: [{ path: "module.wasm" }] });
  const folder = folderOf({
    "r.eql": "any where true",
    "out/manifest.json": manifest,
    "out/sources/deleted.eql": "process where true",
    "old/deep/manifest.json": manifest,
    "old/deep/sources/r.eql": "any where true",
    "old/manifest.json": '{"name": "of something else"}',
    "old/kept.eql": "file where true",
  });
  const collected = collectRules([folder]);
  assert.equal(
    collected.rules.map(({ id }) => id),
    ["kept", "r"],
  );
  assert.equal(
    collected.diagnostics.map(({ code, place, message }) => `${code} ${place.file.slice(folder.length)} ${message}`),
    [
      "N0601 /old/deep not rules: the folder is a package that eqlc built",
      "N0601 /out not rules: the folder is a package that eqlc built",
      "N0601 /old/manifest.json not a rule: the JSON file holds something else",
    ],
  );
  const itself = collectRules([join(folder, "out")]);
  assert.equal(codes(itself), ["N0601", "E0105"]);
  assert.equal(
    itself.diagnostics[0]?.help,
    `name ${join(folder, "out")}/sources to read the rules that it was built from`,
  );
  assert.is(collectRules([join(folder, "out/sources")]).rules.length, 1);
});

sources("gives a rule whose id is taken one of its own, and leaves out copies", () => {
  const folder = folderOf({
    "a.yml": "id: same\nname: First\nquery: any where true\n",
    "b.yml": "- id: same\n  name: Second\n  query: any where false\n- id: other\n  query: any where true\n",
    "c.yml":
      "- id: same\n  name: Copy\n  query: any where true\n- id: same\n  name: Third\n  query: any where 1 == 1\n",
    "d/c.yml": "id: same\nname: Fourth\nquery: any where 2 == 2\n",
  });
  const collected = collectRules([folder]);
  assert.equal(
    collected.rules.map(({ id, name }) => [id, name]),
    [
      ["same", "First"],
      ["same@b", "Second"],
      ["other", "other"],
      ["same@c", "Third"],
      ["same@c-2", "Fourth"],
    ],
  );
  assert.equal(collected.diagnostics, []);
  const known = [...collected.known].flatMap(([rule, problems]) => problems.map((problem) => ({ rule, problem })));
  assert.equal(
    known.map(({ rule, problem }) => [rule.source.file, rule.name, problem.code]),
    [
      [`${folder}/b.yml`, "Second", "W0511"],
      [`${folder}/c.yml`, "Copy", "W0511"],
      [`${folder}/c.yml`, "Third", "W0511"],
      [`${folder}/d/c.yml`, "Fourth", "W0511"],
    ],
  );
  assert.match(known[1]?.problem.message ?? "", /copy is left out/);
  assert.ok(known[0]?.problem.message.includes(`"First" in ${folder}/a.yml`));
  const said = checkRules([folder], DEFAULT_OPTIONS).diagnostics.filter(({ code }) => code === "W0511");
  assert.equal(said.map(({ place }) => place.rule).sort(), ["Copy", "Fourth", "Second", "Third"]);
});

sources("reports paths that cannot be read and folders without rules", () => {
  const folder = folderOf({ "README.md": "", "huge.eql": "" });
  assert.equal(codes(collectRules([join(folder, "absent")])), ["E0101"]);
  truncateSync(join(folder, "huge.eql"), 64 * 1024 * 1024 + 1);
  assert.match(told(collectRules([join(folder, "huge.eql")]).diagnostics)[0] ?? "", /67108865 bytes/);
  assert.equal(codes(collectRules([join(folder, "README.md")])), ["N0601", "E0105"]);
  assert.equal(codes(collectRules([])), ["E0105"]);
});

if (existsSync(CORPORA)) {
  sources("reads every rule of the corpora", () => {
    const toml = collectRules([join(CORPORA, "rules-toml")]);
    assert.equal(toml.diagnostics, []);
    assert.is(toml.rules.length, 818);
    assert.is(toml.files.size, 818);
    for (const rule of toml.rules) {
      const offset = rule.source.queryOffset;
      const lines = (toml.files.get(rule.source.file) ?? "").split("\n");
      assert.ok(
        offset !== null && lines[offset.line]?.slice(offset.column) === rule.query.split("\n")[0],
        rule.source.file,
      );
    }
    const expected = new Map<string, readonly [rules: number, duplicates: number]>([
      ["elastic-detection-rules", [818, 0]],
      ["elastic-protections-artifacts", [965, 0]],
      ["elastic-hunting", [10, 1]],
      ["endgame-eqllib", [92, 1]],
      ["sigma-eql", [1861, 0]],
    ]);
    for (const [name, [rules, duplicates]] of expected) {
      const path = join(CORPORA, "rules", `${name}.json`);
      const collected = collectRules([path]);
      assert.is(collected.rules.length, rules, name);
      assert.equal(codes(collected), [], name);
      const known = [...collected.known.values()].flat().map(({ code }) => code);
      assert.equal(known, new Array(duplicates).fill("W0511"), name);
      const total = (JSON.parse(readFileSync(path, "utf8")) as unknown[]).length;
      assert.is(rules, total);
    }
  });
}

sources.run();
