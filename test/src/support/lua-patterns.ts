// Wildcards and regular expressions of a Lua file -> JavaScript's own, so that what the generated code says is judged without the
// automata that the package has.

import type { PatternList } from "@kestrel/compiler/ir/foreign";
import { type CodePointSet, complementOf, foldSet, unionOf } from "@kestrel/compiler/patterns/code-point-set";
import type { ClassItem, RegexNode } from "@kestrel/compiler/patterns/regex-parse";
import type { Wildcard } from "@kestrel/compiler/patterns/wildcard";
import { foldString } from "@kestrel/stdlib/text/case-folding";

export type Matcher = (text: string) => boolean;

export function matcherOf(pattern: PatternList): Matcher {
  const sources =
    pattern.kind === "globs"
      ? pattern.globs.map(globSource)
      : pattern.regexes.map((node) => source(node, pattern.fold));
  const regex = new RegExp(`^(?:${sources.join("|")})$`, "su");
  return (text) => regex.test(pattern.fold ? foldString(text) : text);
}

function literal(text: string): string {
  return Array.from(text, (character) => point(character.codePointAt(0) ?? 0)).join("");
}

function point(codePoint: number): string {
  return `\\u{${codePoint.toString(16)}}`;
}

function globSource(wildcard: Wildcard): string {
  switch (wildcard.kind) {
    case "any":
      return ".*";
    case "exact":
      return literal(wildcard.text);
    case "prefix":
      return `${literal(wildcard.text)}.*`;
    case "suffix":
      return `.*${literal(wildcard.text)}`;
    case "contains":
      return `.*${literal(wildcard.text)}.*`;
    case "glob": {
      const parts = wildcard.parts.map((part) =>
        part.map((unit) => (unit.kind === "text" ? literal(unit.text) : ".")).join(""),
      );
      return `${wildcard.anchoredStart ? "" : ".*"}${parts.join(".*")}${wildcard.anchoredEnd ? "" : ".*"}`;
    }
  }
}

function source(node: RegexNode, fold: boolean): string {
  switch (node.kind) {
    case "empty":
      return "";
    case "char":
      return literal(fold ? foldString(String.fromCodePoint(node.codePoint)) : String.fromCodePoint(node.codePoint));
    case "any":
      return ".";
    case "class":
      return setSource(classSet(node.items, node.negated, fold));
    case "concat":
      return node.items.map((item) => source(item, fold)).join("");
    case "alternate":
      return `(?:${node.items.map((item) => source(item, fold)).join("|")})`;
    case "repeat":
      return `(?:${source(node.item, fold)}){${node.min},${node.max ?? ""}}`;
  }
}

/** Folding comes before each complement. */
function classSet(items: readonly ClassItem[], negated: boolean, fold: boolean): CodePointSet {
  const sets = items.map((item) => {
    const plain = unionOf(item.ranges);
    const folded = fold ? foldSet(plain) : plain;
    return item.negated ? complementOf(folded) : folded;
  });
  const all = unionOf(sets.flat());
  return negated ? complementOf(all) : all;
}

function setSource(set: CodePointSet): string {
  if (set.length === 0) return "(?!)";
  return `[${set.map(([lo, hi]) => `${point(lo)}-${point(hi)}`).join("")}]`;
}
