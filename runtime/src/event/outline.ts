// The bytes of an object -> where its members stand, if it is JSON that names no field twice: its text can then go into an alert as it is,
// whole or member by member, and nothing of it need be made a tree (json-tree.ts).
//
// The bytes are looked at by a module of WebAssembly, stdlib/outline, which also says what has no outline: what is no JSON or may name a
// field twice, and what it is not sure of. As JavaScript the same took as long as JSON.parse, and ten times that before it was optimised:
// most runs have few alerts.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import {
  OUTLINE_BEYOND_ASCII,
  OUTLINE_DOTS,
  OUTLINE_FLAGS,
  OUTLINE_INPUT,
  OUTLINE_MOST_BYTES,
  OUTLINE_PLACE_WORDS,
  OUTLINE_PLACES,
  OUTLINE_SPACED,
} from "@kestrel/stdlib/outline-memory";
import { wasm } from "../wasm.js";

export interface Outline {
  /** Where the object begins in the bytes. */
  readonly start: number;
  /** Four numbers for each member: where its name begins, behind the quote, and ends; where its value begins and ends. All from `start`. */
  readonly places: readonly number[];
  /** No white space stands around its brackets, commas and colons. */
  readonly isCompact: boolean;
  /** All its characters are ASCII. */
  readonly isAscii: boolean;
  /** The name of a member, not of one further inside, holds a dot. */
  readonly hasDots: boolean;
}

/** Numbers for each member in `places`. */
export const PLACE_NUMBERS = OUTLINE_PLACE_WORDS;

interface Outliner {
  /** Its memory, which never grows. */
  readonly memory: Uint8Array;
  readonly words: Int32Array;
  readonly outline: (length: number) => number;
}

const WORD_BYTES = 4;
const FIRST_PLACE = OUTLINE_PLACES / WORD_BYTES;

/** Made when the first alert is. */
let outliner: Outliner | null = null;

/** The outline of the object that stands from one place to another, nothing around it; null when it has none. */
export function outlineOf(bytes: Uint8Array, from: number, to: number): Outline | null {
  const length = to - from;
  if (length > OUTLINE_MOST_BYTES) return null;
  outliner ??= createOutliner();
  const { memory, words, outline } = outliner;
  memory.set(length === bytes.length ? bytes : bytes.subarray(from, to), OUTLINE_INPUT);
  const members = outline(length);
  if (members < 0) return null;
  const flags = words[OUTLINE_FLAGS / WORD_BYTES] ?? 0;
  // A typed array would have memory of its own, which takes longer to make and to collect.
  const places: number[] = [];
  const end = FIRST_PLACE + members * PLACE_NUMBERS;
  for (let at = FIRST_PLACE; at < end; at++) places.push(words[at] ?? 0);
  return {
    start: from,
    places,
    isCompact: (flags & OUTLINE_SPACED) === 0,
    isAscii: (flags & OUTLINE_BEYOND_ASCII) === 0,
    hasDots: (flags & OUTLINE_DOTS) !== 0,
  };
}

function createOutliner(): Outliner {
  const binary = readFileSync(createRequire(import.meta.url).resolve("@kestrel/stdlib/outline.wasm"));
  const { exports } = new wasm.Instance(new wasm.Module(binary), {});
  const { memory, outline } = exports as {
    readonly memory: { readonly buffer: ArrayBuffer };
    readonly outline: Outliner["outline"];
  };
  return { memory: new Uint8Array(memory.buffer), words: new Int32Array(memory.buffer), outline };
}
