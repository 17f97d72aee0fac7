// Where one text stands in another: the first place or the last, in time linear in both and with a few words of memory.
//
// Most places are given up at the first or last byte of the needle, sixteen at once. An event can bring a haystack and a
// needle that make this fail: "aaa…a" and "aa…ab…a" agree for thousands of bytes at every place. So the bytes of comparisons
// in vain are counted, and once they are too many for the bytes that were passed, Two-Way goes on from there (Crochemore and
// Perrin, "Two-way string-matching", Journal of the ACM 38, 1991), which moves the needle so far that nothing has to be
// looked at more than twice.
//
// INVARIANT: whatever stands in the texts, a search for n bytes that passes h bytes of the haystack has fewer than 9h + 14n
// loads, of a byte or a block, but for a hundred:
//   h/8             the first and last bytes, sixteen places a time
//   3h              the first block of a place, and two of the block in which it differs later
//   h + n/8 + n     the blocks before that one, two loads of 16 bytes: PATIENCE, and the comparison that ends it
//   4h + 10n        Two-Way: 2h comparisons of two loads, 2n of them for each maximal suffix, n for the period
//   2n              the comparison that succeeds
// test/src/search.test.ts counts them.

import { BLOCK_BYTES } from "../src/abi";

/**
 * How many bytes comparisons may go through in vain, beyond the first block of each, for each byte of the haystack between
 * `from` and the end of the needle. A text in which nearly the needle comes line after line stays below 1. Measured on zeros
 * that agree with the needle for 24 bytes at every place, which is 16 too many: 2 ns a byte with Two-Way, 3 ns without; for
 * 64 bytes 2 ns and 7.
 */
const PATIENCE: u64 = 8;

/** First place at or after `from` where the needle stands in the haystack, as an offset, or -1. */
export function indexOfBytes(hay: usize, hayLength: u32, needle: usize, needleLength: u32, from: u32): i32 {
  if (from > hayLength || hayLength - from < needleLength) return -1;
  if (needleLength == 0) return from as i32;
  const lastStart = hayLength - needleLength;
  const first = i8x16.splat(load<i8>(needle));
  const final = i8x16.splat(load<i8>(needle + needleLength - 1));
  const head = v128.load(needle);
  const headMask = blockMask(needleLength);
  let spent: u64 = 0;
  for (let i = from; i <= lastStart; i += BLOCK_BYTES) {
    let hits: u32 = i8x16.bitmask(
      v128.and(i8x16.eq(v128.load(hay + i), first), i8x16.eq(v128.load(hay + i + needleLength - 1), final)),
    );
    while (hits) {
      const at = i + ctz(hits);
      if (at > lastStart) return -1;
      if (!(i8x16.bitmask(i8x16.ne(v128.load(hay + at), head)) & headMask)) {
        const same = sameBlocks(hay + at, needle, needleLength);
        if (same == needleLength) return at as i32;
        spent += same;
        if (spent > PATIENCE * ((at - from + needleLength) as u64)) {
          const next = at + 1;
          const found = twoWay(hay + next, hayLength - next, needle, needleLength, 1);
          return found < 0 ? -1 : (next as i32) + found;
        }
      }
      hits &= hits - 1;
    }
  }
  return -1;
}

/** As indexOfBytes, but the last place, at or after `from`. */
export function lastIndexOfBytes(hay: usize, hayLength: u32, needle: usize, needleLength: u32, from: u32): i32 {
  if (from > hayLength || hayLength - from < needleLength) return -1;
  const lastStart = hayLength - needleLength;
  if (needleLength == 0) return lastStart as i32;
  const first = i8x16.splat(load<i8>(needle));
  const final = i8x16.splat(load<i8>(needle + needleLength - 1));
  const head = v128.load(needle);
  const headMask = blockMask(needleLength);
  let spent: u64 = 0;
  // The places from `from` to before `end` are left.
  let end = lastStart + 1;
  while (end > from) {
    // SOUND: the last block begins at `from`, however few places are left: nothing may be read before a range.
    const i = end - from < (BLOCK_BYTES as u32) ? from : end - BLOCK_BYTES;
    let hits: u32 = i8x16.bitmask(
      v128.and(i8x16.eq(v128.load(hay + i), first), i8x16.eq(v128.load(hay + i + needleLength - 1), final)),
    );
    hits &= (1 << (end - i)) - 1;
    while (hits) {
      const bit: u32 = 31 - clz(hits);
      const at = i + bit;
      if (!(i8x16.bitmask(i8x16.ne(v128.load(hay + at), head)) & headMask)) {
        const same = sameBlocks(hay + at, needle, needleLength);
        if (same == needleLength) return at as i32;
        spent += same;
        if (spent > PATIENCE * ((hayLength - at) as u64)) {
          // Both are read from behind: what is left ends before the last byte of this place.
          const left = at - from + needleLength - 1;
          const found = twoWay(hay + from + left - 1, left, needle + needleLength - 1, needleLength, -1);
          return found < 0 ? -1 : ((from + left - needleLength) as i32) - found;
        }
      }
      hits ^= 1 << bit;
    }
    end = i;
  }
  return -1;
}

/** The bits of the bytes of a block that a text of this length has. */
@inline
function blockMask(length: u32): u32 {
  return length < (BLOCK_BYTES as u32) ? (1 << length) - 1 : (1 << BLOCK_BYTES) - 1;
}

/**
 * Where the block begins in which the `length` bytes at `a` and at `b` first differ, or `length` where they are the same. The
 * first block is known to be.
 */
function sameBlocks(a: usize, b: usize, length: u32): u32 {
  if (length <= (BLOCK_BYTES as u32)) return length;
  const last = length - BLOCK_BYTES;
  for (let i: u32 = BLOCK_BYTES; i < last; i += BLOCK_BYTES) {
    if (i8x16.bitmask(i8x16.ne(v128.load(a + i), v128.load(b + i)))) return i;
  }
  return i8x16.bitmask(i8x16.ne(v128.load(a + last), v128.load(b + last))) ? last : length;
}

/** The byte of a text that begins at `start` and is read forwards (`step` 1) or from behind (`step` -1). */
@inline
function byteAt(start: usize, offset: u32, step: i32): u32 {
  return load<u8>(start + (offset as i32) * step);
}

/** First place of the needle in the haystack, or -1. Both begin at their addresses and run in the direction of `step`. */
function twoWay(hay: usize, hayLength: u32, needle: usize, needleLength: u32, step: i32): i32 {
  if (hayLength < needleLength) return -1;
  const forward = maximalSuffix(needle, needleLength, step, false);
  const forwardPeriod = suffixPeriod;
  const backward = maximalSuffix(needle, needleLength, step, true);
  // The critical place: the needle falls into halves of which the right one is compared first, forwards, and then the left
  // one. A difference in the right half moves the needle behind it.
  const middle = max(forward, backward);
  let shift = forward > backward ? forwardPeriod : suffixPeriod;
  let isPeriodic = true;
  for (let i: u32 = 0; i < middle && isPeriodic; i++) {
    isPeriodic = byteAt(needle, i, step) == byteAt(needle, i + shift, step);
  }
  // A difference in the left half moves the needle by its period. Where that is no period of the whole needle, the least one
  // is longer than either half.
  if (!isPeriodic) shift = max(middle, needleLength - middle) + 1;
  const lastStart = hayLength - needleLength;
  let at: u32 = 0;
  while (at <= lastStart) {
    let i = middle;
    while (i < needleLength && byteAt(needle, i, step) == byteAt(hay, at + i, step)) i++;
    if (i < needleLength) {
      at += i - middle + 1;
      continue;
    }
    i = middle;
    while (i && byteAt(needle, i - 1, step) == byteAt(hay, at + i - 1, step)) i--;
    if (!i) return at as i32;
    // SOUND: a search for all places has to remember here what it knows of the next one. This one ends with the first: after
    // a move by the period the left half agrees, so the next difference is in the right half, behind what agreed before, and
    // moves the needle by half its length or more.
    at += shift;
  }
  return -1;
}

/** Set by maximalSuffix: the period of the suffix that it found. */
let suffixPeriod: u32 = 0;

/** Where the greatest suffix of the needle begins, in the order of bytes or in its reverse. */
function maximalSuffix(needle: usize, length: u32, step: i32, reversed: bool): u32 {
  let start: u32 = 0;
  let rival: u32 = 1;
  let same: u32 = 0;
  let period: u32 = 1;
  while (rival + same < length) {
    const ours = byteAt(needle, start + same, step);
    const theirs = byteAt(needle, rival + same, step);
    if (ours == theirs) {
      same++;
      if (same == period) {
        rival += period;
        same = 0;
      }
    } else if (theirs < ours != reversed) {
      rival += same + 1;
      same = 0;
      period = rival - start;
    } else {
      start = rival;
      rival = start + 1;
      same = 0;
      period = 1;
    }
  }
  suffixPeriod = period;
  return start;
}
