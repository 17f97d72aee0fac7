// A hand-written rule as a package takes it: its code is checked, and no part of it can run without being counted.

import type { Field } from "@kestrel/stdlib/schema/types";
import type { GlobPattern, RegexPattern } from "../patterns/patterns.js";
import type { Capabilities, Rule } from "../rule/rule.js";
import type { ForeignFile, ForeignLimits } from "../sources/foreign-source.js";

export type ForeignRuntime = "wasm" | "lua";

export interface ForeignRule {
  /** Its query is "", and `source.file` the manifest. */
  readonly rule: Rule;
  readonly runtime: ForeignRuntime;
  /** The instrumented module (see wasm-fuel.ts), or the Lua source without a byte-order mark. */
  readonly code: Uint8Array;
  /** What it may read, by ascending id. Every one has an id. */
  readonly fields: readonly Field[];
  /** The number of a pattern is its index. A regular expression matches anywhere in a text, a wildcard the whole text. */
  readonly regexes: readonly RegexPattern[];
  readonly globs: readonly GlobPattern[];
  readonly capabilities: Capabilities;
  /** Never above the defaults of stdlib/src/host-api.ts. */
  readonly limits: ForeignLimits;
  /** As walked from the user's argument. */
  readonly folder: string;
  /** What the folder holds of it, for the package's `sources/`; sorted by path. */
  readonly sources: readonly ForeignFile[];
}
