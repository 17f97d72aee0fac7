// Profiles: what is counted, how it stands in a file, what a build makes of it, and what it does with a file that is none.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyseRules, compilePack, DEFAULT_OPTIONS, planRules } from "@kestrel/compiler/compile";
import { locate } from "@kestrel/compiler/diagnostics/locate";
import { renderText } from "@kestrel/compiler/diagnostics/render";
import type { Condition } from "@kestrel/compiler/ir/pack-ir";
import { readName } from "@kestrel/compiler/ir/reading";
import { type BuiltPackage, buildPackage } from "@kestrel/compiler/package/build-package";
import { partsOf } from "@kestrel/compiler/package/pack-parts";
import { askedOf } from "@kestrel/compiler/passes/asked-conditions";
import { expectedShare } from "@kestrel/compiler/passes/expected-shares";
import { type Asked, createEventCounter } from "@kestrel/compiler/profile/count-events";
import type { Profile } from "@kestrel/compiler/profile/profile";
import { MOST_PROFILE_BYTES, profileText, readProfile } from "@kestrel/compiler/sources/profile-file";
import { PROFILE_FILE } from "@kestrel/stdlib/package-format";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { reversed } from "./support/profiles.js";
import { ruleOf } from "./support/run-pack.js";

const test = suite("profile");
let folder = "";
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), "kestrel-profile-"));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const ASKED: Asked = {
  fields: new Set(["process", "process.name", "process.args", "process.pid", "user.name"]),
  texts: new Map([
    ["process.name", new Set(["cmd.exe", "sh"])],
    ["process.pid", new Set(["4"])],
  ]),
  patterns: new Set(["process.args"]),
  grams: new Set(["-enc", "enco", "zzzz"]),
};

const LINES = [
  '{"process":{"name":"CMD.exe","pid":4,"args":["-Encoded","-encoded","x"]}}',
  '{"process.name":["cmd.exe","sh"],"process":[{"pid":5},{"pid":4}]}',
  '{"process":{"name":null,"args":[]},"user":{"id":"1"}}',
  '{"user.name":"process.name"}',
];

function counted(lines: readonly string[], asked: Asked = ASKED): Profile {
  const counter = createEventCounter(asked);
  for (const line of lines) counter.add(line);
  return counter.profile();
}

test("counts events, nested or dotted, through lists, without case, each once", () => {
  const { events, fields, texts, values, grams } = counted(LINES);
  assert.is(events, 4);
  assert.equal(Object.fromEntries(fields), {
    ...{ process: 2, "process.name": 2, "process.args": 1, "process.pid": 2, "user.name": 1 },
  });
  assert.equal(Object.fromEntries(texts.get("process.name") ?? []), { "cmd.exe": 2, sh: 1 });
  assert.equal(Object.fromEntries(texts.get("process.pid") ?? []), { "4": 2 });
  assert.is(values, 2, "two spellings are one value, and x is another");
  assert.equal(Object.fromEntries(grams), { "-enc": 1, enco: 1, zzzz: 0 });
});

test("neither the order of events nor how often a value comes again changes a count", () => {
  const many = Array.from({ length: 30_000 }, (_, at) => `{"process":{"args":["-enc${at % 20_000}"]}}`);
  const { grams, values } = counted(many);
  assert.equal([grams.get("-enc"), values], [30_000, 30_000], "more values than are remembered");
  assert.is(profileText(counted([...LINES].reverse())), profileText(counted(LINES)));
});

test("what is no event is not counted, however deep it is", () => {
  const counter = createEventCounter(ASKED);
  const deep = `${'{"process":'.repeat(100_000)}1${"}".repeat(100_000)}`;
  for (const line of ["", "{", "[]", "1", "null", '"x"', deep, `{"process":${"[".repeat(9_000)}${"]".repeat(9_000)}}`])
    assert.is(counter.add(line), false, line.slice(0, 20));
  assert.is(counter.profile().events, 0);
  assert.equal([...counter.profile().fields.values()], [0, 0, 0, 0, 0]);
});

function planned(...queries: readonly string[]) {
  const { rules } = analyseRules(
    queries.map((query, at) => ruleOf(`r${at}`, query)),
    DEFAULT_OPTIONS,
  );
  return { rules, asked: askedOf(planRules(rules, DEFAULT_OPTIONS)) };
}

test("asks for what predicates could be posted under, and for nothing else", () => {
  const { asked } = planned(
    'process where process.name == "cmd.exe" and process.command_line : "*MIMI?atz*"',
    "file where length(file.path) > 3",
  );
  assert.equal([...asked.fields].sort(), ["event.category", "file.path", "process.command_line", "process.name"]);
  assert.equal([...(asked.texts.get("event.category") ?? [])].sort(), ["file", "process"]);
  assert.equal([...asked.patterns], ["process.command_line"]);
  assert.equal([...(asked.grams ?? [])], ["mimi"]);
});

test("a profile is one text, and that text is the profile", () => {
  const odd = ["2", "10", "1", "__proto__", "constructor", 'a"b\\c', "\u2028\ud800", "é", ""];
  const asked: Asked = {
    ...ASKED,
    fields: new Set([...odd, ...ASKED.fields]),
    texts: new Map(odd.map((field) => [field, new Set(odd)])),
    grams: new Set(['"\\a ', "zzzz"]),
  };
  const profile = counted(LINES, asked);
  const text = profileText(profile);
  const path = join(folder, "odd.json");
  writeFileSync(path, text);
  const read = readProfile(path);
  assert.is(read.problem, null);
  assert.ok(read.profile !== null);
  assert.is(profileText(read.profile), text);
  assert.equal(new Map([...read.profile.texts].sort()), new Map([...profile.texts].sort()));
  assert.equal(JSON.parse(text).fields["10"], 0);
  assert.ok(text.indexOf('"1":') < text.indexOf('"10":') && text.indexOf('"10":') < text.indexOf('"2":'));
  writeFileSync(path, JSON.stringify(JSON.parse(text), null, 7).replaceAll("\n", "\r\n"));
  assert.is(profileText(readProfile(path).profile ?? profile), text, "white space and the order of keys are nothing");
});

const GOOD = {
  ...{ profile_version: "1.0", events: 10, fields: { "process.name": 9 } },
  ...{ texts: { "process.name": { "cmd.exe": 3 } }, values: 5, grams: { "-enc": 1 } },
};

test("a file that is no profile is refused, with a code and the place", () => {
  const put = (text: string | Uint8Array): string => {
    const path = join(folder, "bad.json");
    writeFileSync(path, text);
    return path;
  };
  assert.is(readProfile(put(JSON.stringify(GOOD))).problem, null);
  const changed = (own: object): string => JSON.stringify({ ...GOOD, ...own }, null, 1);
  const without = (key: string): string =>
    JSON.stringify(Object.fromEntries(Object.entries(GOOD).filter(([one]) => one !== key)));
  const many = (of: string, ends: string): string => of.repeat(200_000) + ends.repeat(200_000);
  const wrong: readonly (readonly [text: string | Uint8Array, code: string, place: string, message: RegExp])[] = [
    ["", "E0801", "1:1", /expected a value, but the file ends/],
    ['{"events": }', "E0801", "1:12", /not valid JSON/],
    [Uint8Array.of(0x22, 0xff, 0x22), "E0801", "", /not valid UTF-8/],
    [" ".repeat(MOST_PROFILE_BYTES + 1), "E0801", "", /16777217 bytes, and more than 16777216 are not read/],
    [many("[", "]"), "E0802", "1:1", /a profile is a table, but this is a list/],
    [`{"profile_version":"1.0","x":${many('{"x":', "}").replace("}", "1}")}}`, "E0802", "1:26", /unknown key "x"/],
    ["[]", "E0802", "1:1", /a profile is a table, but this is an empty list/],
    ["{}", "E0802", "1:1", /"profile_version" must be "1.0", but is missing/],
    [changed({ profile_version: "2.0" }), "E0802", "2:2", /"profile_version" must be "1.0", but is "2.0"/],
    [changed({ shares: 1 }), "E0802", "16:2", /unknown key "shares"/],
    [changed({ events: 0 }), "E0802", "3:2", /"events" must be 1 or more/],
    [changed({ events: -1 }), "E0802", "3:2", /a whole number from 0 to/],
    [changed({ events: 1e300 }), "E0802", "3:2", /a whole number from 0 to/],
    [changed({ events: "10" }), "E0802", "3:2", /but is "10"/],
    [changed({ fields: [] }), "E0802", "4:2", /"fields" must be a table/],
    [changed({ fields: { "process.name": 11 } }), "E0802", "5:3", /"process.name" of "fields" must be .* 0 to 10/],
    [changed({ fields: { "process.name": 0.5 } }), "E0802", "5:3", /but is the number 0.5/],
    [changed({ texts: { "process.name": 3 } }), "E0802", "8:3", /"process.name" of "texts" must be a table/],
    [changed({ texts: { "process.name": { "CMD.exe": 3 } } }), "E0802", "9:4", /without case, as "cmd.exe"/],
    [changed({ texts: { "process.name": { x: null } } }), "E0802", "9:4", /"x" of "process.name" of "texts"/],
    [changed({ texts: JSON.parse('{"__proto__": {"x": 11}}') }), "E0802", "9:4", /"x" of "__proto__" of "texts"/],
    [changed({ values: null }), "E0802", "12:2", /but is null/],
    [changed({ grams: { "-enc": 6 } }), "E0802", "14:3", /0 to 5, but is the number 6/],
    [changed({ grams: { abc: 1 } }), "E0802", "14:3", /"abc" is not 4 characters of ASCII/],
    [changed({ grams: { abcé: 1 } }), "E0802", "14:3", /not 4 characters of ASCII/],
    [changed({ fields: { ["x".repeat(100_000)]: -1 } }), "E0802", "5:3", /^"x{40}…" of "fields" must be/],
    ...Object.keys(GOOD).map((key) => [without(key), "E0802", "1:1", new RegExp(`"${key}" must be`)] as const),
  ];
  for (const [text, code, place, message] of wrong) {
    const { profile, problem } = readProfile(put(text));
    const about = String(text).slice(0, 60);
    assert.is(profile, null, about);
    assert.ok(problem !== null);
    assert.is(problem.code, code, `${about}: ${problem.message}`);
    assert.match(problem.message, message);
    const at = locate(problem.place);
    assert.is(at === null ? "" : `${at.line}:${at.column}`, place, about);
    assert.ok(renderText([problem], { color: false }).length < 2_000, "what is shown of it is short");
  }
  mkdirSync(join(folder, "a-folder"));
  for (const path of ["a-folder", "absent"]) assert.is(readProfile(join(folder, path)).problem?.code, "E0801");
});

function textOf(field: string, text: string): Condition {
  return { kind: "set", reading: readName(field, "keyword"), fold: true, texts: [text] };
}

test("of what was counted the counts decide, of what was not the built-in figures", () => {
  const profile: Profile = {
    ...{ events: 10_000, values: 10_000 },
    fields: new Map([
      ["process.name", 10_000],
      ["host.os.type", 10_000],
      ["registry.path", 0],
    ]),
    texts: new Map([
      [
        "host.os.type",
        new Map([
          ["windows", 0],
          ["linux", 10_000],
        ]),
      ],
    ]),
    grams: new Map([["-enc", 0]]),
  };
  const share = (condition: Condition, own: Profile | null = profile): number => expectedShare(condition, own);
  assert.ok(share(textOf("host.os.type", "windows"), null) > 500);
  assert.ok(share(textOf("host.os.type", "WINDOWS")) < 1, "counted, and none was there");
  assert.ok(share(textOf("host.os.type", "linux")) > 990);
  for (const [field, text] of [
    ["host.os.type", "macos"],
    ["process.name", "cmd.exe"],
    ["event.category", "process"],
  ] as const)
    assert.is(share(textOf(field, text)), share(textOf(field, text), null), `${text} was not asked`);
  assert.ok(share(textOf("registry.path", "x")) < 0.2, "a text of a field that no event has");
  const few: Profile = { ...profile, events: 1, fields: new Map([["host.os.type", 1]]), texts: profile.texts };
  const one = share(textOf("host.os.type", "windows"), few);
  assert.ok(one > 500, `one event without it says little: ${one}`);
});

function packageOf(profile: Profile | null, target: "wasm" | "lua" = "wasm"): BuiltPackage {
  const queries = [
    'process where process.name == "cmd.exe" and user.name == "root"',
    'process where process.name : "sh" and process.command_line : "*mimikatz*"',
    'any where process.command_line : "*-encoded*" and user.name : "x*"',
  ];
  const { rules } = planned(...queries);
  const sources = new Map(rules.map(({ rule }) => [rule.source.file, { name: `${rule.id}.eql`, text: rule.query }]));
  const pack = compilePack(rules, { ...DEFAULT_OPTIONS, profile, optimize: false }, { target });
  return buildPackage(rules, partsOf(pack), sources, {
    ...{ name: "test", version: "1.0.0", compilerVersion: "test" },
    ...{ timestampField: "@timestamp", tiebreakerField: null, categoryField: "event.category" },
  });
}

test("a package keeps the profile that steered it, and the same profile gives the same bytes", () => {
  const { asked } = planned(
    'process where process.name == "cmd.exe" and user.name == "root"',
    'process where process.name : "sh" and process.command_line : "*mimikatz*"',
  );
  const line = '{"process":{"name":"cmd.exe"},"event":{"category":"process"},"user":{"name":"u"}}';
  const profile = counted(Array(1_000).fill(line), asked);
  for (const target of ["wasm", "lua"] as const) {
    const plain = packageOf(null, target);
    assert.is(plain.files.has(PROFILE_FILE), false);
    const steered = packageOf(profile, target);
    assert.equal(packageOf(structuredClone(profile), target), steered);
    assert.is(Buffer.from(steered.files.get(PROFILE_FILE) ?? []).toString("utf8"), profileText(profile));
    assert.ok(steered.manifest.files.some(({ path }) => path === PROFILE_FILE));
    const contrary = packageOf(reversed(profile), target);
    const digests = [plain, steered, contrary].map(({ manifest }) => manifest.package.digest);
    assert.is(new Set(digests).size, 3);
    const modules = [plain, steered, contrary].map(({ files }) =>
      Buffer.from(files.get("module.wasm") ?? []).toString("base64"),
    );
    assert.ok(new Set(modules).size > 1, "it steers something");
  }
});

test.run();
