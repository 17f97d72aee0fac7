// The text of an event -> its members, each with its own text; and members -> JSON in which every field stands once.
//
// The decoder checks what rules read; in other values it checks strings and the depth of brackets alone. So a line that became
// an event may still hold `{"n":01}` or `{"a":[1,}`. Such a value is repaired: what is no JSON becomes a string of its text,
// the smallest part that can be.
//
// An object may also name a field twice: `{"a":1,"a":2}`, or `{"process.name":"x","process":{"pid":1}}`. Those are gathered, as
// the decoder gathers them: values become one list, objects one object. Where a value meets an object, only the object stays.
//
// INVARIANT: what needs neither keeps its text, so no digit of a number and no order of members is lost.

import {
  BACKSLASH,
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  COMMA,
  QUOTE,
  SPACE,
} from "@kestrel/stdlib/text/characters";

interface Part {
  /** The value as it stood in the text. */
  readonly text: string;
  /** The text is JSON. */
  readonly isJson: boolean;
  /** The text is JSON that names no field twice. */
  readonly isPlain: boolean;
}

export interface JsonScalar extends Part {
  readonly kind: "scalar";
}

export interface JsonArray extends Part {
  readonly kind: "array";
  readonly items: readonly JsonNode[];
}

export interface JsonObject extends Part {
  readonly kind: "object";
  /** In their order, names without escapes; a name may come twice. */
  readonly members: readonly (readonly [name: string, value: JsonNode])[];
}

export type JsonNode = JsonScalar | JsonArray | JsonObject;

/** Fields by the parts of their names. */
export type Fields = Map<string, FieldValue>;
export type FieldValue = JsonNode | Fields;

const NULL: JsonScalar = scalar("null", true);
const SCALAR = /^(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)$/;
/** What a string may need a second look for: escapes, and control characters, of which JSON allows some. */
const SPECIAL = /[\\\p{Cc}]/u;

/** The object that a text holds, white space around it apart; null when it holds none. Values inside need not be JSON. */
export function parseObject(text: string): JsonObject | null {
  const from = skipSpace(text, 0);
  if (text.charCodeAt(from) !== BRACE_OPEN) return null;
  const parser: Parser = { text, at: from };
  const root = parseContainer(parser);
  if (root?.kind !== "object" || skipSpace(text, parser.at) !== text.length) return null;
  return root;
}

/** JSON of the object in which every field stands once: its own text where that is so already. */
export function uniqueJson(object: JsonObject): string {
  return object.isPlain ? object.text : writeValue(object);
}

/** The members of an object as fields, names with dots taken apart. */
export function fieldsOf(object: JsonObject): Fields {
  const fields: Fields = new Map();
  for (const [name, value] of object.members) putField(fields, name, value);
  return fields;
}

/** Adds a field, whose name may hold dots, to what is there already. */
export function putField(fields: Fields, name: string, value: FieldValue): void {
  const parts = partsOf(name);
  const last = parts.pop() ?? name;
  let inner = fields;
  for (const part of parts) {
    const below = asFields(inner.get(part)) ?? new Map();
    inner.set(part, below);
    inner = below;
  }
  const there = inner.get(last);
  inner.set(last, there === undefined ? value : gathered(there, value));
}

/** The fields below a value: those of an object, or of all objects in a list; null when it holds no object. */
export function asFields(value: FieldValue | undefined): Fields | null {
  if (value === undefined || value instanceof Map) return value ?? null;
  const objects = objectsIn(value);
  if (objects.length === 0) return null;
  const fields: Fields = new Map();
  for (const object of objects) for (const [name, below] of object.members) putField(fields, name, below);
  return fields;
}

/** JSON of a value, in which every field stands once. */
export function writeValue(value: FieldValue): string {
  if (value instanceof Map) {
    const members: string[] = [];
    for (const [name, below] of value) members.push(`${JSON.stringify(name)}:${writeValue(below)}`);
    return `{${members.join(",")}}`;
  }
  if (value.isPlain) return value.text;
  switch (value.kind) {
    case "scalar":
      return quoted(value.text);
    case "array":
      return `[${value.items.map(writeValue).join(",")}]`;
    case "object":
      return writeValue(fieldsOf(value));
  }
}

/** The values of a list, or the one value; null is none, and fields are none. */
export function itemsOf(value: FieldValue): readonly JsonNode[] {
  if (value instanceof Map) return [];
  if (value.kind === "array") return value.items.flatMap(itemsOf);
  return value.text === "null" ? [] : [value];
}

/** The parts of a name between its dots. One with an empty part, such as `a..b` or `.`, is a name of one part. */
function partsOf(name: string): string[] {
  const parts = name.split(".");
  return parts.includes("") ? [name] : parts;
}

function gathered(a: FieldValue, b: FieldValue): FieldValue {
  const left = asFields(a);
  const right = asFields(b);
  if (left !== null && right !== null) {
    for (const [name, value] of right) {
      const there = left.get(name);
      left.set(name, there === undefined ? value : gathered(there, value));
    }
    return left;
  }
  if (left !== null) return left;
  if (right !== null) return right;
  const items = [...itemsOf(a), ...itemsOf(b)];
  const [first = NULL] = items;
  return items.length < 2 ? first : array("", items, false);
}

/** The objects in a value. What else stands in a list with objects can be no value of the field, and is passed over. */
function objectsIn(value: JsonNode): readonly JsonObject[] {
  if (value.kind === "object") return [value];
  return value.kind === "array" ? value.items.flatMap(objectsIn) : [];
}

interface Parser {
  readonly text: string;
  /** Behind what was read. */
  at: number;
}

function scalar(text: string, isJson: boolean): JsonScalar {
  return { kind: "scalar", text, isJson, isPlain: isJson };
}

function array(text: string, items: readonly JsonNode[], isOwnText: boolean): JsonArray {
  const isJson = isOwnText && items.every((item) => item.isJson);
  return { kind: "array", text, items, isJson, isPlain: isJson && items.every((item) => item.isPlain) };
}

/** The value at the parser's place, which moves behind it; null where no value can be. */
function parseValue(parser: Parser): JsonNode | null {
  const { text, at } = parser;
  const code = text.charCodeAt(at);
  if (code === QUOTE) return parseString(parser);
  if (code !== BRACE_OPEN && code !== BRACKET_OPEN) return parseScalar(parser);
  const node = parseContainer(parser);
  if (node !== null) return node;
  const end = containerEnd(text, at);
  if (end < 0) return null;
  parser.at = end;
  return scalar(text.slice(at, end), false);
}

/** A string with an escape that JSON does not know is one of its text: `"C:\q"` is `C:\q`. */
function parseString(parser: Parser): JsonNode | null {
  const { text, at } = parser;
  const end = stringEnd(text, at);
  if (end < 0) return null;
  parser.at = end;
  const own = text.slice(at, end);
  return scalar(own, unescaped(own) !== null);
}

function parseScalar(parser: Parser): JsonNode | null {
  const { text, at } = parser;
  let end = at;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === COMMA || code === BRACE_CLOSE || code === BRACKET_CLOSE || code <= SPACE) break;
  }
  if (end === at) return null;
  parser.at = end;
  const own = text.slice(at, end);
  return scalar(own, SCALAR.test(own));
}

/** The object or array at the parser's place; null when it is not built as one. */
function parseContainer(parser: Parser): JsonArray | JsonObject | null {
  const { text, at: start } = parser;
  const isObject = text.charCodeAt(start) === BRACE_OPEN;
  const close = isObject ? BRACE_CLOSE : BRACKET_CLOSE;
  const members: [string, JsonNode][] = [];
  const items: JsonNode[] = [];
  parser.at = skipSpace(text, start + 1);
  for (let isFirst = true; ; isFirst = false) {
    if (isFirst && text.charCodeAt(parser.at) === close) break;
    const name = isObject ? parseName(parser) : "";
    if (name === null) return null;
    const value = parseValue(parser);
    if (value === null) return null;
    if (isObject) members.push([name, value]);
    else items.push(value);
    parser.at = skipSpace(text, parser.at);
    const code = text.charCodeAt(parser.at);
    if (code === close) break;
    if (code !== COMMA) return null;
    parser.at = skipSpace(text, parser.at + 1);
  }
  parser.at++;
  const own = text.slice(start, parser.at);
  if (!isObject) return array(own, items, true);
  const isJson = members.every(([, value]) => value.isJson);
  const isPlain = isJson && members.every(([, value]) => value.isPlain) && !namesTwice(members);
  return { kind: "object", text: own, members, isJson, isPlain };
}

/** The name of a member, up to its value. */
function parseName(parser: Parser): string | null {
  const { text, at } = parser;
  if (text.charCodeAt(at) !== QUOTE) return null;
  const end = stringEnd(text, at);
  if (end < 0) return null;
  const name = unescaped(text.slice(at, end));
  const colon = skipSpace(text, end);
  if (name === null || text.charCodeAt(colon) !== COLON) return null;
  parser.at = skipSpace(text, colon + 1);
  return name;
}

/** Whether two members may be one field: their names are the same up to the first dot. */
function namesTwice(members: JsonObject["members"]): boolean {
  if (members.length < 2) return false;
  const seen = new Set<string>();
  for (const [name] of members) {
    const dot = name.indexOf(".");
    const head = dot < 0 ? name : (partsOf(name)[0] ?? name);
    if (seen.has(head)) return true;
    seen.add(head);
  }
  return false;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= SPACE) at++;
  return at;
}

/** Behind the string whose quote stands at `from`; -1 when it is not closed. */
function stringEnd(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
  return -1;
}

/** Behind the bracket that closes the one at `from`, whatever their kinds, as the decoder counts them; -1 without one. */
function containerEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = stringEnd(text, at);
      if (end < 0) return -1;
      at = end - 1;
    } else if (code === BRACE_OPEN || code === BRACKET_OPEN) depth++;
    else if ((code === BRACE_CLOSE || code === BRACKET_CLOSE) && --depth === 0) return at + 1;
  }
  return -1;
}

/** What a string says; null when it holds an escape or a character that JSON does not take. */
function unescaped(text: string): string | null {
  if (!SPECIAL.test(text)) return text.slice(1, -1);
  try {
    return JSON.parse(text) as string;
  } catch {
    return null;
  }
}

/** What is no JSON as a string of its text, quotes that it has already apart. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text);
}
