// Lists of regular expressions -> the bytes of the automaton that accepts what any of them accepts, as a module holds them.

import { compileRegex, encodeDfa, encodeNfa, type RegexTooLarge } from "./regex-compile.js";
import type { RegexNode } from "./regex-parse.js";

export interface Automaton {
  readonly kind: "dfa" | "nfa";
  readonly bytes: Uint8Array;
}

/** Depends on nothing but what it is given, so that what it made may be kept: see cache/automaton-cache.ts. */
export type MakeAutomaton = (nodes: readonly RegexNode[], fold: boolean) => Automaton | RegexTooLarge;

export const makeAutomaton: MakeAutomaton = (nodes, fold) => {
  const program = compileRegex(nodes, fold);
  switch (program.kind) {
    case "dfa":
      return { kind: "dfa", bytes: encodeDfa(program) };
    case "nfa":
      return { kind: "nfa", bytes: encodeNfa(program) };
    case "too-large":
      return program;
  }
};
