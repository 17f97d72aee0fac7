// A JSON object -> for each dotted path the list of JSON values found at it, in document order; and, with a field's type,
// the values that the field has. What becomes of a JSON value in a field of each type stands in stdlib/src/schema/types.ts.
// INVARIANT: `{"a": {"b": 1}}`, `{"a.b": 1}` and any mixture of the two give the same paths.

import type { FieldType } from "@kestrel/stdlib/schema/types";
import { parseDate, parseMilliseconds, parseTimestamp, type TimestampUnit } from "./dates.js";
import { readDouble, readLong } from "./decimals.js";
import type { Json } from "./read-json.js";
import type { Value } from "./values.js";

export type Scalar = Exclude<Json, { kind: "array" } | { kind: "object" }>;

export interface FlatEvent {
  /** Scalars, nulls among them, by path. */
  readonly values: ReadonlyMap<string, readonly Scalar[]>;
  /** Paths at which a non-empty object stands, or a non-null scalar. */
  readonly present: ReadonlySet<string>;
}

export function flatten(event: Json): FlatEvent {
  const values = new Map<string, Scalar[]>();
  const present = new Set<string>();
  const walk = (path: string | null, value: Json): void => {
    switch (value.kind) {
      case "array":
        for (const item of value.items) walk(path, item);
        return;
      case "object":
        for (const [key, child] of value.entries) {
          const below = path === null ? key : `${path}.${key}`;
          // A key stands in every object that its dots name, down to the one it is written in.
          for (let dot = below.lastIndexOf("."); dot > 0; dot = below.lastIndexOf(".", dot - 1))
            present.add(below.slice(0, dot));
          walk(below, child);
        }
        return;
      default: {
        const list = values.get(path ?? "") ?? [];
        list.push(value);
        values.set(path ?? "", list);
        if (value.kind !== "null") present.add(path ?? "");
      }
    }
  };
  walk(null, event);
  return { values, present };
}

export interface FieldValues {
  /** Without nulls; empty when the field is missing. */
  readonly values: readonly Value[];
  readonly malformed: number;
}

/** What a field is read as: the type of a schema, or the time of an event, whose numbers count units of its own. */
export type ReferenceType = FieldType | { readonly timestamp: TimestampUnit };

/** The values of a field of the given type. `object` fields have at most one, which only says that they are there. */
export function fieldValues(event: FlatEvent, name: string, type: ReferenceType): FieldValues {
  if (type === "object") return { values: event.present.has(name) ? [{ type: "object" }] : [], malformed: 0 };
  const values: Value[] = [];
  let malformed = 0;
  for (const scalar of event.values.get(name) ?? []) {
    if (scalar.kind === "null") continue;
    const value = coerce(scalar, type);
    if (value === null) malformed++;
    else values.push(value);
  }
  return { values, malformed };
}

/** null: the value is malformed for the type. */
function coerce(scalar: Exclude<Scalar, { kind: "null" }>, type: Exclude<ReferenceType, "object">): Value {
  if (typeof type !== "string") {
    if (scalar.kind === "boolean") return null;
    const text = scalarText(scalar);
    const nanoseconds = (scalar.kind === "string" ? parseDate(text) : null) ?? parseTimestamp(text, type.timestamp);
    return nanoseconds === null ? null : { type: "date", nanoseconds };
  }
  switch (type) {
    case "keyword":
      return scalarText(scalar);
    case "ip":
    case "version":
      return { type, text: scalarText(scalar) };
    case "long":
      return scalar.kind === "boolean" ? null : readLong(scalarText(scalar));
    case "double":
      return scalar.kind === "boolean" ? null : readDouble(scalarText(scalar));
    case "boolean":
      if (scalar.kind === "boolean") return scalar.value;
      if (scalar.kind === "number") return null;
      return scalar.value === "true" ? true : scalar.value === "false" ? false : null;
    case "date": {
      if (scalar.kind === "boolean") return null;
      const nanoseconds = scalar.kind === "string" ? parseDate(scalar.value) : parseMilliseconds(scalar.text);
      return nanoseconds === null ? null : { type: "date", nanoseconds };
    }
  }
}

export function scalarText(scalar: Exclude<Scalar, { kind: "null" }>): string {
  switch (scalar.kind) {
    case "boolean":
      return String(scalar.value);
    case "number":
      return scalar.text;
    case "string":
      return scalar.value;
  }
}
