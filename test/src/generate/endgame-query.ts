// A seed -> the text of a condition of the endgame dialect. Fields have no types, so operators meet values of all pairs of
// types at run time; what has a type as written is put together so that the query is valid.

import { ENDGAME_FIELDS, ENDGAME_TYPES, type Kind, WORDS } from "./endgame-event.js";
import { integerText, quoteText } from "./operands.js";
import { generateRegex, generateWildcard } from "./pattern.js";
import { DOUBLES, LONGS, RANGES, TEXTS } from "./pool.js";
import type { Random } from "./random.js";

type Scalar = Exclude<Kind, "list" | "object">;

interface Context {
  readonly random: Random;
  /** Names that stand for elements of arrays. */
  readonly variables: readonly string[];
  readonly lineage: boolean;
}

type Make = (context: Context, depth: number) => string;

export interface EndgameOptions {
  readonly depth?: number;
  /** `descendant of` and its kin, which only a stream can answer. */
  readonly lineage?: boolean;
}

/** `category where condition`. */
export function generateEndgameQuery(random: Random, options: EndgameOptions = {}): string {
  const category = random.chance(0.5) ? "any" : random.pick(ENDGAME_TYPES);
  return `${category} where ${generateEndgameCondition(random, options)}`;
}

export function generateEndgameCondition(random: Random, options: EndgameOptions = {}): string {
  return makeCondition({ random, variables: [], lineage: options.lineage ?? false }, options.depth ?? 3);
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

const makeLeaf: Make = (context, depth) =>
  context.random.weighted<Make>([
    [8, compareAlike],
    [3, compareFields],
    [3, testPresence],
    [3, matchStars],
    [4, membership],
    [2, (inner) => makeField(inner)],
    [2, callTextTest],
    [2, callPatterns],
    [2, shorthand],
    [3, searchArray],
    [2, countArray],
    [1, containsArray],
    [1, compareConditions],
    [1, compareSelf],
    [1.5, calculateWithNull],
    [0.7, compareWithNull],
    [1, constant],
    [0.5, (inner, levels) => `safe(${makeCondition(inner, Math.min(levels, 1))})`],
    [context.lineage ? 3 : 0, makeLineage],
  ])(context, depth);

const OPERATORS: readonly (readonly [number, string])[] = [
  [4, "=="],
  [1, "="],
  [3, "!="],
  [1, "<"],
  [1, "<="],
  [1, ">"],
  [1, ">="],
];

function operator(random: Random, kind?: Kind): string {
  return random.weighted(kind === "boolean" ? OPERATORS.slice(0, 3) : OPERATORS);
}

function swapped(random: Random, left: string, op: string, right: string): string {
  return random.chance(1 / 4) ? `${right} ${op} ${left}` : `${left} ${op} ${right}`;
}

/** Two sides that may be of one type as written; the field may hold anything. */
const compareAlike: Make = (context, depth) => {
  const { random } = context;
  const kind = random.pick<Scalar>(["text", "text", "number", "number", "boolean"]);
  const right = random.chance(0.8) ? makeConstant(context, kind) : makeValue(context, kind, depth - 1);
  return swapped(random, makeValue(context, kind, depth - 1), operator(random, kind), right);
};

const compareFields: Make = (context) => `${makeField(context)} ${operator(context.random)} ${makeField(context)}`;

const testPresence: Make = (context, depth) => {
  const { random } = context;
  const subject = random.weighted<() => string>([
    [5, () => makeField(context)],
    [2, () => makeValue(context, random.pick<Scalar>(["text", "number"]), depth - 1)],
    [0.3, () => "null"],
  ])();
  return swapped(random, subject, operator(random), "null");
};

/** A star in a text constant makes `==` a pattern, but not in a list. */
const matchStars: Make = (context, depth) => {
  const { random } = context;
  const pattern = quoteText(generateWildcard(random));
  return swapped(random, makeValue(context, "text", depth - 1), random.pick(["==", "==", "!="]), pattern);
};

const membership: Make = (context, depth) => {
  const { random } = context;
  const kind = random.pick<Scalar>(["text", "text", "number", "boolean"]);
  const element = (): string =>
    random.weighted<() => string>([
      [8, () => makeConstant(context, kind)],
      [1, () => makeField(context)],
      [1, () => makeValue(context, kind, depth - 1)],
      [0.4, () => "null"],
    ])();
  const list = Array.from({ length: 1 + random.below(4) }, element).join(", ");
  return `${makeValue(context, kind, depth - 1)} ${random.pick(["in", "in", "not in"])} (${list})`;
};

const callTextTest: Make = (context, depth) => {
  const { random } = context;
  const name = random.pick(["startsWith", "endsWith", "stringContains"]);
  return call(context, name, [makeValue(context, "text", depth - 1), textArgument(context, depth - 1)]);
};

const callPatterns: Make = (context, depth) => {
  const { random } = context;
  const subject = makeValue(context, "text", depth - 1);
  const several = (make: () => string): string[] => Array.from({ length: 1 + random.below(3) }, make);
  return random.weighted<() => string>([
    [3, () => call(context, "wildcard", [subject, ...several(() => quoteText(generateWildcard(random)))])],
    [
      2,
      () =>
        call(context, random.pick(["match", "matchLite"]), [
          subject,
          ...several(() => quoteText(generateRegex(random))),
        ]),
    ],
    [
      2,
      () =>
        call(context, "cidrMatch", [
          random.chance(0.7) ? "address" : subject,
          ...several(() => quoteText(random.pick(RANGES))),
        ]),
    ],
  ])();
};

/** `subtype.create` is `subtype == "create"`. */
const shorthand: Make = (context) => {
  const { random } = context;
  return `${random.pick(["subtype", "subtype", "name", "user", "obj.name"])}.${random.pick(WORDS.filter((word) => word !== "true"))}`;
};

const searchArray: Make = (context, depth) => {
  const { variable, condition } = overElements(context, depth);
  return `arraySearch(${makeArray(context)}, ${variable}, ${condition})`;
};

const countArray: Make = (context, depth) => {
  const { random } = context;
  const { variable, condition } = overElements(context, depth);
  return `arrayCount(${makeArray(context)}, ${variable}, ${condition}) ${operator(random)} ${random.below(3)}`;
};

function overElements(context: Context, depth: number): { readonly variable: string; readonly condition: string } {
  const variable = context.random.pick(["v", "w", "item"]);
  const inner: Context = {
    ...context,
    variables: [...context.variables.filter((name) => name !== variable), variable],
  };
  return { variable, condition: makeCondition(inner, Math.min(depth - 1, 1)) };
}

const containsArray: Make = (context, depth) => {
  const { random } = context;
  const values = Array.from({ length: 1 + random.below(3) }, () => {
    const kind = random.pick<Scalar>(["text", "number", "boolean"]);
    return random.chance(0.8) ? makeConstant(context, kind) : makeValue(context, kind, depth - 1);
  });
  return call(context, "arrayContains", [makeArray(context), ...values]);
};

/** Conditions are values: beside each other, beside a truth value or a field. */
const compareConditions: Make = (context, depth) => {
  const { random } = context;
  const inner = (): string => `(${makeCondition(context, Math.min(depth - 1, 1))})`;
  const right = random.weighted<() => string>([
    [3, () => random.pick(["true", "false", "null"])],
    [1, () => makeField(context)],
    [1, inner],
  ])();
  return swapped(random, inner(), random.pick(["==", "!="]), right);
};

const compareSelf: Make = (context, depth) => {
  const { random } = context;
  const side = random.chance(0.6)
    ? makeField(context)
    : makeValue(context, random.pick<Scalar>(["text", "number"]), depth - 1);
  return `${side} ${operator(random)} ${side}`;
};

/** Arithmetic, as an operator or a function, with null on one side or on both. */
const calculateWithNull: Make = (context, depth) => {
  const { random } = context;
  const number = (): string => makeValue(context, "number", depth);
  const [left, right] = random.weighted<() => readonly [string, string]>([
    [2, () => ["null", number()]],
    [2, () => [number(), "null"]],
    [1, () => ["null", "null"]],
    [1, () => [`(${number()} + 1)`, `(${number()} * 2)`]],
  ])();
  const value = random.chance(0.7)
    ? `(${left} ${random.pick(["+", "-", "*", "/", "%"])} ${right})`
    : `${random.pick(["add", "subtract", "multiply", "divide", "modulo"])}(${left}, ${right})`;
  return swapped(random, value, operator(random), random.chance(0.5) ? "null" : makeConstant(context, "number"));
};

const compareWithNull: Make = (context, depth) => {
  const { random } = context;
  const side = random.weighted<() => string>([
    [2, () => makeValue(context, random.pick<Scalar>(["text", "number"]), depth)],
    [1, () => "null"],
  ])();
  return swapped(random, side, operator(random), "null");
};

const constant: Make = ({ random }) =>
  random.pick([
    "true",
    "false",
    "null",
    "1 == 1.0",
    '"a" == "A*"',
    "null == null",
    "-7 / 2 == -4",
    "-7 % 3 == 2",
    "1 % 0 == null",
    'number("0x10") == 16',
    "9223372036854775807 + 1 > 0",
  ]);

const makeLineage: Make = (context, depth) => {
  const { random } = context;
  const relation = random.pick(["descendant of", "child of", "event of"]);
  const condition =
    depth > 0 && random.chance(0.3)
      ? makeCondition({ ...context, variables: [] }, Math.min(depth - 1, 1))
      : `name == "${random.pick(["a", "b", "c", "d"])}"`;
  return `${relation} [${random.pick(["process", "any", "file"])} where ${condition}]`;
};

function makeValue(context: Context, kind: Scalar, depth: number): string {
  const { random } = context;
  if (depth <= 0 || random.chance(0.55)) return makeField(context, kind);
  switch (kind) {
    case "text":
      return makeText(context, depth);
    case "number":
      return makeNumber(context, depth);
    case "boolean":
      return `(${makeCondition(context, Math.min(depth - 1, 1))})`;
  }
}

function makeText(context: Context, depth: number): string {
  const { random } = context;
  const inner = (): string => makeValue(context, "text", depth - 1);
  return random.weighted<() => string>([
    [
      2,
      () => {
        const parts = Array.from({ length: 1 + random.below(3) }, () => {
          const kind = random.pick<Scalar>(["text", "number", "boolean"]);
          return random.chance(0.4) ? makeConstant(context, kind) : makeValue(context, kind, depth - 1);
        });
        return call(context, "concat", parts);
      },
    ],
    [2, () => call(context, "substring", [inner(), ...positions(context, 1 + random.below(2))])],
    [
      2,
      () =>
        call(context, "between", [
          inner(),
          textArgument(context, 0),
          textArgument(context, 0),
          ...(random.chance(0.5) ? [random.pick(["true", "false"])] : []),
        ]),
    ],
    [
      1,
      () =>
        call(context, "string", [makeValue(context, random.pick<Scalar>(["number", "text", "boolean"]), depth - 1)]),
    ],
    [0.3, () => makeConstant(context, "text")],
  ])();
}

function makeNumber(context: Context, depth: number): string {
  const { random } = context;
  const inner = (): string => makeValue(context, "number", depth - 1);
  const text = (): string => makeValue(context, "text", depth - 1);
  const other = (): string =>
    random.chance(0.06) ? "null" : random.chance(0.6) ? makeConstant(context, "number") : inner();
  return random.weighted<() => string>([
    [4, () => `(${inner()} ${random.pick(["+", "-", "*", "/", "%"])} ${other()})`],
    [1, () => `(${makeConstant(context, "number")} ${random.pick(["-", "/", "%"])} ${inner()})`],
    [1, () => `(${random.pick(["-", "+"])}${inner()})`],
    [2, () => call(context, random.pick(["add", "subtract", "multiply", "divide", "modulo"]), [inner(), other()])],
    [
      2,
      () =>
        call(context, "length", [
          random.chance(0.6) ? text() : makeField(context, random.pick(["list", "object", "text"])),
        ]),
    ],
    [2, () => call(context, "indexOf", [text(), textArgument(context, 0), ...positions(context, random.below(2))])],
    [2, () => call(context, "number", [text(), ...random.pick([[], [], ["10"], ["16"], ["8"], ["null"], ["2"]])])],
    [1, () => `arrayCount(${makeArray(context)}, v, ${makeCondition({ ...context, variables: ["v"] }, 0)})`],
    [0.5, () => `safe(${inner()})`],
  ])();
}

/** Now and then written as a method of the first argument. */
function call({ random }: Context, name: string, args: readonly string[]): string {
  const [first = "", ...rest] = args;
  const plain = /^[A-Za-z_][A-Za-z0-9_.]*$/.test(first) && first !== "null" && first !== "true" && first !== "false";
  if (plain && random.chance(0.25)) return `${first}:${name}(${rest.join(", ")})`;
  return `${name}(${args.join(", ")})`;
}

function textArgument(context: Context, depth: number): string {
  const { random } = context;
  if (random.chance(0.05)) return "null";
  return random.chance(0.7) ? makeConstant(context, "text") : makeValue(context, "text", depth);
}

function positions(context: Context, count: number): string[] {
  const { random } = context;
  return Array.from({ length: count }, () =>
    random.weighted<() => string>([
      [8, () => String(random.below(16) - 5)],
      [1, () => "null"],
      [1, () => makeField(context, "number")],
    ])(),
  );
}

function makeConstant({ random }: Context, kind: Scalar): string {
  switch (kind) {
    case "text":
      return random.chance(0.9) ? quoteText(random.pick(TEXTS)) : `'${random.pick(["a", "cmd.exe", "CMD.exe"])}'`;
    case "number":
      if (random.chance(0.3)) return doubleText(random.pick(DOUBLES));
      return random.chance(0.5) ? String(random.below(5)) : integerText(random.pick(LONGS));
    case "boolean":
      return random.pick(["true", "false"]);
  }
}

function doubleText(value: number): string {
  const text = /^-?[0-9]+$/.test(String(value)) ? `${value}.0` : String(value).replace("e+", "e");
  return value < 0 ? `(${text})` : text;
}

/** Mostly one that is likely to hold the kind. */
function makeField(context: Context, kind?: Kind): string {
  const { random, variables } = context;
  const variable = variables.at(random.below(Math.max(1, variables.length)));
  if (variable !== undefined && random.chance(0.6))
    return random.pick([
      variable,
      variable,
      `${variable}.name`,
      `${variable}.num`,
      `${variable}.list[0]`,
      `${variable}.obj.num`,
    ]);
  const names = Object.keys(ENDGAME_FIELDS).filter((name) => kind === undefined || ENDGAME_FIELDS[name] === kind);
  const written = (name: string): string => (name.includes(".") ? `\`${name}\`` : name);
  return random.weighted<() => string>([
    [12, () => written(random.pick(names))],
    [2, () => written(random.pick(Object.keys(ENDGAME_FIELDS)))],
    [
      3,
      () =>
        random.pick([
          "obj.name",
          "obj.num",
          "obj.list[1]",
          "obj.obj.name",
          "list[0]",
          "list[1]",
          "objs[0].name",
          "objs[1].num",
          "objs.name",
          "missing",
          "list[9]",
        ]),
    ],
  ])();
}

function makeArray(context: Context): string {
  const { random, variables } = context;
  const variable = variables[0];
  if (variable !== undefined && random.chance(0.5))
    return random.pick([`${variable}.list`, variable, `${variable}.obj.list`]);
  return random.pick(["list", "objs", "objs", "obj.list", "objs[0].list", "name", "missing"]);
}
