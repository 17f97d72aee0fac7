// Tokens and parts already read to nodes of the tree, where that takes more than copying: numbers and strings, names,
// durations, and the three kinds of statement that have terms.

import type { IToken } from "chevrotain";
import type { Expr, Join, Literal, Sample, Sequence, Term } from "./ast.js";
import { checkCategory, checkRuns, cover, foreign, misplaced, type Reading, unread } from "./checks.js";
import { type StringValue, tokenSpan } from "./lex.js";
import { addError } from "./problems.js";
import * as t from "./tokens.js";

const MAX_LONG = 2n ** 63n - 1n;
const MILLISECONDS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);
const MAX_RUNS = 100;

/** The literal that a token stands for. */
export function literalOf(token: IToken): Literal {
  const span = tokenSpan(token);
  switch (token.tokenType) {
    case t.True:
    case t.False:
      return { kind: "literal", type: "boolean", value: token.tokenType === t.True, span };
    case t.Null:
      return { kind: "literal", type: "null", span };
    case t.Integer: {
      // Nineteen digits hold every long; what does not fit becomes a double, as in Elasticsearch.
      const digits = token.image.replace(/^0+(?=.)/, "");
      const value = digits.length <= 19 ? BigInt(digits) : null;
      if (value !== null && value <= MAX_LONG) return { kind: "literal", type: "integer", value, span };
      return { kind: "literal", type: "float", value: Number(digits), span };
    }
    case t.Decimal:
      return { kind: "literal", type: "float", value: Number(token.image), span };
    default: {
      const { value, raw } = token.payload as StringValue;
      return { kind: "literal", type: "string", value, raw, span };
    }
  }
}

/** The parts of a path that a name in backticks stands for: in elastic it is split at its points. */
export function backtickParts(reading: Reading, token: IToken): string[] {
  const closed = token.payload !== false;
  const body = token.image.slice(1, closed ? -1 : undefined);
  if (reading.dialect === "endgame") return [body];
  const parts = body.replaceAll("``", "`").split(".");
  if (closed && parts.length > 1 && parts.includes("")) {
    const message = "The name in backticks has an empty part before or after a point.";
    addError(reading.problems, "E0202", tokenSpan(token), message);
  }
  return parts;
}

/** The category that a token names; null for `any`. */
export function categoryOf(reading: Reading, token: IToken): string | null {
  if (token.tokenType === t.Any) return null;
  if (token.image.startsWith("`")) {
    const name = token.image.slice(1, -1);
    checkCategory(reading, token, name);
    return name;
  }
  if (token.payload === undefined) return token.image;
  const { value } = token.payload as StringValue;
  checkCategory(reading, token, value);
  return value;
}

/** A duration such as `30s`; null, with a problem, when it is malformed. */
export function durationOf(reading: Reading, number: IToken, unit: IToken | null): Sequence["maxspan"] {
  const span = cover(tokenSpan(number), tokenSpan(unit ?? number));
  const factor = unit === null ? undefined : MILLISECONDS.get(unit.image);
  const milliseconds = Number(number.image) * (factor ?? 1);
  let message: string;
  if (number.tokenType === t.Decimal) message = "A duration must be a whole number.";
  else if (unit === null) message = "The duration has no unit.";
  else if (factor === undefined) message = `\`${unit.image}\` is not a unit of time.`;
  else if (milliseconds <= 0) message = "A duration must be longer than nothing.";
  else if (!Number.isSafeInteger(milliseconds)) message = "The duration is too long.";
  else return { milliseconds, span };
  const help = "A duration is a whole number with one of the units ms, s, m, h and d, such as `30s`.";
  unread(reading, span);
  addError(reading.problems, "E0205", span, message, help);
  return null;
}

/** The number of a `with runs=N`; 1, with a problem, when it is out of range. */
export function runsOf(reading: Reading, start: IToken, count: IToken): number {
  checkRuns(reading, start, count);
  const runs = Number(count.image);
  if (runs >= 1 && runs <= MAX_RUNS) return runs;
  unread(reading, tokenSpan(count));
  addError(reading.problems, "E0205", tokenSpan(count), `\`runs\` must lie between 1 and ${MAX_RUNS}.`);
  return 1;
}

/** What stands before the terms of a sequence, sample or join. */
export interface Header {
  by: readonly Expr[];
  maxspan: Sequence["maxspan"];
  /** Set when `with maxspan` is written, even if its duration is malformed. */
  maxspanSpan: { readonly start: number; readonly end: number } | null;
}

/** The parts of a sequence, sample or join. */
export interface Stages {
  readonly keyword: IToken;
  readonly header: Header;
  readonly terms: readonly Term[];
  readonly untilKeyword: IToken | null;
  readonly until: Term | null;
  readonly last: IToken;
}

/** The statement that the parts make, with problems for parts that its kind does not have. */
export function stagesOf(reading: Reading, parts: Stages): Sequence | Sample | Join {
  const { keyword, header, terms, untilKeyword, until, last } = parts;
  const { by, maxspan, maxspanSpan } = header;
  const span = cover(tokenSpan(keyword), tokenSpan(last));
  const kind =
    keyword.tokenType === t.SampleKeyword ? "sample" : keyword.tokenType === t.JoinKeyword ? "join" : "sequence";
  if (kind === "join" && reading.dialect === "elastic") {
    const help = "Write a `sequence` when the order matters, or a `sample` when it does not.";
    const sample = untilKeyword === null && (by.length > 0 || terms.every((term) => term.by.length > 0));
    const fix = { title: "Write `sample`", span: tokenSpan(keyword), replacement: "sample" };
    foreign(reading, tokenSpan(keyword), "A `join`", help, sample ? fix : undefined);
  }
  if (kind !== "sequence" && maxspanSpan !== null) {
    misplaced(reading, maxspanSpan, `A ${kind} has no maxspan.`, "Only a sequence is bounded in time.");
  }
  for (const term of terms) {
    if (kind === "sequence" || term.runs === 1) continue;
    const help = "Only a sequence repeats its terms.";
    misplaced(reading, term.span, `A term of a ${kind} cannot have \`with runs\`.`, help);
  }
  if (kind === "sample" && untilKeyword !== null) {
    misplaced(reading, tokenSpan(untilKeyword), "A sample has no `until`.", "A sample knows no order of events.");
  }
  if (until?.missing) {
    const { start } = until.span;
    misplaced(reading, { start, end: start + 2 }, "`until` takes a term that is present, not `![ ]`.");
  }
  if (kind === "sample") return { kind, by, terms, span };
  return kind === "join" ? { kind, by, terms, until, span } : { kind, by, maxspan, terms, until, span };
}
