// Folders and patterns → the files in them; what is in a folder and is no file of events is left out, and said.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expandPaths } from "@kestrel/runtime/read/expand-paths";
import { InputError } from "@kestrel/runtime/read/lines";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const EQLC = fileURLToPath(new URL("../../compiler/bin/eqlc.js", import.meta.url));
const RUN = fileURLToPath(new URL("../../runtime/bin/kestrel-run.js", import.meta.url));

const root = mkdtempSync(join(tmpdir(), "kestrel-paths-"));
const EVENT = (name: string): string => `{"event":{"category":"process"},"process":{"name":"${name}"}}\n`;
const FILES: Readonly<Record<string, string>> = {
  "logs/b.json": EVENT("b"),
  "logs/a.json": EVENT("a"),
  "logs/a/c.json": EVENT("c"),
  "logs/a/deep/d.ndjson": EVENT("d"),
  "logs/.hidden": "no events",
  "logs/.git/config": "no events",
  "logs/README.md": "# no events\n",
  "logs/old.json.xz": "\u00fd7zXZ\0\0\0",
  "other/e.json": EVENT("e"),
  "other/[x]*.json": EVENT("x"),
};

for (const [path, content] of Object.entries(FILES)) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content, "latin1");
}
symlinkSync(root, join(root, "logs/a/round"));
mkdirSync(join(root, "empty"));

function expand(...named: readonly string[]): {
  readonly paths: readonly string[];
  readonly skippable: readonly string[];
} {
  const local = (path: string): string => path.replace(`${root}/`, "");
  const { paths, skippable } = expandPaths(named.map((path) => (path === "-" ? path : `${root}/${path}`)));
  return { paths: paths.map(local), skippable: [...skippable].map(local).sort() };
}

const IN_LOGS = ["README.md", "a.json", "a/c.json", "a/deep/d.ndjson", "b.json", "old.json.xz"].map(
  (name) => `logs/${name}`,
);

const paths = suite("paths");

paths.after(() => rmSync(root, { recursive: true }));

paths("takes a folder as all files in it, sorted, without the hidden ones", () => {
  for (const folder of ["logs", "logs/"]) assert.equal(expand(folder), { paths: IN_LOGS, skippable: IN_LOGS });
  const both = expand("-", "logs", "logs/b.json", "logs/b.json");
  assert.equal(both.paths, ["-", ...IN_LOGS, "logs/b.json", "logs/b.json"], "what is named stays as it is");
  assert.not.ok(both.skippable.includes("logs/b.json"));
});

paths("takes a pattern as what it matches, and a name with a star in it as a name", () => {
  const cases: readonly (readonly [pattern: string, found: readonly string[]])[] = [
    ["logs/*.json", ["logs/a.json", "logs/b.json"]],
    ["logs/?.json", ["logs/a.json", "logs/b.json"]],
    ["logs/**/*.json", ["logs/a.json", "logs/a/c.json", "logs/b.json"]],
    ["**/*.ndjson", ["logs/a/deep/d.ndjson"]],
    ["*/e.json", ["other/e.json"]],
    ["logs/**", IN_LOGS],
    ["logs/**/*", IN_LOGS],
    ["logs/a*", ["logs/a.json", "logs/a/c.json", "logs/a/deep/d.ndjson"]],
    ["logs/.h*", ["logs/.hidden"]],
    ["other/[x]*.json", ["other/[x]*.json"]],
  ];
  for (const [pattern, found] of cases) assert.equal(expand(pattern).paths, found, pattern);
});

paths(
  "refuses a pattern that matches nothing, a folder without files and a name that cannot be one; leaves an absent file to the reader",
  () => {
    for (const [path, message] of [
      ["logs/*.csv", "no file matches"],
      ["absent/**", "no file matches"],
      ["empty", "is a folder without a file"],
      ["x".repeat(300), "ENAMETOOLONG"],
      [`${"x".repeat(300)}*`, "ENAMETOOLONG"],
    ] as const) {
      assert.throws(
        () => expand(path),
        (error: unknown) => error instanceof InputError && error.message.includes(message),
      );
    }
    assert.equal(expand("absent").paths, ["absent"]);
  },
);

paths("leave a link in a circle out where it was found, and to the reader where it was named", () => {
  symlinkSync("circle", join(root, "other/circle"));
  assert.equal(expand("other").paths, ["other/[x]*.json", "other/e.json"]);
  assert.equal(expand("other/*").paths, ["other/[x]*.json", "other/e.json"]);
  assert.equal(expand("other/circle").paths, ["other/circle"]);
});

paths("are understood by kestrel-run and by eqlc query", () => {
  const rule = join(root, "rule.json");
  writeFileSync(rule, JSON.stringify({ id: "r", name: "r", language: "eql", query: "process where true" }));
  const node = (...args: readonly string[]): ReturnType<typeof spawnSync> & { readonly stderr: string } =>
    spawnSync(process.execPath, args, { encoding: "utf8", input: "" });
  const pack = join(root, "pack");
  assert.is(node(EQLC, "build", rule, "-o", pack).status, 0);

  const folder = node(RUN, pack, "--replay", join(root, "logs"));
  assert.is(folder.status, 0, folder.stderr);
  assert.is(String(folder.stdout).trimEnd().split("\n").length, 4);
  assert.match(folder.stderr, `note: left out: ${join(root, "logs/README.md")} is no file of JSON events`);
  assert.match(folder.stderr, `note: left out: ${join(root, "logs/old.json.xz")} is packed with xz`);
  const named = node(RUN, pack, "--replay", join(root, "logs/*"));
  assert.is(named.status, 2, "what a pattern matches is named");
  assert.match(named.stderr, "packed with xz");
  assert.is(node(RUN, pack, "--replay", join(root, "logs/*.md")).status, 2);

  const found = node(EQLC, "query", "process where true", join(root, "logs"), join(root, "oth*/?.json"));
  assert.is(found.status, 0, found.stderr);
  const names = [...String(found.stdout).matchAll(/"name":"(\w)"/g)].map(([, name]) => name);
  assert.equal(names, ["a", "c", "d", "b", "e"]);
  assert.is(found.stderr.split("README.md is no file of JSON events").length, 2, "said once");
  const useless = node(EQLC, "query", "process where true", join(root, "logs/README.md"));
  assert.is(useless.status, 2);
  assert.match(useless.stderr, "is an event; the first line is: # no events");
});

paths.run();
