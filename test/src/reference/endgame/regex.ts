// The patterns of `match` and `matchLite` -> a JavaScript RegExp that matches at the start of a text, up to case.
//
// The language is that of the elastic dialect's `regex` (../regex.ts), less its quotes, and with what Python adds:
// `\t \n \r \f \v \xHH`, groups written `(?P<name>…)`, and `^` before and `$` after each of the outermost alternatives.

interface Cursor {
  /** Code points. */
  readonly pattern: readonly string[];
  at: number;
  depth: number;
}

const CLASSES: Readonly<Record<string, string>> = {
  d: "0-9",
  D: "\\D",
  w: "\\w",
  W: "\\W",
  s: " \\t\\n\\v\\f\\r",
  S: "\\u{0}-\\u{8}\\u{e}-\\u{1f}\\u{21}-\\u{10ffff}",
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 };

const compiled = new Map<string, RegExp>();

/** Throws SyntaxError as {@link compilePrefix} does. */
export function matchesPrefix(text: string, pattern: string): boolean {
  const regex = compiled.get(pattern) ?? compilePrefix(pattern);
  compiled.set(pattern, regex);
  return regex.test(text);
}

/** Throws SyntaxError when the pattern is malformed or uses what the language leaves out. */
export function compilePrefix(pattern: string): RegExp {
  const cursor: Cursor = { pattern: Array.from(pattern), at: 0, depth: 0 };
  if (cursor.pattern.slice(0, 4).join("") === "(?i)") cursor.at = 4;
  const source = readAlternatives(cursor);
  if (cursor.at < cursor.pattern.length) fail(cursor, "has a ) without a (");
  return new RegExp(`^(?:${source})`, "ius");
}

function readAlternatives(cursor: Cursor): string {
  const outermost = cursor.depth === 0;
  let source = "";
  for (;;) {
    if (outermost && peek(cursor) === "^") cursor.at++;
    while (cursor.at < cursor.pattern.length && peek(cursor) !== "|" && peek(cursor) !== ")") {
      const next = cursor.pattern[cursor.at + 1];
      if (outermost && peek(cursor) === "$" && (next === undefined || next === "|")) {
        cursor.at++;
        source += "$";
      } else source += readRepeat(cursor);
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
  const found = /^\{([0-9]+)(?:(,)([0-9]*))?\}/.exec(cursor.pattern.slice(cursor.at).join(""));
  if (found === null) return fail(cursor, "has a { that does not start a repeat");
  const [text, least = "0", , most = ""] = found;
  if (most !== "" && BigInt(least) > BigInt(most)) fail(cursor, "has a repeat whose bounds are the wrong way round");
  cursor.at += text.length;
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
    case "\\":
      return readEscape(cursor).source;
    case "^":
    case "$":
      return fail(cursor, `has a ${symbol} inside`);
    case "*":
    case "+":
    case "?":
    case "{":
      return fail(cursor, "repeats nothing");
    default:
      return literal(symbol);
  }
}

function readGroup(cursor: Cursor): string {
  const opening = /^\?(?::|P<[A-Za-z_][A-Za-z0-9_]*>)/.exec(cursor.pattern.slice(cursor.at).join(""));
  if (opening !== null) cursor.at += opening[0].length;
  else if (peek(cursor) === "?") fail(cursor, "uses look-around or another (? form");
  cursor.depth++;
  const source = readAlternatives(cursor);
  cursor.depth--;
  if (peek(cursor) !== ")") fail(cursor, "has a ( without a )");
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
    if (peek(cursor) === "-" && next !== undefined && next !== "]" && first.point !== null) {
      cursor.at++;
      const last = readSetItem(cursor);
      if (last.point === null) return fail(cursor, "has a range that ends in a class");
      if (first.point > last.point) fail(cursor, "has a range that is the wrong way round");
      source += `${first.source}-${last.source}`;
    } else source += first.source;
  }
  cursor.at++;
  return `${source}]`;
}

interface Escape {
  readonly source: string;
  /** null for a class. */
  readonly point: number | null;
}

function readSetItem(cursor: Cursor): Escape {
  const symbol = take(cursor);
  if (symbol !== "\\") return { source: literal(symbol), point: symbol.codePointAt(0) ?? 0 };
  const escaped = readEscape(cursor);
  return escaped.point === null ? { ...escaped, source: escaped.source.slice(1, -1) } : escaped;
}

function readEscape(cursor: Cursor): Escape {
  const letter = take(cursor);
  const set = Object.hasOwn(CLASSES, letter) ? CLASSES[letter] : undefined;
  if (set !== undefined) return { source: `[${set}]`, point: null };
  let point = Object.hasOwn(CONTROLS, letter) ? CONTROLS[letter] : undefined;
  if (letter === "x") {
    const digits = take(cursor) + take(cursor);
    if (!/^[0-9a-fA-F]{2}$/.test(digits)) fail(cursor, "has a \\x without two hexadecimal digits");
    point = Number.parseInt(digits, 16);
  } else if (point === undefined && /^[A-Za-z0-9]$/.test(letter)) {
    fail(cursor, `uses \\${letter}, which is not part of the language`);
  }
  const character = point === undefined ? letter : String.fromCodePoint(point);
  return { source: literal(character), point: character.codePointAt(0) ?? 0 };
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
