// The literals of one reading -> the filter and the table by which stdlib/prelude/literals.ts finds them in a value. Layouts:
// LITERALS_*, GRAM_* and LITERAL_* in stdlib/src/abi.ts.
//
// INVARIANT: what a place of a value can cost is bounded here, whatever the rules are:
//   MOST_SHARING   literals of one gram; those whose grams are all full are looked for by a gram alone, and are then one literal more, of no bytes
//   LONGEST        bytes of a literal that are compared, around its gram
//   LONGEST_RUN    entries that stand behind one another in the table, and so are passed in vain
// SOUND: a value that contains a text contains each part of it, so a part may stand for the whole.

import {
  GRAM_BYTES,
  GRAM_ENTRY_BYTES,
  GRAM_ENTRY_GRAM,
  GRAM_ENTRY_LITERALS,
  GRAM_LITERALS_BYTES,
  GRAM_LITERALS_COUNT,
  LITERAL_ADDRESS,
  LITERAL_BEFORE,
  LITERAL_BYTES,
  LITERAL_LENGTH,
  LITERAL_POSTINGS,
  LITERAL_STAMP,
} from "@kestrel/stdlib/abi";
import { CASE_BIT } from "@kestrel/stdlib/text/characters";
import type { Posting, PredicateId, TextPostings } from "../../ir/pack-ir.js";
import { shareOfGram } from "../../passes/expected-shares.js";
import type { Profile } from "../../profile/profile.js";
import type { DataSection } from "./data-section.js";
import { gramBuckets } from "./gram-buckets.js";
import { addPostings } from "./index-tables.js";

const MOST_SHARING = 4;
const LONGEST = 32;
const LONGEST_RUN = 8;

/** Bits of the filter for each gram: one in so many is set, so a place of a value with no gram is looked up in vain one time in so many. */
const FILTER_BITS = 32;
const LEAST_FILTER_BITS = 10;
/** 32 KiB, what a first cache holds. */
const MOST_FILTER_BITS = 18;
/** What grams of folded readings have set, so that they are found in any case. */
const CASE_BITS = 0x01010101 * CASE_BIT;
const ENTRIES_A_GRAM = 2;
const MOST_ENTRIES_A_GRAM = 16;

/** Odd numbers to hash with: the one that keeps the runs of the table short is taken. */
const FACTORS = [0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f, 0x165667b1, 0xd3a2646d, 0xfd7046c5, 0xb55a4f09];

export interface LiteralTables {
  /** Where there are buckets there is no filter, and 0 in its place. */
  readonly buckets: number;
  readonly filter: number;
  readonly filterShift: number;
  readonly table: number;
  readonly tableShift: number;
  readonly mask: number;
  readonly factor: number;
}

/** What is looked for: `bytes`, with the gram `before` bytes behind its start. */
interface Needle {
  readonly bytes: Uint8Array;
  readonly before: number;
  readonly postings: readonly Posting[];
}

/** Writes the tables; the stamps of the literals stand from `stamps` on, a word for each text of the posting. */
export function addLiteralTables(
  { byText, fold }: Pick<TextPostings, "byText" | "fold">,
  profile: Profile | null,
  stamps: number,
  data: DataSection,
): LiteralTables {
  const byGram = chooseGrams(byText, fold ? CASE_BITS : 0, profile);
  const grams = [...byGram.keys()].sort((a, b) => a - b);
  let stamp = stamps;
  const literals = grams.map((gram) => {
    const needles = byGram.get(gram) ?? [];
    const bytes = new Uint8Array(GRAM_LITERALS_BYTES + needles.length * LITERAL_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint32(GRAM_LITERALS_COUNT, needles.length, true);
    for (const [number, needle] of needles.entries()) {
      const at = GRAM_LITERALS_BYTES + number * LITERAL_BYTES;
      const postings = addPostings(needle.postings, data);
      view.setUint32(at + LITERAL_ADDRESS, data.add(needle.bytes), true);
      view.setUint32(at + LITERAL_LENGTH, needle.bytes.length, true);
      view.setUint32(at + LITERAL_BEFORE, needle.before, true);
      view.setUint32(at + LITERAL_POSTINGS, postings, true);
      view.setUint32(at + LITERAL_STAMP, stamp, true);
      stamp += 4;
    }
    return data.add(bytes);
  });
  const { entries, factor, bits } = chooseTable(grams);
  const table = new DataView(new ArrayBuffer(entries.length * GRAM_ENTRY_BYTES));
  for (const [at, number] of entries.entries()) {
    if (number < 0) continue;
    table.setUint32(at * GRAM_ENTRY_BYTES + GRAM_ENTRY_GRAM, grams[number] ?? 0, true);
    table.setUint32(at * GRAM_ENTRY_BYTES + GRAM_ENTRY_LITERALS, literals[number] ?? 0, true);
  }
  const common = {
    table: data.add(new Uint8Array(table.buffer)),
    tableShift: 32 - bits,
    mask: entries.length - 1,
    factor,
  };
  const buckets = gramBuckets(grams);
  if (buckets !== null) return { ...common, buckets: data.add(buckets), filter: 0, filterShift: 0 };
  const wanted = Math.ceil(Math.log2(Math.max(1, grams.length * FILTER_BITS)));
  const filterBits = Math.min(MOST_FILTER_BITS, Math.max(LEAST_FILTER_BITS, wanted));
  const filter = new Uint8Array(2 ** filterBits / 8);
  for (const gram of grams) {
    const bit = hashOf(gram, factor) >>> (32 - filterBits);
    filter[bit >> 3] = (filter[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return { ...common, buckets: 0, filter: data.add(filter), filterShift: 32 - filterBits };
}

/** For each text its rarest gram that is not full; texts with fewest grams choose first. */
function chooseGrams(
  texts: ReadonlyMap<string, readonly Posting[]>,
  caseBits: number,
  profile: Profile | null,
): ReadonlyMap<number, readonly Needle[]> {
  const utf8 = new TextEncoder();
  const whole = [...texts].map(([text, postings]) => ({ text, bytes: utf8.encode(text), postings }));
  whole.sort((a, b) => a.bytes.length - b.bytes.length || (a.text < b.text ? -1 : 1));
  const byGram = new Map<number, Needle[]>();
  const gramOf = (bytes: Uint8Array, place: number): number => (gramAt(bytes, place) | caseBits) >>> 0;
  for (const { bytes, postings } of whole) {
    const places = rareFirst(bytes, profile);
    const [rarest] = places;
    if (rarest === undefined) throw new Error("a literal is shorter than a gram");
    const free = places.find((place) => (byGram.get(gramOf(bytes, place)) ?? []).length < MOST_SHARING);
    const place = free ?? rarest;
    const start = free === undefined ? place : Math.max(0, Math.min(place - (LONGEST >> 1), bytes.length - LONGEST));
    const end = free === undefined ? place : Math.min(bytes.length, start + LONGEST);
    const part = bytes.slice(start, end);
    const sharing = byGram.get(gramOf(bytes, place)) ?? [];
    byGram.set(gramOf(bytes, place), sharing);
    const same = sharing.findIndex((needle) => needle.before === place - start && equal(needle.bytes, part));
    const all = joinPostings(sharing[same]?.postings ?? [], postings);
    sharing[same < 0 ? sharing.length : same] = { bytes: part, before: place - start, postings: all };
  }
  return byGram;
}

/** The postings of two lists in the order of their predicates. What one needs of a predicate in both lists is not known, but for what it needs in either. */
function joinPostings(some: readonly Posting[], others: readonly Posting[]): readonly Posting[] {
  const joined = new Map<PredicateId, Posting>();
  for (const posting of [...some, ...others]) {
    const known = joined.get(posting.predicate);
    joined.set(posting.predicate, known === undefined ? posting : { ...known, guards: known.guards & posting.guards });
  }
  return [...joined.values()].sort((a, b) => a.predicate - b.predicate);
}

/** Where grams begin, those that fewest values have first. */
function rareFirst(bytes: Uint8Array, profile: Profile | null): readonly number[] {
  const places = Array.from({ length: Math.max(0, bytes.length - GRAM_BYTES + 1) }, (_, place) => {
    const gram = String.fromCharCode(...bytes.subarray(place, place + GRAM_BYTES));
    return { place, share: shareOfGram(gram, profile) };
  });
  return places.sort((a, b) => a.share - b.share || a.place - b.place).map(({ place }) => place);
}

function gramAt(bytes: Uint8Array, place: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(place, true);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function hashOf(gram: number, factor: number): number {
  return Math.imul(gram, factor) >>> 0;
}

/** The numbers of grams by entry, -1 where one is free, in the first table whose runs are short, or the one with the shortest. */
function chooseTable(grams: readonly number[]): {
  readonly entries: Int32Array;
  readonly factor: number;
  readonly bits: number;
} {
  let chosen = { entries: new Int32Array(0), factor: 0, bits: 0, longest: Number.POSITIVE_INFINITY };
  for (let room = ENTRIES_A_GRAM; room <= MOST_ENTRIES_A_GRAM; room *= 2) {
    const bits = Math.max(2, Math.ceil(Math.log2(grams.length * room + 1)));
    for (const factor of FACTORS) {
      const { entries, longest } = fillTable(grams, factor, bits);
      if (longest < chosen.longest) chosen = { entries, factor, bits, longest };
      if (longest <= LONGEST_RUN) return chosen;
    }
  }
  return chosen;
}

function fillTable(
  grams: readonly number[],
  factor: number,
  bits: number,
): { readonly entries: Int32Array<ArrayBuffer>; readonly longest: number } {
  const size = 2 ** bits;
  const entries = new Int32Array(size).fill(-1);
  for (const [number, gram] of grams.entries()) {
    let at = hashOf(gram, factor) >>> (32 - bits);
    while ((entries[at] ?? -1) >= 0) at = (at + 1) & (size - 1);
    entries[at] = number;
  }
  let longest = 0;
  // A run may go round the end.
  for (let at = 0, run = 0; at < size * 2 && run < size; at++) {
    run = (entries[at & (size - 1)] ?? -1) >= 0 ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return { entries, longest };
}
