// A profile as a file: JSON with every table sorted, so that one profile is one text, of which a package keeps a copy.
//
//   profile_version  "1.0"
//   events           how many were counted
//   fields           {"process.name": 412}: events in which the field has a value
//   texts            {"process.name": {"cmd.exe": 9}}: events that hold the text; both without case
//   values           values of the fields that rules match patterns with
//   grams            {"\\tem": 3}: those of them that contain these four characters
//
// What is read may have been written by anybody. INVARIANT: every count of a profile is a whole number from 0 to that of which it is a part,
// so that every share is one of 0 to 1,000. Whether the counts are true of any events decides nothing but time.

import { readFileSync, statSync } from "node:fs";
import { GRAM_BYTES } from "@kestrel/stdlib/abi";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import { visit } from "jsonc-parser";
import type { Code } from "../diagnostics/codes.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import type { Profile } from "../profile/profile.js";
import type { Span } from "../rule/query-text.js";
import { findJsonError, MAX_DEPTH } from "./json-error.js";
import { fileProblem } from "./source-file.js";
import { describe, isTable, type Table } from "./values.js";
import { reasonOf } from "./walk-files.js";

const VERSION = "1.0";
/** A profile of 3,600 rules takes two mebibytes. */
export const MOST_PROFILE_BYTES = 16 << 20;
const KEYS = ["profile_version", "events", "fields", "texts", "values", "grams"];

/** What a profile is written as. */
export function profileText({ events, fields, texts, values, grams }: Profile): string {
  const ofFields = sorted(texts).map(([name, counts]) => [name, `{${members(counts, ", ")}}`] as const);
  return `{
  "profile_version": "${VERSION}",
  "events": ${events},
  "fields": {\n    ${members(fields, ",\n    ")}\n  },
  "texts": {\n    ${members(new Map(ofFields), ",\n    ")}\n  },
  "values": ${values},
  "grams": {\n    ${members(grams, ",\n    ")}\n  }
}
`;
}

/** Not an object of JavaScript, which would put keys that are numbers in front. */
function members(table: ReadonlyMap<string, number | string>, between: string): string {
  return sorted(table)
    .map(([key, value]) => `${JSON.stringify(key)}: ${value}`)
    .join(between);
}

function sorted<Value>(table: ReadonlyMap<string, Value>): (readonly [string, Value])[] {
  return [...table].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** A profile, or the first thing that is wrong with it. */
export interface ReadProfile {
  readonly profile: Profile | null;
  readonly problem: Diagnostic | null;
}

/** What stands in the file that is named; null where none is. Never throws. */
export function profileOf(path: string | undefined): ReadProfile {
  return path === undefined ? { profile: null, problem: null } : readProfile(path);
}

/** Reads a file. Never throws: what is wrong becomes a diagnostic. */
export function readProfile(path: string): ReadProfile {
  const fails = (code: Code, message: string, text = "", span?: Span): ReadProfile => ({
    profile: null,
    problem: fileProblem({ path, text, named: true }, code, message, span, ADVICE),
  });
  let text: string;
  try {
    const found = statSync(path);
    if (!found.isFile()) return fails("E0801", "the profile cannot be read: it is not a file");
    const { size } = found;
    if (size > MOST_PROFILE_BYTES)
      return fails("E0801", `the profile has ${size} bytes, and more than ${MOST_PROFILE_BYTES} are not read`);
    text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const isText = error instanceof TypeError;
    return fails("E0801", `the profile cannot be read: ${isText ? "it is not valid UTF-8" : reasonOf(error)}`);
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    const { span, message } = findJsonError(text);
    return fails("E0801", `the profile is not valid JSON: ${message}`, text, span);
  }
  try {
    return { profile: checked(document), problem: null };
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error;
    return fails("E0802", error.message, text, placeOf(text, error.path));
  }
}

const ADVICE = "write it with `eqlc profile`";

/** A value that is not what it must be, and the keys that lead to it. */
class WrongValue extends Error {
  readonly path: readonly string[];
  constructor(path: readonly string[], message: string) {
    super(message);
    this.name = "WrongValue";
    this.path = path;
  }
}

/** Throws {@link WrongValue}. */
function checked(document: unknown): Profile {
  if (!isTable(document)) throw new WrongValue([], `a profile is a table, but this ${describe(document)}`);
  if (document.profile_version !== VERSION) wrong(["profile_version"], `"${VERSION}"`, document.profile_version);
  const unknown = Object.keys(document).find((key) => !KEYS.includes(key));
  if (unknown !== undefined)
    throw new WrongValue([unknown], `unknown key ${quote(unknown)}; known are ${KEYS.join(", ")}`);
  const events = countOf(document.events, ["events"], Number.MAX_SAFE_INTEGER);
  if (events === 0) wrong(["events"], "1 or more", events);
  const values = countOf(document.values, ["values"], Number.MAX_SAFE_INTEGER);
  const texts = Object.entries(tableOf(document.texts, ["texts"])).map(([field, counts]) => {
    return [field, countsOf(counts, ["texts", field], events, checkFolded)] as const;
  });
  return {
    events,
    fields: countsOf(document.fields, ["fields"], events, () => undefined),
    texts: new Map(texts),
    values,
    grams: countsOf(document.grams, ["grams"], values, checkGram),
  };
}

type Check = (key: string, path: readonly string[]) => void;

function countsOf(value: unknown, path: readonly string[], most: number, check: Check): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [key, count] of Object.entries(tableOf(value, path))) {
    check(key, [...path, key]);
    counts.set(key, countOf(count, [...path, key], most));
  }
  return counts;
}

function tableOf(value: unknown, path: readonly string[]): Table {
  return isTable(value) ? value : wrong(path, "a table", value);
}

function countOf(value: unknown, path: readonly string[], most: number): number {
  const isCount = typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= most;
  return isCount ? value : wrong(path, `a whole number from 0 to ${most}`, value);
}

/** Another text would never be looked up. */
function checkFolded(key: string, path: readonly string[]): void {
  if (foldString(key) !== key) throw new WrongValue(path, `a text stands without case, as ${quote(foldString(key))}`);
}

function checkGram(key: string, path: readonly string[]): void {
  checkFolded(key, path);
  if (!GRAM.test(key)) throw new WrongValue(path, `${quote(key)} is not ${GRAM_BYTES} characters of ASCII`);
}

const GRAM = new RegExp(`^[ -~]{${GRAM_BYTES}}$`);

function wrong(path: readonly string[], expected: string, found: unknown): never {
  throw new WrongValue(
    path,
    `${[...path].reverse().map(quote).join(" of ")} must be ${expected}, but ${describe(found)}`,
  );
}

function quote(key: string): string {
  return JSON.stringify(key.length > MOST_QUOTED ? `${key.slice(0, MOST_QUOTED)}…` : key);
}

const MOST_QUOTED = 40;

/** The key at the end of a path, or of what there is of it on the way; of keys that stand there twice the last, which is what JSON.parse takes. */
function placeOf(text: string, path: readonly string[]): Span {
  let found: Span = { start: 0, end: Math.min(1, text.length) };
  let known = 0;
  let depth = 0;
  const at: string[] = [];
  try {
    visit(text, {
      onObjectBegin: () => enter(),
      onArrayBegin: () => enter(),
      onObjectEnd: () => leave(),
      onArrayEnd: () => leave(),
      onObjectProperty(key, offset, length) {
        at[depth - 1] = key;
        if (depth > path.length || depth < known || at.slice(0, depth).some((one, step) => one !== path[step])) return;
        [found, known] = [{ start: offset, end: offset + length }, depth];
      },
    });
  } catch (error) {
    if (error !== TOO_DEEP) throw error;
  }
  return found;

  function enter(): void {
    depth += 1;
    if (depth > MAX_DEPTH) throw TOO_DEEP;
  }
  function leave(): void {
    depth -= 1;
    at.length = Math.min(at.length, depth);
  }
}

/** Thrown to leave `visit`, which calls itself once for each list and table in another. */
const TOO_DEEP = Symbol();
