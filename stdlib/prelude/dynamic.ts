// Values of the endgame dialect as boxes (layout: BOX_* in stdlib/src/abi.ts), and JSON text to boxes, on demand.
// The decoder hands over the JSON text of whole top-level values; what a path leads to inside is found here.
// INVARIANT: in a full arena nothing new is a box: every function that makes one gives null instead, because what stands in
// the overflow region is overwritten. The event is given up anyway.
// INVARIANT: text that is not JSON reads as null, and no scan leaves the line.

import {
  BOX_ARRAY, BOX_BOOLEAN, BOX_BYTES, BOX_FLOAT, BOX_INTEGER, BOX_KEY, BOX_LENGTH, BOX_OBJECT, BOX_STRING, BOX_TAG,
  BOX_VALUE, PATH_STEP_BYTES, PATH_STEP_FOLDED, PATH_STEP_FOLDED_LENGTH, PATH_STEP_INDEX, PATH_STEP_KEY,
  PATH_STEP_KEY_LENGTH, SLOT_COUNT, TRUTH_NULL, VALUE_ADDRESS, VALUE_LENGTH,
} from "../src/abi";
import {
  BRACE_CLOSE, BRACE_OPEN, BRACKET_CLOSE, BRACKET_OPEN, COLON, COMMA, LOWER_F, LOWER_T, QUOTE, WORD_ALSE, WORD_TRUE,
} from "../src/text/characters";
import { allocate, arenaFull } from "./arena";
import { TEXT_BYTES, Text, addressOf, bytesEqual, hashBytes, lengthOf, text } from "./bytes";
import { integerValue, isInteger, scanNumber, scannedDouble } from "./numbers";
import { sawEscape, skipSpace, skipValue, stringEnd } from "./scan";
import { valuesOf } from "./slots";
import { foldedText, jsonText, textStop, unescaped } from "./unicode";

export const NULL_BOX: usize = 0;
// Two boxes, as words of 8 bytes: the tag BOX_BOOLEAN with length 0, and the value.
const FALSE_BOX: usize = memory.data<u64>([BOX_BOOLEAN, 0]);
const TRUE_BOX: usize = memory.data<u64>([BOX_BOOLEAN, 1]);

function newBox(tag: u32, length: u32, value: u64): usize {
  const box = allocate(BOX_BYTES);
  if (arenaFull) return NULL_BOX;
  store<u32>(box, tag, BOX_TAG);
  store<u32>(box, length, BOX_LENGTH);
  store<u64>(box, value, BOX_VALUE);
  return box;
}

@inline
export function tagOf(box: usize): u32 {
  return box ? load<u32>(box, BOX_TAG) : 0;
}

@inline
export function isText(box: usize): bool {
  return tagOf(box) == BOX_STRING;
}

/** 1 when the box holds a string, for generated code. */
export function boxIsText(box: usize): bool {
  return isText(box);
}

/** The text of a box that holds a string, or the JSON text of an array or object. */
@inline
export function textOf(box: usize): Text {
  return text(load<u32>(box, BOX_VALUE), load<u32>(box, BOX_LENGTH));
}

export function boxText(box: usize): Text {
  return textOf(box);
}

export function textBox(t: Text): usize {
  return newBox(BOX_STRING, lengthOf(t), addressOf(t) as u64);
}

export function integerBox(value: i64): usize {
  return newBox(BOX_INTEGER, 0, value as u64);
}

/** A float that is not finite is null. */
export function floatBox(value: f64): usize {
  return isFinite(value) ? newBox(BOX_FLOAT, 0, reinterpret<u64>(value)) : NULL_BOX;
}

export function truthBox(truth: i32): usize {
  return truth == TRUTH_NULL ? NULL_BOX : truth ? TRUE_BOX : FALSE_BOX;
}

/** Address of the first byte inside of the container, past white space. */
@inline
export function insideOf(p: usize): usize {
  return skipSpace(p + 1);
}

/** The truth of any value: null, or whether it is something other than false, zero or empty. */
export function boxTruth(box: usize): i32 {
  switch (tagOf(box)) {
    case 0:
      return TRUTH_NULL;
    case BOX_BOOLEAN:
    case BOX_INTEGER:
      return load<i64>(box, BOX_VALUE) != 0 ? 1 : 0;
    case BOX_FLOAT:
      return load<f64>(box, BOX_VALUE) != 0 ? 1 : 0;
    case BOX_STRING:
      return load<u32>(box, BOX_LENGTH) ? 1 : 0;
    default: {
      const c = load<u8>(insideOf(load<u32>(box, BOX_VALUE)));
      return c != BRACKET_CLOSE && c != BRACE_CLOSE ? 1 : 0;
    }
  }
}

/** A string folded, anything else as it is. */
export function foldBox(box: usize): usize {
  if (!isText(box)) return box;
  return textBox(foldedText(load<u32>(box, BOX_VALUE), load<u32>(box, BOX_LENGTH)));
}

/** The box of the JSON value that stands in `[p, end)`. */
export function jsonBox(p: usize, end: usize): usize {
  const c = load<u8>(p);
  if (c == QUOTE) {
    const t = jsonText(p + 1);
    return textStop ? textBox(t) : NULL_BOX;
  }
  if (c == BRACKET_OPEN || c == BRACE_OPEN) return newBox(c == BRACKET_OPEN ? BOX_ARRAY : BOX_OBJECT, (end - p) as u32, p as u64);
  const length = end - p;
  if (c == LOWER_T) return length == 4 && load<u32>(p) == WORD_TRUE ? TRUE_BOX : NULL_BOX;
  if (c == LOWER_F) return length == 5 && load<u32>(p + 1) == WORD_ALSE ? FALSE_BOX : NULL_BOX;
  if (scanNumber(p, end, false) != end) return NULL_BOX;
  return isInteger ? integerBox(integerValue) : floatBox(scannedDouble(p, end));
}

/** Set by memberAt: address behind the value that it found. */
let valueEnd: usize = 0;

/** Whether the key whose opening quote stands at `p` is the given one; keyEnd is then the closing quote, 0 if there is none. */
let keyEnd: usize = 0;
function keyIs(p: usize, key: usize, length: u32): bool {
  keyEnd = stringEnd(p + 1);
  if (!keyEnd) return false;
  if (sawEscape) {
    const t = unescaped(p + 1);
    return textStop != 0 && lengthOf(t) == length && bytesEqual(addressOf(t), key, length);
  }
  return keyEnd - p - 1 == (length as usize) && bytesEqual(p + 1, key, length);
}

/** Address of the value of the first member with that key in the object at `p`, or 0. */
function memberAt(p: usize, key: usize, length: u32): usize {
  p = insideOf(p);
  while (load<u8>(p) == QUOTE) {
    const found = keyIs(p, key, length);
    if (!keyEnd) return 0;
    p = skipSpace(keyEnd + 1);
    if (load<u8>(p) != COLON) return 0;
    p = skipSpace(p + 1);
    const end = skipValue(p, 0);
    if (!end) return 0;
    if (found) {
      valueEnd = end;
      return p;
    }
    p = skipSpace(end);
    if (load<u8>(p) != COMMA) return 0;
    p = skipSpace(p + 1);
  }
  return 0;
}

/** Address of the first element of the array at `p`, or 0. */
export function firstElement(p: usize): usize {
  p = insideOf(p);
  return load<u8>(p) == BRACKET_CLOSE ? 0 : p;
}

/** Address of the element behind the one at `p`, or 0. */
export function nextElement(p: usize): usize {
  p = skipValue(p, 0);
  if (!p) return 0;
  p = skipSpace(p);
  return load<u8>(p) == COMMA ? skipSpace(p + 1) : 0;
}

/** Address of the first element when the box holds an array, else 0; for generated loops. */
export function elementsOf(box: usize): usize {
  return tagOf(box) == BOX_ARRAY ? firstElement(load<u32>(box, BOX_VALUE)) : 0;
}

/** The box of the element at `p`. */
export function elementBox(p: usize): usize {
  const end = skipValue(p, 0);
  return end ? jsonBox(p, end) : NULL_BOX;
}

/** Follows `steps` path steps from the JSON value in `[p, end)`. */
function walk(p: usize, end: usize, path: usize, steps: u32): usize {
  for (; steps; steps--) {
    const index = load<u32>(path, PATH_STEP_INDEX);
    const c = load<u8>(p);
    if (index == BOX_KEY) {
      if (c == QUOTE) {
        const t = jsonText(p + 1);
        return textStop ? wordBox(t, path, steps) : NULL_BOX;
      }
      if (c != BRACE_OPEN) return NULL_BOX;
      p = memberAt(p, load<u32>(path, PATH_STEP_KEY), load<u32>(path, PATH_STEP_KEY_LENGTH));
      if (!p) return NULL_BOX;
      end = valueEnd;
    } else {
      if (c != BRACKET_OPEN) return NULL_BOX;
      p = firstElement(p);
      for (let i: u32 = 0; i < index && p; i++) p = nextElement(p);
      if (!p) return NULL_BOX;
      end = skipValue(p, 0);
      if (!end) return NULL_BOX;
    }
    path += PATH_STEP_BYTES;
  }
  return jsonBox(p, end);
}

/** `field.word` where the field holds a string: whether the string is that word. `field.word.more` is null. */
function wordBox(t: Text, path: usize, steps: u32): usize {
  if (steps != 1) return NULL_BOX;
  const folded = foldedText(addressOf(t), lengthOf(t));
  const length = load<u32>(path, PATH_STEP_FOLDED_LENGTH);
  const same = lengthOf(folded) == length && bytesEqual(addressOf(folded), load<u32>(path, PATH_STEP_FOLDED), length);
  return arenaFull ? NULL_BOX : truthBox(same ? 1 : 0);
}

/** What a path leads to from the value of a raw slot. Of repeated keys the first counts. */
export function fieldBox(slot: usize, path: usize, steps: u32): usize {
  if (!load<u32>(slot, SLOT_COUNT)) return NULL_BOX;
  const value = valuesOf(slot);
  const p: usize = load<u32>(value, VALUE_ADDRESS);
  return walk(p, p + load<u32>(value, VALUE_LENGTH), path, steps);
}

/** What a path leads to from a value at hand. */
export function walkBox(box: usize, path: usize, steps: u32): usize {
  switch (tagOf(box)) {
    case BOX_STRING:
      return load<u32>(path, PATH_STEP_INDEX) == BOX_KEY ? wordBox(textOf(box), path, steps) : NULL_BOX;
    case BOX_ARRAY:
    case BOX_OBJECT: {
      const p: usize = load<u32>(box, BOX_VALUE);
      return walk(p, p + load<u32>(box, BOX_LENGTH), path, steps);
    }
    default:
      return NULL_BOX;
  }
}

/** How many elements the array at `p` has. */
export function elementCount(p: usize): u32 {
  let count: u32 = 0;
  for (let at = firstElement(p); at; at = nextElement(at)) count++;
  return count;
}

/** How many distinct keys the object at `p` has. */
export function keyCount(p: usize): u32 {
  const bound = load<u8>(insideOf(p)) == QUOTE ? membersBound(p) : 0;
  if (bound < 2) return bound;
  let size: u32 = 4;
  while (size < bound * 2) size *= 2;
  const table = allocate(size * TEXT_BYTES);
  if (arenaFull) return 0;
  memory.fill(table, 0, size * TEXT_BYTES);
  let count: u32 = 0;
  p = insideOf(p);
  while (load<u8>(p) == QUOTE) {
    const end = stringEnd(p + 1);
    if (!end) return count;
    let key = text(p + 1, (end - p - 1) as u32);
    if (sawEscape) key = unescaped(p + 1);
    if (addKey(table, size - 1, key)) count++;
    p = skipSpace(end + 1);
    if (load<u8>(p) != COLON) return count;
    p = skipValue(skipSpace(p + 1), 0);
    if (!p) return count;
    p = skipSpace(p);
    if (load<u8>(p) != COMMA) return count;
    p = skipSpace(p + 1);
  }
  return count;
}

/** How many members the object at `p` has, repeated keys included. */
function membersBound(p: usize): u32 {
  let count: u32 = 0;
  p = insideOf(p);
  while (load<u8>(p) == QUOTE) {
    const end = stringEnd(p + 1);
    if (!end) return count;
    count++;
    p = skipSpace(end + 1);
    if (load<u8>(p) != COLON) return count;
    p = skipValue(skipSpace(p + 1), 0);
    if (!p) return count;
    p = skipSpace(p);
    if (load<u8>(p) != COMMA) return count;
    p = skipSpace(p + 1);
  }
  return count;
}

/** Adds a key to a table of texts; false when it stands there already. */
function addKey(table: usize, mask: u32, key: Text): bool {
  let at = hashBytes(addressOf(key), lengthOf(key)) & mask;
  while (true) {
    const entry = table + ((at * TEXT_BYTES) as usize);
    const known = load<u64>(entry);
    if (!known) {
      store<u64>(entry, key);
      return true;
    }
    if (lengthOf(known) == lengthOf(key) && bytesEqual(addressOf(known), addressOf(key), lengthOf(key))) return false;
    at = (at + 1) & mask;
  }
}

/** The element loops of one question take at most `limit` steps together; see COMBINATION_LIMIT. */
let stepsLeft: i32 = 0;

export function startSteps(limit: i32): void {
  stepsLeft = limit;
}

/** False when no step is left. */
export function takeStep(): bool {
  stepsLeft--;
  return stepsLeft >= 0;
}

export function stepsHeld(): bool {
  return stepsLeft >= 0;
}
