// The fields of a file's first events -> a schema that holds for all of them, or for as long as a condition never holds.
//
// To learn the fields takes a pass in which every event becomes an object, and costs several times what the query costs. But a query asks for few fields,
// and most files say at their beginning what they are to the end. So the types are guessed from a sample, and the pass that answers the query watches
// whether the rest of the file could have changed one of them.
//
// SOUND: the type of a field depends on the kinds of the values that all events have there, and kinds only ever come together (infer-schema.ts). Of each
// name that the query was bound with, one of three things is true:
//   - no further kind changes its type: a keyword that has held a text stays one. There is nothing to watch.
//   - only some kinds change it. What JSON text such a value begins with, or holds, is a pattern, and its raw reading is looked at beside the query: the
//     module finds the values that the learner would, through arrays, dotted names and doubled keys alike. A pattern may take more than it need.
//   - it is not known what it would be. Then nothing is guessed.
// Where a watched pattern matches, everything that was found is thrown away, and the fields are learnt from all events as if nothing had been guessed. Nothing is
// printed before the last event has been seen.

import type { Field, FieldType, Schema } from "@kestrel/stdlib/schema/types";
import type { Typed, TypedQuery } from "../analyse/typed.js";
import { readName } from "../ir/reading.js";
import { globOf } from "../patterns/patterns.js";
import { type SchemaInference, scalarsOf } from "./infer-schema.js";

/** What is read of the beginnings. A field that only comes later costs a slow query, and nothing else. */
export const SAMPLE_BYTES = 1 << 20;

const TEXT = ['"*'];
const TRUTH = ["t*", "f*"];
const DIGITS = [..."-0123456789"].map((first) => `${first}*`);
const ARRAY = ["[*"];
/** An exponent, a fraction, or as many characters as the first integer has that is beyond 63 bits. */
const NO_LONG = ["*.*", "*e*", "*E*", `${"?".repeat(19)}*`];

/** JSON texts of values that may change a type: beginnings, and what stands anywhere. */
const WATCHED: Readonly<Record<FieldType, readonly string[]>> = {
  keyword: ["{*", ...ARRAY],
  ip: [...TRUTH, ...DIGITS, ...ARRAY],
  version: [...TRUTH, ...DIGITS, ...ARRAY],
  long: [...TEXT, ...TRUTH, ...ARRAY, ...NO_LONG],
  double: [...TEXT, ...TRUTH, ...ARRAY],
  boolean: [...TEXT, ...DIGITS, ...ARRAY],
  date: [...TRUTH, ...ARRAY],
  object: [...TEXT, ...TRUTH, ...DIGITS, ...ARRAY],
};

/** A schema, and the names that were looked up in it. */
export interface WatchedSchema extends Schema {
  readonly asked: ReadonlySet<string>;
}

/** The same schema, which remembers what it is asked for. */
export function watchSchema(schema: Schema): WatchedSchema {
  const asked = new Set<string>();
  class AskedFields extends Map<string, Field> {
    override get(name: string): Field | undefined {
      asked.add(name);
      return super.get(name);
    }
    override has(name: string): boolean {
      asked.add(name);
      return super.has(name);
    }
  }
  return { ...schema, fields: new AskedFields(schema.fields), asked };
}

/**
 * What to watch so that `names` have the types in `guessed` that all events would give them: a condition that holds for an event that may change one; true
 * where none can. null where the sample does not say enough.
 */
export function conditionOfDoubt(
  names: Iterable<string>,
  sample: SchemaInference,
  known: Schema,
  guessed: Schema,
): Typed | true | null {
  const doubts: Typed[] = [];
  for (const name of names) {
    const type = guessed.fields.get(name)?.type;
    const kinds = sample.kinds(name);
    // A name that neither the sample nor ECS has may be anything, or a mistake that is worth a word about what there is.
    if (type === undefined || ((kinds ?? 0) === 0 && known.fields.get(name)?.type !== type)) return null;
    if (type === "keyword" && scalarsOf(kinds ?? 0) !== 0) continue;
    const globs = WATCHED[type].map(globOf);
    doubts.push({
      kind: "match",
      subject: { kind: "field", reading: readName(name, "raw", guessed.fields.get(name)?.id) },
      patterns: { fold: false, exact: [], globs, regexes: [] },
    });
  }
  const [first] = doubts;
  if (first === undefined) return true;
  return doubts.length === 1 ? first : { kind: "or", operands: doubts };
}

/** The condition as a query of its own, beside one that was bound. */
export function doubtQuery(condition: Typed, { spans }: TypedQuery): TypedQuery {
  const span = { start: 0, end: 0 };
  const term = { dialect: "elastic", category: null, condition, keys: [], missing: false, fork: false, span } as const;
  return { kind: "event", term, categoryField: null, pipes: [], spans };
}
