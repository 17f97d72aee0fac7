// What a caller of the compiler decides. It stands alone so that a command line can show it without loading the compiler.

import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import type { Schema } from "@kestrel/stdlib/schema/types";
import type { TimeUnit } from "@kestrel/stdlib/time-units";
import type { Profile } from "./profile/profile.js";
import type { Dialect } from "./rule/query-text.js";

export interface CompileOptions {
  readonly schema: Schema;
  /** What fields that the schema lacks are; null: the sources that a rule names decide. */
  readonly unknownFields: "error" | "warn" | null;
  readonly dialect: Dialect;
  readonly timestampField: string;
  /** null: events of equal time keep their order of arrival. */
  readonly tiebreakerField: string | null;
  /** What `process where` looks at in rules of the elastic dialect, and in those of the endgame dialect. */
  readonly categoryField: string;
  readonly endgameCategoryField: string;
  /** What a number in the timestamp field counts. */
  readonly timestampUnit: TimeUnit;
  /** Plans all pipes, as a query over a file needs; a package has those that work on a stream. */
  readonly allPipes: boolean;
  /** What the events will hold that the pack is for, which steers its index and nothing else; null where nobody has counted. */
  readonly profile: Profile | null;
  /** Whether the index leaves predicates out; off only to test that it loses nothing. */
  readonly narrow: boolean;
  /** Whether Binaryen's optimiser runs; off only to test that it changes nothing. */
  readonly optimize: boolean;
}

export const DEFAULT_OPTIONS: CompileOptions = {
  get schema() {
    return defaultSchema();
  },
  unknownFields: null,
  dialect: "elastic",
  timestampField: "@timestamp",
  tiebreakerField: "event.sequence",
  categoryField: "event.category",
  endgameCategoryField: "event_type",
  timestampUnit: "auto",
  allPipes: false,
  profile: null,
  narrow: true,
  optimize: true,
};
