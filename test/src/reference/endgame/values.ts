// The values of the endgame dialect: what JSON holds, with Python's two kinds of numbers. What one value is to another
// stands here: whether it counts as true, whether two are equal, which comes first, and whether two are the same key.
// INVARIANT: a number is finite, an integer fits 64 bits; what would be neither is null or a float.

import { fitsLong, readDouble } from "../decimals.js";
import { fold } from "../fold.js";
import type { Json } from "../read-json.js";
import { compareStrings } from "../values.js";

export type Data = null | boolean | bigint | number | string | List | Dict;
export type List = readonly Data[];
export type Dict = ReadonlyMap<string, Data>;

/** Of a repeated key the first value counts. */
export function dataOf(json: Json): Data {
  switch (json.kind) {
    case "null":
      return null;
    case "boolean":
    case "string":
      return json.value;
    case "number":
      return /^-?[0-9]+$/.test(json.text) ? integer(BigInt(json.text)) : readDouble(json.text);
    case "array":
      return json.items.map(dataOf);
    case "object": {
      const dict = new Map<string, Data>();
      for (const [key, value] of json.entries) if (!dict.has(key)) dict.set(key, dataOf(value));
      return dict;
    }
  }
}

/** An integer, or the nearest float when it does not fit. */
export function integer(value: bigint): bigint | number | null {
  return fitsLong(value) ? value : finite(Number(value));
}

export function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

export function isList(value: Data): value is List {
  return Array.isArray(value);
}

export function isDict(value: Data): value is Dict {
  return value instanceof Map;
}

export function isNumber(value: Data): value is bigint | number {
  return typeof value === "bigint" || typeof value === "number";
}

/** null for null: `and`, `or` and `not` are three-valued. */
export function truth(value: Data): boolean | null {
  if (value === null) return null;
  if (typeof value === "string") return value !== "";
  if (isList(value)) return value.length > 0;
  if (isDict(value)) return value.size > 0;
  return typeof value === "boolean" ? value : Number(value) !== 0;
}

/** `a == b`; null when either is null or the types clash. */
export function equal(a: Data, b: Data): boolean | null {
  if (isList(a) && isList(b)) return same(a, b);
  const order = compare(a, b);
  return order === null ? null : order === 0;
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`; null for what has no order. */
export function compare(a: Data, b: Data): number | null {
  if (typeof a === "string" && typeof b === "string") return compareFolded(a, b);
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  return null;
}

/** JavaScript compares an integer with a float exactly. */
export function compareNumbers(a: bigint | number, b: bigint | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function compareFolded(a: string, b: string): number {
  return compareStrings(lower(a), lower(b));
}

/**
 * Folded as texts are ordered: a class that has an ASCII letter stands where its small letter stands, and any other where
 * the small form of its first member stands, if that is of the class.
 */
function lower(text: string): string {
  return Array.from(fold(text), (first) => {
    const small = first.toUpperCase().toLowerCase();
    return fold(small) === first ? small : first;
  }).join("");
}

/** Whether two values are one key: strings up to case, 1 and 1.0 and true alike, arrays as a whole, null with null. */
export function same(a: Data, b: Data): boolean {
  return identity(a) === identity(b);
}

/** A text that is equal for the same keys only. An object is like null, since Python could not take it as a key. */
export function identity(value: Data): string {
  if (value === null || isDict(value)) return "null";
  if (typeof value === "string") return `text ${JSON.stringify(fold(value))}`;
  if (isList(value)) return `[${value.map(identity).join(", ")}]`;
  if (typeof value === "boolean") return `number ${Number(value)}`;
  return typeof value === "number" && Number.isInteger(value) ? `number ${BigInt(value)}` : `number ${value}`;
}
