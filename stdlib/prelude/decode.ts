// One line of NDJSON to the slots of the pack's fields; everything else in the line is passed over.
// A value goes where its path leads in the path table, whether the path is written nested, dotted, or mixed. Values of the
// same path gather in document order, through arrays and repeated keys alike.

import {
  BLOCK_BYTES, BROKEN_DEPTH, BROKEN_NOT_OBJECT, BROKEN_SIZE, BROKEN_SYNTAX, CONTROL_BASE, CONTROL_MALFORMED, CONTROL_REPLACED,
  DEPTH_LIMIT, ELEMENT_PATH_ENTRY, ELEMENT_SLOTS, ELEMENT_SLOTS_END, PATH_ENTRY_BYTES, PATH_ENTRY_CHILD, PATH_ENTRY_KEY,
  PATH_ENTRY_KEY_LENGTH, PATH_ENTRY_NODE, PATH_ENTRY_SLOT, PATH_ENTRY_START, PATH_ENTRY_TYPE, PATH_FREE, PATH_TYPE_BITS,
  READING_BYTES, READING_SLOT, READING_TYPE, SLOT_BYTES, SLOT_COUNT, TYPE_BOOLEAN, TYPE_DATE, TYPE_DOUBLE,
  TYPE_KEYWORD, TYPE_LONG, TYPE_OBJECT, TYPE_RAW, TYPE_TIEBREAKER, TYPE_TIME,
} from "../src/abi";
import {
  BRACE_CLOSE, BRACE_OPEN, BRACKET_CLOSE, BRACKET_OPEN, COLON, COMMA, DOT, LINE_FEED, LOWER_F, LOWER_N, LOWER_T, QUOTE, WORD_ALSE,
  WORD_NULL, WORD_TRUE,
} from "../src/text/characters";
import { arenaFull } from "./arena";
import { Text, addressOf, bytesEqual, lengthOf, text } from "./bytes";
import { isBlank } from "./characters";
import { followEvent } from "./follow";
import { dateValue, integerValue, parseDate, scanNumber, scannedDouble, scannedInteger } from "./numbers";
import { path_mask, path_table, readings } from "./pack";
import { Position, hop, sawEscape, setBrokenReason, skipSpace, skipValue, stringEnd } from "./scan";
import { appendValue, storeText } from "./slots";
import { noteLong, noteText } from "./tiebreaker";
import { scannedTime, timeValue } from "./time";
import { jsonText, textStop, unescaped, wasRepaired } from "./unicode";

const NO_ENTRY: usize = 0;
/** A number in a date field counts milliseconds, and the slot nanoseconds. */
const MS_TO_NS_DIGITS: i32 = 6;
export function countMalformed(): void {
  const counter: usize = CONTROL_BASE + CONTROL_MALFORMED;
  store<u64>(counter, load<u64>(counter) + 1);
}

/**
 * Reads the object that the line at `p` holds into the slots below `node`, and returns the address of the line's feed; 0 when the line is
 * broken, and brokenReason then says why, and the slots are meaningless. What repeats itself is followed when `follow`.
 */
export function decodeLine(p: usize, node: u32, follow: bool): Position {
  setBrokenReason(BROKEN_SYNTAX);
  if (load<u8>(p) != BRACE_OPEN) {
    setBrokenReason(BROKEN_NOT_OBJECT);
    return 0;
  }
  const end = follow ? followEvent(p, node) : decodeObject(p, node, 1);
  if (!end) return 0;
  const feed = skipSpace(end);
  if (load<u8>(feed) != LINE_FEED) {
    setBrokenReason(BROKEN_SYNTAX);
    return 0;
  }
  if (arenaFull) {
    setBrokenReason(BROKEN_SIZE);
    return 0;
  }
  return feed;
}

@inline
function firstBytes(p: usize, length: u32): u64 {
  const word = load<u64>(p);
  return length >= 8 ? word : word & (((1 as u64) << (length << 3)) - 1);
}

@inline
function lastBytes(p: usize, length: u32): u64 {
  return length > 8 ? load<u64>(p + length - 8) : 0;
}

@inline
function mixKey(node: u32, length: u32, first: u64, last: u64): u32 {
  const salted = (first ^ rotl<u64>(last, 23)) + (((node << 8) ^ length) as u64) * 0x9e3779b97f4a7c15;
  return ((salted * 0xff51afd7ed558ccd) >> 32) as u32;
}

/** The hash of the path table; findEntry has the parts at hand. */
export function hashKey(node: u32, key: usize, length: u32): u32 {
  return mixKey(node, length, firstBytes(key, length), lastBytes(key, length));
}

/** The entry of `key` below `node`, or 0. */
function findEntry(node: u32, key: usize, length: u32): usize {
  const first = firstBytes(key, length);
  const last = lastBytes(key, length);
  let at = mixKey(node, length, first, last) & path_mask;
  while (true) {
    const entry = path_table + ((at as usize) * PATH_ENTRY_BYTES);
    const entryLength = load<u32>(entry, PATH_ENTRY_KEY_LENGTH);
    if (
      entryLength == length && load<u64>(entry, PATH_ENTRY_START) == first && load<u32>(entry, PATH_ENTRY_NODE) == node
    ) {
      if (length <= 8 || bytesEqual(load<u32>(entry, PATH_ENTRY_KEY), key, length)) return entry;
    } else if (entryLength == PATH_FREE) return NO_ENTRY;
    at = (at + 1) & path_mask;
  }
}

/** SOUND: the type code is the low byte of its word. */
@inline
export function typeOf(entry: usize): u32 {
  return load<u8>(entry, PATH_ENTRY_TYPE);
}

/** How often findPath has passed a path that is a field of type object. */
export let marked: u32 = 0;

/** Something stands at or below the entry's path; matters when the path itself is a field of type object. */
function markObject(entry: usize): void {
  if (typeOf(entry) != TYPE_OBJECT) return;
  marked++;
  markPresent(load<u32>(entry, PATH_ENTRY_SLOT));
}

@inline
function markPresent(slot: usize): void {
  if (load<u32>(slot, SLOT_COUNT) == 0) store<u64>(appendValue(slot), 1);
}

function hasDot(key: usize, length: u32): bool {
  const dot = i8x16.splat(DOT as i8);
  for (let i: u32 = 0; i < length; i += BLOCK_BYTES) {
    const dots: u32 = i8x16.bitmask(i8x16.eq(v128.load(key + i), dot));
    const left = length - i;
    if (left < (BLOCK_BYTES as u32) ? dots & ((1 << left) - 1) : dots) return true;
  }
  return false;
}

/** As findEntry, for a key that may hold dots. */
export function findPath(node: u32, key: usize, length: u32): usize {
  const whole = findEntry(node, key, length);
  if (whole || !hasDot(key, length)) return whole;
  let start: u32 = 0;
  let entry = NO_ENTRY;
  for (let i: u32 = 0; i <= length; i++) {
    if (i < length && load<u8>(key + i) != DOT) continue;
    if (entry) {
      markObject(entry);
      node = load<u32>(entry, PATH_ENTRY_CHILD);
      if (!node) return NO_ENTRY;
    }
    entry = findEntry(node, key + start, i - start);
    if (!entry) return NO_ENTRY;
    start = i + 1;
  }
  return entry;
}

export function decodeObject(p: usize, node: u32, depth: u32): Position {
  if (depth > (DEPTH_LIMIT as u32)) {
    setBrokenReason(BROKEN_DEPTH);
    return 0;
  }
  p = hop(p + 1);
  if (load<u8>(p) == BRACE_CLOSE) return p + 1;
  while (true) {
    p = decodePair(p, node, depth);
    if (!p) return 0;
    p = hop(p);
    const c = load<u8>(p);
    if (c == BRACE_CLOSE) return p + 1;
    if (c != COMMA) return 0;
    p = hop(p + 1);
  }
}

/** Past the key at `p` and its value. */
export function decodePair(p: usize, node: u32, depth: u32): Position {
  if (load<u8>(p) != QUOTE) return 0;
  let key = p + 1;
  p = stringEnd(key);
  if (!p) return 0;
  let length = (p - key) as u32;
  if (sawEscape) {
    const plain = unescaped(key);
    if (!textStop) return 0;
    key = addressOf(plain);
    length = lengthOf(plain);
  }
  p = hop(p + 1);
  if (load<u8>(p) != COLON) return 0;
  p = hop(p + 1);
  const entry = findPath(node, key, length);
  if (!entry) return skipValue(p, depth);
  // What most members are.
  if (load<u8>(p) == QUOTE && load<u32>(entry, PATH_ENTRY_TYPE) == TYPE_KEYWORD) {
    const slot: usize = load<u32>(entry, PATH_ENTRY_SLOT);
    if (slot) return decodeString(p + 1, slot, TYPE_KEYWORD);
  }
  return decodeMember(p, entry, depth);
}

/** A whole value, the array included where it is one, for every slot that wants it. */
export function decodeMember(p: usize, entry: usize, depth: u32): Position {
  const end = decodeValue(p, entry, depth);
  const more = load<u32>(entry, PATH_ENTRY_TYPE) >> PATH_TYPE_BITS;
  if (!end || !more) return end;
  for (let at: usize = readings + more * READING_BYTES; load<u32>(at, READING_SLOT); at += READING_BYTES) {
    const slot: usize = load<u32>(at, READING_SLOT);
    const type = load<u32>(at, READING_TYPE);
    if (type == TYPE_RAW) storeText(appendValue(slot), text(p, (end - p) as u32));
    else if (!decodeTyped(p, slot, type, 0, depth)) return 0;
  }
  return end;
}

/**
 * The next element of the arrays in `[p, end)`, one inside the other or not; what is no array is one element, and null is
 * none. Its values go to the slots of `element` (ELEMENT_* in abi.ts). Returns the address behind the element, 0 when there
 * is none any more.
 */
export function nextElement(p: usize, end: usize, element: usize): usize {
  while (p < end) {
    const c = load<u8>(p);
    if (c == LOWER_N) p += 4;
    else if (isBlank(c) || c == COMMA || c == BRACKET_OPEN || c == BRACKET_CLOSE) p++;
    else break;
  }
  if (p >= end) return 0;
  const last: usize = load<u32>(element, ELEMENT_SLOTS_END);
  for (let slot: usize = load<u32>(element, ELEMENT_SLOTS); slot < last; slot += SLOT_BYTES) {
    store<u32>(slot, 0, SLOT_COUNT);
  }
  // The counters are put back: the event's values were counted when it was decoded, and each search reads elements
  // again.
  const malformed = load<u64>(CONTROL_BASE + CONTROL_MALFORMED);
  const replaced = load<u64>(CONTROL_BASE + CONTROL_REPLACED);
  const next = decodeMember(p, load<u32>(element, ELEMENT_PATH_ENTRY), 1);
  store<u64>(CONTROL_BASE + CONTROL_MALFORMED, malformed);
  store<u64>(CONTROL_BASE + CONTROL_REPLACED, replaced);
  return next;
}

function decodeArray(p: usize, slot: usize, type: u32, child: u32, depth: u32): Position {
  if (depth > (DEPTH_LIMIT as u32)) {
    setBrokenReason(BROKEN_DEPTH);
    return 0;
  }
  p = skipSpace(p + 1);
  if (load<u8>(p) == BRACKET_CLOSE) return p + 1;
  while (true) {
    p = decodeTyped(p, slot, type, child, depth);
    if (!p) return 0;
    p = skipSpace(p);
    const c = load<u8>(p);
    if (c == BRACKET_CLOSE) return p + 1;
    if (c != COMMA) return 0;
    p = skipSpace(p + 1);
  }
}

function decodeValue(p: usize, entry: usize, depth: u32): Position {
  return decodeTyped(p, load<u32>(entry, PATH_ENTRY_SLOT), typeOf(entry), load<u32>(entry, PATH_ENTRY_CHILD), depth);
}

/** A value as one type, for one slot (or none); objects lead on to `child`. */
function decodeTyped(p: usize, slot: usize, type: u32, child: u32, depth: u32): Position {
  const c = load<u8>(p);
  if (c == BRACE_OPEN) {
    if (type == TYPE_OBJECT && load<u8>(skipSpace(p + 1)) != BRACE_CLOSE) markPresent(slot);
    if (!child) return skipValue(p, depth);
    return decodeObject(p, child, depth + 1);
  }
  if (c == BRACKET_OPEN) return decodeArray(p, slot, type, child, depth + 1);
  if (!slot) return skipValue(p, depth);
  if (type == TYPE_OBJECT && c != LOWER_N) {
    markPresent(slot);
    return skipValue(p, depth);
  }
  if (c == QUOTE) return decodeString(p + 1, slot, type);
  if (c == LOWER_T) return load<u32>(p) == WORD_TRUE ? decodeBoolean(p, 4, slot, type) : 0;
  if (c == LOWER_F) return load<u32>(p + 1) == WORD_ALSE ? decodeBoolean(p, 5, slot, type) : 0;
  if (c == LOWER_N) return load<u32>(p) == WORD_NULL ? p + 4 : 0;
  return decodeNumber(p, slot, type);
}

function decodeBoolean(p: usize, length: u32, slot: usize, type: u32): Position {
  if (type == TYPE_KEYWORD) storeText(appendValue(slot), text(p, length));
  else if (type == TYPE_BOOLEAN) store<u64>(appendValue(slot), length == 4 ? 1 : 0);
  else countMalformed();
  return p + length;
}

function decodeNumber(p: usize, slot: usize, type: u32): Position {
  // SOUND: the line ends in a line feed, which no number holds, so the greatest address is a safe bound.
  const end = scanNumber(p, usize.MAX_VALUE, false);
  if (!end) return 0;
  if (type == TYPE_KEYWORD) storeText(appendValue(slot), text(p, (end - p) as u32));
  else storeNumber(p, end, slot, type);
  return end;
}

/** Stores the number that scanNumber has just passed. */
function storeNumber(start: usize, end: usize, slot: usize, type: u32): void {
  if (type == TYPE_DOUBLE) {
    const double = scannedDouble(start, end);
    if (isFinite(double)) store<f64>(appendValue(slot), double);
    else countMalformed();
    return;
  }
  if (type == TYPE_BOOLEAN) {
    countMalformed();
    return;
  }
  if (type == TYPE_TIME) {
    if (scannedTime()) store<i64>(appendValue(slot), timeValue);
    else countMalformed();
    return;
  }
  const fits = scannedInteger(type == TYPE_DATE ? MS_TO_NS_DIGITS : 0);
  if (type == TYPE_TIEBREAKER) {
    if (fits) noteLong(integerValue);
    else noteText(start, end);
  }
  if (fits) store<i64>(appendValue(slot), integerValue);
  else countMalformed();
}

export function countReplaced(): void {
  const counter: usize = CONTROL_BASE + CONTROL_REPLACED;
  store<u64>(counter, load<u64>(counter) + 1);
}

function decodeString(p: usize, slot: usize, type: u32): Position {
  const t = jsonText(p);
  const end = textStop;
  if (!end) return 0;
  if (wasRepaired) countReplaced();
  if (type == TYPE_KEYWORD) storeText(appendValue(slot), t);
  else storeParsed(t, slot, type);
  return end + 1;
}

/** A string in a field that is not one. */
function storeParsed(t: Text, slot: usize, type: u32): void {
  const start = addressOf(t);
  const length = lengthOf(t);
  if (type == TYPE_DATE || type == TYPE_TIME) {
    if (parseDate(start, length)) {
      store<i64>(appendValue(slot), dateValue);
      return;
    }
    if (type == TYPE_DATE) {
      countMalformed();
      return;
    }
  }
  if (type == TYPE_BOOLEAN) {
    if (length == 4 && load<u32>(start) == WORD_TRUE) store<u64>(appendValue(slot), 1);
    else if (length == 5 && load<u8>(start) == LOWER_F && load<u32>(start + 1) == WORD_ALSE) {
      store<u64>(appendValue(slot), 0);
    } else countMalformed();
    return;
  }
  const end = scanNumber(start, start + length, true);
  const isNumeric = type == TYPE_LONG || type == TYPE_DOUBLE || type == TYPE_TIME || type == TYPE_TIEBREAKER;
  if (end == start + length && isNumeric) storeNumber(start, end, slot, type);
  else countMalformed();
}
