// One line of NDJSON -> a tree that keeps what JSON.parse loses: the source text of numbers, and repeated keys.
// INVARIANT: accepts exactly RFC 8259. A lone surrogate written as an escape becomes U+FFFD, as invalid UTF-8 does.

export type Json =
  | { readonly kind: "null" }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "array"; readonly items: readonly Json[] }
  /** In document order; a key that stands twice is here twice. */
  | { readonly kind: "object"; readonly entries: readonly (readonly [string, Json])[] };

interface Cursor {
  readonly text: string;
  at: number;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Reads one JSON text. Throws SyntaxError, with the offset, on anything RFC 8259 does not allow. */
export function readJson(text: string): Json {
  const cursor: Cursor = { text, at: 0 };
  const value = readValue(cursor);
  skipSpace(cursor);
  if (cursor.at < text.length) fail(cursor, "end of text");
  return value;
}

function readValue(cursor: Cursor): Json {
  skipSpace(cursor);
  switch (cursor.text[cursor.at]) {
    case "{":
      return readObject(cursor);
    case "[":
      return readArray(cursor);
    case '"':
      return { kind: "string", value: readString(cursor) };
    case "t":
      expect(cursor, "true");
      return { kind: "boolean", value: true };
    case "f":
      expect(cursor, "false");
      return { kind: "boolean", value: false };
    case "n":
      expect(cursor, "null");
      return { kind: "null" };
    default:
      return readNumber(cursor);
  }
}

function readObject(cursor: Cursor): Json {
  const entries: [string, Json][] = [];
  cursor.at++;
  skipSpace(cursor);
  if (cursor.text[cursor.at] === "}") {
    cursor.at++;
    return { kind: "object", entries };
  }
  for (;;) {
    skipSpace(cursor);
    if (cursor.text[cursor.at] !== '"') fail(cursor, "a key");
    const key = readString(cursor);
    skipSpace(cursor);
    expect(cursor, ":");
    entries.push([key, readValue(cursor)]);
    skipSpace(cursor);
    if (cursor.text[cursor.at] === "}") break;
    expect(cursor, ",");
  }
  cursor.at++;
  return { kind: "object", entries };
}

function readArray(cursor: Cursor): Json {
  const items: Json[] = [];
  cursor.at++;
  skipSpace(cursor);
  if (cursor.text[cursor.at] === "]") {
    cursor.at++;
    return { kind: "array", items };
  }
  for (;;) {
    items.push(readValue(cursor));
    skipSpace(cursor);
    if (cursor.text[cursor.at] === "]") break;
    expect(cursor, ",");
  }
  cursor.at++;
  return { kind: "array", items };
}

function readNumber(cursor: Cursor): Json {
  NUMBER.lastIndex = cursor.at;
  const found = NUMBER.exec(cursor.text);
  if (found === null) return fail(cursor, "a value");
  cursor.at += found[0].length;
  return { kind: "number", text: found[0] };
}

function readString(cursor: Cursor): string {
  let value = "";
  cursor.at++;
  for (;;) {
    const unit = cursor.text[cursor.at];
    if (unit === undefined || unit < " ") return fail(cursor, "the rest of a string");
    cursor.at++;
    if (unit === '"') return value.replace(/\p{Surrogate}/gu, "\ufffd");
    value += unit === "\\" ? readEscape(cursor) : unit;
  }
}

function readEscape(cursor: Cursor): string {
  const letter = cursor.text[cursor.at] ?? "";
  if (letter === "u") {
    const digits = cursor.text.slice(cursor.at + 1, cursor.at + 5);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) fail(cursor, "four hexadecimal digits");
    cursor.at += 5;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
  const escaped = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
  if (escaped === undefined) return fail(cursor, "an escape");
  cursor.at++;
  return escaped;
}

function skipSpace(cursor: Cursor): void {
  while (" \t\n\r".includes(cursor.text[cursor.at] ?? "x")) cursor.at++;
}

function expect(cursor: Cursor, word: string): void {
  if (!cursor.text.startsWith(word, cursor.at)) fail(cursor, word);
  cursor.at += word.length;
}

function fail(cursor: Cursor, wanted: string): never {
  throw new SyntaxError(`Invalid JSON at offset ${cursor.at}: expected ${wanted}`);
}
