// A schema and further fields -> a schema that has both. Fields that are not Kestrel's own have ids from 1,000,000.
//
// INVARIANT: the same base and the same further fields give the same ids, whatever order they come in.

import type { Field, FieldType, Schema } from "@kestrel/stdlib/schema/types";

export const FIRST_FOREIGN_ID = 1_000_000;

/** Adds `types` to `base`; a field that `base` has with another type takes the new one, under an id of its own. */
export function extendSchema(base: Schema, types: ReadonlyMap<string, FieldType>): Schema {
  const fresh = [...types]
    .filter(([name, type]) => base.fields.get(name)?.type !== type)
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  if (fresh.length === 0) return base;
  let next = FIRST_FOREIGN_ID;
  for (const { id } of base.fields.values()) if (id >= next) next = id + 1;
  const fields = new Map<string, Field>(base.fields);
  for (const [name, type] of fresh) fields.set(name, { id: next++, name, type });
  return { ...base, fields };
}
