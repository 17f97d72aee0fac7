// Diagnostics to text for a terminal, and to JSON for everything else.
//
//     error[E0301]: unknown field process.nam
//       --> rules/x.toml:12:7 (rule "Name")
//        |
//     12 | process where process.nam == "cmd.exe"
//        |               ^^^^^^^^^^^
//        = help: did you mean process.name?
//
// Labels point at further places, with dashes and a text:
//
//      9 | sequence by host.id [process where true]
//        |             ------- the first term has 1 key

import type { Span } from "../rule/query-text.js";
import type { Code } from "./codes.js";
import { CODES } from "./codes.js";
import type { Diagnostic, Fix, Place, Severity } from "./diagnostic.js";
import type { Location } from "./locate.js";
import { fitSpan, lineAt, locate, locateEdit } from "./locate.js";
import { printable, showLine } from "./terminal-text.js";

export { locate } from "./locate.js";

// Cells of source text on one line; with the gutter this fits the width that code is written to.
const SOURCE_CELLS = 110;

type Paint = (style: Style, text: string) => string;
type Style = Severity | "label" | "strong" | "frame" | "added" | "removed";

const ANSI: Readonly<Record<Style, string>> = {
  error: "1;31",
  warning: "1;33",
  note: "1;36",
  label: "1;34",
  strong: "1",
  frame: "1;34",
  added: "32",
  removed: "31",
};

/** Renders diagnostics for a person to read, in the given order, with an empty line between them and a "\n" at the end. */
export function renderText(diagnostics: readonly Diagnostic[], options: { readonly color: boolean }): string {
  const paint: Paint = options.color ? (style, text) => `\u001b[${ANSI[style]}m${text}\u001b[0m` : (_, text) => text;
  return diagnostics.map((diagnostic) => `${renderOne(diagnostic, paint).join("\n")}\n`).join("\n");
}

function renderOne(diagnostic: Diagnostic, paint: Paint): string[] {
  const { code, severity, message, place, help, fix, labels = [] } = diagnostic;
  const location = locate(place);
  const lastLines = [location, ...labels.map(({ span }) => locate({ ...place, span }))].map((at) => at?.endLine ?? 0);
  const pad = " ".repeat(location === null ? 1 : String(Math.max(...lastLines)).length);
  const lines = [`${paint(severity, `${severity}[${code}]`)}${paint("strong", `: ${printable(message)}`)}`];
  lines.push(`${pad}${paint("frame", "-->")} ${printable(placeText(place, location))}`);
  if (location !== null) lines.push(...renderSource(diagnostic, location, pad, paint));
  const bar = paint("frame", `${pad} =`);
  if (help !== undefined) lines.push(`${bar} ${paint("strong", "help")}: ${printable(help)}`);
  if (fix !== undefined) {
    lines.push(`${bar} ${paint("strong", "fix")}: ${printable(fix.title)}`);
    if (location !== null) lines.push(...renderFix(place, fix, pad, paint));
  }
  return lines;
}

function placeText(place: Place, location: Location | null): string {
  const rule = place.rule === undefined ? "" : ` (rule "${place.rule}")`;
  if (location === null) return `${place.file}${rule}`;
  const position = `${location.line}:${location.column}`;
  return location.within === "file" ? `${place.file}:${position}${rule}` : `${place.file}${rule}, query ${position}`;
}

/** A part of a line to be underlined, with what is said of it. */
interface Mark {
  /** Number of the line in the place's text, from 0. */
  readonly line: number;
  readonly lineStart: number;
  readonly from: number;
  readonly to: number;
  readonly label: string | null;
}

/** The parts of lines that a span covers; of more than three lines, those of the first and the last. */
function marksOf(text: string, span: Span, label: string | null): Mark[] {
  const range = fitSpan(text, span);
  const marks: Mark[] = [];
  let start = range.firstLineStart;
  for (let line = range.firstLine; line <= range.lastLine; line += 1) {
    const left = line > range.firstLine && line < range.lastLine && range.lastLine - range.firstLine > 2;
    if (!left) {
      const written = lineAt(text, start);
      const indent = written.length - written.trimStart().length;
      marks.push({
        line,
        lineStart: start,
        from: line === range.firstLine ? range.start - start : indent,
        to: line === range.lastLine ? range.end - start : written.length,
        label: line === range.lastLine ? label : null,
      });
    }
    const next = text.indexOf("\n", start);
    start = next < 0 ? text.length : next + 1;
  }
  return marks;
}

/**
 * The lines of the span with carets under it, and those of the labels with dashes and their texts, in the order of the text;
 * a colon stands for lines between them. A line that is too long to hold all its marks is shown once for each window.
 */
function renderSource(diagnostic: Diagnostic, location: Location, pad: string, paint: Paint): string[] {
  const { place, severity, labels = [] } = diagnostic;
  const text = place.text ?? "";
  const empty = paint("frame", `${pad} |`);
  const primary = marksOf(text, place.span ?? { start: 0, end: 0 }, null).map((mark) => ({ ...mark, isLabel: false }));
  const others = labels.flatMap(({ span, text: label }) =>
    marksOf(text, span, label).map((mark) => ({ ...mark, isLabel: true })),
  );
  const firstLine = primary[0]?.line ?? 0;
  const marks = [...primary, ...others].sort(
    (a, b) => a.line - b.line || Number(a.isLabel) - Number(b.isLabel) || a.from - b.from,
  );
  const lines = [empty];
  let before: Mark | null = null;
  let window = "";
  for (const mark of marks) {
    const line = lineAt(text, mark.lineStart);
    const shown = showLine(line, mark.from, mark.to, SOURCE_CELLS);
    if (before !== null && mark.line > before.line + 1) lines.push(paint("frame", `${pad} :`));
    if (before === null || mark.line !== before.line || shown.text !== window) {
      const number = String(location.line + mark.line - firstLine).padStart(pad.length);
      lines.push(`${paint("frame", `${number} |`)} ${shown.text}`.trimEnd());
    }
    // An empty line within a span has nothing to underline.
    if (line !== "" || primary.length === 1 || mark.isLabel) {
      const width = Math.max(1, shown.endCell - shown.startCell);
      const under = paint(mark.isLabel ? "label" : severity, (mark.isLabel ? "-" : "^").repeat(width));
      const said = mark.label === null ? "" : ` ${paint("label", printable(mark.label))}`;
      lines.push(`${empty} ${" ".repeat(shown.startCell)}${under}${said}`);
    }
    before = mark;
    window = shown.text;
  }
  return lines;
}

/** The line before and after a fix that stays on it. */
function renderFix(place: Place, fix: Fix, pad: string, paint: Paint): string[] {
  const text = place.text ?? "";
  const { start, end } = fix.span;
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const before = lineAt(text, lineStart);
  if (start < 0 || end < start || end > lineStart + before.length || fix.replacement.includes("\n")) return [];
  const from = start - lineStart;
  const after = before.slice(0, from) + fix.replacement + before.slice(end - lineStart);
  const removed = showLine(before, from, end - lineStart, SOURCE_CELLS).text;
  const added = showLine(after, from, from + fix.replacement.length, SOURCE_CELLS).text;
  return [paint("removed", `${pad} - ${removed}`.trimEnd()), paint("added", `${pad} + ${added}`.trimEnd())];
}

/** A range as in `Location`; null where a place is only a file or a rule. */
export interface JsonRange {
  /** From 1. */
  readonly line: number | null;
  /** From 1, in UTF-16 units. */
  readonly column: number | null;
  readonly endLine: number | null;
  /** Behind the last unit. */
  readonly endColumn: number | null;
}

/** A diagnostic as `--format json` prints it. Keys are only ever added. */
export interface JsonDiagnostic extends JsonRange {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly file: string;
  readonly rule: string | null;
  /** `query` where the numbers count in the rule's query because it does not stand in the file word for word. */
  readonly within: "file" | "query" | null;
  readonly help: string | null;
  /** Replace the range by `replacement`; the numbers count in the same text. */
  readonly fix?: JsonRange & { readonly title: string; readonly replacement: string };
  /** Further places in the same text that have to do with it; absent when there are none. */
  readonly labels?: readonly (JsonRange & { readonly text: string })[];
}

/** A diagnostic as plain data. */
export function toJson(diagnostic: Diagnostic): JsonDiagnostic {
  const { code, severity, message, place, help, fix, labels = [] } = diagnostic;
  const location = locate(place);
  return {
    code,
    severity,
    message,
    file: place.file,
    rule: place.rule ?? null,
    ...jsonRange(location),
    within: location?.within ?? null,
    help: help ?? null,
    ...(fix === undefined
      ? {}
      : {
          fix: { title: fix.title, replacement: fix.replacement, ...jsonRange(locateEdit(place, fix.span)) },
        }),
    ...(labels.length === 0
      ? {}
      : { labels: labels.map(({ span, text }) => ({ text, ...jsonRange(locate({ ...place, span })) })) }),
  };
}

function jsonRange(location: Location | null): JsonRange {
  const { line, column, endLine, endColumn } = location ?? { line: null, column: null, endLine: null, endColumn: null };
  return { line, column, endLine, endColumn };
}

/** Renders diagnostics as one JSON list, ended by "\n". */
export function renderJson(diagnostics: readonly Diagnostic[]): string {
  return `${JSON.stringify(diagnostics.map(toJson), null, 2)}\n`;
}

export interface Summary {
  readonly errors: number;
  readonly warnings: number;
  readonly notes: number;
  /** Such as `2 errors, 1 note`; `no problems` when there are none. */
  readonly text: string;
}

/** Counts diagnostics by severity. */
export function summarise(diagnostics: readonly Diagnostic[]): Summary {
  const count = (severity: Severity): number => diagnostics.filter((one) => one.severity === severity).length;
  const [errors, warnings, notes] = [count("error"), count("warning"), count("note")];
  const parts = [plural(errors, "error"), plural(warnings, "warning"), plural(notes, "note")];
  return { errors, warnings, notes, text: parts.filter((part) => part !== "").join(", ") || "no problems" };
}

function plural(count: number, noun: string): string {
  if (count === 0) return "";
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

/** The sentence that documents a code, or null for a code that is not eqlc's. */
export function describeCode(code: string): string | null {
  return Object.hasOwn(CODES, code) ? CODES[code as Code] : null;
}
