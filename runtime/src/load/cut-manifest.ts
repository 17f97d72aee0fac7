// The bytes of manifest.json -> the value that stands there, of which `rules` and `demands` are parsed only when somebody asks for them.
//
// They are five sixths of a large manifest: texts for alerts and lists, and what a live collector leaves out. A run that finds nothing needs of them the id and
// the kind of each rule. The manifest stays one file, so one digest covers it, and every byte of it is hashed.
//
// Where the two stand is seen by the layout that eqlc writes: two spaces for each depth. A manifest in another layout is not cut.
//
// SOUND: what is cut and put together is what `JSON.parse` of the whole gives. A line feed cannot stand in a string of JSON, so `\n  "rules": [` is a name with the
// beginning of its list, at whatever depth; in its place stands a number, and then both the rest and the list between its brackets must be JSON by
// themselves. That the name is the manifest's own, and not written again behind it, is seen by where the number comes out, which is infinite as nothing in
// a manifest is.

import { isAscii } from "node:buffer";
import { isObject, type JsonObject } from "./json-shape.js";

export interface CutManifest {
  /** Without its `rules` and `demands`; numbers stand in their places. */
  readonly value: JsonObject;
  /** As they stand in the lines of a rule that are its own, in order; there are as many of both. */
  readonly ids: readonly unknown[];
  readonly kinds: readonly unknown[];
  /** Parse what was cut out. Throw SyntaxError. */
  readonly rules: () => unknown;
  readonly demands: () => unknown;
}

/** A list: its first byte, and the one behind its last. */
interface Range {
  readonly from: number;
  readonly to: number;
}

const PLACEHOLDER = "1e999";
const LIST_END = Buffer.from("\n  ]");
const LIST_BEGINS = { rules: Buffer.from('\n  "rules": ['), demands: Buffer.from('\n  "demands": [') };
const OWN_LINES = { id: Buffer.from('\n      "id": '), kind: Buffer.from('\n      "kind": ') };
const LINE_FEED = 10;

/** null for a manifest that is laid out in another way, or is no manifest. */
export function cutManifest(bytes: Buffer): CutManifest | null {
  if (!isAscii(bytes)) return null;
  const rules = rangeOf(bytes, LIST_BEGINS.rules, 0);
  const demands = rules === null ? null : rangeOf(bytes, LIST_BEGINS.demands, rules.to);
  if (rules === null || demands === null) return null;
  const around = [textOf(bytes, 0, rules.from), textOf(bytes, rules.to, demands.from)];
  try {
    const value: unknown = JSON.parse([...around, textOf(bytes, demands.to)].join(PLACEHOLDER));
    const ids = ownValues(bytes, rules, OWN_LINES.id);
    const kinds = ownValues(bytes, rules, OWN_LINES.kind);
    if (!isObject(value) || !isCutOut(value.rules) || !isCutOut(value.demands) || ids.length !== kinds.length)
      return null;
    const parse = ({ from, to }: Range): unknown => JSON.parse(textOf(bytes, from, to));
    return { value, ids, kinds, rules: () => parse(rules), demands: () => parse(demands) };
  } catch {
    return null;
  }
}

function rangeOf(bytes: Buffer, begin: Buffer, behind: number): Range | null {
  const at = bytes.indexOf(begin, behind);
  const end = at < 0 ? -1 : bytes.indexOf(LIST_END, at + begin.length);
  return end < 0 ? null : { from: at + begin.length - 1, to: end + LIST_END.length };
}

function textOf(bytes: Buffer, from: number, to?: number): string {
  return bytes.toString("latin1", from, to);
}

function isCutOut(value: unknown): boolean {
  return value === Number.POSITIVE_INFINITY;
}

/** The values of all lines in the range that begin so. */
function ownValues(bytes: Buffer, { from, to }: Range, begin: Buffer): readonly unknown[] {
  const values: string[] = [];
  for (let at = bytes.indexOf(begin, from); at >= 0 && at < to; ) {
    const end = bytes.indexOf(LINE_FEED, at + 1);
    values.push(textOf(bytes, at + begin.length, end));
    at = bytes.indexOf(begin, end);
  }
  // Each ends with the comma in front of the next one.
  return JSON.parse(`[${values.join("").replace(/,$/, "")}]`) as unknown[];
}
