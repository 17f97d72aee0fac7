// A line whose object has an outline -> its text, and the text of some of its members, cut out of it.

import { type Outline, outlineOf, PLACE_NUMBERS } from "./outline.js";

export interface OutlinedObject {
  readonly kind: "outlined";
  readonly outline: Outline;
  readonly line: OutlinedLine;
}

interface OutlinedLine {
  readonly bytes: Buffer;
  /** Where the whole object begins in the bytes, and its text. */
  readonly start: number;
  readonly text: string;
  /** A text in which each byte is a character, as are those of names. */
  readonly latin: string;
  /** `text` is that too. */
  readonly isAscii: boolean;
}

/** Some members of an object as text, and the others by their numbers. */
export interface DividedMembers {
  readonly text: string;
  readonly others: readonly number[];
}

/** The object that stands in a line from one place to another; null when it has no outline. */
export function outlinedObject(bytes: Uint8Array, start: number, end: number): OutlinedObject | null {
  const outline = outlineOf(bytes, start, end);
  if (outline === null) return null;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const latin = buffer.toString("latin1", start, end);
  const { isAscii } = outline;
  const text = isAscii ? latin : buffer.toString("utf8", start, end);
  return { kind: "outlined", outline, line: { bytes: buffer, start, text, latin, isAscii } };
}

/** Names that are looked for among those of members. */
export interface NameSet {
  /** By character, 1 where one of them begins so: what begins otherwise need not be made a text. */
  readonly firsts: Uint8Array;
  readonly has: (name: string) => boolean;
}

/** A set of names that begin as one of these does. */
export function nameSet(names: Iterable<string>, has: NameSet["has"]): NameSet {
  const firsts = new Uint8Array(256);
  for (const name of names) firsts[name.charCodeAt(0)] = 1;
  return { firsts, has };
}

/** Those of the members whose names are not in the set, in their order and without white space around their names. */
export function divideMembers(object: OutlinedObject, set: NameSet): DividedMembers {
  const { places, start } = object.outline;
  const { latin } = object.line;
  const before = start - object.line.start;
  const count = places.length / PLACE_NUMBERS;
  const others: number[] = [];
  let text = "";
  /** The first of those that are not in the set and stand side by side. */
  let first = 0;
  for (let index = 0; index < count; index++) {
    const code = latin.charCodeAt(before + (places[PLACE_NUMBERS * index] ?? 0));
    if (set.firsts[code] !== 1 || !set.has(memberName(object, index))) continue;
    text = joined(text, rowText(object, first, index));
    first = index + 1;
    others.push(index);
  }
  return { text: joined(text, rowText(object, first, count)), others };
}

export function memberName({ outline: { start, places }, line }: OutlinedObject, index: number): string {
  const at = PLACE_NUMBERS * index;
  const before = start - line.start;
  return line.latin.slice(before + (places[at] ?? 0), before + (places[at + 1] ?? 0));
}

/** A member without white space around its name. */
export function memberText(object: OutlinedObject, index: number): string {
  const { places } = object.outline;
  const at = PLACE_NUMBERS * index;
  return `"${memberName(object, index)}":${between(object, places[at + 2] ?? 0, places[at + 3] ?? 0)}`;
}

/** The value of a member, where that is an object. */
export function memberObject(object: OutlinedObject, index: number): OutlinedObject | null {
  const {
    outline: { start, places },
    line,
  } = object;
  const at = PLACE_NUMBERS * index;
  const outline = outlineOf(line.bytes, start + (places[at + 2] ?? 0), start + (places[at + 3] ?? 0));
  return outline === null ? null : { kind: "outlined", outline, line };
}

/** Members that stand side by side, without white space around their names. */
function rowText(object: OutlinedObject, from: number, to: number): string {
  if (from === to) return "";
  const { places, isCompact } = object.outline;
  if (isCompact) {
    // From the quote of the first name to the end of the last value.
    return between(object, (places[PLACE_NUMBERS * from] ?? 0) - 1, places[PLACE_NUMBERS * to - 1] ?? 0);
  }
  let text = memberText(object, from);
  for (let index = from + 1; index < to; index++) text += `,${memberText(object, index)}`;
  return text;
}

/** The text between two places of an object, of which neither stands within a character. */
function between({ outline, line }: OutlinedObject, from: number, to: number): string {
  const { bytes, start, text, isAscii } = line;
  const before = outline.start - start;
  if (isAscii) return text.slice(before + from, before + to);
  return bytes.toString("utf8", outline.start + from, outline.start + to);
}

function joined(a: string, b: string): string {
  return a === "" || b === "" ? a + b : `${a},${b}`;
}
