// Text to numbers and dates. Integers are exact; a double takes Clinger's exact path when its digits and exponent are
// small, and the host's parser otherwise.

import {
  CASE_BIT, COLON, COMMA, DIGIT_0, DOT, LOWER_E, LOWER_T, LOWER_Z, MINUS, PLUS, SPACE, UPPER_T, UPPER_Z,
} from "../src/text/characters";
import { decimalOf, isDigit } from "./characters";
import { parseDouble } from "./pack";

/** Set by scanNumber: the number has neither fraction nor exponent, and fits i64; its value is then `integerValue`. */
export let isInteger: bool = false;
export let integerValue: i64 = 0;
let mantissa: u64 = 0;
let mantissaDigits: u32 = 0;
let exponent: i32 = 0;
let negative: bool = false;

/**
 * Past the number at `p` (grammar of JSON; with `lenient` also a leading plus sign and leading zeros), or 0.
 * Reads no further than the first byte that cannot belong to the number.
 */
export function scanNumber(p: usize, end: usize, lenient: bool): usize {
  negative = false;
  mantissa = 0;
  mantissaDigits = 0;
  exponent = 0;
  isInteger = false;
  let c: u32 = p < end ? load<u8>(p) : 0;
  if (c == MINUS) {
    negative = true;
    p++;
  } else if (lenient && c == PLUS) p++;
  const digits = p;
  while (p < end && isDigit((c = load<u8>(p)))) {
    if (mantissaDigits < 19) {
      mantissa = mantissa * 10 + (decimalOf(c) as u64);
      if (mantissa) mantissaDigits++;
    } else {
      exponent++;
      mantissaDigits++;
    }
    p++;
  }
  if (p == digits) return 0;
  if (!lenient && load<u8>(digits) == DIGIT_0 && p > digits + 1) return 0;
  let whole = true;
  if (p < end && load<u8>(p) == DOT) {
    whole = false;
    p++;
    const fraction = p;
    while (p < end && isDigit((c = load<u8>(p)))) {
      if (mantissaDigits < 19) {
        mantissa = mantissa * 10 + (decimalOf(c) as u64);
        if (mantissa) mantissaDigits++;
        exponent--;
      } else mantissaDigits++;
      p++;
    }
    if (p == fraction) return 0;
  }
  if (p < end && (load<u8>(p) | CASE_BIT) == LOWER_E) {
    whole = false;
    p++;
    let down = false;
    if (p < end && (load<u8>(p) == PLUS || load<u8>(p) == MINUS)) {
      down = load<u8>(p) == MINUS;
      p++;
    }
    const power = p;
    let value: i32 = 0;
    while (p < end && isDigit((c = load<u8>(p)))) {
      // Nine digits are enough: no line holds so many digits of a mantissa that a greater exponent would make a
      // difference.
      if (value < 100000000) value = value * 10 + (decimalOf(c) as i32);
      p++;
    }
    if (p == power) return 0;
    exponent += down ? -value : value;
  }
  if (whole && mantissaDigits <= 19) {
    // SOUND: 19 digits fit u64, so the comparison with the i64 bounds is exact.
    if (negative ? mantissa <= 0x8000000000000000 : mantissa <= 0x7fffffffffffffff) {
      isInteger = true;
      integerValue = negative ? (0 - mantissa) as i64 : (mantissa as i64);
    }
  }
  return p;
}

/** The double of the number that scanNumber has just passed, which stood at `start`. */
export function scannedDouble(start: usize, end: usize): f64 {
  if (isInteger && mantissa <= 0x20000000000000) {
    const exact = mantissa as f64;
    return negative ? -exact : exact;
  }
  if (mantissaDigits <= 19 && mantissa <= 0x20000000000000 && exponent >= -22 && exponent <= 22) {
    let value = mantissa as f64;
    // Both factors are exact doubles, so one rounding remains: the result is the nearest double.
    const power = powerOfTen(exponent < 0 ? -exponent : exponent);
    value = exponent < 0 ? value / power : value * power;
    return negative ? -value : value;
  }
  return parseDouble(start, (end - start) as u32);
}

/**
 * The whole part of the number that scanNumber has just passed, times ten to the power of `shift`, put in `integerValue`;
 * false when it does not fit i64.
 * SOUND: digits beyond the nineteenth only matter to a number that does not fit.
 */
export function scannedInteger(shift: i32): bool {
  if (isInteger && shift == 0) return true;
  let whole = mantissa;
  const power = exponent + shift;
  if (power < -19) whole = 0;
  for (let e = power; e < 0 && whole; e++) whole /= 10;
  for (let e = power; e > 0 && whole; e--) {
    if (whole > 0x7fffffffffffffff / 10) return false;
    whole *= 10;
  }
  if (whole > (negative ? (0x8000000000000000 as u64) : (0x7fffffffffffffff as u64))) return false;
  integerValue = negative ? (0 - whole) as i64 : (whole as i64);
  return true;
}

function powerOfTen(n: i32): f64 {
  let value: f64 = 1;
  for (let i = 0; i < n; i++) value *= 10;
  return value;
}

/** Set by parseDate. */
export let dateValue: i64 = 0;

@inline
function two(p: usize): i32 {
  const a = decimalOf(load<u8>(p));
  const b = decimalOf(load<u8>(p + 1));
  return a < 10 && b < 10 ? ((a * 10 + b) as i32) : -1;
}

function daysFromCivil(year: i32, month: i32, day: i32): i64 {
  const y = month <= 2 ? year - 1 : year;
  const era = (y >= 0 ? y : y - 399) / 400;
  const yearOfEra = y - era * 400;
  const dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  return (era as i64) * 146097 + (dayOfEra as i64) - 719468;
}

function daysInMonth(year: i32, month: i32): i32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** Nanoseconds since 1970 fit i64 from within 1677 to within 2262. */
const FIRST_YEAR: i32 = 1677;
const LAST_YEAR: i32 = 2262;
const NS_PER_SECOND: i64 = 1000000000;

/**
 * Reads `YYYY-MM-DD`, then optionally `T` or a space and `hh:mm[:ss[.fraction]]`, then optionally `Z` or an offset
 * (`+hh:mm`, `+hhmm`, `+hh`); without one it is UTC. True when the whole range is such a date; the value is `dateValue`.
 */
export function parseDate(p: usize, length: u32): bool {
  const end = p + length;
  if (length < 10) return false;
  const century = two(p);
  const yearOfCentury = two(p + 2);
  const month = two(p + 5);
  const day = two(p + 8);
  if (century < 0 || yearOfCentury < 0 || load<u8>(p + 4) != MINUS || load<u8>(p + 7) != MINUS) return false;
  const year = century * 100 + yearOfCentury;
  if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12) return false;
  if (day < 1 || day > daysInMonth(year, month)) return false;
  let seconds = daysFromCivil(year, month, day) * 86400;
  let nanoseconds: i64 = 0;
  p += 10;
  if (p < end) {
    const mark = load<u8>(p);
    if (mark != UPPER_T && mark != LOWER_T && mark != SPACE) return false;
    p++;
    if (end - p < 5) return false;
    const hour = two(p);
    const minute = two(p + 3);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || load<u8>(p + 2) != COLON) return false;
    seconds += (hour * 3600 + minute * 60) as i64;
    p += 5;
    if (p < end && load<u8>(p) == COLON) {
      if (end - p < 3) return false;
      const second = two(p + 1);
      if (second < 0 || second > 59) return false;
      seconds += second as i64;
      p += 3;
      if (p < end && (load<u8>(p) == DOT || load<u8>(p) == COMMA)) {
        p++;
        const start = p;
        let unit = NS_PER_SECOND;
        while (p < end && isDigit(load<u8>(p))) {
          unit /= 10;
          nanoseconds += ((load<u8>(p) as i64) - DIGIT_0) * unit;
          p++;
        }
        if (p == start) return false;
      }
    }
    if (p < end) {
      const zone = load<u8>(p);
      p++;
      if (zone == PLUS || zone == MINUS) {
        if (end - p < 2) return false;
        const hours = two(p);
        if (hours < 0 || hours > 23) return false;
        p += 2;
        let minutes = 0;
        if (p < end) {
          if (load<u8>(p) == COLON) p++;
          if (end - p != 2) return false;
          minutes = two(p);
          if (minutes < 0 || minutes > 59) return false;
          p += 2;
        }
        const offset = (hours * 3600 + minutes * 60) as i64;
        seconds += zone == PLUS ? -offset : offset;
      } else if (zone != UPPER_Z && zone != LOWER_Z) return false;
    }
  }
  if (p != end) return false;
  dateValue = seconds * NS_PER_SECOND + nanoseconds;
  // SOUND: the years leave less than one turn of i64, so a value that does not fit has changed its sign.
  return (dateValue < 0) == (seconds < 0);
}
