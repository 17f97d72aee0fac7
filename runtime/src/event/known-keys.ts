// The bytes of join keys -> what was made of them before: events of one process or host bring the same keys again and again.
//
// Each key has one place, by a hash of its words, where the last one of that place stands.
// SOUND: the bytes are compared, so a hash decides only how often something is made anew.
// Bounded: PLACES keys of at most KEY_WORDS words.

const KEY_WORDS = 128;
const PLACE_BITS = 13;
const PLACES = 1 << PLACE_BITS;
const FACTOR = 0x9e3779b1;

export interface KnownKeys<Value> {
  /** What was made of `count` words from `start`; undefined when they are not known. */
  find(words: Int32Array, start: number, count: number): Value | undefined;
  /** Remembers what was made of the words that `find` did not know last. */
  add(value: Value): void;
}

export function createKnownKeys<Value>(): KnownKeys<Value> {
  /** Made with the first key: most runs are over before there is one. */
  let pool = new Int32Array(0);
  const counts = new Int32Array(PLACES).fill(-1);
  const values: (Value | undefined)[] = [];
  let wanted: Int32Array = pool;
  let wantedStart = 0;
  let wantedCount = 0;
  let place = -1;

  return {
    find(words, start, count) {
      place = -1;
      if (count > KEY_WORDS) return undefined;
      let hash = count;
      for (let at = 0; at < count; at++) hash = Math.imul(hash ^ (words[start + at] ?? 0), FACTOR) ^ (hash >>> 15);
      const found = Math.imul(hash, FACTOR) >>> (32 - PLACE_BITS);
      if (counts[found] === count) {
        const base = found * KEY_WORDS;
        let at = 0;
        while (at < count && pool[base + at] === words[start + at]) at++;
        if (at === count) return values[found];
      }
      wanted = words;
      wantedStart = start;
      wantedCount = count;
      place = found;
      return undefined;
    },
    add(value) {
      if (place < 0) return;
      if (pool.length === 0) pool = new Int32Array(PLACES * KEY_WORDS);
      pool.set(wanted.subarray(wantedStart, wantedStart + wantedCount), place * KEY_WORDS);
      counts[place] = wantedCount;
      values[place] = value;
      place = -1;
    },
  };
}
