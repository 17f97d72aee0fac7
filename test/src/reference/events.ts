// NDJSON lines -> events with their place in time, and the order that sequences and pipes see them in.

import type { Schema } from "@kestrel/stdlib/schema/types";
import type { TimestampUnit } from "./dates.js";
import { readLong } from "./decimals.js";
import { type FlatEvent, fieldValues, flatten, type ReferenceType, scalarText } from "./flatten.js";
import { type Json, readJson } from "./read-json.js";
import type { Value } from "./values.js";

export interface ReferenceOptions {
  readonly schema: Schema;
  /** `@timestamp` when absent. It is read as a date whatever the schema says of it. */
  readonly timestampField?: string;
  /** What a number in the timestamp field counts; told by its size when absent. */
  readonly timestampUnit?: TimestampUnit;
  /** `event.sequence` when absent. */
  readonly tiebreakerField?: string;
  /** `event.category` when absent. It is read as a keyword. */
  readonly categoryField?: string;
  /** How many samples a key may give over a whole file; 1 when absent. */
  readonly maxSamplesPerKey?: number;
  /**
   * A sample is judged as a stream judges it: a key gives one as soon as it can, out of the events that have come by then,
   * and is forgotten this many nanoseconds after its first event. When absent, all events are there before one is chosen.
   */
  readonly sampleWindowNs?: bigint;
}

/** The time of an event without one when no timed event arrived before it: the least that a time can be. */
export const BEFORE_EVERYTHING = -(1n << 63n);

export interface RefEvent {
  /** Its place in the order of arrival, from 0. */
  readonly ordinal: number;
  /** Nanoseconds since 1970. */
  readonly ts: bigint;
  /** False when `ts` was borrowed from an earlier event, or is BEFORE_EVERYTHING because there was none. */
  readonly timed: boolean;
  readonly tie: bigint | null;
  readonly line: string;
  readonly json: Json;
  /** What stands at every path of `json`, for what is read without the schema. */
  readonly flat: FlatEvent;
  readonly categories: readonly string[];
  /** Every field of the schema that has a value. */
  readonly fields: ReadonlyMap<string, readonly Value[]>;
  /** How many values of fields of the schema could not be read as the field's type. */
  readonly malformed: number;
}

/**
 * Reads one line. An event whose timestamp is missing or malformed takes `last`, which is the timestamp of the event that
 * arrived last before it and had one. Throws on broken JSON and on a top level that is not an object.
 */
export function readEvent(
  line: string,
  options: ReferenceOptions,
  ordinal = 0,
  last: bigint = BEFORE_EVERYTHING,
): RefEvent {
  const json = readJson(line);
  if (json.kind !== "object") throw new SyntaxError("An event must be a JSON object");
  const flat = flatten(json);
  const fields = new Map<string, readonly Value[]>();
  let malformed = 0;
  for (const field of options.schema.fields.values()) {
    const isTime = field.name === (options.timestampField ?? "@timestamp") && field.type === "date";
    const read = fieldValues(flat, field.name, isTime ? timeType(options) : field.type);
    malformed += read.malformed;
    if (read.values.length > 0) fields.set(field.name, read.values);
  }
  const ts = timestampOf(flat, options);
  return {
    ordinal,
    ts: ts ?? last,
    timed: ts !== null,
    tie: tiebreakerOf(flat, options),
    line,
    json,
    flat,
    categories: categoriesOf(flat, options),
    fields,
    malformed,
  };
}

/** Reads the lines of a stream in the order of their arrival. Throws as `readEvent` does. */
export function readEvents(lines: readonly string[], options: ReferenceOptions): RefEvent[] {
  const events: RefEvent[] = [];
  let last = BEFORE_EVERYTHING;
  for (const [ordinal, line] of lines.entries()) {
    const event = readEvent(line, options, ordinal, last);
    last = event.ts;
    events.push(event);
  }
  return events;
}

/** By timestamp, then tiebreaker with the missing ones last, then arrival. */
export function sortEvents(events: readonly RefEvent[]): RefEvent[] {
  return [...events].sort((a, b) => {
    if (a.ts !== b.ts) return a.ts < b.ts ? -1 : 1;
    if (a.tie !== b.tie) {
      if (a.tie === null || b.tie === null) return a.tie === null ? 1 : -1;
      return a.tie < b.tie ? -1 : 1;
    }
    return a.ordinal - b.ordinal;
  });
}

function timeType(options: ReferenceOptions): ReferenceType {
  return { timestamp: options.timestampUnit ?? "auto" };
}

function timestampOf(flat: FlatEvent, options: ReferenceOptions): bigint | null {
  const first = fieldValues(flat, options.timestampField ?? "@timestamp", timeType(options)).values[0];
  return first !== undefined && first !== null && typeof first === "object" && first.type === "date"
    ? first.nanoseconds
    : null;
}

/** The first whole number there, as a number or as text: any long, or digits of at most 2^64 - 1. */
function tiebreakerOf(flat: FlatEvent, options: ReferenceOptions): bigint | null {
  for (const scalar of flat.values.get(options.tiebreakerField ?? "event.sequence") ?? []) {
    if (scalar.kind === "null" || scalar.kind === "boolean") continue;
    const text = scalarText(scalar);
    const long = readLong(text);
    if (long !== null) return long;
    if (/^\+?[0-9]+$/.test(text) && BigInt(text.replace("+", "")) < 2n ** 64n) return BigInt(text.replace("+", ""));
  }
  return null;
}

function categoriesOf(flat: FlatEvent, options: ReferenceOptions): string[] {
  const scalars = flat.values.get(options.categoryField ?? "event.category") ?? [];
  return scalars.flatMap((scalar) => (scalar.kind === "null" ? [] : [scalarText(scalar)]));
}
