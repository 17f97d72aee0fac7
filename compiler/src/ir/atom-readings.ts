// Atom -> what it reads, and from which roots: whether the event at hand alone decides it, or an element of one of its
// arrays, or other events too.

import { atomsOf } from "./circuit.js";
import { asksLineage, readingsOfDynamic } from "./dynamic-value.js";
import { type Expression, operandsOf, readingsOf } from "./expression.js";
import type { AtomId } from "./ids.js";
import type { Atom, Key } from "./pack-ir.js";
import type { Reading } from "./reading.js";

/** The readings of an atom itself; those of a search's circuit belong to the atoms in it. */
export function readingsOfAtom(atom: Atom): readonly Reading[] {
  switch (atom.kind) {
    case "lineage":
      return [];
    case "computed":
      return readingsOf(atom.expression);
    case "dynamic":
      return readingsOfDynamic(atom.value);
    case "foreign":
      return atom.readings;
    default:
      return [atom.reading];
  }
}

export function readingsOfKey({ value }: Key): readonly Reading[] {
  switch (value.kind) {
    case "reading":
      return [value.reading];
    case "absent":
      return [];
    case "dynamic":
      return readingsOfDynamic(value.value);
  }
}

/** The atoms that stand inside an atom. */
export function innerAtoms(atom: Atom): readonly AtomId[] {
  switch (atom.kind) {
    case "search":
      return atomsOf(atom.circuit);
    case "computed":
      return testsOf(atom.expression);
    default:
      return [];
  }
}

function testsOf(expression: Expression): readonly AtomId[] {
  return expression.kind === "test" ? [expression.atom as AtomId] : operandsOf(expression).flatMap(testsOf);
}

/** What an atom needs beside the event at hand. */
export interface Needs {
  /** Depths of the searches around it whose element it reads; a search that stands in the atom itself does not count. */
  readonly elements: ReadonlySet<number>;
  /** The stages whose events it reads. */
  readonly stages: ReadonlySet<number>;
  /** What the runtime says of the event's process. */
  readonly lineage: boolean;
}

export function needsOf(atom: Atom, atoms: readonly Atom[]): Needs {
  const elements = new Set<number>();
  const stages = new Set<number>();
  let lineage = atom.kind === "lineage" || (atom.kind === "dynamic" && asksLineage(atom.value));
  for (const id of innerAtoms(atom)) {
    const inner = atoms[id];
    if (inner === undefined) continue;
    const needs = needsOf(inner, atoms);
    for (const depth of needs.elements) elements.add(depth);
    for (const stage of needs.stages) stages.add(stage);
    lineage ||= needs.lineage;
  }
  if (atom.kind === "search") elements.delete(atom.depth);
  for (const { root } of readingsOfAtom(atom)) {
    if (root.kind === "element") elements.add(root.depth);
    if (root.kind === "stage") stages.add(root.stage);
  }
  return { elements, stages, lineage };
}

/** Whether the atom needs more than the event at hand: earlier stages' events, or what is known of its process. */
export function isLate(atom: Atom, atoms: readonly Atom[]): boolean {
  const { stages, lineage } = needsOf(atom, atoms);
  return lineage || stages.size > 0;
}
