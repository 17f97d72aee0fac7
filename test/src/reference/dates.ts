// Texts and numbers -> instants, in nanoseconds since 1970 as a 64-bit integer.

import { fitsLong, readLong } from "./decimals.js";

const ISO =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Reads ISO 8601: a date, or a date and time to the minute or second with an optional fraction and an optional `Z`, `±hh:mm`,
 * `±hhmm` or `±hh`; without one it is UTC. As in RFC 3339 a space may stand for the `T`, and both letters may be small. null for
 * other text, days that do not exist, and instants that do not fit.
 */
export function parseDate(text: string): bigint | null {
  const found = ISO.exec(text);
  if (found === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const offset = offsetMinutes(found[8]);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 59 || offset === null) return null;
  const seconds = daysSince1970(year, month, day) * 86400 + hour * 3600 + (minute - offset) * 60 + second;
  const fraction = (found[7] ?? "").slice(0, 9).padEnd(9, "0");
  const nanoseconds = BigInt(seconds) * 1_000_000_000n + BigInt(fraction);
  return fitsLong(nanoseconds) ? nanoseconds : null;
}

/** A decimal text of milliseconds since 1970, exact; digits beyond nanoseconds are dropped. */
export function parseMilliseconds(text: string): bigint | null {
  return readLong(text, 6);
}

/** What a number in the time field of an event may count. */
export type TimestampUnit = "auto" | "seconds" | "milliseconds" | "microseconds" | "nanoseconds" | "filetime";

/** Powers of ten of the nanoseconds in a unit. */
const DIGITS = { seconds: 9, milliseconds: 6, microseconds: 3, nanoseconds: 0 } as const;

/** A decimal text in the time field of an event (docs/language.md#the-time-of-an-event). */
export function parseTimestamp(text: string, unit: TimestampUnit): bigint | null {
  const whole = readLong(text);
  if (whole === null) return null;
  const known = unit === "auto" ? unitOf(whole) : unit;
  return known === "filetime" ? parseFiletime(text) : readLong(text, DIGITS[known]);
}

function unitOf(whole: bigint): Exclude<TimestampUnit, "auto"> {
  const digits = String(whole < 0n ? -whole : whole).length;
  if (digits <= 11) return "seconds";
  if (digits <= 14) return "milliseconds";
  if (digits <= 17) return "microseconds";
  return whole > 0n && whole < 300_000_000_000_000_000n ? "filetime" : "nanoseconds";
}

/** A decimal text of units of 100 ns since 1601, its fraction dropped. */
function parseFiletime(text: string): bigint | null {
  const ticks = readLong(text);
  const nanoseconds = ticks === null ? null : (ticks - 116_444_736_000_000_000n) * 100n;
  return nanoseconds === null || !fitsLong(nanoseconds) ? null : nanoseconds;
}

/** The millisecond that an instant lies in. */
export function millisecondOf(nanoseconds: bigint): bigint {
  const remainder = nanoseconds % 1_000_000n;
  return (nanoseconds - (remainder < 0n ? remainder + 1_000_000n : remainder)) / 1_000_000n;
}

function offsetMinutes(text: string | undefined): number | null {
  if (text === undefined || text.toUpperCase() === "Z") return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(3).replace(":", ""));
  if (hours > 23 || minutes > 59) return null;
  return (text.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function daysIn(year: number, month: number): number {
  return month === 2 && isLeap(year) ? 29 : (DAYS[month - 1] ?? 0);
}

function daysSince1970(year: number, month: number, day: number): number {
  let days = day - 1;
  for (let m = 1; m < month; m++) days += daysIn(year, m);
  for (let y = 1970; y < year; y++) days += isLeap(y) ? 366 : 365;
  for (let y = year; y < 1970; y++) days -= isLeap(y) ? 366 : 365;
  return days;
}
