// The witness index -> its tables: posting lists, and for each symbol group what its symbols say. Layouts: FACTS_*, POSTINGS_* and
// POSTING_* in stdlib/src/abi.ts.

import {
  FACTS_BYTES,
  FACTS_GUARDS,
  FACTS_POSTINGS,
  POSTING_BYTES,
  POSTING_GUARDS,
  POSTING_PREDICATE,
  POSTINGS_BYTES,
  POSTINGS_COUNT,
} from "@kestrel/stdlib/abi";
import type { Posting, WitnessIndex } from "../../ir/pack-ir.js";
import type { DataSection } from "./data-section.js";
import { groupKey } from "./state.js";

/** The address of a list of postings; equal lists are stored once. */
export function addPostings(postings: readonly Posting[], data: DataSection): number {
  const bytes = new Uint8Array(POSTINGS_BYTES + postings.length * POSTING_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(POSTINGS_COUNT, postings.length, true);
  for (const [number, { predicate, guards }] of postings.entries()) {
    const at = POSTINGS_BYTES + number * POSTING_BYTES;
    view.setBigUint64(at + POSTING_GUARDS, guards, true);
    view.setUint32(at + POSTING_PREDICATE, predicate, true);
  }
  return data.add(bytes);
}

/** The address of what the symbols of a group say; 0 where the index asks nothing of the group. */
export function addFacts(
  group: string,
  symbols: ReadonlyMap<string, number>,
  index: WitnessIndex,
  data: DataSection,
): number {
  if (!groupsAsked(index).has(group)) return 0;
  const bytes = new Uint8Array((symbols.size + 1) * FACTS_BYTES);
  const view = new DataView(bytes.buffer);
  const factOf = (text: string): number => {
    const symbol = symbols.get(text);
    if (symbol === undefined) throw new Error(`no symbol for ${JSON.stringify(text)}`);
    return symbol * FACTS_BYTES;
  };
  for (const [bit, guard] of index.guards.entries()) {
    if (guard.kind !== "set" || groupKey(guard.reading, guard.fold) !== group) continue;
    for (const text of guard.texts) {
      const at = factOf(text) + FACTS_GUARDS;
      view.setBigUint64(at, view.getBigUint64(at, true) | (1n << BigInt(bit)), true);
    }
  }
  for (const { reading, fold, byText } of index.sets) {
    if (groupKey(reading, fold) !== group) continue;
    for (const [text, postings] of byText)
      view.setUint32(factOf(text) + FACTS_POSTINGS, addPostings(postings, data), true);
  }
  return data.add(bytes);
}

/** Why the symbols of a group are asked for. */
export interface GroupAsked {
  readonly tellsGuards: boolean;
  /** Guards of which an event must have one; none for a group that tells guards, and where the symbols are always asked for. */
  readonly anyOf: bigint;
}

/** The symbol groups whose symbols an event's candidates depend on. */
export function groupsAsked({ guards, sets }: WitnessIndex): ReadonlyMap<string, GroupAsked> {
  const asked = new Map(
    sets.map(({ reading, fold, anyOf }): [string, GroupAsked] => [
      groupKey(reading, fold),
      { tellsGuards: false, anyOf },
    ]),
  );
  for (const guard of guards)
    if (guard.kind === "set") asked.set(groupKey(guard.reading, guard.fold), { tellsGuards: true, anyOf: 0n });
  return asked;
}
