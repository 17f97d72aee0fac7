// The bytes of join keys -> what was made of them before: events of one process or host bring the same keys again and again.
//
// Each key has one place, by a hash of its words, where the last one of that place stands.
// SOUND: the bytes are compared, so a hash decides only how often something is made anew.
// Bounded: PLACES keys of at most KEY_WORDS words.

const KEY_WORDS = 128;
const PLACE_BITS = 13;
const PLACES = 1 << PLACE_BITS;
const FIRST_KEYS = 64;
const FACTOR = 0x9e3779b1;
const NO_KEY = -1;

export interface KnownKeys<Value> {
  /** What was made of `count` words from `start`; undefined when they are not known. */
  find(words: Int32Array, start: number, count: number): Value | undefined;
  /** Remembers what was made of the words that `find` did not know last. */
  add(value: Value): void;
}

export function createKnownKeys<Value>(): KnownKeys<Value> {
  /** KEY_WORDS for each place that was taken, one after the other as they were: most runs take few of them. */
  let pool = new Int32Array(0);
  let taken = 0;
  const starts = new Int32Array(PLACES);
  const counts = new Int32Array(PLACES).fill(NO_KEY);
  const values: (Value | undefined)[] = [];
  /** The key that was looked for last. */
  let wanted: Int32Array = pool;
  let wantedStart = 0;
  let wantedCount = 0;
  let place = NO_KEY;
  /** Where the last one that was known stands: most events are of the process of the event before. */
  let last = 0;

  function isAt(found: number, words: Int32Array, start: number, count: number): boolean {
    if (counts[found] !== count) return false;
    const known = pool;
    const base = starts[found] ?? 0;
    for (let at = 0; at < count; at++) if (words[start + at] !== known[base + at]) return false;
    return true;
  }

  function takePlace(): number {
    const start = taken;
    taken += KEY_WORDS;
    if (taken > pool.length) {
      const more = new Int32Array(Math.max(FIRST_KEYS * KEY_WORDS, 2 * pool.length));
      more.set(pool);
      pool = more;
    }
    return start;
  }

  return {
    find(words, start, count) {
      place = NO_KEY;
      if (isAt(last, words, start, count)) return values[last];
      if (count > KEY_WORDS) return undefined;
      let hash = count;
      for (let at = 0; at < count; at++) hash = Math.imul(hash ^ (words[start + at] ?? 0), FACTOR) ^ (hash >>> 15);
      const found = Math.imul(hash, FACTOR) >>> (32 - PLACE_BITS);
      if (isAt(found, words, start, count)) {
        last = found;
        return values[found];
      }
      wanted = words;
      wantedStart = start;
      wantedCount = count;
      place = found;
      return undefined;
    },
    add(value) {
      if (place === NO_KEY) return;
      if (counts[place] === NO_KEY) starts[place] = takePlace();
      pool.set(wanted.subarray(wantedStart, wantedStart + wantedCount), starts[place] ?? 0);
      counts[place] = wantedCount;
      values[place] = value;
      place = NO_KEY;
    },
  };
}
