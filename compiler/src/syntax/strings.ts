// The written forms of strings and escaped names: where one ends, what it stands for, and how to write one.
// INVARIANT: every scan reads each character once, so a hostile text costs time in proportion to its length.

import type { Dialect } from "./ast.js";

/** Where a quoted form ends (exclusive), and whether its closing quote was found on the same line. */
export interface Scan {
  readonly end: number;
  readonly closed: boolean;
}

/** A malformed escape, as offsets into the body it was found in. */
export interface BadEscape {
  readonly start: number;
  readonly end: number;
  readonly message: string;
  /** Set when doubling the backslash would make it a literal one. */
  readonly literalBackslash: boolean;
  /** Set for `\*` and `\?` in elastic, which are read as the character alone. */
  readonly wildcard: boolean;
}

/** What an ordinary string stands for. Bad escapes past the first few are only counted. */
export interface Unescaped {
  readonly value: string;
  readonly bad: readonly BadEscape[];
  readonly omitted: number;
}

const MAX_BAD_ESCAPES = 20;

const NEWLINE = 10;
const RETURN = 13;
const BACKSLASH = 92;
const BACKTICK = 96;

const ESCAPES: Readonly<Record<string, string>> = {
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
  '"': '"',
  "'": "'",
  "\\": "\\",
};

const LETTERS: ReadonlyMap<string, string> = new Map(Object.entries(ESCAPES).map(([letter, char]) => [char, letter]));

function isLineEnd(code: number): boolean {
  return code === NEWLINE || code === RETURN;
}

/** Scans `"…"` or `'…'` from its opening quote; a backslash takes the next character with it. */
export function scanQuoted(text: string, open: number): Scan {
  const quote = text.charCodeAt(open);
  let at = open + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === quote) return { end: at + 1, closed: true };
    if (isLineEnd(code)) break;
    at += code === BACKSLASH && at + 1 < text.length && !isLineEnd(text.charCodeAt(at + 1)) ? 2 : 1;
  }
  return { end: at, closed: false };
}

/** Scans `"""…"""` from its first quote; up to two quotes after the closing three belong to the content. */
export function scanTriple(text: string, open: number): Scan {
  let at = open + 3;
  let quotes = 0;
  while (at < text.length && !isLineEnd(text.charCodeAt(at))) {
    quotes = text[at] === '"' ? quotes + 1 : 0;
    at++;
    if (quotes === 3) {
      for (let extra = 0; extra < 2 && text[at] === '"'; extra++) at++;
      return { end: at, closed: true };
    }
  }
  return { end: at, closed: false };
}

/** Scans a backtick name; in the elastic dialect a doubled backtick stands for one. */
export function scanBacktick(text: string, open: number, dialect: Dialect): Scan {
  let at = open + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (isLineEnd(code)) break;
    if (code === BACKTICK) {
      // An opening pair is an empty name, never the start of a name that begins with a backtick.
      const doubled = dialect === "elastic" && at > open + 1 && text.charCodeAt(at + 1) === BACKTICK;
      if (!doubled) return { end: at + 1, closed: true };
      at++;
    }
    at++;
  }
  return { end: at, closed: false };
}

/** Scans a block comment from its `/*`; comments nest in the elastic dialect only. */
export function scanComment(text: string, open: number, dialect: Dialect): Scan {
  let depth = 1;
  let at = open + 2;
  while (at < text.length) {
    if (text[at] === "*" && text[at + 1] === "/") {
      at += 2;
      depth--;
      if (depth === 0) return { end: at, closed: true };
    } else if (dialect === "elastic" && text[at] === "/" && text[at + 1] === "*") {
      at += 2;
      depth++;
    } else {
      at++;
    }
  }
  return { end: at, closed: false };
}

function unicodeEscape(
  body: string,
  at: number,
): { length: number; value: string } | { length: number; error: string } {
  const close = body[at + 2] === "{" ? body.indexOf("}", at + 3) : -1;
  // A closing brace far away belongs to something else; nine digits are enough to show what was meant.
  if (close < 0 || close - at > 32) return { length: 2, error: "A Unicode escape is written `\\u{1F600}`, in braces." };
  const digits = body.slice(at + 3, close);
  const length = close + 1 - at;
  if (!/^[0-9A-Fa-f]{2,8}$/.test(digits))
    return { length, error: "A Unicode escape holds two to eight hexadecimal digits." };
  const point = Number.parseInt(digits, 16);
  if (point > 0x10ffff) return { length, error: "The Unicode escape is past the last code point, 10FFFF." };
  if (point >= 0xd800 && point <= 0xdfff)
    return { length, error: "The Unicode escape names half of a surrogate pair." };
  return { length, value: String.fromCodePoint(point) };
}

/**
 * Resolves the escapes of a quoted body (without its quotes). A bad escape stands for its own text and is reported, but with
 * `wildcards` the escapes `\*` and `\?`, which converters of rules write, stand for the character behind the backslash.
 */
export function readEscapes(body: string, unicode: boolean, wildcards = false): Unescaped {
  let at = body.indexOf("\\");
  if (at < 0) return { value: body, bad: [], omitted: 0 };
  const bad: BadEscape[] = [];
  let omitted = 0;
  const report = (start: number, end: number, message: () => string, literalBackslash: boolean, wildcard = false) => {
    if (bad.length < MAX_BAD_ESCAPES) bad.push({ start, end, message: message(), literalBackslash, wildcard });
    else omitted++;
  };
  const parts: string[] = [];
  let copied = 0;
  while (at >= 0) {
    parts.push(body.slice(copied, at));
    const letter = body[at + 1] ?? "";
    const simple = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    let length = 1 + letter.length;
    if (simple !== undefined) {
      parts.push(simple);
    } else if (wildcards && (letter === "*" || letter === "?")) {
      parts.push(letter);
      const message = () =>
        `\`\\${letter}\` is read as \`${letter}\`, which is still a wildcard where the text is a pattern.`;
      report(at, at + length, message, true, true);
    } else if (letter === "u" && unicode) {
      const found = unicodeEscape(body, at);
      length = found.length;
      if ("value" in found) {
        parts.push(found.value);
      } else {
        parts.push(body.slice(at, at + length));
        report(at, at + length, () => found.error, false);
      }
    } else {
      const written = `\\${String.fromCodePoint(body.codePointAt(at + 1) ?? 0x20)}`;
      parts.push(written);
      length = written.length;
      const known = `\\b \\t \\n \\f \\r \\" \\' \\\\${unicode ? " and \\u{…}" : ""}`;
      report(at, at + length, () => `\`${written}\` is not an escape: known are ${known}.`, true);
    }
    copied = at + length;
    at = body.indexOf("\\", copied);
  }
  parts.push(body.slice(copied));
  return { value: parts.join(""), bad, omitted };
}

/** What `?"…"` stands for: only a backslash before the quote character is an escape. */
export function unescapeRaw(image: string): string {
  const quote = image[1] ?? '"';
  return image.slice(2, -1).replaceAll(`\\${quote}`, quote);
}

/** Writes a value as an ordinary double-quoted string, which both dialects read back as the same value. */
export function quote(value: string): string {
  const body = value.replace(/["\\\p{Cc}]/gu, (char) => {
    const letter = LETTERS.get(char);
    return letter === undefined ? `\\u{${(char.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}}` : `\\${letter}`;
  });
  return `"${body}"`;
}

/** Writes a value as a raw string of the dialect, or gives null when no raw string can hold it. */
export function quoteRaw(value: string, dialect: Dialect): string | null {
  if (/[\r\n]/.test(value)) return null;
  if (dialect === "elastic") {
    const written = `"""${value}"""`;
    return scanTriple(written, 0).end === written.length ? written : null;
  }
  for (const mark of ['"', "'"]) {
    const written = `?${mark}${value.replaceAll(mark, `\\${mark}`)}${mark}`;
    const scan = scanQuotedRaw(written, 0);
    if (scan.closed && scan.end === written.length && unescapeRaw(written) === value) return written;
  }
  return null;
}

/** Scans `?"…"` or `?'…'` from its question mark; only a backslash before the quote character is an escape. */
export function scanQuotedRaw(text: string, open: number): Scan {
  const quoteCode = text.charCodeAt(open + 1);
  let at = open + 2;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === quoteCode) return { end: at + 1, closed: true };
    if (isLineEnd(code)) break;
    at += code === BACKSLASH && text.charCodeAt(at + 1) === quoteCode ? 2 : 1;
  }
  return { end: at, closed: false };
}
