// Binaryen's package is one file of 13 MB, nearly all of it its WebAssembly module as a text, which Node would read, parse and decode at every start. Beside the
// bundle it is two files: the same code, and the same module as bytes.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Where the text stands: `module ??= decode(` and a template. */
const DECODED = /(\?\?=)[\w$]+\((?=`\\0asm)/;

/** Writes binaryen.js and binaryen.wasm to the folder, of the package that the compiler has, and returns the file that they were made of. Throws when that is not written as it is known. */
export async function splitBinaryen(folder) {
  const file = createRequire(new URL("../compiler/package.json", import.meta.url)).resolve("binaryen");
  const source = readFileSync(file, "utf8");
  const found = DECODED.exec(source);
  if (found === null) throw new Error(`${file}: no WebAssembly module where one is expected`);
  const end = templateEnd(source, found.index + found[0].length);
  if (source[end] !== ")")
    throw new Error(`${file}: the text of its WebAssembly module does not end where it is expected to`);
  writeFileSync(join(folder, "binaryen.wasm"), await moduleOf(file));
  writeFileSync(
    join(folder, "binaryen.js"),
    [
      'import { readFileSync as readModule } from "node:fs";\n',
      source.slice(0, found.index),
      `${found[1]}readModule(new URL("binaryen.wasm", import.meta.url))`,
      source.slice(end + 1),
    ].join(""),
  );
  return file;
}

/** Behind the template that begins at `start`. */
function templateEnd(source, start) {
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === "`") return at + 1;
  }
  return source.length;
}

/** The bytes that the package gives to WebAssembly when it is loaded. */
async function moduleOf(file) {
  const { instantiate } = WebAssembly;
  let bytes = null;
  WebAssembly.instantiate = (given, imports) => {
    bytes = given;
    return instantiate(given, imports);
  };
  try {
    await import(pathToFileURL(file).href);
  } finally {
    WebAssembly.instantiate = instantiate;
  }
  if (!(bytes instanceof Uint8Array)) throw new Error(`${file}: it loads no WebAssembly module`);
  return bytes;
}
