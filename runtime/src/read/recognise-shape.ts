// The beginning of a text -> how the events stand in it. Lines of JSON are by far the most usual, and are known by their first line.

import {
  BACKSLASH,
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  CARRIAGE_RETURN,
  COLON,
  COMMA,
  LINE_FEED,
  QUOTE,
  SPACE,
  TAB,
} from "@kestrel/stdlib/text/characters";
import type { ElementPlace } from "./split-elements.js";
import { isBulkAction, SOURCE_KEY, type Wrapping } from "./unwrap-lines.js";

export interface Shape {
  /** Events are lines, or they are elements that have to be made lines. */
  readonly place: "lines" | ElementPlace;
  readonly wrapping: Wrapping | null;
  /** Whether it begins as a JSON object, or as an array of objects. */
  readonly isJson: boolean;
}

/** No more of a text is looked at. */
export const HEAD_BYTES = 1 << 16;

const PLAIN: Shape = { place: "lines", wrapping: null, isJson: true };
const NOT_JSON: Shape = { place: "lines", wrapping: null, isJson: false };

/** The shape of a text that begins with `head`; null when that needs more of it. `isAll` says that there is no more. */
export function recogniseShape(head: Buffer, isAll: boolean): Shape | null {
  const isLast = isAll || head.length >= HEAD_BYTES;
  const start = skipSpace(head, 0);
  if (start === head.length) return isLast ? PLAIN : null;
  if (head[start] !== BRACE_OPEN && head[start] !== BRACKET_OPEN) return NOT_JSON;
  const isArray = head[start] === BRACKET_OPEN;
  const first = isArray ? skipSpace(head, start + 1) : start;
  if (first === head.length) return isLast ? { ...PLAIN, place: isArray ? "values" : "lines" } : null;
  if (head[first] === BRACKET_CLOSE) return { ...PLAIN, place: "values" };
  if (head[first] !== BRACE_OPEN) return NOT_JSON;

  const object = lookAt(head, first);
  const wrapping = object.hasSource ? "source" : null;
  if (object.isBroken) return PLAIN;
  if (isArray)
    return wrapping !== null || object.end !== null || isLast ? { ...PLAIN, place: "values", wrapping } : null;
  if (object.hasHits) return { ...PLAIN, place: "hits", wrapping: "source" };
  if (object.isLong) {
    return wrapping !== null || object.end !== null || isLast ? { ...PLAIN, place: "values", wrapping } : null;
  }
  if (object.end === null) return isLast ? { ...PLAIN, wrapping } : null;

  // Objects that stand on one line behind each other, with or without commas, are not lines either.
  let behind = object.end;
  while (head[behind] === SPACE || head[behind] === TAB || head[behind] === CARRIAGE_RETURN) behind++;
  if (behind === head.length && !isLast) return null;
  if (head[behind] === COMMA || head[behind] === BRACE_OPEN) return { ...PLAIN, place: "values", wrapping };
  return isBulkAction(head.subarray(first, object.end)) ? { ...PLAIN, wrapping: "bulk" } : { ...PLAIN, wrapping };
}

interface Looked {
  /** Behind the closing brace; null when that is not in the head. */
  end: number | null;
  /** What is there is not the beginning of a JSON object. */
  isBroken: boolean;
  /** It goes on behind a line feed. */
  isLong: boolean;
  /** It has a "_source" that is an object; a "hits" with an array "hits" in it. */
  hasSource: boolean;
  hasHits: boolean;
}

/** A bracket that is open: which one, and the last key in it. */
interface Open {
  readonly isObject: boolean;
  key: string;
}

type Expected = "key" | "key or end" | "colon" | "value" | "value or end" | "comma or end";

/** Reads the object at `start` as JSON, as far as it is there; scalars are not checked. */
function lookAt(head: Buffer, start: number): Looked {
  const looked: Looked = { end: null, isBroken: false, isLong: false, hasSource: false, hasHits: false };
  const open: Open[] = [{ isObject: true, key: "" }];
  let expected: Expected = "key or end";
  for (let at = start + 1; ; ) {
    const from = at;
    at = skipSpace(head, at);
    const byte = head[at];
    if (byte === undefined) return looked;
    const inner = open[open.length - 1] as Open;
    const wantsValue = expected === "value" || expected === "value or end";
    let fits = true;
    if (byte === QUOTE) {
      const close = stringEnd(head, at + 1);
      fits = expected === "key" || expected === "key or end" || wantsValue;
      // A string that is not there as a whole; one with a line feed in it is none.
      if (close === head.length && fits) return looked;
      if (head[close] !== QUOTE) fits = false;
      else if (wantsValue) expected = "comma or end";
      else {
        inner.key = head.toString("latin1", at + 1, close);
        expected = "colon";
      }
      at = close + 1;
    } else if (byte === COLON) {
      fits = expected === "colon";
      expected = "value";
      at++;
    } else if (byte === COMMA) {
      fits = expected === "comma or end";
      expected = inner.isObject ? "key" : "value";
      at++;
    } else if (byte === BRACE_CLOSE || byte === BRACKET_CLOSE) {
      const ends = expected === "comma or end" || expected === "key or end" || expected === "value or end";
      fits = ends && inner.isObject === (byte === BRACE_CLOSE);
      open.pop();
      expected = "comma or end";
      at++;
    } else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) {
      fits = wantsValue;
      const isObject = byte === BRACE_OPEN;
      if (fits && isObject && open.length === 1 && inner.key === SOURCE_KEY) looked.hasSource = true;
      if (fits && !isObject && open.length === 2 && open.every(({ key }) => key === "hits")) looked.hasHits = true;
      open.push({ isObject, key: "" });
      expected = isObject ? "key or end" : "value or end";
      at++;
    } else {
      fits = wantsValue && isScalar(byte);
      expected = "comma or end";
      while (at < head.length && isScalar(head[at] as number)) at++;
    }
    if (!fits) {
      looked.isBroken = true;
      return looked;
    }
    if (!looked.isLong) looked.isLong = head.subarray(from, at).includes(LINE_FEED);
    if (open.length === 0) {
      looked.end = at;
      return looked;
    }
  }
}

function skipSpace(head: Buffer, from: number): number {
  let at = from;
  while (head[at] === SPACE || head[at] === TAB || head[at] === CARRIAGE_RETURN || head[at] === LINE_FEED) at++;
  return at;
}

/** Where the closing quote stands, or the line feed that should not be there, or the end. */
function stringEnd(head: Buffer, from: number): number {
  let at = from;
  while (at < head.length && head[at] !== QUOTE && head[at] !== LINE_FEED) at += head[at] === BACKSLASH ? 2 : 1;
  return Math.min(at, head.length);
}

/** Whether a number, `true`, `false` or `null` can have this character. */
function isScalar(byte: number): boolean {
  return /[\w.+-]/.test(String.fromCharCode(byte));
}
