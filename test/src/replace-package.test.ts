// A package is replaced under the eyes of its readers: whoever loads it finds the old one or the new one, also where the builder
// was stopped at any of its steps, and the next build leaves nothing of that behind.

import fs, { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { type BuiltPackage, buildPackage } from "@kestrel/compiler/package/build-package";
import { compileRules } from "@kestrel/compiler/package/compile-rules";
import { nameSources } from "@kestrel/compiler/package/source-names";
import { inspectTarget, writePackage } from "@kestrel/compiler/package/write-package";
import { loadPackage } from "@kestrel/runtime/load/load-package";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const replacing = suite("replacing a package");
const root = mkdtempSync(join(tmpdir(), "kestrel-replace-"));
replacing.after(() => rmSync(root, { recursive: true, force: true }));

/** `a.eql` is a folder in one pack and a file in the other. */
async function builtOf(name: string, files: Readonly<Record<string, string>>): Promise<BuiltPackage> {
  const folder = join(root, `rules-${name}`);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const { rules, parts, collected } = await compileRules([folder], DEFAULT_OPTIONS);
  assert.ok(parts !== null);
  const { timestampField, tiebreakerField, categoryField } = DEFAULT_OPTIONS;
  return buildPackage(rules, parts, nameSources(collected.files, [folder]), {
    ...{ name, version: "1.0.0", compilerVersion: "test", timestampField, tiebreakerField, categoryField },
  });
}

const ruleText = (query: string): string => `name: A rule\nquery: ${query}\n`;
const one = await builtOf("one", {
  "same.yaml": ruleText("process where process.pid == 1"),
  "changed.yaml": ruleText('process where process.name == "one"'),
  "a.eql/b.eql": "file where true",
  "only/deep/one.yaml": ruleText("file where file.size > 1"),
});
const two = await builtOf("two", {
  "same.yaml": ruleText("process where process.pid == 1"),
  "changed.yaml": ruleText('process where process.name == "two"'),
  "a.eql": "network where true",
  "twin.yaml": ruleText("file where file.size > 2"),
  "other/twin.yaml": ruleText("file where file.size > 3"),
});
const digests = [one, two].map(({ manifest }) => manifest.package.digest);

async function digestAt(folder: string): Promise<string> {
  return (await loadPackage(folder)).manifest.package.digest;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

replacing("every look during a series of builds finds one of the two packages", async () => {
  const folders = [one, two].map((built, index) => {
    const folder = join(root, `template-${index}`);
    writePackage(folder, built);
    return folder;
  });
  const target = join(root, "watched");
  writePackage(target, one);
  const worker = new Worker(new URL("./support/replace-packages.js", import.meta.url), {
    workerData: { target, folders },
  });
  const ended = new Promise<number>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  const seen = new Map(digests.map((digest) => [digest, 0]));
  for (let look = 0; look < 250; look++) {
    const digest = await digestAt(target);
    seen.set(digest, (seen.get(digest) ?? 0) + 1);
  }
  worker.postMessage("stop");
  const builds = await ended;
  assert.equal([...seen.keys()], digests);
  assert.ok(builds > 20 && [...seen.values()].every((count) => count > 5), JSON.stringify([builds, ...seen.values()]));
});

/** Every function of node:fs that changes something, and that the writer uses. */
const CHANGES = ["copyFileSync", "mkdirSync", "renameSync", "rmSync", "rmdirSync", "writeFileSync"] as const;

/** Runs `body` as a process that dies before its change number `step`; false when it ended before. */
function dyingAt(step: number, body: () => void): boolean {
  let steps = 0;
  const kept = CHANGES.map((name) => [name, fs[name]] as const);
  const patched = fs as unknown as Record<string, unknown>;
  for (const [name, original] of kept) {
    patched[name] = (...args: unknown[]) => {
      if (++steps >= step) throw new Error("the process is dead");
      return (original as (...all: unknown[]) => unknown)(...args);
    };
  }
  syncBuiltinESMExports();
  try {
    body();
  } catch {
    // As the process that died.
  } finally {
    for (const [name, original] of kept) patched[name] = original;
    syncBuiltinESMExports();
  }
  return steps >= step;
}

replacing("a builder that dies at any step leaves a package, and the next build cleans up", async () => {
  const [before, after] = digests;
  const found: string[] = [];
  let step = 1;
  for (; ; step++) {
    const target = join(root, `dying-${step}`);
    writePackage(target, one);
    if (!dyingAt(step, () => writePackage(target, two))) break;
    const digest = await digestAt(target);
    found.push(digest === before ? "old" : digest === after ? "new" : "neither");
    assert.is(inspectTarget(target).state, "package");
    // Whatever is built next, the same again or something else.
    const next = step % 2 === 0 ? one : two;
    writePackage(target, next);
    assert.is(await digestAt(target), next.manifest.package.digest, `after step ${step}`);
    assert.equal(filesBelow(target), [...next.files.keys()].sort(), `after step ${step}`);
    assert.not.ok(existsSync(join(target, ".pending")));
  }
  // The manifest decides: before it the old package, from then on the new one.
  const turn = found.indexOf("new");
  assert.ok(turn > 3 && step - turn > 5, found.join(" "));
  assert.ok(
    found.every((which, index) => which === (index < turn ? "old" : "new")),
    found.join(" "),
  );
});

replacing("a damaged package is mended, a foreign file stays, and a builder that runs is left alone", async () => {
  const target = join(root, "mended");
  writePackage(target, one);
  rmSync(join(target, "module.wasm"));
  writeFileSync(join(target, "sources/same.yaml"), "changed");
  writeFileSync(join(target, "sources/mine.txt"), "mine");
  writePackage(target, one);
  assert.is(await digestAt(target), digests[0]);
  assert.equal(filesBelow(target), [...one.files.keys(), "sources/mine.txt"].sort());

  const busy = join(root, "busy");
  cpSync(target, busy, { recursive: true });
  mkdirSync(join(busy, ".pending"));
  writeFileSync(join(busy, ".pending/builder"), String(process.ppid));
  assert.throws(() => writePackage(busy, two), /process \d+ is building it/);
  assert.is(await digestAt(busy), digests[0]);
  writeFileSync(join(busy, ".pending/builder"), "");
  writePackage(busy, two);
  assert.is(await digestAt(busy), digests[1]);
});

replacing("a first build that was broken off is cleaned up by the next", async () => {
  const target = join(root, "first", "pack");
  let step = 1;
  for (; dyingAt(step, () => writePackage(target, one)); step++) {
    rmSync(target, { recursive: true, force: true });
    if (!existsSync(join(root, "first"))) continue;
    // The number of a process that has ended, instead of this one's.
    for (const name of readdirSync(join(root, "first"))) {
      fs.renameSync(join(root, "first", name), join(root, "first", name.replace(`.${process.pid}.`, ".2147483646.")));
    }
  }
  assert.ok(step > 5);
  assert.is(await digestAt(target), digests[0]);
  assert.equal(readdirSync(join(root, "first")), ["pack"]);
});

replacing.run();
