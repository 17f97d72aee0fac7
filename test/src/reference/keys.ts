// The `by` fields of a term, over one event -> the key tuples that the event belongs to.
// A field with several values belongs to one key for each distinct value, several such fields to all combinations.

import type { Expr, Term } from "@kestrel/compiler/syntax/ast";
import type { Schema } from "@kestrel/stdlib/schema/types";
import type { RefEvent } from "./events.js";
import { formatValue } from "./functions.js";
import { namesOf, typeOfField, valuesOf } from "./scope.js";
import { compareStrings, type Value } from "./values.js";

export interface Key {
  /** Equal for equal keys only. */
  readonly id: string;
  readonly values: readonly Value[];
}

/** The keys that all terms share, then the term's own. */
export function keyFields(by: readonly Expr[], term: Term): readonly Expr[] {
  return [...by, ...term.by];
}

/** Empty when a key without `?` is missing, for then the event takes part in nothing. */
export function keysOf(fields: readonly Expr[], event: RefEvent, schema: Schema): Key[] {
  let tuples: Value[][] = [[]];
  for (const field of fields) {
    if (field.kind !== "field" || field.variable) throw new Error("A key must be a field");
    const name = namesOf(field).join(".");
    const known = typeOfField(name, schema) !== null;
    if (!known && !field.optional) throw new Error(`Unknown field ${name}`);
    const values = known ? valuesOf(name, event, schema) : [];
    const choices = values.length === 0 && field.optional ? [null] : distinct(values);
    tuples = tuples.flatMap((tuple) => choices.map((value) => [...tuple, value]));
  }
  return tuples.map((values) => ({ id: JSON.stringify(values.map(identity)), values }));
}

/** The texts that a result shows; null for a missing optional key. Dates are shown as nanoseconds since 1970. */
export function keyTexts(key: Key): (string | null)[] {
  return key.values.map((value) => (isDate(value) ? String(value.nanoseconds) : formatValue(value)));
}

/** Ascending by the first component that differs; null first, then by the values' own order. */
export function compareKeys(a: Key, b: Key): number {
  for (let i = 0; i < a.values.length; i++) {
    const order = compareComponents(a.values[i] ?? null, b.values[i] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

function compareComponents(a: Value, b: Value): number {
  if (a === null || b === null) return (a === null ? 0 : 1) - (b === null ? 0 : 1);
  if (isDate(a) && isDate(b)) return a.nanoseconds < b.nanoseconds ? -1 : a.nanoseconds > b.nanoseconds ? 1 : 0;
  if ((typeof a === "bigint" || typeof a === "number") && (typeof b === "bigint" || typeof b === "number")) {
    return a < b ? -1 : a > b ? 1 : 0;
  }
  return compareStrings(formatValue(a) ?? "", formatValue(b) ?? "");
}

function distinct(values: readonly Value[]): Value[] {
  return [...new Map(values.map((value) => [JSON.stringify(identity(value)), value])).values()];
}

/** Longs and doubles that are the same number are the same key; strings, addresses and versions are their exact text. */
export function identity(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "bigint") return `number ${value}`;
  if (typeof value === "number") return Number.isInteger(value) ? `number ${BigInt(value)}` : `number ${value}`;
  if (typeof value === "boolean") return `boolean ${value}`;
  if (isDate(value)) return `date ${value.nanoseconds}`;
  return `text ${JSON.stringify(formatValue(value) ?? "")}`;
}

function isDate(value: Value): value is { type: "date"; nanoseconds: bigint } {
  return value !== null && typeof value === "object" && value.type === "date";
}
