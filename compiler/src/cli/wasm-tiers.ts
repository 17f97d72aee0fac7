// When V8 makes better code of Wasm. It begins with code that is made quickly, and makes a function anew that has run for a while, which takes
// as much of the processor as hundreds of runs give back.
//
// Binaryen has ten thousand functions, and a short build is over before the better code of any has paid: a build of 43 rules takes seven tenths of the processor
// with this budget, a query over 500 MB eight tenths, and a build of 818 rules no more than before. The module of a query runs over gigabytes.
//
// SOUND: what a function computes does not depend on its code. The flag decides of modules that are compiled afterwards.

import { setFlagsFromString } from "node:v8";

/** Bytes of code, roughly, that a function runs before it is made anew. */
const SHORT_RUN = 100_000_000;
/** V8's own in Node 20; later ones wait longer. */
const LONG_RUN = 1_800_000;

/** For Binaryen; to be called before it is loaded. */
export function expectShortRuns(): void {
  setFlagsFromString(`--wasm-tiering-budget=${SHORT_RUN}`);
}

/** For a module that runs over all events of a query. */
export function expectLongRuns(): void {
  setFlagsFromString(`--wasm-tiering-budget=${LONG_RUN}`);
}
