// A line of JSON -> what an alert says of its event.
//
// It is read again to make sure that the alert stays valid JSON: the module passes over what no rule reads without judging it. Most lines
// have an outline (outline.ts), which says that they may be taken as they stand; the others are made a tree (json-tree.ts) and put right.
//
// INVARIANT: an outline changes nothing but the time that it takes: as a tree the line would be the same text, members and identity.

import { SPACE } from "@kestrel/stdlib/text/characters";
import { type JsonObject, parseObject, uniqueJson, writeValue } from "./json-tree.js";
import { type OutlinedObject, outlinedObject } from "./outlined-object.js";
import { isJson } from "./raw-json.js";
import { withoutSpace } from "./without-space.js";

/** An event as text, members and identity. */
export interface EventReading {
  /** The event as it was written, without the white space around it; invalid UTF-8 is replaced. */
  readonly text: string;
  /** JSON text of the event in which every field stands once: its own text where that is so already. */
  readonly json: string;
  /** The own text is JSON. */
  readonly isJson: boolean;
  /** Its members; null when it cannot be read as an object, which no event of the decoder's is. */
  readonly object: OutlinedObject | JsonObject | null;
  /** The bytes that tell the event from others; those of two lines that differ in white space around values are equal. */
  readonly identity: Uint8Array;
}

/** What an alert says of the event in a line. */
export function readLine(line: Uint8Array): EventReading {
  const end = endOf(line);
  const start = startOf(line, end);
  const object = outlinedObject(line, start, end);
  if (object === null) return readTree(line);
  const { text } = object.line;
  const isWhole = start === 0 && end === line.length;
  const identity = !object.outline.isCompact ? withoutSpace(line) : isWhole ? line : line.subarray(start, end);
  return { text, json: text, isJson: true, object, identity };
}

/** The same by a tree, which needs no outline. */
export function readTree(line: Uint8Array): EventReading {
  const text = trimmedText(line);
  const object = parseObject(text);
  const json = object === null ? JSON.stringify(text) : uniqueJson(object);
  return { text, json, isJson: object?.isJson === true, object, identity: withoutSpace(line) };
}

/** Values that are not JSON are repaired; a line that is not an object at all becomes a JSON string. */
export function validJson(line: Uint8Array): string {
  const text = trimmedText(line);
  if (isJson(text)) return text;
  const object = parseObject(text);
  return object === null ? JSON.stringify(text) : writeValue(object);
}

/** The line without the white space around it; what JSON calls white space is what is below "!". */
function trimmedText(line: Uint8Array): string {
  const end = endOf(line);
  const start = startOf(line, end);
  return Buffer.from(line.buffer, line.byteOffset + start, end - start).toString("utf8");
}

function endOf(line: Uint8Array): number {
  let end = line.length;
  while (end > 0 && (line[end - 1] ?? 0) <= SPACE) end--;
  return end;
}

function startOf(line: Uint8Array, end: number): number {
  let start = 0;
  while (start < end && (line[start] ?? 0) <= SPACE) start++;
  return start;
}
