// Entries of the functions that calculate and that read numbers.

import { type ElasticForm, type FunctionEntry, textOf } from "./entry.js";
import { readNumber } from "./number-text.js";

const ELASTIC_OPERATOR = {
  required: ["number", "number"],
  strict: "all",
  becomes: "operator",
  // What the operator gives: a long, unless a double takes part.
  result: "double",
} as const;
const ENDGAME_OPERATOR = {
  required: ["number", "number"],
  strict: "all",
  becomes: "operator",
  result: "number",
} as const;
const OPERATOR = {
  anchor: "add-subtract-multiply-divide-modulo",
  elastic: ELASTIC_OPERATOR,
  endgame: ENDGAME_OPERATOR,
} as const;

const readConstant: ElasticForm["evaluate"] = ([text, base]) =>
  readNumber(textOf(text), base === undefined || base === 0n ? null : Number(base));

export const NUMBERS = {
  add: { ...OPERATOR, operator: "+", says: "The sum of two numbers." },
  subtract: { ...OPERATOR, operator: "-", says: "The difference of two numbers." },
  multiply: { ...OPERATOR, operator: "*", says: "The product of two numbers." },
  divide: { ...OPERATOR, operator: "/", says: "The quotient of two numbers; null where the divisor is 0." },
  modulo: { ...OPERATOR, operator: "%", says: "The remainder of a division; null where the divisor is 0." },
  number: {
    says: "The number that the text spells, in base 10 (hexadecimal behind `0x`) or the base given; null when it spells none.",
    anchor: "number",
    elastic: {
      required: ["string"],
      optional: ["number"],
      strict: 1,
      becomes: "call",
      result: "double",
      evaluate: readConstant,
    },
    endgame: { required: ["string"], optional: ["number"], strict: 1, becomes: "call", result: "number" },
  },
  numberInBase: {
    says: "`number` in a base other than 10, whose result is a long; the binder chooses it.",
    anchor: null,
    elastic: {
      required: ["string", "number"],
      strict: 1,
      becomes: "call",
      result: "long",
      evaluate: readConstant,
    },
  },
  toNumber: {
    says: "The double that the text spells, null when it spells none: how a text is ordered against a number.",
    anchor: null,
    elastic: { required: ["string"], strict: "all", becomes: "call", result: "double" },
  },
} as const satisfies Readonly<Record<string, FunctionEntry>>;
