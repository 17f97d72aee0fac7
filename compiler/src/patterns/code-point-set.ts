// Sets of code points as sorted ranges, and the byte sequences that spell them in UTF-8.
// INVARIANT: a CodePointSet is sorted, its ranges do not overlap or touch, and each has lo <= hi.

import { foldCodePoint } from "@kestrel/stdlib/text/case-folding";

/** Both ends belong to the range. */
export type CodePointRange = readonly [lo: number, hi: number];
export type CodePointSet = readonly CodePointRange[];
/** One range of bytes for each byte of a UTF-8 encoding. */
export type ByteSequence = readonly (readonly [lo: number, hi: number])[];

export const MAX_CODE_POINT = 0x10ffff;
export const ALL_CODE_POINTS: CodePointSet = [[0, MAX_CODE_POINT]];

/** Sorts ranges and joins those that overlap or touch. */
export function unionOf(ranges: Iterable<CodePointRange>): CodePointSet {
  const sorted = [...ranges].sort((x, y) => x[0] - y[0]);
  const out: [number, number][] = [];
  for (const [lo, hi] of sorted) {
    const last = out.at(-1);
    if (last !== undefined && lo <= last[1] + 1) last[1] = Math.max(last[1], hi);
    else out.push([lo, hi]);
  }
  return out;
}

/** Every code point that is not in the set. */
export function complementOf(set: CodePointSet): CodePointSet {
  const out: CodePointRange[] = [];
  let from = 0;
  for (const [lo, hi] of set) {
    if (from < lo) out.push([from, lo - 1]);
    from = hi + 1;
  }
  if (from <= MAX_CODE_POINT) out.push([from, MAX_CODE_POINT]);
  return out;
}

/** Whether the set holds every code point above ASCII. */
export function holdsAllNonAscii(set: CodePointSet): boolean {
  const last = set.at(-1);
  return last !== undefined && last[0] <= 0x80 && last[1] === MAX_CODE_POINT;
}

// Planes above the second hold ideographs, tags and private use: nothing there has case.
const CASED_END = 0x20000;

// The code points that folding changes, found once: there are some 1,500 of them.
let foldedCodePoints: readonly number[] | null = null;

function codePointsThatFold(): readonly number[] {
  if (foldedCodePoints === null) {
    const found: number[] = [];
    for (let codePoint = 0; codePoint < CASED_END; codePoint++) {
      if (foldCodePoint(codePoint) !== codePoint) found.push(codePoint);
    }
    foldedCodePoints = found;
  }
  return foldedCodePoints;
}

/** The set of what the members become by simple case folding. */
export function foldSet(set: CodePointSet): CodePointSet {
  const sources = codePointsThatFold();
  const out: CodePointRange[] = [];
  for (const [lo, hi] of set) {
    let from = lo;
    for (let i = lowerBound(sources, lo); ; i++) {
      const source = sources[i];
      if (source === undefined || source > hi) break;
      if (from < source) out.push([from, source - 1]);
      const folded = foldCodePoint(source);
      out.push([folded, folded]);
      from = source + 1;
    }
    if (from <= hi) out.push([from, hi]);
  }
  return unionOf(out);
}

function lowerBound(sorted: readonly number[], wanted: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The last code point of each encoded length, and the gap that surrogates leave in the third.
const LENGTH_BLOCKS: readonly CodePointRange[] = [
  [0, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, MAX_CODE_POINT],
];

/** Byte sequences that together spell exactly the members of the set in UTF-8; surrogates have no spelling. */
export function utf8Sequences(set: CodePointSet): readonly ByteSequence[] {
  const out: ByteSequence[] = [];
  for (const [lo, hi] of set) {
    for (const [first, last] of LENGTH_BLOCKS) {
      if (lo <= last && first <= hi) addSequences(Math.max(lo, first), Math.min(hi, last), out);
    }
  }
  return out;
}

/** `lo` and `hi` have the same encoded length. Splits until each byte position ranges freely of the others. */
function addSequences(lo: number, hi: number, out: ByteSequence[]): void {
  const low = utf8Bytes(lo);
  const high = utf8Bytes(hi);
  for (let position = 1; position < low.length; position++) {
    const mask = (1 << (6 * position)) - 1;
    if ((lo & ~mask) === (hi & ~mask)) continue;
    if ((lo & mask) !== 0) {
      addSequences(lo, lo | mask, out);
      addSequences((lo | mask) + 1, hi, out);
      return;
    }
    if ((hi & mask) !== mask) {
      addSequences(lo, (hi & ~mask) - 1, out);
      addSequences(hi & ~mask, hi, out);
      return;
    }
  }
  out.push(low.map((byte, index) => [byte, high[index] ?? byte] as const));
}

function utf8Bytes(codePoint: number): readonly number[] {
  const tail = (shift: number): number => 0x80 | ((codePoint >> shift) & 0x3f);
  if (codePoint < 0x80) return [codePoint];
  if (codePoint < 0x800) return [0xc0 | (codePoint >> 6), tail(0)];
  if (codePoint < 0x10000) return [0xe0 | (codePoint >> 12), tail(6), tail(0)];
  return [0xf0 | (codePoint >> 18), tail(12), tail(6), tail(0)];
}
