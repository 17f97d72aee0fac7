// Manifests whose lists are parsed when they are asked for: they say what the whole text says, and nothing that was changed is believed.

import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadPackage, PackageError } from "@kestrel/runtime/index";
import { cutManifest } from "@kestrel/runtime/load/cut-manifest";
import { readManifest } from "@kestrel/runtime/load/read-manifest";
import { manifestText, type PackageManifest } from "@kestrel/stdlib/package-format";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { EVERY_KIND, fakeManifest, fakePack, withDigest } from "./support/fake-pack.js";

const cutting = suite("cut manifests");
const folder = mkdtempSync(join(tmpdir(), "kestrel-cut-"));
cutting.after(() => rmSync(folder, { recursive: true }));

const { module } = await fakePack(EVERY_KIND);
const SOURCE = new TextEncoder().encode("any where true\n");
const made = {
  module,
  manifest: fakeManifest(EVERY_KIND, {
    "a.txt": SOURCE,
    "module.wasm": module,
    "sources/a": SOURCE,
    "sources/b": SOURCE,
  }),
};
const text = manifestText(made.manifest);
let written = 0;

function packageWith(manifest: string): string {
  const dir = join(folder, String(++written));
  mkdirSync(dir);
  writeFileSync(join(dir, "manifest.json"), manifest);
  mkdirSync(join(dir, "sources"));
  for (const path of ["a.txt", "sources/a", "sources/b"]) writeFileSync(join(dir, path), SOURCE);
  writeFileSync(join(dir, "module.wasm"), made.module);
  return dir;
}

/** The text with the digest that belongs to its bytes, whatever they are. */
function sealed(changed: string): string {
  const empty = changed.replace(/("digest": ")[0-9a-f]*/, "$1");
  return empty.replace('"digest": "', `$&${createHash("sha256").update(empty).digest("hex")}`);
}

function cutOf(manifest: string): ReturnType<typeof cutManifest> {
  return cutManifest(Buffer.from(manifest));
}

async function problemsOf(asked: () => unknown): Promise<readonly string[]> {
  try {
    await asked();
    return [];
  } catch (error) {
    if (!(error instanceof PackageError)) throw error;
    return error.problems.map(({ code, file, message }) => `${code} ${file}: ${message}`);
  }
}

cutting("are what the whole text is", () => {
  const cut = cutOf(text);
  if (cut === null) throw new Error("was not cut");
  const whole = JSON.parse(text) as PackageManifest;
  assert.equal({ ...cut.value, rules: cut.rules(), demands: cut.demands(), files: cut.files() }, whole);
  assert.equal(cut.firstFiles, whole.files.slice(0, 2));
  assert.equal(Object.keys(cut.value), Object.keys(whole));
  assert.equal(
    cut.ids,
    whole.rules.map(({ id }) => id),
  );
  assert.equal(
    cut.kinds,
    whole.rules.map(({ kind }) => kind),
  );
});

cutting("are those in the layout of eqlc", () => {
  assert.is.not(cutOf(text), null);
  for (const other of [
    JSON.stringify(made.manifest),
    JSON.stringify(made.manifest, null, 4),
    text.replaceAll("\n", "\r\n"),
    text.replace("fake", "f\u00e4ke"),
    text.slice(0, -4),
    "",
    "[]",
    // Lists of another depth, or behind which the same name comes again: then JSON.parse takes something else.
    text.replace('\n  "rules": [', '\n  "x": {\n  "rules": [\n],\n  "demands": [\n  ]},\n  "rules": ['),
    text.replace(/\n}\n$/, ',\n  "rules": []\n}\n'),
    text.replace(/\n}\n$/, ',\n  "demands": []\n}\n'),
    text.replace(/\n}\n$/, ',\n  "files": []\n}\n'),
    ...["rules", "r\\u0075les", "demands", "files"].flatMap((name) =>
      ["1e999", "-1.5E400", `1${"0".repeat(250)}e99`, "9".repeat(400)].map((infinite) =>
        text.replace(/\n}\n$/, `,\n  "${name}": ${infinite}\n}\n`),
      ),
    ),
    text.replace('\n  "rules": [', '\n  "rules": 1e999, "x": {\n  "rules": [').replace(/\n}\n$/, "}\n}\n"),
  ]) {
    assert.is.not(other, text);
    assert.is(cutOf(other), null, other.slice(0, 200));
  }
  // Brackets, lines and names in texts are texts.
  const strange = {
    ...made.manifest,
    rules: made.manifest.rules.map((rule) => ({ ...rule, description: '\n  ]\n  "rules": [' })),
  };
  const cut = cutOf(manifestText(strange));
  assert.equal(cut?.rules(), strange.rules);
});

cutting("are loaded, and parsed once when they are asked for", async () => {
  const { manifest, heads } = await loadPackage(packageWith(text));
  assert.type(Object.getOwnPropertyDescriptor(manifest, "rules")?.get, "function");
  assert.equal(
    heads,
    made.manifest.rules.map(({ id, kind }) => ({ id, kind })),
  );
  assert.equal(manifest.rules, made.manifest.rules);
  assert.is(manifest.rules, manifest.rules);
  assert.equal(manifest, made.manifest);
  assert.is(manifestText(manifest), text);
  const { manifest: whole } = await loadPackage(packageWith(text), { whole: true });
  assert.is(Object.getOwnPropertyDescriptor(whole, "rules")?.get, undefined);
});

cutting("are refused with any byte changed, in what is parsed later too", async () => {
  const found = new Set<string>();
  for (const [from, to] of [
    ['"severity": "', '"severity": "x'],
    ['"rules": [\n        ', '"rules": [\n         '],
    ['"id": "', '"id": "x'],
  ] as const) {
    const changed = text.replace(from, to);
    if (changed === text) continue;
    found.add(from);
    assert.equal((await problemsOf(() => loadPackage(packageWith(changed))))[0]?.split(" ")[0], "E_PACKAGE_DIGEST");
  }
  assert.ok(found.size >= 2);
});

cutting(
  "with the right digest and the wrong shape throw when they are asked, and at once where all is looked at",
  async () => {
    const [first, ...others] = made.manifest.rules;
    const rules = [{ ...first, tags: ["a", 2] }, ...others] as PackageManifest["rules"];
    const demands = [{ rules: [99], fields: [] }, ...made.manifest.demands.slice(1)];
    const dir = packageWith(manifestText(withDigest({ ...made.manifest, rules, demands })));
    const tags = "E_PACKAGE_MANIFEST manifest.json: rules[0].tags[1]: expected a string, found a number";
    const rule = "E_PACKAGE_MANIFEST manifest.json: demands[0].rules[0]: there is no rule 99";
    const { manifest } = await loadPackage(dir);
    for (let times = 0; times < 2; times++) {
      assert.equal(await problemsOf(() => manifest.rules), [tags]);
      assert.equal(await problemsOf(() => manifest.demands), [rule]);
    }
    assert.equal(await problemsOf(() => loadPackage(dir, { whole: true })), [tags, rule]);
  },
);

cutting("with the right digest and no JSON in a list throw what a package throws", async () => {
  for (const name of ["rules", "demands"] as const) {
    const { manifest } = await loadPackage(packageWith(sealed(text.replace(`"${name}": [`, `"${name}": [ "x`))));
    assert.match((await problemsOf(() => manifest[name])).join(), /^E_PACKAGE_MANIFEST manifest\.json: is not JSON: /);
  }
});

cutting("with foreign code behind the rules' sources are read whole", async () => {
  const [first] = made.manifest.files;
  const code = { ...first, path: "sources/code.lua" } as PackageManifest["files"][number];
  const foreign: PackageManifest["foreign"] = [
    {
      ...{ name: "code", rules: [], runtime: "lua", file: code.path, library: null, readings: [] },
      ...{ limits: { fuel: 1, memory_bytes: 1 }, patterns: { first: 0, regexes: 0, globs: 0 } },
    },
  ];
  const listed = withDigest({ ...made.manifest, foreign, files: [...made.manifest.files, code] });
  const { firstFiles } = readManifest(Buffer.from(manifestText(listed)), false, assert.unreachable) ?? {};
  assert.equal(firstFiles, listed.files);
  const { firstFiles: few } = readManifest(Buffer.from(text), false, assert.unreachable) ?? {};
  assert.equal(few, made.manifest.files.slice(0, 2));
});

cutting("whose rules have other ids than their lines say throw when they are asked", async () => {
  const [line = ""] = text.match(/\n {6}"id": "[^"]*",/) ?? [];
  // The rule's own id has a line of another depth, and something within it the one that is looked at.
  const decoy = sealed(text.replace(line, `\n ${line.slice(1)} "x": {\n      "id": "decoy",\n "y": 1 },`));
  const { manifest, heads } = await loadPackage(packageWith(decoy));
  assert.is(heads[0]?.id, "decoy");
  assert.match(
    (await problemsOf(() => manifest.rules)).join(),
    "their ids and kinds do not stand in lines of their own",
  );
});

cutting("with an id twice, or a kind that there is not, are refused at once", async () => {
  const lines = text.match(/\n {6}"id": "[^"]*",/g) ?? [];
  const twice = sealed(text.replace(lines[1] ?? "", lines[0] ?? ""));
  assert.match((await problemsOf(() => loadPackage(packageWith(twice)))).join(), "is the id of rules[0] already");
  const kind = sealed(text.replace('\n      "kind": "event"', '\n      "kind": "rule"'));
  assert.match((await problemsOf(() => loadPackage(packageWith(kind)))).join(), "expected one of event");
});

cutting.run();
