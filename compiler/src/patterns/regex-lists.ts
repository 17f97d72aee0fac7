// The regular expressions of one list -> the automata that decide them: one for those that heed case, one for the others.
// Lowering builds exactly these, so whoever wants to know whether they fit asks for them here.

import { parseRegex, type RegexNode } from "./regex-parse.js";

export interface RegexList {
  readonly nodes: readonly RegexNode[];
  /** The automaton reads folded text. */
  readonly fold: boolean;
  /** The text has to be folded for it, because the list as a whole reads text as it is. */
  readonly foldText: boolean;
}

/** The lists that make one automaton each. With `fold`, the text comes folded. Throws when an expression cannot be read. */
export function regexLists(regexes: readonly string[], fold: boolean): RegexList[] {
  const plain: RegexNode[] = [];
  const insensitive: RegexNode[] = [];
  for (const pattern of regexes) {
    const parsed = parseRegex(pattern);
    if (!parsed.ok) throw new Error("a regular expression passed the binder unchecked");
    (parsed.regex.insensitive && !fold ? insensitive : plain).push(parsed.regex.node);
  }
  const lists: RegexList[] = [
    { nodes: plain, fold, foldText: false },
    { nodes: insensitive, fold: true, foldText: true },
  ];
  return lists.filter(({ nodes }) => nodes.length > 0);
}
