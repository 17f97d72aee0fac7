// UTF-8: reading code points, repairing invalid input, undoing JSON escapes, simple case folding, UTF-16 lengths.
// INVARIANT: every text that leaves this file is valid UTF-8.

import {
  BLOCK_BYTES, FOLD_RANGE_BYTES, FOLD_RANGE_DELTA, FOLD_RANGE_END, FOLD_RANGE_START, FOLD_RANGE_STEP, FOLD_SHIFT,
  LONGEST_LINE, REPAIR_GROWTH,
} from "../src/abi";
import {
  BACKSLASH, BACKSPACE, CARRIAGE_RETURN, CASE_BIT, FORM_FEED, LINE_FEED, LOWER_B, LOWER_F, LOWER_N, LOWER_R, LOWER_T,
  LOWER_U, QUOTE, REPLACEMENT_CHARACTER, SLASH, SPACE, TAB, UPPER_A, UPPER_Z,
} from "../src/text/characters";
import { allocate, hasRoom, shrinkTo } from "./arena";
import { Text, addressOf, lengthOf, text } from "./bytes";
import { decimalOf, isDigit, letterOf } from "./characters";
import { fold_count, fold_ranges } from "./pack";
import { escapeStarts, noteHighByte, places, plainEnd, sawHighByte, stringEnd } from "./scan";

/** Length in bytes of the valid UTF-8 sequence at `p`, or 0. Refuses surrogates, overlong forms and beyond U+10FFFF. */
function sequenceLength(p: usize, end: usize): u32 {
  const c: u32 = load<u8>(p);
  if (c < 0x80) return 1;
  if (c < 0xc2 || c > 0xf4) return 0;
  const left = (end - p) as u32;
  if (left < 2) return 0;
  const c1: u32 = load<u8>(p + 1);
  if (c < 0xe0) return (c1 & 0xc0) == 0x80 ? 2 : 0;
  if (!secondFits(c, c1)) return 0;
  if (left < 3 || (load<u8>(p + 2) & 0xc0) != 0x80) return 0;
  if (c < 0xf0) return 3;
  return left >= 4 && (load<u8>(p + 3) & 0xc0) == 0x80 ? 4 : 0;
}

/** Whether `c1` may follow the lead byte `c` of a sequence of three or four bytes. */
function secondFits(c: u32, c1: u32): bool {
  if (c == 0xe0) return c1 >= 0xa0 && c1 <= 0xbf;
  if (c == 0xed) return c1 >= 0x80 && c1 <= 0x9f;
  if (c == 0xf0) return c1 >= 0x90 && c1 <= 0xbf;
  if (c == 0xf4) return c1 >= 0x80 && c1 <= 0x8f;
  return (c1 & 0xc0) == 0x80;
}

/** How many bytes of an invalid sequence one U+FFFD stands for: the longest run that could have begun a valid one. */
function invalidLength(p: usize, end: usize): u32 {
  const c: u32 = load<u8>(p);
  if (c < 0xe0 || c > 0xf4 || end - p < 2 || !secondFits(c, load<u8>(p + 1))) return 1;
  if (c < 0xf0 || end - p < 3 || (load<u8>(p + 2) & 0xc0) != 0x80) return 2;
  return 3;
}

/** True when the range is valid UTF-8. */
export function isValid(address: usize, length: u32): bool {
  const end = address + length;
  let p = address;
  while (p < end) {
    const n = sequenceLength(p, end);
    if (!n) return false;
    p += n;
  }
  return true;
}

/** A copy in which each invalid sequence is U+FFFD. */
export function repaired(address: usize, length: u32): Text {
  const out = allocate(length * REPAIR_GROWTH);
  const end = address + length;
  let p = address;
  let q = out;
  while (p < end) {
    const n = sequenceLength(p, end);
    if (n) {
      for (let i: u32 = 0; i < n; i++) store<u8>(q + i, load<u8>(p + i));
      p += n;
      q += n;
    } else {
      p += invalidLength(p, end);
      q = writeCodePoint(q, REPLACEMENT_CHARACTER);
    }
  }
  shrinkTo(q);
  return text(out, (q - out) as u32);
}

/** Writes one code point and returns the address behind it. */
export function writeCodePoint(q: usize, c: u32): usize {
  if (c < 0x80) {
    store<u8>(q, c);
    return q + 1;
  }
  if (c < 0x800) {
    store<u8>(q, 0xc0 | (c >> 6));
    store<u8>(q + 1, 0x80 | (c & 0x3f));
    return q + 2;
  }
  if (c < 0x10000) {
    store<u8>(q, 0xe0 | (c >> 12));
    store<u8>(q + 1, 0x80 | ((c >> 6) & 0x3f));
    store<u8>(q + 2, 0x80 | (c & 0x3f));
    return q + 3;
  }
  store<u8>(q, 0xf0 | (c >> 18));
  store<u8>(q + 1, 0x80 | ((c >> 12) & 0x3f));
  store<u8>(q + 2, 0x80 | ((c >> 6) & 0x3f));
  store<u8>(q + 3, 0x80 | (c & 0x3f));
  return q + 4;
}

/** Length in bytes of the code point whose lead byte is `c`, in valid UTF-8. */
@inline
export function widthOf(c: u32): u32 {
  return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/** The code point at `p`, in valid UTF-8. */
export function codePointAt(p: usize): u32 {
  const c: u32 = load<u8>(p);
  if (c < 0x80) return c;
  if (c < 0xe0) return ((c & 0x1f) << 6) | (load<u8>(p + 1) & 0x3f);
  if (c < 0xf0) return ((c & 0x0f) << 12) | ((load<u8>(p + 1) & 0x3f) << 6) | (load<u8>(p + 2) & 0x3f);
  return (
    ((c & 0x07) << 18) |
    ((load<u8>(p + 1) & 0x3f) << 12) |
    ((load<u8>(p + 2) & 0x3f) << 6) |
    (load<u8>(p + 3) & 0x3f)
  );
}

function hexDigit(c: u32): i32 {
  if (isDigit(c)) return decimalOf(c);
  const letter = letterOf(c);
  return letter < 6 ? ((letter + 10) as i32) : -1;
}

function hexQuad(p: usize): i32 {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const digit = hexDigit(load<u8>(p + i));
    if (digit < 0) return -1;
    value = (value << 4) | digit;
  }
  return value;
}

/** Set by jsonText and unescaped: address of the closing quote, 0 when the string is broken. */
export let textStop: usize = 0;
/** Set by jsonText: the string held bytes that are not UTF-8. */
export let wasRepaired: bool = false;

/** The body of the JSON string that begins at `p`, behind its quote: without escapes, and with U+FFFD for what is not UTF-8. */
export function jsonText(p: usize): Text {
  wasRepaired = false;
  textStop = plainEnd(p);
  const c = load<u8>(textStop);
  let t: Text = text(p, (textStop - p) as u32);
  if (c != QUOTE) {
    if (c == BACKSLASH) t = unescaped(p);
    else textStop = 0;
    if (!textStop) return 0;
  }
  if (!sawHighByte || isValid(addressOf(t), lengthOf(t))) return t;
  wasRepaired = true;
  return repaired(addressOf(t), lengthOf(t));
}

/**
 * A copy of the body of the JSON string that begins at `p`, with its escapes undone; a lone surrogate is U+FFFD. Where the string ends turns out on the way.
 */
export function unescaped(p: usize): Text {
  if (!lanesKnown) writeLanes();
  // SOUND: what is written is no longer than what was read, and two blocks may be stored from there, of which the second ends half a block later.
  let room: usize = LONGEST_LINE + 3 * BLOCK_BYTES;
  if (!hasRoom(room)) {
    const end = stringEnd(p);
    if (end) room = end - p + 3 * BLOCK_BYTES;
  }
  const out = allocate(room);
  const backslash = i8x16.splat(BACKSLASH as i8);
  const quote = i8x16.splat(QUOTE as i8);
  const slash = i8x16.splat(SLASH as i8);
  const control = i8x16.splat((SPACE - 1) as i8);
  let q = out;
  let high: u32 = 0;
  // 1 when the first byte belongs to an escape that began before it.
  let taken: u32 = 0;
  textStop = 0;
  while (true) {
    const first = v128.load(p);
    const second = v128.load(p, BLOCK_BYTES);
    const firstSlashes = i8x16.eq(first, backslash);
    const secondSlashes = i8x16.eq(second, backslash);
    const firstQuotes = i8x16.eq(first, quote);
    const secondQuotes = i8x16.eq(second, quote);
    const starts = escapeStarts(places(firstSlashes, secondSlashes) & ~taken);
    const seconds = (starts << 1) | taken;
    // Most escapes stand for their second byte.
    const plain = places(
      v128.or(firstSlashes, v128.or(firstQuotes, i8x16.eq(first, slash))),
      v128.or(secondSlashes, v128.or(secondQuotes, i8x16.eq(second, slash))),
    );
    const ends = (places(firstQuotes, secondQuotes) & ~seconds) | places(i8x16.le_u(first, control), i8x16.le_u(second, control));
    const highBits = places(first, second);
    const stops = ends | (seconds & ~plain);
    if (!stops) {
      q = storeWithout(q, first, starts & FIRST_PLACES);
      q = storeWithout(q, second, starts >> BLOCK_BYTES);
      high |= highBits;
      taken = starts >> LAST_PLACE;
      p += 2 * BLOCK_BYTES;
      continue;
    }
    const run: u32 = ctz(stops);
    const before = ((1 as u32) << run) - 1;
    const dropped = starts & before;
    const half = storeWithout(q, first, dropped & FIRST_PLACES);
    if (run > (BLOCK_BYTES as u32)) storeWithout(half, second, dropped >> BLOCK_BYTES);
    q += run - popcnt(dropped);
    high |= highBits & before;
    p += run;
    if ((ends >> run) & 1) {
      if (load<u8>(p) == QUOTE) textStop = p;
      break;
    }
    p--;
    // Where there is one escape of this kind there are more, each in its place.
    do {
      const written = undoEscape(p, q);
      if (!written) {
        shrinkTo(q);
        return text(out, 0);
      }
      q = written;
      p = escapeEnd;
      const block = v128.load(p);
      v128.store(q, block);
      const next: u32 = ctz(
        (i8x16.bitmask(v128.or(v128.or(i8x16.eq(block, backslash), i8x16.eq(block, quote)), i8x16.le_u(block, control))) as u32) | BLOCK_END,
      );
      high |= (i8x16.bitmask(block) as u32) & ((1 << next) - 1);
      p += next;
      q += next;
    } while (load<u8>(p) == BACKSLASH && !isPlain(load<u8>(p + 1)));
    taken = 0;
  }
  noteHighByte(high != 0);
  shrinkTo(q);
  return text(out, (q - out) as u32);
}

/** Whether an escape with this second byte stands for it. */
@inline
function isPlain(c: u32): bool {
  return c == BACKSLASH || c == QUOTE || c == SLASH;
}

/** Set by undoEscape: the address behind the escape. */
let escapeEnd: usize = 0;

/** Writes what the escape at `p`, one that does not stand for its second byte, stands for; returns the address behind that, 0 when JSON knows no such. */
function undoEscape(p: usize, q: usize): usize {
  const c = load<u8>(p + 1);
  p += 2;
  let unit: i32 = -1;
  if (c == LOWER_U) {
    unit = hexQuad(p);
    p += 4;
    if ((unit & 0xf800) == 0xd800) {
      let low = -1;
      if (unit < 0xdc00 && load<u8>(p) == BACKSLASH && load<u8>(p + 1) == LOWER_U) low = hexQuad(p + 2);
      if ((low & ~0x3ff) == 0xdc00) {
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
      } else unit = REPLACEMENT_CHARACTER;
    }
  } else if (c == LOWER_N) unit = LINE_FEED;
  else if (c == LOWER_T) unit = TAB;
  else if (c == LOWER_R) unit = CARRIAGE_RETURN;
  else if (c == LOWER_B) unit = BACKSPACE;
  else if (c == LOWER_F) unit = FORM_FEED;
  escapeEnd = p;
  return unit < 0 ? 0 : writeCodePoint(q, unit);
}

const LAST_PLACE: u32 = 31;
const FIRST_PLACES: u32 = 0xffff;
/** The bit behind those of a block. */
const BLOCK_END: u32 = 0x10000;
const HALF_BLOCK: u32 = 8;
/** For each set of eight lanes, the numbers of those that are not in it. */
const LANES: usize = memory.data(2048);
let lanesKnown: bool = false;

function writeLanes(): void {
  for (let dropped: u32 = 0; dropped < 256; dropped++) {
    let at = LANES + dropped * HALF_BLOCK;
    for (let lane: u32 = 0; lane < HALF_BLOCK; lane++) if (!((dropped >> lane) & 1)) store<u8>(at++, lane);
  }
  lanesKnown = true;
}

/** Stores a block without the bytes at the places that are `dropped`, and returns the address behind them. */
@inline
function storeWithout(q: usize, block: v128, dropped: u32): usize {
  const low = dropped & 0xff;
  v128.store(q, i8x16.swizzle(block, v128.load64_zero(LANES + low * HALF_BLOCK)));
  const rest = i8x16.shuffle(block, block, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
  const lanes = v128.load64_zero(LANES + (dropped >> HALF_BLOCK) * HALF_BLOCK);
  v128.store(q + HALF_BLOCK - popcnt(low), i8x16.swizzle(rest, lanes));
  return q + BLOCK_BYTES - popcnt(dropped);
}

function foldBeyondAscii(c: u32): u32 {
  let low: u32 = 0;
  let high: u32 = fold_count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const range = fold_ranges + ((middle * FOLD_RANGE_BYTES) as usize);
    if (c < load<u32>(range, FOLD_RANGE_START)) high = middle;
    else if (c > load<u32>(range, FOLD_RANGE_END)) low = middle + 1;
    else {
      const isMoved = (c - load<u32>(range, FOLD_RANGE_START)) % load<u32>(range, FOLD_RANGE_STEP) == 0;
      return isMoved ? c + load<u32>(range, FOLD_RANGE_DELTA) : c;
    }
  }
  return c;
}

/** Simple case folding; ASCII in whole blocks, the rest by the pack's range table. */
export function foldedText(address: usize, length: u32): Text {
  // SOUND: folding lengthens a code point by at most half (two bytes to three).
  const folded = foldedInto(allocate(length + (length >> FOLD_SHIFT) + BLOCK_BYTES), address, length);
  shrinkTo(addressOf(folded) + lengthOf(folded));
  return folded;
}

/** A block with small letters for capital ones of ASCII. */
@inline
export function inSmallLetters(block: v128): v128 {
  const upper = v128.and(i8x16.gt_s(block, i8x16.splat((UPPER_A - 1) as i8)), i8x16.lt_s(block, i8x16.splat((UPPER_Z + 1) as i8)));
  return v128.or(block, v128.and(upper, i8x16.splat(CASE_BIT as i8)));
}

/** Whether the text at `p`, where it is ASCII, is in small letters the one at `folded`. */
export function standsInAnyCase(p: usize, folded: usize, length: u32): bool {
  let left = length;
  while (true) {
    const differing: u32 = i8x16.bitmask(i8x16.ne(inSmallLetters(v128.load(p)), v128.load(folded)));
    if (left <= (BLOCK_BYTES as u32)) return (differing & (((1 as u32) << left) - 1)) == 0;
    if (differing) return false;
    p += BLOCK_BYTES;
    folded += BLOCK_BYTES;
    left -= BLOCK_BYTES;
  }
}

/** As foldedText, to `out`, where there is room for half as much again and a block. */
export function foldedInto(out: usize, address: usize, length: u32): Text {
  const end = address + length;
  let p = address;
  let q = out;
  while (p < end) {
    const block = v128.load(p);
    v128.store(q, inSmallLetters(block));
    const left = end - p;
    const high: u32 = i8x16.bitmask(block);
    // A branch, which is foreseen: with a number that says how far to go, each block would wait for the one before it.
    if (!high && left > (BLOCK_BYTES as usize)) {
      p += BLOCK_BYTES;
      q += BLOCK_BYTES;
      continue;
    }
    const run: usize = ctz(high | BLOCK_END) as usize;
    if (run >= left) {
      q += left;
      break;
    }
    p += run;
    q += run;
    const c = codePointAt(p);
    p += widthOf(load<u8>(p));
    q = writeCodePoint(q, foldBeyondAscii(c));
  }
  return text(out, (q - out) as u32);
}

/** Length in UTF-16 units: one for each code point, two for those of four bytes. */
export function utf16Length(t: Text): u32 {
  let p = addressOf(t);
  const end = p + lengthOf(t);
  const lastContinuation = i8x16.splat(0xbf as i8);
  const firstOfFour = i8x16.splat(0xf0 as i8);
  let units: u32 = 0;
  while (p < end) {
    const block = v128.load(p);
    let first: u32 = i8x16.bitmask(i8x16.gt_s(block, lastContinuation));
    let four: u32 = i8x16.bitmask(i8x16.ge_u(block, firstOfFour));
    const left = (end - p) as u32;
    if (left < (BLOCK_BYTES as u32)) {
      const mask = ((1 as u32) << left) - 1;
      first &= mask;
      four &= mask;
    }
    units += popcnt(first) + popcnt(four);
    p += BLOCK_BYTES;
  }
  return units;
}
