// Finding one's way through a line of JSON without building anything: ends of strings, skipped values, line ends.
// INVARIANT: every line ends in a line feed, and a control character ends every scan, so no scan leaves its line.

import { BROKEN_DEPTH, DEPTH_LIMIT } from "../src/abi";

/** Where a scan stopped is its result; 0 says that the line is broken. */
export type Position = usize;

/** Why the line is broken, should it turn out to be: a BROKEN_* code. */
export let brokenReason: u32 = 0;

export function setBrokenReason(reason: u32): void {
  brokenReason = reason;
}

/** Set by stringEnd: the string held a backslash, or a byte beyond ASCII. */
export let sawEscape: bool = false;
export let sawHighByte: bool = false;

/** Address of the line feed that ends the line at `p`. */
export function lineEnd(p: usize): usize {
  const feed = i8x16.splat(0x0a);
  while (true) {
    const hits = i8x16.bitmask(i8x16.eq(v128.load(p), feed));
    if (hits) return p + (ctz(hits) as usize);
    p += 16;
  }
}

/** From behind an opening quote to the closing one; 0 when the string is not closed or holds a control character. */
export function stringEnd(p: usize): Position {
  const quote = i8x16.splat(0x22);
  const backslash = i8x16.splat(0x5c);
  const space = i8x16.splat(0x20);
  sawEscape = false;
  let high: u32 = 0;
  while (true) {
    const block = v128.load(p);
    const hits: u32 = i8x16.bitmask(
      v128.or(v128.or(i8x16.eq(block, quote), i8x16.eq(block, backslash)), i8x16.lt_u(block, space)),
    );
    const highBits: u32 = i8x16.bitmask(block);
    if (!hits) {
      high |= highBits;
      p += 16;
      continue;
    }
    const at = ctz(hits);
    high |= highBits & ((1 << at) - 1);
    p += at;
    const c = load<u8>(p);
    if (c == 0x22) {
      sawHighByte = high != 0;
      return p;
    }
    if (c != 0x5c) return 0;
    if (load<u8>(p + 1) < 0x20) return 0;
    sawEscape = true;
    p += 2;
  }
}

@inline
export function isSpace(c: u32): bool {
  return c == 0x20 || c == 0x09 || c == 0x0d;
}

@inline
export function skipSpace(p: usize): usize {
  while (isSpace(load<u8>(p))) p++;
  return p;
}

/**
 * Past the container whose bracket stands at `p`, itself inside of `outer` others. What stands inside is not read by any rule, so only strings and the
 * depth of brackets are checked.
 */
export function skipContainer(p: usize, outer: u32): Position {
  const quote = i8x16.splat(0x22);
  const fold = i8x16.splat(0x20);
  const open = i8x16.splat(0x7b);
  const close = i8x16.splat(0x7d);
  const feed = i8x16.splat(0x0a);
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
    let next = p + 16;
    while (hits) {
      const at = p + (ctz(hits) as usize);
      hits &= hits - 1;
      const c = load<u8>(at);
      if (c == 0x22) {
        const end = stringEnd(at + 1);
        if (!end) return 0;
        next = end + 1;
        // The rest of this block may lie inside the string or behind it: start again there.
        break;
      }
      if (c == 0x0a) return 0;
      if ((c | 0x20) == 0x7b) {
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
    if (c == 0x2c || c == 0x7d || c == 0x5d || c <= 0x20) break;
    p++;
  }
  return p == start ? 0 : p;
}

/** Past the value at `p`, inside of `outer` containers, which no rule reads. */
export function skipValue(p: usize, outer: u32): Position {
  const c = load<u8>(p);
  if (c == 0x22) {
    const end = stringEnd(p + 1);
    return end ? end + 1 : 0;
  }
  if (c == 0x7b || c == 0x5b) return skipContainer(p, outer);
  return skipScalar(p);
}
