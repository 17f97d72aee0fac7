// A seed and a schema -> the text of a condition of the elastic dialect that is correctly typed for the schema.
// Constants come from the pool that generated events draw from. Whatever is not a single name, number or string stands in
// parentheses, so that the text means the same whatever the precedence.

import type { Schema } from "@kestrel/stdlib/schema/types";
import { generateRegex, generateWildcard } from "./pattern.js";
import { ADDRESSES, CATEGORIES, DATES, DOUBLES, LONGS, MILLISECONDS, RANGES, TEXTS, VERSIONS } from "./pool.js";
import type { Random } from "./random.js";
import { fieldsOfType } from "./schema.js";

/** Parts of the language that can be left out. */
export type Feature =
  | "functions"
  | "arithmetic"
  | "wildcards"
  | "regex"
  | "addresses"
  | "versions"
  | "dates"
  | "doubles"
  | "objects"
  /** Both sides of a comparison name a field. */
  | "fieldToField"
  /** A condition inside a leaf, such as `null == (x > 1)`. */
  | "nested"
  /** The literal null other than in `x == null` and `x != null`. */
  | "nullOperands"
  /** `?field`, known or not. */
  | "optional"
  /** Conditions, or parts of them, without a field. */
  | "constants";

export interface ConditionOptions {
  readonly without?: readonly Feature[];
  /** How many levels of `and`, `or`, `not`, and of calls and sums; 3 when absent. */
  readonly depth?: number;
}

interface Context {
  readonly random: Random;
  readonly schema: Schema;
  readonly has: (feature: Feature) => boolean;
}

type Make = (context: Context, depth: number) => string;

/** The condition only, without `category where`. */
export function generateCondition(random: Random, schema: Schema, options: ConditionOptions = {}): string {
  const without = new Set(options.without ?? []);
  return makeCondition({ random, schema, has: (feature) => !without.has(feature) }, options.depth ?? 3);
}

/** `category where condition`; the category is `any` about half of the time. */
export function generateQuery(random: Random, schema: Schema, options: ConditionOptions = {}): string {
  const category = random.chance(0.5) ? "any" : random.pick(CATEGORIES);
  return `${category} where ${generateCondition(random, schema, options)}`;
}

/** A string literal, quoted and escaped. */
export function quoteText(text: string): string {
  const names: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r" };
  let quoted = "";
  for (const character of text) {
    const named = names[character];
    const point = character.codePointAt(0) ?? 0;
    quoted += named ?? (point < 32 ? `\\u{${point.toString(16).padStart(2, "0")}}` : character);
  }
  return `"${quoted}"`;
}

const makeCondition: Make = (context, depth) => {
  if (depth <= 0) return makeLeaf(context, 0);
  const part = (): string => makeCondition(context, depth - 1);
  return context.random.weighted<() => string>([
    [4, () => makeLeaf(context, depth)],
    [2, () => `(${part()} and ${part()})`],
    [2, () => `(${part()} or ${part()})`],
    [2, () => `not (${part()})`],
  ])();
};

const makeLeaf: Make = (context, depth) => {
  const { random, has } = context;
  const when = (feature: Feature, weight: number): number => (has(feature) ? weight : 0);
  return random.weighted<Make>([
    [5, compareTexts],
    [5, compareNumbers],
    [3, textSet],
    [2, numberSet],
    [3, testPresence],
    [2, testBoolean],
    [when("wildcards", 5), matchWildcard],
    [when("regex", 2), matchRegex],
    [when("addresses", 3), testAddress],
    [when("versions", 2), testVersion],
    [when("dates", 2), testDate],
    [when("functions", 4), callBoolean],
    [depth > 0 ? when("nested", 1) : 0, testNested],
    [when("nullOperands", 0.5), compareWithNull],
    [when("constants", 0.5), constantLeaf],
  ])(context, depth);
};

const compareTexts: Make = (context, depth) => {
  const { random } = context;
  const left = makeText(context, depth - 1);
  const twoFields = random.chance(0.2) && context.has("fieldToField");
  const right = twoFields ? makeText(context, depth - 1) : quoteText(random.pick(TEXTS));
  return swapped(random, left, makeOperator(random), right);
};

const compareNumbers: Make = (context, depth) => {
  const { random } = context;
  const left = makeNumber(context, depth - 1);
  const twoFields = random.chance(0.2) && context.has("fieldToField");
  const right = twoFields ? makeNumber(context, depth - 1) : numberConstant(context);
  return swapped(random, left, makeOperator(random), right);
};

const textSet: Make = (context, depth) => {
  const { random } = context;
  const operator = random.pick(["in", "not in", "in~", "not in~"]);
  return `${makeText(context, depth - 1)} ${operator} (${several(random, () => quoteText(random.pick(TEXTS)))})`;
};

const numberSet: Make = (context, depth) => {
  const { random } = context;
  const operator = random.pick(["in", "not in"]);
  return `${makeNumber(context, depth - 1)} ${operator} (${several(random, () => numberConstant(context))})`;
};

const testPresence: Make = (context, depth) => {
  const { random, schema } = context;
  const operator = random.pick(["==", "!="]);
  const skipped = new Set(context.has("objects") ? [] : fieldsOfType(schema, "object"));
  const names = [...schema.fields.keys()].filter((name) => !skipped.has(name));
  const subject = random.weighted<() => string>([
    [5, () => optionally(context, random.pick(names))],
    [context.has("optional") ? 1 : 0, () => "?no.such.field"],
    [context.has("nullOperands") ? 1 : 0, () => makeText(context, depth - 1)],
    [context.has("nullOperands") ? 1 : 0, () => makeNumber(context, depth - 1)],
  ])();
  return swapped(random, subject, operator, "null");
};

const testBoolean: Make = (context) => {
  const { random, schema } = context;
  const name = optionally(context, random.pick(fieldsOfType(schema, "boolean")));
  const compared = (): string => swapped(random, name, random.pick(["==", "!="]), random.pick(["true", "false"]));
  return random.chance(0.4) ? name : compared();
};

const matchWildcard: Make = (context, depth) => {
  const { random } = context;
  const subject = makeText(context, depth - 1);
  return `${subject} ${random.pick([":", "like", "like~"])} ${oneOrList(random, () => quoteText(generateWildcard(random)))}`;
};

const matchRegex: Make = (context, depth) => {
  const { random } = context;
  const subject = makeText(context, depth - 1);
  return `${subject} ${random.pick(["regex", "regex~"])} ${oneOrList(random, () => quoteText(generateRegex(random)))}`;
};

const testAddress: Make = (context) => {
  const { random, schema, has } = context;
  const names = fieldsOfType(schema, "ip");
  const name = optionally(context, random.pick(names));
  const constant = (): string => quoteText(random.pick(random.chance(0.6) ? ADDRESSES : RANGES));
  return random.weighted<() => string>([
    [3, () => `${name} ${random.pick(["==", "!="])} ${constant()}`],
    [2, () => `${name} ${random.pick(["in", "not in"])} (${several(random, constant)})`],
    [has("functions") ? 3 : 0, () => `cidrMatch(${name}, ${several(random, () => quoteText(random.pick(RANGES)))})`],
    [
      has("wildcards") ? 1 : 0,
      () => `${name} ${random.pick([":", "like"])} ${quoteText(random.pick(["10.*", "*::1", "1?.*"]))}`,
    ],
    [has("wildcards") ? 1 : 0, () => `${name} : ${constant()}`],
    [has("fieldToField") ? 1 : 0, () => `${name} ${random.pick(["==", "!="])} ${random.pick(names)}`],
  ])();
};

const testVersion: Make = (context) => {
  const { random, schema, has } = context;
  const name = optionally(context, random.pick(fieldsOfType(schema, "version")));
  const constant = (): string => quoteText(random.pick(VERSIONS));
  return random.weighted<() => string>([
    [4, () => swapped(random, name, makeOperator(random), constant())],
    [1, () => `${name} in (${several(random, constant)})`],
    [
      has("wildcards") ? 1 : 0,
      () => `${name} ${random.pick([":", "like"])} ${quoteText(random.pick(["1.2*", "*-alpha*", "?.*"]))}`,
    ],
  ])();
};

const testDate: Make = (context) => {
  const { random, schema, has } = context;
  const names = fieldsOfType(schema, "date");
  const name = optionally(context, random.pick(names));
  const constant = random.chance(0.7) ? quoteText(random.pick(DATES)) : integerText(random.pick(MILLISECONDS));
  const right = random.chance(0.1) && has("fieldToField") ? random.pick(names) : constant;
  return swapped(random, name, makeOperator(random), right);
};

const callBoolean: Make = (context, depth) => {
  const { random } = context;
  const name = random.pick(["startsWith", "endsWith", "stringContains", "STARTSWITH"]);
  const mark = random.pick(["", "~"]);
  const call = `${name}${mark}(${makeText(context, depth - 1)}, ${textArgument(context, depth - 1)})`;
  return random.chance(0.2) ? `${call} ${random.pick(["==", "!="])} ${random.pick(["true", "false"])}` : call;
};

const testNested: Make = (context, depth) => {
  const { random } = context;
  const inner = makeCondition(context, Math.min(depth - 1, 1));
  return swapped(random, `(${inner})`, random.pick(["==", "!="]), random.pick(["null", "true", "false"]));
};

const compareWithNull: Make = (context, depth) => {
  const { random } = context;
  const side = random.chance(0.5) ? makeText(context, depth - 1) : makeNumber(context, depth - 1);
  return swapped(random, side, random.pick(["<", "<=", ">", ">="]), "null");
};

const constantLeaf: Make = (context) => {
  const { random } = context;
  const unknown = context.has("optional") ? ["?no.such.field == null", "?no.such.field > 1", "?a == ?b"] : [];
  return random.pick([
    "true",
    "false",
    "1 < 2",
    '"a" == "A"',
    "null == null",
    "7 / 2 == 3",
    "-7 % 3 == -1",
    ...unknown,
  ]);
};

const makeText: Make = (context, depth) => {
  const { random, schema, has } = context;
  const field = (): string => optionally(context, random.pick(fieldsOfType(schema, "keyword")));
  if (depth <= 0 || !has("functions") || random.chance(0.6)) return field();
  const inner = (): string => makeText(context, depth - 1);
  return random.weighted<() => string>([
    [2, () => `concat(${several(random, () => concatArgument(context, depth - 1))})`],
    [2, () => `substring(${inner()}, ${position(context)}${random.chance(0.6) ? `, ${position(context)}` : ""})`],
    [
      2,
      () =>
        `between${random.pick(["", "~"])}(${inner()}, ${textArgument(context, 0)}, ${textArgument(context, 0)}${random.pick(["", ", true", ", false"])})`,
    ],
    [1, () => `string(${random.chance(0.5) ? makeNumber(context, depth - 1) : inner()})`],
    [has("constants") ? 0.5 : 0, () => quoteText(random.pick(TEXTS))],
  ])();
};

const makeNumber: Make = (context, depth) => {
  const { random, schema, has } = context;
  const double = has("doubles") && random.chance(0.3);
  const field = (): string => optionally(context, random.pick(fieldsOfType(schema, double ? "double" : "long")));
  if (depth <= 0 || random.chance(0.6)) return field();
  const inner = (): string => makeNumber(context, depth - 1);
  const other = (): string => (random.chance(0.6) ? numberConstant(context) : inner());
  const text = (): string => makeText(context, depth - 1);
  const arithmetic = has("arithmetic") ? 1 : 0;
  const functions = has("functions") ? 1 : 0;
  return random.weighted<() => string>([
    [0.1, field],
    [4 * arithmetic, () => `(${inner()} ${random.pick(["+", "-", "*", "/", "%"])} ${other()})`],
    [arithmetic, () => `(${numberConstant(context)} ${random.pick(["-", "/", "%"])} ${inner()})`],
    [arithmetic, () => `(-${inner()})`],
    [
      arithmetic * functions,
      () => `${random.pick(["add", "subtract", "multiply", "divide", "modulo"])}(${inner()}, ${other()})`,
    ],
    [2 * functions, () => `length(${text()})`],
    [
      2 * functions,
      () =>
        `indexOf${random.pick(["", "~"])}(${text()}, ${textArgument(context, 0)}${random.chance(0.4) ? `, ${position(context)}` : ""})`,
    ],
    [functions, () => `number(${text()}${random.pick(["", ", 10", ", 16", ", 8"])})`],
  ])();
};

function concatArgument(context: Context, depth: number): string {
  const { random, schema, has } = context;
  return random.weighted<() => string>([
    [4, () => makeText(context, depth)],
    [2, () => quoteText(random.pick(TEXTS))],
    [1, () => makeNumber(context, depth)],
    [0.5, () => random.pick(fieldsOfType(schema, "boolean"))],
    [0.5, () => numberConstant(context)],
    [has("versions") ? 0.5 : 0, () => random.pick(fieldsOfType(schema, "version"))],
    [has("nullOperands") ? 0.2 : 0, () => "null"],
  ])();
}

function textArgument(context: Context, depth: number): string {
  const { random, has } = context;
  if (has("nullOperands") && random.chance(0.05)) return "null";
  return random.chance(0.7) ? quoteText(random.pick(TEXTS)) : makeText(context, depth);
}

function position(context: Context): string {
  const { random, has } = context;
  if (has("nullOperands") && random.chance(0.05)) return "null";
  if (has("arithmetic") && random.chance(0.1))
    return makeNumber({ ...context, has: (f) => f !== "doubles" && has(f) }, 0);
  return String(random.below(16) - 5);
}

function numberConstant(context: Context): string {
  const { random } = context;
  return random.chance(0.3) && context.has("doubles")
    ? doubleText(random.pick(DOUBLES))
    : integerText(random.pick(LONGS));
}

/** The smallest long has no literal of its own. */
function integerText(value: bigint): string {
  return value === -(2n ** 63n) ? "(-9223372036854775807 - 1)" : value < 0n ? `(${value})` : String(value);
}

function doubleText(value: number): string {
  const text = /^-?[0-9]+$/.test(String(value)) ? `${value}.0` : String(value).replace("e+", "e");
  return value < 0 ? `(${text})` : text;
}

function makeOperator(random: Random): string {
  return random.weighted([
    [4, "=="],
    [3, "!="],
    [1, "<"],
    [1, "<="],
    [1, ">"],
    [1, ">="],
  ]);
}

/** One time in six the operands are exchanged, and the operator left as it is. */
function swapped(random: Random, left: string, operator: string, right: string): string {
  return random.chance(1 / 6) ? `${right} ${operator} ${left}` : `${left} ${operator} ${right}`;
}

function optionally(context: Context, name: string): string {
  return context.has("optional") && context.random.chance(0.05) ? `?${name}` : name;
}

function several(random: Random, make: () => string): string {
  return Array.from({ length: 1 + random.below(4) }, make).join(", ");
}

function oneOrList(random: Random, make: () => string): string {
  return random.chance(0.7) ? make() : `(${several(random, make)})`;
}
