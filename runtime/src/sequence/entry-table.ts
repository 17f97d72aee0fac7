// What is pending, as records of sixteen words in one block of memory: a line of the processor's cache each.
//
//   AGE ....  EXPIRES ....  FIRST ....  EVENTS  STAGE  KEY  IN_KEY (before, behind)  IN_PROGRAM (older, newer)  IN_SPAN (older, newer)
//
// A million partial matches as objects would be ten million objects and numbers, which the collector visits again and again, and
// which lie wherever there was room. An entry is known by its number, from 1; 0 is none. Free ones hang on one another.
//
// Entries hang in three lists, by their numbers: all of a key (a ring, by stage), of a program, and of a span.

/** A double: how many were made before. */
const AGE = 0;
/** Nanoseconds, 64 bits each. */
const EXPIRES = 1;
const FIRST = 2;
/** Words from here on. */
export const EVENTS = 6;
export const STAGE = 7;
export const KEY_PLACE = 8;
const BEFORE = 9;
const BEHIND = 10;
/** Where the two links of a chain stand. */
export const IN_PROGRAM = 11;
export const IN_SPAN = 13;

const WORDS_LOG = 4;
const FIRST_ENTRIES = 64;

export interface EntryTable {
  /** Three views of one memory. */
  words: Int32Array;
  doubles: Float64Array;
  longs: BigInt64Array;
  /** The first free entry, and the first that was never used. */
  free: number;
  next: number;
  /** No more are ever asked for. */
  readonly most: number;
}

/** Entries from the oldest to the newest. */
export interface Chain {
  oldest: number;
  newest: number;
  size: number;
}

export function createChain(): Chain {
  return { oldest: 0, newest: 0, size: 0 };
}

export function createEntryTable(most: number): EntryTable {
  const table: EntryTable = {
    words: new Int32Array(0),
    doubles: new Float64Array(0),
    longs: new BigInt64Array(0),
    free: 0,
    next: 1,
    most,
  };
  resize(table, Math.min(FIRST_ENTRIES, most));
  return table;
}

/** The place of a word of an entry. */
export function wordOf(entry: number, word: number): number {
  return (entry << WORDS_LOG) + word;
}

/** A new entry, in no list. */
export function takeEntry(table: EntryTable): number {
  let entry = table.free;
  if (entry !== 0) {
    table.free = table.words[wordOf(entry, BEHIND)] ?? 0;
  } else {
    entry = table.next++;
    const size = table.words.length >> WORDS_LOG;
    if (entry >= size) resize(table, entry < table.most ? Math.min(2 * size, table.most) : 2 * size);
  }
  return entry;
}

export function freeEntry(table: EntryTable, entry: number): void {
  table.words[wordOf(entry, BEHIND)] = table.free;
  table.free = entry;
}

export function ageOf({ doubles }: EntryTable, entry: number): number {
  return doubles[(entry << (WORDS_LOG - 1)) + AGE] ?? 0;
}

export function setAge({ doubles }: EntryTable, entry: number, age: number): void {
  doubles[(entry << (WORDS_LOG - 1)) + AGE] = age;
}

/** When the clock has passed this, an entry is removed: when it is due, or with the one before it in its span's chain. */
export function expiresOf({ longs }: EntryTable, entry: number): bigint {
  return longs[(entry << (WORDS_LOG - 1)) + EXPIRES] ?? 0n;
}

export function setExpires({ longs }: EntryTable, entry: number, time: bigint): void {
  longs[(entry << (WORDS_LOG - 1)) + EXPIRES] = time;
}

/** Makes an entry expire no earlier than another. In words: a BigInt for each would be garbage. */
export function keepAsLong({ words }: EntryTable, entry: number, other: number): void {
  const own = wordOf(entry, 2 * EXPIRES);
  const others = wordOf(other, 2 * EXPIRES);
  const more = (words[others + 1] ?? 0) - (words[own + 1] ?? 0);
  if (more < 0 || (more === 0 && (words[others] ?? 0) >>> 0 <= (words[own] ?? 0) >>> 0)) return;
  words[own] = words[others] ?? 0;
  words[own + 1] = words[others + 1] ?? 0;
}

/** The time of the first event of a partial match. */
export function firstOf({ longs }: EntryTable, entry: number): bigint {
  return longs[(entry << (WORDS_LOG - 1)) + FIRST] ?? 0n;
}

export function setFirst({ longs }: EntryTable, entry: number, time: bigint): void {
  longs[(entry << (WORDS_LOG - 1)) + FIRST] = time;
}

/** Nanoseconds from the first event of a partial match to `high`, `low`, rounded when they are 2^53 or more; the sign is right always. */
export function sinceFirst({ words }: EntryTable, entry: number, high: number, low: number): number {
  const at = wordOf(entry, 2 * FIRST);
  return (high - (words[at + 1] ?? 0)) * 4294967296 + (low - ((words[at] ?? 0) >>> 0));
}

/** Adds an entry as the newest of a chain. */
export function append({ words }: EntryTable, chain: Chain, entry: number, link: number): void {
  const { newest } = chain;
  words[wordOf(entry, link)] = newest;
  words[wordOf(entry, link) + 1] = 0;
  if (newest === 0) chain.oldest = entry;
  else words[wordOf(newest, link) + 1] = entry;
  chain.newest = entry;
  chain.size++;
}

export function unlink({ words }: EntryTable, chain: Chain, entry: number, link: number): void {
  const older = words[wordOf(entry, link)] ?? 0;
  const newer = words[wordOf(entry, link) + 1] ?? 0;
  if (older === 0) chain.oldest = newer;
  else words[wordOf(older, link) + 1] = newer;
  if (newer === 0) chain.newest = older;
  else words[wordOf(newer, link)] = older;
  chain.size--;
}

/** The neighbours of an entry in the ring of its key. */
export function beforeOf({ words }: EntryTable, entry: number): number {
  return words[wordOf(entry, BEFORE)] ?? 0;
}

export function behindOf({ words }: EntryTable, entry: number): number {
  return words[wordOf(entry, BEHIND)] ?? 0;
}

/** Puts an entry into a ring, before `other`; alone when that is 0. */
export function insertBefore({ words }: EntryTable, entry: number, other: number): void {
  if (other === 0) {
    words[wordOf(entry, BEFORE)] = entry;
    words[wordOf(entry, BEHIND)] = entry;
    return;
  }
  const before = words[wordOf(other, BEFORE)] ?? 0;
  words[wordOf(entry, BEFORE)] = before;
  words[wordOf(entry, BEHIND)] = other;
  words[wordOf(before, BEHIND)] = entry;
  words[wordOf(other, BEFORE)] = entry;
}

/** Takes an entry out of its ring; gives the one behind it, 0 when it was alone. */
export function leaveRing({ words }: EntryTable, entry: number): number {
  const before = words[wordOf(entry, BEFORE)] ?? 0;
  const behind = words[wordOf(entry, BEHIND)] ?? 0;
  if (behind === entry) return 0;
  words[wordOf(before, BEHIND)] = behind;
  words[wordOf(behind, BEFORE)] = before;
  return behind;
}

function resize(table: EntryTable, entries: number): void {
  const words = new Int32Array((entries + 1) << WORDS_LOG);
  words.set(table.words);
  table.words = words;
  table.doubles = new Float64Array(words.buffer);
  table.longs = new BigInt64Array(words.buffer);
}
