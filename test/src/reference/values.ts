// The values that a condition works on, and how two of them compare.
// Integers are bigint (64-bit), doubles are number. Addresses, versions and dates are kept apart from plain strings because
// they compare by meaning; everywhere else an address or a version is its text.

import { parseDate } from "./dates.js";
import { fold } from "./fold.js";
import { addressOf, inRange, parseRange } from "./ip.js";
import { compareVersions } from "./versions.js";

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | { readonly type: "ip" | "version"; readonly text: string }
  | { readonly type: "date"; readonly nanoseconds: bigint }
  | { readonly type: "object" };

/** A value of a condition or of a part of one: true, false, or null for unknown. */
export type Truth = boolean | null;

export function isNumber(value: Value): value is bigint | number {
  return typeof value === "bigint" || typeof value === "number";
}

/** The text of a string, address or version; null for everything else. */
export function textOf(value: Value): string | null {
  if (typeof value === "string") return value;
  if (value !== null && typeof value === "object" && (value.type === "ip" || value.type === "version"))
    return value.text;
  return null;
}

/** Orders by code point, which is also the order of the UTF-8 bytes. */
export function compareStrings(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = codePoint(left, i) - codePoint(right, i);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/**
 * Negative, zero or positive as `a` stands before, with or after `b`. null when either is null or the types do not
 * compare, NaN when a number is not a number. Addresses are ordered as text.
 */
export function compareValues(a: Value, b: Value): number | null {
  if (a === null || b === null) return null;
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b);
  const date = datePair(a, b);
  if (date !== null) return compareIntegers(date[0], date[1]);
  const left = textOf(a);
  const right = textOf(b);
  if (left === null || right === null) return null;
  if (isVersion(a) || isVersion(b)) return compareVersions(left, right) ?? compareStrings(left, right);
  return compareStrings(left, right);
}

/**
 * `a == b`. null when either is null or the types do not compare. `insensitive` is for `in~` and `:`.
 * A string constant that holds an address range tests an address for lying in it.
 */
export function equalValues(a: Value, b: Value, insensitive = false): Truth {
  if (a === null || b === null) return null;
  if (typeof a === "boolean" && typeof b === "boolean") return a === b;
  if (isAddress(a) || isAddress(b)) return equalAddresses(a, b, insensitive);
  if (insensitive) {
    const left = textOf(a);
    const right = textOf(b);
    if (left !== null && right !== null && fold(left) === fold(right)) return true;
  }
  const order = compareValues(a, b);
  return order === null ? null : order === 0;
}

function equalAddresses(a: Value, b: Value, insensitive: boolean): Truth {
  const left = textOf(a);
  const right = textOf(b);
  if (left === null || right === null) return null;
  const range = isAddress(a) === isAddress(b) ? null : parseRange(isAddress(a) ? right : left);
  if (range !== null) return inRange(addressOf(isAddress(a) ? left : right), range);
  const first = addressOf(left);
  const second = addressOf(right);
  if (first !== null && second !== null) return first.bits === second.bits && first.value === second.value;
  return insensitive ? fold(left) === fold(right) : left === right;
}

function compareNumbers(a: bigint | number, b: bigint | number): number {
  if (typeof a === "bigint" && typeof b === "bigint") return compareIntegers(a, b);
  const left = Number(a);
  const right = Number(b);
  if (Number.isNaN(left) || Number.isNaN(right)) return Number.NaN;
  return left < right ? -1 : left > right ? 1 : 0;
}

function compareIntegers(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Both sides in nanoseconds when one is a date and the other a date, ISO 8601 text or integer milliseconds. */
function datePair(a: Value, b: Value): readonly [bigint, bigint] | null {
  if (!isDate(a) && !isDate(b)) return null;
  const left = instantOf(a);
  const right = instantOf(b);
  return left === null || right === null ? null : [left, right];
}

function instantOf(value: Value): bigint | null {
  if (isDate(value)) return value.nanoseconds;
  if (typeof value === "string") return parseDate(value);
  return typeof value === "bigint" ? value * 1_000_000n : null;
}

function isDate(value: Value): value is { type: "date"; nanoseconds: bigint } {
  return value !== null && typeof value === "object" && value.type === "date";
}

function isAddress(value: Value): boolean {
  return value !== null && typeof value === "object" && value.type === "ip";
}

function isVersion(value: Value): boolean {
  return value !== null && typeof value === "object" && value.type === "version";
}

function codePoint(characters: readonly string[], at: number): number {
  return characters[at]?.codePointAt(0) ?? 0;
}
