// Grams -> buckets by which sixteen places of a value are looked at at once, see stdlib/prelude/literals.ts: for each byte of a gram sixteen bytes that tell
// by its lower half in which buckets there is such a byte, and sixteen by its upper half.
//
// SOUND: a gram's bucket is in all eight entries that its bytes lead to.

import { BLOCK_BYTES, GRAM_BYTES } from "@kestrel/stdlib/abi";

const BUCKETS = 8;
/**
 * Of so many values a byte of a text is taken to be one, as if all came as often; and the share of places that may be looked up in vain. Both are guesses, and were
 * not measured.
 */
const USUAL_BYTES = 40;
const MOST_IN_VAIN = 1 / 50;

/** For each byte of a gram, which lower and which upper halves a bucket has, a bit each. */
type Bucket = { readonly lower: number[]; readonly upper: number[] };

/** The tables; null where so many places would be looked up in vain that a filter of bits is taken to be better. */
export function gramBuckets(grams: readonly number[]): Uint8Array | null {
  const buckets = Array.from({ length: BUCKETS }, (): Bucket => ({ lower: [0, 0, 0, 0], upper: [0, 0, 0, 0] }));
  // Grams that are alike come one behind the other, and where one adds least it goes.
  for (const gram of [...grams].sort((a, b) => a - b)) {
    const added = buckets.map((bucket) => shareOf(withGram(bucket, gram)) - shareOf(bucket));
    const best = added.indexOf(Math.min(...added));
    buckets[best] = withGram(buckets[best] as Bucket, gram);
  }
  if (buckets.reduce((sum, bucket) => sum + shareOf(bucket), 0) > MOST_IN_VAIN) return null;
  const tables = new Uint8Array(2 * GRAM_BYTES * BLOCK_BYTES);
  for (const [number, { lower, upper }] of buckets.entries()) {
    for (const [table, halves] of lower.flatMap((bits, at) => [bits, upper[at] ?? 0]).entries()) {
      for (let half = 0; half < BLOCK_BYTES; half++) {
        if ((halves >> half) & 1) (tables[table * BLOCK_BYTES + half] as number) |= 1 << number;
      }
    }
  }
  return tables;
}

function withGram({ lower, upper }: Bucket, gram: number): Bucket {
  const byte = (at: number): number => (gram >>> (8 * at)) & 0xff;
  return {
    lower: lower.map((bits, at) => bits | (1 << (byte(at) & 0xf))),
    upper: upper.map((bits, at) => bits | (1 << (byte(at) >> 4))),
  };
}

/** Which share of places the bucket would be found at. */
function shareOf({ lower, upper }: Bucket): number {
  return lower.reduce((share, bits, at) => share * Math.min(1, (count(bits) * count(upper[at] ?? 0)) / USUAL_BYTES), 1);
}

function count(bits: number): number {
  let ones = 0;
  for (let left = bits; left !== 0; left &= left - 1) ones++;
  return ones;
}
