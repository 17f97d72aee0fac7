// The field table to a Schema, and a name that is not in a schema to the names that were probably meant.

import { FIELD_LINES, OPEN_NAMESPACES } from "./fields.js";
import type { Field, FieldType, Schema } from "./types.js";

const FIELD_TYPES: readonly FieldType[] = ["keyword", "ip", "version", "long", "double", "boolean", "date", "object"];

/**
 * Reads lines of `id name type`; empty lines are left out. The map keeps the order of the lines.
 *
 * @throws Error when a line is malformed or an id or a name comes twice.
 */
export function parseFields(texts: readonly string[]): Schema {
  const fields = new Map<string, Field>();
  const ids = new Set<number>();
  for (const text of texts) {
    for (const line of text.split("\n")) {
      if (line.trim() === "") continue;
      const [idText, name, typeText, ...rest] = line.trim().split(" ");
      const id = Number(idText);
      const type = FIELD_TYPES.find((one) => one === typeText);
      if (!Number.isSafeInteger(id) || id < 1 || name === undefined || type === undefined || rest.length > 0) {
        throw new Error(`not a field: ${line}`);
      }
      if (fields.has(name) || ids.has(id)) throw new Error(`field given twice: ${line}`);
      fields.set(name, { id, name, type });
      ids.add(id);
    }
  }
  return { fields };
}

let builtIn: Schema | null = null;

/** The schema that ships with Kestrel, built when it is first asked for; always the same object. */
export function defaultSchema(): Schema {
  builtIn ??= { ...parseFields(FIELD_LINES), open: OPEN_NAMESPACES };
  return builtIn;
}

/** The field of exactly this name, or null. Below an open namespace every name is a field: a keyword when it is not listed. */
export function lookup(schema: Schema, name: string): Field | null {
  const known = schema.fields.get(name);
  if (known !== undefined) return known;
  return openNamespaceOf(schema, name) === null ? null : { id: 0, name, type: "keyword" };
}

/** The open namespace that a name lies in, or null. */
export function openNamespaceOf(schema: Schema, name: string): string | null {
  return schema.open?.find((open) => name.length > open.length + 1 && name.startsWith(`${open}.`)) ?? null;
}

/** How a name compares when its case and its separators are taken for mistakes. */
function squash(name: string): string {
  return name.toLowerCase().replace(/[._-]/g, "");
}

// What a candidate costs, in edits: less than one for the mistakes that are not slips of the finger. Leaving out a prefix
// costs a little more for each part of it, so that `name` means process.name rather than process.parent.name.
const COST_OF_CASE = 0.1;
const COST_OF_ORDER = 0.15;
const COST_OF_SYNONYM = 0.25;
const COST_OF_PREFIX = 0.2;
const COST_OF_PREFIX_PART = 0.01;
const COST_OF_SEPARATORS = 0.4;
const COST_OF_EXTRA_PREFIX = 0.5;

/** What other tools call the last part of a name. */
const SYNONYMS: Readonly<Record<string, string>> = {
  cmdline: "command_line",
  cmd: "command_line",
  cwd: "working_directory",
  dst_ip: "destination.ip",
  dst_port: "destination.port",
  filename: "name",
  filepath: "path",
  guid: "entity_id",
  hash: "hash.sha256",
  image: "executable",
  original_file_name: "pe.original_file_name",
  parent_name: "parent.name",
  path: "executable",
  ppid: "parent.pid",
  signed: "code_signature.exists",
  signer: "code_signature.subject_name",
  src_ip: "source.ip",
  src_port: "source.port",
  username: "name",
};

/** The name in the words of the schema, when its last part is another word for one of them. */
function translate(lower: string): string | null {
  const dot = lower.lastIndexOf(".");
  const last = lower.slice(dot + 1);
  return Object.hasOwn(SYNONYMS, last) ? lower.slice(0, dot + 1) + SYNONYMS[last] : null;
}

function sortedParts(name: string): string {
  return name.split(".").sort().join(".");
}

/** Edits that a name of this length may need before a suggestion stops being one. */
export function editBound(length: number): number {
  return Math.min(4, Math.max(1, Math.floor(length / 4)));
}

/**
 * The fields most probably meant by a name that the schema lacks, best first, without the name itself. It looks for
 * another case, other or missing separators (`process_name`), a dropped prefix (`name` for `process.name`), a prefix too
 * many (`event.process.name`), parts in another order (`parent.process.name`), another tool's word (`process.cmdline`), and up
 * to four edits of the whole name. Among equals the lower id, which is the more used
 * field, comes first.
 */
export function suggest(schema: Schema, name: string, limit = 3): string[] {
  const lower = name.toLowerCase();
  if (lower === "") return [];
  const squashed = squash(name);
  const bound = editBound(name.length);
  const parts = lower.includes(".") ? sortedParts(lower) : null;
  const translated = translate(lower);
  const found: { readonly field: Field; readonly cost: number }[] = [];
  for (const field of schema.fields.values()) {
    if (field.name === name) continue;
    const known = field.name.toLowerCase();
    const reordered = parts !== null && known.length === lower.length && sortedParts(known) === parts;
    const cost =
      (reordered && known !== lower ? COST_OF_ORDER : null) ??
      (translated === known ? COST_OF_SYNONYM : null) ??
      costOfMistake(lower, squashed, known) ??
      editDistance(lower, known, bound);
    if (cost <= bound) found.push({ field, cost });
  }
  found.sort((a, b) => a.cost - b.cost || a.field.id - b.field.id);
  return found.slice(0, Math.max(0, limit)).map(({ field }) => field.name);
}

/** The cost of one of the usual mistakes that turn `known` into `lower`, both in lower case; null when it is none. */
function costOfMistake(lower: string, squashed: string, known: string): number | null {
  if (known === lower || known === `@${lower}`) return COST_OF_CASE;
  if (known.endsWith(`.${lower}`)) {
    const parts = known.slice(0, known.length - lower.length).split(".").length - 1;
    return COST_OF_PREFIX + parts * COST_OF_PREFIX_PART;
  }
  if (lower.endsWith(`.${known}`)) return COST_OF_EXTRA_PREFIX;
  // Most names are ruled out by their last unit, before `squash` has to be paid for.
  if (known.length < squashed.length || known.at(-1) !== squashed.at(-1)) return null;
  if (squash(known) === squashed) return COST_OF_SEPARATORS;
  const tail = known.slice(known.indexOf(".") + 1);
  return tail.length >= squashed.length && squash(tail) === squashed ? COST_OF_PREFIX + COST_OF_SEPARATORS : null;
}

/**
 * Damerau–Levenshtein distance (optimal string alignment: insertions, deletions, replacements and swaps of neighbours,
 * none of them overlapping) in UTF-16 units; some number above `bound` when it is above `bound`. Only the cells within
 * `bound` of the diagonal are computed, since every other one is above it.
 */
export function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) > bound) return bound + 1;
  const far = bound + 1;
  let beforeLast = new Uint8Array(b.length + 1);
  let last = new Uint8Array(b.length + 1).fill(far);
  let current = new Uint8Array(b.length + 1);
  for (let column = 0; column <= Math.min(bound, b.length); column++) last[column] = column;
  for (let row = 1; row <= a.length; row++) {
    current.fill(far);
    if (row <= bound) current[0] = row;
    let least = row;
    const end = Math.min(b.length, row + bound);
    for (let column = Math.max(1, row - bound); column <= end; column++) {
      const same = a.charCodeAt(row - 1) === b.charCodeAt(column - 1);
      const swapped =
        row > 1 &&
        column > 1 &&
        a.charCodeAt(row - 1) === b.charCodeAt(column - 2) &&
        a.charCodeAt(row - 2) === b.charCodeAt(column - 1);
      const cost = Math.min(
        far,
        (last[column] ?? far) + 1,
        (current[column - 1] ?? far) + 1,
        (last[column - 1] ?? far) + (same ? 0 : 1),
        swapped ? (beforeLast[column - 2] ?? far) + 1 : far,
      );
      current[column] = cost;
      if (cost < least) least = cost;
    }
    // Two rows beyond the bound, as far back as a swap reaches, leave no way back below it.
    if (least > bound && !last.some((cost) => cost <= bound)) return far;
    [beforeLast, last, current] = [last, current, beforeLast];
  }
  return last[b.length] ?? far;
}
