// The types a field can have, and what a JSON value becomes when it is read into a field of that type.
//
// | type    | JSON string                    | JSON number                       | true, false    |
// |---------|--------------------------------|-----------------------------------|----------------|
// | keyword | itself                         | its text as written in the JSON   | "true" "false" |
// | ip      | itself                         | as keyword                        | as keyword     |
// | version | itself                         | as keyword                        | as keyword     |
// | long    | read as a number, else missing | fraction dropped; beyond i64: missing | missing    |
// | double  | read as a number, else missing | nearest double                    | missing        |
// | boolean | "true" "false", else missing   | missing                           | itself         |
// | date    | ISO 8601, else missing         | milliseconds since 1970           | missing        |
// | object  | present                        | present                           | present        |
//
// The field with the time of an event is a date whose numbers, and strings of digits, count what `--timestamp-unit` says
// (docs/language.md#the-time-of-an-event). A reading may take a value in one more way that no schema names
// (compiler/src/ir/reading.ts): `raw`, as the JSON text of whatever stands there, never flattened.
// A field of type object has no value of its own, only presence: it is there when a value other than null, an empty object
// or an empty array stands at its path or below. A date is ISO 8601; a space may stand for the `T`.
// A value that becomes missing this way is counted as malformed; so is a number beyond the doubles in a double field.
// `null` is missing and is not counted. Arrays, nested or
// not, and arrays of objects are flattened: a field has the list of all values found at its path, in document order,
// whether the path was written nested, dotted, or both. No value, an empty array and an array of nulls are all missing.
// A string read as a number has the grammar of a JSON number, with an optional `+` and leading zeros allowed, and no
// white space. A date is kept in nanoseconds since 1970 as a 64-bit integer; digits beyond nanoseconds are dropped.

export type FieldType = "keyword" | "ip" | "version" | "long" | "double" | "boolean" | "date" | "object";

export interface Field {
  /** Stable for ever; 1 is process.pid and 2 is process.name. */
  readonly id: number;
  /** Dotted ECS name. */
  readonly name: string;
  readonly type: FieldType;
}

/** The fields that rules may name. */
export interface Schema {
  readonly fields: ReadonlyMap<string, Field>;
  /**
   * Namespaces whose names the producers of events make up as they go, such as `winlog.event_data`: a field below one of them
   * need not be in `fields` and is then a keyword with the id 0.
   */
  readonly open?: readonly string[];
}
