// The bytes of an event and the format they are written in -> what others need of them. A second format is one more entry
// of FORMATS, and nothing else asks how an event is written.
//
// json   one JSON object, as it stood in its line. In an alert the text is the event's own, so that no digit of a number and
//        no order of keys is lost. It is parsed only to make sure that the alert stays valid JSON: the module passes over
//        what no rule reads without judging it.

import { BRACE_CLOSE, BRACE_OPEN, SPACE } from "@kestrel/stdlib/text/characters";

export type EventFormat = "json";

interface Format {
  /** The JSON text that stands for an event in alerts and results; valid whatever the bytes hold. */
  readonly toJson: (bytes: Uint8Array) => string;
  /** The event with a `count` of 1 in front of its members: endgame reads the first of two members of one name. */
  readonly withCount: (bytes: Uint8Array) => Uint8Array;
}

interface Written {
  readonly bytes: Uint8Array;
  readonly format: EventFormat;
}

const COUNT_ONE = Buffer.from('"count":1');
const COMMA = Buffer.from(",");

const FORMATS: Readonly<Record<EventFormat, Format>> = {
  json: { toJson: validJson, withCount: withCountOfOne },
};

/** The JSON text that stands for an event. */
export function eventJson({ format, bytes }: Written): string {
  return FORMATS[format].toJson(bytes);
}

/** The same event with a `count` of 1, which the tests of pipes behind `unique_count` read. */
export function withCount<Event extends Written>(event: Event): Event {
  return { ...event, bytes: FORMATS[event.format].withCount(event.bytes) };
}

/** Invalid UTF-8 is replaced. A line that is not JSON after all becomes a JSON string. */
function validJson(line: Uint8Array): string {
  const text = trimmedText(line);
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

/** The line without the white space around it; what JSON calls white space is what is below "!". */
function trimmedText(line: Uint8Array): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] ?? 0) <= SPACE) end--;
  let start = 0;
  while (start < end && (line[start] ?? 0) <= SPACE) start++;
  return Buffer.from(line.buffer, line.byteOffset + start, end - start).toString("utf8");
}

function withCountOfOne(line: Uint8Array): Uint8Array {
  const open = line.indexOf(BRACE_OPEN) + 1;
  let next = open;
  while (next < line.length && (line[next] ?? 0) <= SPACE) next++;
  const separator = line[next] === BRACE_CLOSE ? [] : [COMMA];
  return Buffer.concat([line.subarray(0, open), COUNT_ONE, ...separator, line.subarray(open)]);
}
