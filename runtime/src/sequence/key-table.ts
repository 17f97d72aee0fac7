// The keys that something is pending for, by program and bytes -> where each one's record stands.
//
// A record is five words and the key's bytes, in UTF-8, filled up with zeros to a whole word:
//
//   PROGRAM  HASH  BYTES  HEAD  LATEST  key ...
//
// HEAD is the first entry of the key, and LATEST the place of the event that stands last of those judged while the key was
// there; both are the engine's. Records stand one behind the other; a key that goes leaves a hole (its HEAD is GONE), and when half of all
// is holes, the others are moved together.
//
// INVARIANT: a place is good until the next `addKey`, which may move all records; `onMove` is told.
// SOUND: a place is found by comparing program and bytes. A hole is paid for by the key that left it: moving costs as many words as have become holes since the last time.

import { randomFillSync } from "node:crypto";
import {
  behind,
  clearIndex,
  createHashIndex,
  enterPlace,
  firstSlot,
  type HashIndex,
  leavePlace,
} from "../event/hash-index.js";
import { createHashFactors, type HashFactors, hashBytes } from "../event/key-hash.js";

export const PROGRAM = 0;
const HASH = 1;
const BYTES = 2;
export const HEAD = 3;
export const LATEST = 4;
const KEY = 5;

const GONE = -1;
const FIRST_WORDS = 256;

export interface KeyTable {
  readonly index: HashIndex;
  words: Int32Array;
  /** The same memory as `words`. */
  bytes: Buffer;
  /** Words that are taken, holes included, and those that are holes. */
  used: number;
  holes: number;
  readonly factors: HashFactors;
  /** What is added to the hash of a key for each program. */
  readonly programFactors: Int32Array;
  /** Is told that a record with this HEAD stands at `at` now. */
  readonly onMove: (head: number, at: number) => void;
  /** The key that is looked for, its bytes as whole words, and its hash. */
  wanted: string | null;
  wantedWords: Int32Array;
  wantedBytes: Buffer;
  wantedLength: number;
  wantedHash: number;
}

/** A table for so many programs, each of which has a first factor of its own; see createHashFactors for `fill`. */
export function createKeyTable(
  programs: number,
  onMove: (head: number, at: number) => void,
  fill: (factors: Int32Array) => void = randomFillSync,
): KeyTable {
  const factors = createHashFactors(fill);
  const programFactors = new Int32Array(programs);
  fill(programFactors);
  const words = new Int32Array(FIRST_WORDS);
  const wantedWords = new Int32Array(64);
  return {
    index: createHashIndex(),
    words,
    bytes: Buffer.from(words.buffer),
    // No record stands at 0, which means none.
    used: 1,
    holes: 0,
    factors,
    programFactors,
    onMove,
    wanted: null,
    wantedWords,
    wantedBytes: Buffer.from(wantedWords.buffer),
    wantedLength: 0,
    wantedHash: 0,
  };
}

/** Says which key `findKey` and `addKey` are about. */
export function want(table: KeyTable, key: string): void {
  if (table.wanted === key) return;
  const { length } = key;
  if (table.wantedBytes.length < 3 * length + 4) growWanted(table, length);
  const bytes = table.wantedBytes;
  let end = 0;
  for (; end < length; end++) {
    const code = key.charCodeAt(end);
    if (code > 0x7f) break;
    bytes[end] = code;
  }
  if (end < length) end = bytes.write(key, "utf8");
  for (let at = end; (at & 3) !== 0; at++) bytes[at] = 0;
  table.wanted = key;
  table.wantedLength = end;
  table.wantedHash = hashBytes(table.factors, bytes, 0, end);
}

function growWanted(table: KeyTable, length: number): void {
  table.wantedWords = new Int32Array(length + 1);
  table.wantedBytes = Buffer.from(table.wantedWords.buffer);
}

/** Where the wanted key of a program stands; 0 when it is not there. */
export function findKey(table: KeyTable, program: number): number {
  const { index, words, wantedWords, wantedLength } = table;
  const { slots } = index;
  const hash = (table.wantedHash + (table.programFactors[program] ?? 0)) | 0;
  const count = (wantedLength + 3) >> 2;
  for (let slot = firstSlot(index, hash); ; slot = behind(index, slot)) {
    const place = slots[slot + 1] ?? 0;
    if (place === 0) return 0;
    if (slots[slot] !== hash || words[place + PROGRAM] !== program || words[place + BYTES] !== wantedLength) continue;
    let at = 0;
    while (at < count && words[place + KEY + at] === wantedWords[at]) at++;
    if (at === count) return place;
  }
}

/** Adds the wanted key of a program, which is not there; gives its place. HEAD and LATEST are 0. */
export function addKey(table: KeyTable, program: number): number {
  const { wantedLength, wantedWords } = table;
  const count = (wantedLength + 3) >> 2;
  if (table.used + KEY + count > table.words.length) makeRoom(table, KEY + count);
  const { words } = table;
  const place = table.used;
  const hash = (table.wantedHash + (table.programFactors[program] ?? 0)) | 0;
  words[place + PROGRAM] = program;
  words[place + HASH] = hash;
  words[place + BYTES] = wantedLength;
  words[place + HEAD] = 0;
  words[place + LATEST] = 0;
  for (let at = 0; at < count; at++) words[place + KEY + at] = wantedWords[at] ?? 0;
  table.used += KEY + count;
  enterPlace(table.index, hash, place);
  return place;
}

/** Takes away the key that stands at `place`. */
export function removeKey(table: KeyTable, place: number): void {
  const { words } = table;
  leavePlace(table.index, words[place + HASH] ?? 0, place);
  words[place + HEAD] = GONE;
  table.holes += KEY + (((words[place + BYTES] ?? 0) + 3) >> 2);
}

/** The key that stands at `place`. */
export function keyText({ words, bytes }: KeyTable, place: number): string {
  const start = 4 * (place + KEY);
  return bytes.toString("utf8", start, start + (words[place + BYTES] ?? 0));
}

function lengthAt(words: Int32Array, place: number): number {
  return KEY + (((words[place + BYTES] ?? 0) + 3) >> 2);
}

/** Makes room for so many words behind what is used: moves the records together, or takes more memory. */
function makeRoom(table: KeyTable, more: number): void {
  if (table.holes * 2 >= table.used) closeHoles(table);
  if (table.used + more <= table.words.length) return;
  const words = new Int32Array(Math.max(2 * table.words.length, table.used + more));
  words.set(table.words.subarray(0, table.used));
  table.words = words;
  table.bytes = Buffer.from(words.buffer);
}

function closeHoles(table: KeyTable): void {
  const { words } = table;
  let to = 1;
  for (let place = 1; place < table.used; ) {
    const length = lengthAt(words, place);
    const head = words[place + HEAD] ?? GONE;
    if (head !== GONE) {
      words.copyWithin(to, place, place + length);
      if (head !== 0) table.onMove(head, to);
      to += length;
    }
    place += length;
  }
  table.used = to;
  table.holes = 0;
  clearIndex(table.index);
  for (let place = 1; place < to; place += lengthAt(words, place))
    enterPlace(table.index, words[place + HASH] ?? 0, place);
}
