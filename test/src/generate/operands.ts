// A seed -> the text of an operand: a text, a number, or a constant of either. Whatever is not a single name, number or string
// stands in parentheses.

import { type Context, hasField, type Make, pickField, several } from "./context.js";
import { generateWildcard } from "./pattern.js";
import { DOUBLES, LONGS, TEXTS } from "./pool.js";
import type { Random } from "./random.js";

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

export function textConstant({ random }: Context): string {
  return quoteText(random.pick(TEXTS));
}

export const makeText: Make = (context, depth) => {
  const { random, has } = context;
  const field = (): string => textField(context);
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
    [1, () => `string(${stringArgument(context, depth - 1)})`],
    [has("constants") ? 0.5 : 0, () => textConstant(context)],
  ])();
};

/** Mostly a keyword; an address or a version is a text too. */
function textField(context: Context): string {
  const { random, has } = context;
  if (has("addresses") && hasField(context, "ip") && random.chance(0.05)) return pickField(context, "ip");
  if (has("versions") && hasField(context, "version") && random.chance(0.03)) return pickField(context, "version");
  return pickField(context, "keyword");
}

export const makeNumber: Make = (context, depth) => {
  const { random, has } = context;
  const double = has("doubles") && hasField(context, "double") && random.chance(0.3);
  const field = (): string => pickField(context, double ? "double" : "long");
  if (depth <= 0 || random.chance(0.6)) return field();
  const inner = (): string => makeNumber(context, depth - 1);
  const other = (): string => {
    if (has("nullOperands") && random.chance(0.06)) return "null";
    return random.chance(0.6) ? numberConstant(context) : inner();
  };
  const text = (): string => makeText(context, depth - 1);
  const arithmetic = has("arithmetic") ? 1 : 0;
  const functions = has("functions") ? 1 : 0;
  const nulls = has("nullOperands") ? 1 : 0;
  return random.weighted<() => string>([
    [0.1, field],
    [4 * arithmetic, () => `(${inner()} ${random.pick(["+", "-", "*", "/", "%"])} ${other()})`],
    [arithmetic, () => `(${numberConstant(context)} ${random.pick(["+", "-", "*", "/", "%"])} ${inner()})`],
    [
      0.3 * arithmetic * nulls,
      () => `(null ${random.pick(["+", "-", "*", "/", "%"])} ${random.chance(0.8) ? inner() : "null"})`,
    ],
    [arithmetic, () => `(${random.pick(["-", "-", "+"])}${inner()})`],
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
    [2 * functions, () => `number(${text()}${random.pick(["", "", ", null", ", 10", ", 16", ", 8", ", 36", ", 2"])})`],
  ])();
};

function stringArgument(context: Context, depth: number): string {
  const { random, has } = context;
  return random.weighted<() => string>([
    [3, () => makeNumber(context, depth)],
    [2, () => makeText(context, depth)],
    [1, () => pickField(context, "boolean")],
    [has("nested") ? 1 : 0, () => `(${makeNumber(context, 0)} > ${numberConstant(context)})`],
    [has("nullOperands") ? 0.2 : 0, () => "null"],
  ])();
}

function concatArgument(context: Context, depth: number): string {
  const { random, has } = context;
  return random.weighted<() => string>([
    [4, () => makeText(context, depth)],
    [2, () => textConstant(context)],
    [1, () => makeNumber(context, depth)],
    [0.5, () => pickField(context, "boolean")],
    [0.5, () => numberConstant(context)],
    [0.3, () => random.pick(["true", "false"])],
    [has("nullOperands") ? 0.2 : 0, () => "null"],
  ])();
}

export function textArgument(context: Context, depth: number): string {
  const { random, has } = context;
  if (has("nullOperands") && random.chance(0.05)) return "null";
  return random.chance(0.7) ? textConstant(context) : makeText(context, depth);
}

/** A whole number, for indexOf and substring. */
function position(context: Context): string {
  const { random, has } = context;
  if (has("nullOperands") && random.chance(0.05)) return "null";
  if (has("arithmetic") && random.chance(0.1))
    return makeNumber({ ...context, has: (f) => f !== "doubles" && has(f) }, 0);
  return String(random.below(16) - 5);
}

export function numberConstant(context: Context): string {
  const { random } = context;
  return random.chance(0.3) && context.has("doubles")
    ? doubleText(random.pick(DOUBLES))
    : integerText(random.pick(LONGS));
}

export function wildcardConstant(random: Random): string {
  return quoteText(generateWildcard(random));
}

/** The smallest long has no literal of its own. */
export function integerText(value: bigint): string {
  return value === -(2n ** 63n) ? "(-9223372036854775807 - 1)" : value < 0n ? `(${value})` : String(value);
}

function doubleText(value: number): string {
  const text = /^-?[0-9]+$/.test(String(value)) ? `${value}.0` : String(value).replace("e+", "e");
  return value < 0 ? `(${text})` : text;
}
