// What the grammar accepts but the dialect does not, or not here: each check reports it with advice and, where the edit
// is mechanical, a fix. The parser then goes on as if the right thing had been written.

import type { IToken } from "chevrotain";
import type { Fix } from "../diagnostics/diagnostic.js";
import type { Dialect, Expr, Literal, Span } from "./ast.js";
import { tokenSpan } from "./lex.js";
import { describe } from "./messages.js";
import { addError, type Problems } from "./problems.js";
import * as t from "./tokens.js";

/** The query being read, and what was found wrong with it without stopping the parser. */
export interface Reading {
  readonly text: string;
  readonly dialect: Dialect;
  readonly problems: Problems;
  /** Ranges that were not understood: nothing more is said of what touches one. */
  readonly unread: Span[];
}

/** From the start of one range to the end of another. */
export function cover(from: Span, to: Span): Span {
  return { start: from.start, end: to.end };
}

/** Notes what cannot be read as if the right thing had been written. */
export function unread(reading: Reading, span: Span): void {
  reading.unread.push(span);
}

/** Reports something in its wrong place (E0203). */
export function misplaced(reading: Reading, span: Span, message: string, help?: string, fix?: Fix): void {
  addError(reading.problems, "E0203", span, message, help, fix);
}

/** Reports a construct of the other dialect (E0204). */
export function foreign(reading: Reading, span: Span, what: string, help: string, fix?: Fix): void {
  const other = reading.dialect === "elastic" ? "endgame" : "elastic";
  addError(reading.problems, "E0204", span, `${what} belongs to the ${other} dialect.`, help, fix);
}

export function repeated(reading: Reading, token: IToken): void {
  unread(reading, tokenSpan(token));
  misplaced(reading, tokenSpan(token), `\`${token.image}\` stands here a second time.`, "Write each part once.");
}

export function chainedComparison(reading: Reading, span: Span): void {
  unread(reading, span);
  misplaced(reading, span, "Comparisons cannot be chained.", "Join two comparisons with `and`, or use brackets.");
}

export function misplacedPrefix(reading: Reading, token: IToken): void {
  const span = tokenSpan(token);
  unread(reading, span);
  if (token.tokenType === t.Not) {
    misplaced(reading, span, "`not` cannot stand inside a comparison or a sum.", "Put the negated part in brackets.");
  } else {
    const help = "Write one sign, or put the signed part in brackets.";
    misplaced(reading, span, "Two signs cannot follow each other.", help);
  }
}

/** A word that is reserved in the dialect but used as a name. */
export function checkName(reading: Reading, token: IToken): void {
  if (!t.isReserved(token.image, reading.dialect)) return;
  const span = tokenSpan(token);
  unread(reading, span);
  const fix = { title: "Put the name in backticks", span, replacement: `\`${token.image}\`` };
  const message = `Found ${describe(token)} where a name was expected.`;
  misplaced(reading, span, message, "A field with that name stands in backticks.", fix);
}

export function checkDefinition(reading: Reading, keyword: IToken, name: IToken): void {
  if (reading.dialect === "endgame") return;
  const span = cover(tokenSpan(keyword), tokenSpan(name));
  foreign(reading, span, `A \`${keyword.image}\` definition`, "Write its value out where it is used.");
}

/** `with maxspan=… by …`, which only endgame reads. */
export function checkHeaderOrder(reading: Reading, maxspan: Span | null, by: IToken, last: IToken): void {
  if (maxspan === null || reading.dialect === "endgame") return;
  const bySpan = cover(tokenSpan(by), tokenSpan(last));
  const { text } = reading;
  const replacement = `${text.slice(bySpan.start, bySpan.end)} ${text.slice(maxspan.start, maxspan.end)}`;
  const fix = { title: "Put `by` first", span: cover(maxspan, bySpan), replacement };
  misplaced(reading, tokenSpan(by), "`by` stands before `with maxspan`, not after it.", "Write `by` first.", fix);
}

export function checkAlias(reading: Reading, as: IToken, name: IToken): void {
  if (reading.dialect === "elastic") return;
  foreign(reading, cover(tokenSpan(as), tokenSpan(name)), "A named term", "Join the terms with `by` instead.");
}

export function checkRuns(reading: Reading, start: IToken, count: IToken): void {
  if (reading.dialect === "elastic") return;
  const span = cover(tokenSpan(start), tokenSpan(count));
  foreign(reading, span, "`with runs`", "Write the term as often as it must occur.");
}

export function checkFork(reading: Reading, fork: IToken, last: IToken): void {
  if (reading.dialect === "endgame") return;
  const span = cover(tokenSpan(fork), tokenSpan(last));
  const fix = { title: "Drop it", span, replacement: "" };
  foreign(reading, span, "`fork`", "The elastic dialect never forks a sequence.", fix);
}

/** A value of a pipe that follows another without a comma. */
export function checkPipeValue(reading: Reading, before: Span, value: Span): void {
  if (reading.dialect === "endgame") return;
  const fix = { title: "Add a comma", span: { start: before.end, end: before.end }, replacement: "," };
  foreign(reading, value, "A list without commas", "Put commas between the pipe's values.", fix);
}

export function checkTrailingComma(reading: Reading, comma: IToken): void {
  if (reading.dialect === "endgame") return;
  const span = tokenSpan(comma);
  // The author may have left out a value behind the comma, so nothing more is said of this place.
  unread(reading, span);
  const fix = { title: "Drop the comma", span, replacement: "" };
  foreign(reading, span, "A comma after the last value", "Drop the comma.", fix);
}

export function checkSingleEquals(reading: Reading, token: IToken): void {
  if (reading.dialect === "endgame") return;
  const span = tokenSpan(token);
  foreign(reading, span, "The comparison `=`", "Write `==`.", { title: "Write `==`", span, replacement: "==" });
}

/** The `~` of `in~` and of functions. */
export function checkTilde(reading: Reading, token: IToken): void {
  if (reading.dialect === "elastic" || !token.image.endsWith("~")) return;
  const replacement = token.image.slice(0, -1);
  const span = tokenSpan(token);
  const fix = { title: "Drop the `~`", span, replacement };
  const help = `Write \`${replacement}\`: the endgame dialect never tells letters apart by case.`;
  foreign(reading, span, `\`${token.image}\``, help, fix);
}

/** The operators `:`, `like` and `regex`; `subject` is what stands before them, `end` the end of their values. */
export function checkMatchOperator(
  reading: Reading,
  operator: IToken,
  values: readonly Expr[],
  subject: Span | null,
  end: number,
): void {
  if (reading.dialect === "elastic") return;
  const span = tokenSpan(operator);
  const { image } = operator;
  if (image.startsWith("regex")) {
    foreign(reading, span, `The operator \`${image}\``, "Write `match(value, pattern)`.");
    return;
  }
  const [value, ...more] = values;
  // `?` is a wildcard on the elastic side only, so only a pattern without it means the same after `==`.
  const same = value?.kind === "literal" && value.type === "string" && more.length === 0 && !value.value.includes("?");
  const several = values.length > 1 && values.every((one) => one.kind === "literal" && isPlainPattern(one));
  const call =
    subject === null || !several
      ? undefined
      : {
          title: "Write `wildcard(…)`",
          span: { start: subject.start, end },
          replacement: `wildcard(${reading.text.slice(subject.start, subject.end)}, ${values
            .map((one) => reading.text.slice(one.span.start, one.span.end))
            .join(", ")})`,
        };
  const fix = same ? { title: "Write `==`", span, replacement: image === ":" ? " ==" : "==" } : call;
  const help = "Write `==`, or `wildcard(value, pattern, …)` for several patterns.";
  foreign(reading, span, `The operator \`${image}\``, help, fix);
}

function isPlainPattern(value: Literal): boolean {
  return value.type === "string" && !value.value.includes("?");
}

/** `receiver:name(…)`; `call` covers all of it. */
export function checkMethod(reading: Reading, receiver: Span, name: Span, call: Span, hasArguments: boolean): void {
  if (reading.dialect === "endgame") return;
  const { text } = reading;
  const written = text.slice(name.start, name.end);
  const tail = text.slice(name.end, call.end).replace(/^\s*\(/, hasArguments ? ", " : "");
  const replacement = `${written}(${text.slice(receiver.start, receiver.end)}${tail}`;
  const fix = { title: "Write it as a plain call", span: call, replacement };
  foreign(reading, name, "A function called with `:`", `Write \`${written}(value, …)\`.`, fix);
}

export function checkOptional(reading: Reading, mark: IToken): void {
  if (reading.dialect === "elastic") return;
  const fix = { title: "Drop the `?`", span: tokenSpan(mark), replacement: "" };
  foreign(reading, tokenSpan(mark), "An optional field", "Drop the `?`: in endgame every field may be missing.", fix);
}

export function checkIndex(reading: Reading, span: Span, index: IToken): void {
  if (!Number.isSafeInteger(Number(index.image))) {
    addError(reading.problems, "E0205", tokenSpan(index), "The array index is too large.");
  }
  if (reading.dialect === "endgame") return;
  unread(reading, span);
  const fix = { title: "Drop the index", span, replacement: "" };
  foreign(reading, span, "An array index", "Drop the index: a comparison looks at every value of the field.", fix);
}

/** An event category in quotes or backticks. */
export function checkCategory(reading: Reading, token: IToken, name: string): void {
  const span = tokenSpan(token);
  if (token.image.startsWith("`")) {
    const fix = { title: "Use double quotes", span, replacement: JSON.stringify(name) };
    const help = "Write its name plain, or in double quotes.";
    const elastic = reading.dialect === "elastic";
    misplaced(reading, span, "An event category cannot stand in backticks.", help, elastic ? fix : undefined);
  } else if (token.payload !== undefined && reading.dialect === "endgame") {
    const plain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !t.KEYWORDS.has(name);
    const fix = plain ? { title: "Write the category plain", span, replacement: name } : undefined;
    foreign(reading, span, "An event category in quotes", "Write the category's name plain.", fix);
  }
}
