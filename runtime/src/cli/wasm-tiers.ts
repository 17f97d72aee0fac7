// When V8 makes better code of the package's module. It begins with code that is made quickly, and makes a function anew once that has run for a while: the
// decoder after some fifteen events. A process does not end before what was begun is done, so a run over twenty events would wait for code that nobody runs.
//
// SOUND: what a function computes does not depend on its code. Code that V8 has kept belongs to the flags that it was made with, and is taken before this one is
// set (bin/run-script.js); who writes it must run over more (scripts/bundle.mjs).

import { statSync } from "node:fs";
import { setFlagsFromString } from "node:v8";

/** Of files. Packed they may hold twenty times as much, over which better code would hardly save what it takes. */
const SHORT_BYTES = 64 * 1024;
/** Bytes of code, roughly, that a function runs before it is made anew: what none reaches over so few events. */
const BUDGET = 1_000_000_000;

/** Says that modules are compiled from now on for a run over the files at `paths`. */
export function expectRunOver(paths: readonly string[]): void {
  if (areShort(paths)) setFlagsFromString(`--wasm-tiering-budget=${BUDGET}`);
}

/** Whether these are files, and small ones; what is no plain file may hold anything. */
function areShort(paths: readonly string[]): boolean {
  let bytes = 0;
  for (const path of paths) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined || !found.isFile()) return false;
    bytes += found.size;
  }
  return bytes <= SHORT_BYTES;
}
