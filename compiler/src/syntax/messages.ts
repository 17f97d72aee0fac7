// What the parser stumbled over, in words of the language: tokens and Chevrotain's exceptions to problems.

import type { IParserErrorMessageProvider, IRecognitionException, IToken } from "chevrotain";
import type { Fix, Problem } from "../diagnostics/diagnostic.js";
import { EOF } from "./chevrotain.js";
import { tokenSpan } from "./lex.js";
import * as t from "./tokens.js";

function shorten(image: string): string {
  return image.length > 40 ? `${image.slice(0, 40)}…` : image;
}

/** A token as a reader would name it: "the string "a"", "the number 12", "the end of the query". */
export function describe(token: IToken): string {
  const type = token.tokenType;
  if (type === EOF) return "the end of the query";
  const shown = shorten(token.image);
  if (type === t.Integer || type === t.Decimal) return `the number ${shown}`;
  if (type === t.Identifier || type === t.Variable || type === t.TildeIdentifier) return `the name \`${shown}\``;
  if (token.image.startsWith("`")) return `the name ${shown}`;
  if (t.KEYWORDS.has(token.image)) return `the keyword \`${shown}\``;
  if (/^\??["']/.test(token.image)) return `the string ${shown}`;
  return `\`${shown}\``;
}

const OPERATOR = "an operator such as `and`, `or` or `==`";

function expectation(expected: string, rule: string): string {
  switch (expected) {
    case ")":
      return rule === "arguments" || rule === "list" || rule === "matchValues"
        ? `\`,\`, \`)\` or ${OPERATOR}`
        : `\`)\` or ${OPERATOR}`;
    case "]":
      return rule === "path" ? "a whole number and `]`" : `\`]\` or ${OPERATOR}`;
    case "Name":
      return rule === "pipe" ? "the name of a pipe" : "a name";
    case "PathPart":
      return "a field name after the point";
    case "StagesKeyword":
      return "`sequence`, `sample` or `join`";
    case "Integer":
      return "a whole number";
    case "InOperator":
      return "`in`";
    case "OpenTerm":
      return "a term in brackets, `[category where condition]`";
    default:
      return `\`${expected.replace(/^keyword /, "")}\``;
  }
}

function sentence(found: IToken, expected: string): string {
  return `Found ${describe(found)} where ${expected} was expected.`;
}

/** Chevrotain asks this for its messages; they never name its own terms. */
export const MESSAGES: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, actual, ruleName }) => sentence(actual, expectation(expected.name, ruleName)),
  buildNotAllInputParsedMessage: ({ firstRedundant }) => sentence(firstRedundant, "the end of the query"),
  buildNoViableAltMessage: ({ actual, customUserDescription }) => {
    const [found] = actual;
    return found === undefined
      ? "The query ends too early."
      : sentence(found, customUserDescription ?? "something else");
  },
  buildEarlyExitMessage: ({ actual, customUserDescription }) => {
    const [found] = actual;
    return found === undefined
      ? "The query ends too early."
      : sentence(found, customUserDescription ?? "something else");
  },
};

/** A word that would be a keyword if it were written in lower case. */
function miscased(token: IToken): string | null {
  const word = token.image.toLowerCase();
  return word !== token.image && t.KEYWORDS.has(word) ? word : null;
}

function advise(found: IToken, previous: IToken | undefined): { help?: string; fix?: Fix } {
  for (const token of [found, previous]) {
    const word = token?.tokenType === t.Identifier ? miscased(token) : null;
    if (token === undefined || word === null) continue;
    const fix = { title: `Write \`${word}\``, span: tokenSpan(token), replacement: word };
    return { help: `Keywords are lower case: write \`${word}\`.`, fix };
  }
  if (found.image === "!=" || found.image === "==") return { help: "Comparisons stand between two values." };
  if (found.image === "{" || found.image === "}") return { help: "Group conditions with `(` and `)`." };
  if (t.KEYWORDS.has(found.image) && found.tokenType !== t.Not && previous !== undefined) {
    return { help: `A field that is called \`${found.image}\` stands in backticks.` };
  }
  return {};
}

/** What to do where the grammar wants a constant and a field or a call stands. */
function adviseIn({ token, context }: IRecognitionException): { help?: string } {
  const isName = t.Name.categoryMatchesMap?.[token.tokenTypeIdx] || t.Backtick.categoryMatchesMap?.[token.tokenTypeIdx];
  if (!context.ruleStack.includes("matchValues") || !(isName || token.tokenType === t.TildeIdentifier)) return {};
  return {
    help: "`:`, `like` and `regex` match constants only; two fields are compared with `==` or `startsWith(a, b)`.",
  };
}

/** An exception of the parser as a problem; `tokens` are those it was reading, `atEnd` what could have gone on. */
export function problemOf(exception: IRecognitionException, tokens: readonly IToken[], atEnd: string): Problem {
  const found = exception.token;
  const ended = found.tokenType === EOF;
  const previous = ended ? tokens.at(-1) : tokens[tokens.indexOf(found) - 1];
  // The end of the query is the place after its last token.
  const end = previous === undefined ? 0 : tokenSpan(previous).end;
  const span = ended ? { start: end, end } : tokenSpan(found);
  const message = exception.name === "NotAllInputParsedException" ? sentence(found, atEnd) : exception.message;
  return { code: "E0203", severity: "error", message, span, ...adviseIn(exception), ...advise(found, previous) };
}
