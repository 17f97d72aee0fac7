// Which matches of a whole stream can come to anything. A stream that is judged sorted, at its end, has shown by then every predicate that held
// for some event of it. A sequence, sample or join one of whose stages held for none is never complete: what only such programs ask
// for is not read again, which is most of what a pack of hundreds of sequences finds.
//
// The same holds for a process tree that no query in the brackets of `descendant of [ ]` ever marked: all its flags stay 0.
//
// SOUND: a program reports nothing before each of its stages, but for those that must be absent, has an event; `until` and time only take away.
// A flag is set only where a process is marked, and what a rule asks of flags that are 0 is the same without a tree. Event rules with pipes
// or late tests always count.

import type { SequenceTables } from "@kestrel/stdlib/sequence-tables";

/** For each predicate 1 when somebody who may still report asks for it, of a stream that ends with what was `seen`, else 0. */
export function hopesOf({ programs, lineage }: SequenceTables, seen: Uint8Array): Uint8Array {
  const hopes = new Uint8Array(seen.length);
  const want = (predicate: number | null): void => {
    if (predicate !== null) hopes[predicate] = 1;
  };
  for (const { kind, stages, until } of programs) {
    if (kind !== "event" && stages.some(({ predicate, missing }) => !missing && seen[predicate] === 0)) continue;
    for (const { predicate } of stages) want(predicate);
    want(until?.predicate ?? null);
  }
  for (const { feed, starts, ends, processes, resets, queries } of lineage) {
    if (queries.every(({ predicate }) => seen[predicate] === 0)) continue;
    for (const predicate of [feed, starts, ends, processes, resets]) want(predicate);
    for (const { predicate } of queries) want(predicate);
  }
  return hopes;
}
