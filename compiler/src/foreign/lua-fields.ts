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

/** A part of the source that is neither space nor comment: `other` is a float, a text that Lua would refuse, or a character alone. */
export interface LuaToken {
  readonly kind: "word" | "integer" | "text" | "other";
  /** The word, the digits, the text as a value, or the characters. */
  readonly value: string;
  /** Offsets in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

/** The tokens of a source, in order; `::` is a word. What Lua would refuse is passed over. */
export function* tokensOf(source: string): Generator<LuaToken> {
  let at = source.startsWith("#") ? lineEnd(source, 0) : 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  while (at < source.length) {
    const start = at;
    const space = match(SPACE);
    if (space !== null) {
      at += space[0].length;
      continue;
    }
    if (source.startsWith("--", at)) {
      at += 2;
      const long = match(LONG_OPEN);
      at = long === null ? lineEnd(source, at) : readLong(source, at, long).end;
      continue;
    }
    const word = match(WORD) ?? match(LABEL);
    const long = word === null ? match(LONG_OPEN) : null;
    const number = word === null && long === null ? match(NUMBER) : null;
    const first = source.charAt(at);
    if (word !== null) {
      at += word[0].length;
      yield { kind: "word", value: word[0], start, end: at };
    } else if (long !== null) {
      const { value, end } = readLong(source, at, long);
      at = end;
      yield { kind: "text", value, start, end };
    } else if (number !== null) {
      at += number[0].length;
      const kind = integerOf(number[0]) === null ? "other" : "integer";
      yield { kind, value: number[0], start, end: at };
    } else if (first === '"' || first === "'") {
      const { value, end } = readQuoted(source, at, first);
      at = end;
      yield value === null ? { kind: "other", value: first, start, end } : { kind: "text", value, start, end };
    } else {
      at += 1;
      yield { kind: "other", value: first, start, end: at };
    }
  }
}

/** Every integer and text, in order. `onWord` is given names, keywords and `::`. */
export function literalsOf(source: string, onWord: (word: string) => void = () => undefined): Literal[] {
  const literals: Literal[] = [];
  for (const { kind, value } of tokensOf(source)) {
    if (kind === "word") onWord(value);
    else if (kind === "text") literals.push({ kind, value });
    else if (kind === "integer") literals.push({ kind, value: integerOf(value) ?? 0 });
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
