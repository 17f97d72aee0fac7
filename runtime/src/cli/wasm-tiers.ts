// When V8 makes better code of the package's module. It begins with code that is made quickly, and makes a function anew once that has run for a while: in Node 20 the
// decoder, after five to twenty events. A process does not end before what was begun is done, so a run over twenty events would wait for code that nobody runs.
// Later versions of Node wait longer by themselves.
//
// SOUND: what a function computes does not depend on its code. Code that V8 has kept belongs to the flags that it was made with, and is taken before this one is
// set (bin/run-script.js); who writes it must run over more (scripts/bundle.mjs).

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { BEGINNING_BYTES, beginningOf } from "../read/known-beginnings.js";

/** Of events. Over as much, better code saves less than the milliseconds that it takes. */
const SHORT_BYTES = 64 * 1024;
/** Bytes of code, roughly, that a function runs before it is made anew: more than any does over so few events. */
const BUDGET = 1_000_000_000;

/** Says that modules are compiled from now on for a run over the files at `paths`. */
export function expectRunOver(paths: readonly string[]): void {
  if (areShort(paths)) setFlagsFromString(`--wasm-tiering-budget=${BUDGET}`);
}

/** Whether these are files, and small ones. What is packed, or says no size, may hold anything; what cannot be read is for the reader to say. */
function areShort(paths: readonly string[]): boolean {
  let bytes = 0;
  try {
    for (const path of paths) {
      const found = path === "-" ? null : statSync(path);
      if (found === null || !found.isFile() || found.size === 0) return false;
      bytes += found.size;
      if (bytes > SHORT_BYTES || isPacked(path)) return false;
    }
    return true;
  } catch {
    return false;
  }
}

function isPacked(path: string): boolean {
  const head = Buffer.alloc(BEGINNING_BYTES);
  const file = openSync(path, "r");
  try {
    const { kind } = beginningOf(head.subarray(0, readSync(file, head)));
    return kind === "gzip" || kind === "zstd";
  } finally {
    closeSync(file);
  }
}
