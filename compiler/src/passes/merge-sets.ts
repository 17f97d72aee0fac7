// Questions about one field that one table can answer become one atom:
//   in an `or`     texts, address ranges, equalities with numbers; of orders with numbers the weakest is kept; long lists of
//                  patterns
//   in an `and`    the same of what is negated, since `not a and not b` is `not (a or b)`
// An `and` of plain atoms stays: a field with the values 1 and 2 meets `a == 1 and a == 2`.

import type { AtomTable } from "../ir/atom-table.js";
import { type Circuit, junction } from "../ir/circuit.js";
import type { Origin } from "../ir/origins.js";
import type { Atom, AtomOf, PackIr } from "../ir/pack-ir.js";
import { type Reading, readingKey } from "../ir/reading.js";
import { rewriteCircuits } from "../ir/rewrite.js";
import { sortGlobs } from "../patterns/patterns.js";

type Mergeable = AtomOf<"set" | "in-ranges" | "integer" | "double" | "integer-set" | "double-set" | "pattern">;

/**
 * So many patterns of one `or` are worth an atom of their own; below it, patterns that rules share cost less. Bench
 * `steering`, table "thresholds": at 32 the module gets smaller by a tenth, and an event cheaper.
 */
const MANY_PATTERNS = 32;

export function mergeSets(pack: PackIr): PackIr {
  return rewriteCircuits(pack, merged);
}

function merged(circuit: Circuit, atoms: AtomTable): Circuit {
  switch (circuit.kind) {
    case "constant":
    case "atom":
      return circuit;
    case "not":
      return { kind: "not", operand: merged(circuit.operand, atoms) };
    case "or":
      return junction("or", mergeAlternatives(circuit.operands, atoms));
    case "and": {
      // `not (a or b)` is `not a and not b`.
      const negated = circuit.operands.flatMap((one) => {
        if (one.kind !== "not") return [];
        return one.operand.kind === "or" ? one.operand.operands : [one.operand];
      });
      const others = circuit.operands.filter(({ kind }) => kind !== "not");
      const excluded = mergeAlternatives(negated, atoms).map((operand): Circuit => ({ kind: "not", operand }));
      return junction("and", [...others.map((operand) => merged(operand, atoms)), ...excluded]);
    }
  }
}

interface Group {
  readonly atoms: Mergeable[];
  readonly operands: Circuit[];
  readonly origins: Origin[];
}

/** Operands of an `or`, with those that one atom can stand for replaced by it. */
function mergeAlternatives(operands: readonly Circuit[], atoms: AtomTable): Circuit[] {
  const groups = new Map<string, Group>();
  const others: Circuit[] = [];
  for (const operand of operands) {
    const atom = operand.kind === "atom" ? atoms.items[operand.atom] : undefined;
    const key = atom === undefined ? null : groupOf(atom);
    if (key === null || operand.kind !== "atom") {
      others.push(merged(operand, atoms));
      continue;
    }
    const group = groups.get(key) ?? { atoms: [], operands: [], origins: [] };
    groups.set(key, group);
    group.atoms.push(atom as Mergeable);
    group.operands.push(operand);
    for (const origin of atoms.origins[operand.atom] ?? []) group.origins.push(origin);
  }
  const questions = [...groups.values()].flatMap(({ atoms: asked, operands: unmerged, origins }) => {
    const one = mergeGroup(asked);
    return one === null ? unmerged : [{ kind: "atom", atom: atoms.intern(one, origins) } as const];
  });
  return [...questions, ...others];
}

/** Atoms with the same text can become one; null for an atom that stays as it is. */
function groupOf(atom: Atom): string | null {
  switch (atom.kind) {
    case "set":
      return `${atom.kind} ${readingKey(atom.reading)} ${atom.fold}`;
    case "in-ranges":
      return `${atom.kind} ${readingKey(atom.reading)}`;
    case "integer":
    case "double":
      return `${atom.kind} ${directionOf(atom.op)} ${readingKey(atom.reading)}`;
    case "integer-set":
      return `integer = ${readingKey(atom.reading)}`;
    case "double-set":
      return `double = ${readingKey(atom.reading)}`;
    case "pattern":
      // The regular expressions of one atom become one automaton of limited size: two lists that fit may be too large
      // joined.
      return atom.patterns.regexes.length > 0 ? null : `${atom.kind} ${readingKey(atom.reading)} ${atom.patterns.fold}`;
    default:
      return null;
  }
}

function directionOf(op: string): string {
  return op.slice(0, 1);
}

/** The one atom that says what all of them say; null where they had better stay. */
function mergeGroup(group: readonly Mergeable[]): Atom | null {
  const [first] = group;
  if (first === undefined || group.length === 1) return null;
  switch (first.kind) {
    case "set": {
      const texts = new Set<string>();
      for (const atom of group) if (atom.kind === "set") for (const text of atom.texts) texts.add(text);
      return { ...first, texts: [...texts].sort() };
    }
    case "in-ranges":
      return { ...first, ranges: group.flatMap((atom) => (atom.kind === "in-ranges" ? atom.ranges : [])) };
    case "integer":
    case "integer-set":
      if (first.kind === "integer" && first.op !== "==") return weakest(group, first);
      return integerSet(first.reading, group);
    case "double":
    case "double-set":
      if (first.kind === "double" && first.op !== "==") return weakest(group, first);
      return doubleSet(first.reading, group);
    case "pattern": {
      const globs = group.flatMap((atom) => (atom.kind === "pattern" ? atom.patterns.globs : []));
      const distinct = sortGlobs(globs);
      if (distinct.length < MANY_PATTERNS) return null;
      return { ...first, patterns: { ...first.patterns, globs: distinct } };
    }
  }
}

/** Of `x < 5` and `x < 9` the second, which holds wherever the others of its direction do. */
function weakest(group: readonly Mergeable[], first: Mergeable): Mergeable {
  return group.reduce((best, atom) => {
    if ((best.kind !== "integer" && best.kind !== "double") || (atom.kind !== "integer" && atom.kind !== "double"))
      return best;
    if (atom.value === best.value) return atom.op.length > best.op.length ? atom : best;
    const further = atom.op.startsWith("<") ? atom.value > best.value : atom.value < best.value;
    return further ? atom : best;
  }, first);
}

function integerSet(reading: Reading, group: readonly Mergeable[]): Atom {
  const values = new Set<bigint>();
  for (const atom of group) {
    if (atom.kind === "integer") values.add(atom.value);
    else if (atom.kind === "integer-set") for (const value of atom.values) values.add(value);
  }
  const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const [only] = sorted;
  if (sorted.length === 1 && only !== undefined) return { kind: "integer", reading, op: "==", value: only };
  return { kind: "integer-set", reading, values: sorted };
}

function doubleSet(reading: Reading, group: readonly Mergeable[]): Atom {
  const values = new Set<number>();
  for (const atom of group) {
    if (atom.kind === "double") values.add(atom.value);
    else if (atom.kind === "double-set") for (const value of atom.values) values.add(value);
  }
  const sorted = [...values].sort((a, b) => a - b);
  const [only] = sorted;
  if (sorted.length === 1 && only !== undefined) return { kind: "double", reading, op: "==", value: only };
  return { kind: "double-set", reading, values: sorted };
}
