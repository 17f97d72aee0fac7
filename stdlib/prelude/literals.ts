// The literals of a field, looked for all at once: texts that a value must contain for some predicate to hold.
//
// Each literal is known by its *gram*, the four of its bytes that fewest values have. The four bytes at each place of a value are
// hashed into a filter of bits that stays in the processor's first cache; where the bit is set, a table tells the literals with that
// gram, and the whole text is compared. What was found is kept with the slot's version, so a value that comes again is not read again.
//
// Of few literals sixteen places are looked at at once. Each gram is in one of eight *buckets*, a bit each, and for each of the four bytes of a
// gram two tables tell in which buckets a byte with this lower or this upper half stands there: the bits that are left of all eight are
// the buckets of which a gram may begin at the place. (Known as Teddy, from Hyperscan.)
//
// SOUND: a value that contains a literal has its gram at some place, and at that place the bit is set, or the bit of the gram's bucket is left; the table
// leads to the literal and the comparison holds. A text of ASCII holds a folded literal where it holds it in some case, and any text that does holds it
// when it is folded (unfolded.ts). INVARIANT: nothing behind the value is part of an answer: grams and texts lie inside it.
// INVARIANT: a place costs a bounded number of steps, whatever stands there: the compiler bounds the runs of the table, the literals
// of a gram and their lengths (backend/wasm/literal-tables.ts), and the postings of a literal are visited once an event.

import {
  BLOCK_BYTES, GRAM_BYTES, GRAM_ENTRY_BYTES, GRAM_ENTRY_GRAM, GRAM_ENTRY_LITERALS, GRAM_LITERALS_BYTES, GRAM_LITERALS_COUNT,
  LITERALS_BUCKETS, LITERALS_FACTOR, LITERALS_FILTER, LITERALS_FILTER_SHIFT, LITERALS_FOLDED, LITERALS_KEPT, LITERALS_MANY,
  LITERALS_MASK, LITERALS_RECORD, LITERALS_SLOT, LITERALS_TABLE, LITERALS_TABLE_SHIFT, LITERAL_ADDRESS, LITERAL_BEFORE,
  LITERAL_BYTES, LITERAL_LENGTH, LITERAL_POSTINGS, LITERAL_RECORD_COUNT, LITERAL_RECORD_ROOM, LITERAL_RECORD_STAMP,
  LITERAL_STAMP, SLOT_COUNT, SLOT_VERSION, VALUE_ADDRESS, VALUE_BYTES, VALUE_LENGTH,
} from "../src/abi";
import { CASE_BIT } from "../src/text/characters";
import { generation } from "./arena";
import { bytesEqual, text } from "./bytes";
import { visitList } from "./candidates";
import { isBeyondAscii } from "./match";
import { foldedValues, valuesOf } from "./slots";
import { standsInAnyCase } from "./unicode";

const ADDRESS_BYTES: usize = 4;
const CASE_BITS: u32 = 0x01010101 * CASE_BIT;
const BEYOND_ASCII: u64 = 0x8080808080808080;

/** Visits the postings of the literals that the values of a group's slot contain, of which there is one at least. */
export function findLiterals(group: usize): void {
  const slot: usize = load<u32>(group, LITERALS_SLOT);
  const record: usize = load<u32>(group, LITERALS_RECORD);
  const count = load<u32>(record, LITERAL_RECORD_COUNT);
  if (load<u32>(record, LITERAL_RECORD_STAMP) == load<u32>(slot, SLOT_VERSION) && count != (LITERALS_MANY as u32)) {
    const end = record + (count as usize) * ADDRESS_BYTES;
    for (let at = record; at < end; at += ADDRESS_BYTES) visitList(load<u32>(at, LITERAL_RECORD_ROOM));
    return;
  }
  store<u32>(record, 0, LITERAL_RECORD_COUNT);
  const folded: usize = load<u32>(group, LITERALS_FOLDED);
  const isBeyond = searchValues(group, valuesOf(slot), load<u32>(slot, SLOT_COUNT));
  if (folded && isBeyond) searchValues(group, foldedValues(slot, folded), load<u32>(slot, SLOT_COUNT));
  // Folding may have given the slot another version.
  store<u32>(record, load<u32>(slot, SLOT_VERSION), LITERAL_RECORD_STAMP);
}

/** Whether one of the texts has a character beyond ASCII. */
function searchValues(group: usize, values: usize, count: u32): bool {
  const end = values + count * VALUE_BYTES;
  const buckets: usize = load<u32>(group, LITERALS_BUCKETS);
  let isBeyond = false;
  for (let value = values; value < end; value += VALUE_BYTES) {
    const address: usize = load<u32>(value, VALUE_ADDRESS);
    const length = load<u32>(value, VALUE_LENGTH);
    const end = address + length;
    if (length < (GRAM_BYTES as u32)) {
      // It may be longer when it is folded.
      if (isBeyondAscii(text(address, length))) isBeyond = true;
    } else if (buckets ? searchBlocks(group, buckets, address, end) : searchPlaces(group, address, end)) isBeyond = true;
  }
  return isBeyond;
}

/** What is set in each byte of a gram. */
@inline
function caseBits(group: usize): u32 {
  return load<u32>(group, LITERALS_FOLDED) ? CASE_BITS : 0;
}

/** Whether the text from `address` to `end` has a character beyond ASCII; visits what is found in it. */
function searchBlocks(group: usize, buckets: usize, address: usize, end: usize): bool {
  const lower0 = v128.load(buckets);
  const upper0 = v128.load(buckets, BLOCK_BYTES);
  const lower1 = v128.load(buckets, 2 * BLOCK_BYTES);
  const upper1 = v128.load(buckets, 3 * BLOCK_BYTES);
  const lower2 = v128.load(buckets, 4 * BLOCK_BYTES);
  const upper2 = v128.load(buckets, 5 * BLOCK_BYTES);
  const lower3 = v128.load(buckets, 6 * BLOCK_BYTES);
  const upper3 = v128.load(buckets, 7 * BLOCK_BYTES);
  const factor = load<u32>(group, LITERALS_FACTOR);
  const bits = caseBits(group);
  const either = i32x4.splat(bits);
  // Of the block before, where the first three bytes of a gram may stand.
  let before0 = i8x16.splat(0);
  let before1 = i8x16.splat(0);
  let before2 = i8x16.splat(0);
  let block = i8x16.splat(0);
  let seen = block;
  for (let p = address; p < end; p += BLOCK_BYTES) {
    seen = v128.or(seen, block);
    block = v128.or(v128.load(p), either);
    const lower = v128.and(block, i8x16.splat(0x0f));
    const upper = i8x16.shr_u(block, 4);
    const first = v128.and(i8x16.swizzle(lower0, lower), i8x16.swizzle(upper0, upper));
    const second = v128.and(i8x16.swizzle(lower1, lower), i8x16.swizzle(upper1, upper));
    const third = v128.and(i8x16.swizzle(lower2, lower), i8x16.swizzle(upper2, upper));
    const fourth = v128.and(i8x16.swizzle(lower3, lower), i8x16.swizzle(upper3, upper));
    const left = v128.and(
      v128.and(fourth, i8x16.shuffle(before2, third, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)),
      v128.and(
        i8x16.shuffle(before1, second, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29),
        i8x16.shuffle(before0, first, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28),
      ),
    );
    before0 = first;
    before1 = second;
    before2 = third;
    if (!v128.any_true(left)) continue;
    let hits: u32 = i8x16.bitmask(i8x16.ne(left, i8x16.splat(0)));
    const places = (end - p) as u32;
    if (places < (BLOCK_BYTES as u32)) hits &= ((1 as u32) << places) - 1;
    for (; hits; hits &= hits - 1) {
      const at = p + (ctz(hits) as usize) - (GRAM_BYTES - 1);
      const gram = load<u32>(at) | bits;
      probe(group, gram, gram * factor, at, address, end);
    }
  }
  const last = ((end - address - 1) & (BLOCK_BYTES - 1)) as u32;
  return (i8x16.bitmask(seen) | (i8x16.bitmask(block) & ((2 << last) - 1))) != 0;
}

/** As searchBlocks, by the filter. */
function searchPlaces(group: usize, address: usize, end: usize): bool {
  const filter: usize = load<u32>(group, LITERALS_FILTER);
  const shift = load<u32>(group, LITERALS_FILTER_SHIFT);
  const factor = load<u32>(group, LITERALS_FACTOR);
  const bits = caseBits(group);
  const either: u64 = ((bits as u64) << 32) | (bits as u64);
  const last = end - GRAM_BYTES;
  let seen: u64 = 0;
  let p = address;
  // Four places at a time, of one load; the last gram ends before the byte behind it.
  for (; p + 4 <= last; p += 4) {
    const bytes = load<u64>(p) | either;
    seen |= bytes;
    const a = (bytes as u32) * factor;
    const b = ((bytes >> 8) as u32) * factor;
    const c = ((bytes >> 16) as u32) * factor;
    const d = ((bytes >> 24) as u32) * factor;
    const hits = bitOf(filter, a >> shift) | (bitOf(filter, b >> shift) << 1) | (bitOf(filter, c >> shift) << 2) |
      (bitOf(filter, d >> shift) << 3);
    if (!hits) continue;
    if (hits & 1) probe(group, bytes as u32, a, p, address, end);
    if (hits & 2) probe(group, (bytes >> 8) as u32, b, p + 1, address, end);
    if (hits & 4) probe(group, (bytes >> 16) as u32, c, p + 2, address, end);
    if (hits & 8) probe(group, (bytes >> 24) as u32, d, p + 3, address, end);
  }
  const rest = p;
  for (; p <= last; p++) {
    const gram = load<u32>(p) | bits;
    const hash = gram * factor;
    if (bitOf(filter, hash >> shift)) probe(group, gram, hash, p, address, end);
  }
  // Fewer than eight bytes are left.
  seen |= load<u64>(rest) & (((1 as u64) << (((end - rest) as u64) << 3)) - 1);
  return (seen & BEYOND_ASCII) != 0;
}

@inline
function bitOf(filter: usize, bit: u32): u32 {
  return ((load<u8>(filter + (bit >> 3)) as u32) >> (bit & 7)) & 1;
}

/** Looks up the gram that stands at `p` of the text from `start` to `end`. */
function probe(group: usize, gram: u32, hash: u32, p: usize, start: usize, end: usize): void {
  const table: usize = load<u32>(group, LITERALS_TABLE);
  const mask = load<u32>(group, LITERALS_MASK);
  let at = hash >> load<u32>(group, LITERALS_TABLE_SHIFT);
  while (true) {
    const entry = table + ((at & mask) as usize) * GRAM_ENTRY_BYTES;
    const literals: usize = load<u32>(entry, GRAM_ENTRY_LITERALS);
    if (!literals) return;
    if (load<u32>(entry, GRAM_ENTRY_GRAM) == gram) return compareAll(group, literals, p, start, end);
    at++;
  }
}

function compareAll(group: usize, literals: usize, p: usize, start: usize, end: usize): void {
  const inAnyCase = load<u32>(group, LITERALS_FOLDED) != 0;
  const last = literals + load<u32>(literals, GRAM_LITERALS_COUNT) * LITERAL_BYTES + GRAM_LITERALS_BYTES;
  for (let literal = literals + GRAM_LITERALS_BYTES; literal < last; literal += LITERAL_BYTES) {
    const stamp: usize = load<u32>(literal, LITERAL_STAMP);
    if (load<u32>(stamp) == generation) continue;
    const before: usize = load<u32>(literal, LITERAL_BEFORE);
    const length = load<u32>(literal, LITERAL_LENGTH);
    if (p - start < before || end - p < (length as usize) - before) continue;
    const wanted: usize = load<u32>(literal, LITERAL_ADDRESS);
    if (!(inAnyCase ? standsInAnyCase(p - before, wanted, length) : bytesEqual(p - before, wanted, length))) continue;
    store<u32>(stamp, generation);
    const list: usize = load<u32>(literal, LITERAL_POSTINGS);
    keep(load<u32>(group, LITERALS_RECORD), list);
    visitList(list);
  }
}

function keep(record: usize, list: usize): void {
  const count = load<u32>(record, LITERAL_RECORD_COUNT);
  if (count == (LITERALS_MANY as u32)) return;
  if (count == (LITERALS_KEPT as u32)) {
    store<u32>(record, LITERALS_MANY, LITERAL_RECORD_COUNT);
    return;
  }
  store<u32>(record + (count as usize) * ADDRESS_BYTES, list as u32, LITERAL_RECORD_ROOM);
  store<u32>(record, count + 1, LITERAL_RECORD_COUNT);
}
