// A seed and a schema -> the text of a condition of the elastic dialect that is correctly typed for the schema.
// Constants come from the pool that generated events draw from. Whatever is not a single name, number or string stands in
// parentheses, so that the text means the same whatever the precedence.

import type { FieldType, Schema } from "@kestrel/stdlib/schema/types";
import {
  type Context,
  eventSource,
  type Feature,
  hasField,
  type Make,
  makeOperator,
  oneOrList,
  pickField,
  several,
  swapped,
} from "./context.js";
import {
  integerText,
  makeNumber,
  makeText,
  numberConstant,
  quoteText,
  textArgument,
  textConstant,
  wildcardConstant,
} from "./operands.js";
import { generateRegex } from "./pattern.js";
import { ADDRESSES, CATEGORIES, DATES, MILLISECONDS, RANGES, VERSIONS } from "./pool.js";
import type { Random } from "./random.js";
import { arraysOf, makeSearch } from "./search.js";

export type { Feature } from "./context.js";
export { quoteText } from "./operands.js";

export interface ConditionOptions {
  readonly without?: readonly Feature[];
  /** Lineage queries too. */
  readonly lineage?: boolean;
  /** Names of earlier terms. */
  readonly aliases?: readonly string[];
  /** How many levels of `and`, `or`, `not`, and of calls and sums; 3 when absent. */
  readonly depth?: number;
}

/** The condition only, without `category where`. */
export function generateCondition(random: Random, schema: Schema, options: ConditionOptions = {}): string {
  const without = new Set(options.without ?? []);
  if (options.lineage !== true) without.add("lineage");
  const own = eventSource(schema);
  const aliases = options.aliases ?? [];
  const context: Context = {
    random,
    schema,
    has: (feature) => !without.has(feature),
    sources: [
      own,
      ...aliases.map((alias) => ({
        ...own,
        fields: new Map([...own.fields].map(([name, type]) => [`${alias}.${name}`, type])),
      })),
    ],
    arrays: ["", ...aliases.map((alias) => `${alias}.`)].flatMap((prefix) => arraysOf({ schema }, prefix)),
    searches: 0,
  };
  return makeCondition(context, options.depth ?? 3);
}

/** `category where condition`; the category is `any` about half of the time. */
export function generateQuery(random: Random, schema: Schema, options: ConditionOptions = {}): string {
  const category = random.chance(0.5) ? "any" : random.pick(CATEGORIES);
  return `${category} where ${generateCondition(random, schema, options)}`;
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
  const when = (feature: Feature, weight: number, type?: FieldType): number =>
    has(feature) && (type === undefined || hasField(context, type)) ? weight : 0;
  return random.weighted<Make>([
    [5, compareTexts],
    [5, compareNumbers],
    [3, textSet],
    [2, numberSet],
    [3, testPresence],
    [2, testBoolean],
    [when("wildcards", 5), matchWildcard],
    [when("regex", 2), matchRegex],
    [when("addresses", 3, "ip"), testAddress],
    [when("versions", 2, "version"), testVersion],
    [when("dates", 2, "date"), testDate],
    [when("functions", 4), callBoolean],
    [depth > 0 ? when("nested", 1.5) : 0, testNested],
    [when("nullOperands", 1), compareWithNull],
    [has("arithmetic") ? when("nullOperands", 1.5) : 0, calculateWithNull],
    [when("constants", 0.5), constantLeaf],
    [depth > 0 ? when("search", 2) : 0, (inner, levels) => makeSearch(inner, levels - 1, makeCondition)],
    [when("lineage", 3), makeLineage],
  ])(context, depth);
};

const compareTexts: Make = (context, depth) => {
  const { random } = context;
  const left = makeText(context, depth - 1);
  const twoFields = random.chance(0.2) && context.has("fieldToField");
  const right = twoFields ? makeText(context, depth - 1) : textConstant(context);
  return swapped(random, left, makeOperator(random), right);
};

const compareNumbers: Make = (context, depth) => {
  const { random } = context;
  const left = makeNumber(context, depth - 1);
  const twoFields = random.chance(0.2) && context.has("fieldToField");
  const right = twoFields ? makeNumber(context, depth - 1) : numberConstant(context);
  return swapped(random, left, makeOperator(random), right);
};

/** An element of a list after `in` is mostly a constant, but may be anything. */
const textSet: Make = (context, depth) => {
  const { random, has } = context;
  const operator = random.pick(["in", "not in", "in~", "not in~"]);
  const element = (): string => {
    if (has("nullOperands") && random.chance(0.03)) return "null";
    return has("fieldToField") && random.chance(0.08) ? makeText(context, depth - 1) : textConstant(context);
  };
  const subject = has("nullOperands") && random.chance(0.02) ? "null" : makeText(context, depth - 1);
  return `${subject} ${operator} (${several(random, element)})`;
};

const numberSet: Make = (context, depth) => {
  const { random, has } = context;
  const operator = random.pick(["in", "not in"]);
  const element = (): string => {
    if (has("nullOperands") && random.chance(0.03)) return "null";
    return has("fieldToField") && random.chance(0.08) ? makeNumber(context, depth - 1) : numberConstant(context);
  };
  return `${makeNumber(context, depth - 1)} ${operator} (${several(random, element)})`;
};

const testPresence: Make = (context, depth) => {
  const { random, has } = context;
  const operator = random.pick(["==", "!="]);
  const types: FieldType[] = ["keyword", "ip", "version", "long", "double", "boolean", "date"];
  if (has("objects")) types.push("object");
  const subject = random.weighted<() => string>([
    [5, () => pickField(context, random.pick(types.filter((type) => hasField(context, type))))],
    [has("optional") ? 1 : 0, () => "?no.such.field"],
    [has("nullOperands") ? 1 : 0, () => makeText(context, depth - 1)],
    [has("nullOperands") ? 1 : 0, () => makeNumber(context, depth - 1)],
    [has("nullOperands") ? 0.1 : 0, () => "null"],
  ])();
  return swapped(random, subject, operator, "null");
};

const testBoolean: Make = (context) => {
  const { random, has } = context;
  const name = pickField(context, "boolean");
  return random.weighted<() => string>([
    [4, () => name],
    [4, () => swapped(random, name, random.pick(["==", "!="]), random.pick(["true", "false"]))],
    [1, () => `${name} ${random.pick(["in", "not in"])} (${several(random, () => random.pick(["true", "false"]))})`],
    [has("fieldToField") ? 1 : 0, () => `${name} ${random.pick(["==", "!="])} ${pickField(context, "boolean")}`],
  ])();
};

const matchWildcard: Make = (context, depth) => {
  const { random, has } = context;
  const list = oneOrList(random, () => wildcardConstant(random));
  if (has("functions") && random.chance(0.1)) {
    const patterns = several(random, () => wildcardConstant(random));
    return `wildcard${random.pick(["", "~"])}(${makeText(context, depth - 1)}, ${patterns})`;
  }
  if (random.chance(0.08))
    return `${makeNumber(context, depth - 1)} : ${oneOrList(random, () => random.pick(["0", "1", "80", "443", "1.5", "0.5"]))}`;
  return `${makeText(context, depth - 1)} ${random.pick([":", "like", "like~"])} ${list}`;
};

const matchRegex: Make = (context, depth) => {
  const { random } = context;
  const subject = makeText(context, depth - 1);
  return `${subject} ${random.pick(["regex", "regex~"])} ${oneOrList(random, () => quoteText(generateRegex(random)))}`;
};

const testAddress: Make = (context, depth) => {
  const { random, has } = context;
  const name = pickField(context, "ip");
  const constant = (): string => quoteText(random.pick(random.chance(0.6) ? ADDRESSES : RANGES));
  const ranges = (): string => several(random, () => quoteText(random.pick(RANGES)));
  return random.weighted<() => string>([
    [3, () => swapped(random, name, random.pick(["==", "!="]), constant())],
    [1, () => `${name} ${random.pick(["<", "<=", ">", ">="])} ${quoteText(random.pick(ADDRESSES))}`],
    [2, () => `${name} ${random.pick(["in", "not in"])} (${several(random, constant)})`],
    [has("functions") ? 3 : 0, () => `cidrMatch(${name}, ${ranges()})`],
    [has("functions") ? 0.5 : 0, () => `cidrMatch(${makeText(context, depth - 1)}, ${ranges()})`],
    [
      has("wildcards") ? 1 : 0,
      () =>
        `${name} ${random.pick([":", "like", "like~"])} ${quoteText(random.pick(["10.*", "*::1", "1?.*", "*DB8*"]))}`,
    ],
    [has("wildcards") ? 1 : 0, () => `${name} : ${oneOrList(random, constant)}`],
    [has("fieldToField") ? 1 : 0, () => `${name} ${random.pick(["==", "!="])} ${pickField(context, "ip")}`],
    [
      has("fieldToField") ? 0.5 : 0,
      () => `${name} ${random.pick(["in", "not in"])} (${pickField(context, "ip")}, ${constant()})`,
    ],
  ])();
};

const testVersion: Make = (context) => {
  const { random, has } = context;
  const name = pickField(context, "version");
  const constant = (): string => quoteText(random.pick(VERSIONS));
  return random.weighted<() => string>([
    [4, () => swapped(random, name, makeOperator(random), constant())],
    [1, () => `${name} ${random.pick(["in", "not in"])} (${several(random, constant)})`],
    [
      has("wildcards") ? 1 : 0,
      () =>
        `${name} ${random.pick([":", "like"])} ${quoteText(random.pick(["1.2*", "*-alpha*", "?.*", "1.2.4-ALPHA"]))}`,
    ],
    [has("fieldToField") ? 1 : 0, () => `${name} ${makeOperator(random)} ${pickField(context, "version")}`],
    [has("fieldToField") ? 0.5 : 0, () => swapped(random, name, makeOperator(random), pickField(context, "keyword"))],
  ])();
};

const testDate: Make = (context) => {
  const { random, has } = context;
  const name = pickField(context, "date");
  const constant = (): string =>
    random.chance(0.7) ? quoteText(random.pick(DATES)) : integerText(random.pick(MILLISECONDS));
  if (random.chance(0.1)) return `${name} ${random.pick(["in", "not in"])} (${several(random, constant)})`;
  const right = random.chance(0.1) && has("fieldToField") ? pickField(context, "date") : constant();
  return swapped(random, name, makeOperator(random), right);
};

const callBoolean: Make = (context, depth) => {
  const { random } = context;
  const name = random.pick(["startsWith", "endsWith", "stringContains", "STARTSWITH"]);
  const mark = random.pick(["", "~"]);
  const call = `${name}${mark}(${makeText(context, depth - 1)}, ${textArgument(context, depth - 1)})`;
  return random.chance(0.2) ? swapped(random, call, random.pick(["==", "!="]), random.pick(["true", "false"])) : call;
};

/** A condition as a value: beside a truth value, null, a field or another condition. Searches and lineage are no values. */
const testNested: Make = (outer, depth) => {
  const { random } = outer;
  const has = (feature: Feature): boolean => feature !== "search" && feature !== "lineage" && outer.has(feature);
  const context: Context = { ...outer, has };
  const inner = (): string => `(${makeCondition(context, Math.min(depth - 1, 1))})`;
  if (random.chance(0.2))
    return swapped(
      random,
      `(${makeCondition(outer, depth - 1)})`,
      random.pick(["==", "!="]),
      random.pick(["true", "false"]),
    );
  const operator = random.pick(["==", "!="]);
  return random.weighted<() => string>([
    [4, () => swapped(random, inner(), operator, random.pick(["null", "true", "false"]))],
    [
      1,
      () =>
        `${inner()} ${random.pick(["in", "not in"])} (${random.pick(["true", "false", "true, false", "null, true"])})`,
    ],
    [has("fieldToField") ? 1 : 0, () => swapped(random, inner(), operator, pickField(context, "boolean"))],
    [has("fieldToField") ? 1 : 0, () => `${inner()} ${operator} ${inner()}`],
  ])();
};

const compareWithNull: Make = (context, depth) => {
  const { random } = context;
  const side = random.weighted<() => string>([
    [3, () => makeText(context, depth - 1)],
    [3, () => makeNumber(context, depth - 1)],
    [0.6, () => "null"],
  ])();
  return swapped(random, side, random.pick(["<", "<=", ">", ">="]), "null");
};

/** Arithmetic, as an operator or a function, with null on one side or on both. */
const calculateWithNull: Make = (context, depth) => {
  const { random, has } = context;
  const number = (): string => makeNumber(context, depth - 1);
  const [left, right] = random.weighted<() => readonly [string, string]>([
    [2, () => ["null", number()]],
    [2, () => [number(), "null"]],
    [1, () => ["null", "null"]],
  ])();
  const calls = ["add", "subtract", "multiply", "divide", "modulo"];
  const value = random.weighted<() => string>([
    [3, () => `(${left} ${random.pick(["+", "-", "*", "/", "%"])} ${right})`],
    [has("functions") ? 1 : 0, () => `${random.pick(calls)}(${left}, ${right})`],
    [
      has("functions") ? 1 : 0,
      () => `indexOf(${makeText(context, depth - 1)}, ${random.pick(['"a", null', "null", "null, 1"])})`,
    ],
  ])();
  return swapped(random, value, makeOperator(random), random.chance(0.5) ? "null" : numberConstant(context));
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
    'number("0x10") == 16',
    "(1 < null) == false",
    ...unknown,
  ]);
};

/** Answered for the event's process, and asked about other events: neither aliases nor elements are seen inside. */
const makeLineage: Make = (context, depth) => {
  const { random, schema, has } = context;
  const relation = random.pick(["descendant of", "descendant of", "child of", "event of"]);
  const without: Feature[] = has("search") ? [] : ["search"];
  const category = random.weighted([
    [4, "process"],
    [2, "any"],
    [1, "file"],
  ]);
  // What marks a process must be rare enough to tell, and common enough to happen.
  const condition = random.chance(0.7)
    ? `process.name == "${random.pick(["a", "b", "c", "d"])}"`
    : generateCondition(random, schema, {
        depth: Math.min(depth, 1),
        lineage: depth > 0 && random.chance(0.5),
        without,
      });
  return `${relation} [${category} where ${condition}]`;
};
