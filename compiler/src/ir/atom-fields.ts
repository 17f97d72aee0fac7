// Atom -> the fields that it reads, and whether it reads elements of arrays.

import type { Field } from "@kestrel/stdlib/schema/types";
import { asksLineage, rawFieldsOf } from "../analyse/endgame/dynamic.js";
import { fieldsOf, operandsOf, type Typed } from "../analyse/typed.js";
import { type Atom, type AtomId, atomsOf } from "./pack-ir.js";

/** The fields of an atom itself; those of a search's circuit belong to the atoms in it. */
export function fieldsOfAtom(atom: Atom): readonly Field[] {
  switch (atom.kind) {
    case "lineage":
      return [];
    case "computed":
      return atom.typed.kind === "dynamic" ? rawFieldsOf(atom.typed.value) : fieldsOf(atom.typed);
    default:
      return [atom.field];
  }
}

/** Whether the atom reads an element of an array that an outer search is at, so that its answer is not the event's. */
export function readsElement(atom: Atom, atoms: readonly Atom[]): boolean {
  return freeRoots(atom, atoms).some((root) => root.startsWith("$"));
}

/** Whether the atom needs more than the event at hand: earlier stages' events, or what is known of its process. */
export function isLate(atom: Atom, atoms: readonly Atom[]): boolean {
  return freeRoots(atom, atoms).some((root) => root.startsWith("@") || root === LINEAGE);
}

const LINEAGE = "lineage";

/** The roots an atom reads from, "" left out, and `lineage`; those that a search inside brings in do not count. */
export function freeRoots(atom: Atom, atoms: readonly Atom[]): readonly string[] {
  const roots = new Set<string>();
  const visit = (id: AtomId): void => {
    const inner = atoms[id];
    if (inner !== undefined) for (const root of freeRoots(inner, atoms)) roots.add(root);
  };
  if (atom.kind === "computed") for (const id of testsOf(atom.typed)) visit(id);
  if (atom.kind === "search") {
    for (const id of atomsOf(atom.circuit)) visit(id);
    roots.delete(`$${atom.depth}`);
  }
  if (
    atom.kind === "lineage" ||
    (atom.kind === "computed" && atom.typed.kind === "dynamic" && asksLineage(atom.typed.value))
  )
    roots.add(LINEAGE);
  for (const { root } of fieldsOfAtom(atom)) if (root !== undefined) roots.add(root);
  return [...roots];
}

/** The atoms that stand inside a leaf as tests. */
export function testsOf(typed: Typed): readonly AtomId[] {
  return typed.kind === "test" ? [typed.atom as AtomId] : operandsOf(typed).flatMap(testsOf);
}
