// The times of events, in the order of their arrival, to the clock of the stream; see "The clock of a stream" in abi.ts.

import {
  CLOCK_RETURN_AFTER, CONTROL_BASE, CONTROL_BEHIND, CONTROL_BEHIND_NEWEST, CONTROL_CLOCK, CONTROL_GREATEST, CONTROL_LAST,
  CONTROL_LEAPS, CONTROL_NEWEST, CONTROL_RETURNS, CONTROL_STEP,
} from "../src/abi";

/** The time of an event that has none: that of the timed event that arrived last, before everything when there is none. */
export function borrowedTime(): i64 {
  return load<i64>(CONTROL_BASE + CONTROL_LAST);
}

export function currentClock(): i64 {
  return load<i64>(CONTROL_BASE + CONTROL_CLOCK);
}

/** Tells the clock of an event's own time. */
export function moveClock(time: i64): void {
  store<i64>(CONTROL_BASE + CONTROL_LAST, time);
  if (time > load<i64>(CONTROL_BASE + CONTROL_GREATEST)) store<i64>(CONTROL_BASE + CONTROL_GREATEST, time);
  const newest = load<i64>(CONTROL_BASE + CONTROL_NEWEST);
  if (newest == i64.MIN_VALUE) {
    store<i64>(CONTROL_BASE + CONTROL_NEWEST, time);
    return;
  }
  const step = load<u64>(CONTROL_BASE + CONTROL_STEP);
  // SOUND: the distance of two i64 fits a u64, and subtraction wraps around to it.
  if (time > newest) {
    const ahead = (time - newest) as u64;
    if (ahead > step) count(CONTROL_LEAPS);
    advance(min(ahead, step));
    store<i64>(CONTROL_BASE + CONTROL_NEWEST, time);
  } else if (((newest - time) as u64) > step) {
    fallBehind(time);
    return;
  }
  store<u64>(CONTROL_BASE + CONTROL_BEHIND, 0);
}

/** The clock stops at the greatest i64, which 150 million steps of a minute reach. */
function advance(by: u64): void {
  const clock = load<i64>(CONTROL_BASE + CONTROL_CLOCK) as u64;
  store<u64>(CONTROL_BASE + CONTROL_CLOCK, min(clock + by, i64.MAX_VALUE as u64));
}

function fallBehind(time: i64): void {
  const behind = load<u64>(CONTROL_BASE + CONTROL_BEHIND) + 1;
  const before = behind == 1 ? i64.MIN_VALUE : load<i64>(CONTROL_BASE + CONTROL_BEHIND_NEWEST);
  const newest = max(before, time);
  store<i64>(CONTROL_BASE + CONTROL_BEHIND_NEWEST, newest);
  store<u64>(CONTROL_BASE + CONTROL_BEHIND, behind);
  if (behind < (CLOCK_RETURN_AFTER as u64)) return;
  store<i64>(CONTROL_BASE + CONTROL_NEWEST, newest);
  store<u64>(CONTROL_BASE + CONTROL_BEHIND, 0);
  count(CONTROL_RETURNS);
}

function count(counter: u32): void {
  const at: usize = CONTROL_BASE + counter;
  store<u64>(at, load<u64>(at) + 1);
}
