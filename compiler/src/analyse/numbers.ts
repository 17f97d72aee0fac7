// Text of a constant -> the number that `number()` makes of it (docs/language.md#number).

import type { Typed } from "./typed.js";

const I64_MIN = -(2n ** 63n);
const I64_MAX = 2n ** 63n - 1n;

/** A base of null is 10, or 16 behind `0x`. A whole number within 64 bits is long; null when the text is no number. */
export function readNumber(text: string, base: number | null): Typed {
  if ((base === null || base === 16) && text.startsWith("0x")) return readDigits("", text.slice(2), 16);
  const sign = /^[+-]?/.exec(text)?.[0] ?? "";
  if (base !== null && base !== 10) return readDigits(sign, text.slice(sign.length), base);
  if (!/^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return { kind: "null" };
  if (/^[+-]?\d+$/.test(text)) {
    const read = readDigits(sign, text.slice(sign.length), 10);
    if (read.kind === "long") return read;
  }
  const value = Number(text);
  return Number.isFinite(value) ? { kind: "double", value } : { kind: "null" };
}

function readDigits(sign: string, digits: string, base: number): Typed {
  if (!/^[0-9a-zA-Z]+$/.test(digits)) return { kind: "null" };
  let value = 0n;
  for (const letter of digits) {
    const digit = Number.parseInt(letter, 36);
    if (digit >= base) return { kind: "null" };
    value = value * BigInt(base) + BigInt(digit);
  }
  if (sign === "-") value = -value;
  return value >= I64_MIN && value <= I64_MAX ? { kind: "long", value } : { kind: "null" };
}
