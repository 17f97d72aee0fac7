// One line of NDJSON to the slots of the pack's fields; everything else in the line is passed over.
// A value goes where its path leads in the path table, whether the path is written nested, dotted, or mixed. Values of the
// same path gather in document order, through arrays and repeated keys alike.

import {
  BROKEN_DEPTH, BROKEN_NOT_OBJECT, BROKEN_SIZE, BROKEN_SYNTAX, CONTROL_BASE, CONTROL_MALFORMED, CONTROL_REPLACED,
  DEPTH_LIMIT, TYPE_BOOLEAN, TYPE_DATE, TYPE_DOUBLE, TYPE_KEYWORD, TYPE_LONG, TYPE_OBJECT,
} from "../src/abi";
import { arenaFull } from "./arena";
import { Text, addressOf, bytesEqual, lengthOf, text } from "./bytes";
import { dateValue, integerValue, parseDate, scanNumber, scannedDouble, scannedInteger } from "./numbers";
import { path_mask, path_table } from "./pack";
import { Position, sawEscape, sawHighByte, setBrokenReason, skipSpace, skipValue, stringEnd } from "./scan";
import { appendValue, storeText } from "./slots";
import { badEscape, isValid, repaired, unescaped } from "./unicode";

const NO_ENTRY: usize = 0;
/** A number in a date field counts milliseconds, and the slot nanoseconds. */
const MS_TO_NS_DIGITS: i32 = 6;

export function countMalformed(): void {
  const counter: usize = CONTROL_BASE + CONTROL_MALFORMED;
  store<u64>(counter, load<u64>(counter) + 1);
}

/**
 * Reads the object that the line `[p, feed)` holds. False when the line is broken; brokenReason then says why, and the slots
 * are meaningless.
 */
export function decodeLine(p: usize, feed: usize): bool {
  setBrokenReason(BROKEN_SYNTAX);
  if (load<u8>(p) != 0x7b) {
    setBrokenReason(BROKEN_NOT_OBJECT);
    return false;
  }
  const end = decodeObject(p, 0, 1);
  if (!end) return false;
  if (skipSpace(end) != feed) {
    setBrokenReason(BROKEN_SYNTAX);
    return false;
  }
  if (arenaFull) {
    setBrokenReason(BROKEN_SIZE);
    return false;
  }
  return true;
}

@inline
function firstBytes(p: usize, length: u32): u64 {
  const word = load<u64>(p);
  return length >= 8 ? word : word & (((1 as u64) << (length << 3)) - 1);
}

/** The entry of `key` below `node`, or 0. */
function findEntry(node: u32, key: usize, length: u32): usize {
  const first = firstBytes(key, length);
  const last = length > 8 ? load<u64>(key + length - 8) : 0;
  const mixed = ((first ^ rotl<u64>(last, 23)) + (((node << 8) ^ length) as u64) * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;
  let at = ((mixed >> 32) as u32) & path_mask;
  while (true) {
    const entry = path_table + ((at << 5) as usize);
    const entryLength = load<u32>(entry, 12);
    if (entryLength == length && load<u64>(entry) == first && load<u32>(entry, 16) == node) {
      if (length <= 8 || bytesEqual(load<u32>(entry, 8), key, length)) return entry;
    } else if (entryLength == 0xffffffff) return NO_ENTRY;
    at = (at + 1) & path_mask;
  }
}

/** Something stands at or below the entry's path; matters when the path itself is a field of type object. */
function markObject(entry: usize): void {
  if (load<u32>(entry, 28) != TYPE_OBJECT) return;
  const slot: usize = load<u32>(entry, 24);
  if (load<u32>(slot) == 0) store<u64>(appendValue(slot), 1);
}

/** As findEntry, for a key that may hold dots. */
function findPath(node: u32, key: usize, length: u32): usize {
  const whole = findEntry(node, key, length);
  if (whole) return whole;
  let start: u32 = 0;
  let entry = NO_ENTRY;
  for (let i: u32 = 0; i <= length; i++) {
    if (i < length && load<u8>(key + i) != 0x2e) continue;
    if (i == length && start == 0) return NO_ENTRY;
    if (entry) {
      markObject(entry);
      node = load<u32>(entry, 20);
      if (!node) return NO_ENTRY;
    }
    entry = findEntry(node, key + start, i - start);
    if (!entry) return NO_ENTRY;
    start = i + 1;
  }
  return entry;
}

function decodeObject(p: usize, node: u32, depth: u32): Position {
  if (depth > (DEPTH_LIMIT as u32)) {
    setBrokenReason(BROKEN_DEPTH);
    return 0;
  }
  p = skipSpace(p + 1);
  if (load<u8>(p) == 0x7d) return p + 1;
  while (true) {
    if (load<u8>(p) != 0x22) return 0;
    let key = p + 1;
    p = stringEnd(key);
    if (!p) return 0;
    let length = (p - key) as u32;
    if (sawEscape) {
      const plain = unescaped(key, length);
      if (badEscape) return 0;
      key = addressOf(plain);
      length = lengthOf(plain);
    }
    p = skipSpace(p + 1);
    if (load<u8>(p) != 0x3a) return 0;
    p = skipSpace(p + 1);
    const entry = findPath(node, key, length);
    p = entry ? decodeValue(p, entry, depth) : skipValue(p, depth);
    if (!p) return 0;
    p = skipSpace(p);
    const c = load<u8>(p);
    if (c == 0x7d) return p + 1;
    if (c != 0x2c) return 0;
    p = skipSpace(p + 1);
  }
}

function decodeArray(p: usize, entry: usize, depth: u32): Position {
  if (depth > (DEPTH_LIMIT as u32)) {
    setBrokenReason(BROKEN_DEPTH);
    return 0;
  }
  p = skipSpace(p + 1);
  if (load<u8>(p) == 0x5d) return p + 1;
  while (true) {
    p = decodeValue(p, entry, depth);
    if (!p) return 0;
    p = skipSpace(p);
    const c = load<u8>(p);
    if (c == 0x5d) return p + 1;
    if (c != 0x2c) return 0;
    p = skipSpace(p + 1);
  }
}

function decodeValue(p: usize, entry: usize, depth: u32): Position {
  const c = load<u8>(p);
  if (c == 0x7b) {
    const child = load<u32>(entry, 20);
    if (load<u8>(skipSpace(p + 1)) != 0x7d) markObject(entry);
    if (!child) return skipValue(p, depth);
    return decodeObject(p, child, depth + 1);
  }
  if (c == 0x5b) return decodeArray(p, entry, depth + 1);
  const slot: usize = load<u32>(entry, 24);
  if (!slot) return skipValue(p, depth);
  const type = load<u32>(entry, 28);
  if (type == TYPE_OBJECT && c != 0x6e) {
    markObject(entry);
    return skipValue(p, depth);
  }
  if (c == 0x22) return decodeString(p + 1, slot, type);
  if (c == 0x74) return load<u32>(p) == 0x65757274 ? decodeBoolean(p, 4, slot, type) : 0;
  if (c == 0x66) return load<u32>(p + 1) == 0x65736c61 ? decodeBoolean(p, 5, slot, type) : 0;
  if (c == 0x6e) return load<u32>(p) == 0x6c6c756e ? p + 4 : 0;
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
  if (scannedInteger(type == TYPE_DATE ? MS_TO_NS_DIGITS : 0)) store<i64>(appendValue(slot), integerValue);
  else countMalformed();
}

function decodeString(p: usize, slot: usize, type: u32): Position {
  const end = stringEnd(p);
  if (!end) return 0;
  let t: Text = text(p, (end - p) as u32);
  const high = sawHighByte;
  if (sawEscape) {
    t = unescaped(p, lengthOf(t));
    if (badEscape) return 0;
  }
  if (high && !isValid(addressOf(t), lengthOf(t))) {
    const counter: usize = CONTROL_BASE + CONTROL_REPLACED;
    store<u64>(counter, load<u64>(counter) + 1);
    t = repaired(addressOf(t), lengthOf(t));
  }
  if (type == TYPE_KEYWORD) storeText(appendValue(slot), t);
  else storeParsed(t, slot, type);
  return end + 1;
}

/** A string in a field that is not one. */
function storeParsed(t: Text, slot: usize, type: u32): void {
  const start = addressOf(t);
  const length = lengthOf(t);
  if (type == TYPE_DATE) {
    if (parseDate(start, length)) store<i64>(appendValue(slot), dateValue);
    else countMalformed();
    return;
  }
  if (type == TYPE_BOOLEAN) {
    if (length == 4 && load<u32>(start) == 0x65757274) store<u64>(appendValue(slot), 1);
    else if (length == 5 && load<u8>(start) == 0x66 && load<u32>(start + 1) == 0x65736c61) {
      store<u64>(appendValue(slot), 0);
    } else countMalformed();
    return;
  }
  const end = scanNumber(start, start + length, true);
  if (end == start + length && (type == TYPE_LONG || type == TYPE_DOUBLE)) storeNumber(start, end, slot, type);
  else countMalformed();
}
