// What a user has counted in recordings of his own of that which rules ask for (count-events.ts): how the index of a pack is steered where
// events are other than those that the built-in figures were measured of (passes/expected-shares.ts).
//
// A count of 0 says that the recordings lack it; what is not named was not looked for, and nothing is known of it.

export interface Profile {
  /** How many were counted. */
  readonly events: number;
  /** Fields, by name: events in which they have a value. */
  readonly fields: ReadonlyMap<string, number>;
  /** Folded texts by field: events that hold them. */
  readonly texts: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Folded values of the fields that rules match patterns with, each once an event. */
  readonly values: number;
  /** Four characters of ASCII, folded: those of `values` that contain them. */
  readonly grams: ReadonlyMap<string, number>;
}
