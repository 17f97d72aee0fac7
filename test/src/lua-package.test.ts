// Packages with predicates in Lua, on the command lines of both programs: the same alerts as with Wasm, from the same folder, and
// what is said when the two differ or one of them is not there.

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestText, MANIFEST_FILE, manifestText, type PackageManifest } from "@kestrel/stdlib/package-format";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { repositoryRoot } from "./support/repository.js";

const ROOT = repositoryRoot();
const EQLC = join(ROOT, "compiler/bin/eqlc.js");
const RUN = join(ROOT, "runtime/bin/kestrel-run.js");

const RULES: Readonly<Record<string, string>> = {
  // It looks for the last by turning the text around, which must not turn the event's own text.
  "greedy.eql":
    'process where between(process.command_line, "a", "r", true) : " sec" and process.command_line : "a s*"',
  "shell.eql": 'process where process.name in ("bash", "sh") and process.pid > 4',
  "pattern.eql": 'process where process.command_line : "*secret*" or process.name regex~ "c[mn]d.*"',
  "stack.eql":
    'process where _arraysearch(process.thread.Ext.call_stack, $f, $f.symbol_info : "*!Create*" and length($f.symbol_info) > 5)',
  "alias.eql":
    "sequence by host.id [file where true] as written [process where process.executable == written.file.path]",
  "tree.yaml":
    'id: tree\nname: Below a shell\nseverity: low\ndialect: endgame\nquery: |\n  process where descendant of [process where process_name == "bash"]\n',
};

const EVENTS: readonly object[] = [
  { "@timestamp": 1, host: { id: "h" }, event: { category: "file" }, file: { path: "/tmp/x" } },
  {
    "@timestamp": 2,
    host: { id: "h" },
    event: { category: "process" },
    process: { pid: 5, name: "bash", executable: "/tmp/x" },
  },
  {
    "@timestamp": 3,
    host: { id: "h" },
    event: { category: "process" },
    process: { pid: 9007199254740992, name: "CMD.exe" },
  },
  {
    "@timestamp": 4,
    event: { category: "process" },
    process: {
      pid: 1,
      name: "sh",
      command_line: "a SECRET",
      thread: { Ext: { call_stack: [{ symbol_info: "ntdll!CreateX" }] } },
    },
  },
  { "@timestamp": 5, event_type: "process", subtype: "create", process_name: "bash", pid: 11, ppid: 1 },
  { "@timestamp": 6, event_type: "process", subtype: "create", process_name: "ls", pid: 12, ppid: 11 },
];

const test = suite("Lua packages");
let folder = "";
let events = "";

function run(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [RUN, ...words, "--summary", "none"], {
    encoding: "utf8",
  });
  return { status, alerts: stdout.split("\n").filter((line) => line !== ""), stderr };
}

const built = new Map<string, string>();

/** The rules as a package, built once. */
function build(target: string): string {
  const known = built.get(target);
  if (known !== undefined) return known;
  const output = join(folder, target);
  built.set(target, output);
  execFileSync(process.execPath, [EQLC, "build", join(folder, "rules"), "-o", output, "--target", target], {
    stdio: "ignore",
  });
  return output;
}

let copies = 0;

/** A package of its own, to be spoilt. */
function copyOf(target: string): string {
  const copy = join(folder, `copy-${copies++}`);
  cpSync(build(target), copy, { recursive: true });
  return copy;
}

/** An alert without what names the package. */
function withoutPackage(alert: string): unknown {
  const { package: _, ...rest } = JSON.parse(alert) as Record<string, unknown>;
  return JSON.parse(JSON.stringify(rest).replace(/[0-9a-f]{64}/g, "digest")) as unknown;
}

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), "kestrel-lua-"));
  mkdirSync(join(folder, "rules"));
  for (const [name, text] of Object.entries(RULES)) writeFileSync(join(folder, "rules", name), text);
  events = join(folder, "events.ndjson");
  writeFileSync(events, EVENTS.map((event) => `${JSON.stringify(event)}\n`).join(""));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

test("wasm, lua and both give the same alerts", () => {
  const wasm = run(build("wasm"), "--replay", events);
  assert.is(wasm.status, 0, wasm.stderr);
  const rules = wasm.alerts.map((alert) => (JSON.parse(alert) as { rule: { id: string } }).rule.id);
  assert.equal([...new Set(rules)].sort(), ["alias", "pattern", "shell", "stack", "tree"]);
  const lua = run(build("lua"), "--replay", events);
  assert.is(lua.stderr, "");
  assert.equal(lua.alerts.map(withoutPackage), wasm.alerts.map(withoutPackage));
  const both = build("both");
  for (const runtime of ["wasm", "lua", "both"]) {
    const found = run(both, "--runtime", runtime, "--replay", events);
    assert.is(found.stderr, "", runtime);
    assert.equal(found.alerts.map(withoutPackage), wasm.alerts.map(withoutPackage), runtime);
  }
});

test("the predicates are files that can be read, behind one library", () => {
  const files = readdirSync(join(build("lua"), "foreign")).sort();
  assert.ok(files.includes("language.lua") && files.includes("predicate-0000.lua"), files.join(" "));
  const shell = files
    .map((file) => readFileSync(join(folder, "lua/foreign", file), "utf8"))
    .find((text) => text.includes('"bash", "sh"'));
  assert.match(shell ?? "", /-- shell\n--\n-- {3}process where process\.name in/);
  assert.match(shell ?? "", /local process_pid = kestrel\.values\(\d\) -- process\.pid as long/);
});

test("docs/rules-as-lua.md shows what happens: its commands run, and a file looks as it says", () => {
  const page = readFileSync(join(ROOT, "docs/rules-as-lua.md"), "utf8");
  const [, commands = ""] = /^```sh\n(.*?)^```/ms.exec(page) ?? [];
  const lines = commands.split("\n").flatMap((line) => line.replace(/\s+#.*$/, "") || []);
  assert.is(lines.length, 4);
  writeFileSync(join(folder, "doc.ndjson"), readFileSync(events));
  for (const line of lines) {
    const [program = "", ...words] = line.split(" ");
    const script = program === "eqlc" ? EQLC : RUN;
    const own = words.map((word) => (word === "pack" ? "both" : word === "events.ndjson" ? "doc.ndjson" : word));
    const { status, stderr } = spawnSync(process.execPath, [script, ...own], { cwd: folder, encoding: "utf8" });
    assert.is(status, 0, `${line}\n${stderr}`);
  }
  const [, shown = ""] = /^```lua\n(.*?)^```/ms.exec(page) ?? [];
  const files = readdirSync(join(build("lua"), "foreign")).map((file) =>
    readFileSync(join(folder, "lua/foreign", file), "utf8"),
  );
  assert.ok(shown.length > 100 && files.some((text) => text.includes(shown)), "no file looks like that");
});

test("building again gives the same bytes", () => {
  const digest = (dir: string): string =>
    (JSON.parse(readFileSync(join(dir, MANIFEST_FILE), "utf8")) as PackageManifest).package.digest;
  const first = digest(build("both"));
  built.delete("both");
  assert.is(digest(build("both")), first);
});

test("a runtime that the package lacks is an error that says how to build it", () => {
  for (const [target, runtime, wanted] of [
    ["wasm", "lua", /not there in Lua; build it with `eqlc build --target lua` or `both`/],
    ["wasm", "both", /not there in Lua/],
    ["lua", "wasm", /not there in Wasm; build it with `eqlc build --target wasm`/],
    ["lua", "both", /not there in Wasm/],
  ] as const) {
    const { status, stderr } = run(build(target), "--runtime", runtime, "--replay", events);
    assert.is(status, 2);
    assert.match(stderr, wanted);
  }
  const { status, stderr } = run(build("both"), "--runtime", "javascript", "--replay", events);
  assert.is(status, 3);
  assert.match(stderr, /Allowed choices are wasm, lua, both/);
});

/** The package with a file of its Lua half changed, and all digests made right again. */
function change(dir: string, wanted: (text: string) => boolean, edit: (text: string) => string): void {
  const lua = join(dir, "lua");
  const name = readdirSync(join(lua, "foreign")).find(
    (file) => file !== "language.lua" && wanted(readFileSync(join(lua, "foreign", file), "utf8")),
  );
  assert.ok(name !== undefined);
  const path = join(lua, "foreign", name);
  writeFileSync(path, edit(readFileSync(path, "utf8")));
  renew(lua);
  renew(dir);
}

function renew(dir: string): void {
  const read = JSON.parse(readFileSync(join(dir, MANIFEST_FILE), "utf8")) as PackageManifest;
  const files = read.files.map(({ path }) => {
    const bytes = readFileSync(join(dir, path));
    return { path, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  });
  const unsigned = { ...read, files, package: { ...read.package, digest: "" } };
  const digest = createHash("sha256").update(digestText(unsigned)).digest("hex");
  writeFileSync(join(dir, MANIFEST_FILE), manifestText({ ...unsigned, package: { ...unsigned.package, digest } }));
}

test("what one side finds and the other does not is an error that names the rule and the event", () => {
  const dir = copyOf("both");
  change(
    dir,
    (text) => text.includes('"bash", "sh"'),
    (text) => text.replace("return value > 4", "return value > 5"),
  );
  const both = run(dir, "--runtime", "both", "--replay", events);
  assert.is(both.status, 2);
  assert.match(both.stderr, /E_RUNTIMES_DIFFER.*Wasm finds shell at .*events\.ndjson:2, Lua/);
  assert.match(both.stderr, /did not find the same in 1 batch/);
  // The alerts are those of Wasm.
  assert.equal(both.alerts.map(withoutPackage), run(dir, "--replay", events).alerts.map(withoutPackage));
});

for (const [what, body, reason] of [
  ["that never ends", "while true do end", /stopped \((?:fuel|time)\)/],
  ["that takes all memory", 'local s = "x" while true do s = s .. s end', /stopped \(memory\)/],
  ["that fails", 'error("no")', /stopped \(error\): .*no/],
  ["that wants what is not there", "os.exit(0)", /stopped \(error\)/],
  ["that asks for a reading that it has not got", "return #kestrel.values(99) > 0", /stopped \(host\)/],
  ["that gives no boolean", "return 1", /stopped \(type\)/],
] as const) {
  test(`a predicate ${what} is stopped, and the others go on`, () => {
    const dir = copyOf("both");
    const expected = run(dir, "--runtime", "wasm", "--replay", events).alerts.map(withoutPackage);
    change(
      dir,
      (text) => text.includes('"bash", "sh"'),
      (text) => `${text}\nfunction pred_eval()\n  ${body}\nend\n`,
    );
    const { status, alerts, stderr } = run(dir, "--runtime", "lua", "--replay", events);
    assert.is(status, 0, stderr);
    assert.match(stderr, reason);
    assert.match(stderr, /^warning: the generated predicate predicate-\d+\.lua was stopped/m);
    const isShell = (alert: unknown): boolean => (alert as { rule: { id: string } }).rule.id === "shell";
    assert.equal(
      alerts.map(withoutPackage),
      expected.filter((alert) => !isShell(alert)),
    );
  });
}

test("what is not among the files of the package is not run", () => {
  const dir = copyOf("both");
  assert.ok(existsSync(join(dir, "lua/foreign/language.lua")));
  writeFileSync(join(dir, "lua/foreign/language.lua"), "os = {}");
  for (const runtime of ["lua", "both"]) {
    const { status, stderr } = run(dir, "--runtime", runtime, "--replay", events);
    assert.is(status, 2);
    assert.match(stderr, /foreign\/language\.lua/);
  }
  // The Wasm side runs nothing of it, and does not look at it; whoever asks for the whole package does.
  assert.is(run(dir, "--replay", events).status, 0);
  const { status, stderr } = spawnSync(process.execPath, [RUN, "validate", dir], { encoding: "utf8" });
  assert.is(status, 2);
  assert.match(stderr, /lua\/foreign\/language\.lua/);
});

test.run();
