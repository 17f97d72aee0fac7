// The atoms of a pack while it is made or rewritten: equal atoms get one id, and gather the origins of all who ask them.

import type { AtomId } from "./ids.js";
import { canonicalText, createInterner } from "./intern.js";
import type { Origin } from "./origins.js";
import type { Atom } from "./pack-ir.js";

export interface AtomTable {
  readonly items: readonly Atom[];
  /** By atom, as they came; settleOrigins puts them in order. */
  readonly origins: readonly (readonly Origin[])[];
  intern(atom: Atom, origins: readonly Origin[]): AtomId;
}

/** Passes hand most atoms on as they are, and an atom never changes. */
const texts = new WeakMap<Atom, string>();

function textOf(atom: Atom): string {
  const known = texts.get(atom);
  if (known !== undefined) return known;
  const text = canonicalText(atom);
  texts.set(atom, text);
  return text;
}

export function createAtomTable(): AtomTable {
  const atoms = createInterner<Atom, AtomId>(textOf);
  const gathered: Origin[][] = [];
  return {
    items: atoms.items,
    origins: gathered,
    intern(atom, origins) {
      const id = atoms.intern(atom);
      const known = gathered[id] ?? [];
      gathered[id] = known;
      for (const origin of origins) known.push(origin);
      return id;
    },
  };
}
