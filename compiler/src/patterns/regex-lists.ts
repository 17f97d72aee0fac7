// The regular expressions of one list -> the automata that decide them: one for those that heed case, one for the others.
// Lowering builds exactly these, so whoever wants to know whether they fit asks for them here.

import type { RegexPattern } from "./patterns.js";
import type { RegexNode } from "./regex-parse.js";

export interface RegexList {
  readonly nodes: readonly RegexNode[];
  /** The automaton reads folded text. */
  readonly fold: boolean;
  /** The text has to be folded for it, because the list as a whole reads text as it is. */
  readonly foldText: boolean;
}

/** The lists that make one automaton each. With `fold`, the text comes folded. */
export function regexLists(regexes: readonly RegexPattern[], fold: boolean): RegexList[] {
  const isApart = ({ insensitive }: RegexPattern): boolean => insensitive && !fold;
  const treesOf = (apart: boolean): readonly RegexNode[] =>
    regexes.filter((regex) => isApart(regex) === apart).map(({ tree }) => tree);
  const lists: RegexList[] = [
    { nodes: treesOf(false), fold, foldText: false },
    { nodes: treesOf(true), fold: true, foldText: true },
  ];
  return lists.filter(({ nodes }) => nodes.length > 0);
}
