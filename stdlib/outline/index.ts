// The bytes of an object -> where its members stand, if it is JSON that names no field twice. The runtime asks this of the events that go into
// alerts: their text can then be taken as it is, whole or member by member.
//
// One pass looks at each byte once. Whatever it is not sure of has no outline: what is no JSON or may name a field twice, but also names with
// escapes or characters beyond ASCII, names whose dots stand side by side, very many names.
//
// SOUND: of two names that may be one field the parts before the first dot are the same bytes, since neither has an escape nor bytes that
// stand for another character. So they have the same hash, and one hash that comes twice in an object is enough to be unsure.
// INVARIANT: a block of zeros stands behind the object, and 0 is no part of any value, so no scan goes further.

import { isBlank, isControl, isDigit, letterOf } from "../prelude/characters";
import { BLOCK_BYTES, DEPTH_LIMIT } from "../src/abi";
import {
  OUTLINE_BEYOND_ASCII, OUTLINE_DOTS, OUTLINE_FLAGS, OUTLINE_INPUT, OUTLINE_NAMES, OUTLINE_OPEN, OUTLINE_PLACES,
  OUTLINE_PLACE_WORDS, OUTLINE_SLOT_BYTES, OUTLINE_SPACED, OUTLINE_TABLE, OUTLINE_TABLE_SLOTS,
} from "../src/outline-memory";
import {
  BACKSLASH, BRACE_CLOSE, BRACE_OPEN, BRACKET_CLOSE, BRACKET_OPEN, CARRIAGE_RETURN, CASE_BIT, COLON, COMMA, DIGIT_0, DOT,
  LINE_FEED, LOWER_B, LOWER_E, LOWER_F, LOWER_N, LOWER_R, LOWER_T, LOWER_U, MINUS, PLUS, QUOTE, SLASH, SPACE, TAB,
  WORD_ALSE, WORD_NULL, WORD_TRUE,
} from "../src/text/characters";

/** What was looked at: an address; 0 says that the object has no outline. */
type Position = usize;

const WORD_BYTES: usize = 4;
const PLACE_BYTES: usize = OUTLINE_PLACE_WORDS * 4;
const HASH_BYTES: usize = 8;
const FIRST_PRIME: u64 = 0x9e3779b97f4a7c15;
const SECOND_PRIME: u64 = 0xc2b2ae3d27d4eb4f;

/** The number of the object that is looked at; what the table holds of others is not looked at. */
let line: u64 = 0;
let names: u32 = 0;
let high: u32 = 0;
let spaced: bool = false;
/** The name that was read last has a dot. */
let dotted: bool = false;

/** How many members the object has that stands in so many bytes from OUTLINE_INPUT, nothing around it; -1 when it has no outline. */
export function outline(length: u32): i32 {
  line++;
  names = 0;
  high = 0;
  spaced = false;
  let hasDots = false;
  let depth: u32 = 0;
  let objects: u32 = 0;
  let place: usize = OUTLINE_PLACES;
  let p: usize = OUTLINE_INPUT;
  v128.store(p + (length as usize), i8x16.splat(0));
  if (load<u8>(p) != BRACE_OPEN) return -1;
  while (true) {
    // A value.
    let c: u32 = load<u8>(p);
    let isOpened = false;
    if (c == QUOTE) p = stringEnd(p + 1);
    else if (c == BRACE_OPEN || c == BRACKET_OPEN) {
      if (depth == DEPTH_LIMIT) return -1;
      depth++;
      store<u32>((OUTLINE_OPEN as usize) + (depth as usize) * WORD_BYTES, c == BRACE_OPEN ? ++objects : 0);
      isOpened = true;
      p++;
    } else p = scalarEnd(p, c);
    if (p == 0) return -1;
    // What stands behind it, up to the next value.
    while (true) {
      if (!isOpened) {
        if (depth == 1) store<u32>(place - WORD_BYTES, distance(p));
        if (depth == 0) {
          if (p != (OUTLINE_INPUT as usize) + (length as usize)) return -1;
          let flags = spaced ? OUTLINE_SPACED : 0;
          if (high) flags |= OUTLINE_BEYOND_ASCII;
          if (hasDots) flags |= OUTLINE_DOTS;
          store<u32>(OUTLINE_FLAGS, flags);
          return ((place - OUTLINE_PLACES) / PLACE_BYTES) as i32;
        }
      }
      p = skipSpace(p);
      c = load<u8>(p);
      const object = load<u32>((OUTLINE_OPEN as usize) + (depth as usize) * WORD_BYTES);
      if (c == (object ? (BRACE_CLOSE as u32) : (BRACKET_CLOSE as u32))) {
        isOpened = false;
        depth--;
        p++;
        continue;
      }
      if (!isOpened) {
        if (c != COMMA) return -1;
        p = skipSpace(p + 1);
      }
      if (!object) break;
      const end = nameEnd(p, object);
      if (!end) return -1;
      const colon = skipSpace(end + 1);
      if (load<u8>(colon) != COLON) return -1;
      const value = skipSpace(colon + 1);
      if (depth == 1) {
        store<u32>(place, distance(p + 1));
        store<u32>(place + WORD_BYTES, distance(end));
        store<u32>(place + 2 * WORD_BYTES, distance(value));
        place += PLACE_BYTES;
        hasDots = hasDots || dotted;
      }
      p = value;
      break;
    }
  }
  return -1;
}

/** From where the object begins. */
@inline
function distance(p: usize): u32 {
  return (p - OUTLINE_INPUT) as u32;
}

/** Past white space, of which JSON has four kinds. */
@inline
function skipSpace(p: usize): usize {
  while (true) {
    const c: u32 = load<u8>(p);
    if (!isBlank(c) || (c != SPACE && c != TAB && c != LINE_FEED && c != CARRIAGE_RETURN)) return p;
    spaced = true;
    p++;
  }
  return p;
}

/** Past the string whose first character stands at `p`. */
function stringEnd(p: usize): Position {
  const quote = i8x16.splat(QUOTE as i8);
  const backslash = i8x16.splat(BACKSLASH as i8);
  const space = i8x16.splat(SPACE as i8);
  while (true) {
    const block = v128.load(p);
    const hits: u32 = i8x16.bitmask(
      v128.or(v128.or(i8x16.eq(block, quote), i8x16.eq(block, backslash)), i8x16.lt_u(block, space)),
    );
    const beyond: u32 = i8x16.bitmask(block);
    if (!hits) {
      high |= beyond;
      p += BLOCK_BYTES;
      continue;
    }
    const at = ctz(hits);
    high |= beyond & ((1 << at) - 1);
    p += at as usize;
    const c: u32 = load<u8>(p);
    if (c == QUOTE) return p + 1;
    if (c != BACKSLASH) return 0;
    const length = escapeLength(p);
    if (!length) return 0;
    p += length as usize;
  }
  return 0;
}

/** Bytes of the escape whose backslash stands at `p`; 0 when JSON has no such. */
function escapeLength(p: usize): u32 {
  const c: u32 = load<u8>(p + 1);
  if (c == LOWER_U) {
    for (let digit: usize = 2; digit < 6; digit++) if (!isHexDigit(load<u8>(p + digit))) return 0;
    return 6;
  }
  const isKnown = c == BACKSLASH || c == QUOTE || c == SLASH || c == LOWER_N || c == LOWER_R || c == LOWER_T || c == LOWER_B || c == LOWER_F;
  return isKnown ? 2 : 0;
}

@inline
function isHexDigit(c: u32): bool {
  return isDigit(c) || letterOf(c) < 6;
}

/** The closing quote of the name whose quote stands at `p`; 0 when it is none, or may be that of another member of its object. */
function nameEnd(p: usize, object: u32): Position {
  if (load<u8>(p) != QUOTE) return 0;
  const start = ++p;
  const quote = i8x16.splat(QUOTE as i8);
  const dot = i8x16.splat(DOT as i8);
  const backslash = i8x16.splat(BACKSLASH as i8);
  const space = i8x16.splat(SPACE as i8);
  let hash: u64 = (object as u64) * FIRST_PRIME;
  let hits: u32 = 0;
  while (true) {
    const block = v128.load(p);
    const ends = v128.or(v128.or(i8x16.eq(block, quote), i8x16.eq(block, dot)), i8x16.eq(block, backslash));
    // As signed numbers bytes beyond ASCII are below a space, as control characters are.
    hits = i8x16.bitmask(v128.or(ends, i8x16.lt_s(block, space)));
    if (hits) break;
    hash = mixed(hash, v128.extract_lane<u64>(block, 0), v128.extract_lane<u64>(block, 1));
    p += BLOCK_BYTES;
  }
  const left: u32 = ctz(hits);
  const first = load<u64>(p);
  if (left < 8) hash = mixed(hash, first & lowBytes(left), 0);
  else hash = mixed(hash, first, load<u64>(p + HASH_BYTES) & lowBytes(left - 8));
  p += left as usize;
  dotted = load<u8>(p) == DOT;
  if (dotted) p = dotsEnd(p, start);
  if (p == 0 || load<u8>(p) != QUOTE) return 0;
  return isNew(hash) ? p : 0;
}

/** A mask of the first bytes of a word, 7 at most. */
@inline
function lowBytes(count: u32): u64 {
  return ((1 as u64) << ((count as u64) * 8)) - 1;
}

@inline
function mixed(hash: u64, a: u64, b: u64): u64 {
  const half = (hash ^ a) * FIRST_PRIME;
  return (half ^ (half >> 32) ^ b) * SECOND_PRIME;
}

/** The end of a name with dots, of which the first stands at `p`; 0 when one of its parts is empty. */
function dotsEnd(p: usize, start: usize): Position {
  let before: u32 = p == start ? DOT : 0;
  while (true) {
    const c: u32 = load<u8>(p);
    if (c == QUOTE) return before == DOT ? 0 : p;
    if (c == BACKSLASH || isControl(c) || c > 0x7f || (c == DOT && before == DOT)) return 0;
    before = c;
    p++;
  }
  return 0;
}

/** Notes a hash; false when it was there already, or there is no room. */
function isNew(hash: u64): bool {
  if (names == OUTLINE_NAMES) return false;
  names++;
  let slot = ((hash >> 40) as u32) & (OUTLINE_TABLE_SLOTS - 1);
  while (true) {
    const entry: usize = (OUTLINE_TABLE as usize) + (slot as usize) * (OUTLINE_SLOT_BYTES as usize);
    if (load<u64>(entry + HASH_BYTES) != line) {
      store<u64>(entry, hash);
      store<u64>(entry + HASH_BYTES, line);
      return true;
    }
    if (load<u64>(entry) == hash) return false;
    slot = (slot + 1) & (OUTLINE_TABLE_SLOTS - 1);
  }
  return false;
}

/** Past a number or a word, whose first byte is `c`. What follows is for the caller to look at. */
@inline
function scalarEnd(p: usize, c: u32): Position {
  if (c == LOWER_T) return load<u32>(p) == WORD_TRUE ? p + 4 : 0;
  if (c == LOWER_F) return load<u32>(p + 1) == WORD_ALSE ? p + 5 : 0;
  if (c == LOWER_N) return load<u32>(p) == WORD_NULL ? p + 4 : 0;
  return numberEnd(p);
}

/** `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?` */
function numberEnd(p: usize): Position {
  if (load<u8>(p) == MINUS) p++;
  const whole = p;
  p = digitsEnd(p);
  if (p == whole || (p > whole + 1 && load<u8>(whole) == DIGIT_0)) return 0;
  if (load<u8>(p) == DOT) {
    const fraction = p + 1;
    p = digitsEnd(fraction);
    if (p == fraction) return 0;
  }
  if ((load<u8>(p) | CASE_BIT) == LOWER_E) {
    let exponent = p + 1;
    const sign: u32 = load<u8>(exponent);
    if (sign == MINUS || sign == PLUS) exponent++;
    p = digitsEnd(exponent);
    if (p == exponent) return 0;
  }
  return p;
}

@inline
function digitsEnd(p: usize): usize {
  while (isDigit(load<u8>(p))) p++;
  return p;
}
