// Folders of hand-written rules: how they are found, what their manifests may say, which fields and patterns they have, and what they
// are built from.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { textToBinary } from "@kestrel/compiler/backend/wasm/seam";
import type { Diagnostic } from "@kestrel/compiler/diagnostics/diagnostic";
import { locate } from "@kestrel/compiler/diagnostics/locate";
import type { ForeignRule } from "@kestrel/compiler/foreign/foreign-rule";
import { literalsOf } from "@kestrel/compiler/foreign/lua-fields";
import { MOST_JUMPS } from "@kestrel/compiler/foreign/lua-syntax";
import { readForeignPackage } from "@kestrel/compiler/foreign/read-foreign";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/front";
import { checkRules } from "@kestrel/compiler/package/check-rules";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import {
  FOREIGN_FUEL,
  FOREIGN_MEMORY_BYTES,
  HOST_FUNCTIONS,
  LUA_EXTRAS,
  MOST_PATTERNS,
} from "@kestrel/stdlib/host-api";
import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const foreign = suite("foreign-package");
const root = mkdtempSync(join(tmpdir(), "kestrel-foreign-"));
foreign.after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

type Files = Readonly<Record<string, string | Uint8Array>>;

function folderOf(files: Files): string {
  folders += 1;
  const folder = join(root, `case-${folders}`);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const METADATA = {
  ...{ rule_id: "one", rule_name: "One", rule_version: "1.0.0", severity: "High", schema_version: "1.0" },
};
const CAPABILITIES = { supports_inline: true, requires_alert: true, requires_block: false };

function manifest(
  more: Readonly<Record<string, unknown>> = {},
  metadata: Readonly<Record<string, unknown>> = {},
): string {
  const whole = { format_version: "1.0", metadata: { ...METADATA, ...metadata }, capabilities: CAPABILITIES, ...more };
  return JSON.stringify(whole, null, 2);
}

const LUA = "function pred_eval(event) return kestrel.event_has(event, 2) end\n";
const WAT = `(module (import "kestrel" "event_has" (func $has (param i32 i32) (result i32))) (memory (export "memory") 1)
  (func (export "pred_eval") (param i32) (result i32) (call $has (local.get 0) (i32.const 2))))`;

function read(files: Files): { readonly rule: ForeignRule | null; readonly diagnostics: readonly Diagnostic[] } {
  return readForeignPackage(folderOf(files), defaultSchema());
}

function ruleOf(files: Files): ForeignRule {
  const { rule, diagnostics } = read(files);
  assert.equal(told(diagnostics), []);
  if (rule === null) throw new Error("unreachable");
  return rule;
}

/** `code file line:column message` of each diagnostic. */
function told(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ code, message, place }) => {
    const at = locate(place);
    const file = place.file.replace(/^.*case-\d+\/?/, "");
    return `${code} ${file}${at === null ? "" : ` ${at.line}:${at.column}`} ${message}`;
  });
}

function problems(files: Files): string[] {
  const { rule, diagnostics } = read(files);
  assert.is(rule, null);
  assert.ok(diagnostics.length > 0);
  return told(diagnostics);
}

const namesOf = (rule: ForeignRule): string[] => rule.fields.map(({ name }) => name);

foreign("reads a rule with all that a manifest can say", () => {
  const rule = ruleOf({
    "manifest.json": manifest(
      {
        capabilities: { ...CAPABILITIES, max_span_ms: null, mitre_attack: ["T1059"] },
        fields: ["process.name", 1],
        limits: { fuel: 1000, memory_bytes: 65_536 },
        risk_score: 50,
        threat: [{ framework: "MITRE ATT&CK", technique: [{ id: "T1059", name: "Interpreter" }] }],
        tests: [{ name: "matches", events: [{ process: { name: "x" } }], match: true }],
      },
      { author: "A", description: "D", tags: ["t"], references: ["r"], severity: "critical" },
    ),
    "predicate.lua": LUA,
    "resources/regexes.txt": "abc\n\n^d$\n",
    "resources/globs.txt": "a*\r\nb?",
    "README.md": "words",
  });
  assert.is(rule.runtime, "lua");
  assert.is(new TextDecoder().decode(rule.code), LUA);
  assert.equal(namesOf(rule), ["process.pid", "process.name"]);
  assert.equal(rule.limits, { fuel: 1000, memoryBytes: 65_536 });
  assert.equal(rule.capabilities, {
    ...{ supportsInline: true, requiresAlert: true, requiresBlock: false, maxSpanMs: null, mitreAttack: ["T1059"] },
  });
  const { id, name, version, severity, author, riskScore, tests, threat, tags, references, query } = rule.rule;
  assert.equal(
    { id, name, version, severity, author, riskScore, tags, references, query },
    {
      ...{ id: "one", name: "One", version: "1.0.0", severity: "critical", author: ["A"], riskScore: 50 },
      ...{ tags: ["t"], references: ["r"], query: "" },
    },
  );
  assert.equal(tests, [{ name: "matches", events: [{ process: { name: "x" } }], alerts: 1 }]);
  assert.is(threat[0]?.technique?.[0]?.id, "T1059");
  assert.equal(
    rule.regexes.map(({ text }) => text),
    ["abc", "", "^d$"],
  );
  assert.equal(
    rule.globs.map(({ text }) => text),
    ["a*", "b?"],
  );
  assert.equal(
    rule.sources.map(({ path }) => path),
    ["manifest.json", "predicate.lua", "resources/globs.txt", "resources/regexes.txt"],
  );
});

foreign("takes the default limits, and an empty file of patterns as none", () => {
  const rule = ruleOf({ "manifest.json": manifest(), "predicate.lua": LUA, "resources/regexes.txt": "" });
  assert.equal(rule.limits, { fuel: FOREIGN_FUEL, memoryBytes: FOREIGN_MEMORY_BYTES });
  assert.equal(rule.regexes, []);
});

const WRONG: Readonly<Record<string, readonly [text: string, ...said: string[]]>> = {
  "text that is not JSON": [
    "{\n  'a': 1 }",
    "E0702 manifest.json 2:3 not valid JSON: `'a'` is not a text in double quotes, nor a number, true, false or null",
  ],
  "a list": ["[1]", "E0702 manifest.json 1:1 the manifest must be a table, but is a list"],
  "another version": [
    manifest({ format_version: "2.0" }),
    'E0702 manifest.json 2:21 key `format_version` must be "1.0", but is "2.0"',
  ],
  "a version that is a number": [
    manifest({ format_version: 1 }),
    'E0702 manifest.json 2:21 key `format_version` must be "1.0", but is the number 1',
  ],
  "metadata of a wrong type": [
    '{"format_version": "1.0", "metadata": [], "capabilities": true}',
    "E0702 manifest.json 1:39 key `metadata` must be a table, but is an empty list",
    "E0702 manifest.json 1:59 key `capabilities` must be a table, but is true",
  ],
  "no id": [
    manifest({}, { rule_id: undefined }),
    "E0702 manifest.json 3:15 key `metadata.rule_id` must be a text that is not empty, but is missing",
  ],
  "an id that is a number": [
    manifest({}, { rule_id: 7 }),
    "E0702 manifest.json 4:16 key `metadata.rule_id` must be a text that is not empty, but is the number 7",
  ],
  "an empty name": [
    manifest({}, { rule_name: " " }),
    'E0702 manifest.json 5:18 key `metadata.rule_name` must be a text that is not empty, but is " "',
  ],
  "a severity that is none": [
    manifest({}, { severity: "Severe" }),
    'E0702 manifest.json 7:17 key `metadata.severity` must be Informational, Low, Medium, High or Critical, but is "Severe"',
  ],
  "tags of a wrong type": [
    manifest({}, { tags: ["a", 1] }),
    "E0702 manifest.json 11:7 key `metadata.tags[1]` must be a text, but is the number 1",
  ],
  "keys that every object of JavaScript has": [
    manifest({ constructor: { a: 1 } }),
    "E0703 manifest.json 15:3 unknown key `constructor`",
  ],
  "a misspelt key": [manifest({ capabilites: {} }), "E0703 manifest.json 15:3 unknown key `capabilites`"],
  "a misspelt key within": [manifest({}, { sevrity: "Low" }), "E0703 manifest.json 9:5 unknown key `metadata.sevrity`"],
  "a capability that is a text": [
    manifest({ capabilities: { ...CAPABILITIES, requires_block: "no" } }),
    'E0702 manifest.json 13:23 key `capabilities.requires_block` must be true or false, but is "no"',
  ],
  "a capability that is missing": [
    manifest({ capabilities: { supports_inline: true, requires_alert: true } }),
    "E0702 manifest.json 10:19 key `capabilities.requires_block` must be true or false, but is missing",
  ],
  "more fuel than there is": [
    manifest({ limits: { fuel: FOREIGN_FUEL + 1 } }),
    `E0702 manifest.json 16:13 key \`limits.fuel\` must be a whole number from 1 to ${FOREIGN_FUEL}, but is the number ${FOREIGN_FUEL + 1}`,
  ],
  "no fuel": [
    manifest({ limits: { fuel: 0 } }),
    `E0702 manifest.json 16:13 key \`limits.fuel\` must be a whole number from 1 to ${FOREIGN_FUEL}, but is the number 0`,
  ],
  "a key twice": [
    manifest().replace('"rule_name"', '"rule_id": "two",\n    "rule_name"'),
    "E0702 manifest.json 5:5 key `metadata.rule_id` stands there twice",
  ],
  "a field of a wrong type": [
    manifest({ fields: [true] }),
    "E0702 manifest.json 16:5 key `fields[0]` must be the name or the id of a field, but is true",
  ],
  "a threat of a wrong type": [
    manifest({ threat: [{ tactic: 3 }] }),
    "E0702 manifest.json 17:17 key `threat[0].tactic` must be a table with id and name, but is the number 3",
  ],
  "a test without events": [
    manifest({ tests: [{ match: true }] }),
    "E0702 manifest.json 16:5 key `tests[0].events` must be a list of events, but is missing",
  ],
  "a table too deep": [
    `${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`,
    "E0702 manifest.json 1:2501 not valid JSON: it is nested deeper than 500 levels",
  ],
};

for (const [name, [text, ...said]] of Object.entries(WRONG)) {
  foreign(`a manifest with ${name}`, () => {
    const found = problems({ "manifest.json": text, "predicate.lua": LUA });
    assert.equal(found, said);
  });
}

foreign("suggests the key that was meant", () => {
  const { diagnostics } = read({ "manifest.json": manifest({ limts: {} }, { id: "x" }), "predicate.lua": LUA });
  assert.equal(
    diagnostics.map(({ help }) => help),
    ["did you mean `rule_id`?", "did you mean `limits`?"],
  );
});

foreign("reports what is wrong in every file at once", () => {
  const found = problems({
    "manifest.json": manifest({}, { severity: "x" }),
    "predicate.lua": Uint8Array.of(0x2d, 0x2d, 0xff),
    "resources/regexes.txt": "a\n(b\n[z-a]",
    "resources/globs.txt": Uint8Array.of(0xc3),
  });
  assert.equal(found, [
    'E0702 manifest.json 7:17 key `metadata.severity` must be Informational, Low, Medium, High or Critical, but is "x"',
    "E0701 predicate.lua the file is not valid UTF-8",
    "E0701 resources/globs.txt the file is not valid UTF-8",
    "E0705 resources/regexes.txt 2:1 the group is not closed",
    "E0705 resources/regexes.txt 3:2 the range is upside down",
  ]);
  assert.equal(problems({ "manifest.json": Uint8Array.of(0xff), "predicate.lua": LUA }), [
    "E0701 manifest.json the file is not valid UTF-8",
  ]);
});

foreign("bounds the patterns", () => {
  const many = { "manifest.json": manifest(), "predicate.lua": LUA };
  assert.match(
    problems({ ...many, "resources/globs.txt": "*\n".repeat(MOST_PATTERNS + 1) })[0] ?? "",
    /^E0705 .* 4097 patterns/,
  );
  assert.is(ruleOf({ ...many, "resources/globs.txt": "*\n".repeat(MOST_PATTERNS) }).globs.length, MOST_PATTERNS);
  assert.match(problems({ ...many, "resources/regexes.txt": "(a{1000}){1000}\n" })[0] ?? "", /^E0705 .* 1:1 /);
  assert.match(problems({ ...many, "resources/regexes.txt": "a".repeat(300_000) })[0] ?? "", /^E0701 .*300000 bytes/);
});

foreign("wants one code, and a file", () => {
  const about = { "manifest.json": manifest() };
  assert.match(problems(about)[0] ?? "", /^E0701 .*no code/);
  assert.match(problems({ ...about, "predicate.lua": LUA, "rule.wat": WAT })[0] ?? "", /^E0701 .*two rules/);
  assert.match(problems({ ...about, "rule.as.ts": "", "rule.wat": WAT })[0] ?? "", /^E0701 .*two rules/);
  assert.match(problems({ ...about, "predicate.lua/x": "" })[0] ?? "", /^E0701 predicate.lua it is no file/);
});

foreign("builds rule.wasm where its source stands beside it, and keeps both", () => {
  const binary = textToBinary(WAT);
  if (typeof binary === "string") throw new Error(binary);
  const rule = ruleOf({ "manifest.json": manifest(), "rule.wasm": binary, "rule.wat": "(this is not looked at" });
  assert.equal(
    rule.sources.map(({ path }) => path),
    ["manifest.json", "rule.wasm", "rule.wat"],
  );
  const built = ruleOf({ "manifest.json": manifest(), "rule.wat": WAT });
  assert.equal(built.code, rule.code);
  assert.is(rule.runtime, "wasm");
  assert.equal(namesOf(rule), ["process.name"]);
});

foreign("says where a text of Wasm is wrong", () => {
  const bad = WAT.replace("i32.const 2", "i32.cost 2");
  assert.match(
    problems({ "manifest.json": manifest(), "rule.wat": bad })[0] ?? "",
    /^E0708 rule.wat 2:\d+ unrecognized instruction/,
  );
  const invalid = WAT.replace("(i32.const 2)", "(i64.const 2)");
  assert.match(
    problems({ "manifest.json": manifest(), "rule.wat": invalid })[0] ?? "",
    /^E0708 rule.wat not a valid WebAssembly module/,
  );
  assert.match(problems({ "manifest.json": manifest(), "rule.wasm": "text" })[0] ?? "", /^E0708 rule.wasm not a valid/);
});

foreign("finds which fields a module reads, and takes the manifest's where it names them", () => {
  const unknown = WAT.replace("(i32.const 2)", "(i32.const 99999)");
  assert.equal(problems({ "manifest.json": manifest(), "rule.wat": unknown }), [
    "E0706 rule.wat no field has the id 99999, which the code reads",
  ]);
  const computed = WAT.replace("(i32.const 2)", "(local.get 0)");
  assert.match(
    problems({ "manifest.json": manifest(), "rule.wat": computed })[0] ?? "",
    /^E0707 rule.wat function 1 calls `event_has`/,
  );
  const rule = ruleOf({
    "manifest.json": manifest({ fields: ["user.name", "process.name", 2] }),
    "rule.wat": computed,
  });
  assert.equal(namesOf(rule).sort(), ["process.name", "user.name"]);
});

foreign("says which field a manifest may have meant", () => {
  const { diagnostics } = read({
    "manifest.json": manifest({ fields: ["process.nmae", 99_999, "winlog.event_data.Anything"] }),
    "predicate.lua": LUA,
  });
  assert.equal(told(diagnostics), [
    "E0706 manifest.json 16:5 unknown field `process.nmae`",
    "E0706 manifest.json 17:5 no field has the id 99999",
    "E0706 manifest.json 18:5 `winlog.event_data.Anything` is no listed field, so it has no id to be read by",
  ]);
  assert.is(diagnostics[0]?.help, "did you mean `process.name`?");
});

foreign("warns of functions and fields that a script asks for and no host has", () => {
  const asked = (
    lines: string,
    more: Readonly<Record<string, unknown>> = {},
  ): { readonly said: readonly string[]; readonly isBuilt: boolean } => {
    const source = `${lines}\nfunction pred_eval(event) return true end\n`;
    const { rule, diagnostics } = read({ "manifest.json": manifest(more), "predicate.lua": source });
    assert.ok(diagnostics.every(({ severity }) => severity === "warning"));
    const helps = diagnostics.map(({ help }) => (help === undefined ? "" : `; ${help}`));
    return { said: told(diagnostics).map((one, at) => one + helps[at]), isBuilt: rule !== null };
  };
  const warned = (lines: string, more: Readonly<Record<string, unknown>> = {}): readonly string[] => {
    const { said, isBuilt } = asked(lines, more);
    assert.ok(isBuilt);
    return said;
  };
  assert.equal(
    warned(
      'local a = kestrel.event_get_string(1, 2)\nlocal b = kestrel["evnt_has"](1, 2)\nprint(kestrel.nothing_like_it)',
    ),
    [
      "W0513 predicate.lua 1:19 the host offers no `kestrel.event_get_string`; did you mean `event_get_str`?",
      "W0513 predicate.lua 2:19 the host offers no `kestrel.evnt_has`; did you mean `event_has`?",
      "W0513 predicate.lua 3:15 the host offers no `kestrel.nothing_like_it`",
    ],
  );
  assert.equal(warned('local a = kestrel.fields["process.nmae"]\nlocal b = kestrel.fields.process.name'), [
    "W0513 predicate.lua 1:26 unknown field `process.nmae`; did you mean `process.name`?",
    'W0513 predicate.lua 2:26 unknown field `process`; write `kestrel.fields["process.name"]`',
  ]);
  assert.equal(warned('local a = kestrel.fields["process.pid"]', { fields: ["process.name"] }), [
    "W0513 predicate.lua 1:26 `process.pid` is not among the `fields` of the manifest",
  ]);
  for (const sound of [
    ...[...HOST_FUNCTIONS.map(({ name }) => name), ...LUA_EXTRAS].map((name) => `local a = kestrel.${name}`),
    'local a = kestrel.fields["process.name"] local b = "message" local d = kestrel.fields.message local c = kestrel["fields"]["process.pid"]',
    "-- kestrel.nothing\nlocal a = 'kestrel.nothing' local b = [[kestrel.nothing]]",
    "local name = 'x' local a = kestrel[name] local b = kestrel.fields[name]",
    "local k = kestrel local a = k.nothing",
    "local t = {} t.kestrel = t local a = t.kestrel.nothing",
    "kestrel.mine = 1 local a = kestrel.mine",
    "function kestrel.mine() end kestrel.mine()",
    "kestrel.fields = { mine = 1 } local a = kestrel.fields.mine",
    "local kestrel = { nothing = 1 } local a = kestrel.nothing",
    "local function f(kestrel) return kestrel.nothing end",
    "local a, kestrel = 1, { nothing = 1 } local b = kestrel.nothing",
    "for kestrel in pairs({}) do local a = kestrel.nothing end",
    "kestrel = { nothing = 1 } local a = kestrel.nothing",
  ])
    assert.equal(warned(sound), [], sound);
});

foreign("text that is nested too deeply is refused, whatever the stack", () => {
  const nested = (depth: number, more = ""): string =>
    `(module ${more} (memory (export "memory") 1) (func (export "pred_eval") (param i32) (result i32) ${"(i32.eqz ".repeat(depth)}(local.get 0)${")".repeat(depth)}))`;
  const said = (wat: string): readonly string[] => problems({ "manifest.json": manifest(), "rule.wat": wat });
  const isBuilt = (wat: string): boolean => read({ "manifest.json": manifest(), "rule.wat": wat }).rule !== null;
  assert.ok(isBuilt(nested(900)));
  for (const depth of [1000, 30_000])
    assert.match(said(nested(depth)).join(), /^E0708 rule.wat 1:\d+ the text is nested more than 1000 deep$/);
  const parentheses = "(".repeat(2000);
  assert.ok(
    isBuilt(nested(3, `;; ${parentheses}\n (; ${parentheses} ;) (global $"a\\"${parentheses}" i32 (i32.const 0))`)),
  );
  const flat = `(module (memory (export "memory") 1) (func (export "pred_eval") (param i32) (result i32)
    ${"block ".repeat(60_000)} ${"end ".repeat(60_000)} i32.const 1))`;
  assert.match(said(flat).join(), /^E0708 rule.wat .*nest/);
});

foreign("finds numbers and texts in Lua, and none in comments", () => {
  const source = [
    "#!/usr/bin/lua 1",
    "-- 2 'a'",
    "--[[ 3",
    "4 ]] x5 = 6 --[==[ 7 ]] ]==] + 0x10 .. 8.5 .. 1e2 .. 3.0 .. 0xA.8p1",
    String.raw`"b\"c" 'd\65\x42\u{43}\z`,
    "   e' [[f",
    "g]] [==[",
    ']]h]==] a[9] "\\q" "\\',
    'i" "unclosed',
    "10",
    "[=[open",
  ].join("\n");
  assert.equal(
    literalsOf(source).map(({ value }) => value),
    [6, 16, 3, 'b"c', "dABCe", "f\ng", "]]h", 9, "\ni", 10, "open"],
  );
});

foreign("finds the fields that Lua names", () => {
  const source = `local NAME, PID = 2, 0x1 -- 3
    local by_name = "process.command_line" local text = "process.nmae" local big = 123456789
    function pred_eval() return true end`;
  const rule = ruleOf({ "manifest.json": manifest(), "predicate.lua": `\ufeff${source}` });
  assert.equal(namesOf(rule).sort(), ["process.command_line", "process.name", "process.pid"]);
  assert.is(new TextDecoder().decode(rule.code), source);
});

foreign("finds folders beside EQL rules, each as one thing", () => {
  const folder = folderOf({
    "a/manifest.json": manifest(),
    "a/predicate.lua": LUA,
    "a/resources/rules.eql": "process where false",
    "a/other.eql": "process where process.pid == 1",
    "b/manifest.json": manifest({}, { rule_id: "two" }),
    "b/rule.wat": WAT,
    "b/notes.md": "",
    "one.eql": "process where process.pid == 2",
    "web/manifest.json": '{"name": "an app", "start_url": "."}',
  });
  const { rules, foreign: found, diagnostics } = collectRules([folder]);
  assert.equal(rules.map(({ id }) => id).sort(), ["one", "other"]);
  assert.equal(
    found.map(({ rule }) => rule.id),
    ["two"],
  );
  assert.equal(told(diagnostics), [
    "N0601 web/manifest.json not a rule: the JSON file holds something else",
    `E0704 a/manifest.json the id "one" is already that of the rule in ${join(folder, "one.eql")}`,
  ]);
});

foreign("two folders with one id: the first is kept, however they are named", () => {
  const folder = folderOf({
    ...{ "a/manifest.json": manifest(), "a/predicate.lua": LUA, "b/manifest.json": manifest(), "b/predicate.lua": LUA },
  });
  const found = collectRules([folder, join(folder, "a"), join(folder, "b", "manifest.json")]);
  assert.equal(
    found.foreign.map((one) => one.folder),
    [`${folder}/a`],
  );
  assert.equal(
    found.diagnostics.map(({ code }) => code),
    ["E0704"],
  );
  const named = collectRules([join(folder, "b", "manifest.json")]);
  assert.equal(
    named.foreign.map((one) => one.folder),
    [join(folder, "b")],
  );
  assert.equal(named.diagnostics, []);
});

foreign("check says what is wrong with them, with the others", () => {
  const folder = folderOf({
    ...{ "a/manifest.json": manifest(), "a/rule.wat": WAT.replace('"event_has"', '"event_hsa"') },
    ...{ "b/manifest.json": manifest({}, { rule_id: "two" }), "b/predicate.lua": LUA, "c.eql": "process where true" },
  });
  const { rules, foreign: found, diagnostics } = checkRules([folder], DEFAULT_OPTIONS);
  // Hand-written rules that are in order stand among the rules.
  assert.equal(
    rules.map(({ rule }) => rule.id),
    ["c", "two"],
  );
  assert.equal(
    found.map(({ rule }) => rule.id),
    ["two"],
  );
  const error = diagnostics.find(({ severity }) => severity === "error");
  assert.is(error?.code, "E0710");
  assert.is(error?.help, "did you mean `kestrel.event_has`?");
  assert.is(error?.place.rule, "One");
});

foreign("a folder that holds nothing else has a rule", () => {
  const folder = folderOf({ "manifest.json": manifest(), "predicate.lua": LUA });
  assert.equal(collectRules([folder]).diagnostics, []);
});

foreign("a script without pred_eval is said to have none", () => {
  const about = { "manifest.json": manifest() };
  const none = problems({ ...about, "predicate.lua": "-- pred_eval\nfunction pred_Eval() return true end" });
  assert.equal(none, ["E0711 predicate.lua the script does not define `pred_eval`"]);
  ruleOf({ ...about, "predicate.lua": "_G['pred_eval'] = function() return true end" });
});

foreign("a script of many jumps is refused before anybody parses it", () => {
  const most = (jumps: number): string =>
    `do ${"goto a ".repeat(jumps - 2)} ::a:: end function pred_eval() return true end -- ${"goto or ".repeat(9)}`;
  const about = { "manifest.json": manifest() };
  ruleOf({ ...about, "predicate.lua": most(MOST_JUMPS) });
  assert.match(
    problems({ ...about, "predicate.lua": most(35_000) }).join(),
    /^E0708 predicate\.lua the source has 35000 jumps \(.*more than 4096 are not read/,
  );
});

foreign.run();
