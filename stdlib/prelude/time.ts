// A number in the time field to nanoseconds since 1970; see docs/language.md, "The time of an event".

import {
  CONTROL_BASE, CONTROL_TIME_UNIT, TIME_UNIT_AUTO, TIME_UNIT_BUILT_IN, TIME_UNIT_FILETIME, TIME_UNIT_MICROSECONDS,
  TIME_UNIT_MILLISECONDS, TIME_UNIT_NANOSECONDS, TIME_UNIT_SECONDS,
} from "../src/abi";
import { integerValue, scannedInteger } from "./numbers";
import { time_unit } from "./pack";

/** Set by scannedTime. */
export let timeValue: i64 = 0;

/** 1970 in units of 100 ns since 1601, and what of those fits the nanoseconds of a slot. */
const FILETIME_EPOCH: i64 = 116444736000000000;
const FILETIME_REACH: i64 = i64.MAX_VALUE / 100;

// The first three end in the year 5138, and nanoseconds begin in 1979; between lie the file times of 1917 to 2551.
const SECONDS_END: u64 = 100000000000;
const MILLISECONDS_END: u64 = 100000000000000;
const MICROSECONDS_END: u64 = 100000000000000000;
const FILETIME_END: u64 = 300000000000000000;

/** 1990 and 2100 in nanoseconds since 1970. */
const PLAUSIBLE_FROM: i64 = 631152000000000000;
const PLAUSIBLE_END: i64 = 4102444800000000000;

/** Whether something may have happened then that somebody looks into now. */
export function isPlausible(time: i64): bool {
  return time >= PLAUSIBLE_FROM && time < PLAUSIBLE_END;
}

/** The time that the number means which scanNumber has just passed, in `timeValue`; false when it does not fit i64. */
export function scannedTime(): bool {
  if (!scannedInteger(0)) return false;
  const set = load<u32>(CONTROL_BASE + CONTROL_TIME_UNIT);
  let unit = set == TIME_UNIT_BUILT_IN ? time_unit : set;
  if (unit == TIME_UNIT_AUTO) unit = unitByMagnitude(integerValue);
  if (unit == TIME_UNIT_FILETIME) {
    const ticks = integerValue;
    if (ticks < FILETIME_EPOCH - FILETIME_REACH || ticks > FILETIME_EPOCH + FILETIME_REACH) return false;
    timeValue = (ticks - FILETIME_EPOCH) * 100;
    return true;
  }
  if (!scannedInteger(digitsBelow(unit))) return false;
  timeValue = integerValue;
  return true;
}

/** No file time is negative: what would be one by its size counts nanoseconds. */
function unitByMagnitude(whole: i64): u32 {
  const size: u64 = whole < 0 ? 0 - (whole as u64) : (whole as u64);
  if (size < SECONDS_END) return TIME_UNIT_SECONDS;
  if (size < MILLISECONDS_END) return TIME_UNIT_MILLISECONDS;
  if (size < MICROSECONDS_END) return TIME_UNIT_MICROSECONDS;
  return size < FILETIME_END && whole > 0 ? TIME_UNIT_FILETIME : TIME_UNIT_NANOSECONDS;
}

/** How many digits a nanosecond stands behind the unit. */
function digitsBelow(unit: u32): i32 {
  if (unit == TIME_UNIT_SECONDS) return 9;
  if (unit == TIME_UNIT_MILLISECONDS) return 6;
  return unit == TIME_UNIT_MICROSECONDS ? 3 : 0;
}
