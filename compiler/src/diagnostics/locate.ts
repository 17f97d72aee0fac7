// A rule and a span of its query to a Place, and a Place to lines and columns.
//
// Lines and columns count from 1, columns in UTF-16 units; an end is the column behind the last unit. Only "\n" ends a line.

import type { Span } from "../rule/query-text.js";
import type { QueryOffset, Rule } from "../rule/rule.js";
import type { Diagnostic, Place, Problem } from "./diagnostic.js";

export interface Location {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  /** The line of `place.text` where the span starts, without its line end. */
  readonly lineText: string;
  /** What the numbers count in: the file, or the query alone when it does not stand in the file word for word. */
  readonly within: "file" | "query";
}

/** A range of a text with the numbers of its lines in that text, from 0. */
export interface TextRange extends Span {
  readonly firstLine: number;
  readonly lastLine: number;
  /** Where the first and the last of its lines begin. */
  readonly firstLineStart: number;
  readonly lastLineStart: number;
}

/** The place of a span of a rule's query, or of the rule as a whole. */
export function placeInRule(rule: Rule, span?: Span): Place {
  const { file, queryOffset } = rule.source;
  if (span === undefined) return { file, rule: rule.name };
  return { file, rule: rule.name, text: rule.query, span, ...(queryOffset === null ? {} : offsets(queryOffset)) };
}

function offsets({ line, column, indent }: QueryOffset): Pick<Place, "lineOffset" | "columnOffset" | "lineIndent"> {
  return { lineOffset: line, columnOffset: column, ...(indent === undefined ? {} : { lineIndent: indent }) };
}

/** What a stage found in a rule's query, with the rule and its file added. */
export function diagnosticInRule(rule: Rule, problem: Problem): Diagnostic {
  const { span, ...rest } = problem;
  return { ...rest, place: placeInRule(rule, span) };
}

/**
 * Fits a span into its text. A span at the very end is moved back over white space, to behind the last thing written, since
 * that is where whatever is missing belongs; one that takes in a line end does not thereby reach the next line.
 */
export function fitSpan(text: string, span: Span): TextRange {
  if (span.start >= text.length) {
    const written = text.trimEnd().length;
    return rangeOf(text, { start: written, end: written });
  }
  const { start, end } = clamp(text, span);
  return rangeOf(text, { start, end: end > start && text[end - 1] === "\n" ? end - 1 : end });
}

function clamp(text: string, span: Span): Span {
  const start = Math.min(Math.max(span.start, 0), text.length);
  return { start, end: Math.min(Math.max(span.end, start), text.length) };
}

function rangeOf(text: string, span: Span): TextRange {
  const first = lineOf(text, span.start, 0, 0);
  const last = lineOf(text, span.end, first.line, first.start);
  return {
    ...span,
    firstLine: first.line,
    lastLine: last.line,
    firstLineStart: first.start,
    lastLineStart: last.start,
  };
}

function lineOf(text: string, offset: number, fromLine: number, fromStart: number): { line: number; start: number } {
  let line = fromLine;
  let start = fromStart;
  for (let at = text.indexOf("\n", start); at >= 0 && at < offset; at = text.indexOf("\n", start)) {
    line += 1;
    start = at + 1;
  }
  return { line, start };
}

/** The line of `text` that begins at `start`, without its line end. */
export function lineAt(text: string, start: number): string {
  const end = text.indexOf("\n", start);
  return text.slice(start, end < 0 ? text.length : end).replace(/\r$/, "");
}

/** Lines and columns of a place, or null when it is only a file or a rule. */
export function locate(place: Place): Location | null {
  const { text, span } = place;
  return text === undefined || span === undefined ? null : locateRange(place, text, fitSpan(text, span));
}

/** As `locate`, for a span that is to be edited and so must not be moved: `span` counts in the place's text. */
export function locateEdit(place: Place, span: Span): Location | null {
  const { text } = place;
  return text === undefined ? null : locateRange(place, text, rangeOf(text, clamp(text, span)));
}

function locateRange(place: Place, text: string, range: TextRange): Location {
  const { lineOffset } = place;
  const column = (line: number, units: number): number =>
    units + 1 + (lineOffset === undefined ? 0 : ((line === 0 ? place.columnOffset : place.lineIndent) ?? 0));
  return {
    line: range.firstLine + 1 + (lineOffset ?? 0),
    column: column(range.firstLine, range.start - range.firstLineStart),
    endLine: range.lastLine + 1 + (lineOffset ?? 0),
    endColumn: column(range.lastLine, range.end - range.lastLineStart),
    lineText: lineAt(text, range.firstLineStart),
    within: lineOffset === undefined ? "query" : "file",
  };
}
