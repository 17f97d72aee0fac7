// Lines of an export -> lines of the events in it, in place:
//
//   {"_index":…,"_id":…,"_source":{…}}     the value of "_source"
//   {"index":{"_id":…}}                    a blank line: an action of a bulk request, whose document is the next line
//
// Every other line stays as it is. As many lines come out as go in, so their numbers stay right.

import {
  BACKSLASH,
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  COMMA,
  LINE_FEED,
  QUOTE,
  SPACE,
} from "@kestrel/stdlib/text/characters";

/** What the lines wrap their events in. */
export type Wrapping = "source" | "bulk";

export const SOURCE_KEY = "_source";

/** Changes `bytes`, whole lines, and returns the part of them that is left. */
export function unwrapLines(bytes: Buffer, wrapping: Wrapping): Buffer {
  let kept = 0;
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(LINE_FEED, start);
    const [from, to] = eventIn(bytes, start, end, wrapping);
    bytes.copyWithin(kept, from, to);
    kept += to - from;
    bytes[kept++] = LINE_FEED;
    start = end + 1;
  }
  return bytes.subarray(0, kept);
}

/** What is left of the line in `[start, end)`. */
function eventIn(bytes: Buffer, start: number, end: number, wrapping: Wrapping): readonly [number, number] {
  if (wrapping === "source") return sourceIn(bytes, start, end) ?? [start, end];
  // Few events begin with a letter that an action begins with.
  const isShort = end - start <= ACTION_BYTES && ACTION_LETTERS.includes(bytes[start + 2] ?? SPACE);
  return (isShort || bytes[start + 1] !== QUOTE) && isBulkAction(bytes.subarray(start, end))
    ? [start, start]
    : [start, end];
}

const ACTION = /^\s*\{\s*"(?:index|create|update|delete)"\s*:\s*\{/;
const ACTION_LETTERS = Buffer.from("icud");
const ACTION_BYTES = 4096;
/** What an action may say besides names that begin with `_`. */
const ACTION_KEYS: ReadonlySet<string> = new Set([
  "routing",
  "pipeline",
  "version",
  "version_type",
  "parent",
  "op_type",
  "require_alias",
  "require_data_stream",
  "list_executed_pipelines",
  "dynamic_templates",
  "if_seq_no",
  "if_primary_term",
  "retry_on_conflict",
]);

/** Whether a line is an action of Elasticsearch's bulk API: `{"index":{…}}`, with nothing inside but what an action says. */
export function isBulkAction(line: Buffer): boolean {
  if (line.length > ACTION_BYTES || !ACTION.test(line.toString("latin1", 0, 64))) return false;
  try {
    const actions = Object.values(JSON.parse(line.toString("utf8")) as Record<string, object>);
    return (
      actions.length === 1 && Object.keys(actions[0] ?? {}).every((key) => key.startsWith("_") || ACTION_KEYS.has(key))
    );
  } catch {
    return false;
  }
}

const SOURCE = Buffer.from(`"${SOURCE_KEY}"`);

/** Where the value of the line's own "_source" stands, when that is an object. */
function sourceIn(bytes: Buffer, start: number, end: number): readonly [number, number] | null {
  let depth = 0;
  // The last byte that was neither a space nor in a string: a string behind `{` or `,` is a key.
  let before = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte <= SPACE) continue;
    if (byte === QUOTE) {
      const close = closingQuote(bytes, at + 1, end);
      const isKey = depth === 1 && (before === BRACE_OPEN || before === COMMA);
      if (isKey && SOURCE.compare(bytes, at, close + 1) === 0) return objectBehind(bytes, close + 1, end);
      at = close;
    } else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) depth++;
    else if (byte === BRACE_CLOSE || byte === BRACKET_CLOSE) depth--;
    before = byte;
  }
  return null;
}

/** The object behind a colon at or behind `from`. */
function objectBehind(bytes: Buffer, from: number, end: number): readonly [number, number] | null {
  let start = from;
  while (start < end && ((bytes[start] as number) <= SPACE || bytes[start] === COLON)) start++;
  if (bytes[start] !== BRACE_OPEN) return null;
  let depth = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = closingQuote(bytes, at + 1, end);
    else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) depth++;
    else if (byte === BRACE_CLOSE || byte === BRACKET_CLOSE) {
      depth--;
      if (depth === 0) return [start, at + 1];
    }
  }
  return null;
}

/** Where the string ends whose contents begin at `from`; `end` when it does not. */
function closingQuote(bytes: Buffer, from: number, end: number): number {
  // Most strings are too short for a search by the runtime to be worth its call.
  for (let at = from; at < end; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return end;
}
