// Which matches of a whole stream can come to anything. A stream that is judged sorted, at its end, has shown by then every predicate that held
// for some event of it. A sequence, sample or join one of whose stages held for none is never complete: what only such programs ask
// for is not read again, which is most of what a pack of hundreds of sequences finds.
//
// The same holds for a process tree that no query in the brackets of `descendant of [ ]` ever marked: all its flags stay 0.
//
// A test that needs a flag (lane/concern.ts) comes to nothing where no query ever marked for it, unless its other predicate held.
//
// SOUND: a program reports nothing before each of its stages, but for those that must be absent, has an event; `until` and time only take away.
// A flag is set only where a process is marked, and what a rule asks of flags that are 0 is the same without a tree.

import { flagCount, type LateTest, type SequenceTables } from "@kestrel/stdlib/sequence-tables";
import { mayHold } from "./concern.js";

/** For each predicate 1 when somebody who may still report asks for it, of a stream that ends with what was `seen`, else 0. */
export function hopesOf({ programs, lineage }: SequenceTables, seen: Uint8Array): Uint8Array {
  const hopes = new Uint8Array(seen.length);
  const want = (predicate: number | null): void => {
    if (predicate !== null) hopes[predicate] = 1;
  };
  const flags = new Uint8Array(flagCount(lineage));
  for (const { queries } of lineage) for (const { flag, predicate } of queries) flags[flag] = seen[predicate] ?? 0;
  const comes = (predicate: number, late: LateTest | null): boolean =>
    seen[predicate] === 1 &&
    (late?.flagged === undefined || mayHold(late.flagged, flags, (other) => seen[other] === 1));
  for (const { stages, until } of programs) {
    const isOver = stages.some(({ predicate, late, missing }) => !missing && !comes(predicate, late));
    if (isOver) continue;
    for (const { predicate, late } of until === null ? stages : [...stages, until]) {
      want(predicate);
      want(late?.flagged?.otherwise ?? null);
    }
  }
  for (const { feed, starts, ends, processes, resets, queries } of lineage) {
    if (queries.every(({ predicate }) => seen[predicate] === 0)) continue;
    for (const predicate of [feed, starts, ends, processes, resets]) want(predicate);
    for (const { predicate, late } of queries) {
      want(predicate);
      want(late?.flagged?.otherwise ?? null);
    }
  }
  return hopes;
}
