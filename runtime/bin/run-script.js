// A script of dist/bundle/ -> run as a CommonJS module, from what V8 made of it when it was built.
//
// Compiling half a megabyte takes a fifth of a short run. The file beside it, `main.js.cache`, has V8's code cache: the functions of the script that ran when
// `scripts/bundle.mjs` tried it, compiled.
//
//   0    SHA-256 of what follows and of the script's bytes
//   32   what `vm.Script` gave as its cached data
//
// SOUND: V8 takes a cache for the script if only the lengths agree, and believes what stands in it, so the digest says that this cache is of this script, and whole. That
// it is of this V8, with these flags, V8 looks at itself. A cache that is not is not used: the script is compiled from its text, as if there were none. The
// digest keeps out accidents and not people; whoever can write the cache can write the script as well.

"use strict";

const { createHash } = require("node:crypto");
const { readFileSync, renameSync, rmSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { dirname } = require("node:path");
const { Script } = require("node:vm");

const DIGEST_BYTES = 32;

/** Compiles the script at `file`, which is ASCII. `script.cachedDataRejected` is false where the cache was used. */
function compileScript(file) {
  const text = readFileSync(file);
  const wrapped = `(function (exports, require, module, __filename, __dirname) { ${text.latin1Slice()}\n})`;
  return new Script(wrapped, { filename: file, cachedData: soundCache(file, text) });
}

/** Compiles the script at `file` and runs it. */
function runScript(file) {
  const script = compileScript(file);
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
  return script;
}

/** What stands in the cache of `file`, whose bytes are `text`; undefined where there is none, or it is of another text. */
function soundCache(file, text) {
  let cache;
  try {
    cache = readFileSync(cacheOf(file));
  } catch {
    return undefined;
  }
  const data = cache.subarray(DIGEST_BYTES);
  return digestOf(data, text).equals(cache.subarray(0, DIGEST_BYTES)) ? data : undefined;
}

/** Writes the cache of the script at `file`: of what `script` has run until now. Whoever reads it meanwhile finds a whole one or none. */
function writeCache(file, script) {
  const data = script.createCachedData();
  const fresh = `${cacheOf(file)}.${process.pid}`;
  try {
    writeFileSync(fresh, Buffer.concat([digestOf(data, readFileSync(file)), data]));
    renameSync(fresh, cacheOf(file));
  } finally {
    rmSync(fresh, { force: true });
  }
}

function digestOf(data, text) {
  return createHash("sha256").update(data).update(text).digest();
}

function cacheOf(file) {
  return `${file}.cache`;
}

module.exports = { compileScript, runScript, writeCache };
