// The base module of every pack: eqlc opens it, replaces what pack.ts declares, and adds the generated predicates.
// `run` takes a batch of lines to matches in the output region; the rest is exported for generated code to call.

import {
  BROKEN_LIMIT, BROKEN_RECORD_BYTES, BROKEN_RECORD_LINE, BROKEN_RECORD_OFFSET, BROKEN_RECORD_REASON, BROKEN_SIZE,
  CONTROL_BASE, CONTROL_BATCH_LINES, CONTROL_BLANK, CONTROL_BROKEN, CONTROL_BROKEN_RECORDS, CONTROL_BROKEN_TABLE,
  CONTROL_COMBINATIONS, CONTROL_CONSUMED, CONTROL_EVENTS, CONTROL_IMPLAUSIBLE, CONTROL_KEY_OVERFLOW, CONTROL_MALFORMED,
  CONTROL_LINE, CONTROL_MOST_LINES, CONTROL_OUTPUT_BYTES, CONTROL_REPLACED, CONTROL_UNTIMED, EVENT_HAS_TIEBREAKER, EVENT_HAS_TIME,
  EVENT_HEADER_ADDRESS, EVENT_HEADER_BYTES, EVENT_HEADER_CLOCK, EVENT_HEADER_FLAGS, EVENT_HEADER_LENGTH, EVENT_HEADER_LINE,
  EVENT_HEADER_MATCHES, EVENT_HEADER_SUM, EVENT_HEADER_TIEBREAKER, EVENT_HEADER_TIME, EVENT_MATCHES_AS_BEFORE, EVENT_TIEBREAKER_UNSIGNED,
  GENERATION_LIMIT, GROUP_SLOT, KEYS_LOST, KEY_COUNT, KEY_HEADER_BYTES, KEY_TEXT_PADDING, KEY_TEXT_START,
  KEY_TYPE, LATE_BROKEN, LATE_NO_MEMORY, LATE_READ, LATE_ROOT_EVENT, LATE_ROOT_STAGES, MATCH_BYTES, MATCH_KEY_BYTES,
  MATCH_PREDICATE, RUN_DONE, RUN_FULL,
  SLOT_BYTES, SLOT_COUNT, STAGE_NODE_BYTES, SYMBOL_BYTES, TYPE_KEYWORD, VALUE_ADDRESS, VALUE_BYTES,
  VALUE_LENGTH,
} from "../src/abi";
import { LINE_FEED } from "../src/text/characters";
import { arenaFull, generation, restartGenerations, startEvent } from "./arena";
import { count } from "./candidates";
import { borrowedTime, currentClock, moveClock } from "./clock";
import { decodeLine } from "./decode";
import { renewVersions } from "./follow";
import { writeBoxKey, writeKeyText } from "./dynamic-compare";
export { nextElement } from "./decode";
import { bytesEqual, sumOf } from "./bytes";
// For the tests that pin the hashes: no generated code calls these, so no package has them.
export { hashText } from "./bytes";
export { hashKey } from "./decode";
import {
  callPredicate, evaluate, output_base, output_end, predicate_count, slots_base, stage_count,
  stage_nodes, stage_slots_base, stage_slots_end, stamps_base, stamps_end, time_slot,
} from "./pack";
import { brokenReason, lineEnd, setBrokenReason, skipSpace } from "./scan";
import { clearSlots, symbolsOf, valuesOf, versionsSpent } from "./slots";
import { forgetTiebreaker, hasTiebreaker, isUnsigned, tiebreaker } from "./tiebreaker";
import { isPlausible } from "./time";

export {
  found_base, path_table, path_mask, readings, slots_base, slots_end, filled_base, members_base, stage_slots_base, stage_slots_end, stage_nodes, stage_count,
  time_slot, time_unit, stamps_base, stamps_end, predicate_stamps, predicate_count, arena_base, arena_end,
  output_base, output_end, fold_ranges, fold_count,
} from "./pack";
export { countEvaluated, enter, lackedGuards, lookUp, startCandidates, visitFound } from "./candidates";
export { findLiterals } from "./literals";
export { findLiterals } from "./literals";
export { foldedValues, symbolsOf } from "./slots";
export { startsWith, endsWith, contains, isBeyondAscii, globMatches, dfaMatches, nfaMatches, addressIn, addressesEqual } from "./match";
export {
  fold, equal, compare, length, startsWithText, endsWithText, containsText, indexOf, substring, concat, between,
  longText, doubleText, textToDouble, number, numberInBase, numberFailed,
  addOverflows, subtractOverflows, multiplyOverflows, doubleModulo, compareVersions,
} from "./functions";
export { askUnfolded } from "./unfolded";

export { mark, release } from "./arena";
export {
  boxIsText, boxText, boxTruth, truthBox, integerBox, foldBox, fieldBox, walkBox, elementsOf, elementBox,
  nextElement as nextBoxElement, startSteps, takeStep, stepsHeld,
} from "./dynamic";
export { boxEquals, boxOrder, boxIn, boxHas, boxAddressIn } from "./dynamic-compare";
export {
  boxArithmetic, boxStartsWith, boxEndsWith, boxContains, boxBetween, boxIndexOf, boxLength, boxSubstring, boxString,
  boxConcat, boxNumber,
} from "./dynamic-functions";

/** `emit` counts matches in an event's header. A late test writes no header, and has this in its place. */
const LATE_HEADER: usize = memory.data(EVENT_HEADER_BYTES);

/** Room that one event's matches may always count on; `run` stops before an event when less is left. */
@inline
function outputReserve(): usize {
  return EVENT_HEADER_BYTES + predicate_count * MATCH_BYTES;
}

@inline
function halfOfOutput(): usize {
  return (output_end - output_base) >> 1;
}

/** Header of the current event and where the next match goes; equal to it plus the header's size when none matched. */
let header: usize = 0;
let output: usize = 0;
/** Where the matches of the event before stand, and their bytes; 0 for the first event of the output. */
let matchesBefore: usize = 0;
let bytesBefore: u32 = 0;
/** Address of the current match's key length while its keys are written, and whether they still fit. */
let keyLength: usize = 0;
let keysFit: bool = false;
/** Bytes to keep free for the matches of predicates that have not run yet. */
let matchesLeft: usize = 0;
/** What an event's matches may take ends here: half of the region, wherever it begins, so that what it has room for does not depend on the events before it. */
let roomEnd: usize = 0;

/** Reads the generation, for generated code that keeps memo words. */
export function currentGeneration(): u32 {
  return generation;
}

/** Whether one of the values' symbols is in the bit set. */
export function anySymbol(group: usize, bits: usize): bool {
  const symbols = symbolsOf(group);
  const values = load<u32>(load<u32>(group, GROUP_SLOT) as usize, SLOT_COUNT);
  for (let i: u32 = 0; i < values; i++) {
    const symbol = load<u32>(symbols + i * SYMBOL_BYTES);
    if ((load<u8>(bits + (symbol >> 3)) >> (symbol & 7)) & 1) return true;
  }
  return false;
}

/** Whether one of the values' symbols is this one. */
export function hasSymbol(group: usize, wanted: u32): bool {
  const symbols = symbolsOf(group);
  const values = load<u32>(load<u32>(group, GROUP_SLOT) as usize, SLOT_COUNT);
  for (let i: u32 = 0; i < values; i++) if (load<u32>(symbols + i * SYMBOL_BYTES) == wanted) return true;
  return false;
}

/** Records that the predicate matches the current event. */
export function emit(predicate: u32): void {
  store<u32>(output, predicate, MATCH_PREDICATE);
  store<u32>(output, 0, MATCH_KEY_BYTES);
  keyLength = output + MATCH_KEY_BYTES;
  keysFit = true;
  output += MATCH_BYTES;
  matchesLeft -= MATCH_BYTES;
  store<u32>(header, load<u32>(header, EVENT_HEADER_MATCHES) + 1, EVENT_HEADER_MATCHES);
}

/** Adds a join key, the values of a slot, to the match that was emitted last. */
export function emitKey(slot: usize, type: u32, flags: u32): void {
  if (!keysFit) return;
  const values = load<u32>(slot, SLOT_COUNT);
  const start = output;
  const end = roomEnd - matchesLeft;
  const from = values ? valuesOf(slot) : 0;
  if (end < output + KEY_HEADER_BYTES) return loseKeys();
  store<u32>(output, type | flags, KEY_TYPE);
  store<u32>(output, values, KEY_COUNT);
  output += KEY_HEADER_BYTES;
  for (let i: u32 = 0; i < values; i++) {
    const value = from + i * VALUE_BYTES;
    if (type == TYPE_KEYWORD) {
      const length = load<u32>(value, VALUE_LENGTH);
      const padded = (length + KEY_TEXT_PADDING) & ~KEY_TEXT_PADDING;
      if (end < output + KEY_TEXT_START + padded) return loseKeys();
      writeKeyText(output, load<u32>(value, VALUE_ADDRESS), length);
      output += KEY_TEXT_START + padded;
    } else {
      if (end < output + VALUE_BYTES) return loseKeys();
      store<u64>(output, load<u64>(value));
      output += VALUE_BYTES;
    }
  }
  store<u32>(keyLength, load<u32>(keyLength) + ((output - start) as u32));
}

/** As emitKey, of a value of the endgame dialect. */
export function emitBoxKey(box: usize, fold: bool): void {
  if (!keysFit) return;
  const start = output;
  const stop = writeBoxKey(box, fold, output, roomEnd - matchesLeft);
  if (!stop) return loseKeys();
  output = stop;
  store<u32>(keyLength, load<u32>(keyLength) + ((stop - start) as u32));
}

function loseKeys(): void {
  output = keyLength + (MATCH_BYTES - MATCH_KEY_BYTES);
  store<u32>(keyLength, KEYS_LOST);
  keysFit = false;
  count(CONTROL_KEY_OVERFLOW);
}

export function countCombinations(): void {
  count(CONTROL_COMBINATIONS);
}

function recordBroken(line: u32, offset: u32): void {
  count(CONTROL_BROKEN);
  const records = load<u32>(CONTROL_BASE + CONTROL_BROKEN_RECORDS);
  if (records >= (BROKEN_LIMIT as u32)) return;
  const at: usize = CONTROL_BASE + CONTROL_BROKEN_TABLE + records * BROKEN_RECORD_BYTES;
  store<u32>(at, line, BROKEN_RECORD_LINE);
  store<u32>(at, offset, BROKEN_RECORD_OFFSET);
  store<u32>(at, brokenReason, BROKEN_RECORD_REASON);
  store<u32>(CONTROL_BASE + CONTROL_BROKEN_RECORDS, records + 1);
}

/** Evaluates the event in the slots; false when it turns out to be more than the arena holds. */
function runEvent(line: u32, start: usize, feed: usize): bool {
  header = output;
  store<u32>(header, 0, EVENT_HEADER_MATCHES);
  output += EVENT_HEADER_BYTES;
  matchesLeft = predicate_count * MATCH_BYTES;
  roomEnd = header + halfOfOutput();
  store<u32>(CONTROL_BASE + CONTROL_LINE, line);
  evaluate();
  if (arenaFull) {
    output = header;
    setBrokenReason(BROKEN_SIZE);
    return false;
  }
  count(CONTROL_EVENTS);
  let time = borrowedTime();
  let flags: u32 = 0;
  if (load<u32>(time_slot, SLOT_COUNT)) {
    time = load<i64>(valuesOf(time_slot));
    flags |= EVENT_HAS_TIME;
    moveClock(time);
    if (!isPlausible(time)) count(CONTROL_IMPLAUSIBLE);
  } else count(CONTROL_UNTIMED);
  if (!load<u32>(header, EVENT_HEADER_MATCHES)) {
    output = header;
    return true;
  }
  const sum = sumOf(start, (feed - start) as u32);
  // Not sooner: what was just written in pieces is read in blocks only when it has reached the memory.
  if (leaveOutSame()) flags |= EVENT_MATCHES_AS_BEFORE;
  if (hasTiebreaker) flags |= isUnsigned ? EVENT_HAS_TIEBREAKER | EVENT_TIEBREAKER_UNSIGNED : EVENT_HAS_TIEBREAKER;
  store<u32>(header, line, EVENT_HEADER_LINE);
  store<u32>(header, start as u32, EVENT_HEADER_ADDRESS);
  store<u32>(header, (feed - start) as u32, EVENT_HEADER_LENGTH);
  store<i64>(header, time, EVENT_HEADER_TIME);
  store<i64>(header, currentClock(), EVENT_HEADER_CLOCK);
  store<u64>(header, hasTiebreaker ? tiebreaker : 0, EVENT_HEADER_TIEBREAKER);
  store<u32>(header, flags, EVENT_HEADER_FLAGS);
  store<u32>(header, sum, EVENT_HEADER_SUM);
  return true;
}

/** Takes the event's matches out again where they are those of the event before; whether they are. */
function leaveOutSame(): bool {
  const matches = header + EVENT_HEADER_BYTES;
  const length = (output - matches) as u32;
  if (length == bytesBefore && bytesEqual(matches, matchesBefore, length)) {
    output = matches;
    return true;
  }
  matchesBefore = matches;
  bytesBefore = length;
  return false;
}

function nextEvent(): void {
  // What was derived of a value while the arena was full may be wrong.
  const isDoubtful = arenaFull;
  startEvent();
  forgetTiebreaker();
  if (generation >= (GENERATION_LIMIT as u32)) {
    memory.fill(stamps_base, 0, stamps_end - stamps_base);
    restartGenerations();
  }
  clearSlots();
  if (isDoubtful || versionsSpent()) renewVersions();
}

/** See "Late tests" in stdlib/src/abi.ts. */
export function late_begin(): void {
  nextEvent();
  for (let slot = stage_slots_base; slot < stage_slots_end; slot += SLOT_BYTES) store<u32>(slot, 0, SLOT_COUNT);
}

export function late_event(root: u32, address: usize, length: u32): i32 {
  if (root > stage_count) return LATE_READ;
  const node = root != LATE_ROOT_EVENT ? load<u32>(stage_nodes + (root - LATE_ROOT_STAGES) * STAGE_NODE_BYTES) : 0;
  if (root != LATE_ROOT_EVENT && !node) return LATE_READ;
  // The counters are put back: the line's values were counted when its event came, and each late test reads it again.
  const malformed = load<u64>(CONTROL_BASE + CONTROL_MALFORMED);
  const replaced = load<u64>(CONTROL_BASE + CONTROL_REPLACED);
  const whole = decodeLine(skipSpace(address), node, false) == address + length - 1;
  store<u64>(CONTROL_BASE + CONTROL_MALFORMED, malformed);
  store<u64>(CONTROL_BASE + CONTROL_REPLACED, replaced);
  return whole ? LATE_READ : LATE_BROKEN;
}

export function late_test(predicate: u32): i32 {
  header = LATE_HEADER;
  store<u32>(header, 0, EVENT_HEADER_MATCHES);
  output = output_base;
  matchesLeft = MATCH_BYTES;
  roomEnd = output_end;
  callPredicate(predicate);
  return arenaFull ? LATE_NO_MEMORY : load<u32>(header, EVENT_HEADER_MATCHES);
}

/** See "Module interface" in stdlib/src/abi.ts. `length` bytes at `address` are whole lines, each with its line feed. */
export function run(address: usize, length: u32): i32 {
  const end = address + length;
  const most = load<u32>(CONTROL_BASE + CONTROL_MOST_LINES);
  let p = address;
  let line: u32 = 0;
  let status = RUN_DONE;
  output = output_base;
  bytesBefore = 0;
  store<u32>(CONTROL_BASE + CONTROL_BROKEN_RECORDS, 0);
  while (p < end) {
    // Half of the region is kept for what the event at hand matches.
    const isFull = output + outputReserve() > output_base + halfOfOutput() && output != output_base;
    if (isFull || (most && line == most)) {
      status = RUN_FULL;
      break;
    }
    const start = skipSpace(p);
    let feed = start;
    if (load<u8>(start) == LINE_FEED) count(CONTROL_BLANK);
    else {
      nextEvent();
      feed = decodeLine(start, 0, true);
      if (!feed || !runEvent(line, start, feed)) {
        recordBroken(line, (start - address) as u32);
        if (!feed) feed = lineEnd(start);
      }
    }
    p = feed + 1;
    line++;
  }
  store<u32>(CONTROL_BASE + CONTROL_CONSUMED, (p - address) as u32);
  store<u32>(CONTROL_BASE + CONTROL_BATCH_LINES, line);
  store<u32>(CONTROL_BASE + CONTROL_OUTPUT_BYTES, (output - output_base) as u32);
  return status;
}
