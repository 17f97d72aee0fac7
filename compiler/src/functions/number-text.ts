// Constants and their texts, docs/language.md#number and #string: what `string()` shows, and what `number()` reads.

import type { Literal } from "./entry.js";

const I64_MIN = -(2n ** 63n);
const I64_MAX = 2n ** 63n - 1n;

/** As `string()` shows it; a whole double keeps its point. */
export function showLiteral(value: Literal): string {
  const text = String(value);
  return typeof value === "number" && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/**
 * A base of null is 10, or 16 behind `0x`. A whole number within 64 bits is long (a bigint), any other decimal a double; null
 * when the text is no number.
 */
export function readNumber(text: string, base: number | null): bigint | number | null {
  if ((base === null || base === 16) && text.startsWith("0x")) return readDigits("", text.slice(2), 16);
  const sign = /^[+-]?/.exec(text)?.[0] ?? "";
  if (base !== null && base !== 10) return readDigits(sign, text.slice(sign.length), base);
  if (!/^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return null;
  if (/^[+-]?\d+$/.test(text)) {
    const read = readDigits(sign, text.slice(sign.length), 10);
    if (read !== null) return read;
  }
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

function readDigits(sign: string, digits: string, base: number): bigint | null {
  if (!/^[0-9a-zA-Z]+$/.test(digits)) return null;
  let value = 0n;
  for (const letter of digits) {
    const digit = Number.parseInt(letter, 36);
    if (digit >= base) return null;
    value = value * BigInt(base) + BigInt(digit);
  }
  if (sign === "-") value = -value;
  return value >= I64_MIN && value <= I64_MAX ? value : null;
}
