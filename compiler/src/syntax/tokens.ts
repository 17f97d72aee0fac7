// Query text to Chevrotain tokens: the vocabulary, and one lexer for each dialect.
// Forms of the other dialect are tokens too, so that the parser can name them and go on. A character that belongs to
// neither dialect lands in the lexer's `unknown` group. INVARIANT: the lexers never report errors of their own.

import type { CustomPatternMatcherFunc, IToken, TokenType } from "chevrotain";
import type { Dialect } from "./ast.js";
import { createToken, Lexer } from "./chevrotain.js";
import { type Scan, scanBacktick, scanComment, scanQuoted, scanQuotedRaw, scanTriple } from "./strings.js";

/** More tokens than this are not lexed: the rest of the text becomes one `Overflow` token. */
export const MAX_TOKENS = 2_000_000;

/** The group of characters that belong to no token. */
export const UNKNOWN_GROUP = "unknown";
/** The group of comments that speak to Kestrel: `// kestrel: allow W0503`. */
export const DIRECTIVE_GROUP = "directives";
/** The group of comments that are never closed. */
export const OPEN_COMMENT_GROUP = "openComment";

const ALL_CODES = Array.from({ length: 0x10000 }, (_, code) => code);
const NON_ASCII_CODES = ALL_CODES.slice(0x7f);

/** A token found by a scan function; `payload` is false when the closing quote is missing. */
function scanned(starts: (text: string, offset: number) => boolean, scan: (text: string, offset: number) => Scan) {
  const match: CustomPatternMatcherFunc = (text, offset) => {
    if (!starts(text, offset)) return null;
    const { end, closed } = scan(text, offset);
    return Object.assign([text.slice(offset, end)] as [string], { payload: closed });
  };
  return match;
}

// ---- abstract categories ----

/** May name a field, function, category, pipe or alias. Some of its members are reserved in one dialect. */
export const Name = createToken({ name: "Name", pattern: Lexer.NA });
/** May stand after a dot. */
export const PathPart = createToken({ name: "PathPart", pattern: Lexer.NA });
export const StringLiteral = createToken({ name: "StringLiteral", pattern: Lexer.NA });
export const BinaryOperator = createToken({ name: "BinaryOperator", pattern: Lexer.NA });
export const Sign = createToken({ name: "Sign", pattern: Lexer.NA, categories: [BinaryOperator] });
export const MatchOperator = createToken({ name: "MatchOperator", pattern: Lexer.NA });
export const InOperator = createToken({ name: "InOperator", pattern: Lexer.NA });
/** `sequence`, `sample`, `join` */
export const StagesKeyword = createToken({ name: "StagesKeyword", pattern: Lexer.NA });
export const OpenTerm = createToken({ name: "OpenTerm", pattern: Lexer.NA });

// ---- words ----

export const Identifier = createToken({
  name: "Identifier",
  pattern: /[A-Za-z_@][A-Za-z0-9_]*/,
  categories: [Name, PathPart],
});
/** A function name with its `~`. */
export const TildeIdentifier = createToken({ name: "TildeIdentifier", pattern: /[A-Za-z_@][A-Za-z0-9_]*~/ });
export const Variable = createToken({ name: "Variable", pattern: /\$[A-Za-z_][A-Za-z0-9_]*/ });

function keyword(image: string, ...categories: TokenType[]): TokenType {
  return createToken({
    name: `keyword ${image}`,
    pattern: image,
    longer_alt: Identifier,
    categories: [PathPart, ...categories],
  });
}
function glued(image: string, category: TokenType): TokenType {
  return createToken({ name: image, pattern: image, categories: [category] });
}

export const And = keyword("and", BinaryOperator);
export const Or = keyword("or", BinaryOperator);
export const Not = keyword("not");
export const In = keyword("in", InOperator);
export const InTilde = glued("in~", InOperator);
export const Like = keyword("like", MatchOperator, Name);
export const LikeTilde = glued("like~", MatchOperator);
export const Regex = keyword("regex", MatchOperator, Name);
export const RegexTilde = glued("regex~", MatchOperator);
export const True = keyword("true");
export const False = keyword("false");
export const Null = keyword("null");
export const Any = keyword("any", Name);
export const Where = keyword("where");
export const By = keyword("by");
export const With = keyword("with");
export const Until = keyword("until");
export const Of = keyword("of");
export const SequenceKeyword = keyword("sequence", StagesKeyword);
export const SampleKeyword = keyword("sample", StagesKeyword);
export const JoinKeyword = keyword("join", StagesKeyword);
// Words that mean something in one place only and are names everywhere else.
export const Maxspan = keyword("maxspan", Name);
export const Runs = keyword("runs", Name);
export const As = keyword("as", Name);
export const Fork = keyword("fork", Name);
export const Const = keyword("const", Name);
export const Macro = keyword("macro", Name);

// ---- literals ----

const isAt = (first: string) => (text: string, offset: number) => text.startsWith(first, offset);

export const TripleString = createToken({
  name: "TripleString",
  pattern: scanned(isAt('"""'), scanTriple),
  start_chars_hint: ['"'],
  line_breaks: false,
  categories: [StringLiteral],
});
export const DoubleString = createToken({
  name: "DoubleString",
  pattern: scanned(isAt('"'), scanQuoted),
  start_chars_hint: ['"'],
  line_breaks: false,
  categories: [StringLiteral],
});
export const SingleString = createToken({
  name: "SingleString",
  pattern: scanned(isAt("'"), scanQuoted),
  start_chars_hint: ["'"],
  line_breaks: false,
  categories: [StringLiteral],
});
export const QuestionString = createToken({
  name: "QuestionString",
  pattern: scanned((text, offset) => text.startsWith('?"', offset) || text.startsWith("?'", offset), scanQuotedRaw),
  start_chars_hint: ["?"],
  line_breaks: false,
  categories: [StringLiteral],
});
export const Decimal = createToken({
  name: "Decimal",
  pattern: /[0-9]+\.[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+/,
});
export const Integer = createToken({ name: "Integer", pattern: /[0-9]+/ });

// ---- punctuation ----

export const LParen = createToken({ name: "(", pattern: "(" });
export const RParen = createToken({ name: ")", pattern: ")" });
export const LBracket = createToken({ name: "[", pattern: "[", categories: [OpenTerm] });
export const MissingBracket = createToken({ name: "![", pattern: "![", categories: [OpenTerm] });
export const RBracket = createToken({ name: "]", pattern: "]" });
export const Comma = createToken({ name: ",", pattern: "," });
export const Dot = createToken({ name: ".", pattern: "." });
export const Pipe = createToken({ name: "|", pattern: "|" });
export const Question = createToken({ name: "?", pattern: "?" });
export const Colon = createToken({ name: ":", pattern: ":", categories: [MatchOperator] });
export const Plus = createToken({ name: "+", pattern: "+", categories: [Sign] });
export const Minus = createToken({ name: "-", pattern: "-", categories: [Sign] });
/** `=`: a comparison in endgame, and what follows `maxspan`, `runs` and `fork` in both. */
export const SingleEquals = createToken({ name: "=", pattern: "=", categories: [BinaryOperator] });
/** `&&` and `||`, which people bring from other languages. */
export const ForeignLogic = createToken({ name: "ForeignLogic", pattern: /&&|\|\|/, categories: [BinaryOperator] });

const PLAIN_OPERATORS = ["==", "!=", "<=", ">=", "<", ">", "*", "/", "%"].map((image) =>
  createToken({ name: image, pattern: image, categories: [BinaryOperator] }),
);

// ---- what is left out, and what cannot be read ----

const Whitespace = createToken({ name: "Whitespace", pattern: /[ \t\r\n]+/, group: Lexer.SKIPPED });
const Directive = createToken({
  name: "Directive",
  pattern: /\/\/[ \t]*kestrel:[^\r\n]*|\/\*[ \t]*kestrel:[^*\r\n]*\*\//,
  start_chars_hint: ["/"],
  line_breaks: false,
  group: DIRECTIVE_GROUP,
});
const LineComment = createToken({ name: "LineComment", pattern: /\/\/[^\r\n]*/, group: Lexer.SKIPPED });

/** Once the stated number of tokens has been read, swallows all that is left. */
export const Overflow = createToken({
  name: "Overflow",
  pattern: (text: string, offset: number, tokens: IToken[], groups: Record<string, IToken[]>): [string] | null => {
    const others = (groups[UNKNOWN_GROUP]?.length ?? 0) + (groups[DIRECTIVE_GROUP]?.length ?? 0);
    return tokens.length + others >= MAX_TOKENS ? [text.slice(offset)] : null;
  },
  start_chars_hint: ALL_CODES,
  line_breaks: true,
});

const Unknown = createToken({
  name: "Unknown",
  // Letters of other scripts come in words: report them as one.
  pattern: (text: string, offset: number): [string] => {
    let end = offset;
    while (end < text.length && text.charCodeAt(end) >= 0x80) end++;
    return [text.slice(offset, Math.max(end, offset + 1))];
  },
  start_chars_hint: [...ALL_CODES.slice(0, 32), ..."!#$&;\\^{}~", ...NON_ASCII_CODES],
  line_breaks: true,
  group: UNKNOWN_GROUP,
});

function block(dialect: Dialect): TokenType[] {
  const closed: CustomPatternMatcherFunc = (text, offset) => {
    if (!text.startsWith("/*", offset)) return null;
    const scan = scanComment(text, offset, dialect);
    return scan.closed ? [text.slice(offset, scan.end)] : null;
  };
  return [
    createToken({
      name: "BlockComment",
      pattern: closed,
      start_chars_hint: ["/"],
      line_breaks: true,
      group: Lexer.SKIPPED,
    }),
    createToken({
      name: "OpenComment",
      // Reached only when the comment is not closed: it takes the rest of the text.
      pattern: (text: string, offset: number): [string] | null =>
        text.startsWith("/*", offset) ? [text.slice(offset)] : null,
      start_chars_hint: ["/"],
      line_breaks: true,
      group: OPEN_COMMENT_GROUP,
    }),
  ];
}

export const Backtick = createToken({ name: "Backtick", pattern: Lexer.NA, categories: [PathPart] });

function backtick(dialect: Dialect): TokenType {
  return createToken({
    name: "BacktickName",
    pattern: scanned(isAt("`"), (text, offset) => scanBacktick(text, offset, dialect)),
    start_chars_hint: ["`"],
    line_breaks: false,
    categories: [Backtick, PathPart],
  });
}

const SHARED: readonly TokenType[] = [
  Whitespace,
  LineComment,
  TripleString,
  DoubleString,
  SingleString,
  QuestionString,
  Decimal,
  Integer,
  InTilde,
  LikeTilde,
  RegexTilde,
  TildeIdentifier,
  And,
  Or,
  Not,
  In,
  Like,
  Regex,
  True,
  False,
  Null,
  Any,
  Where,
  By,
  With,
  Until,
  Of,
  SequenceKeyword,
  SampleKeyword,
  JoinKeyword,
  Maxspan,
  Runs,
  As,
  Fork,
  Const,
  Macro,
  Identifier,
  Variable,
  ...PLAIN_OPERATORS,
  ForeignLogic,
  MissingBracket,
  LParen,
  RParen,
  LBracket,
  RBracket,
  Comma,
  Dot,
  Pipe,
  Question,
  Colon,
  Plus,
  Minus,
  SingleEquals,
  Unknown,
];

const CATEGORIES: readonly TokenType[] = [
  Name,
  PathPart,
  Backtick,
  StringLiteral,
  BinaryOperator,
  Sign,
  MatchOperator,
  InOperator,
  StagesKeyword,
  OpenTerm,
];

function vocabulary(dialect: Dialect): TokenType[] {
  return [Overflow, Directive, ...block(dialect), backtick(dialect), ...SHARED];
}

const ELASTIC = vocabulary("elastic");
const ENDGAME = vocabulary("endgame");

/** Every token type of both dialects, for the parser. */
export const VOCABULARY: TokenType[] = [...new Set([...ELASTIC, ...ENDGAME, ...CATEGORIES])];

function lexerOf(types: TokenType[]): Lexer {
  return new Lexer([...types, ...CATEGORIES], {
    positionTracking: "onlyOffset",
    ensureOptimizations: true,
    skipValidations: true,
  });
}

const lexers: Partial<Record<Dialect, Lexer>> = {};

/** The lexer of a dialect, made when first asked for. */
export function lexerFor(dialect: Dialect): Lexer {
  lexers[dialect] ??= lexerOf(dialect === "elastic" ? ELASTIC : ENDGAME);
  return lexers[dialect];
}

/** Every lower-case word that the language gives a meaning somewhere. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  SHARED.filter((type) => type.name.startsWith("keyword ")).map((type) => type.name.slice("keyword ".length)),
);

const NAME_IN_BOTH = new Set(["maxspan", "runs", "as", "fork"]);
const NAME_IN_ELASTIC = new Set([...NAME_IN_BOTH, "const", "macro"]);
const NAME_IN_ENDGAME = new Set([...NAME_IN_BOTH, "any", "like", "regex"]);

/** Whether a word cannot name a field in the dialect unless it stands in backticks. */
export function isReserved(word: string, dialect: Dialect): boolean {
  return KEYWORDS.has(word) && !(dialect === "elastic" ? NAME_IN_ELASTIC : NAME_IN_ENDGAME).has(word);
}
