// Matching one text against compiled patterns: globs, automata, address ranges. Nothing here backtracks over the text.
// Encodings: GLOB_*, DFA_*, NFA_* and ADDRESS_RANGE_* in stdlib/src/abi.ts.

import {
  ADDRESS_RANGE_BYTES, ADDRESS_RANGE_FAMILY, ADDRESS_RANGE_MASK_HIGH, ADDRESS_RANGE_MASK_LOW,
  ADDRESS_RANGE_NETWORK_HIGH, ADDRESS_RANGE_NETWORK_LOW, BLOCK_BYTES, DFA_CLASSES_BYTES, DFA_CLASS_COUNT,
  DFA_HEADER_BYTES, DFA_NEXT_BYTES, DFA_PADDING, DFA_START, DFA_STATES, GLOB_ANCHORED_END, GLOB_ANCHORED_START,
  GLOB_ANY_IN_FRONT, GLOB_ANY_ONE, GLOB_FLAGS, GLOB_HEADER_BYTES, GLOB_SEGMENTS, GLOB_SEGMENT_HAS_ANY, GLOB_SEGMENT_HEADER_BYTES,
  GLOB_SEGMENT_LENGTH, NFA_HEADER_BYTES, NFA_MATCH, NFA_RANGE, NFA_SPLIT, NFA_START, NFA_STATES, NFA_STATE_A,
  NFA_STATE_B, NFA_STATE_BYTES, NFA_STATE_HIGH, NFA_STATE_LOW, NFA_STATE_OP,
} from "../src/abi";
import { COLON, DIGIT_0, DOT } from "../src/text/characters";
import { allocate, arenaFull, shrinkTo } from "./arena";
import { Text, addressOf, bytesEqual, lengthOf } from "./bytes";
import { decimalOf, isDigit, letterOf } from "./characters";
import { indexOfBytes } from "./search";
import { widthOf } from "./unicode";

export function startsWith(t: Text, prefix: usize, length: u32): bool {
  return lengthOf(t) >= length && bytesEqual(addressOf(t), prefix, length);
}

export function endsWith(t: Text, suffix: usize, length: u32): bool {
  const whole = lengthOf(t);
  return whole >= length && bytesEqual(addressOf(t) + (whole - length), suffix, length);
}

export function contains(t: Text, needle: usize, length: u32): bool {
  return indexOfBytes(addressOf(t), lengthOf(t), needle, length, 0) >= 0;
}

/** Whether a character of the text is beyond ASCII. */
export function isBeyondAscii(t: Text): bool {
  const end = addressOf(t) + lengthOf(t);
  for (let p = addressOf(t); p < end; p += BLOCK_BYTES) {
    const high: u32 = i8x16.bitmask(v128.load(p));
    if (high) return p + ctz(high) < end;
  }
  return false;
}

/** Address behind the segment when it stands at `p`, else 0; the segment holds `?`, or GLOB_ANY_IN_FRONT of its text alone. */
function segmentAt(p: usize, end: usize, segment: usize, length: u32, hasAny: u32): usize {
  const stop = segment + length;
  if (hasAny == GLOB_ANY_IN_FRONT) {
    while (segment < stop && load<u8>(segment) == GLOB_ANY_ONE) {
      if (p >= end) return 0;
      p += widthOf(load<u8>(p));
      segment++;
    }
    const rest = (stop - segment) as u32;
    return ((end - p) as u32) >= rest && bytesEqual(p, segment, rest) ? p + rest : 0;
  }
  while (segment < stop) {
    if (p >= end) return 0;
    const want: u32 = load<u8>(segment);
    const have: u32 = load<u8>(p);
    if (want == GLOB_ANY_ONE) p += widthOf(have);
    else {
      if (want != have) return 0;
      p++;
    }
    segment++;
  }
  return p;
}

/** Whether the whole text matches the encoded glob. */
export function globMatches(t: Text, glob: usize): bool {
  const flags: u32 = load<u8>(glob, GLOB_FLAGS);
  const segments: u32 = load<u16>(glob, GLOB_SEGMENTS);
  let p = addressOf(t);
  const end = p + lengthOf(t);
  let at = glob + GLOB_HEADER_BYTES;
  for (let i: u32 = 0; i < segments; i++) {
    const length: u32 = load<u16>(at, GLOB_SEGMENT_LENGTH);
    const hasAny: u32 = load<u8>(at, GLOB_SEGMENT_HAS_ANY);
    const segment = at + GLOB_SEGMENT_HEADER_BYTES;
    at = segment + length;
    const pinnedStart = i == 0 && (flags & GLOB_ANCHORED_START) != 0;
    const pinnedEnd = i == segments - 1 && (flags & GLOB_ANCHORED_END) != 0;
    if (!hasAny) {
      const left = (end - p) as u32;
      if (left < length) return false;
      if (pinnedEnd) {
        if (pinnedStart && left != length) return false;
        return bytesEqual(end - length, segment, length);
      }
      if (pinnedStart) {
        if (!bytesEqual(p, segment, length)) return false;
        p += length;
      } else {
        const found = indexOfBytes(p, left, segment, length, 0);
        if (found < 0) return false;
        p += found + length;
      }
      continue;
    }
    if (pinnedStart) {
      p = segmentAt(p, end, segment, length, hasAny);
      if (!p || (pinnedEnd && p != end)) return false;
      continue;
    }
    // SOUND: the first fit of an inner segment leaves the most room for the rest, so it never has to be taken back. For
    // the last segment, when it is pinned to the end, every start is tried: its length in bytes is not fixed.
    let after: usize = 0;
    while (p <= end) {
      after = segmentAt(p, end, segment, length, hasAny);
      if (after && (!pinnedEnd || after == end)) break;
      after = 0;
      if (p == end) break;
      p += widthOf(load<u8>(p));
    }
    if (!after) return false;
    p = after;
  }
  return (flags & GLOB_ANCHORED_END) == 0 || p == end || segments == 0;
}

/** Whether the whole text is accepted by the encoded DFA. */
export function dfaMatches(t: Text, dfa: usize): bool {
  const states = load<u32>(dfa, DFA_STATES);
  const width = load<u32>(dfa, DFA_CLASS_COUNT);
  let state = load<u32>(dfa, DFA_START);
  const classes = dfa + DFA_HEADER_BYTES;
  const accept = classes + DFA_CLASSES_BYTES;
  const next = accept + ((states + DFA_PADDING) & ~DFA_PADDING);
  let p = addressOf(t);
  const end = p + lengthOf(t);
  while (p < end) {
    state = load<u16>(next + (((state * width + (load<u8>(classes + load<u8>(p)) as u32)) * DFA_NEXT_BYTES) as usize));
    if (state == 0) return false;
    p++;
  }
  return load<u8>(accept + state) != 0;
}

/** Size of a state's number, and of a step's. */
const WORD_BYTES: u32 = 4;

// A simulation's state set: `list` of states and `marks`, which holds for each state the step that last added it.
let nfaStates: usize = 0;
let marks: usize = 0;
let stack: usize = 0;

/** Adds a state and all that it reaches without reading, and returns the new length of the list. */
function addState(list: usize, length: u32, state: u32, step: u32): u32 {
  let depth: u32 = 0;
  store<u32>(stack, state);
  depth++;
  while (depth) {
    depth--;
    const s = load<u32>(stack + depth * WORD_BYTES);
    if (load<u32>(marks + s * WORD_BYTES) == step) continue;
    store<u32>(marks + s * WORD_BYTES, step);
    const row = nfaStates + s * NFA_STATE_BYTES;
    if (load<u8>(row, NFA_STATE_OP) == NFA_SPLIT) {
      store<u32>(stack + depth * WORD_BYTES, load<u16>(row, NFA_STATE_B) as u32);
      store<u32>(stack + depth * WORD_BYTES + WORD_BYTES, load<u16>(row, NFA_STATE_A) as u32);
      depth += 2;
    } else {
      store<u32>(list + length * WORD_BYTES, s);
      length++;
    }
  }
  return length;
}

/** Whether the whole text is accepted by the encoded NFA, in time states x bytes. */
export function nfaMatches(t: Text, nfa: usize): bool {
  const count = load<u32>(nfa, NFA_STATES);
  nfaStates = nfa + NFA_HEADER_BYTES;
  // A state is pushed at most once for each edge into it, and a split has two edges.
  stack = allocate(count * 2 * WORD_BYTES + BLOCK_BYTES);
  marks = allocate(count * WORD_BYTES);
  let current = allocate(count * WORD_BYTES);
  let other = allocate(count * WORD_BYTES);
  if (arenaFull) return false;
  memory.fill(marks, 0, count * WORD_BYTES);
  let step: u32 = 1;
  let length = addState(current, 0, load<u32>(nfa, NFA_START), step);
  let p = addressOf(t);
  const end = p + lengthOf(t);
  while (p < end && length) {
    const c: u32 = load<u8>(p);
    step++;
    let grown: u32 = 0;
    for (let i: u32 = 0; i < length; i++) {
      const row = nfaStates + load<u32>(current + i * WORD_BYTES) * NFA_STATE_BYTES;
      if (load<u8>(row, NFA_STATE_OP) != NFA_RANGE) continue;
      if (c < load<u8>(row, NFA_STATE_LOW) || c > load<u8>(row, NFA_STATE_HIGH)) continue;
      grown = addState(other, grown, load<u16>(row, NFA_STATE_A), step);
    }
    const swapped = current;
    current = other;
    other = swapped;
    length = grown;
    p++;
  }
  let matched = false;
  for (let i: u32 = 0; p == end && i < length && !matched; i++) {
    matched = load<u8>(nfaStates + load<u32>(current + i * WORD_BYTES) * NFA_STATE_BYTES, NFA_STATE_OP) == NFA_MATCH;
  }
  shrinkTo(stack);
  return matched;
}

let addressHigh: u64 = 0;
let addressLow: u64 = 0;

function parseV4(p: usize, end: usize): bool {
  let value: u32 = 0;
  for (let part = 0; part < 4; part++) {
    if (part) {
      if (p >= end || load<u8>(p) != DOT) return false;
      p++;
    }
    const start = p;
    let octet: u32 = 0;
    while (p < end && isDigit(load<u8>(p))) {
      octet = octet * 10 + (load<u8>(p) as u32) - DIGIT_0;
      p++;
      if (p - start > 3) return false;
    }
    if (p == start || octet > 255 || (p - start > 1 && load<u8>(start) == DIGIT_0)) return false;
    value = (value << 8) | octet;
  }
  addressHigh = 0;
  addressLow = value;
  return p == end;
}

function hexValue(c: u32): u32 {
  if (isDigit(c)) return decimalOf(c);
  const letter = letterOf(c);
  return letter < 6 ? letter + 10 : 16;
}

function parseV6(p: usize, end: usize): bool {
  let head: u64 = 0;
  let tail: u64 = 0;
  let groups: u32 = 0;
  let gap: i32 = -1;
  if (p + 1 < end && load<u8>(p) == COLON && load<u8>(p + 1) == COLON) {
    gap = 0;
    p += 2;
  }
  while (p < end) {
    const start = p;
    let value: u32 = 0;
    while (p < end && p - start <= 4) {
      const digit = hexValue(load<u8>(p));
      if (digit > 15) break;
      value = (value << 4) | digit;
      p++;
    }
    if (p < end && load<u8>(p) == DOT) {
      if (groups > 6 || !parseV4(start, end)) return false;
      const v4 = addressLow as u32;
      head = (head << 32) | (tail >> 32);
      tail = (tail << 32) | (v4 as u64);
      groups += 2;
      p = end;
      break;
    }
    if (p == start || p - start > 4 || groups == 8) return false;
    head = (head << 16) | (tail >> 48);
    tail = (tail << 16) | (value as u64);
    groups++;
    if (p == end) break;
    if (load<u8>(p) != COLON) return false;
    p++;
    if (p < end && load<u8>(p) == COLON) {
      if (gap >= 0) return false;
      gap = groups as i32;
      p++;
    } else if (p == end) return false;
  }
  if (gap < 0) {
    addressHigh = head;
    addressLow = tail;
    return groups == 8;
  }
  if (groups > 7) return false;
  // `::` stands for zeros: the groups behind it stay at the end, those before it move to the front.
  const behind = groups - (gap as u32);
  const shift = (8 - groups) * 16;
  let frontHigh = head;
  let frontLow = tail;
  let backHigh: u64 = 0;
  let backLow: u64 = 0;
  const backBits = behind * 16;
  if (backBits >= 64) {
    backLow = tail;
    backHigh = backBits == 64 ? 0 : head & (((1 as u64) << (backBits - 64)) - 1);
  } else if (backBits) backLow = tail & (((1 as u64) << backBits) - 1);
  frontHigh ^= backHigh;
  frontLow ^= backLow;
  if (shift >= 64) {
    frontHigh = frontLow << (shift - 64);
    frontLow = 0;
  } else if (shift) {
    frontHigh = (frontHigh << shift) | (frontLow >> (64 - shift));
    frontLow <<= shift;
  }
  addressHigh = frontHigh | backHigh;
  addressLow = frontLow | backLow;
  return true;
}

/** 4 or 6 when the text is an address, whose value is then in addressHigh and addressLow; else 0. */
function parseAddress(t: Text): u32 {
  const p = addressOf(t);
  const end = p + lengthOf(t);
  if (lengthOf(t) == 0 || lengthOf(t) > 45) return 0;
  for (let q = p; q < end; q++) {
    if (load<u8>(q) == COLON) return parseV6(p, end) ? 6 : 0;
  }
  return parseV4(p, end) ? 4 : 0;
}

/**
 * Whether the address lies in one of `count` ranges at `ranges`. False when the text is no address.
 */
export function addressIn(t: Text, ranges: usize, count: u32): bool {
  const family = parseAddress(t);
  if (!family) return false;
  for (let i: u32 = 0; i < count; i++) {
    const range = ranges + i * ADDRESS_RANGE_BYTES;
    if (load<u32>(range, ADDRESS_RANGE_FAMILY) != family) continue;
    const high = addressHigh & load<u64>(range, ADDRESS_RANGE_MASK_HIGH);
    if (high != load<u64>(range, ADDRESS_RANGE_NETWORK_HIGH)) continue;
    const low = addressLow & load<u64>(range, ADDRESS_RANGE_MASK_LOW);
    if (low == load<u64>(range, ADDRESS_RANGE_NETWORK_LOW)) return true;
  }
  return false;
}

/** Whether two texts are the same address, or, when one of them is none, the same text. */
export function addressesEqual(a: Text, b: Text): bool {
  const family = parseAddress(a);
  const high = addressHigh;
  const low = addressLow;
  if (family && parseAddress(b) == family) return high == addressHigh && low == addressLow;
  return lengthOf(a) == lengthOf(b) && bytesEqual(addressOf(a), addressOf(b), lengthOf(a));
}
