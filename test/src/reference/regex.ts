// Kestrel's regular expressions (Lucene's syntax with the usual classes) -> a JavaScript RegExp that matches whole values.
//
// | written                | means                                                                |
// |------------------------|----------------------------------------------------------------------|
// | `.`                    | any code point, line ends too                                        |
// | `[a-z]` `[^a-z]`       | one code point in, or not in, the set                                |
// | `\d \w \s` `\D \W \S`  | ASCII digits; ASCII letters, digits and `_`; space, \t \n \v \f \r   |
// | `* + ? {n} {n,} {n,m}` | repeats; a `?` right after one is a lazy mark and ignored            |
// | `( ) (?: ) \|`         | groups and alternatives                                              |
// | `"text"`               | the text itself                                                      |
// | `~ & < > @ #`          | themselves: Lucene's optional operators are not part of the language |
// | `^` first, `$` last    | nothing: the whole value has to match anyway; elsewhere an error     |
// | `(?i)` first           | letters of either case, as with `regex~`                             |
// | `\n \t \r \f`          | the control character                                                |
// | `\xHH` `\x{H…}` `\uHHHH` | the code point                                                    |
// | `\` and a non-letter   | that character                                                       |
//
// A backslash before any other letter or a digit is an error, which covers `\b` and back-references.

const CONTROLS: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", f: "\f" };

const CLASSES: Readonly<Record<string, string>> = {
  d: "0-9",
  D: "\\D",
  w: "\\w",
  W: "\\W",
  s: " \\t\\n\\v\\f\\r",
  S: "\\u{0}-\\u{8}\\u{e}-\\u{1f}\\u{21}-\\u{10ffff}",
};

interface Cursor {
  /** Code points. */
  readonly pattern: readonly string[];
  at: number;
}

/** Throws SyntaxError when the pattern is malformed or uses what the language leaves out. */
export function compileRegex(pattern: string, insensitive: boolean): RegExp {
  const flagged = pattern.startsWith("(?i)");
  const cursor: Cursor = { pattern: Array.from(flagged ? pattern.slice(4) : pattern), at: 0 };
  if (peek(cursor) === "^") cursor.at++;
  const source = readAlternatives(cursor);
  if (cursor.at < cursor.pattern.length) fail(cursor, "has a ) without a (");
  return new RegExp(`^(?:${source})$`, insensitive || flagged ? "ius" : "us");
}

function readAlternatives(cursor: Cursor): string {
  let source = "";
  for (;;) {
    while (cursor.at < cursor.pattern.length && peek(cursor) !== "|" && peek(cursor) !== ")") {
      if (peek(cursor) === "$" && cursor.at === cursor.pattern.length - 1) cursor.at++;
      else source += readRepeat(cursor);
    }
    if (peek(cursor) !== "|") return source;
    cursor.at++;
    source += "|";
  }
}

function readRepeat(cursor: Cursor): string {
  let source = readAtom(cursor);
  for (;;) {
    const repeat = readQuantifier(cursor);
    if (repeat === null) return source;
    if (peek(cursor) === "?") cursor.at++;
    source = `(?:${source}${repeat})`;
  }
}

function readQuantifier(cursor: Cursor): string | null {
  const symbol = peek(cursor);
  if (symbol === "*" || symbol === "+" || symbol === "?") {
    cursor.at++;
    return symbol;
  }
  if (symbol !== "{") return null;
  const end = cursor.pattern.indexOf("}", cursor.at);
  const text = end < 0 ? "" : cursor.pattern.slice(cursor.at, end + 1).join("");
  const found = /^\{([0-9]+)(?:(,)([0-9]*))?\}$/.exec(text);
  if (found === null) return fail(cursor, "has a { that does not start a repeat");
  if (found[3] !== undefined && found[3] !== "" && BigInt(found[1] ?? "0") > BigInt(found[3])) {
    fail(cursor, "has a repeat whose bounds are the wrong way round");
  }
  cursor.at = end + 1;
  return text;
}

function readAtom(cursor: Cursor): string {
  const symbol = take(cursor);
  switch (symbol) {
    case ".":
      return ".";
    case "(":
      return readGroup(cursor);
    case "[":
      return readSet(cursor);
    case '"':
      return readQuoted(cursor);
    case "\\":
      return readEscape(cursor, false);
    case "*":
    case "+":
    case "?":
    case "{":
      return fail(cursor, "repeats nothing");
    case "^":
    case "$":
      return fail(cursor, "has an anchor inside");
    default:
      return literal(symbol);
  }
}

function readGroup(cursor: Cursor): string {
  if (peek(cursor) === "?") {
    if (cursor.pattern[cursor.at + 1] !== ":") fail(cursor, "uses look-around or another (? form");
    cursor.at += 2;
  }
  const source = readAlternatives(cursor);
  if (peek(cursor) !== ")") fail(cursor, "has a ( without a )");
  cursor.at++;
  return `(?:${source})`;
}

function readQuoted(cursor: Cursor): string {
  let source = "";
  while (peek(cursor) !== '"') {
    if (cursor.at >= cursor.pattern.length) fail(cursor, 'has a " without an end');
    source += literal(take(cursor));
  }
  cursor.at++;
  return `(?:${source})`;
}

function readSet(cursor: Cursor): string {
  let source = "[";
  if (peek(cursor) === "^") {
    cursor.at++;
    source += "^";
  }
  if (peek(cursor) === "]") fail(cursor, "has an empty set");
  while (peek(cursor) !== "]") {
    if (cursor.at >= cursor.pattern.length) fail(cursor, "has a [ without a ]");
    const first = readSetItem(cursor);
    const next = cursor.pattern[cursor.at + 1];
    if (peek(cursor) === "-" && next !== undefined && next !== "]" && first.single) {
      cursor.at++;
      const last = readSetItem(cursor);
      if (!last.single) fail(cursor, "has a range that ends in a class");
      if (first.point > last.point) fail(cursor, "has a range that is the wrong way round");
      source += `${first.source}-${last.source}`;
    } else {
      source += first.source;
    }
  }
  cursor.at++;
  return `${source}]`;
}

function readSetItem(cursor: Cursor): { readonly source: string; readonly single: boolean; readonly point: number } {
  const symbol = take(cursor);
  if (symbol !== "\\") return { source: literal(symbol), single: true, point: symbol.codePointAt(0) ?? 0 };
  const letter = peek(cursor) ?? "";
  const source = readEscape(cursor, true);
  const point = /^\\u\{([0-9a-f]+)\}$/.exec(source)?.[1];
  return { source, single: !Object.hasOwn(CLASSES, letter), point: Number.parseInt(point ?? "0", 16) };
}

function readEscape(cursor: Cursor, inSet: boolean): string {
  const letter = take(cursor);
  const set = Object.hasOwn(CLASSES, letter) ? CLASSES[letter] : undefined;
  if (set !== undefined) return inSet ? set : `[${set}]`;
  const control = Object.hasOwn(CONTROLS, letter) ? CONTROLS[letter] : undefined;
  if (control !== undefined) return literal(control);
  if (letter === "x" || letter === "u") return readCodePoint(cursor, letter);
  if (/^[A-Za-z0-9]$/.test(letter)) fail(cursor, `uses \\${letter}, which is not part of the language`);
  return literal(letter);
}

/** What follows `\x` or `\u`. */
function readCodePoint(cursor: Cursor, letter: string): string {
  const rest = cursor.pattern.slice(cursor.at, cursor.at + 8).join("");
  const shape = letter === "u" ? /^([0-9a-fA-F]{4})/ : /^(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{2}))/;
  const found = shape.exec(rest);
  const point = Number.parseInt(found?.[1] ?? found?.[2] ?? "110000", 16);
  const isHalf = point >= 0xd800 && point <= 0xdfff;
  if (found === null || point > 0x10ffff || isHalf) fail(cursor, "has a malformed code point");
  cursor.at += found?.[0].length ?? 0;
  return literal(String.fromCodePoint(point));
}

/** Every character is written as an escape, so that none means anything to JavaScript. */
function literal(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

function peek(cursor: Cursor): string | undefined {
  return cursor.pattern[cursor.at];
}

function take(cursor: Cursor): string {
  const symbol = cursor.pattern[cursor.at];
  if (symbol === undefined) return fail(cursor, "ends too early");
  cursor.at++;
  return symbol;
}

function fail(cursor: Cursor, what: string): never {
  throw new SyntaxError(`The regular expression ${what} (at ${cursor.at} of ${cursor.pattern.join("")})`);
}
