// The bytes of an event and the format they are written in -> what others need of them. A second format is one more entry
// of FORMATS, and nothing else asks how an event is written.
//
// json   one JSON object, as it stood in its line. In an alert the text is the event's own, so that no digit of a number and
//        no order of keys is lost (json-reading.ts).

import { BRACE_CLOSE, BRACE_OPEN, SPACE } from "@kestrel/stdlib/text/characters";
import { type EventReading, readLine, validJson } from "./json-reading.js";

export type EventFormat = "json";

interface Format {
  /** The JSON text that stands for an event in results; valid whatever the bytes hold. */
  readonly toJson: (bytes: Uint8Array) => string;
  readonly read: (bytes: Uint8Array) => EventReading;
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
  json: { toJson: validJson, read: readLine, withCount: withCountOfOne },
};

/** What was read last. Several rules match one event, and their alerts come one after the other. */
let latest: { readonly bytes: Uint8Array; readonly reading: EventReading } | null = null;

/** The JSON text that stands for an event. */
export function eventJson({ format, bytes }: Written): string {
  return FORMATS[format].toJson(bytes);
}

/** What an alert says of an event. SOUND: the bytes of an event do not change. */
export function readEvent({ format, bytes }: Written): EventReading {
  if (latest === null || latest.bytes !== bytes) latest = { bytes, reading: FORMATS[format].read(bytes) };
  return latest.reading;
}

/** The same event with a `count` of 1, which the tests of pipes behind `unique_count` read. */
export function withCount<Event extends Written>(event: Event): Event {
  return { ...event, bytes: FORMATS[event.format].withCount(event.bytes) };
}

function withCountOfOne(line: Uint8Array): Uint8Array {
  const open = line.indexOf(BRACE_OPEN) + 1;
  let next = open;
  while (next < line.length && (line[next] ?? 0) <= SPACE) next++;
  const separator = line[next] === BRACE_CLOSE ? [] : [COMMA_TEXT];
  return Buffer.concat([line.subarray(0, open), COUNT_ONE, ...separator, line.subarray(open)]);
}
