// What a text is matched against. Patterns are parsed once, where the rule is bound, and carried as trees from there on; the
// text they were written as goes along for messages and as their name: two patterns of equal text are equal.

import { foldString } from "@kestrel/stdlib/text/case-folding";
import { type PatternProblem, parseRegex, type RegexNode } from "./regex-parse.js";
import { foldWildcard, parseWildcard, type Wildcard } from "./wildcard.js";

/** A text matches when it is one of `exact` or matches one of the patterns as a whole. */
export interface Patterns {
  /** Whether case is ignored, by simple case folding. */
  readonly fold: boolean;
  readonly exact: readonly string[];
  readonly globs: readonly GlobPattern[];
  readonly regexes: readonly RegexPattern[];
}

/** A wildcard pattern with `*` and `?`. */
export interface GlobPattern {
  readonly text: string;
  readonly tree: Wildcard;
}

/** A regular expression that is well-formed. */
export interface RegexPattern {
  readonly text: string;
  readonly tree: RegexNode;
  /** It begins with `(?i)`. */
  readonly insensitive: boolean;
}

export function globOf(text: string): GlobPattern {
  return { text, tree: parseWildcard(text) };
}

/** The same pattern for folded texts. */
export function foldGlob({ text, tree }: GlobPattern): GlobPattern {
  return { text: foldString(text), tree: foldWildcard(tree) };
}

/** Each once, by text. */
export function sortGlobs(globs: readonly GlobPattern[]): readonly GlobPattern[] {
  const distinct = new Map(globs.map((glob) => [glob.text, glob]));
  return [...distinct.keys()].sort().flatMap((text) => distinct.get(text) ?? []);
}

export function regexOf(text: string): RegexPattern | PatternProblem {
  const parsed = parseRegex(text);
  return parsed.ok ? { text, tree: parsed.regex.node, insensitive: parsed.regex.insensitive } : parsed.problem;
}
