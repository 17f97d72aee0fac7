// Functions of the elastic dialect -> calls of stdlib/lua/language.lua, one entry a function.

import type { FunctionName } from "../../functions/catalogue.js";
import type { NodeOf } from "../../ir/expression.js";
import { tableOf } from "./block.js";

type Lower = (call: NodeOf<"call">, arg: (index: number) => string) => string;

export const ELASTIC_FUNCTIONS: Readonly<Record<FunctionName, Lower>> = {
  between({ args, fold }, arg) {
    const greedy = args[3]?.kind === "boolean" && args[3].value;
    return `eql.between(${arg(0)}, ${arg(1)}, ${arg(2)}, ${greedy}, ${fold})`;
  },
  concat: ({ args }, arg) => `eql.concat(${args.length}, ${tableOf(args.map((_, index) => arg(index)))})`,
  endsWith: onTwoTexts("ends_with"),
  fold: (_, arg) => `eql.fold(${arg(0)})`,
  indexOf: ({ fold }, arg) => `eql.index_of(${folded(arg(0), fold)}, ${folded(arg(1), fold)}, ${arg(2)})`,
  length: (_, arg) => `eql.length(${arg(0)})`,
  number: ({ args }, arg) => `eql.number(${arg(0)}${args[1]?.kind === "long" ? `, ${arg(1)}` : ""})`,
  numberInBase: (_, arg) => `eql.number_in_base(${arg(0)}, ${arg(1)})`,
  startsWith: onTwoTexts("starts_with"),
  string: (_, arg) => `eql.string(${arg(0)})`,
  stringContains: onTwoTexts("contains"),
  substring: (_, arg) => `eql.substring(${arg(0)}, ${arg(1)}, ${arg(2)})`,
  toNumber: (_, arg) => `eql.to_number(${arg(0)})`,
};

function onTwoTexts(name: string): Lower {
  return ({ fold }, arg) => `eql.${name}(${folded(arg(0), fold)}, ${folded(arg(1), fold)})`;
}

function folded(code: string, fold: boolean): string {
  return fold ? `eql.fold(${code})` : code;
}
