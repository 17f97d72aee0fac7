// A Lua source -> the fields it names: every integer that is a field's id, and every text that is a field's name.
//
// Only words are told apart, so a number that has nothing to do with a field may be taken for one: then the rule can read more than it does.
// What is computed (`1 + 1`, `"process." .. "name"`) is not seen; the host refuses to read it, and `fields` in the manifest can name it.

import type { Field, Schema } from "@kestrel/stdlib/schema/types";

/** An integer or a text of the source. */
export type Literal =
  | { readonly kind: "integer"; readonly value: number }
  | { readonly kind: "text"; readonly value: string };

/** The fields that the source may read, by ascending id. */
export function luaFields(source: string, schema: Schema): readonly Field[] {
  const byId = new Map([...schema.fields.values()].map((field) => [field.id, field]));
  const found = new Set<Field>();
  for (const literal of literalsOf(source)) {
    const field = literal.kind === "integer" ? byId.get(literal.value) : schema.fields.get(literal.value);
    if (field !== undefined && field.id > 0) found.add(field);
  }
  return [...found].sort((a, b) => a.id - b.id);
}

// Behind a name there is no number (`x1`), and a number takes letters and points with it (`0x1p4`, `1.5`, `3..2` is malformed).
const WORD = /[A-Za-z_]\w*/y;
const NUMBER = /\.?\d(?:[eEpP][+-]|[\w.])*/y;
const LABEL = /::/y;
const SPACE = /\s+/y;
const LONG_OPEN = /\[(=*)\[/y;

/** Every integer and text, in order; comments are left out. What Lua would refuse is passed over. `onWord` is given names, keywords and `::`. */
export function literalsOf(source: string, onWord: (word: string) => void = () => undefined): Literal[] {
  const literals: Literal[] = [];
  let at = source.startsWith("#") ? lineEnd(source, 0) : 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  while (at < source.length) {
    const skipped = match(SPACE);
    const word = skipped ?? match(WORD) ?? match(LABEL);
    if (word !== null) {
      if (skipped === null) onWord(word[0]);
      at += word[0].length;
      continue;
    }
    if (source.startsWith("--", at)) {
      at += 2;
      const long = match(LONG_OPEN);
      at = long === null ? lineEnd(source, at) : readLong(source, at, long).end;
      continue;
    }
    const long = match(LONG_OPEN);
    if (long !== null) {
      const { value, end } = readLong(source, at, long);
      literals.push({ kind: "text", value });
      at = end;
      continue;
    }
    const number = match(NUMBER);
    if (number !== null) {
      const value = integerOf(number[0]);
      if (value !== null) literals.push({ kind: "integer", value });
      at += number[0].length;
      continue;
    }
    const quote = source.charAt(at);
    if (quote === '"' || quote === "'") {
      const { value, end } = readQuoted(source, at, quote);
      if (value !== null) literals.push({ kind: "text", value });
      at = end;
      continue;
    }
    at += 1;
  }
  return literals;
}

function lineEnd(source: string, at: number): number {
  const end = source.indexOf("\n", at);
  return end < 0 ? source.length : end;
}

/** `[==[ … ]==]`; a line end right behind the opening is no part of it. */
function readLong(source: string, at: number, open: RegExpExecArray): { readonly value: string; readonly end: number } {
  const close = `]${open[1] ?? ""}]`;
  const start = at + open[0].length;
  const end = source.indexOf(close, start);
  const value = source.slice(start, end < 0 ? source.length : end).replace(/^\n/, "");
  return { value, end: end < 0 ? source.length : end + close.length };
}

/** A decimal or hexadecimal integer; a number with a point or an exponent is a float, which is no id, but for `3.0`. */
function integerOf(text: string): number | null {
  if (/^0[xX][0-9a-fA-F]+$/.test(text) || /^\d+(?:\.0*)?$/.test(text)) {
    const value = Number(text);
    return Number.isSafeInteger(value) ? value : null;
  }
  return null;
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: "\u0007", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" },
  ...{ "\\": "\\", '"': '"', "'": "'", "\n": "\n" },
};

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}|(\d{1,3})|z\s*|([\s\S]))/y;

/** null for a text that is not closed on its line, or has an escape that Lua does not know. */
function readQuoted(
  source: string,
  at: number,
  quote: string,
): { readonly value: string | null; readonly end: number } {
  let value = "";
  let isKnown = true;
  let next = at + 1;
  while (next < source.length) {
    const unit = source.charAt(next);
    if (unit === quote) return { value: isKnown ? value : null, end: next + 1 };
    if (unit === "\n") return { value: null, end: next };
    if (unit !== "\\") {
      value += unit;
      next += 1;
      continue;
    }
    ESCAPE.lastIndex = next;
    const found = ESCAPE.exec(source);
    if (found === null) return { value: null, end: source.length };
    const [whole, hex, point, decimal, letter] = found;
    const code = hex ?? point;
    const number = code === undefined ? (decimal === undefined ? null : Number(decimal)) : Number.parseInt(code, 16);
    if (number !== null && number <= 0x10ffff) value += String.fromCodePoint(number);
    else if (letter !== undefined && Object.hasOwn(ESCAPES, letter)) value += ESCAPES[letter];
    else if (letter !== undefined || number !== null) isKnown = false;
    next += whole.length;
  }
  return { value: null, end: next };
}
