// Text of a `regex` or `regex~` pattern -> tree with spans.
//
// The syntax is Lucene's, less what would need backtracking and with `~ & < > @ #` as plain characters. A pattern has to
// match the whole value, so `^` at the very start and `$` at the very end say nothing and are dropped; anywhere else they
// are errors rather than a literal that nobody meant. `.` is any code point, newlines too. Lazy marks are read and dropped:
// they change which match is found, never whether there is one.
// INVARIANT: spans are half-open ranges of UTF-16 offsets into the pattern's own text.
// INVARIANT: trees are at most MAX_DEPTH deep, so walking them by recursion is safe.

import type { Span } from "../rule/query-text.js";
import type { CodePointRange } from "./code-point-set.js";

/** Ranges as written, in no order. `negated` is kept because insensitive matching folds before it takes the complement. */
export interface ClassItem {
  readonly ranges: readonly CodePointRange[];
  readonly negated: boolean;
}

export type RegexNode =
  | { readonly kind: "empty"; readonly span: Span }
  | { readonly kind: "char"; readonly codePoint: number; readonly span: Span }
  | { readonly kind: "any"; readonly span: Span }
  | { readonly kind: "class"; readonly items: readonly ClassItem[]; readonly negated: boolean; readonly span: Span }
  | { readonly kind: "concat"; readonly items: readonly RegexNode[]; readonly span: Span }
  | { readonly kind: "alternate"; readonly items: readonly RegexNode[]; readonly span: Span }
  | {
      readonly kind: "repeat";
      readonly item: RegexNode;
      readonly min: number;
      /** null: without bound. */
      readonly max: number | null;
      readonly span: Span;
    };

export interface Regex {
  readonly node: RegexNode;
  /** The pattern begins with `(?i)`. */
  readonly insensitive: boolean;
}

/** What is wrong with a pattern, counted in UTF-16 units of its text. */
export interface PatternProblem {
  readonly message: string;
  readonly offset: number;
  readonly length: number;
}

export type ParsedRegex =
  | { readonly ok: true; readonly regex: Regex }
  | { readonly ok: false; readonly problem: PatternProblem };

export const MAX_REPEAT = 1000;
export const MAX_DEPTH = 200;

interface Parser {
  readonly text: string;
  position: number;
  depth: number;
  /** The first problem wins; every parse function returns null once it is set. */
  problem: PatternProblem | null;
}

/** Parses one pattern. The first problem ends the parse. */
export function parseRegex(text: string): ParsedRegex {
  const parser: Parser = { text, position: 0, depth: 0, problem: null };
  const insensitive = eat(parser, "(?i)");
  eat(parser, "^");
  const node = parseAlternation(parser);
  if (node !== null && peek(parser) === ")") fail(parser, "`)` closes no group", parser.position, 1);
  if (node === null || parser.problem !== null) {
    return { ok: false, problem: parser.problem ?? { message: "malformed pattern", offset: 0, length: text.length } };
  }
  return { ok: true, regex: { node, insensitive } };
}

function fail(parser: Parser, message: string, offset: number, length: number): null {
  parser.problem ??= { message, offset, length };
  return null;
}

/** The next UTF-16 unit, or "" at the end. */
function peek(parser: Parser): string {
  return parser.text.charAt(parser.position);
}

function eat(parser: Parser, wanted: string): boolean {
  if (!parser.text.startsWith(wanted, parser.position)) return false;
  parser.position += wanted.length;
  return true;
}

function spanFrom(parser: Parser, start: number): Span {
  return { start, end: parser.position };
}

function parseAlternation(parser: Parser): RegexNode | null {
  const start = parser.position;
  const items: RegexNode[] = [];
  do {
    const item = parseConcat(parser);
    if (item === null) return null;
    items.push(item);
  } while (eat(parser, "|"));
  const [only] = items;
  if (only !== undefined && items.length === 1) return only;
  return { kind: "alternate", items, span: spanFrom(parser, start) };
}

function parseConcat(parser: Parser): RegexNode | null {
  const start = parser.position;
  const items: RegexNode[] = [];
  for (let next = peek(parser); next !== "" && next !== "|" && next !== ")"; next = peek(parser)) {
    if (next === "$" && parser.position === parser.text.length - 1) {
      parser.position++;
      break;
    }
    const item = parseRepeat(parser);
    if (item === null) return null;
    items.push(item);
  }
  const [only] = items;
  if (only === undefined) return { kind: "empty", span: { start, end: start } };
  if (items.length === 1) return only;
  return { kind: "concat", items, span: spanFrom(parser, start) };
}

function parseRepeat(parser: Parser): RegexNode | null {
  const start = parser.position;
  const atom = parseAtom(parser);
  if (atom === null) return null;
  let node = atom;
  for (let stacked = 1; ; stacked++) {
    const mark = parser.position;
    const bounds = parseBounds(parser);
    if (bounds === "none") return node;
    if (bounds === null) return null;
    eat(parser, "?");
    if (stacked + parser.depth > MAX_DEPTH) return fail(parser, "too many repeats of repeats", mark, 1);
    node = { kind: "repeat", item: node, min: bounds.min, max: bounds.max, span: spanFrom(parser, start) };
  }
}

function parseBounds(parser: Parser): { min: number; max: number | null } | "none" | null {
  if (eat(parser, "*")) return { min: 0, max: null };
  if (eat(parser, "+")) return { min: 1, max: null };
  if (eat(parser, "?")) return { min: 0, max: 1 };
  if (peek(parser) !== "{") return "none";
  const start = parser.position;
  const shape = /\{([0-9]+)(,([0-9]*))?\}/y;
  shape.lastIndex = start;
  const found = shape.exec(parser.text);
  if (found === null) {
    return fail(parser, "a repeat is written `{m}`, `{m,}` or `{m,n}`; a literal `{` is written `\\{`", start, 1);
  }
  const [whole, low = "", comma, high = ""] = found;
  parser.position += whole.length;
  const min = Number(low);
  const max = comma === undefined ? min : high === "" ? null : Number(high);
  if (Math.max(min, max ?? 0) > MAX_REPEAT) {
    return fail(parser, `a repeat may not pass ${MAX_REPEAT}`, start, whole.length);
  }
  if (max !== null && min > max) {
    return fail(parser, "the lower bound of the repeat is above the upper", start, whole.length);
  }
  return { min, max };
}

function parseAtom(parser: Parser): RegexNode | null {
  const start = parser.position;
  switch (peek(parser)) {
    case ".":
      parser.position++;
      return { kind: "any", span: spanFrom(parser, start) };
    case "(":
      return parseGroup(parser);
    case "[":
      return parseClass(parser);
    case '"':
      return parseQuoted(parser);
    case "\\": {
      const escaped = parseEscape(parser);
      if (escaped === null) return null;
      const span = spanFrom(parser, start);
      return typeof escaped === "number"
        ? { kind: "char", codePoint: escaped, span }
        : { kind: "class", items: [escaped], negated: false, span };
    }
    case "*":
    case "+":
    case "?":
    case "{":
      return fail(parser, `nothing stands before \`${peek(parser)}\` that it could repeat`, start, 1);
    case "^":
      return fail(parser, "`^` may only stand at the very start; a literal one is written `\\^`", start, 1);
    case "$":
      return fail(parser, "`$` may only stand at the very end; a literal one is written `\\$`", start, 1);
    default: {
      const codePoint = readCodePoint(parser);
      return codePoint === null ? null : { kind: "char", codePoint, span: spanFrom(parser, start) };
    }
  }
}

function readCodePoint(parser: Parser): number | null {
  const codePoint = parser.text.codePointAt(parser.position);
  if (codePoint === undefined) return fail(parser, "the pattern ends too early", parser.position, 0);
  if (isSurrogate(codePoint)) return fail(parser, "half of a surrogate pair", parser.position, 1);
  parser.position += codePoint > 0xffff ? 2 : 1;
  return codePoint;
}

function isSurrogate(codePoint: number): boolean {
  return codePoint >= 0xd800 && codePoint <= 0xdfff;
}

function parseGroup(parser: Parser): RegexNode | null {
  const start = parser.position;
  if (parser.depth >= MAX_DEPTH) return fail(parser, `groups are nested more than ${MAX_DEPTH} deep`, start, 1);
  parser.position++;
  if (peek(parser) === "?" && !eat(parser, "?:")) return failOnGroupMark(parser, start);
  parser.depth++;
  const node = parseAlternation(parser);
  parser.depth--;
  if (node === null) return null;
  if (!eat(parser, ")")) return fail(parser, "the group is not closed", start, 1);
  return node;
}

function failOnGroupMark(parser: Parser, start: number): null {
  const around = /\((\?<?[=!])/y;
  const flags = /\(\?[a-zA-Z-]+[:)]/y;
  around.lastIndex = start;
  flags.lastIndex = start;
  const looks = around.exec(parser.text);
  if (looks !== null) return fail(parser, "look-around is not supported", start, looks[0].length);
  const flagged = flags.exec(parser.text);
  if (flagged !== null) {
    return fail(parser, "the only flag is `(?i)`, at the very start of the pattern", start, flagged[0].length);
  }
  return fail(parser, "the only special group is `(?:…)`", start, 2);
}

/** `"…"`: everything up to the next quote stands for itself. */
function parseQuoted(parser: Parser): RegexNode | null {
  const start = parser.position;
  parser.position++;
  const items: RegexNode[] = [];
  while (!eat(parser, '"')) {
    const at = parser.position;
    if (peek(parser) === "") {
      return fail(parser, 'the quoted text is not closed; a literal quote is written `\\"`', start, 1);
    }
    const codePoint = readCodePoint(parser);
    if (codePoint === null) return null;
    items.push({ kind: "char", codePoint, span: spanFrom(parser, at) });
  }
  return { kind: "concat", items, span: spanFrom(parser, start) };
}

function parseClass(parser: Parser): RegexNode | null {
  const start = parser.position;
  parser.position++;
  const negated = eat(parser, "^");
  const items: ClassItem[] = [];
  const ranges: CodePointRange[] = [];
  if (peek(parser) === "]") {
    return fail(parser, "the class is empty; a literal `]` is written `\\]`", start, parser.position + 1 - start);
  }
  while (!eat(parser, "]")) {
    const at = parser.position;
    if (peek(parser) === "") return fail(parser, "the class is not closed", start, 1);
    const low = parseClassMember(parser);
    if (low === null) return null;
    if (typeof low !== "number") {
      items.push(low);
      continue;
    }
    // A `-` before the closing bracket stands for itself.
    if (peek(parser) !== "-" || parser.text.charAt(parser.position + 1) === "]") {
      ranges.push([low, low]);
      continue;
    }
    parser.position++;
    if (peek(parser) === "") return fail(parser, "the class is not closed", start, 1);
    const high = parseClassMember(parser);
    if (high === null) return null;
    if (typeof high !== "number") {
      return fail(parser, "a range ends in one character", at, parser.position - at);
    }
    if (high < low) return fail(parser, "the range is upside down", at, parser.position - at);
    ranges.push([low, high]);
  }
  if (ranges.length > 0) items.push({ ranges, negated: false });
  return { kind: "class", items, negated, span: spanFrom(parser, start) };
}

function parseClassMember(parser: Parser): number | ClassItem | null {
  return peek(parser) === "\\" ? parseEscape(parser) : readCodePoint(parser);
}

const DIGITS: readonly CodePointRange[] = [[0x30, 0x39]];
const SPACES: readonly CodePointRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
];
const WORDS: readonly CodePointRange[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];

const CLASS_ESCAPES: ReadonlyMap<string, ClassItem> = new Map([
  ["d", { ranges: DIGITS, negated: false }],
  ["D", { ranges: DIGITS, negated: true }],
  ["s", { ranges: SPACES, negated: false }],
  ["S", { ranges: SPACES, negated: true }],
  ["w", { ranges: WORDS, negated: false }],
  ["W", { ranges: WORDS, negated: true }],
]);

const CONTROL_ESCAPES: ReadonlyMap<string, number> = new Map([
  ["n", 0x0a],
  ["t", 0x09],
  ["r", 0x0d],
  ["f", 0x0c],
]);

/** Reads `\…` in or out of a class: one code point, or a predefined class. */
function parseEscape(parser: Parser): number | ClassItem | null {
  const start = parser.position;
  parser.position++;
  const letter = peek(parser);
  if (letter === "") return fail(parser, "the pattern ends in a lone `\\`", start, 1);
  const set = CLASS_ESCAPES.get(letter);
  const control = CONTROL_ESCAPES.get(letter);
  if (set !== undefined || control !== undefined) {
    parser.position++;
    return set ?? control ?? null;
  }
  if (letter === "x" || letter === "u") return parseHexEscape(parser, start);
  if (!/[0-9A-Za-z]/.test(letter)) return readCodePoint(parser);
  return fail(parser, messageForEscape(letter), start, 2);
}

function messageForEscape(letter: string): string {
  if (/[1-9k]/.test(letter)) return `the back-reference \`\\${letter}\` is not supported`;
  if (/[bBAZzG]/.test(letter)) return `the boundary \`\\${letter}\` is not supported`;
  if (/[pP]/.test(letter)) return `the character property \`\\${letter}\` is not supported`;
  return `\`\\${letter}\` has no meaning`;
}

/** `\xHH`, `\x{H…}`, `\uHHHH`, and a surrogate pair written as two `\uHHHH`. */
function parseHexEscape(parser: Parser, start: number): number | null {
  const shape = /\\(?:x\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/y;
  shape.lastIndex = start;
  const found = shape.exec(parser.text);
  if (found === null) {
    return fail(parser, "a code point is written `\\xHH`, `\\uHHHH` or `\\x{H…}` in hexadecimal", start, 2);
  }
  parser.position = shape.lastIndex;
  const codePoint = Number.parseInt(found[1] ?? found[2] ?? found[3] ?? "", 16);
  const isHighHalf = found[3] !== undefined && codePoint >= 0xd800 && codePoint <= 0xdbff;
  const second = isHighHalf ? shape.exec(parser.text) : null;
  const low = Number.parseInt(second?.[3] ?? "0", 16);
  if (low >= 0xdc00 && low <= 0xdfff) {
    parser.position = shape.lastIndex;
    return 0x10000 + ((codePoint - 0xd800) << 10) + (low - 0xdc00);
  }
  if (codePoint > 0x10ffff || isSurrogate(codePoint)) {
    return fail(parser, "not a code point that text can hold", start, parser.position - start);
  }
  return codePoint;
}
