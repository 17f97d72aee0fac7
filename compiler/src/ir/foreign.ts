// A predicate that is no circuit but code: a hand-written one, or a circuit that the Lua backend has made into a function. The
// runtime calls it when the module asks; what it may read stands in slots by then.

import type { GlobPattern, RegexPattern } from "../patterns/patterns.js";
import type { RegexNode } from "../patterns/regex-parse.js";
import type { Wildcard } from "../patterns/wildcard.js";
import type { Reading } from "./reading.js";

export interface Foreign {
  /** For people: the id of the package that it came in. */
  readonly name: string;
  readonly runtime: "wasm" | "lua";
  /** A module that has been checked and instrumented, or a chunk of Lua. */
  readonly code: Uint8Array;
  /** What it may ask for, in order. */
  readonly readings: readonly Reading[];
  /** Patterns by the numbers that it knows them by; regular expressions accept any text before and behind already. */
  readonly regexes: readonly RegexPattern[];
  readonly globs: readonly GlobPattern[];
  readonly limits: { readonly fuel: number; readonly memory_bytes: number };
  /** Of code that eqlc has made, whose readings have their place in the list as number; absent of hand-written code. */
  readonly generated?: {
    /** By the numbers that the code knows them by, in place of the lists above. */
    readonly patterns: readonly PatternList[];
    /** The predicate that it is. */
    readonly predicate: number;
  };
}

/** A text matches when it matches one of the list as a whole. With `fold` its case is folded before; wildcards are folded already. */
export type PatternList =
  | { readonly kind: "globs"; readonly fold: boolean; readonly globs: readonly Wildcard[] }
  | { readonly kind: "regexes"; readonly fold: boolean; readonly regexes: readonly RegexNode[] };
