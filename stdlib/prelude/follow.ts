// Events of one source repeat themselves: the same keys in the same order, and four values of five are what they were. So a key is
// looked for where it came last time, compared with its text, and its value with the one that stood there last; what is equal is not
// read again.
//
// A *member* is a key that has been seen in an object, with its last value (MEMBER_* in abi.ts), and it knows which member came after it.
//
// SOUND: members change what is done and never what is found.
//   - A member is of one path and one depth. Bytes that are the same, there, are read the same way: the same values, the same depth of
//     brackets. A number ends where what follows cannot be part of one, which is looked at each time.
//   - Only a value that filled one slot that was empty, and did nothing else, is remembered. It counts only where that slot is empty again.
//     What counts something (malformed and repaired values), sets the tiebreaker, or fills several slots, is read each time.
//   - The texts of a remembered value stand in its member, and a member's value is not replaced while the event at hand has it: then its
//     slot is not empty. Nor does forgetting all members, for which the end of the event is waited for.
//   - The slot gets back its version too. Whatever is derived of a slot and stamped with its version holds for these values.
//   - An object is entered where its key and its brace are what they were, and its members are looked for one by one. What is around it is kept
//     in its member: no member is entered twice at a time, because it is of one depth.
//   - Versions are never used twice: when they are spent, everything that has one is forgotten.
//   - Bytes are compared beyond the end of the value, but count only up to it. No remembered text holds a line feed, so what is equal
//     stands in its line.

import {
  CONTROL_BASE, CONTROL_MALFORMED, CONTROL_REPLACED, MEMBER_AROUND, MEMBER_BYTES, MEMBER_CHAIN, MEMBER_COUNT, MEMBER_DEPTH, MEMBER_ENTRY,
  MEMBER_FIRST, MEMBER_HEADS, MEMBER_HEAD_BYTES, MEMBER_IS_KEYWORD, MEMBER_IS_OTHER, MEMBER_IS_PLAIN, MEMBER_KEY_LENGTH, MEMBER_KEY_LIMIT, MEMBER_KIND,
  MEMBER_LENGTH, MEMBER_LIST, MEMBER_LIST_VALUES, MEMBER_NEXT, MEMBER_NODE, MEMBER_OPENS, MEMBER_SLOT, MEMBER_SLOT_IMAGE, MEMBER_TEXT,
  MEMBER_TEXT_LIMIT, MEMBER_UNESCAPED, MEMBER_UNESCAPED_LIMIT, PATH_ENTRY_CHILD, PATH_ENTRY_SLOT, PATH_ENTRY_TYPE, PATH_TYPE_BITS,
  SLOT_COUNT, SLOT_VALUE, TYPE_KEYWORD, TYPE_OBJECT, TYPE_RAW, TYPE_TIEBREAKER, VALUE_ADDRESS, VALUE_BYTES, VALUE_LENGTH,
} from "../src/abi";
import { BRACE_CLOSE, BRACE_OPEN, BRACKET_CLOSE, BRACKET_OPEN, COLON, COMMA, QUOTE, SPACE } from "../src/text/characters";
import { arenaFull } from "./arena";
import { addressOf, bytesEqual, copyText, lengthOf } from "./bytes";
import { countReplaced, decodeMember, decodeObject, decodePair, findPath, hashKey, marked, typeOf } from "./decode";
import { members_base, predicate_stamps, stamps_base } from "./pack";
import { Position, hop, sawEscape, skipValue, stringEnd } from "./scan";
import { fillSlot, noteFilled, restartVersions } from "./slots";
import { jsonText, textStop, wasRepaired } from "./unicode";

const NO_MEMBER: usize = 0;
const HEADS_BYTES: usize = MEMBER_HEADS * MEMBER_HEAD_BYTES;
/** Objects deeper than this are read without members. */
const FOLLOW_DEPTH: u32 = 16;
/** The event as if it were a member's value: it has no key and nothing around it, its depth is 0, and only MEMBER_FIRST of it is written. */
const BEFORE_EVENT: usize = memory.data(MEMBER_LIST);

/** Whether members pay is judged by so many events; where they do not, so many are read without. */
const TRIAL_EVENTS: u32 = 256;
const PAUSE_EVENTS: u32 = 4096;
/** Members pay where this many bytes of a stream bring one key or value that was not expected. A member has about 36. */
const BYTES_FOR_A_MISS: u32 = 64;

let made: u32 = 0;
/** There is no room for the next member. */
let full: bool = false;
let trial: u32 = 0;
let pause: u32 = 0;
let misses: u32 = 0;
let bytes: u32 = 0;

/** Forgets all members; only between events. */
function forgetMembers(): void {
  memory.fill(members_base, 0, HEADS_BYTES);
  store<u32>(BEFORE_EVENT, 0, MEMBER_FIRST);
  made = 0;
  full = false;
}

/** Forgets what is stamped with a version, and begins again with the first; only between events. */
export function renewVersions(): void {
  memory.fill(stamps_base, 0, predicate_stamps - stamps_base);
  restartVersions();
  forgetMembers();
}

/** Where the member that is expected next is named; only while an event is followed. */
let link: usize = 0;
/** The member whose object is being read: BEFORE_EVENT for the event itself, 0 behind it. */
let around: usize = 0;
/** A key stands where the last step ended; otherwise a value ended there. */
let isAtKey: bool = false;

/** As decodeObject, for the event at hand. */
export function followEvent(p: usize, node: u32): Position {
  if (pause) {
    pause--;
    return decodeObject(p, node, 1);
  }
  if (full) forgetMembers();
  const end = followMembers(hop(p + 1), node);
  if (end) bytes += (end - p) as u32;
  if (++trial == TRIAL_EVENTS) judge();
  return end;
}

function judge(): void {
  if ((misses as u64) * (BYTES_FOR_A_MISS as u64) > (bytes as u64)) pause = PAUSE_EVENTS;
  trial = 0;
  misses = 0;
  bytes = 0;
}

@inline
function endsValue(c: u32): bool {
  return c == COMMA || c == BRACE_CLOSE || c == BRACKET_CLOSE || c <= (SPACE as u32);
}

/** Behind the event whose brace has been passed: by members that are what they were as long as there are such, and by one that is not. */
function followMembers(p: usize, node: u32): Position {
  if (load<u8>(p) == BRACE_CLOSE) return p + 1;
  link = BEFORE_EVENT + MEMBER_FIRST;
  around = BEFORE_EVENT;
  while (true) {
    p = passKnown(p);
    if (!around) return p;
    if (isAtKey) {
      p = readMember(p, around == BEFORE_EVENT ? node : load<u32>(load<u32>(around, MEMBER_ENTRY), PATH_ENTRY_CHILD));
      if (!p) return 0;
      if (isAtKey) continue;
    }
    p = hop(p);
    while (load<u8>(p) == BRACE_CLOSE) {
      if (!closeObject()) return p + 1;
      p = hop(p + 1);
    }
    if (load<u8>(p) != COMMA) return 0;
    p = hop(p + 1);
  }
}

/** Goes on behind the object that is being read; false when it is the event. */
@inline
function closeObject(): bool {
  link = around + MEMBER_NEXT;
  around = load<u32>(around, MEMBER_AROUND);
  return around != 0;
}

/** Passes what is as it was, from the key at `p` on, into objects and out of them. What is not written without blanks is left to others. */
function passKnown(p: usize): usize {
  isAtKey = true;
  while (true) {
    const member: usize = load<u32>(link);
    if (!member) return p;
    const length = load<u32>(member, MEMBER_LENGTH);
    if (!length || !bytesEqual(p, member + MEMBER_TEXT, length)) return p;
    const c = load<u8>(p + length);
    if (load<u32>(member, MEMBER_OPENS)) {
      if (c != QUOTE) return p;
      openObject(member);
      p += length;
      continue;
    }
    if (!endsValue(c)) return p;
    const slot: usize = load<u32>(member, MEMBER_SLOT);
    if (slot) {
      if (load<u32>(slot, SLOT_COUNT)) return p;
      v128.store(slot, v128.load(member, MEMBER_SLOT_IMAGE));
      noteFilled(slot, load<u32>(member, MEMBER_SLOT_IMAGE));
    }
    p += length;
    link = member + MEMBER_NEXT;
    while (load<u8>(p) == BRACE_CLOSE) {
      p++;
      if (!closeObject()) return p;
    }
    if (load<u8>(p) != COMMA || load<u8>(p + 1) != QUOTE) {
      isAtKey = false;
      return p;
    }
    p++;
  }
}

@inline
function openObject(member: usize): void {
  store<u32>(member, around as u32, MEMBER_AROUND);
  around = member;
  link = member + MEMBER_FIRST;
}

/** Reads the member at `p`, which is not what it was or not the one expected: past its value, or to the first key of the object that is its value. */
function readMember(p: usize, node: u32): Position {
  const depth = load<u32>(around, MEMBER_DEPTH) + 1;
  isAtKey = false;
  let member: usize = load<u32>(link);
  if (!member || !bytesEqual(p, member + MEMBER_TEXT, load<u32>(member, MEMBER_KEY_LENGTH))) {
    misses++;
    member = findMember(node, depth, p);
    if (!member) return decodePair(p, node, depth);
    store<u32>(link, member as u32);
  }
  link = member + MEMBER_NEXT;
  return readValue(hop(p + load<u32>(member, MEMBER_KEY_LENGTH)), member, depth);
}

/** The member of the key at `p`, made if it is new; 0 when there can be none. */
function findMember(node: u32, depth: u32, p: usize): usize {
  if (load<u8>(p) != QUOTE) return NO_MEMBER;
  const quote = stringEnd(p + 1);
  if (!quote || sawEscape) return NO_MEMBER;
  const colon = hop(quote + 1);
  if (load<u8>(colon) != COLON) return NO_MEMBER;
  const length = (hop(colon + 1) - p) as u32;
  if (length > (MEMBER_KEY_LIMIT as u32)) return NO_MEMBER;
  const name = (quote - p - 1) as u32;
  const hash = hashKey((node << 4) ^ depth, p + 1, name) & (MEMBER_HEADS - 1);
  const head = members_base + (hash as usize) * MEMBER_HEAD_BYTES;
  for (let member: usize = load<u32>(head); member; member = load<u32>(member, MEMBER_CHAIN)) {
    if (
      load<u32>(member, MEMBER_NODE) == node && load<u32>(member, MEMBER_DEPTH) == depth &&
      load<u32>(member, MEMBER_KEY_LENGTH) == length && bytesEqual(member + MEMBER_TEXT, p, length)
    ) {
      return member;
    }
  }
  if (made == MEMBER_COUNT) {
    full = true;
    return NO_MEMBER;
  }
  const before = marked;
  const entry = findPath(node, p + 1, name);
  // Passing through the path did more than to find it.
  if (marked != before) return NO_MEMBER;
  const member = members_base + HEADS_BYTES + (made as usize) * MEMBER_BYTES;
  made++;
  store<u32>(member, entry ? load<u32>(entry, PATH_ENTRY_SLOT) : 0, MEMBER_SLOT);
  store<u32>(member, 0, MEMBER_LENGTH);
  store<u32>(member, length, MEMBER_KEY_LENGTH);
  store<u32>(member, entry as u32, MEMBER_ENTRY);
  store<u32>(member, node, MEMBER_NODE);
  store<u32>(member, depth, MEMBER_DEPTH);
  store<u32>(member, 0, MEMBER_NEXT);
  store<u32>(member, 0, MEMBER_FIRST);
  store<u32>(member, load<u32>(head), MEMBER_CHAIN);
  store<u32>(member, entry ? kindOf(entry) : MEMBER_IS_PLAIN, MEMBER_KIND);
  memory.copy(member + MEMBER_TEXT, p, length);
  store<u32>(head, member as u32);
  return member;
}

function kindOf(entry: usize): u32 {
  const type = typeOf(entry);
  const several = load<u32>(entry, PATH_ENTRY_TYPE) >> PATH_TYPE_BITS;
  if (several || type == TYPE_OBJECT || type == TYPE_TIEBREAKER) return MEMBER_IS_OTHER;
  return type == TYPE_KEYWORD && load<u32>(entry, PATH_ENTRY_SLOT) ? MEMBER_IS_KEYWORD : MEMBER_IS_PLAIN;
}

@inline
function complaints(): u64 {
  return load<u64>(CONTROL_BASE + CONTROL_MALFORMED) + load<u64>(CONTROL_BASE + CONTROL_REPLACED);
}

/** As readMember, for the value at `p` of a member; remembers it where it may. */
function readValue(p: usize, member: usize, depth: u32): Position {
  const entry: usize = load<u32>(member, MEMBER_ENTRY);
  if (load<u32>(member, MEMBER_KIND) == MEMBER_IS_OTHER) return decodeMember(p, entry, depth);
  const c = load<u8>(p);
  const child = entry ? load<u32>(entry, PATH_ENTRY_CHILD) : 0;
  const slot: usize = load<u32>(member, MEMBER_SLOT);
  const isFree = !slot || !load<u32>(slot, SLOT_COUNT);
  if (child && c == BRACE_OPEN) {
    if (depth >= FOLLOW_DEPTH) return decodeMember(p, entry, depth);
    if (isFree) keepText(p, p + 1, member, 1);
    p = hop(p + 1);
    if (load<u8>(p) == BRACE_CLOSE) return p + 1;
    openObject(member);
    isAtKey = true;
    return p;
  }
  misses++;
  if (!slot) {
    const end = entry ? decodeMember(p, entry, depth) : skipValue(p, depth);
    if (end && !child) keepText(p, end, member, 0);
    return end;
  }
  if (!isFree) return decodeMember(p, entry, depth);
  if (c == QUOTE && load<u32>(member, MEMBER_KIND) == MEMBER_IS_KEYWORD) return readKeyword(p, slot, member);
  const before = complaints();
  const end = decodeMember(p, entry, depth);
  if (!end) return 0;
  if (arenaFull || (child && c == BRACKET_OPEN) || complaints() != before || !keepSlot(p, end, slot, entry, member)) {
    store<u32>(member, 0, MEMBER_LENGTH);
  } else keepText(p, end, member, 0);
  return end;
}

/** As readValue, for a string that fills an empty slot of strings: what most values are that change. */
function readKeyword(p: usize, slot: usize, member: usize): Position {
  const t = jsonText(p + 1);
  if (!textStop) return 0;
  const end = textStop + 1;
  fillSlot(slot, t);
  const length = lengthOf(t);
  store<u32>(member, 0, MEMBER_LENGTH);
  if (wasRepaired) countReplaced();
  else if (!arenaFull && length <= (MEMBER_UNESCAPED_LIMIT as u32)) {
    let known = member + MEMBER_TEXT + load<u32>(member, MEMBER_KEY_LENGTH) + 1;
    if (addressOf(t) != p + 1) {
      known = member + MEMBER_UNESCAPED;
      copyText(known, addressOf(t), length);
    }
    v128.store(member, v128.load(slot), MEMBER_SLOT_IMAGE);
    store<u32>(member + MEMBER_SLOT_IMAGE + SLOT_VALUE, known as u32, VALUE_ADDRESS);
    keepText(p, end, member, 0);
  }
  return end;
}

/** Remembers the text from `p` to `end` as the member's value, or as the beginning of the object that is its value. */
function keepText(p: usize, end: usize, member: usize, opens: u32): void {
  const key = load<u32>(member, MEMBER_KEY_LENGTH);
  const length = (end - p) as u32;
  if (key + length > (MEMBER_TEXT_LIMIT as u32)) {
    store<u32>(member, 0, MEMBER_LENGTH);
    return;
  }
  const to = member + MEMBER_TEXT + key;
  copyText(to, p, length);
  store<u32>(member, key + length, MEMBER_LENGTH);
  store<u32>(member, opens, MEMBER_OPENS);
}

/** Remembers what the value from `p` to `end` made of its slot, with texts in the member. False when there is no room. */
function keepSlot(p: usize, end: usize, slot: usize, entry: usize, member: usize): bool {
  const count = load<u32>(slot, SLOT_COUNT);
  v128.store(member, v128.load(slot), MEMBER_SLOT_IMAGE);
  const type = typeOf(entry);
  if (count > (MEMBER_LIST_VALUES as u32)) return false;
  let values = member + MEMBER_SLOT_IMAGE + SLOT_VALUE;
  if (count > 1) {
    values = member + MEMBER_LIST;
    copyText(values, load<u32>(slot, SLOT_VALUE), count * VALUE_BYTES);
    store<u32>(member + MEMBER_SLOT_IMAGE, values as u32, SLOT_VALUE);
  }
  if (type != TYPE_KEYWORD && type != TYPE_RAW) return true;
  const known = member + MEMBER_TEXT + load<u32>(member, MEMBER_KEY_LENGTH);
  let room: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const value = values + i * VALUE_BYTES;
    const address: usize = load<u32>(value, VALUE_ADDRESS);
    const length = load<u32>(value, VALUE_LENGTH);
    if (address >= p && address <= end) {
      store<u32>(value, (known + (address - p)) as u32, VALUE_ADDRESS);
      continue;
    }
    if (room + length > (MEMBER_UNESCAPED_LIMIT as u32)) return false;
    copyText(member + MEMBER_UNESCAPED + room, address, length);
    store<u32>(value, (member + MEMBER_UNESCAPED + room) as u32, VALUE_ADDRESS);
    room += length;
  }
  return true;
}
