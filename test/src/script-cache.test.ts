// V8's code beside the bundle of kestrel-run: used where it is of this script, and never able to change what is run.

import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const RUNTIME = fileURLToPath(new URL("../../runtime/", import.meta.url));
const RUN = "bin/kestrel-run.js";
const SCRIPT = "dist/bundle/main.js";
const CACHE = `${SCRIPT}.cache`;
const USAGE = /error: name the folder of a package/;

interface Scripts {
  compileScript(file: string): { readonly cachedDataRejected?: boolean };
  writeCache(file: string, script: unknown): void;
}

const folder = mkdtempSync(join(tmpdir(), "kestrel-script-"));
/** As an installed package: what `bin` and `files` of its package.json name, of dist/ the bundle alone. */
const whole = join(folder, "whole");
let copies = 0;

const cache = suite("script cache");

cache.before(() => {
  cpSync(join(RUNTIME, "bin"), join(whole, "bin"), { recursive: true });
  cpSync(join(RUNTIME, "dist/bundle"), join(whole, "dist/bundle"), { recursive: true });
  cpSync(join(RUNTIME, "package.json"), join(whole, "package.json"));
  // Of this Node, which need not be the one that built it.
  assert.is.not(isTaken(whole), undefined, "the bundle has been built, with a cache of its own");
  const { compileScript, writeCache } = scriptsOf(whole);
  writeCache(join(whole, SCRIPT), compileScript(join(whole, SCRIPT)));
  assert.equal(readdirSync(join(whole, "dist/bundle")), readdirSync(join(RUNTIME, "dist/bundle")));
});
cache.after(() => {
  rmSync(folder, { recursive: true });
});

function copy(): string {
  const at = join(folder, `copy-${++copies}`);
  cpSync(whole, at, { recursive: true });
  return at;
}

function run(at: string, ...flags: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [...flags, join(at, RUN)], { encoding: "utf8" });
}

function scriptsOf(at: string): Scripts {
  return createRequire(import.meta.url)(join(at, "bin/run-script.js")) as Scripts;
}

/** Whether V8 took the cache; undefined where it was given none. */
function isTaken(at: string): boolean | undefined {
  const { cachedDataRejected: rejected } = scriptsOf(at).compileScript(join(at, SCRIPT));
  return rejected === undefined ? undefined : !rejected;
}

cache("is of a script that is strict, as the modules are that it was made of", () => {
  assert.match(readFileSync(join(whole, SCRIPT), "latin1"), /^"use strict";/);
});

cache("is taken where it is of this script", () => {
  assert.is(isTaken(whole), true);
  assert.match(run(whole).stderr, USAGE);
});

cache("is not needed", () => {
  const at = copy();
  rmSync(join(at, CACHE));
  assert.is(isTaken(at), undefined);
  assert.match(run(at).stderr, USAGE);
});

cache("is not looked at when a byte of it is another, or it is cut, or empty", () => {
  const at = copy();
  const bytes = readFileSync(join(at, CACHE));
  const half = bytes.length >> 1;
  const flipped = (place: number): Buffer => {
    const other = Buffer.from(bytes);
    other[place] = (other[place] ?? 0) ^ 1;
    return other;
  };
  for (const other of [flipped(0), flipped(32), flipped(half), bytes.subarray(0, half), Buffer.alloc(0)]) {
    writeFileSync(join(at, CACHE), other);
    assert.is(isTaken(at), undefined);
    const { status, stderr } = run(at);
    assert.is(status, 3);
    assert.match(stderr, USAGE);
  }
});

cache("of another script of the same length is not looked at", () => {
  const at = copy();
  const text = readFileSync(join(at, SCRIPT), "latin1");
  const other = text.replace("error: name the folder of a package", "error: name the folder of a PACKAGE");
  assert.is.not(other, text);
  assert.is(other.length, text.length);
  writeFileSync(join(at, SCRIPT), other, "latin1");
  assert.is(isTaken(at), undefined);
  assert.match(run(at).stderr, /error: name the folder of a PACKAGE/);
});

cache("of a V8 with other flags is refused, and the script runs", () => {
  const { status, stderr } = run(whole, "--no-lazy");
  assert.is(status, 3);
  assert.match(stderr, USAGE);
});

cache("serves two processes at once, from folders that nobody may write", async () => {
  const at = copy();
  for (const part of ["bin", "dist/bundle", "."]) chmodSync(join(at, part), 0o555);
  const before = readFileSync(join(at, CACHE));
  const codes = [1, 2].map(async () => (await once(spawn(process.execPath, [join(at, RUN)]), "exit"))[0] as number);
  assert.equal(await Promise.all(codes), [3, 3]);
  assert.equal(readFileSync(join(at, CACHE)), before);
  for (const part of [".", "bin", "dist/bundle"]) chmodSync(join(at, part), 0o755);
});

cache.run();
