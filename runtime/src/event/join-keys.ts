// The join keys of one match, as the module wrote them -> key strings, one for each distinct tuple; and back to JSON.
//
// A part is JSON text: "text", 12, 0.5, true or null; a date is written d<nanoseconds>. So a text never equals a number, and
// a long equals the double of the same value, which is written without a fraction. What comes as JSON text, arrays and
// objects, is written in one way (raw-json.ts). Parts are joined by line feeds, which JSON text of one value never holds
// when it is written so.
//
// INVARIANT: two tuples have the same key string exactly when their values are equal part by part. No keys is "".

import {
  KEY_COUNT,
  KEY_HEADER_BYTES,
  KEY_OPTIONAL,
  KEY_TEXT_LENGTH,
  KEY_TEXT_PADDING,
  KEY_TEXT_START,
  KEY_TYPE,
  TYPE_BOOLEAN,
  TYPE_DATE,
  TYPE_DOUBLE,
  TYPE_KEYWORD,
  TYPE_LONG,
  TYPE_RAW,
  VALUE_BYTES,
} from "@kestrel/stdlib/abi";
import type { MemoryView } from "../load/memory-view.js";
import { isoTime } from "./iso-time.js";
import { createKnownKeys } from "./known-keys.js";
import { doublePart, uniformJson } from "./raw-json.js";

/** How many tuples one match of multi-valued keys becomes at most; the first ones are kept. */
export const KEY_TUPLE_LIMIT = 1024;

/** Keys that are read as so few strings are remembered with these. */
const KNOWN_TUPLES = 4;

const NO_KEYS_FIELDS: readonly string[] = [""];
const NO_TUPLES: readonly string[] = [];
const NULL_PART: readonly string[] = ["null"];
const SEPARATOR = "\n";
const WORD_BYTES = 4;

/** Where key strings are made: of a match with more tuples than the limit, those of the first. */
export interface KeyReader {
  /** The strings of a region of so many bytes, which begins at a word. */
  read(memory: MemoryView, at: number, length: number): readonly string[];
  /** Whether the region has more tuples than the limit. */
  isCut(memory: MemoryView, at: number, length: number): boolean;
}

/** Whether a match has keys at all: false when one that is not optional is null, so that nothing can be joined by them. */
export function hasKeys(view: DataView, start: number, length: number): boolean {
  for (let at = start; at < start + length; ) {
    const code = view.getUint32(at + KEY_TYPE, true);
    const count = view.getUint32(at + KEY_COUNT, true);
    if (count === 0 && code >>> 0 < KEY_OPTIONAL) return false;
    const type = code & ~KEY_OPTIONAL;
    at += KEY_HEADER_BYTES;
    for (let left = count; left > 0; left--) at += valueBytes(view, at, type);
  }
  return true;
}

/** The product of how many values each key has: there are no more tuples, and fewer where values are equal. */
function mostTuples(view: DataView, start: number, length: number): number {
  let tuples = 1;
  for (let at = start; at < start + length; ) {
    const type = view.getUint32(at + KEY_TYPE, true) & ~KEY_OPTIONAL;
    const count = view.getUint32(at + KEY_COUNT, true);
    if (count > 1) tuples *= count;
    at += KEY_HEADER_BYTES;
    for (let left = count; left > 0; left--) at += valueBytes(view, at, type);
  }
  return tuples;
}

/** Bytes of the value of a key that stands there. */
function valueBytes(view: DataView, at: number, type: number): number {
  if (type !== TYPE_KEYWORD && type !== TYPE_RAW) return VALUE_BYTES;
  return KEY_TEXT_START + ((view.getUint32(at + KEY_TEXT_LENGTH, true) + KEY_TEXT_PADDING) & ~KEY_TEXT_PADDING);
}

/** A reader of the key regions that stdlib/src/abi.ts draws. */
export function createKeyReader(limit: number = KEY_TUPLE_LIMIT): KeyReader {
  /** Whether what was read last was cut. */
  let wasCut = false;
  const known = createKnownKeys<readonly string[]>();

  function read({ view, bytes }: MemoryView, start: number, length: number): readonly string[] {
    const end = start + length;
    let at = start;
    let tuples: readonly string[] | null = null;
    wasCut = false;
    while (at < end) {
      const code = view.getUint32(at + KEY_TYPE, true);
      const count = view.getUint32(at + KEY_COUNT, true);
      const type = code & ~KEY_OPTIONAL;
      at += KEY_HEADER_BYTES;
      let parts: readonly string[];
      if (count === 0) {
        if (code >>> 0 < KEY_OPTIONAL) {
          wasCut = false;
          return NO_TUPLES;
        }
        parts = NULL_PART;
      } else {
        const values: string[] = [];
        for (let left = count; left > 0; left--) {
          let part: string;
          if (type === TYPE_KEYWORD || type === TYPE_RAW) {
            const size = view.getUint32(at + KEY_TEXT_LENGTH, true);
            const start = at + KEY_TEXT_START;
            const text = bytes.toString("utf8", start, start + size);
            part = type === TYPE_KEYWORD ? JSON.stringify(text) : uniformJson(text);
            at = start + ((size + KEY_TEXT_PADDING) & ~KEY_TEXT_PADDING);
          } else {
            part = numericPart(view, at, type);
            at += VALUE_BYTES;
          }
          values.push(part);
        }
        parts = count === 1 ? values : [...new Set(values)];
      }
      if (tuples === null) {
        wasCut ||= parts.length > limit;
        tuples = parts.length > limit ? parts.slice(0, limit) : parts;
      } else {
        wasCut ||= tuples.length * parts.length > limit;
        tuples = product(tuples, parts, limit);
      }
    }
    return tuples ?? NO_KEYS_FIELDS;
  }

  return {
    isCut(memory, start, length) {
      if (mostTuples(memory.view, start, length) <= limit) return false;
      read(memory, start, length);
      return wasCut;
    },
    read(memory, start, length) {
      if (length === 0) return NO_KEYS_FIELDS;
      const found = known.find(memory.words, start / WORD_BYTES, length / WORD_BYTES);
      if (found !== undefined) return found;
      const tuples = read(memory, start, length);
      if (tuples.length <= KNOWN_TUPLES) known.add(tuples);
      return tuples;
    },
  };
}

function product(heads: readonly string[], parts: readonly string[], limit: number): readonly string[] {
  const joined: string[] = [];
  for (const head of heads) {
    for (const part of parts) {
      if (joined.length === limit) return joined;
      joined.push(head + SEPARATOR + part);
    }
  }
  return joined;
}

function numericPart(view: DataView, at: number, type: number): string {
  switch (type) {
    case TYPE_LONG:
      return String(view.getBigInt64(at, true));
    case TYPE_BOOLEAN:
      return view.getUint32(at, true) === 0 ? "false" : "true";
    case TYPE_DATE:
      return `d${view.getBigInt64(at, true)}`;
    case TYPE_DOUBLE:
      return doublePart(view.getFloat64(at, true));
    default:
      throw new RangeError(`a join key of type ${type} does not exist`);
  }
}

/** The parts of a key string, each as the JSON text of its value. */
export function keyParts(key: string): readonly string[] {
  if (key === "") return NO_TUPLES;
  return key.split(SEPARATOR).map((part) => (isDate(part) ? `"${isoTime(BigInt(part.slice(1)))}"` : part));
}

/** The JSON array of a key string's parts. */
export function keyJson(key: string): string {
  return `[${keyParts(key).join(",")}]`;
}

function isDate(part: string): boolean {
  return part.startsWith("d");
}
