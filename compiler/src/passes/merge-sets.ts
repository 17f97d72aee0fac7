// Questions about one field that one table can answer become one atom:
//   in an `or`     texts, address ranges, equalities with numbers; of orders with numbers the weakest is kept; long lists of
//                  patterns
//   in an `and`    the same of what is negated, since `not a and not b` is `not (a or b)`
// Not in an `and` of plain atoms: with several values, each may be met by a value of its own.

import type { Field } from "@kestrel/stdlib/schema/types";
import { fieldKey } from "../analyse/typed.js";
import type { Atom, Circuit } from "../plan/ir.js";
import type { AtomTable } from "../plan/typed-to-circuit.js";

type Mergeable = Extract<
  Atom,
  { kind: "set" | "in-ranges" | "integer" | "double" | "integer-set" | "double-set" | "pattern" }
>;

/**
 * So many patterns of one `or` are worth an atom of their own; below it, patterns that rules share cost less. Bench
 * `steering`, table "thresholds": at 32 the module gets smaller by a tenth, and an event cheaper.
 */
const MANY_PATTERNS = 32;

export function mergeSets(circuit: Circuit, atoms: AtomTable): Circuit {
  switch (circuit.kind) {
    case "constant":
    case "atom":
      return circuit;
    case "not":
      return { kind: "not", operand: mergeSets(circuit.operand, atoms) };
    case "or":
      return junction("or", mergeAlternatives(circuit.operands, atoms));
    case "and": {
      // `not (a or b)` is `not a and not b`.
      const negated = circuit.operands.flatMap((one) => {
        if (one.kind !== "not") return [];
        return one.operand.kind === "or" ? one.operand.operands : [one.operand];
      });
      const others = circuit.operands.filter(({ kind }) => kind !== "not");
      const merged = mergeAlternatives(negated, atoms).map((operand): Circuit => ({ kind: "not", operand }));
      return junction("and", [...others.map((operand) => mergeSets(operand, atoms)), ...merged]);
    }
  }
}

function junction(kind: "and" | "or", operands: readonly Circuit[]): Circuit {
  const [only] = operands;
  return operands.length === 1 && only !== undefined ? only : { kind, operands };
}

/** Operands of an `or`, with those that one atom can stand for replaced by it. */
function mergeAlternatives(operands: readonly Circuit[], atoms: AtomTable): Circuit[] {
  const groups = new Map<string, Mergeable[]>();
  const others: Circuit[] = [];
  for (const operand of operands) {
    const atom = operand.kind === "atom" ? atoms.items[operand.atom] : undefined;
    const key = atom === undefined ? null : groupOf(atom);
    if (key === null) {
      others.push(mergeSets(operand, atoms));
      continue;
    }
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [atom as Mergeable]);
    else group.push(atom as Mergeable);
  }
  const merged = [...groups.values()].flatMap((group) =>
    mergeGroup(group).map((atom): Circuit => ({ kind: "atom", atom: atoms.intern(atom) })),
  );
  return [...merged, ...others];
}

/** Atoms with the same text can become one; null for an atom that stays as it is. */
function groupOf(atom: Atom): string | null {
  switch (atom.kind) {
    case "set":
      return `${atom.kind} ${fieldKey(atom.field)} ${atom.fold}`;
    case "in-ranges":
      return `${atom.kind} ${fieldKey(atom.field)}`;
    case "integer":
    case "double":
      return `${atom.kind} ${directionOf(atom.op)} ${fieldKey(atom.field)}`;
    case "integer-set":
      return `integer = ${fieldKey(atom.field)}`;
    case "double-set":
      return `double = ${fieldKey(atom.field)}`;
    case "pattern":
      // Automata are made for one list, and each has its own limit.
      return atom.patterns.regexes.length > 0 ? null : `${atom.kind} ${fieldKey(atom.field)} ${atom.patterns.fold}`;
    default:
      return null;
  }
}

function directionOf(op: string): string {
  return op.slice(0, 1);
}

function mergeGroup(group: readonly Mergeable[]): readonly Atom[] {
  const [first] = group;
  if (first === undefined || group.length === 1) return group;
  switch (first.kind) {
    case "set": {
      const texts = new Set<string>();
      for (const atom of group) if (atom.kind === "set") for (const text of atom.texts) texts.add(text);
      return [{ ...first, texts: [...texts].sort() }];
    }
    case "in-ranges":
      return [{ ...first, ranges: group.flatMap((atom) => (atom.kind === "in-ranges" ? atom.ranges : [])) }];
    case "integer":
    case "integer-set":
      if (first.kind === "integer" && first.op !== "==") return [weakest(group, first)];
      return [integerSet(first.field, group)];
    case "double":
    case "double-set":
      if (first.kind === "double" && first.op !== "==") return [weakest(group, first)];
      return [doubleSet(first.field, group)];
    case "pattern": {
      const globs = new Set<string>();
      for (const atom of group) if (atom.kind === "pattern") for (const glob of atom.patterns.globs) globs.add(glob);
      if (globs.size < MANY_PATTERNS) return group;
      return [{ ...first, patterns: { ...first.patterns, globs: [...globs].sort() } }];
    }
  }
}

/** Of orders in one direction, the one that all others imply. */
function weakest(group: readonly Mergeable[], first: Mergeable): Mergeable {
  return group.reduce((best, atom) => {
    if ((best.kind !== "integer" && best.kind !== "double") || (atom.kind !== "integer" && atom.kind !== "double"))
      return best;
    if (atom.value === best.value) return atom.op.length > best.op.length ? atom : best;
    const further = atom.op.startsWith("<") ? atom.value > best.value : atom.value < best.value;
    return further ? atom : best;
  }, first);
}

function integerSet(field: Field, group: readonly Mergeable[]): Atom {
  const values = new Set<bigint>();
  for (const atom of group) {
    if (atom.kind === "integer") values.add(atom.value);
    else if (atom.kind === "integer-set") for (const value of atom.values) values.add(value);
  }
  const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const [only] = sorted;
  if (sorted.length === 1 && only !== undefined) return { kind: "integer", field, op: "==", value: only };
  return { kind: "integer-set", field, values: sorted };
}

function doubleSet(field: Field, group: readonly Mergeable[]): Atom {
  const values = new Set<number>();
  for (const atom of group) {
    if (atom.kind === "double") values.add(atom.value);
    else if (atom.kind === "double-set") for (const value of atom.values) values.add(value);
  }
  const sorted = [...values].sort((a, b) => a - b);
  const [only] = sorted;
  if (sorted.length === 1 && only !== undefined) return { kind: "double", field, op: "==", value: only };
  return { kind: "double-set", field, values: sorted };
}
