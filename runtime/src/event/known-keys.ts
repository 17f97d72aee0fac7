// The bytes of join keys -> what was made of them before: events of one process or host bring the same keys again and again.
//
// Each key has one place, by a hash of its words, where the last one of that place stands. Behind a text, up to the next word, the module leaves
// what stood there before, so that beside each word stands a mask of what counts of it.
//
// SOUND: the bytes are compared, so a hash decides only how often something is made anew. Where the bytes of texts stand is said by the words before
// them, so keys that are equal so far have the same masks.
// Bounded: PLACES keys of at most KEY_WORDS words.

import {
  KEY_COUNT,
  KEY_HEADER_BYTES,
  KEY_OPTIONAL,
  KEY_TEXT_LENGTH,
  KEY_TEXT_PADDING,
  KEY_TEXT_START,
  KEY_TYPE,
  TYPE_KEYWORD,
  TYPE_RAW,
  VALUE_BYTES,
} from "@kestrel/stdlib/abi";

const KEY_WORDS = 128;
const PLACE_BITS = 13;
const PLACES = 1 << PLACE_BITS;
const FIRST_KEYS = 64;
const FACTOR = 0x9e3779b1;
const WORD_BYTES = 4;
const NO_KEY = -1;

export interface KnownKeys<Value> {
  /** What was made of `count` words from `start`; undefined when they are not known. */
  find(words: Int32Array, start: number, count: number): Value | undefined;
  /** Remembers what was made of the words that `find` did not know last. */
  add(value: Value): void;
}

export function createKnownKeys<Value>(): KnownKeys<Value> {
  /** KEY_WORDS for each place that was taken, one after the other as they were, and their masks: most runs take few of them. */
  let pool = new Int32Array(0);
  let masks = new Int32Array(0);
  let taken = 0;
  const starts = new Int32Array(PLACES);
  const counts = new Int32Array(PLACES).fill(NO_KEY);
  const values: (Value | undefined)[] = [];
  /** The key that was looked for last: what counts of it, and its masks. */
  const wanted = new Int32Array(KEY_WORDS);
  const wantedMasks = new Int32Array(KEY_WORDS);
  let wantedCount = 0;
  let place = NO_KEY;
  /** Where the last one that was known stands: most events are of the process of the event before. */
  let last = 0;

  function isAt(found: number, words: Int32Array, start: number, count: number): boolean {
    if (counts[found] !== count) return false;
    const [known, mask] = [pool, masks];
    const base = starts[found] ?? 0;
    for (let at = 0; at < count; at++) {
      if (((words[start + at] ?? 0) & (mask[base + at] ?? 0)) !== known[base + at]) return false;
    }
    return true;
  }

  function takePlace(): number {
    const start = taken;
    taken += KEY_WORDS;
    if (taken > pool.length) {
      const length = Math.max(FIRST_KEYS * KEY_WORDS, 2 * pool.length);
      const [morePool, moreMasks] = [new Int32Array(length), new Int32Array(length)];
      morePool.set(pool);
      moreMasks.set(masks);
      pool = morePool;
      masks = moreMasks;
    }
    return start;
  }

  return {
    find(words, start, count) {
      place = NO_KEY;
      if (isAt(last, words, start, count)) return values[last];
      if (count > KEY_WORDS) return undefined;
      writeMasks(words, start, count, wantedMasks);
      let hash = count;
      for (let at = 0; at < count; at++) {
        const word = (words[start + at] ?? 0) & (wantedMasks[at] ?? 0);
        wanted[at] = word;
        hash = Math.imul(hash ^ word, FACTOR) ^ (hash >>> 15);
      }
      const found = Math.imul(hash, FACTOR) >>> (32 - PLACE_BITS);
      if (isAt(found, wanted, 0, count)) {
        last = found;
        return values[found];
      }
      wantedCount = count;
      place = found;
      return undefined;
    },
    add(value) {
      if (place === NO_KEY) return;
      if (counts[place] === NO_KEY) starts[place] = takePlace();
      const start = starts[place] ?? 0;
      pool.set(wanted.subarray(0, wantedCount), start);
      masks.set(wantedMasks.subarray(0, wantedCount), start);
      counts[place] = wantedCount;
      values[place] = value;
      place = NO_KEY;
    },
  };
}

/** What counts of each word of the keys that stand there (drawn in stdlib/src/abi.ts). */
function writeMasks(words: Int32Array, start: number, count: number, masks: Int32Array): void {
  masks.fill(-1, 0, count);
  for (let at = 0; at < count; ) {
    const type = (words[start + at + KEY_TYPE / WORD_BYTES] ?? 0) & ~KEY_OPTIONAL;
    const values = words[start + at + KEY_COUNT / WORD_BYTES] ?? 0;
    at += KEY_HEADER_BYTES / WORD_BYTES;
    if (type !== TYPE_KEYWORD && type !== TYPE_RAW) {
      at += (values * VALUE_BYTES) / WORD_BYTES;
      continue;
    }
    for (let left = values; left > 0; left--) {
      const size = words[start + at + KEY_TEXT_LENGTH / WORD_BYTES] ?? 0;
      at += (KEY_TEXT_START + ((size + KEY_TEXT_PADDING) & ~KEY_TEXT_PADDING)) / WORD_BYTES;
      const rest = size & KEY_TEXT_PADDING;
      if (rest !== 0) masks[at - 1] = (1 << (8 * rest)) - 1;
    }
  }
}
