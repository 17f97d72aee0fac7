// The bytes of an event and the format they are written in -> what others need of them. A second format is one more entry
// of FORMATS, and nothing else asks how an event is written.
//
// json   one JSON object, as it stood in its line. In an alert the text is the event's own, so that no digit of a number and
//        no order of keys is lost. It is read again only to make sure that the alert stays valid JSON: the module passes over
//        what no rule reads without judging it.

import {
  BACKSLASH,
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  COMMA,
  QUOTE,
  SPACE,
} from "@kestrel/stdlib/text/characters";
import { type JsonObject, parseObject, writeValue } from "./json-tree.js";
import { isJson } from "./raw-json.js";

export type EventFormat = "json";

/** An event as text and members. */
export interface EventText {
  /** The event as it was written, without the white space around it; invalid UTF-8 is replaced. */
  readonly text: string;
  /** Its members; null when it cannot be read as an object, which no event of the decoder's is. */
  readonly object: JsonObject | null;
}

interface Format {
  /** The JSON text that stands for an event in results; valid whatever the bytes hold. */
  readonly toJson: (bytes: Uint8Array) => string;
  readonly toText: (bytes: Uint8Array) => EventText;
  /** What is the same however often and wherever the event is recorded. */
  readonly toIdentity: (bytes: Uint8Array) => Uint8Array;
  /** The event with a `count` of 1 in front of its members: endgame reads the first of two members of one name. */
  readonly withCount: (bytes: Uint8Array) => Uint8Array;
}

interface Written {
  readonly bytes: Uint8Array;
  readonly format: EventFormat;
}

const COUNT_ONE = Buffer.from('"count":1');
const COMMA_TEXT = Buffer.from(",");

const FORMATS: Readonly<Record<EventFormat, Format>> = {
  json: { toJson: validJson, toText: jsonText, toIdentity: withoutSpace, withCount: withCountOfOne },
};

/** The JSON text that stands for an event. */
export function eventJson({ format, bytes }: Written): string {
  return FORMATS[format].toJson(bytes);
}

/** The event as text and members. */
export function eventText({ format, bytes }: Written): EventText {
  return FORMATS[format].toText(bytes);
}

/** The bytes that tell an event from others; those of two lines that differ in white space around values are equal. */
export function eventIdentity({ format, bytes }: Written): Uint8Array {
  return FORMATS[format].toIdentity(bytes);
}

/** The same event with a `count` of 1, which the tests of pipes behind `unique_count` read. */
export function withCount<Event extends Written>(event: Event): Event {
  return { ...event, bytes: FORMATS[event.format].withCount(event.bytes) };
}

/** Values that are not JSON are repaired; a line that is not an object at all becomes a JSON string. */
function validJson(line: Uint8Array): string {
  const text = trimmedText(line);
  if (isJson(text)) return text;
  const object = parseObject(text);
  return object === null ? JSON.stringify(text) : writeValue(object);
}

function jsonText(line: Uint8Array): EventText {
  const text = trimmedText(line);
  return { text, object: parseObject(text) };
}

/** The line without the white space around it; what JSON calls white space is what is below "!". */
function trimmedText(line: Uint8Array): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] ?? 0) <= SPACE) end--;
  let start = 0;
  while (start < end && (line[start] ?? 0) <= SPACE) start++;
  return Buffer.from(line.buffer, line.byteOffset + start, end - start).toString("utf8");
}

/**
 * The line without white space around brackets, commas and colons. Other white space between values, which only a
 * malformed line has, becomes one space, so that `1 2` is not `12`.
 */
function withoutSpace(line: Uint8Array): Uint8Array {
  let kept: Uint8Array | null = null;
  let size = 0;
  let at = 0;
  while (at < line.length) {
    const code = line[at] ?? 0;
    if (code === QUOTE) {
      const end = stringEnd(line, at);
      if (kept !== null) kept.set(line.subarray(at, end), size);
      size += end - at;
      at = end;
      continue;
    }
    if (code > SPACE) {
      if (kept !== null) kept[size] = code;
      size++;
      at++;
      continue;
    }
    const before = size;
    const from = at;
    while (at < line.length && (line[at] ?? 0) <= SPACE) at++;
    kept ??= copyOf(line, from);
    const isInside = before > 0 && at < line.length && !isMark(kept[before - 1] ?? 0) && !isMark(line[at] ?? 0);
    if (isInside) kept[size++] = SPACE;
  }
  return kept === null ? line : kept.subarray(0, size);
}

function copyOf(line: Uint8Array, length: number): Uint8Array {
  const copy = new Uint8Array(line.length);
  copy.set(line.subarray(0, length));
  return copy;
}

/** Behind the string whose quote stands at `from`, or the end of the line. */
function stringEnd(line: Uint8Array, from: number): number {
  let at = from + 1;
  while (at < line.length && line[at] !== QUOTE) at += line[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, line.length);
}

function isMark(code: number): boolean {
  return (
    code === COMMA ||
    code === COLON ||
    code === BRACE_OPEN ||
    code === BRACE_CLOSE ||
    code === BRACKET_OPEN ||
    code === BRACKET_CLOSE
  );
}

function withCountOfOne(line: Uint8Array): Uint8Array {
  const open = line.indexOf(BRACE_OPEN) + 1;
  let next = open;
  while (next < line.length && (line[next] ?? 0) <= SPACE) next++;
  const separator = line[next] === BRACE_CLOSE ? [] : [COMMA_TEXT];
  return Buffer.concat([line.subarray(0, open), COUNT_ONE, ...separator, line.subarray(open)]);
}
