// The bytes of a key -> 32 bits, by factors that are drawn anew for every engine.
//
// Within a block of at most 255 bytes the hash is a sum: a first factor, one times the length, and one times each byte, modulo 2^32.
// A longer key is hashed block by block, and what came of a block goes into the next one as four bytes.
//
// SOUND: whoever chooses keys cannot choose them to collide. Two different blocks differ in the length or in some byte, by less than
// 2^8; the factor there is uniform and no other factor depends on it, so the upper 25 bits of the two sums are equal with a
// probability of at most 2^-24, whatever the blocks are (multilinear hashing; Lemire, Kaser: Strongly universal string hashing is
// fast). A block more adds as much once. What uses the hash takes its upper bits, and compares the bytes in the end.

const BLOCK_BYTES = 255;
/** What stands before the bytes: what came of the block before, in four bytes, and the length. */
const HEAD_FACTORS = 6;

/** How many upper bits of a hash are good. */
export const GOOD_BITS = 25;

export type HashFactors = Int32Array;

/** `fill` draws the factors: at random, or in a test such that all keys collide. */
export function createHashFactors(fill: (factors: Int32Array) => void): HashFactors {
  const factors = new Int32Array(HEAD_FACTORS + BLOCK_BYTES);
  fill(factors);
  return factors;
}

/** The hash of `length` bytes from `start`. */
export function hashBytes(factors: HashFactors, bytes: Uint8Array, start: number, length: number): number {
  if (length > BLOCK_BYTES) return hashBlocks(factors, bytes, start, length);
  let hash = ((factors[0] ?? 0) + Math.imul(factors[1] ?? 0, length)) | 0;
  for (let at = 0; at < length; at++) {
    hash = (hash + Math.imul(factors[HEAD_FACTORS + at] ?? 0, bytes[start + at] ?? 0)) | 0;
  }
  return hash;
}

function hashBlocks(factors: HashFactors, bytes: Uint8Array, start: number, length: number): number {
  let before = 0;
  for (let done = 0; done < length; done += BLOCK_BYTES) {
    const size = Math.min(BLOCK_BYTES, length - done);
    let hash = ((factors[0] ?? 0) + Math.imul(factors[1] ?? 0, size)) | 0;
    for (let part = 0; part < 4; part++) {
      hash = (hash + Math.imul(factors[2 + part] ?? 0, (before >>> (8 * part)) & 0xff)) | 0;
    }
    for (let at = 0; at < size; at++) {
      hash = (hash + Math.imul(factors[HEAD_FACTORS + at] ?? 0, bytes[start + done + at] ?? 0)) | 0;
    }
    before = hash;
  }
  return before;
}
