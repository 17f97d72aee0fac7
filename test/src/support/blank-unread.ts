// What the decoder may be lenient about, as a transformation: a line -> the same line with `""` or `{}` in the place of each
// value that no field of the schema can come from. In such values the decoder checks only that strings are closed and hold no
// control characters, and that brackets close as often as they open, so a line that is JSON after this must be accepted,
// and one that is not must be refused.

import type { FieldType, Schema } from "@kestrel/stdlib/schema/types";
import { readJson } from "../reference/read-json.js";

type Path = string | null;

interface Place {
  readonly type: FieldType | null;
  /** Whether fields lie below. */
  readonly below: boolean;
}

interface Walk {
  readonly text: string;
  readonly placeOf: (path: string) => Place;
  at: number;
  /** Up to where the text is in `out`. */
  copied: number;
  out: string;
}

/** The structure is not that of JSON: what is left of the line stays as it is. */
class Astray extends Error {}

export function blankUnread(text: string, schema: Schema): string {
  const walk: Walk = { text, placeOf: placesOf(schema), at: 0, copied: 0, out: "" };
  try {
    skipSpace(walk);
    if (text[walk.at] === "{") walkObject(walk, null);
  } catch (error) {
    if (!(error instanceof Astray)) throw error;
  }
  return walk.out + text.slice(walk.copied);
}

function placesOf(schema: Schema): Walk["placeOf"] {
  const below = new Set<string>();
  for (const name of schema.fields.keys()) {
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) below.add(name.slice(0, dot));
  }
  return (path) => ({ type: schema.fields.get(path)?.type ?? null, below: below.has(path) });
}

function walkObject(walk: Walk, path: Path): void {
  walk.at++;
  skipSpace(walk);
  if (walk.text[walk.at] === "}") {
    walk.at++;
    return;
  }
  for (;;) {
    const start = walk.at;
    skipString(walk);
    const key = keyOf(walk.text.slice(start, walk.at));
    skipSpace(walk);
    if (walk.text[walk.at] !== ":") throw new Astray();
    walk.at++;
    skipSpace(walk);
    walkValue(walk, path === null ? key : `${path}.${key}`);
    if (walkedLast(walk, "}")) return;
    if (walk.text[walk.at] !== '"') throw new Astray();
  }
}

/** Past the closing bracket, or past a comma. */
function walkedLast(walk: Walk, closing: string): boolean {
  skipSpace(walk);
  const unit = walk.text[walk.at];
  if (unit !== closing && unit !== ",") throw new Astray();
  walk.at++;
  skipSpace(walk);
  return unit === closing;
}

function walkValue(walk: Walk, path: string): void {
  const { type, below } = walk.placeOf(path);
  const unit = walk.text[walk.at];
  if (type === null && !below) {
    blank(walk, '""');
  } else if (unit === "{" && below) {
    walkObject(walk, path);
  } else if (unit === "{") {
    // An object gives its place no value, but tells that something stands there unless it is empty.
    const empty = /^\{[ \t\r]*\}/.test(walk.text.slice(walk.at, walk.at + 100));
    blank(walk, empty ? "{}" : '{"":0}');
  } else if (unit === "[") {
    walkArray(walk, path);
  } else if (type === null || (type === "object" && unit !== "n")) {
    // Of a scalar in the place of an object only `null` is told from the rest.
    blank(walk, '""');
  } else {
    skipValue(walk);
  }
}

function walkArray(walk: Walk, path: string): void {
  walk.at++;
  skipSpace(walk);
  if (walk.text[walk.at] === "]") {
    walk.at++;
    return;
  }
  do walkValue(walk, path);
  while (!walkedLast(walk, "]"));
}

function keyOf(source: string): string {
  try {
    const key = readJson(source);
    if (key.kind === "string") return key.value;
  } catch {
    // Falls through.
  }
  throw new Astray();
}

function blank(walk: Walk, replacement: string): void {
  const start = walk.at;
  skipValue(walk);
  walk.out += walk.text.slice(walk.copied, start) + replacement;
  walk.copied = walk.at;
}

function skipValue(walk: Walk): void {
  const unit = walk.text[walk.at];
  if (unit === '"') {
    skipString(walk);
  } else if (unit === "{" || unit === "[") {
    skipBrackets(walk);
  } else {
    const start = walk.at;
    while (!endsScalar(walk.text[walk.at])) walk.at++;
    if (walk.at === start) throw new Astray();
  }
}

function endsScalar(unit: string | undefined): boolean {
  return unit === undefined || unit <= " " || ",}]".includes(unit);
}

function skipBrackets(walk: Walk): void {
  let depth = 0;
  do {
    const unit = walk.text[walk.at];
    if (unit === undefined) throw new Astray();
    if (unit === '"') {
      skipString(walk);
      continue;
    }
    if (unit === "{" || unit === "[") depth++;
    if (unit === "}" || unit === "]") depth--;
    walk.at++;
  } while (depth > 0);
}

function skipString(walk: Walk): void {
  if (walk.text[walk.at] !== '"') throw new Astray();
  do {
    // What is escaped may be anything that a string may hold.
    if (walk.text[walk.at] === "\\") walk.at++;
    walk.at++;
    if ((walk.text[walk.at] ?? "") < " " || (walk.text[walk.at - 1] ?? "") < " ") throw new Astray();
  } while (walk.text[walk.at] !== '"');
  walk.at++;
}

function skipSpace(walk: Walk): void {
  while (" \t\r".includes(walk.text[walk.at] ?? "x")) walk.at++;
}
