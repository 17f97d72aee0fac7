// Byte-range primitives. A text is passed between functions as one u64, address in the high half and length in the low.
// INVARIANT: everything may read up to BLOCK_BYTES past a range, never write there; all regions are padded for that.

import { BLOCK_BYTES, SUM_FACTOR } from "../src/abi";

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
 * A sum of a text by which it is known again: against what changes, not against who forges. Words are added in four columns, and what they come to
 * so far in four more, so that places count; the last block is filled up with zeros. runtime/src/read/read-again.ts does the same.
 */
export function sumOf(address: usize, length: u32): u32 {
  let sums = i32x4.splat(0);
  let places = i32x4.splat(0);
  let p = address;
  for (const whole = address + (length & ~(BLOCK_BYTES - 1)); p < whole; p += BLOCK_BYTES) {
    sums = i32x4.add(sums, v128.load(p));
    places = i32x4.add(places, sums);
  }
  const numbers = v128(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const rest = v128.and(v128.load(p), i8x16.lt_u(numbers, i8x16.splat((length & (BLOCK_BYTES - 1)) as i8)));
  sums = i32x4.add(sums, rest);
  places = i32x4.add(places, sums);
  let sum = length;
  sum = sum * SUM_FACTOR + i32x4.extract_lane(sums, 0);
  sum = sum * SUM_FACTOR + i32x4.extract_lane(sums, 1);
  sum = sum * SUM_FACTOR + i32x4.extract_lane(sums, 2);
  sum = sum * SUM_FACTOR + i32x4.extract_lane(sums, 3);
  sum = sum * SUM_FACTOR + i32x4.extract_lane(places, 0);
  sum = sum * SUM_FACTOR + i32x4.extract_lane(places, 1);
  sum = sum * SUM_FACTOR + i32x4.extract_lane(places, 2);
  return sum * SUM_FACTOR + i32x4.extract_lane(places, 3);
}

/** The hash of symbol tables, which the compiler fills; test/cases/hashes.txt pins both. */
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
