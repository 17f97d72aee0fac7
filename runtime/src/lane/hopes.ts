// Which matches of a whole stream can come to anything. A stream that is judged sorted, at its end, has shown by then every predicate that held
// for some event of it. A sequence, sample or join one of whose stages held for none is never complete: what only such programs ask
// for is not read again, which is most of what a pack of hundreds of sequences finds.
//
// The same holds for process trees: a flag that nobody asks for of an event that came, or whose query never held, need not be kept, and a
// tree without others need not be told of anything. A test that needs a flag (lane/concern.ts) comes to nothing where no query can have marked
// for it, unless its other predicate held.
//
// SOUND: a program reports nothing before each of its stages, but for those that must be absent, has an event; `until` and time only take away.
// A flag is set only where a process is marked, and what a rule asks of flags that are 0 is the same without a tree.

import { flagCount, type LateTest, type SequenceTables, testOf } from "@kestrel/stdlib/sequence-tables";
import { mayHold } from "./concern.js";

/** Of a stream that ends with what was seen. */
export interface Hopes {
  /** For each predicate 1 when somebody who may still report asks for it, else 0. */
  readonly predicates: Uint8Array;
  /** Whether somebody who may still report asks for a lineage flag, and it may be set; and whether that is so of any. */
  isAsked(flag: number): boolean;
  readonly areFlagsAsked: boolean;
}

/** `seen` says for each predicate that a program or a tree asks for whether it held for some event. */
export function hopesOf({ programs, lineage }: SequenceTables, seen: Uint8Array): Hopes {
  const hopes = new Uint8Array(seen.length);
  const want = (predicate: number | null): void => {
    if (predicate !== null) hopes[predicate] = 1;
  };
  const queries = lineage.flatMap((tree) => tree.queries).sort((a, b) => a.flag - b.flag);
  const flags = new Uint8Array(flagCount(lineage));
  const comes = (predicate: number, late: LateTest | null): boolean =>
    seen[predicate] === 1 &&
    (late?.flagged === undefined || mayHold(late.flagged, flags, (other) => seen[other] === 1));
  // The test of a query asks for smaller flags only.
  for (const { flag, predicate, late } of queries) flags[flag] = comes(predicate, late) ? 1 : 0;

  const asked = new Uint8Array(flags.length);
  const ask = (late: LateTest | null): void => {
    if (late === null) return;
    if (late.flagged === undefined) asked.fill(1);
    else for (const flag of late.flagged.flags) asked[flag] = 1;
    want(late.flagged?.otherwise ?? null);
  };
  for (const { stages, until, pipes } of programs) {
    const isOver = stages.some(({ predicate, late, missing }) => !missing && !comes(predicate, late));
    if (isOver) continue;
    for (const { predicate, late } of until === null ? stages : [...stages, until]) {
      want(predicate);
      if (comes(predicate, late)) ask(late);
    }
    for (const pipe of pipes) ask(testOf(pipe));
  }
  const isAsked = (flag: number): boolean => asked[flag] === 1 && flags[flag] === 1;
  for (const { flag, predicate, late } of queries.reverse()) {
    if (!isAsked(flag)) continue;
    want(predicate);
    ask(late);
  }
  for (const tree of lineage) {
    if (!tree.queries.some(({ flag }) => isAsked(flag))) continue;
    for (const predicate of [tree.feed, tree.starts, tree.ends, tree.processes, tree.resets]) want(predicate);
  }
  return { predicates: hopes, isAsked, areFlagsAsked: queries.some(({ flag }) => isAsked(flag)) };
}
