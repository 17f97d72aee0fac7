// EQL functions over texts, as docs/language.md#functions has them. Nulls are the caller's business: generated
// code never looks at the result of a function that had a null argument. Positions are counted in UTF-16 units.

import { FORMAT_BYTES, LONGEST_JOIN, OVERSIZE_REQUEST } from "../src/abi";
import { DIGIT_0, DOT, MINUS, PLUS, REPLACEMENT_CHARACTER, WORD_0X } from "../src/text/characters";
import { allocate, arenaFull, shrinkTo } from "./arena";
import { Text, addressOf, bytesEqual, compareBytes, lengthOf, text } from "./bytes";
import { decimalOf, isDigit, letterOf } from "./characters";
import { scanNumber, scannedDouble } from "./numbers";
import { formatDouble } from "./pack";
import { indexOfBytes, lastIndexOfBytes } from "./search";
import { foldedText, utf16Length, widthOf, writeCodePoint } from "./unicode";

export function fold(t: Text): Text {
  return foldedText(addressOf(t), lengthOf(t));
}

export function equal(a: Text, b: Text): bool {
  return lengthOf(a) == lengthOf(b) && bytesEqual(addressOf(a), addressOf(b), lengthOf(a));
}

export function compare(a: Text, b: Text): i32 {
  return compareBytes(addressOf(a), lengthOf(a), addressOf(b), lengthOf(b));
}

export function length(t: Text): u32 {
  return utf16Length(t);
}

export function startsWithText(t: Text, prefix: Text): bool {
  return lengthOf(t) >= lengthOf(prefix) && bytesEqual(addressOf(t), addressOf(prefix), lengthOf(prefix));
}

export function endsWithText(t: Text, suffix: Text): bool {
  const n = lengthOf(suffix);
  return lengthOf(t) >= n && bytesEqual(addressOf(t) + (lengthOf(t) - n), addressOf(suffix), n);
}

/** An empty text on either side contains nothing and is contained in nothing. */
export function containsText(t: Text, needle: Text): bool {
  if (lengthOf(t) == 0 || lengthOf(needle) == 0) return false;
  return indexOfBytes(addressOf(t), lengthOf(t), addressOf(needle), lengthOf(needle), 0) >= 0;
}

/** Offset in bytes of the unit `units`, capped at the text's length; `splitPair` tells that it lies inside a pair. */
let splitPair: bool = false;
function byteOffset(t: Text, units: i64): u32 {
  splitPair = false;
  const start = addressOf(t);
  const end = start + lengthOf(t);
  let p = start;
  let seen: i64 = 0;
  while (p < end && seen < units) {
    const width = widthOf(load<u8>(p));
    seen += width == 4 ? 2 : 1;
    p += width;
  }
  splitPair = seen > units;
  return (p - start) as u32;
}

/** Position of the needle at or after unit `from`, or -1 when it is not there or `from` lies behind the end. */
export function indexOf(t: Text, needle: Text, from: i64): i64 {
  if (from < 0) from = 0;
  const units = utf16Length(t) as i64;
  if (from > units) return -1;
  if (lengthOf(needle) == 0) return from;
  const start = byteOffset(t, from);
  const found = indexOfBytes(addressOf(t), lengthOf(t), addressOf(needle), lengthOf(needle), start);
  return found < 0 ? -1 : (utf16Length(text(addressOf(t), found as u32)) as i64);
}

/** Units `from` up to `to`; negative positions count from the end. A half of a surrogate pair becomes U+FFFD. */
export function substring(t: Text, from: i64, to: i64): Text {
  const units = utf16Length(t) as i64;
  if (from < 0) from = max<i64>(0, from + units);
  if (to < 0) to = max<i64>(0, to + units);
  if (to > units) to = units;
  if (from >= to) return text(addressOf(t), 0);
  const start = byteOffset(t, from);
  const headCut = splitPair;
  const end = byteOffset(t, to);
  const tailCut = splitPair;
  if (!headCut && !tailCut) return text(addressOf(t) + start, end - start);
  // byteOffset stops behind a pair that it splits: the half before `to` is then four bytes of a pair, dropped here.
  const bodyEnd = tailCut ? end - 4 : end;
  const out = allocate(lengthOf(t) + 8);
  let q = out;
  if (headCut) q = writeCodePoint(q, REPLACEMENT_CHARACTER);
  if (bodyEnd > start) {
    memory.copy(q, addressOf(t) + start, bodyEnd - start);
    q += bodyEnd - start;
  }
  if (tailCut) q = writeCodePoint(q, REPLACEMENT_CHARACTER);
  shrinkTo(q);
  return text(out, (q - out) as u32);
}

export function concat(a: Text, b: Text): Text {
  const size = lengthOf(a) + lengthOf(b);
  // An oversized request fills the arena, which gives the event up.
  if (size > (LONGEST_JOIN as u32)) {
    allocate(OVERSIZE_REQUEST);
    return text(addressOf(a), 0);
  }
  const out = allocate(size + 16);
  if (arenaFull) return text(addressOf(a), 0);
  memory.copy(out, addressOf(a), lengthOf(a));
  memory.copy(out + lengthOf(a), addressOf(b), lengthOf(b));
  shrinkTo(out + size);
  return text(out, size);
}

/** Offset in the original of the code point at byte offset `folded` of the folded copy. */
export function originalOffset(original: Text, copy: Text, folded: u32): u32 {
  let p = addressOf(original);
  let q = addressOf(copy);
  const stop = q + folded;
  while (q < stop) {
    p += widthOf(load<u8>(p));
    q += widthOf(load<u8>(q));
  }
  return (p - addressOf(original)) as u32;
}

/** What stands between the first `left` and, behind it, the first (greedy: last) `right`; else the empty text. */
export function between(t: Text, left: Text, right: Text, greedy: bool, insensitive: bool): Text {
  if (lengthOf(t) == 0 || lengthOf(left) == 0 || lengthOf(right) == 0) return t;
  const nothing = text(addressOf(t), 0);
  const hay = insensitive ? fold(t) : t;
  const a = insensitive ? fold(left) : left;
  const b = insensitive ? fold(right) : right;
  const start = indexOfBytes(addressOf(hay), lengthOf(hay), addressOf(a), lengthOf(a), 0);
  if (start < 0) return nothing;
  const from = (start as u32) + lengthOf(a);
  const end = greedy
    ? lastIndexOfBytes(addressOf(hay), lengthOf(hay), addressOf(b), lengthOf(b), from)
    : indexOfBytes(addressOf(hay), lengthOf(hay), addressOf(b), lengthOf(b), from);
  if (end < 0) return nothing;
  if (!insensitive) return text(addressOf(t) + from, (end as u32) - from);
  const first = originalOffset(t, hay, from);
  return text(addressOf(t) + first, originalOffset(t, hay, end as u32) - first);
}

export function longText(value: i64): Text {
  const out = allocate(24);
  const end = out + 20;
  let p = end;
  let rest: u64 = value < 0 ? 0 - (value as u64) : (value as u64);
  do {
    p--;
    store<u8>(p, DIGIT_0 + ((rest % 10) as u32));
    rest /= 10;
  } while (rest);
  if (value < 0) {
    p--;
    store<u8>(p, MINUS);
  }
  return text(p, (end - p) as u32);
}

export function doubleText(value: f64): Text {
  const out = allocate(FORMAT_BYTES);
  return text(out, formatDouble(value, out));
}

/** The number that the text spells (as a string in a numeric field is read), or NaN. */
export function textToDouble(t: Text): f64 {
  const start = addressOf(t);
  const stop = start + lengthOf(t);
  if (scanNumber(start, stop, true) != stop) return NaN;
  const double = scannedDouble(start, stop);
  return isFinite(double) ? double : NaN;
}

/** The text as number() reads it in base 10, or behind `0x` in base 16 where `base` is 0; NaN when it is no number. */
export function number(t: Text, base: u32): f64 {
  if (base == 0 && isHex(t)) {
    const value = numberInBase(t, 16);
    return numberFailed() ? NaN : (value as f64);
  }
  return textToDouble(t);
}

let failed: bool = false;

/** Whether the last numberInBase found no number. */
export function numberFailed(): bool {
  return failed;
}

function isHex(t: Text): bool {
  return lengthOf(t) >= 2 && load<u16>(addressOf(t)) == WORD_0X;
}

/** The whole number that the text holds in a base from 2 to 36, letters of either case; it must fit 64 bits. */
export function numberInBase(t: Text, base: u32): i64 {
  failed = true;
  let p = addressOf(t);
  const end = p + lengthOf(t);
  let negative = false;
  if (base == 16 && isHex(t)) p += 2;
  else if (p < end && (load<u8>(p) == MINUS || load<u8>(p) == PLUS)) {
    negative = load<u8>(p) == MINUS;
    p++;
  }
  if (p == end) return 0;
  const limit: u64 = negative ? 0x8000000000000000 : 0x7fffffffffffffff;
  let value: u64 = 0;
  for (; p < end; p++) {
    const digit = digitOf(load<u8>(p));
    if (digit >= base || value > (limit - digit) / base) return 0;
    value = value * base + digit;
  }
  failed = false;
  return negative ? -(value as i64) : (value as i64);
}

function digitOf(c: u32): u32 {
  if (isDigit(c)) return decimalOf(c);
  const letter = letterOf(c);
  return letter < 26 ? letter + 10 : 36;
}

/** True when `a + b`, `a - b`, `a * b` does not fit i64. */
export function addOverflows(a: i64, b: i64): bool {
  const sum = a + b;
  return ((a ^ sum) & (b ^ sum)) < 0;
}

export function subtractOverflows(a: i64, b: i64): bool {
  return ((a ^ b) & (a ^ (a - b))) < 0;
}

export function multiplyOverflows(a: i64, b: i64): bool {
  if (a == 0 || b == 0) return false;
  if ((a == -1 && b == i64.MIN_VALUE) || (b == -1 && a == i64.MIN_VALUE)) return true;
  return (a * b) / b != a;
}

export function doubleModulo(a: f64, b: f64): f64 {
  return a % b;
}

// Versions: dotted numbers with an optional pre-release, ordered as Semantic Versioning 2.0.0 orders them.

function versionPart(p: usize, end: usize): usize {
  while (p < end && isDigit(load<u8>(p))) p++;
  return p;
}

/** Address behind `major.minor.patch`, or 0. */
function versionCore(p: usize, end: usize): usize {
  for (let part = 0; part < 3; part++) {
    if (part) {
      if (p >= end || load<u8>(p) != DOT) return 0;
      p++;
    }
    const stop = versionPart(p, end);
    if (stop == p) return 0;
    p = stop;
  }
  return p == end || load<u8>(p) == MINUS || load<u8>(p) == PLUS ? p : 0;
}

function skipZeros(p: usize, end: usize): usize {
  while (p + 1 < end && load<u8>(p) == DIGIT_0) p++;
  return p;
}

function compareDigits(a: usize, aEnd: usize, b: usize, bEnd: usize): i32 {
  a = skipZeros(a, aEnd);
  b = skipZeros(b, bEnd);
  const lengths = ((aEnd - a) as i32) - ((bEnd - b) as i32);
  return lengths ? lengths : compareBytes(a, (aEnd - a) as u32, b, (bEnd - b) as u32);
}

/** End of the part of the version that counts: build metadata does not. */
function withoutBuild(p: usize, end: usize): usize {
  while (p < end && load<u8>(p) != PLUS) p++;
  return p;
}

function identifierEnd(p: usize, end: usize): usize {
  while (p < end && load<u8>(p) != DOT) p++;
  return p;
}

export function compareVersions(a: Text, b: Text): i32 {
  let p = addressOf(a);
  let q = addressOf(b);
  let pEnd = p + lengthOf(a);
  let qEnd = q + lengthOf(b);
  const pCore = versionCore(p, pEnd);
  const qCore = versionCore(q, qEnd);
  if (!pCore || !qCore) return compare(a, b);
  for (let part = 0; part < 3; part++) {
    const pStop = versionPart(p, pEnd);
    const qStop = versionPart(q, qEnd);
    const order = compareDigits(p, pStop, q, qStop);
    if (order) return order;
    p = pStop + 1;
    q = qStop + 1;
  }
  p = pCore;
  q = qCore;
  pEnd = withoutBuild(p, pEnd);
  qEnd = withoutBuild(q, qEnd);
  // A release stands above its pre-releases.
  if (p == pEnd || q == qEnd) return (p == pEnd ? 1 : 0) - (q == qEnd ? 1 : 0);
  while (p < pEnd && q < qEnd) {
    p++;
    q++;
    const pStop = identifierEnd(p, pEnd);
    const qStop = identifierEnd(q, qEnd);
    const pNumeric = pStop > p && versionPart(p, pStop) == pStop;
    const qNumeric = qStop > q && versionPart(q, qStop) == qStop;
    if (pNumeric != qNumeric) return pNumeric ? -1 : 1;
    const order = pNumeric
      ? compareDigits(p, pStop, q, qStop)
      : compareBytes(p, (pStop - p) as u32, q, (qStop - q) as u32);
    if (order) return order;
    p = pStop;
    q = qStop;
  }
  return (p < pEnd ? 1 : 0) - (q < qEnd ? 1 : 0);
}
