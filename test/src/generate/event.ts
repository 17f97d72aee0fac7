// A seed and a schema -> one line of NDJSON that writes an event in any of the ways JSON allows: names nested, dotted or
// both, values alone or in arrays, numbers as text, escapes, keys that stand twice, values that are malformed, nulls.
// The line is always valid JSON with an object at the top.

import type { Field, FieldType, Schema } from "@kestrel/stdlib/schema/types";
import { ADDRESSES, CATEGORIES, DATES, DOUBLES, LONGS, MILLISECONDS, TEXTS, VERSIONS } from "./pool.js";
import type { Random } from "./random.js";

/** An object under construction: a key may stand twice. Leaves are JSON text. */
interface Tree {
  readonly children: { readonly key: string; readonly value: Tree | string }[];
}

export interface EventOptions {
  /** How likely a field of the schema is to be written at all; 0.6 when absent. */
  readonly density?: number;
  /** Field names with the JSON text of their value, written in place of a generated one. */
  readonly fixed?: Readonly<Record<string, string>>;
}

/** One event, without the line end. */
export function generateEventLine(random: Random, schema: Schema, options: EventOptions = {}): string {
  const root: Tree = { children: [] };
  const fields = shuffled(random, [...schema.fields.values()]);
  for (const field of fields) {
    const fixed = options.fixed?.[field.name];
    if (fixed === undefined && !random.chance(options.density ?? 0.6)) continue;
    insert(random, root, keysFor(random, field.name), fixed ?? valueText(random, field));
    // A second time, under another way of writing the name.
    if (fixed === undefined && random.chance(0.04))
      insert(random, root, keysFor(random, field.name), valueText(random, field));
  }
  if (random.chance(0.3)) insert(random, root, ["labels", random.pick(TEXTS)], strangeText(random));
  if (random.chance(0.02))
    insert(random, root, [random.pick(["process", "user", "event"])], random.pick(["null", "5", '"x"', "[]"]));
  return writeTree(random, root);
}

function valueText(random: Random, field: Field): string {
  if (field.name.endsWith(".stack") || field.name.endsWith(".frames")) return stackText(random, field.name, 2);
  return random.weighted<() => string>([
    [14, () => scalarText(random, field)],
    [1, () => "null"],
    [0.7, () => "[]"],
    [0.7, () => "[null]"],
    [4, () => listText(random, field)],
    [0.3, () => `[${scalarText(random, field)}, [${scalarText(random, field)}], null]`],
    [0.3, () => random.pick(["{}", '{"x": 1}', '[{"x": "y"}]'])],
  ])();
}

function listText(random: Random, field: Field): string {
  const items = Array.from({ length: 1 + random.below(4) }, () =>
    random.chance(0.1) ? "null" : scalarText(random, field),
  );
  return `[${items.join(random.pick([",", ", "]))}]`;
}

function scalarText(random: Random, field: Field): string {
  if (random.chance(0.05)) return malformedText(random);
  if (field.name === "event.category") return quoteJson(random, random.pick(CATEGORIES));
  return typedText(random, field.type);
}

function typedText(random: Random, type: FieldType): string {
  switch (type) {
    case "keyword":
      if (random.chance(0.06)) return random.pick(["1", "1.0", "1e3", "-0", "true", "false", "9223372036854775808"]);
      return quoteJson(random, random.pick(TEXTS));
    case "ip":
      return quoteJson(
        random,
        random.chance(0.9) ? random.pick(ADDRESSES) : random.pick(["10.0.0", "10.0.0.256", "x", "10.0.0.0/8"]),
      );
    case "version":
      return quoteJson(random, random.pick(VERSIONS));
    case "long":
      return numberText(random, longText(random));
    case "double":
      return numberText(random, random.chance(0.2) ? longText(random) : doubleText(random));
    case "boolean":
      return random.pick(["true", "false", '"true"', '"false"']);
    case "date":
      if (random.chance(0.4)) return String(random.pick(MILLISECONDS)) + (random.chance(0.1) ? ".123456789" : "");
      return quoteJson(random, random.pick(DATES));
    case "object":
      return random.pick(["{}", '{"x": 1}', '{"x": null}', '[{"x": "y"}, {}]', "[]", "null"]);
  }
}

function longText(random: Random): string {
  const value = random.pick(LONGS);
  return random.weighted<() => string>([
    [10, () => String(value)],
    [0.5, () => `${value}.75`],
    [0.3, () => random.pick(["1e3", "31e-1", "0.2e1", "-0", "-0.9", "9223372036854775807.9"])],
    [0.3, () => random.pick(["9223372036854775808", "-9223372036854775809", "1e19", "123456789012345678901234567890"])],
  ])();
}

function doubleText(random: Random): string {
  const text = String(random.pick(DOUBLES));
  return random.chance(0.9)
    ? text
    : random.pick(["-0.0", "1E+2", "4.9e-324", "1.7976931348623157e308", "0.1000000000000000055511"]);
}

function numberText(random: Random, text: string): string {
  if (random.chance(0.9)) return text;
  // As text, a number may also carry a plus sign and leading zeros.
  return `"${text.startsWith("-") ? text : random.pick(["", "+", "0", "+00"]) + text}"`;
}

function malformedText(random: Random): string {
  return random.pick([
    '"not a number"',
    '"1 "',
    '""',
    "true",
    "false",
    "12",
    '"1e"',
    '".5"',
    '"2024-02-30"',
    '"TRUE"',
    '"0x10"',
    "1.5e0",
  ]);
}

/** An array of objects as queries search it: elements with known and unknown fields, scalars, nulls, arrays in arrays. */
function stackText(random: Random, name: string, depth: number): string {
  if (random.chance(0.06)) return random.pick(["null", "[]", "{}", "[null]", '"x"', "[[]]", "7"]);
  const element = (): string => (random.chance(0.9) ? elementText(random, name, depth) : anyText(random));
  if (random.chance(0.1)) return element();
  const items = Array.from({ length: 1 + random.below(3) }, () =>
    random.chance(0.05) ? `[${element()}, null]` : random.chance(0.05) ? "null" : element(),
  );
  return `[${items.join(random.pick([",", " , "]))}]`;
}

function elementText(random: Random, name: string, depth: number): string {
  const entries: string[] = [];
  const put = (rate: number, key: string, make: () => string): void => {
    if (random.chance(rate)) entries.push(`${quoteJson(random, key)}:${make()}`);
  };
  const known = (type: FieldType) => (): string =>
    random.chance(0.85) ? typedText(random, type) : valueText(random, { id: 0, name: "", type });
  put(0.6, name.endsWith(".stack") ? "symbol" : "offset", known(name.endsWith(".stack") ? "keyword" : "long"));
  if (name.endsWith(".stack")) put(0.6, "size", known("long"));
  put(0.5, "any", () => anyText(random));
  put(0.3, "code.any", () => anyText(random));
  put(0.3, "code", () => `{"any": ${anyText(random)}}`);
  if (depth > 0) put(0.4, "frames", () => stackText(random, `${name}.frames`, depth - 1));
  return `{${entries.join(",")}}`;
}

/** A scalar of any type, or a few of them. */
function anyText(random: Random): string {
  const scalar = (): string =>
    typedText(random, random.pick(["keyword", "keyword", "long", "double", "boolean", "date"]));
  return random.weighted<() => string>([
    [10, scalar],
    [1, () => `[${scalar()},${scalar()}]`],
    [1, () => random.pick(["null", "{}", '{"x":1}', "[]"])],
  ])();
}

/** Text outside the schema that a careless scanner would stumble over. */
function strangeText(random: Random): string {
  return random.pick([
    '"{\\"process.name\\": \\"cmd.exe\\"}"',
    '{"process.name": "cmd.exe", "deep": [[[{}]], {"a": [1, 2]}]}',
    '["]", "}", "\\\\", "\\"", "\\\\\\""]',
    "[1e5, -0.0, true, null]",
    '"\\u0000\\ud83d\\ude00 \\ud800"',
  ]);
}

/** Quotes a text; in one text of five, characters are written as escapes though they need not be. */
function quoteJson(random: Random, text: string): string {
  const rate = random.chance(0.2) ? 0.3 : 0;
  let quoted = "";
  for (let i = 0; i < text.length; i++) {
    const unit = text.charAt(i);
    const plain = JSON.stringify(unit).slice(1, -1);
    const escaped = `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`;
    // Both halves of a pair are escaped or neither is.
    const pairStart = /[\ud800-\udbff]/.test(unit);
    if (pairStart) {
      const low = text.charAt(i + 1);
      quoted += random.chance(rate) ? `${escaped}\\u${text.charCodeAt(i + 1).toString(16)}` : unit + low;
      i++;
    } else {
      quoted += random.chance(rate) ? escaped : plain;
    }
  }
  return `"${quoted}"`;
}

/** The name's parts, some of them still joined by dots. */
function keysFor(random: Random, name: string): string[] {
  const parts = name.split(".");
  if (random.chance(0.4)) return parts;
  if (random.chance(0.6)) return [name];
  const keys = [parts[0] ?? ""];
  for (const part of parts.slice(1)) {
    if (random.chance(0.5)) keys.push(part);
    else keys.push(`${keys.pop() ?? ""}.${part}`);
  }
  return keys;
}

function insert(random: Random, tree: Tree, keys: readonly string[], text: string): void {
  const [key = "", ...rest] = keys;
  if (rest.length === 0) {
    tree.children.push({ key, value: text });
    return;
  }
  const standing = random.chance(0.95) ? tree.children.find((child) => child.key === key)?.value : undefined;
  if (standing !== undefined && typeof standing !== "string") {
    insert(random, standing, rest, text);
    return;
  }
  const added: Tree = { children: [] };
  tree.children.push({ key, value: added });
  insert(random, added, rest, text);
}

function writeTree(random: Random, tree: Tree): string {
  const space = random.pick(["", "", " ", "\t "]);
  const write = (children: Tree["children"]): string => {
    const entries = children.map(({ key, value }) => {
      const text = typeof value === "string" ? value : writeBelow(value);
      return `${quoteJson(random, key)}:${space}${text}`;
    });
    return `{${space}${entries.join(`,${space}`)}${space}}`;
  };
  // An object may also be written as an array of objects that each hold a part of it.
  const writeBelow = (below: Tree): string => {
    if (below.children.length < 2 || !random.chance(0.06)) return write(below.children);
    const cut = 1 + random.below(below.children.length - 1);
    return `[${write(below.children.slice(0, cut))},${space}${write(below.children.slice(cut))}]`;
  };
  return write(tree.children);
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(random.below(left.length), 1));
  return order;
}
