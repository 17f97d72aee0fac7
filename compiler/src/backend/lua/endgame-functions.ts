// Functions of the endgame dialect -> calls of stdlib/lua/language.lua, one entry a function.

import type { DynamicFunction } from "../../functions/catalogue.js";
import { tableOf } from "./block.js";

/** `arg` gives the code of an argument, "nil" for one that is not given. */
type Lower = (count: number, arg: (index: number) => string, truth: (index: number) => string) => string;

export const ENDGAME_FUNCTIONS: Readonly<Record<DynamicFunction, Lower>> = {
  arrayContains(count, arg) {
    const values = Array.from({ length: count - 1 }, (_, index) => arg(index + 1));
    return `eql.data_array_contains(${arg(0)}, ${values.length}, ${tableOf(values)})`;
  },
  between: (_, arg, truth) => `eql.data_between(${arg(0)}, ${arg(1)}, ${arg(2)}, ${truth(3)})`,
  concat(count, arg) {
    const values = Array.from({ length: count }, (_, index) => arg(index));
    return `eql.data_concat(${count}, ${tableOf(values)})`;
  },
  endsWith: (_, arg) => `eql.data_ends_with(${arg(0)}, ${arg(1)})`,
  indexOf: (_, arg) => `eql.data_index_of(${arg(0)}, ${arg(1)}, ${arg(2)})`,
  length: (_, arg) => `eql.data_length(${arg(0)})`,
  number: (_, arg) => `eql.data_number(${arg(0)}, ${arg(1)})`,
  startsWith: (_, arg) => `eql.data_starts_with(${arg(0)}, ${arg(1)})`,
  string: (_, arg) => `eql.data_string(${arg(0)})`,
  stringContains: (_, arg) => `eql.data_contains(${arg(0)}, ${arg(1)})`,
  substring: (_, arg) => `eql.data_substring(${arg(0)}, ${arg(1)}, ${arg(2)})`,
};
