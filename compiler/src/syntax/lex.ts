// Query text to tokens, with everything wrong at the level of characters reported: unknown characters, unclosed or
// misspelt strings, forms of the other dialect, too much text and too deep nesting.
// INVARIANT: when `fatal` is false the parser may recurse over the tokens without running out of stack.

import type { ILexingResult, IToken } from "chevrotain";
import type { Fix } from "../diagnostics/diagnostic.js";
import type { Dialect, Span } from "./ast.js";
import { addError, addWarning, noProblems, type Problems } from "./problems.js";
import { quote, quoteRaw, readEscapes, unescapeRaw } from "./strings.js";
import * as t from "./tokens.js";

/** The longest query text that is read, in UTF-16 units. */
export const MAX_LENGTH = 16 * 1024 * 1024;
/** How deep brackets, `not` and signs may stand inside each other. */
export const MAX_NESTING = 256;

const QUOTATION = /^[\u201c\u201d\u201e\u201f]+$/u;
const INVISIBLE = /^[\s\ufeff\u200b]+$/u;

/** What a string token carries once it has been read. */
export interface StringValue {
  readonly value: string;
  readonly raw: boolean;
}

export interface Lexed {
  readonly tokens: IToken[];
  readonly problems: Problems;
  /** Comments that speak to Kestrel, as written. */
  readonly directives: readonly IToken[];
  /** For each bracket that is closed, its closing token. */
  readonly closers: ReadonlyMap<IToken, IToken>;
  /** Every bracket has its partner. */
  readonly balanced: boolean;
  /** Ranges whose tokens may not be what the author wrote. */
  readonly unread: readonly Span[];
  /** The text must not be parsed. */
  readonly fatal: boolean;
}

/** The range of text that a token covers. */
export function tokenSpan(token: IToken): Span {
  return { start: token.startOffset, end: token.startOffset + token.image.length };
}

function tooLong(span: Span, message: string): Lexed {
  const help = "Split the query, or move long lists of values out of it.";
  const problems = noProblems();
  addError(problems, "E0206", span, message, help);
  return { tokens: [], problems, directives: [], closers: new Map(), balanced: false, unread: [], fatal: true };
}

function readString(token: IToken, dialect: Dialect, problems: Problems): void {
  const span = tokenSpan(token);
  const { image, tokenType } = token;
  if (token.payload === false) {
    const mark = tokenType === t.TripleString ? '"""' : image.startsWith("?") ? image.slice(0, 2) : image.slice(0, 1);
    const help = "A string ends on the line it starts on; write a line break as \\n.";
    addError(problems, "E0202", span, `The string that starts with \`${mark}\` is not closed on this line.`, help);
    token.payload = { value: image.slice(mark.length), raw: false } satisfies StringValue;
    return;
  }
  let content: StringValue;
  let sound = true;
  if (tokenType === t.TripleString) {
    content = { value: image.slice(3, -3), raw: true };
  } else if (tokenType === t.QuestionString) {
    content = { value: unescapeRaw(image), raw: true };
  } else {
    const { value, bad, omitted } = readEscapes(
      image.slice(1, -1),
      tokenType === t.DoubleString,
      dialect === "elastic" && tokenType === t.DoubleString,
    );
    content = { value, raw: false };
    sound = bad.length === 0;
    problems.omitted += omitted;
    for (const wrong of bad) {
      const at = { start: span.start + 1 + wrong.start, end: span.start + 1 + wrong.end };
      const title = "Double the backslash so that it stands for itself";
      const fix = { title, span: { start: at.start, end: at.start + 1 }, replacement: "\\\\" };
      if (wrong.wildcard) {
        const help = "Elastic knows no such escape: double the backslash for one that is part of the text, or drop it.";
        addWarning(problems, "W0509", at, wrong.message, help);
        continue;
      }
      addError(problems, "E0202", at, wrong.message, undefined, wrong.literalBackslash ? fix : undefined);
    }
  }
  token.payload = content;
  const foreign = foreignString(token, dialect);
  if (foreign === null) return;
  const replacement = (content.raw ? quoteRaw(content.value, dialect) : null) ?? quote(content.value);
  const fix = {
    title: `Write it as ${replacement.slice(0, 1) === "?" ? "a raw string of endgame" : foreign.as}`,
    span,
    replacement,
  };
  addError(problems, "E0204", span, foreign.message, foreign.help, sound ? fix : undefined);
}

function foreignString(token: IToken, dialect: Dialect): { message: string; help: string; as: string } | null {
  if (dialect === "elastic" && token.tokenType === t.SingleString) {
    return {
      message: "Strings in single quotes belong to the endgame dialect.",
      help: "The elastic dialect writes strings in double quotes.",
      as: "a string in double quotes",
    };
  }
  if (dialect === "elastic" && token.tokenType === t.QuestionString) {
    return {
      message: `Raw strings that start with \`${token.image.slice(0, 2)}\` belong to the endgame dialect.`,
      help: 'The elastic dialect writes raw strings as """…""".',
      as: "a raw string in triple quotes",
    };
  }
  if (dialect === "endgame" && token.tokenType === t.TripleString) {
    return {
      message: "Raw strings in triple quotes belong to the elastic dialect.",
      help: 'The endgame dialect writes raw strings as ?"…".',
      as: "an ordinary string",
    };
  }
  return null;
}

/** Problems of a single token that is neither a string nor unknown. */
function checkToken(token: IToken, dialect: Dialect, problems: Problems): void {
  const span = tokenSpan(token);
  const { image, tokenType } = token;
  if (tokenType === t.ForeignLogic) {
    const replacement = image === "&&" ? "and" : "or";
    const fix = { title: `Write \`${replacement}\``, span, replacement: ` ${replacement} ` };
    addError(problems, "E0201", span, `\`${image}\` is not an operator of EQL.`, `Write \`${replacement}\`.`, fix);
  } else if (tokenType === t.Decimal) {
    if (!Number.isFinite(Number(image))) {
      addError(problems, "E0205", span, "The number is too large for a floating-point value.");
    } else if (dialect === "endgame" && /\.(?![0-9])/.test(image)) {
      const fix = { title: "Add a zero", span, replacement: image.replace(".", ".0") };
      addError(
        problems,
        "E0204",
        span,
        "A number that ends in a point belongs to the elastic dialect.",
        "Add a zero after the point.",
        fix,
      );
    }
  } else if (image.charCodeAt(0) === 0x60 && t.Backtick.categoryMatchesMap?.[token.tokenTypeIdx]) {
    if (token.payload === false) {
      addError(problems, "E0202", span, "The name that starts with a backtick is not closed on this line.");
    } else if (image === "``") {
      addError(problems, "E0202", span, "The name in backticks is empty.");
    }
  } else if (dialect === "endgame" && image.startsWith("@") && t.Name.categoryMatchesMap?.[token.tokenTypeIdx]) {
    const fix = { title: "Put the name in backticks", span, replacement: `\`${image}\`` };
    addError(
      problems,
      "E0204",
      span,
      "A bare name that starts with `@` belongs to the elastic dialect.",
      "Put the name in backticks.",
      fix,
    );
  }
}

function reportUnknown(token: IToken, problems: Problems): void {
  const span = tokenSpan(token);
  const { image } = token;
  const replace = (replacement: string): Fix => ({ title: `Replace it by \`${replacement}\``, span, replacement });
  const shown = image.length > 40 ? `${image.slice(0, 40)}…` : image;
  if (image === "!") {
    addError(problems, "E0201", span, "`!` on its own is not an operator of EQL.", "Write `not`.", replace("not "));
  } else if (QUOTATION.test(image)) {
    const help = 'Strings stand in straight quotes: "…".';
    addError(problems, "E0201", span, `\`${shown}\` is a typographic quotation mark.`, help, replace('"'));
  } else if (INVISIBLE.test(image)) {
    const point = (image.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    const help = "Put an ordinary space in its place.";
    addError(problems, "E0201", span, `An invisible character (U+${point}) stands here.`, help, replace(" "));
  } else {
    const letters = /^[\p{L}\p{M}\p{N}]+$/u.test(image);
    const help = letters ? "A field name with such letters stands in backticks." : undefined;
    addError(problems, "E0201", span, `\`${shown}\` does not belong to the language.`, help);
  }
}

/**
 * Reads a query text. String tokens come back with a `StringValue` as their payload. Never throws; a text that is too
 * long or too deeply nested comes back `fatal` with an E0206.
 */
export function lex(text: string, dialect: Dialect): Lexed {
  if (text.length > MAX_LENGTH) {
    return tooLong({ start: MAX_LENGTH, end: text.length }, `The query is longer than ${MAX_LENGTH} characters.`);
  }
  const result = t.lexerFor(dialect).tokenize(text);
  const last = result.tokens.at(-1);
  if (last?.tokenType === t.Overflow)
    return tooLong(tokenSpan(last), `The query has more than ${t.MAX_TOKENS} words and signs.`);

  const problems = noProblems();
  for (const token of result.groups[t.UNKNOWN_GROUP] ?? []) reportUnknown(token, problems);
  for (const token of result.groups[t.OPEN_COMMENT_GROUP] ?? []) {
    const { start } = tokenSpan(token);
    const help =
      dialect === "elastic" ? "Comments nest in the elastic dialect: every `/*` needs its own `*/`." : undefined;
    addError(problems, "E0202", { start, end: start + 2 }, "The comment that starts here is not closed.", help);
  }

  const closers = new Map<IToken, IToken>();
  const open: { depth: number; token: IToken }[] = [];
  const unclosed: IToken[] = [];
  let unpaired = 0;
  let depth = 0;
  let prefixes = 0;
  for (const token of result.tokens) {
    const type = token.tokenType;
    if (type === t.Not || type === t.Minus || type === t.Plus) {
      prefixes++;
    } else if (type === t.LParen || type === t.LBracket || type === t.MissingBracket) {
      open.push({ depth, token });
      depth += prefixes + 1;
      prefixes = 0;
    } else if (type === t.RParen || type === t.RBracket) {
      // A closing bracket also ends the brackets of the other kind that were left open inside it.
      const own = open.findLastIndex((opener) => (opener.token.tokenType === t.LParen) === (type === t.RParen));
      const opener = own < 0 || (type === t.RParen && own < open.length - 1) ? undefined : open[own];
      if (opener !== undefined) {
        if (own < open.length - 1) unpaired++;
        open.length = own;
        depth = opener.depth;
        closers.set(opener.token, token);
      } else {
        unpaired++;
      }
      prefixes = 0;
    } else {
      prefixes = 0;
      if (token.payload === false) unclosed.push(token);
      if (token.payload === undefined) checkToken(token, dialect, problems);
      else if (t.StringLiteral.categoryMatchesMap?.[token.tokenTypeIdx]) readString(token, dialect, problems);
      else checkToken(token, dialect, problems);
    }
    if (depth + prefixes > MAX_NESTING) {
      const message = `The query nests brackets, \`not\` or signs more than ${MAX_NESTING} deep.`;
      addError(problems, "E0206", tokenSpan(token), message, "Split the condition, or list values with `in`.");
      return { tokens: [], problems, directives: [], closers, balanced: false, unread: [], fatal: true };
    }
  }
  const directives = result.groups[t.DIRECTIVE_GROUP] ?? [];
  const unread = findDoubtful(text, result, problems, unclosed);
  return {
    ...{ tokens: result.tokens, problems, directives, closers, unread },
    balanced: unpaired === 0 && open.length === 0,
    fatal: false,
  };
}

/**
 * Where the tokens may be others than the author meant: beside a character that belongs to no token, on a line whose quotes
 * do not pair (what stands between two of them may be text or not), and behind a comment that is not closed. What a string
 * with a wrong escape or a number out of range stands for is not known either.
 */
function findDoubtful(
  text: string,
  { tokens, groups }: Pick<ILexingResult, "tokens" | "groups">,
  problems: Problems,
  unclosed: readonly IToken[],
): Span[] {
  const line = ({ startOffset }: IToken): Span => {
    const end = text.indexOf("\n", startOffset);
    return { start: text.lastIndexOf("\n", startOffset - 1) + 1, end: end < 0 ? text.length : end };
  };
  const found: Span[] = unclosed.map(line);
  for (const { code, severity, span } of problems.kept) {
    if (severity === "error" && (code === "E0202" || code === "E0205")) found.push(span);
  }
  let next = 0;
  for (const token of groups[t.UNKNOWN_GROUP] ?? []) {
    // A character such as a no-break space is reported, but it separates words as a space does, so the tokens are
    // certain.
    if (INVISIBLE.test(token.image)) continue;
    if (QUOTATION.test(token.image)) {
      found.push(line(token));
      continue;
    }
    const { start, end } = tokenSpan(token);
    while (next < tokens.length && (tokens[next]?.startOffset ?? end) < start) next++;
    const [before, after] = [tokens[next - 1], tokens[next]];
    found.push({ start: before?.startOffset ?? start, end: after === undefined ? end : tokenSpan(after).end });
  }
  const [comment] = groups[t.OPEN_COMMENT_GROUP] ?? [];
  if (comment !== undefined) found.push({ start: tokens.at(-1)?.startOffset ?? 0, end: text.length });
  return found;
}
