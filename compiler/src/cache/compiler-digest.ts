// Which compiler this is, as a digest: what it finds under the name of another is not found under its own.
//
// SOUND: what a compiler makes of a text depends on its own code, the packages it runs on and the engine that runs it. The code is read and
// digested whole, so that a change that has no version yet makes another compiler, and so is Binaryen where it stands beside the bundle; other packages and the
// engine are known by their versions.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folders of code in dist/, and dist/bundle/, which holds all of them in a few files, and Binaryen. */
const BUNDLE = /[\\/]bundle$/;

let digest: string | null = null;

/** 64 hexadecimal digits. Throws where the compiler's own files cannot be read. */
export function compilerDigest(): string {
  digest ??= compute();
  return digest;
}

function compute(): string {
  const hash = createHash("sha256").update(JSON.stringify([process.version, process.versions.v8, process.arch]));
  const own = dirname(fileURLToPath(import.meta.url));
  const prelude = fileURLToPath(import.meta.resolve("@kestrel/stdlib/prelude.wasm"));
  const isBundle = BUNDLE.test(own);
  const folders = isBundle ? [own] : [dirname(own), dirname(fileURLToPath(import.meta.resolve("@kestrel/stdlib/abi")))];
  for (const folder of folders) {
    for (const file of codeIn(folder)) hash.update(JSON.stringify(file)).update(readFileSync(join(folder, file)));
  }
  hash.update(readFileSync(prelude));
  for (const name of isBundle ? ["chevrotain"] : ["binaryen", "chevrotain"]) hash.update(versionOf(name));
  return hash.digest("hex");
}

/** Paths of the files of code below a folder, sorted. */
function codeIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(?:js|wasm)$/.test(file) && !/^bundle[\\/]/.test(file))
    .sort();
}

/** The manifest of a package that the code is run with. */
function versionOf(name: string): string {
  for (let folder = dirname(fileURLToPath(import.meta.resolve(name))); ; folder = dirname(folder)) {
    try {
      const text = readFileSync(join(folder, "package.json"), "utf8");
      if ((JSON.parse(text) as { readonly name?: unknown }).name === name) return text;
    } catch {
      // Further up.
    }
    if (folder === dirname(folder)) throw new Error(`${name} has no package.json`);
  }
}
