// What stands in the folder of a hand-written rule, read but not yet understood: its code is still what the author wrote.

import type { GlobPattern, RegexPattern } from "../patterns/patterns.js";
import type { Capabilities, Rule } from "../rule/rule.js";
import type { Span } from "../syntax/ast.js";
import type { SourceFile } from "./source-file.js";

export const FOREIGN_MANIFEST = "manifest.json";
export const FOREIGN_FORMAT = "1.0";

/** What may hold the code of a rule. Where rule.wasm stands beside one of its sources, rule.wasm is what is built. */
export const CODE_FILES = ["rule.wasm", "rule.wat", "rule.as.ts", "predicate.lua"] as const;
export type CodeFile = (typeof CODE_FILES)[number];

export interface ForeignLimits {
  readonly fuel: number;
  readonly memoryBytes: number;
}

/** A file of the folder; `path` is below it, with `/`. */
export interface ForeignFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A field that the manifest names, by its name or its id. */
export interface NamedField {
  readonly field: string | number;
  readonly span: Span | undefined;
}

export interface ForeignSource {
  /** As the user wrote it, or the path found below it. */
  readonly folder: string;
  /** Its query is "", and its source the manifest. */
  readonly rule: Rule;
  /** For the places of what is found later. */
  readonly manifest: SourceFile;
  readonly codeFile: CodeFile;
  readonly code: Uint8Array;
  readonly capabilities: Capabilities;
  readonly limits: ForeignLimits;
  /** What the manifest's `fields` names; null: the code says it. */
  readonly fields: readonly NamedField[] | null;
  /** Line n of resources/regexes.txt, made to match anywhere in a text. */
  readonly regexes: readonly RegexPattern[];
  /** Line n of resources/globs.txt. */
  readonly globs: readonly GlobPattern[];
  /** Everything that the rule is made of, sorted by path. */
  readonly files: readonly ForeignFile[];
}
