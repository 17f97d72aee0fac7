// The functions of the endgame dialect that take values. Where Python would raise, the result is null.

import { readDouble } from "../decimals.js";
import { fold } from "../fold.js";
import { addressOf, inRange, parseRange } from "../ip.js";
import { calculate, formatNumber } from "./numbers.js";
import { matchesPrefix } from "./regex.js";
import { type Data, finite, integer, isDict, isList, same, truth } from "./values.js";

type Function = (args: readonly Data[]) => Data;

const FUNCTIONS: Readonly<Record<string, Function>> = {
  add: ([a = null, b = null]) => calculate("+", a, b),
  subtract: ([a = null, b = null]) => calculate("-", a, b),
  multiply: ([a = null, b = null]) => calculate("*", a, b),
  divide: ([a = null, b = null]) => calculate("/", a, b),
  modulo: ([a = null, b = null]) => calculate("%", a, b),
  arrayContains: ([array = null, ...values]) =>
    isList(array) ? array.some((item) => values.some((value) => same(item, value))) : null,
  between: ([text = null, left = null, right = null, greedy = null]) =>
    between(text, left, right, truth(greedy) === true),
  cidrMatch: ([address = null, ...ranges]) =>
    typeof address === "string" && ranges.some((range) => typeof range === "string" && isInRange(address, range)),
  concat: (args) => {
    const texts = args.map(format);
    return texts.every((text) => text !== null) ? texts.join("") : null;
  },
  endsWith: ([text = null, end = null]) => onTexts(text, end, (a, b) => fold(a).endsWith(fold(b))),
  startsWith: ([text = null, start = null]) => onTexts(text, start, (a, b) => fold(a).startsWith(fold(b))),
  stringContains: ([text = null, part = null]) => onTexts(text, part, (a, b) => fold(a).includes(fold(b))) ?? false,
  indexOf: ([text = null, part = null, start = null]) => indexOf(text, part, start),
  length: ([value = null]) => length(value),
  match: ([text = null, ...patterns]) => match(text, patterns),
  matchLite: ([text = null, ...patterns]) => match(text, patterns),
  number: ([text = null, base = null]) => parseNumber(text, base),
  safe: ([value = null]) => value,
  string: ([value = null]) => format(value),
  substring: ([text = null, start = null, end = null]) => substring(text, start, end),
  wildcard: ([text = null, ...patterns]) =>
    typeof text === "string"
      ? patterns.some((pattern) => typeof pattern === "string" && matchesStars(text, pattern))
      : null,
};

/** Throws Error when there is no such function. */
export function callFunction(name: string, args: readonly Data[]): Data {
  const found = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (found === undefined) throw new Error(`There is no function ${name}`);
  return found(args);
}

/** Whether the whole text is the pattern up to case, each `*` being any run of characters. */
export function matchesStars(text: string, pattern: string): boolean {
  const [first = "", ...rest] = fold(pattern).split("*");
  const last = rest.pop();
  const whole = fold(text);
  if (last === undefined) return whole === first;
  if (!whole.startsWith(first)) return false;
  let from = first.length;
  for (const part of rest) {
    const found = whole.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return whole.length - last.length >= from && whole.endsWith(last);
}

/** As `string()` shows it; null for what has no text. */
export function format(value: Data): string | null {
  if (value === null || isList(value) || isDict(value)) return null;
  return typeof value === "bigint" || typeof value === "number" ? formatNumber(value) : String(value);
}

function onTexts(a: Data, b: Data, test: (a: string, b: string) => boolean): boolean | null {
  return typeof a === "string" && typeof b === "string" ? test(a, b) : null;
}

/** Folding keeps the number of UTF-16 units, so places in folded texts are places in the texts. */
function between(text: Data, left: Data, right: Data, greedy: boolean): string | null {
  if (typeof text !== "string" || typeof left !== "string" || typeof right !== "string") return null;
  const whole = fold(text);
  const found = whole.indexOf(fold(left));
  if (found < 0) return null;
  const from = found + left.length;
  const end = greedy ? whole.lastIndexOf(fold(right)) : whole.indexOf(fold(right), from);
  return end < from ? null : text.slice(from, end);
}

function isInRange(address: string, range: string): boolean {
  const parsed = parseRange(range);
  return parsed !== null && inRange(addressOf(address), parsed);
}

function indexOf(text: Data, part: Data, start: Data): bigint | null {
  if (typeof text !== "string" || typeof part !== "string") return null;
  if (start !== null && typeof start !== "bigint") return null;
  const characters = Array.from(fold(text));
  const from = fromEnd(start ?? 0n, characters.length);
  if (from > characters.length) return null;
  const rest = characters.slice(from).join("");
  const found = rest.indexOf(fold(part));
  return found < 0 ? null : BigInt(from + Array.from(rest.slice(0, found)).length);
}

function length(value: Data): bigint | null {
  if (typeof value === "string") return BigInt(Array.from(value).length);
  if (isList(value)) return BigInt(value.length);
  return isDict(value) ? BigInt(value.size) : null;
}

function match(text: Data, patterns: readonly Data[]): boolean | null {
  if (typeof text !== "string") return null;
  return patterns.some((pattern) => typeof pattern === "string" && matchesPrefix(text, pattern));
}

function substring(text: Data, start: Data, end: Data): string | null {
  if (typeof text !== "string") return null;
  if ((start !== null && typeof start !== "bigint") || (end !== null && typeof end !== "bigint")) return null;
  const characters = Array.from(text);
  const from = fromEnd(start ?? 0n, characters.length);
  const to = end === null ? characters.length : fromEnd(end, characters.length);
  return characters.slice(from, Math.max(from, to)).join("");
}

/** A negative place counts from the end; the result is not negative. */
function fromEnd(place: bigint, size: number): number {
  return Math.max(0, Number(place) + (place < 0n ? size : 0));
}

function parseNumber(text: Data, base: Data): bigint | number | null {
  if (typeof text !== "string" || (base !== null && typeof base !== "bigint")) return null;
  if (text.split(".").length === 2 && (base === null || base === 10n)) {
    const float = /^[+-]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(text);
    // The other reader of decimals wants digits on both sides of the point.
    return float ? readDouble(text.replace(/^([+-]?)\./, "$10.").replace(/\.(?![0-9])/, ".0")) : null;
  }
  if (text.startsWith("0x") && (base === null || base === 16n)) {
    return /^0x[0-9a-fA-F]+$/.test(text) ? integer(BigInt(text)) : null;
  }
  const found = /^([+-]?)([0-9]+)$/.exec(text);
  const radix = base === null || base === 0n ? 10n : base;
  if (found === null || radix < 2n || radix > 36n) return null;
  let value = 0n;
  for (const digit of found[2] ?? "") {
    if (BigInt(digit) >= radix) return null;
    value = value * radix + BigInt(digit);
  }
  const signed = integer(found[1] === "-" ? -value : value);
  return typeof signed === "number" ? finite(signed) : signed;
}
