// The automata of regular expressions, kept in a store: a pack has few, and some take longer to make than a hundred rules take to plan.
//
//   content   1 for a DFA, 0 for an NFA (1 byte), the automaton as a module holds it
//
// SOUND: the name of an entry is the digest of the compiler and of all that `makeAutomaton` reads, the trees and whether they fold.

import { createHash } from "node:crypto";
import { type MakeAutomaton, makeAutomaton } from "../patterns/regex-automata.js";
import { compilerDigest } from "./compiler-digest.js";
import type { Store } from "./store.js";

const [NFA, DFA] = [0, 1];

/** As {@link makeAutomaton} of `compiler`, by its digest; what the store has is not made again. */
export function createAutomatonCache(
  store: Store,
  compiler: string = compilerDigest(),
  make: MakeAutomaton = makeAutomaton,
): MakeAutomaton {
  return (nodes, fold) => {
    const name = createHash("sha256")
      .update(JSON.stringify(["automaton", compiler, fold, nodes]))
      .digest("hex");
    const content = store.get(name);
    if (content !== null) return { kind: content[0] === DFA ? "dfa" : "nfa", bytes: content.subarray(1) };
    const made = make(nodes, fold);
    if (made.kind !== "too-large") {
      store.put(name, Buffer.concat([Uint8Array.of(made.kind === "dfa" ? DFA : NFA), made.bytes]));
    }
    return made;
  };
}
