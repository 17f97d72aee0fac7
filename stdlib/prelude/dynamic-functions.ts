// Functions and arithmetic of the endgame dialect over boxes, as docs/language.md#functions-of-endgame has them; what would raise
// an exception there is null. Positions count code points.

import {
  ARITHMETIC_ADD, ARITHMETIC_DIVIDE, ARITHMETIC_MULTIPLY, ARITHMETIC_SUBTRACT, BOX_ARRAY, BOX_BOOLEAN, BOX_FLOAT,
  BOX_INTEGER, BOX_LENGTH, BOX_OBJECT, BOX_STRING, BOX_TAG, BOX_VALUE, FORMAT_BYTES, TRUTH_NULL,
} from "../src/abi";
import {
  DIGIT_0, DOT, LOWER_A, LOWER_E, LOWER_F, LOWER_L, LOWER_R, LOWER_S, LOWER_T, LOWER_U, MINUS, PLUS, WORD_0X,
} from "../src/text/characters";
import { allocate, arenaFull, shrinkTo } from "./arena";
import { Text, addressOf, lengthOf, text } from "./bytes";
import { decimalOf, isDigit, letterOf } from "./characters";
import {
  NULL_BOX, elementCount, floatBox, integerBox, isText, keyCount, tagOf, textBox, textOf,
} from "./dynamic";
import {
  addOverflows, concat, endsWithText, longText, multiplyOverflows, originalOffset, startsWithText, subtractOverflows,
} from "./functions";
import { scanNumber, scannedDouble } from "./numbers";
import { formatDouble } from "./pack";
import { indexOfBytes, lastIndexOfBytes } from "./search";
import { foldedText, widthOf } from "./unicode";

@inline
function isNumber(box: usize): bool {
  const tag = tagOf(box);
  return tag == BOX_INTEGER || tag == BOX_FLOAT;
}

function doubleOf(box: usize): f64 {
  return load<u32>(box, BOX_TAG) == BOX_FLOAT ? load<f64>(box, BOX_VALUE) : (load<i64>(box, BOX_VALUE) as f64);
}

/** `+ - * / %` (ARITHMETIC_*): division floors, and a remainder has the sign of its divisor. */
export function boxArithmetic(a: usize, b: usize, op: u32): usize {
  if (!isNumber(a) || !isNumber(b)) return NULL_BOX;
  if (load<u32>(a, BOX_TAG) == BOX_FLOAT || load<u32>(b, BOX_TAG) == BOX_FLOAT) return doubles(doubleOf(a), doubleOf(b), op);
  const x = load<i64>(a, BOX_VALUE);
  const y = load<i64>(b, BOX_VALUE);
  switch (op) {
    case ARITHMETIC_ADD:
      return addOverflows(x, y) ? doubles(x as f64, y as f64, op) : integerBox(x + y);
    case ARITHMETIC_SUBTRACT:
      return subtractOverflows(x, y) ? doubles(x as f64, y as f64, op) : integerBox(x - y);
    case ARITHMETIC_MULTIPLY:
      return multiplyOverflows(x, y) ? doubles(x as f64, y as f64, op) : integerBox(x * y);
  }
  if (y == 0) return NULL_BOX;
  // The machine traps on the least i64 divided by -1.
  if (y == -1) {
    if (op != ARITHMETIC_DIVIDE) return integerBox(0);
    return x == i64.MIN_VALUE ? floatBox(9223372036854775808.0) : integerBox(-x);
  }
  const rest = x % y;
  const against = rest != 0 && (rest ^ y) < 0;
  if (op == ARITHMETIC_DIVIDE) return integerBox(x / y - (against ? 1 : 0));
  return integerBox(against ? rest + y : rest);
}

function doubles(x: f64, y: f64, op: u32): usize {
  switch (op) {
    case ARITHMETIC_ADD:
      return floatBox(x + y);
    case ARITHMETIC_SUBTRACT:
      return floatBox(x - y);
    case ARITHMETIC_MULTIPLY:
      return floatBox(x * y);
  }
  if (y == 0) return NULL_BOX;
  if (op == ARITHMETIC_DIVIDE) return floatBox(x / y);
  const rest = x % y;
  if (rest == 0) return floatBox(copysign<f64>(0, y));
  return floatBox((rest < 0) != (y < 0) ? rest + y : rest);
}

function foldedOf(box: usize): Text {
  return foldedText(load<u32>(box, BOX_VALUE), load<u32>(box, BOX_LENGTH));
}

/** Both strings are folded. */
export function boxStartsWith(a: usize, b: usize): i32 {
  if (!isText(a) || !isText(b)) return TRUTH_NULL;
  return startsWithText(textOf(a), textOf(b)) ? 1 : 0;
}

/** Both strings are folded. */
export function boxEndsWith(a: usize, b: usize): i32 {
  if (!isText(a) || !isText(b)) return TRUTH_NULL;
  return endsWithText(textOf(a), textOf(b)) ? 1 : 0;
}

/** Both strings are folded; false where another function would be null. */
export function boxContains(a: usize, b: usize): i32 {
  if (!isText(a) || !isText(b)) return 0;
  const t = textOf(a);
  const part = textOf(b);
  return indexOfBytes(addressOf(t), lengthOf(t), addressOf(part), lengthOf(part), 0) >= 0 ? 1 : 0;
}

/** What stands between `left` and, behind it, the first (greedy: last) `right`, which are folded; `box` is not. */
export function boxBetween(box: usize, left: usize, right: usize, greedy: i32): usize {
  if (!isText(box) || !isText(left) || !isText(right)) return NULL_BOX;
  const original = textOf(box);
  const hay = foldedOf(box);
  const a = textOf(left);
  const b = textOf(right);
  const start = indexOfBytes(addressOf(hay), lengthOf(hay), addressOf(a), lengthOf(a), 0);
  if (start < 0) return NULL_BOX;
  const from = (start as u32) + lengthOf(a);
  const to = greedy == 1
    ? lastIndexOfBytes(addressOf(hay), lengthOf(hay), addressOf(b), lengthOf(b), from)
    : indexOfBytes(addressOf(hay), lengthOf(hay), addressOf(b), lengthOf(b), from);
  if (to < 0) return NULL_BOX;
  const first = originalOffset(original, hay, from);
  return textBox(text(addressOf(original) + first, originalOffset(original, hay, to as u32) - first));
}

function codePoints(t: Text): i64 {
  let p = addressOf(t);
  const end = p + lengthOf(t);
  let count: i64 = 0;
  for (; p < end; p++) count += (load<u8>(p) & 0xc0) != 0x80 ? 1 : 0;
  return count;
}

/** Offset in bytes of the code point at `position`, which lies within the text or at its end. */
function offsetOf(t: Text, position: i64): u32 {
  const start = addressOf(t);
  let p = start;
  for (; position > 0; position--) p += widthOf(load<u8>(p));
  return (p - start) as u32;
}

/** A position: negative ones count from the end, and all are brought into the text. */
function clamped(position: i64, length: i64): i64 {
  if (position < 0) return max<i64>(0, position + length);
  return min<i64>(position, length);
}

/** Both strings are folded. */
export function boxIndexOf(a: usize, b: usize, start: usize): usize {
  if (!isText(a) || !isText(b)) return NULL_BOX;
  let from: i64 = 0;
  const t = textOf(a);
  if (start) {
    if (load<u32>(start, BOX_TAG) != BOX_INTEGER) return NULL_BOX;
    const length = codePoints(t);
    const asked = load<i64>(start, BOX_VALUE);
    if (asked > length) return NULL_BOX;
    from = clamped(asked, length);
  }
  const part = textOf(b);
  const found = indexOfBytes(addressOf(t), lengthOf(t), addressOf(part), lengthOf(part), offsetOf(t, from));
  return found < 0 ? NULL_BOX : integerBox(codePoints(text(addressOf(t), found as u32)));
}

export function boxLength(box: usize): usize {
  switch (tagOf(box)) {
    case BOX_STRING:
      return integerBox(codePoints(textOf(box)));
    case BOX_ARRAY:
      return integerBox(elementCount(load<u32>(box, BOX_VALUE)) as i64);
    case BOX_OBJECT:
      return integerBox(keyCount(load<u32>(box, BOX_VALUE)) as i64);
    default:
      return NULL_BOX;
  }
}

export function boxSubstring(box: usize, start: usize, end: usize): usize {
  if (!isText(box)) return NULL_BOX;
  if ((start && load<u32>(start, BOX_TAG) != BOX_INTEGER) || (end && load<u32>(end, BOX_TAG) != BOX_INTEGER)) return NULL_BOX;
  const t = textOf(box);
  const length = codePoints(t);
  const from = start ? clamped(load<i64>(start, BOX_VALUE), length) : 0;
  const to = end ? clamped(load<i64>(end, BOX_VALUE), length) : length;
  if (from >= to) return textBox(text(addressOf(t), 0));
  const first = offsetOf(t, from);
  return textBox(text(addressOf(t) + first, offsetOf(t, to) - first));
}

const TRUE_TEXT: usize = memory.data<u8>([LOWER_T as u8, LOWER_R as u8, LOWER_U as u8, LOWER_E as u8]);
const FALSE_TEXT: usize = memory.data<u8>([LOWER_F as u8, LOWER_A as u8, LOWER_L as u8, LOWER_S as u8, LOWER_E as u8]);

/** The value as text; arrays and objects have none. */
export function boxString(box: usize): usize {
  switch (tagOf(box)) {
    case BOX_STRING:
      return box;
    case BOX_BOOLEAN:
      return textBox(load<u64>(box, BOX_VALUE) ? text(TRUE_TEXT, 4) : text(FALSE_TEXT, 5));
    case BOX_INTEGER:
      return textBox(longText(load<i64>(box, BOX_VALUE)));
    case BOX_FLOAT:
      return textBox(floatText(load<f64>(box, BOX_VALUE)));
    default:
      return NULL_BOX;
  }
}

/** Joins two texts that boxString made. */
export function boxConcat(a: usize, b: usize): usize {
  return a && b ? textBox(concat(textOf(a), textOf(b))) : NULL_BOX;
}

const MOST_DIGITS: u32 = 32;

/** The shortest text that reads back as the same, laid out as Python does: an exponent below -4 or from 16 on. */
function floatText(value: f64): Text {
  const source = allocate(FORMAT_BYTES);
  const digits = allocate(MOST_DIGITS);
  const out = allocate(FORMAT_BYTES + MOST_DIGITS);
  if (arenaFull) return text(out, 0);
  const end = source + formatDouble(abs(value), source);
  // Significant digits, and the power of ten of the first.
  let count: u32 = 0;
  let power: i32 = -1;
  let point = false;
  let p = source;
  for (; p < end && load<u8>(p) != LOWER_E; p++) {
    const c = load<u8>(p);
    if (c == DOT) {
      point = true;
      continue;
    }
    if (count == 0 && c == DIGIT_0) {
      if (point) power--;
      continue;
    }
    if (!point) power++;
    store<u8>(digits + count, c);
    count++;
  }
  if (p < end) {
    p++;
    const down = load<u8>(p) == MINUS;
    if (down || load<u8>(p) == PLUS) p++;
    let exponent: i32 = 0;
    for (; p < end; p++) exponent = exponent * 10 + ((load<u8>(p) as i32) - DIGIT_0);
    power += down ? -exponent : exponent;
  }
  while (count > 1 && load<u8>(digits + count - 1) == DIGIT_0) count--;
  let q = out;
  if (value < 0 || reinterpret<i64>(value) < 0) q = put(q, MINUS);
  if (count == 0) return text(out, (putZero(q) - out) as u32);
  if (power >= -4 && power < 16) {
    if (power < 0) {
      q = put(put(q, DIGIT_0), DOT);
      for (let i = -1; i > power; i--) q = put(q, DIGIT_0);
    }
    for (let i: u32 = 0; i < count; i++) {
      if (i != 0 && (i as i32) == power + 1) q = put(q, DOT);
      q = put(q, load<u8>(digits + i));
    }
    for (let i = count as i32; i <= power; i++) q = put(q, DIGIT_0);
    if (power >= (count as i32) - 1) q = put(put(q, DOT), DIGIT_0);
    return text(out, (q - out) as u32);
  }
  q = put(q, load<u8>(digits));
  if (count > 1) q = put(q, DOT);
  for (let i: u32 = 1; i < count; i++) q = put(q, load<u8>(digits + i));
  q = put(put(q, LOWER_E), power < 0 ? MINUS : PLUS);
  const size = power < 0 ? -power : power;
  if (size >= 100) q = put(q, DIGIT_0 + size / 100);
  q = put(put(q, DIGIT_0 + ((size / 10) % 10)), DIGIT_0 + (size % 10));
  return text(out, (q - out) as u32);
}

@inline
function put(q: usize, c: u32): usize {
  store<u8>(q, c);
  return q + 1;
}

function putZero(q: usize): usize {
  return put(put(put(q, DIGIT_0), DOT), DIGIT_0);
}

/** The number that a text spells in a base; null when it spells none. */
export function boxNumber(box: usize, baseBox: usize): usize {
  if (!isText(box)) return NULL_BOX;
  if (baseBox && load<u32>(baseBox, BOX_TAG) != BOX_INTEGER) return NULL_BOX;
  const base: i64 = baseBox ? load<i64>(baseBox, BOX_VALUE) : 0;
  const p: usize = load<u32>(box, BOX_VALUE);
  const end = p + load<u32>(box, BOX_LENGTH);
  if ((!baseBox || base == 10) && points(p, end) == 1) return decimal(p, end);
  const hex = end - p >= 2 && load<u16>(p) == WORD_0X;
  if (hex && (!baseBox || base == 16)) return digitsBox(p + 2, end, 16, false);
  const sign: u32 = p < end ? load<u8>(p) : 0;
  const start = sign == PLUS || sign == MINUS ? p + 1 : p;
  for (let q = start; q < end; q++) if (!isDigit(load<u8>(q))) return NULL_BOX;
  const radix: i64 = base == 0 ? 10 : base;
  return radix < 2 || radix > 36 ? NULL_BOX : digitsBox(start, end, radix as u32, sign == MINUS);
}

function points(p: usize, end: usize): u32 {
  let count: u32 = 0;
  for (; p < end; p++) count += load<u8>(p) == DOT ? 1 : 0;
  return count;
}

@inline
function digitsEnd(p: usize, end: usize): usize {
  while (p < end && isDigit(load<u8>(p))) p++;
  return p;
}

/** A decimal number with one point, which may stand first or last. */
function decimal(p: usize, end: usize): usize {
  const out = allocate(((end - p) as u32) + 16);
  if (arenaFull) return NULL_BOX;
  let q = out;
  if (p < end && (load<u8>(p) == PLUS || load<u8>(p) == MINUS)) {
    if (load<u8>(p) == MINUS) q = put(q, MINUS);
    p++;
  }
  const whole = digitsEnd(p, end);
  if (whole >= end || load<u8>(whole) != DOT) return NULL_BOX;
  const fraction = digitsEnd(whole + 1, end);
  if (whole == p && fraction == whole + 1) return NULL_BOX;
  // The scanner wants digits on both sides of the point.
  if (whole == p) q = put(q, DIGIT_0);
  memory.copy(q, p, fraction - p);
  q += fraction - p;
  if (fraction == whole + 1) q = put(q, DIGIT_0);
  memory.copy(q, fraction, end - fraction);
  q += end - fraction;
  shrinkTo(q);
  if (scanNumber(out, q, true) != q) return NULL_BOX;
  return floatBox(scannedDouble(out, q));
}

/** More significant digits than this are beyond every double, whatever the base. */
const MOST_PLACES: usize = 1100;
/** Of the words that a long number is summed up in. */
const WORD_BYTES: u32 = 4;

function digitValue(c: u32): u32 {
  return isDigit(c) ? decimalOf(c) : letterOf(c) < 26 ? letterOf(c) + 10 : 99;
}

/** The integer that digits spell; beyond i64 the nearest double. */
function digitsBox(p: usize, end: usize, base: u32, negative: bool): usize {
  if (p >= end) return NULL_BOX;
  for (let q = p; q < end; q++) if (digitValue(load<u8>(q)) >= base) return NULL_BOX;
  while (p < end && load<u8>(p) == DIGIT_0) p++;
  if (end - p > MOST_PLACES) return NULL_BOX;
  // Words of 32 bits, the least first; a digit of base 36 takes less than six bits.
  const most = (((end - p) * 6) >> 5) + 3;
  const words = allocate(most * WORD_BYTES);
  if (arenaFull) return NULL_BOX;
  memory.fill(words, 0, most * WORD_BYTES);
  let count: u32 = 0;
  for (; p < end; p++) {
    let carry: u64 = digitValue(load<u8>(p));
    for (let i: u32 = 0; i < count; i++) {
      carry += (load<u32>(words + i * WORD_BYTES) as u64) * base;
      store<u32>(words + i * WORD_BYTES, carry as u32);
      carry >>= 32;
    }
    if (carry) {
      store<u32>(words + count * WORD_BYTES, carry as u32);
      count++;
    }
  }
  const low = load<u64>(words);
  if (count <= 2) {
    if (low <= 0x7fffffffffffffff) return integerBox(negative ? 0 - (low as i64) : (low as i64));
    if (negative && low == 0x8000000000000000) return integerBox(i64.MIN_VALUE);
  }
  // `head` takes the upper 64 bits. Its lowest bit is set as well when any bit below is lost, so that it rounds to a
  // double as the whole number would.
  const top = load<u32>(words + (count - 1) * WORD_BYTES);
  const shift = clz(top);
  const bits = count * 32 - shift;
  let head: u64 = 0;
  for (let i: u32 = 0; i < 3 && i < count; i++) {
    const word = load<u32>(words + (count - 1 - i) * WORD_BYTES) as u64;
    const place = 64 - 32 + (shift as i32) - ((i * 32) as i32);
    head |= place >= 0 ? word << (place as u64) : word >> (-place as u64);
  }
  let lost = false;
  if (count >= 3) {
    // The bits of the third word that `head` had no room for, and all words below.
    const third = load<u32>(words + (count - 3) * WORD_BYTES);
    lost = (third & ((((1 as u64) << (32 - shift)) - 1) as u32)) != 0;
    for (let i: u32 = 0; i + 3 < count && !lost; i++) lost = load<u32>(words + i * WORD_BYTES) != 0;
  }
  if (lost) head |= 1;
  let double = head as f64;
  for (let i = (bits as i32) - 64; i > 0; i--) double *= 2;
  return floatBox(negative ? -double : double);
}
