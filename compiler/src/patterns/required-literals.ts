// Pattern -> texts of which a value must contain one to match it: what can be looked for before the pattern is tried.
//
// A pattern asks for several things at once (`*a*b*` for "a" and for "b"), each of them a list of alternatives; of these the caller's
// rank decides which one is taken. In a regular expression a node either spells one of a few whole texts, its *spelling*, or only
// has lists of texts that must stand somewhere inside it:
//   a b c          the spellings of neighbours are joined, until there are too many or something unknown stands between
//   a|b            the spellings of both; otherwise a list of each, together
//   a? a{0,1}      the spellings of `a`, or nothing
//   a+ a{2,5}      what `a` asks for, as often as it must stand
//   a* .           nothing
// SOUND: what is not understood asks for nothing. Texts are folded where the pattern is matched with folded values: folding goes
// code point by code point, so a part of a folded value is the folded part of the value.

import { foldCodePoint, foldString } from "@kestrel/stdlib/text/case-folding";
import type { RegexNode } from "./regex-parse.js";
import type { Wildcard } from "./wildcard.js";

/** Texts of which a value must contain one. */
export type Alternatives = readonly string[];

/** How many values are expected to contain one of the texts, infinite for what is not worth looking for. */
export type Rank = (texts: Alternatives) => number;

/** So many texts one node may spell, each of so many UTF-16 units. */
const MOST_SPELLINGS = 16;
/** Classes of more members are not spelt: ten texts that differ in a digit say less than what stands on both sides of it. */
const MOST_MEMBERS = 4;
const LONGEST_SPELLING = 64;

/** null when nothing that the wildcard asks for has a finite rank. */
export function literalOfWildcard(tree: Wildcard, fold: boolean, rank: Rank): Alternatives | null {
  const folded = (text: string): Alternatives => [fold ? foldString(text) : text];
  switch (tree.kind) {
    case "any":
      return null;
    case "glob": {
      const runs = tree.parts.flat().flatMap((unit) => (unit.kind === "text" ? [folded(unit.text)] : []));
      return best(runs, rank);
    }
    default:
      return best([folded(tree.text)], rank);
  }
}

/** The same for a regular expression, which is matched as a whole. */
export function literalOfRegex(tree: RegexNode, fold: boolean, rank: Rank): Alternatives | null {
  return best(listsOf(inside(tree, fold, rank)), rank);
}

interface Inside {
  /** All that the node can spell; null where that is too much. */
  readonly spelling: Alternatives | null;
  /** Of each of these lists, one text stands inside. */
  readonly lists: readonly Alternatives[];
}

const UNKNOWN: Inside = { spelling: null, lists: [] };

function inside(node: RegexNode, fold: boolean, rank: Rank): Inside {
  switch (node.kind) {
    case "empty":
      return { spelling: [""], lists: [] };
    case "char":
      return { spelling: [spell(node.codePoint, fold)], lists: [] };
    case "any":
      return UNKNOWN;
    case "class":
      return { spelling: spellClass(node, fold), lists: [] };
    case "concat":
      return sequence(node.items.map((item) => inside(item, fold, rank)));
    case "alternate": {
      const items = node.items.map((item) => inside(item, fold, rank));
      const spelling = union(items.map((item) => item.spelling));
      if (spelling !== null) return { spelling, lists: [] };
      const chosen = items.map((item) => best(listsOf(item), rank));
      if (chosen.some((list) => list === null)) return UNKNOWN;
      return { spelling: null, lists: [[...new Set(chosen.flatMap((list) => list ?? []))]] };
    }
    case "repeat": {
      const item = inside(node.item, fold, rank);
      if (node.min === 0) return node.max === 1 ? { spelling: union([item.spelling, [""]]), lists: [] } : UNKNOWN;
      if (item.spelling === null) return item;
      // Past the longest spelling more of the same tell nothing more.
      const times = Math.min(node.min, LONGEST_SPELLING);
      const repeated = sequence(Array.from({ length: times }, () => item));
      if (node.max === node.min && times === node.min) return repeated;
      return { spelling: null, lists: listsOf(repeated) };
    }
  }
}

function sequence(items: readonly Inside[]): Inside {
  const lists: Alternatives[] = [];
  let spelling: Alternatives = [""];
  let isWhole = true;
  for (const item of items) {
    for (const list of item.lists) lists.push(list);
    const joined: Alternatives | null = item.spelling === null ? null : product(spelling, item.spelling);
    if (joined !== null) {
      spelling = joined;
      continue;
    }
    lists.push(spelling);
    spelling = item.spelling ?? [""];
    isWhole = false;
  }
  return isWhole ? { spelling, lists } : { spelling: null, lists: [...lists, spelling] };
}

function listsOf({ spelling, lists }: Inside): readonly Alternatives[] {
  return spelling === null ? lists : [...lists, spelling];
}

function product(heads: Alternatives, tails: Alternatives): Alternatives | null {
  if (heads.length * tails.length > MOST_SPELLINGS) return null;
  const joined = heads.flatMap((head) => tails.map((tail) => head + tail));
  return joined.some((text) => text.length > LONGEST_SPELLING) ? null : [...new Set(joined)];
}

function union(spellings: readonly (Alternatives | null)[]): Alternatives | null {
  const all = new Set<string>();
  for (const spelling of spellings) {
    if (spelling === null) return null;
    for (const text of spelling) all.add(text);
  }
  return all.size <= MOST_SPELLINGS ? [...all] : null;
}

function spell(codePoint: number, fold: boolean): string {
  return String.fromCodePoint(fold ? foldCodePoint(codePoint) : codePoint);
}

/** The members of a small class; null for others. */
function spellClass(
  { items, negated }: Extract<RegexNode, { readonly kind: "class" }>,
  fold: boolean,
): Alternatives | null {
  if (negated) return null;
  const members = new Set<string>();
  for (const item of items) {
    if (item.negated) return null;
    for (const [first, last] of item.ranges) {
      if (last - first >= MOST_MEMBERS) return null;
      // No text holds half of a surrogate pair.
      for (let member = first; member <= last; member++) {
        if (member < 0xd800 || member > 0xdfff) members.add(spell(member, fold));
      }
    }
  }
  return members.size > 0 && members.size <= MOST_MEMBERS ? [...members] : null;
}

function best(lists: readonly Alternatives[], rank: Rank): Alternatives | null {
  let chosen: Alternatives | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const list of lists) {
    const found = rank(list);
    if (found < least) [chosen, least] = [list, found];
  }
  return chosen;
}
