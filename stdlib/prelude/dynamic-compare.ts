// Comparing boxes. Results are truths (0, 1, or 2 for null). Strings arrive folded at boxEquals, boxOrder and boxIn, where
// generated code folds constants ahead of time; `same`, which also looks inside arrays, folds what it meets.

import {
  BOX_ARRAY, BOX_BOOLEAN, BOX_BYTES, BOX_FLOAT, BOX_INTEGER, BOX_LENGTH, BOX_OBJECT, BOX_STRING, BOX_TAG, BOX_VALUE,
  CONSTANT_LIST_BOXES, CONSTANT_LIST_COUNT, CONSTANT_LIST_LENGTHS, CONSTANT_LIST_LONGEST, CONSTANT_LIST_MASK,
  CONSTANT_LIST_TABLE, FORMAT_BYTES, KEY_COUNT, KEY_HEADER_BYTES, KEY_OPTIONAL, KEY_TEXT_LENGTH, KEY_TEXT_PADDING,
  KEY_TEXT_START, KEY_TYPE, LENGTHS_MASK, ORDER_GREATER, SYMBOL_ENTRY_ADDRESS, SYMBOL_ENTRY_BYTES, SYMBOL_ENTRY_HASH,
  SYMBOL_ENTRY_LENGTH, SYMBOL_ENTRY_SYMBOL, TRUTH_NULL, TYPE_BOOLEAN, TYPE_DOUBLE, TYPE_KEYWORD, TYPE_LONG, TYPE_RAW,
  VALUE_BYTES,
} from "../src/abi";
import {
  BACKSLASH, BRACKET_CLOSE, BRACKET_OPEN, COMMA, DIGIT_0, LOWER_A, LOWER_U, QUOTE, WORD_NULL,
} from "../src/text/characters";
import { allocate, arenaFull, mark, release, shrinkTo } from "./arena";
import { Text, addressOf, bytesEqual, compareBytes, copyText, hashText, lengthOf } from "./bytes";
import { isControl } from "./characters";
import { elementBox, elementsOf, firstElement, foldBox, nextElement, tagOf, textOf } from "./dynamic";
import { longText } from "./functions";
import { addressIn } from "./match";
import { formatDouble } from "./pack";

/** 2^63, the least double beyond i64. */
const BEYOND_LONG: f64 = 9223372036854775808.0;

@inline
function isNumber(tag: u32): bool {
  return tag == BOX_INTEGER || tag == BOX_FLOAT;
}

/** Exact, without rounding the integer to a double. */
function compareLongDouble(a: i64, b: f64): i32 {
  if (b >= BEYOND_LONG) return -1;
  if (b < -BEYOND_LONG) return 1;
  const whole = trunc(b);
  const long = whole as i64;
  if (a != long) return a < long ? -1 : 1;
  return b > whole ? -1 : b < whole ? 1 : 0;
}

/** Less than, equal to or greater than 0, of two boxes that hold numbers or booleans. */
function compareNumbers(a: usize, b: usize): i32 {
  const x = load<i64>(a, BOX_VALUE);
  const y = load<i64>(b, BOX_VALUE);
  if (load<u32>(a, BOX_TAG) == BOX_FLOAT) {
    const double = load<f64>(a, BOX_VALUE);
    if (load<u32>(b, BOX_TAG) != BOX_FLOAT) return -compareLongDouble(y, double);
    const other = load<f64>(b, BOX_VALUE);
    return double < other ? -1 : double > other ? 1 : 0;
  }
  if (load<u32>(b, BOX_TAG) == BOX_FLOAT) return compareLongDouble(x, load<f64>(b, BOX_VALUE));
  return x < y ? -1 : x > y ? 1 : 0;
}

function textsEqual(a: Text, b: Text): bool {
  return lengthOf(a) == lengthOf(b) && bytesEqual(addressOf(a), addressOf(b), lengthOf(a));
}

/** `==` of two values whose strings are folded. */
export function boxEquals(a: usize, b: usize): i32 {
  const x = tagOf(a);
  const y = tagOf(b);
  if (!x || !y) return TRUTH_NULL;
  if (x == BOX_STRING && y == BOX_STRING) return textsEqual(textOf(a), textOf(b)) ? 1 : 0;
  if (isNumber(x) && isNumber(y)) return compareNumbers(a, b) == 0 ? 1 : 0;
  if (x != y || x == BOX_OBJECT) return TRUTH_NULL;
  if (x == BOX_ARRAY) return sameArrays(a, b) ? 1 : 0;
  return load<u64>(a, BOX_VALUE) == load<u64>(b, BOX_VALUE) ? 1 : 0;
}

/** `<`, `<=`, `>`, `>=` (ORDER_*) of two values whose strings are folded. */
export function boxOrder(a: usize, b: usize, op: u32): i32 {
  const x = tagOf(a);
  const y = tagOf(b);
  let order: i32;
  if (x == BOX_STRING && y == BOX_STRING) {
    const s = textOf(a);
    const t = textOf(b);
    order = compareBytes(addressOf(s), lengthOf(s), addressOf(t), lengthOf(t));
  } else if ((isNumber(x) && isNumber(y)) || (x == BOX_BOOLEAN && y == BOX_BOOLEAN)) order = compareNumbers(a, b);
  else return TRUTH_NULL;
  if (order == 0) return op & 1;
  return (order < 0) == op < (ORDER_GREATER as u32) ? 1 : 0;
}

/** Whether two values are one as keys and members are: true is 1, and an object is null. */
export function same(a: usize, b: usize): bool {
  let x = tagOf(a);
  let y = tagOf(b);
  if (x == BOX_OBJECT) x = 0;
  if (y == BOX_OBJECT) y = 0;
  if (!x || !y) return x == y;
  if (x == BOX_STRING || y == BOX_STRING) {
    if (x != y || !mayFoldAlike(load<u32>(a, BOX_LENGTH), load<u32>(b, BOX_LENGTH))) return false;
    const s = foldBox(a);
    const t = foldBox(b);
    return s != 0 && t != 0 && textsEqual(textOf(s), textOf(t));
  }
  if (x == BOX_ARRAY || y == BOX_ARRAY) return x == y && sameArrays(a, b);
  return compareNumbers(a, b) == 0;
}

/** Folding makes a text longer by half at most and never leaves less than a third: most texts need not even be folded. */
@inline
function mayFoldAlike(a: u32, b: u32): bool {
  return a <= b * 5 && b <= a * 5;
}

function sameArrays(a: usize, b: usize): bool {
  let p = elementsOf(a);
  let q = elementsOf(b);
  const start = mark();
  while (p && q) {
    const equal = same(elementBox(p), elementBox(q));
    release(start);
    if (!equal || arenaFull) return false;
    p = nextElement(p);
    q = nextElement(q);
  }
  return p == q;
}

/** `in` over constants; a string is folded. */
export function boxIn(box: usize, list: usize): i32 {
  const tag = tagOf(box);
  if (!tag) return TRUTH_NULL;
  if (tag == BOX_STRING) return textIn(textOf(box), list) ? 1 : 0;
  if (tag == BOX_ARRAY || tag == BOX_OBJECT) return 0;
  let p: usize = load<u32>(list, CONSTANT_LIST_BOXES);
  for (let n = load<u32>(list, CONSTANT_LIST_COUNT); n; n--) {
    if (compareNumbers(box, p) == 0) return 1;
    p += BOX_BYTES;
  }
  return 0;
}

function textIn(t: Text, list: usize): bool {
  const length = lengthOf(t);
  if (length > load<u32>(list, CONSTANT_LIST_LONGEST)) return false;
  if (!((load<u32>(list, CONSTANT_LIST_LENGTHS) >> (length & LENGTHS_MASK)) & 1)) return false;
  const table: usize = load<u32>(list, CONSTANT_LIST_TABLE);
  const bits = load<u32>(list, CONSTANT_LIST_MASK);
  const hash = hashText(addressOf(t), length);
  let at = hash & bits;
  while (true) {
    const entry = table + ((at as usize) * SYMBOL_ENTRY_BYTES);
    if (load<u32>(entry, SYMBOL_ENTRY_SYMBOL) == 0) return false;
    if (
      load<u32>(entry, SYMBOL_ENTRY_HASH) == hash && load<u32>(entry, SYMBOL_ENTRY_LENGTH) == length &&
      bytesEqual(load<u32>(entry, SYMBOL_ENTRY_ADDRESS), addressOf(t), length)
    ) {
      return true;
    }
    at = (at + 1) & bits;
  }
}

/** Whether the array has an element that is the value; null when it is no array. */
export function boxHas(array: usize, value: usize): i32 {
  if (tagOf(array) != BOX_ARRAY) return TRUTH_NULL;
  if (tagOf(value) == BOX_ARRAY) return hasArray(array, value) ? 1 : 0;
  const start = mark();
  for (let p = elementsOf(array); p && !arenaFull; p = nextElement(p)) {
    const found = same(elementBox(p), value);
    release(start);
    if (found) return 1;
  }
  return 0;
}

/** A canonical text is at most so many times as long: a control character is written with six, and folding adds half to a text. */
const CANONICAL_GROWTH: u32 = 10;

/**
 * Whether the array has an element that is the array `value`, whose canonical text is written once: element by element, a long
 * one at its beginning would be read again for each of many short arrays.
 */
function hasArray(array: usize, value: usize): bool {
  const start = mark();
  const room = load<u32>(value, BOX_LENGTH) * CANONICAL_GROWTH;
  const wanted = allocate(room);
  if (arenaFull) return false;
  const length = (writeArray(load<u32>(value, BOX_VALUE), wanted, wanted + room) - wanted) as u32;
  if (arenaFull) return false;
  shrinkTo(wanted + length);
  const own = allocate(length);
  let found = false;
  const behind = mark();
  for (let p = elementsOf(array); p && !found && !arenaFull; p = nextElement(p)) {
    if (load<u8>(p) != BRACKET_OPEN) continue;
    const stop = writeArray(p, own, own + length);
    found = stop == own + length && bytesEqual(own, wanted, length);
    release(behind);
  }
  release(start);
  return found && !arenaFull;
}

/** `cidrMatch`: false for what is no address. */
export function boxAddressIn(box: usize, ranges: usize, count: u32): i32 {
  return tagOf(box) == BOX_STRING && addressIn(textOf(box), ranges, count) ? 1 : 0;
}

// Keys, in the layout of the output region (stdlib/src/abi.ts). `fold` writes a key so that two are equal exactly when the
// values are the same: strings folded, booleans as 1 and 0, an array as a canonical JSON text, an object as null. Without
// it the value stays as it is.

/** Writes a key at `q` and returns the address behind it, or 0 when it does not fit before `end`. */
export function writeBoxKey(box: usize, fold: bool, q: usize, end: usize): usize {
  const tag = tagOf(box);
  if (!tag || (fold && tag == BOX_OBJECT)) return header(TYPE_KEYWORD, 0, q, end);
  if (tag == BOX_STRING || tag == BOX_OBJECT || (tag == BOX_ARRAY && !fold)) {
    const value = fold ? foldBox(box) : box;
    if (!value) return 0;
    const t = textOf(value);
    q = header(tag == BOX_STRING ? TYPE_KEYWORD : TYPE_RAW, 1, q, end);
    const padded = (lengthOf(t) + KEY_TEXT_PADDING) & ~KEY_TEXT_PADDING;
    if (!q || q + KEY_TEXT_START + padded > end) return 0;
    writeKeyText(q, addressOf(t), lengthOf(t));
    return q + KEY_TEXT_START + padded;
  }
  if (tag == BOX_ARRAY) {
    q = header(TYPE_RAW, 1, q, end);
    if (!q || q + KEY_TEXT_START > end) return 0;
    const stop = writeArray(load<u32>(box, BOX_VALUE), q + KEY_TEXT_START, end);
    if (!stop) return 0;
    const length = (stop - q - KEY_TEXT_START) as u32;
    store<u32>(q, length, KEY_TEXT_LENGTH);
    const padded = q + KEY_TEXT_START + ((length + KEY_TEXT_PADDING) & ~KEY_TEXT_PADDING);
    if (padded > end) return 0;
    for (let p = stop; p < padded; p++) store<u8>(p, 0);
    return padded;
  }
  const type = tag == BOX_FLOAT ? TYPE_DOUBLE : tag == BOX_BOOLEAN && !fold ? TYPE_BOOLEAN : TYPE_LONG;
  q = header(type, 1, q, end);
  if (!q || q + VALUE_BYTES > end) return 0;
  store<u64>(q, load<u64>(box, BOX_VALUE));
  return q + VALUE_BYTES;
}

/** Writes a text of a key at `q`, with zeros to the next word; what stands behind that is meaningless. */
export function writeKeyText(q: usize, address: usize, length: u32): void {
  store<u32>(q, length, KEY_TEXT_LENGTH);
  copyText(q + KEY_TEXT_START, address, length);
  const rest = length & KEY_TEXT_PADDING;
  if (!rest) return;
  const last = q + KEY_TEXT_START + (length - rest);
  store<u32>(last, load<u32>(last) & ((1 << (rest << 3)) - 1));
}

function header(type: u32, count: u32, q: usize, end: usize): usize {
  if (q + KEY_HEADER_BYTES > end) return 0;
  store<u32>(q, type | KEY_OPTIONAL, KEY_TYPE);
  store<u32>(q, count, KEY_COUNT);
  return q + KEY_HEADER_BYTES;
}

function writeByte(c: u32, q: usize, end: usize): usize {
  if (!q || q >= end) return 0;
  store<u8>(q, c);
  return q + 1;
}

function writeText(t: Text, q: usize, end: usize): usize {
  if (!q || q + lengthOf(t) > end) return 0;
  memory.copy(q, addressOf(t), lengthOf(t));
  return q + lengthOf(t);
}

function writeArray(p: usize, q: usize, end: usize): usize {
  q = writeByte(BRACKET_OPEN, q, end);
  let first = true;
  const start = mark();
  for (let at = firstElement(p); at && q && !arenaFull; at = nextElement(at)) {
    if (!first) q = writeByte(COMMA, q, end);
    first = false;
    q = writeElement(elementBox(at), q, end);
    release(start);
  }
  return writeByte(BRACKET_CLOSE, q, end);
}

function writeElement(box: usize, q: usize, end: usize): usize {
  switch (tagOf(box)) {
    case BOX_BOOLEAN:
    case BOX_INTEGER:
      return writeText(longText(load<i64>(box, BOX_VALUE)), q, end);
    case BOX_FLOAT:
      return writeDouble(load<f64>(box, BOX_VALUE), q, end);
    case BOX_STRING:
      return writeQuoted(foldBox(box), q, end);
    case BOX_ARRAY:
      return writeArray(load<u32>(box, BOX_VALUE), q, end);
    default: {
      for (let i = 0; i < 4; i++) q = writeByte(WORD_NULL >> (i << 3), q, end);
      return q;
    }
  }
}

function writeDouble(value: f64, q: usize, end: usize): usize {
  if (value == trunc(value) && value >= -BEYOND_LONG && value < BEYOND_LONG) {
    return writeText(longText(value as i64), q, end);
  }
  const out = allocate(FORMAT_BYTES);
  if (arenaFull) return 0;
  return writeText(((out as u64) << 32) | (formatDouble(value, out) as u64), q, end);
}

function writeQuoted(box: usize, q: usize, end: usize): usize {
  if (!box) return 0;
  q = writeByte(QUOTE, q, end);
  let p: usize = load<u32>(box, BOX_VALUE);
  const stop = p + load<u32>(box, BOX_LENGTH);
  for (; p < stop && q; p++) {
    const c: u32 = load<u8>(p);
    if (!isControl(c)) {
      if (c == QUOTE || c == BACKSLASH) q = writeByte(BACKSLASH, q, end);
      q = writeByte(c, q, end);
      continue;
    }
    q = writeByte(BACKSLASH, q, end);
    q = writeByte(LOWER_U, q, end);
    q = writeByte(DIGIT_0, q, end);
    q = writeByte(DIGIT_0, q, end);
    q = writeByte(DIGIT_0 + (c >> 4), q, end);
    q = writeByte((c & 15) < 10 ? DIGIT_0 + (c & 15) : LOWER_A - 10 + (c & 15), q, end);
  }
  return writeByte(QUOTE, q, end);
}
