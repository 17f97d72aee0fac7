// The language reference, docs/language.md -> the examples in it, as data. Nothing is run here.
//
//   events            a table that the examples after it are about, up to the next table or the next `##` heading: on each
//                     line a number (1, 2, 3 …), a time of day where time matters, and a JSON object
//   schema            further fields of the section, as JSON {"field.name": "type"}
//   eql [endgame]     a query; what follows it says what comes out, in one or more of
//     matches         of a query over the table: the numbers of the events, or for each sequence a line `1 → 2`, `-` being
//                     a missing event; what a pipe has counted is added as JSON; `none`
//     alerts          the same for a rule in a package, where that differs
//     error           a code, and words that its message or its help must hold
//     warning         the codes of all warnings, each with such words; `none`
//   conditions [endgame | both]    lines `condition → numbers`, for both dialects `condition → elastic | endgame`
//   conditions moved               lines `condition of endgame ⇒ what to write in elastic → numbers of both`
//   values [endgame | both]        lines `expression → JSON`, or the same with a code of an error
//   yaml              a rule file whose own tests are run
//
// After a result ` // ` starts a comment, and a line that starts with `//` is one.
// INVARIANT: every fence of the page is one of these, and every `eql` has a result.

import type { Dialect } from "@kestrel/compiler/syntax/ast";
import type { FieldType } from "@kestrel/stdlib/schema/types";

export interface Section {
  readonly title: string;
  readonly line: number;
  readonly schema: ReadonlyMap<string, FieldType>;
  readonly examples: readonly Example[];
}

export interface TableEvent {
  readonly time: string | null;
  readonly json: string;
}

/** One match: the numbers of its events, null for a missing one; none for what only a pipe has counted. */
export interface Row {
  readonly events: readonly (number | null)[];
  /** What a pipe has counted, as JSON with its keys sorted; null without. */
  readonly counted: string | null;
}

export interface Said {
  readonly code: string;
  readonly words: string;
}

/** What a short line gives: rows or a value, or a code of an error. */
export type Outcome =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "error"; readonly code: string };

interface Short {
  readonly dialect: Dialect;
  readonly text: string;
  readonly expected: Outcome;
}

export type Example = { readonly line: number; readonly events: readonly TableEvent[] } & (
  | {
      readonly kind: "query";
      readonly dialect: Dialect;
      readonly text: string;
      readonly matches: readonly Row[] | null;
      readonly alerts: readonly Row[] | null;
      readonly error: Said | null;
      readonly warnings: readonly Said[] | null;
    }
  | ({ readonly kind: "condition" } & Short)
  | ({ readonly kind: "value" } & Short)
  | { readonly kind: "rule-file"; readonly text: string }
);

type QueryExample = Extract<Example, { readonly kind: "query" }>;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface Fence {
  readonly line: number;
  readonly name: string;
  readonly option: string;
  readonly lines: readonly { readonly line: number; readonly text: string }[];
}

const NO_EVENTS: readonly TableEvent[] = [];
const RESULTS = new Set(["matches", "alerts", "error", "warning"]);

/** Throws Error, with the line, for whatever is not as the header says. */
export function readLanguagePage(text: string): readonly Section[] {
  const sections: { title: string; line: number; schema: Map<string, FieldType>; examples: Example[] }[] = [];
  let section = { title: "", line: 1, schema: new Map<string, FieldType>(), examples: [] as Example[] };
  let events = NO_EVENTS;
  let query: Mutable<QueryExample> | null = null;

  const close = (): void => {
    if (query === null) return;
    if (query.matches === null && query.alerts === null && query.error === null && query.warnings === null)
      fail(query.line, "the query has no result");
    query = null;
  };
  for (const part of partsOf(text)) {
    if (part.kind === "heading") {
      close();
      section = { title: part.title, line: part.line, schema: new Map(), examples: [] };
      sections.push(section);
      events = NO_EVENTS;
      continue;
    }
    const { fence } = part;
    if (RESULTS.has(fence.name)) {
      if (query === null) return fail(fence.line, `a result that belongs to no query: ${fence.name}`);
      addResult(query, fence);
      continue;
    }
    close();
    switch (fence.name) {
      case "events":
        events = fence.lines.map(readEvent);
        break;
      case "schema":
        for (const [name, type] of Object.entries(JSON.parse(textOf(fence)) as Record<string, FieldType>))
          section.schema.set(name, type);
        break;
      case "eql": {
        const fresh: Mutable<QueryExample> = {
          kind: "query",
          line: fence.line,
          events,
          dialect: dialectOf(fence),
          text: textOf(fence),
          matches: null,
          alerts: null,
          error: null,
          warnings: null,
        };
        query = fresh;
        section.examples.push(fresh);
        break;
      }
      case "conditions":
      case "values": {
        const kind = fence.name === "values" ? "value" : "condition";
        for (const { line, text: written } of fence.lines) {
          if (written.startsWith("//") || written.trim() === "") continue;
          for (const [dialect, short] of readShort(fence, line, written))
            section.examples.push({ kind, line, events: kind === "value" ? NO_EVENTS : events, dialect, ...short });
        }
        break;
      }
      case "yaml":
        section.examples.push({ kind: "rule-file", line: fence.line, events: NO_EVENTS, text: textOf(fence) });
        break;
      default:
        return fail(fence.line, `a fence that nothing runs: \`${fence.name}\``);
    }
  }
  close();
  return sections;
}

type Part =
  | { readonly kind: "heading"; readonly line: number; readonly title: string }
  | { readonly kind: "fence"; readonly fence: Fence };

function* partsOf(text: string): Generator<Part> {
  let open: { line: number; name: string; option: string; lines: { line: number; text: string }[] } | null = null;
  for (const [index, written] of text.split("\n").entries()) {
    const line = index + 1;
    if (open !== null) {
      if (written.trimEnd() === "```") {
        yield { kind: "fence", fence: open };
        open = null;
      } else open.lines.push({ line, text: written });
    } else if (written.startsWith("## ")) {
      yield { kind: "heading", line, title: written.slice(3) };
    } else if (written.trimStart().startsWith("```")) {
      const found = /^```([a-z]+)(?: ([a-z]+))?$/.exec(written);
      if (found === null) return fail(line, `a fence that is not understood: ${written}`);
      const [, name = "", option = ""] = found;
      open = { line, name, option, lines: [] };
    }
  }
  if (open !== null) fail(open.line, "a fence that is not closed");
}

function readEvent({ line, text }: Fence["lines"][number], index: number): TableEvent {
  const found = /^([0-9]+) +(?:([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) +)?(\{.*\})$/.exec(text);
  if (found === null || Number(found[1]) !== index + 1) return fail(line, `event ${index + 1} was expected`);
  return { time: found[2] ?? null, json: found[3] ?? "" };
}

function addResult(query: Mutable<QueryExample>, fence: Fence): void {
  const lines = fence.lines.filter(({ text }) => text.trim() !== "");
  if (lines.length === 0) fail(fence.line, "an empty result");
  const none = lines.length === 1 && lines[0]?.text === "none";
  switch (fence.name) {
    case "matches":
      query.matches = none ? [] : lines.flatMap(readRows);
      return;
    case "alerts":
      query.alerts = none ? [] : lines.flatMap(readRows);
      return;
    case "warning":
      query.warnings = none ? [] : lines.map(readSaid);
      return;
    default: {
      const [first, second] = lines.map(readSaid);
      if (second !== undefined) fail(second.line, "one error was expected");
      query.error = first ?? null;
    }
  }
}

function readSaid({ line, text }: Fence["lines"][number]): Said & { readonly line: number } {
  const found = /^([EW][0-9]{4})(?: (.*))?$/.exec(text);
  if (found === null) return fail(line, "a code was expected");
  return { line, code: found[1] ?? "", words: found[2] ?? "" };
}

function readRows({ line, text }: Fence["lines"][number]): Row[] {
  const at = text.indexOf("{");
  const counted = at < 0 ? null : sortedJson(JSON.parse(text.slice(at)));
  const numbers = (at < 0 ? text : text.slice(0, at)).trim();
  if (!numbers.includes("→") && counted === null)
    return readNumbers(numbers, line).map((n) => ({ events: [n], counted }));
  const events =
    numbers === "" ? [] : numbers.split("→").map((part) => (part.trim() === "-" ? null : readNumber(part, line)));
  return [{ events, counted }];
}

/** `1 3 4`, or `none`. Throws Error for other texts. */
export function readNumbers(text: string, line: number): number[] {
  return text.trim() === "none"
    ? []
    : text
        .trim()
        .split(/ +/)
        .map((part) => readNumber(part, line));
}

function readNumber(text: string, line: number): number {
  return /^[0-9]+$/.test(text.trim()) ? Number(text) : fail(line, `a number was expected: ${text}`);
}

/** JSON that is equal for equal values, however their keys are ordered. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function readShort(
  fence: Fence,
  line: number,
  written: string,
): (readonly [Dialect, { readonly text: string; readonly expected: Outcome }])[] {
  const at = written.indexOf("→");
  if (at < 0) return fail(line, "no → was found");
  const text = written.slice(0, at).trim();
  const result = written.slice(at + 1).replace(/(^|\s)\/\/ .*$/, "");
  if (fence.option === "moved") {
    const [before, after, more] = text.split("⇒");
    if (before === undefined || after === undefined || more !== undefined)
      return fail(line, "two conditions were expected");
    const expected = readOutcome(result, line);
    return [
      ["endgame", { text: before.trim(), expected }],
      ["elastic", { text: after.trim(), expected }],
    ];
  }
  if (fence.option !== "both") return [[dialectOf(fence), { text, expected: readOutcome(result, line) }]];
  const [elastic, endgame, more] = result.split("|");
  if (elastic === undefined || endgame === undefined || more !== undefined)
    return fail(line, "two results were expected");
  return [
    ["elastic", { text, expected: readOutcome(elastic, line) }],
    ["endgame", { text, expected: readOutcome(endgame, line) }],
  ];
}

function readOutcome(written: string, line: number): Outcome {
  const text = written.trim();
  if (text === "") fail(line, "a result is missing");
  return /^E[0-9]{4}$/.test(text) ? { kind: "error", code: text } : { kind: "text", text };
}

function dialectOf({ line, option }: Fence): Dialect {
  if (option !== "" && option !== "endgame") fail(line, `a dialect was expected: ${option}`);
  return option === "endgame" ? "endgame" : "elastic";
}

function textOf({ lines }: Fence): string {
  return lines.map(({ text }) => `${text}\n`).join("");
}

function fail(line: number, message: string): never {
  throw new Error(`docs/language.md:${line}: ${message}`);
}
