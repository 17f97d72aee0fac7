// What waits when a stream ends that is sorted as a whole -> what of it has to be sorted and judged.
//
// An event is wanted for one of three reasons: a program may take it, because each of its stages held for some event with the key (key-hopes.ts); its process
// has a flag that makes something of it; or the process tree would be another without it (lineage/reach.ts).
//
// Events share what they match (evaluate/match-lists.ts), so all that does not depend on the time is decided once for each list of matches.
//
// Bounded: it takes no more memory than it is given. Where that is short all is wanted.

import type { SequenceTables } from "@kestrel/stdlib/sequence-tables";
import type { HeldRecords } from "../evaluate/held-records.js";
import type { RecordReader } from "../evaluate/records.js";
import type { Reach } from "../lineage/reach.js";
import type { Hopes } from "./hopes.js";
import { createKeyHopes } from "./key-hopes.js";

export interface Sifting {
  readonly tables: SequenceTables;
  readonly hopes: Hopes;
  /** It reads only what `hopes` leaves. */
  readonly reader: RecordReader;
  readonly held: HeldRecords;
  /** null for a package that asks for no lineage. */
  readonly reach: Reach | null;
  /** About how many bytes may be taken. */
  readonly room: number;
}

/** What is the same for all records with one list of matches. */
interface Shared {
  /** One of them. */
  readonly slot: number;
  /** The key of their process; null where no tree that is asked for is told of them. */
  readonly process: string | null;
  /** They may be the end of that process. */
  readonly mayEnd: boolean;
  isWanted: boolean | null;
}

/** What sifting takes for a list of matches, with what is left to be collected: 930 bytes where 90,000 processes have one each. */
const LIST_BYTES = 1024;
/** And for a key of a program: 580 besides, where each has one. */
const KEY_BYTES = 640;

const NO_MARKS: readonly number[] = [];

/** The slots that have to be judged, of plain records and of others (FoundRecord). All that was matched in the stream must be among them. */
export function sift(plain: readonly number[], others: readonly number[], sifting: Sifting): number[] {
  const { tables, hopes, reader, held, room } = sifting;
  const left = room - held.lists * LIST_BYTES;
  if (left < 0) return [...plain, ...others];
  const reach = hopes.areFlagsAsked ? sifting.reach : null;
  const keyHopes = createKeyHopes(tables.programs, left / KEY_BYTES);
  /** By list of matches. */
  const lists: (Shared | undefined)[] = [];

  /** Notes what the first of them shares with others. */
  function open(slot: number): Shared {
    const record = held.at(slot);
    const process = reach === null ? null : reader.processOf(record);
    const shared = { slot, process, mayEnd: process !== null && reader.mayEnd(record), isWanted: null };
    lists[held.matchesOf(slot)] = shared;
    keyHopes.note(reader.stagesOf(record));
    return shared;
  }

  for (const slot of others) {
    let shared = lists[held.matchesOf(slot)];
    if (shared === undefined) {
      shared = open(slot);
      if (shared.process !== null) reach?.note(shared.process, reader.marksOf(held.at(slot)), null);
    }
    if (shared.mayEnd && shared.process !== null) reach?.note(shared.process, NO_MARKS, held.time(slot));
  }
  if (reach !== null) {
    for (const slot of plain) {
      const list = held.matchesOf(slot);
      if (lists[list] !== undefined) continue;
      const { process } = open(slot);
      if (process !== null) reach.notePlain(process, list);
    }
  }
  const reached = reach?.reachedBy(hopes.isAsked) ?? null;

  function isWanted({ slot, process }: Shared): boolean {
    const record = held.at(slot);
    if (keyHopes.isHopeful(reader.stagesOf(record))) return true;
    return reached !== null && ((process !== null && reached.has(process)) || reader.changesAll(record));
  }

  const wanted =
    reached?.plainOf({
      slots: plain,
      kindOf: held.matchesOf,
      asksFor: (list, flags) => reader.asksFor(held.at(lists[list]?.slot ?? 0), flags),
      compare: held.compare,
      time: held.time,
    }) ?? [];
  for (const slot of others) {
    const shared = lists[held.matchesOf(slot)];
    if (shared === undefined) continue;
    shared.isWanted ??= isWanted(shared);
    if (shared.isWanted) wanted.push(slot);
  }
  return wanted;
}
