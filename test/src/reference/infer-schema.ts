// Observed NDJSON lines -> a schema with made-up ids, for data sets that come without one.

import type { Field, FieldType, Schema } from "@kestrel/stdlib/schema/types";
import { flatten, type Scalar } from "./flatten.js";
import { readJson } from "./read-json.js";

/**
 * A path that only ever held whole numbers is long, other numbers make it double, only booleans boolean, and everything
 * else, also what only ever held null, keyword. `known` overrides what was observed and may add fields.
 */
export function inferSchema(lines: readonly string[], known: Readonly<Record<string, FieldType>> = {}): Schema {
  const observed = new Map<string, FieldType | null>();
  for (const line of lines) {
    for (const [path, scalars] of flatten(readJson(line)).values) {
      for (const scalar of scalars) observed.set(path, widen(observed.get(path) ?? null, typeOf(scalar)));
    }
  }
  const types = new Map<string, FieldType>();
  for (const [path, type] of observed) types.set(path, type ?? "keyword");
  for (const [path, type] of Object.entries(known)) types.set(path, type);
  const fields = new Map<string, Field>();
  for (const [name, type] of types) fields.set(name, { id: fields.size + 1, name, type });
  return { fields };
}

function typeOf(scalar: Scalar): FieldType | null {
  switch (scalar.kind) {
    case "null":
      return null;
    case "boolean":
      return "boolean";
    case "number":
      return /^-?[0-9]+$/.test(scalar.text) ? "long" : "double";
    case "string":
      return "keyword";
  }
}

function widen(a: FieldType | null, b: FieldType | null): FieldType | null {
  if (a === null || b === null) return a ?? b;
  if (a === b) return a;
  const numbers = (a === "long" || a === "double") && (b === "long" || b === "double");
  return numbers ? "double" : "keyword";
}
