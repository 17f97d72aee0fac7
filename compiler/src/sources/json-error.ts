// A text that is not the JSON of a rule file to the first place where it stops being that, and what is wrong there.

import { printParseErrorCode, visit } from "jsonc-parser";
import type { Span } from "../syntax/ast.js";

/** Lists and tables inside each other. No rule comes near it, and what walks a rule calls itself once for each. */
export const MAX_DEPTH = 500;

// Characters of a piece of the file that are repeated in a message.
const QUOTED_UNITS = 20;

/** Thrown to leave `visit`: behind the first error it would go on guessing, in 10 MB of brackets 10 million times. */
const FOUND = Symbol();

/** Finds where `text` cannot be continued as JSON, or is nested too deeply. */
export function findJsonError(text: string): { readonly span: Span; readonly message: string } {
  let found = { span: { start: 0, end: 0 }, message: "it cannot be read" };
  const stop = (start: number, length: number, message: string): never => {
    found = { span: { start, end: start + length }, message };
    throw FOUND;
  };
  // What closes each list and table that is open.
  const open: ("}" | "]")[] = [];
  const begin =
    (close: "}" | "]") =>
    (offset: number, length: number): void => {
      if (open.length === MAX_DEPTH) stop(offset, length, `it is nested deeper than ${MAX_DEPTH} levels`);
      open.push(close);
    };
  const end = (): void => {
    open.pop();
  };
  try {
    const visitor = {
      onObjectBegin: begin("}"),
      onObjectEnd: end,
      onArrayBegin: begin("]"),
      onArrayEnd: end,
      onError(code: number, offset: number, length: number): void {
        const token = text.slice(offset, offset + length);
        stop(offset, length, explain(printParseErrorCode(code), quote(token), open.at(-1)));
      },
    };
    visit(text, visitor, { disallowComments: true });
  } catch (error) {
    if (error !== FOUND) throw error;
  }
  return found;
}

function explain(name: string, token: string, close: string | undefined): string {
  const but = token === "" ? "but the file ends" : `but found \`${token}\``;
  switch (name) {
    case "InvalidSymbol":
      return `\`${token}\` is not a text in double quotes, nor a number, true, false or null`;
    case "PropertyNameExpected":
      return `expected a key in double quotes, ${but}`;
    case "ColonExpected":
      return `expected \`:\`, ${but}`;
    case "CommaExpected":
      return `expected \`,\` or \`${close}\`, ${but}`;
    case "CloseBraceExpected":
      return `expected \`}\`, ${but}`;
    case "CloseBracketExpected":
      return `expected \`]\`, ${but}`;
    case "EndOfFileExpected":
      return `expected the end of the file, ${but}`;
    case "InvalidCommentToken":
      return "JSON has no comments";
    case "UnexpectedEndOfString":
      return "the text has no closing quote on its line";
    case "UnexpectedEndOfNumber":
      return `the number \`${token}\` is not complete`;
    case "InvalidUnicode":
      return "`\\u` stands before four hexadecimal digits";
    case "InvalidEscapeCharacter":
      return '`\\` stands before one of " \\ / b f n r t u';
    case "InvalidCharacter":
      return "a control character in a text must be written as an escape";
    default:
      return `expected a value, ${but}`;
  }
}

function quote(token: string): string {
  const line = token.split("\n", 1)[0] ?? "";
  return line.length > QUOTED_UNITS ? `${line.slice(0, QUOTED_UNITS).replace(/[\ud800-\udbff]$/, "")}…` : line;
}
