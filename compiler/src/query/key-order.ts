// Key strings (runtime/src/event/join-keys.ts) part by part: which comes first, and which are one key however they are
// written.
//
// Parts are ordered by kind, then by value: null, numbers and booleans, times, texts, arrays, objects. Texts are ordered by
// code points.

import { foldString } from "@kestrel/stdlib/text/case-folding";

const NULL = "null";
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}]|[^"{}]+/gs;

/** The parts of a key; none for "". */
export function partsOf(key: string): readonly string[] {
  return key === "" ? [] : key.split("\n");
}

/** Negative when key `a` comes before `b`. */
export function compareKeys(a: string, b: string): number {
  return compareParts(partsOf(a), partsOf(b));
}

/** The same for keys in parts. */
export function compareParts(a: readonly string[], b: readonly string[]): number {
  for (const [index, part] of a.entries()) {
    const order = comparePart(part, b[index] ?? NULL);
    if (order !== 0) return order;
  }
  return 0;
}

/**
 * Keys as endgame sorts them: null stands where the empty value of its column would, so it becomes "" in a column of
 * texts, 0 in one of numbers and [] in one of arrays.
 */
export function withEmptyValues(keys: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const columns = Math.max(0, ...keys.map((key) => key.length));
  const empty = Array.from({ length: columns }, (_, column) => {
    const other = keys.find((key) => (key[column] ?? NULL) !== NULL)?.[column] ?? NULL;
    if (other.startsWith('"')) return '""';
    if (other.startsWith("[")) return "[]";
    return other === NULL || other.startsWith("{") ? NULL : "0";
  });
  return keys.map((key) => key.map((part, column) => (part === NULL ? (empty[column] ?? NULL) : part)));
}

/** A text that is the same for keys of the endgame dialect that are equal: up to case, with true as 1 and an object as null. */
export function identityOf(key: string): string {
  return partsOf(key).map(partIdentity).join("\n");
}

function partIdentity(part: string): string {
  let text = "";
  let depth = 0;
  for (const [token] of part.matchAll(TOKEN)) {
    if (token === "}") depth--;
    if (depth === 0) {
      if (token === "}") text += NULL;
      else if (token.startsWith('"')) text += foldString(token);
      else if (token !== "{") text += token.replace(/true/g, "1").replace(/false/g, "0");
    }
    if (token === "{") depth++;
  }
  return text;
}

function comparePart(a: string, b: string): number {
  if (a === b) return 0;
  const rank = rankOf(a);
  if (rank !== rankOf(b)) return rank - rankOf(b);
  switch (rank) {
    case RANK_NUMBER:
      return compareNumbers(a, b);
    case RANK_TIME:
      return compareIntegers(a.slice(1), b.slice(1));
    case RANK_TEXT:
      return compareTexts(JSON.parse(a) as string, JSON.parse(b) as string);
    case RANK_ARRAY:
      return compareParts(elementsOf(a), elementsOf(b)) || elementsOf(a).length - elementsOf(b).length;
    default:
      return 0;
  }
}

const RANK_NUMBER = 1;
const RANK_TIME = 2;
const RANK_TEXT = 3;
const RANK_ARRAY = 4;

function rankOf(part: string): number {
  switch (part[0]) {
    case "n":
      return 0;
    case "d":
      return RANK_TIME;
    case '"':
      return RANK_TEXT;
    case "[":
      return RANK_ARRAY;
    case "{":
      return 5;
    default:
      return RANK_NUMBER;
  }
}

function compareNumbers(a: string, b: string): number {
  if (/^-?\d+$/.test(a) && /^-?\d+$/.test(b)) return compareIntegers(a, b);
  const [left, right] = [numberOf(a), numberOf(b)];
  return left === right ? 0 : left < right ? -1 : 1;
}

function numberOf(part: string): number {
  return part === "true" ? 1 : part === "false" ? 0 : Number(part);
}

function compareIntegers(a: string, b: string): number {
  const [left, right] = [BigInt(a), BigInt(b)];
  return left === right ? 0 : left < right ? -1 : 1;
}

/** By code points, which is the order of the bytes in UTF-8. */
export function compareTexts(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function elementsOf(part: string): string[] {
  return (JSON.parse(part) as readonly unknown[]).map((element) => JSON.stringify(element));
}
