// Finding one's way through a line of JSON without building anything: ends of strings, skipped values, line ends.
// INVARIANT: every line ends in a line feed, and a control character ends every scan, so no scan leaves its line.

import { BLOCK_BYTES, BROKEN_DEPTH, DEPTH_LIMIT } from "../src/abi";
import {
  BACKSLASH, BRACE_CLOSE, BRACE_OPEN, BRACKET_CLOSE, BRACKET_OPEN, CARRIAGE_RETURN, CASE_BIT, COMMA, LINE_FEED, QUOTE,
  SPACE, TAB,
} from "../src/text/characters";
import { isBlank } from "./characters";

/** Where a scan stopped is its result; 0 says that the line is broken. */
export type Position = usize;

/** Why the line is broken, should it turn out to be: a BROKEN_* code. */
export let brokenReason: u32 = 0;

export function setBrokenReason(reason: u32): void {
  brokenReason = reason;
}

const EVEN_PLACES: u32 = 0x55555555;

/** Set by stringEnd, and the second by plainEnd and what goes on from there too: the string held a backslash, or a byte beyond ASCII. */
export let sawEscape: bool = false;
export let sawHighByte: bool = false;

export function noteHighByte(saw: bool): void {
  sawHighByte = saw;
}

/** Address of the line feed that ends the line at `p`. */
export function lineEnd(p: usize): usize {
  const feed = i8x16.splat(LINE_FEED as i8);
  while (true) {
    const hits = i8x16.bitmask(i8x16.eq(v128.load(p), feed));
    if (hits) return p + (ctz(hits) as usize);
    p += BLOCK_BYTES;
  }
}

/** From behind an opening quote to the first quote, backslash or control character. Sets sawHighByte. */
@inline
export function plainEnd(p: usize): usize {
  const quote = i8x16.splat(QUOTE as i8);
  const backslash = i8x16.splat(BACKSLASH as i8);
  const space = i8x16.splat(SPACE as i8);
  let high: u32 = 0;
  while (true) {
    const first = v128.load(p);
    const second = v128.load(p, BLOCK_BYTES);
    const hits = places(
      v128.or(v128.or(i8x16.eq(first, quote), i8x16.eq(first, backslash)), i8x16.lt_u(first, space)),
      v128.or(v128.or(i8x16.eq(second, quote), i8x16.eq(second, backslash)), i8x16.lt_u(second, space)),
    );
    const highBits = places(first, second);
    if (hits) {
      const at = ctz(hits);
      sawHighByte = (high | (highBits & (((1 as u32) << at) - 1))) != 0;
      return p + at;
    }
    high |= highBits;
    p += 2 * BLOCK_BYTES;
  }
}

/** From behind an opening quote to the closing one; 0 when the string is not closed or holds a control character. */
export function stringEnd(p: usize): Position {
  sawEscape = false;
  p = plainEnd(p);
  const c = load<u8>(p);
  if (c == QUOTE) return p;
  return c == BACKSLASH ? escapedEnd(p, sawHighByte ? 1 : 0) : 0;
}

/** As stringEnd, from the string's first backslash on; `high` is not 0 when a byte before it was beyond ASCII. Two blocks at a time. */
function escapedEnd(p: usize, high: u32): Position {
  const quote = i8x16.splat(QUOTE as i8);
  const backslash = i8x16.splat(BACKSLASH as i8);
  const control = i8x16.splat((SPACE - 1) as i8);
  sawEscape = true;
  // 1 when the first byte belongs to an escape that began before it.
  let taken: u32 = 0;
  while (true) {
    const first = v128.load(p);
    const second = v128.load(p, BLOCK_BYTES);
    const starts = escapeStarts(places(i8x16.eq(first, backslash), i8x16.eq(second, backslash)) & ~taken);
    const quotes = places(i8x16.eq(first, quote), i8x16.eq(second, quote)) & ~((starts << 1) | taken);
    const ends = quotes | places(i8x16.le_u(first, control), i8x16.le_u(second, control));
    const highBits = places(first, second);
    if (ends) {
      const at = ctz(ends);
      sawHighByte = (high | (highBits & ((1 << at) - 1))) != 0;
      p += at;
      return load<u8>(p) == QUOTE ? p : 0;
    }
    high |= highBits;
    taken = starts >> 31;
    p += 2 * BLOCK_BYTES;
  }
}

/** The places of two blocks whose highest bit is set. */
@inline
export function places(first: v128, second: v128): u32 {
  return (i8x16.bitmask(first) as u32) | ((i8x16.bitmask(second) as u32) << BLOCK_BYTES);
}

/**
 * The backslashes of a block that begin an escape, when the first byte is not taken by one.
 * SOUND: they are every second one of a run, from its first on. The sum clears the runs that begin at an even place, for it carries through each of
 * them to the place behind it, where no backslash stands.
 */
@inline
export function escapeStarts(backslashes: u32): u32 {
  const first = backslashes & ~(backslashes << 1);
  const fromEven = backslashes & ~(backslashes + (first & EVEN_PLACES));
  return (fromEven & EVEN_PLACES) | (backslashes & ~fromEven & ~EVEN_PLACES);
}

@inline
export function isSpace(c: u32): bool {
  return c == SPACE || c == TAB || c == CARRIAGE_RETURN;
}

@inline
export function skipSpace(p: usize): usize {
  while (isSpace(load<u8>(p))) p++;
  return p;
}

/** As skipSpace, where there is seldom any. */
@inline
export function hop(p: usize): usize {
  return (load<u8>(p) as u32) <= (SPACE as u32) ? skipSpace(p) : p;
}

/**
 * Past the container whose bracket stands at `p`, itself inside of `outer` others. What stands inside is not read by any rule, so only strings and the
 * depth of brackets are checked.
 */
export function skipContainer(p: usize, outer: u32): Position {
  const quote = i8x16.splat(QUOTE as i8);
  const fold = i8x16.splat(SPACE as i8);
  const open = i8x16.splat(BRACE_OPEN as i8);
  const close = i8x16.splat(BRACE_CLOSE as i8);
  const feed = i8x16.splat(LINE_FEED as i8);
  let depth = outer;
  while (true) {
    const block = v128.load(p);
    const folded = v128.or(block, fold);
    let hits: u32 = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(folded, open), i8x16.eq(folded, close)),
        v128.or(i8x16.eq(block, quote), i8x16.eq(block, feed)),
      ),
    );
    let next = p + BLOCK_BYTES;
    while (hits) {
      const at = p + (ctz(hits) as usize);
      hits &= hits - 1;
      const c = load<u8>(at);
      if (c == QUOTE) {
        const end = stringEnd(at + 1);
        if (!end) return 0;
        next = end + 1;
        // The rest of this block may lie inside the string or behind it: start again there.
        break;
      }
      if (c == LINE_FEED) return 0;
      if ((c | CASE_BIT) == BRACE_OPEN) {
        depth++;
        if (depth > (DEPTH_LIMIT as u32)) {
          brokenReason = BROKEN_DEPTH;
          return 0;
        }
      } else if (--depth == outer) return at + 1;
    }
    p = next;
  }
  return 0;
}

/** Past the scalar at `p`, one that no rule reads: up to the next comma, bracket, space or line end. */
function skipScalar(p: usize): Position {
  const start = p;
  while (true) {
    const c = load<u8>(p);
    if (c == COMMA || c == BRACE_CLOSE || c == BRACKET_CLOSE || isBlank(c)) break;
    p++;
  }
  return p == start ? 0 : p;
}

/** Past the value at `p`, inside of `outer` containers, which no rule reads. */
export function skipValue(p: usize, outer: u32): Position {
  const c = load<u8>(p);
  if (c == QUOTE) {
    const end = stringEnd(p + 1);
    return end ? end + 1 : 0;
  }
  if (c == BRACE_OPEN || c == BRACKET_OPEN) return skipContainer(p, outer);
  return skipScalar(p);
}
