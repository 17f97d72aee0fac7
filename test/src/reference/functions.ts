// The functions of the elastic dialect, on values that are already computed. Positions and lengths count UTF-16 units.
// Unless a row says otherwise, an argument that is null or of the wrong type gives null.
//
// | function                              | gives                                                                   |
// |---------------------------------------|-------------------------------------------------------------------------|
// | add subtract multiply divide modulo   | what the operator gives                                                 |
// | between(s, left, right[, greedy])     | s when any of the three is empty, "" when not found                     |
// | cidrMatch(ip, range…)                 | whether the address lies in a range; text that is no address: false     |
// | concat(a, …)                          | the texts of all arguments, joined                                      |
// | endsWith(s, t) startsWith(s, t)       | whether s ends, starts with t                                           |
// | indexOf(s, t[, start])                | first position from start (null: 0, negative: 0), null when not found   |
// | length(s)                             | length of the text                                                      |
// | number(s[, base])                     | the number that the text holds, null when it holds none                 |
// | string(a)                             | the text of a                                                           |
// | stringContains(s, t)                  | whether s holds t; false when either is empty                           |
// | substring(s, start[, end])            | from start to before end; negative counts from the end; null start: s;  |
// |                                       | half a surrogate pair at either end becomes U+FFFD, as in input         |
// | wildcard(s, pattern…)                 | whether s matches one of the patterns as a whole                        |

import { calculate } from "./arithmetic.js";
import { fitsLong, isDecimal, readDouble } from "./decimals.js";
import { fold } from "./fold.js";
import { addressOf, inRange, parseRange } from "./ip.js";
import { textOf, type Value } from "./values.js";
import { matchesWildcard } from "./wildcard.js";

type Arguments = readonly Value[];

interface Definition {
  readonly arity: readonly [least: number, most: number];
  /** Whether `name~` exists. */
  readonly folds: boolean;
  /** It asks whether something is so: what it gives is the truth of a condition and no value. */
  readonly asks?: true;
  readonly apply: (args: Arguments, insensitive: boolean) => Value;
}

const DEFINITIONS: Readonly<Record<string, Definition>> = {
  add: { arity: [2, 2], folds: false, apply: ([a, b]) => calculate("+", a ?? null, b ?? null) },
  subtract: { arity: [2, 2], folds: false, apply: ([a, b]) => calculate("-", a ?? null, b ?? null) },
  multiply: { arity: [2, 2], folds: false, apply: ([a, b]) => calculate("*", a ?? null, b ?? null) },
  divide: { arity: [2, 2], folds: false, apply: ([a, b]) => calculate("/", a ?? null, b ?? null) },
  modulo: { arity: [2, 2], folds: false, apply: ([a, b]) => calculate("%", a ?? null, b ?? null) },
  between: { arity: [3, 4], folds: true, apply: between },
  cidrmatch: { arity: [2, Number.POSITIVE_INFINITY], folds: false, asks: true, apply: cidrMatch },
  concat: { arity: [1, Number.POSITIVE_INFINITY], folds: false, apply: concat },
  endswith: { arity: [2, 2], folds: true, asks: true, apply: onTwoTexts((s, t) => s.endsWith(t)) },
  indexof: { arity: [2, 3], folds: true, apply: indexOf },
  length: { arity: [1, 1], folds: false, apply: length },
  number: { arity: [1, 2], folds: false, apply: number },
  startswith: { arity: [2, 2], folds: true, asks: true, apply: onTwoTexts((s, t) => s.startsWith(t)) },
  string: { arity: [1, 1], folds: false, apply: ([a]) => formatValue(a ?? null) },
  stringcontains: {
    arity: [2, 2],
    folds: true,
    asks: true,
    apply: onTwoTexts((s, t) => s !== "" && t !== "" && s.includes(t)),
  },
  substring: { arity: [2, 3], folds: false, apply: substring },
  wildcard: { arity: [2, Number.POSITIVE_INFINITY], folds: true, asks: true, apply: wildcard },
};

/** What a call gives, and whether that is the truth of a question. */
export interface Given {
  readonly value: Value;
  readonly isTruth: boolean;
}

/** Throws when the function does not exist, has no `~` form or takes another number of arguments. */
export function callFunction(name: string, insensitive: boolean, args: Arguments): Given {
  const key = name.toLowerCase();
  const definition = Object.hasOwn(DEFINITIONS, key) ? DEFINITIONS[key] : undefined;
  if (definition === undefined) throw new Error(`There is no function ${name}`);
  if (insensitive && !definition.folds) throw new Error(`There is no function ${name}~`);
  const [least, most] = definition.arity;
  if (args.length < least || args.length > most) throw new Error(`${name} does not take ${args.length} arguments`);
  return { value: definition.apply(args, insensitive), isTruth: definition.asks ?? false };
}

/** The text of a value; null for null, and for dates and objects, which have none. */
export function formatValue(value: Value): string | null {
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    const text = String(value);
    return /^-?[0-9]+$/.test(text) ? `${text}.0` : text;
  }
  return textOf(value);
}

function onTwoTexts(test: (s: string, t: string) => boolean): Definition["apply"] {
  return (args, insensitive) => {
    const s = text(args, 0);
    const t = text(args, 1);
    if (s === null || t === null) return null;
    return insensitive ? test(fold(s), fold(t)) : test(s, t);
  };
}

function between(args: Arguments, insensitive: boolean): Value {
  const s = text(args, 0);
  const left = text(args, 1);
  const right = text(args, 2);
  const greedy = args.length > 3 ? args[3] : false;
  if (s === null || left === null || right === null || typeof greedy !== "boolean") return null;
  if (s === "" || left === "" || right === "") return s;
  const searched = insensitive ? fold(s) : s;
  const found = searched.indexOf(insensitive ? fold(left) : left);
  if (found < 0) return "";
  const start = found + left.length;
  const closing = insensitive ? fold(right) : right;
  const end = greedy ? searched.lastIndexOf(closing) : searched.indexOf(closing, start);
  return end < start ? "" : s.slice(start, end);
}

function cidrMatch(args: Arguments): Value {
  const address = text(args, 0);
  if (address === null) return null;
  return args.slice(1).some((_, i) => {
    const range = parseRange(text(args, i + 1) ?? "");
    if (range === null) throw new Error("cidrMatch was given a range that is malformed");
    return inRange(addressOf(address), range);
  });
}

function concat(args: Arguments): Value {
  const texts = args.map(formatValue);
  return texts.includes(null) ? null : texts.join("");
}

function indexOf(args: Arguments, insensitive: boolean): Value {
  const s = text(args, 0);
  const t = text(args, 1);
  const start = args[2] ?? 0n;
  if (s === null || t === null || typeof start !== "bigint") return null;
  if (start > s.length) return null;
  const from = start < 0n ? 0 : Number(start);
  const found = insensitive ? fold(s).indexOf(fold(t), from) : s.indexOf(t, from);
  return found < 0 ? null : BigInt(found);
}

function length(args: Arguments): Value {
  const s = text(args, 0);
  return s === null ? null : BigInt(s.length);
}

function number(args: Arguments): Value {
  const s = text(args, 0);
  const base = args[1] ?? null;
  if (s === null || (base !== null && typeof base !== "bigint")) return null;
  if ((base === null || base === 16n) && s.startsWith("0x")) return readDigits(s.slice(2), 16n, false);
  if (base !== null && base !== 10n) return readDigits(s, base, true);
  if (!isDecimal(s)) return null;
  // A whole number that does not fit 64 bits becomes a double, as a literal would.
  return (/^[+-]?[0-9]+$/.test(s) ? readDigits(s, 10n, true) : null) ?? readDouble(s);
}

function readDigits(text: string, base: bigint, signed: boolean): bigint | null {
  const found = /^([+-]?)([0-9a-zA-Z]+)$/.exec(text);
  if (found === null || base < 2n || base > 36n || (!signed && found[1] !== "")) return null;
  let value = 0n;
  for (const letter of found[2] ?? "") {
    const digit = BigInt(Number.parseInt(letter, 36));
    if (digit >= base) return null;
    value = value * base + digit;
  }
  if (found[1] === "-") value = -value;
  return fitsLong(value) ? value : null;
}

function substring(args: Arguments): Value {
  const s = text(args, 0);
  const start = args[1] ?? null;
  const end = args[2] ?? null;
  if (s === null) return null;
  if (start === null) return s;
  if (typeof start !== "bigint" || (end !== null && typeof end !== "bigint")) return null;
  const from = clampPosition(start, s.length);
  const to = end === null ? s.length : clampPosition(end, s.length);
  return from >= to ? "" : s.slice(from, to).replace(/\p{Surrogate}/gu, "\ufffd");
}

function wildcard(args: Arguments, insensitive: boolean): Value {
  const s = text(args, 0);
  if (s === null) return null;
  return args.slice(1).some((pattern) => {
    if (typeof pattern !== "string") throw new Error("The patterns of wildcard must be texts");
    return matchesWildcard(s, pattern, insensitive);
  });
}

function clampPosition(position: bigint, length: number): number {
  const counted = position < 0n ? position + BigInt(length) : position;
  return counted < 0n ? 0 : counted > length ? length : Number(counted);
}

function text(args: Arguments, at: number): string | null {
  return textOf(args[at] ?? null);
}
