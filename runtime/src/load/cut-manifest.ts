// The bytes of manifest.json -> the value that stands there, of which `rules`, `demands` and `files` are parsed only when somebody asks for them.
//
// They are nine tenths of a large manifest: texts for alerts and lists, what a live collector leaves out, the rules' sources. A run that finds nothing needs of
// them the id and the kind of each rule, and the files that stand in front of the sources. The manifest stays one file, so one digest covers it, and every byte of it is hashed.
//
// Where the three stand is seen by the layout that eqlc writes: two spaces for each depth. A manifest in another layout is not cut.
//
// SOUND: what is cut and put together is what `JSON.parse` of the whole gives. A line feed cannot stand in a string of JSON, so `\n  "rules": [` is a name with the
// beginning of its list, at whatever depth; in its place stands a number, and then both the rest and the list between its brackets must be JSON by
// themselves. That the name is the manifest's own, and not written again behind it, is seen by where the number comes out, which is infinite; a manifest with
// a number that might be so, too, is not cut.

import { isAscii } from "node:buffer";
import { isObject, type JsonObject } from "./json-shape.js";

export interface CutManifest {
  /** Without its `rules`, `demands` and `files`; numbers stand in their places. */
  readonly value: JsonObject;
  /** As they stand in the lines of a rule that are its own, in order; there are as many of both. */
  readonly ids: readonly unknown[];
  readonly kinds: readonly unknown[];
  /** The beginning of `files`, up to the first source of a rule. */
  readonly firstFiles: readonly unknown[];
  /** Parse what was cut out. Throw SyntaxError. */
  readonly rules: () => unknown;
  readonly demands: () => unknown;
  readonly files: () => unknown;
}

/** A list: its first character, and the one behind its last. */
interface Range {
  readonly from: number;
  readonly to: number;
}

const PLACEHOLDER = "1e999";
/** A number with an exponent, or with very many digits; eqlc writes neither. Texts that look like it do no harm. */
const MAY_BE_INFINITE = /[\s:,[]-?\d[\d.]*[eE]|\d{300}/;
const LIST_END = "\n  ]";
const LIST_BEGINS = ['\n  "rules": [', '\n  "demands": [', '\n  "files": ['];
const OWN_ID = '\n      "id": ';
const OWN_KIND = '\n      "kind": ';
const FIRST_SOURCE = ',\n    {\n      "path": "sources/';

/** null for a manifest that is laid out in another way, or is no manifest. */
export function cutManifest(bytes: Buffer): CutManifest | null {
  if (!isAscii(bytes)) return null;
  const text = bytes.toString("latin1");
  const [rules, demands, files] = listsIn(text);
  if (rules === undefined || demands === undefined || files === undefined) return null;
  const textOf = ({ from, to }: Range): string => text.slice(from, to);
  const rest = [
    text.slice(0, rules.from),
    text.slice(rules.to, demands.from),
    text.slice(demands.to, files.from),
    text.slice(files.to),
  ];
  const [beginning = ""] = textOf(files).split(FIRST_SOURCE, 1);
  const firstFiles = beginning.length < files.to - files.from ? `${beginning}]` : beginning;
  if (rest.some((part) => MAY_BE_INFINITE.test(part))) return null;
  try {
    const value: unknown = JSON.parse(rest.join(PLACEHOLDER));
    if (!isObject(value) || ![value.rules, value.demands, value.files].every(isCutOut)) return null;
    return {
      value,
      ...ownLines(textOf(rules)),
      firstFiles: JSON.parse(firstFiles) as readonly unknown[],
      rules: () => JSON.parse(textOf(rules)),
      demands: () => JSON.parse(textOf(demands)),
      files: () => JSON.parse(textOf(files)),
    };
  } catch {
    return null;
  }
}

/** The lists that are cut out, in the order in which they stand there; fewer where one is not found. */
function listsIn(text: string): readonly Range[] {
  const found: Range[] = [];
  for (const begin of LIST_BEGINS) {
    const at = text.indexOf(begin, found.at(-1)?.to ?? 0);
    const end = at < 0 ? -1 : text.indexOf(LIST_END, at + begin.length);
    if (end < 0) break;
    found.push({ from: at + begin.length - 1, to: end + LIST_END.length });
  }
  return found;
}

/** What stands in the lines of rules that begin with `"id"`, and in the line with `"kind"` behind each. Throws SyntaxError. */
function ownLines(rules: string): Pick<CutManifest, "ids" | "kinds"> {
  const ids: string[] = [];
  const kinds: string[] = [];
  for (const part of rules.split(OWN_ID).slice(1)) {
    const kind = part.indexOf(OWN_KIND);
    ids.push(lineAt(part, 0));
    if (kind >= 0) kinds.push(lineAt(part, kind + OWN_KIND.length));
  }
  const parse = (values: readonly string[]): readonly unknown[] => JSON.parse(`[${values.join(",")}]`) as unknown[];
  const lines = { ids: parse(ids), kinds: parse(kinds) };
  if (lines.ids.length !== lines.kinds.length) throw new SyntaxError("a rule without a kind");
  return lines;
}

/** The value of a line that has another behind it, without the comma between. */
function lineAt(text: string, from: number): string {
  return text.slice(from, text.indexOf("\n", from) - 1);
}

function isCutOut(value: unknown): boolean {
  return value === Number.POSITIVE_INFINITY;
}
