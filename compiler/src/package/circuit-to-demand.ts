// Predicates of the pack IR -> what each asks of its events, as the manifest says it: texts of event.category, event.type and
// event.action, fields that must be there, and how file.path begins.
//   and              of texts and paths the narrower list; the fields of all operands
//   or               the texts and paths of all operands; the fields that all of them need
//   not              texts that the field must not have; nothing else
//   anything else    no texts; the fields whose absence makes it false
// SOUND: an event for which a predicate holds has all that its demand names. What is not understood demands nothing.

import type { Demand, TextDemand } from "@kestrel/stdlib/package-format";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { Circuit } from "../ir/circuit.js";
import { neededReadings } from "../ir/needed-readings.js";
import { rulesOf } from "../ir/origins.js";
import type { Atom, AtomOf, Key, PackIr } from "../ir/pack-ir.js";
import type { Reading } from "../ir/reading.js";
import type { Wildcard } from "../patterns/wildcard.js";

/** The fields whose texts are told one by one. */
const TEXT_FIELDS = { "event.category": "category", "event.type": "type", "event.action": "action" } as const;
type TextField = (typeof TEXT_FIELDS)[keyof typeof TEXT_FIELDS];
const PATH_FIELD = "file.path";

interface Texts {
  /** null where any will do. */
  readonly anyOf: readonly string[] | null;
  readonly noneOf: readonly string[];
}

/** What a circuit asks of an event. */
interface Want extends Readonly<Record<TextField, Texts>> {
  readonly fields: ReadonlySet<string>;
  readonly paths: readonly string[] | null;
}

const ANY_TEXT: Texts = { anyOf: null, noneOf: [] };
const NO_FIELDS: ReadonlySet<string> = new Set();
const ANYTHING: Want = { category: ANY_TEXT, type: ANY_TEXT, action: ANY_TEXT, fields: NO_FIELDS, paths: null };

/** For each predicate what it asks of its events; null for late tests. */
export function demandsOf({ atoms, predicates, origins }: PackIr): (Demand | null)[] {
  return predicates.map(({ circuit, keys, late }, at) => {
    if (late) return null;
    const rules = rulesOf(origins.predicates[at] ?? []);
    const wanted = wantOf(circuit, atoms);
    // No event has a text out of none.
    if (wanted === null) return { rules, category: { any_of: [] }, fields: [] };
    return demandOf(rules, withKeys(wanted, keys));
  });
}

function demandOf(rules: readonly number[], { category, type, action, fields, paths }: Want): Demand {
  return {
    rules,
    ...textDemand("category", category),
    ...textDemand("type", type),
    ...textDemand("action", action),
    fields: [...fields].sort(),
    ...(paths === null ? {} : { paths: withoutLonger(paths) }),
  };
}

function textDemand(name: TextField, { anyOf, noneOf }: Texts): Partial<Record<TextField, TextDemand>> {
  if (anyOf === null && noneOf.length === 0) return {};
  const texts = {
    ...(anyOf === null ? {} : { any_of: [...new Set(anyOf)].sort() }),
    ...(noneOf.length === 0 ? {} : { none_of: [...new Set(noneOf)].sort() }),
  };
  return { [name]: texts };
}

/** The prefixes without those that another one is a prefix of. */
function withoutLonger(prefixes: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (const prefix of [...new Set(prefixes)].sort()) {
    const last = kept.at(-1);
    if (last === undefined || !prefix.startsWith(last)) kept.push(prefix);
  }
  return kept;
}

/** A term's event without its key is no match. */
function withKeys(want: Want, keys: readonly Key[]): Want {
  const needed = keys.flatMap(({ value, optional }) =>
    optional || value.kind !== "reading" ? [] : fieldOf(value.reading),
  );
  return { ...want, fields: new Set([...want.fields, ...needed]) };
}

/** null where no event will do. */
function wantOf(circuit: Circuit, atoms: readonly Atom[]): Want | null {
  switch (circuit.kind) {
    case "constant":
      return circuit.value ? ANYTHING : null;
    case "atom":
      return wantOfAtom(atoms[circuit.atom], atoms);
    case "not":
      return wantOfNot(circuit.operand, atoms);
    case "and":
      return all(circuit.operands.map((operand) => wantOf(operand, atoms)));
    case "or":
      return some(circuit.operands.map((operand) => wantOf(operand, atoms)));
  }
}

/** What an event must have for the circuit to be false. */
function wantOfNot(circuit: Circuit, atoms: readonly Atom[]): Want | null {
  switch (circuit.kind) {
    case "constant":
      return circuit.value ? null : ANYTHING;
    case "not":
      return wantOf(circuit.operand, atoms);
    case "and":
      return some(circuit.operands.map((operand) => wantOfNot(operand, atoms)));
    case "or":
      return all(circuit.operands.map((operand) => wantOfNot(operand, atoms)));
    case "atom": {
      const atom = atoms[circuit.atom];
      const name = atom?.kind === "set" ? textFieldOf(atom.reading) : null;
      // SOUND: of folded texts the event may hold others of the same letters; these at least it may not.
      return atom?.kind === "set" && name !== null
        ? { ...ANYTHING, [name]: { anyOf: null, noneOf: atom.texts } }
        : ANYTHING;
    }
  }
}

function all(wants: readonly (Want | null)[]): Want | null {
  let sum = ANYTHING;
  for (const want of wants) {
    if (want === null) return null;
    sum = {
      category: bothTexts(sum.category, want.category),
      type: bothTexts(sum.type, want.type),
      action: bothTexts(sum.action, want.action),
      fields: new Set([...sum.fields, ...want.fields]),
      paths: narrowerPaths(sum.paths, want.paths),
    };
  }
  return sum;
}

/**
 * SOUND: a field may have several values, and `event.type == "start" and event.type == "info"` holds for an event that has both. So
 * the lists are not intersected: one of them is kept, which the event meets as well.
 */
function bothTexts(a: Texts, b: Texts): Texts {
  const anyOf = a.anyOf === null || (b.anyOf !== null && b.anyOf.length < a.anyOf.length) ? b.anyOf : a.anyOf;
  return { anyOf, noneOf: [...a.noneOf, ...b.noneOf] };
}

/** Of two lists the one whose least telling prefix tells more. */
function narrowerPaths(a: Want["paths"], b: Want["paths"]): Want["paths"] {
  if (a === null || b === null) return a ?? b;
  const shortest = (paths: readonly string[]): number => Math.min(...paths.map(({ length }) => length));
  return shortest(b) > shortest(a) ? b : a;
}

function some(wants: readonly (Want | null)[]): Want | null {
  const [first, ...rest] = wants.filter((want) => want !== null);
  if (first === undefined) return null;
  let sum = first;
  for (const want of rest) {
    sum = {
      category: eitherTexts(sum.category, want.category),
      type: eitherTexts(sum.type, want.type),
      action: eitherTexts(sum.action, want.action),
      fields: new Set([...sum.fields].filter((field) => want.fields.has(field))),
      paths: sum.paths === null || want.paths === null ? null : [...sum.paths, ...want.paths],
    };
  }
  return sum;
}

function eitherTexts(a: Texts, b: Texts): Texts {
  const excluded = new Set(b.noneOf);
  return {
    anyOf: a.anyOf === null || b.anyOf === null ? null : [...a.anyOf, ...b.anyOf],
    noneOf: a.noneOf.filter((text) => excluded.has(text)),
  };
}

function wantOfAtom(atom: Atom | undefined, atoms: readonly Atom[]): Want | null {
  if (atom === undefined) return ANYTHING;
  const want: Want = { ...ANYTHING, fields: neededOf(atom, atoms) };
  if (atom.kind !== "set" && atom.kind !== "pattern") return want;
  const name = textFieldOf(atom.reading);
  if (name !== null && atom.kind === "set") {
    return { ...want, [name]: { anyOf: atom.texts.map(foldString), noneOf: [] } };
  }
  return isKeyword(atom.reading, PATH_FIELD) ? { ...want, paths: prefixesOf(atom) } : want;
}

/** Fields without which the atom is false. */
function neededOf(atom: Atom, atoms: readonly Atom[]): ReadonlySet<string> {
  return new Set(neededReadings(atom, atoms).flatMap(fieldOf));
}

/** The name of what is read, if it is a field of the event at hand. */
function fieldOf({ root, name }: Reading): readonly string[] {
  return root.kind === "event" && name !== "" ? [name] : [];
}

function isKeyword({ root, name, as, whole }: Reading, wanted: string): boolean {
  return root.kind === "event" && name === wanted && as === "keyword" && !whole;
}

function textFieldOf(reading: Reading): TextField | null {
  for (const [field, name] of Object.entries(TEXT_FIELDS)) if (isKeyword(reading, field)) return name;
  return null;
}

/** What a text begins with for which the atom holds; null where that may be anything. */
function prefixesOf(atom: AtomOf<"set" | "pattern">): readonly string[] | null {
  if (atom.kind === "pattern" && atom.patterns.regexes.length > 0) return null;
  const texts = atom.kind === "set" ? atom.texts : atom.patterns.globs.map(({ tree }) => beginningOf(tree));
  const prefixes = texts.map(asciiPrefix);
  return prefixes.includes("") ? null : prefixes;
}

/** The text that a wildcard begins with. */
function beginningOf(tree: Wildcard): string {
  switch (tree.kind) {
    case "exact":
    case "prefix":
      return tree.text;
    case "glob": {
      const unit = tree.anchoredStart ? tree.parts[0]?.[0] : undefined;
      return unit?.kind === "text" ? unit.text : "";
    }
    default:
      return "";
  }
}

/** The text up to its first character beyond ASCII, in lower case. */
function asciiPrefix(text: string): string {
  return (/^[\0-\x7f]*/.exec(text)?.[0] ?? "").toLowerCase();
}
