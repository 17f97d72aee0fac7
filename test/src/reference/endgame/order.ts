// The order of keys: in a sample null comes first; in `sort` and `count` it stands where the empty value of its column's
// type stands, which is "" among texts and 0 among numbers.

import { compareStrings } from "../values.js";
import { compareFolded, compareNumbers, type Data, isDict, isList, isNumber } from "./values.js";

/** Compares two rows of keys; `all` are the rows that are being ordered. */
export function compareRows(
  a: readonly Data[],
  b: readonly Data[],
  all: readonly (readonly Data[])[],
  folded: boolean,
): number {
  for (let column = 0; column < a.length; column++) {
    const empty = emptyLike(all.find((row) => (row[column] ?? null) !== null)?.[column] ?? null);
    const order = compareData(a[column] ?? empty, b[column] ?? empty, folded);
    if (order !== 0) return order;
  }
  return 0;
}

/** Compares two keys of a sample, in which an object is null. */
export function compareKeys(a: readonly Data[], b: readonly Data[]): number {
  return compareData(a.map(asKey), b.map(asKey), true);
}

function asKey(value: Data): Data {
  if (isDict(value)) return null;
  return isList(value) ? value.map(asKey) : value;
}

function emptyLike(value: Data): Data {
  if (typeof value === "string") return "";
  if (isList(value)) return [];
  if (isDict(value) || value === null) return value;
  return 0n;
}

/** null, numbers and booleans, texts, arrays, objects; what cannot be told apart is equal. */
function compareData(a: Data, b: Data, folded: boolean): number {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (typeof a === "string" && typeof b === "string") return folded ? compareFolded(a, b) : compareStrings(a, b);
  if (isList(a) && isList(b)) {
    for (let i = 0; i < a.length && i < b.length; i++) {
      const order = compareData(a[i] ?? null, b[i] ?? null, folded);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  return compareNumbers(numberOf(a), numberOf(b));
}

function rank(value: Data): number {
  if (value === null) return 0;
  if (isNumber(value) || typeof value === "boolean") return 1;
  return typeof value === "string" ? 2 : isList(value) ? 3 : 4;
}

function numberOf(value: Data): bigint | number {
  if (isNumber(value)) return value;
  return value === true ? 1n : 0n;
}
