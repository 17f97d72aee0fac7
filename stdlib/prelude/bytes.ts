// Byte-range primitives. A text is passed between functions as one u64, address in the high half and length in the low.
// INVARIANT: everything may read up to BLOCK_BYTES past a range, never write there; all regions are padded for that.

import { BLOCK_BYTES, SUM_FACTOR, SUM_SHIFT } from "../src/abi";

export type Text = u64;
export const TEXT_BYTES: u32 = 8;

@inline
export function text(address: usize, length: u32): Text {
  return ((address as u64) << 32) | (length as u64);
}

@inline
export function addressOf(t: Text): usize {
  return (t >> 32) as usize;
}

@inline
export function lengthOf(t: Text): u32 {
  return t as u32;
}

/** True when the `length` bytes at `a` and `b` are the same. */
export function bytesEqual(a: usize, b: usize, length: u32): bool {
  if (length >= (BLOCK_BYTES as u32)) {
    const last = length - BLOCK_BYTES;
    for (let i: u32 = 0; i < last; i += BLOCK_BYTES) {
      if (i8x16.bitmask(i8x16.ne(v128.load(a + i), v128.load(b + i)))) return false;
    }
    return !i8x16.bitmask(i8x16.ne(v128.load(a + last), v128.load(b + last)));
  }
  if (length == 0) return true;
  // SOUND: reads past the range are masked off, and every region ends in padding.
  const differing = i8x16.bitmask(i8x16.ne(v128.load(a), v128.load(b)));
  return (differing & ((1 << length) - 1)) == 0;
}

/** Copies a text to where it may be followed by up to a block less one byte of what stood behind it: sooner done than `memory.copy` has been called. */
@inline
export function copyText(to: usize, from: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i += BLOCK_BYTES) v128.store(to + i, v128.load(from + i));
}

/** Less than, equal to or greater than 0, by UTF-8 byte order, which is code point order. */
export function compareBytes(a: usize, aLength: u32, b: usize, bLength: u32): i32 {
  const shared = min(aLength, bLength);
  for (let i: u32 = 0; i < shared; i++) {
    const x = load<u8>(a + i) as i32;
    const y = load<u8>(b + i) as i32;
    if (x != y) return x - y;
  }
  return (aLength > bLength ? 1 : 0) - (aLength < bLength ? 1 : 0);
}

/**
 * A sum of a text by which it is known again. Sixteen columns of words are mixed each for itself, four blocks at a time, the last ones filled up with
 * zeros, and put together in the end. Each step can be undone, so a change within a column is never lost before that.
 * runtime/src/read/read-again.ts does the same.
 */
export function sumOf(address: usize, length: u32): u32 {
  let a = i32x4.splat(length);
  let b = a;
  let c = a;
  let d = a;
  let p = address;
  for (const whole = address + (length & ~(4 * BLOCK_BYTES - 1)); p < whole; p += 4 * BLOCK_BYTES) {
    a = mixed(a, v128.load(p));
    b = mixed(b, v128.load(p, BLOCK_BYTES));
    c = mixed(c, v128.load(p, 2 * BLOCK_BYTES));
    d = mixed(d, v128.load(p, 3 * BLOCK_BYTES));
  }
  const left = (address + length - p) as i32;
  if (left) {
    a = mixed(a, blockOf(p, left));
    b = mixed(b, blockOf(p + BLOCK_BYTES, left - BLOCK_BYTES));
    c = mixed(c, blockOf(p + 2 * BLOCK_BYTES, left - 2 * BLOCK_BYTES));
    d = mixed(d, blockOf(p + 3 * BLOCK_BYTES, left - 3 * BLOCK_BYTES));
  }
  const all = mixed(mixed(mixed(a, b), c), d);
  let sum = i32x4.extract_lane(all, 0);
  sum = mixedWord(sum, i32x4.extract_lane(all, 1));
  sum = mixedWord(sum, i32x4.extract_lane(all, 2));
  return mixedWord(sum, i32x4.extract_lane(all, 3));
}

@inline
function mixed(state: v128, block: v128): v128 {
  const product = i32x4.mul(v128.xor(state, block), i32x4.splat(SUM_FACTOR));
  return v128.xor(product, i32x4.shr_u(product, SUM_SHIFT));
}

@inline
function mixedWord(state: u32, word: u32): u32 {
  const product = (state ^ word) * SUM_FACTOR;
  return product ^ (product >>> SUM_SHIFT);
}

/** The block at `p`, of which the first `left` bytes count: all when there are more; it is not read when none does. */
function blockOf(p: usize, left: i32): v128 {
  if (left <= 0) return i32x4.splat(0);
  const numbers = v128(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return v128.and(v128.load(p), i8x16.lt_s(numbers, i8x16.splat(min(left, BLOCK_BYTES) as i8)));
}

/**
 * The hash of symbol tables, which the compiler fills; test/cases/hashes.txt pins both. Of a text of more than 24 bytes it takes the first eight, the
 * eight in the middle, and the last sixteen, in which paths differ: texts that are alike there stand one behind the other in a table.
 */
export function hashText(address: usize, length: u32): u32 {
  let h: u64 = (length as u64) * 0x9e3779b97f4a7c15;
  if (length < 8) h += load<u64>(address) & (((1 as u64) << (length << 3)) - 1);
  else {
    const last = address + (length - 8);
    const before = address + (length > 16 ? length - 16 : 0);
    const middle = address + ((length - 8) >> 1);
    h += load<u64>(address) ^ rotl<u64>(load<u64>(middle), 11) ^ rotl<u64>(load<u64>(before), 43) ^ rotl<u64>(load<u64>(last), 23);
  }
  // A table takes the lowest bits, which the highest bits of a factor do not reach.
  h ^= h >>> 32;
  return ((h * 0xff51afd7ed558ccd) >>> 32) as u32;
}

/** A hash of all bytes, for texts that an event brings many of. */
export function hashBytes(address: usize, length: u32): u32 {
  let h: u64 = (length as u64) * 0x9e3779b97f4a7c15;
  let p = address;
  const whole = address + (length & ~7);
  while (p < whole) {
    h = (h ^ load<u64>(p)) * 0xff51afd7ed558ccd;
    h ^= h >>> 32;
    p += 8;
  }
  const rest = length & 7;
  if (rest) {
    h = (h ^ (load<u64>(p) & (((1 as u64) << (rest << 3)) - 1))) * 0xff51afd7ed558ccd;
    h ^= h >>> 32;
  }
  return ((h * 0xc4ceb9fe1a85ec53) >>> 32) as u32;
}
