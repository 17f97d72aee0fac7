// What a caller of the compiler decides. It stands alone so that a command line can show it without loading the compiler.

import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import type { Schema } from "@kestrel/stdlib/schema/types";
import type { Dialect } from "./syntax/ast.js";

export interface CompileOptions {
  readonly schema: Schema;
  readonly dialect: Dialect;
  readonly timestampField: string;
  /** null: events of equal time keep their order of arrival. */
  readonly tiebreakerField: string | null;
  readonly categoryField: string;
}

export const DEFAULT_OPTIONS: CompileOptions = {
  get schema() {
    return defaultSchema();
  },
  dialect: "elastic",
  timestampField: "@timestamp",
  tiebreakerField: "event.sequence",
  categoryField: "event.category",
};
