// What a text is matched against -> a constant for `eql.matches`.

import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { Patterns } from "../../patterns/patterns.js";
import { regexLists } from "../../patterns/regex-lists.js";
import { foldWildcard } from "../../patterns/wildcard.js";
import { tableOf } from "./block.js";
import { listed } from "./describe-atom.js";
import type { Constants, LuaFile } from "./lua-file.js";
import { commentText, textLiteral } from "./lua-text.js";

/** The name of `{ 0, 1, fold = true, texts = eql.set { … } }`: numbers of patterns, and texts. */
export function patternsConstant(patterns: Patterns, file: LuaFile, constants: Constants): string {
  const { exact, globs, regexes, fold } = patterns;
  const numbers: string[] = [];
  if (globs.length > 0) {
    const trees = globs.map(({ tree }) => (fold ? foldWildcard(tree) : tree));
    numbers.push(`${file.patternNumber({ kind: "globs", fold, globs: trees })}`);
  }
  for (const list of regexLists(regexes, fold))
    numbers.push(`${file.patternNumber({ kind: "regexes", fold: list.fold, regexes: list.nodes })}`);
  const texts = exact.map((text) => (fold ? foldString(text) : text));
  const named = texts.length === 0 ? [] : [`fold = ${fold}`, `texts = ${setOf(texts)}`];
  const shown = [...globs, ...regexes].map(({ text }) => JSON.stringify(text));
  const says = shown.length === 0 ? "" : ` -- ${commentText(listed(shown))}`;
  return constants.add("patterns", `${tableOf([...numbers, ...named])}${says}`);
}

export function setOf(texts: readonly string[]): string {
  return `eql.set ${tableOf([...new Set(texts)].map(textLiteral))}`;
}
