// The atoms of a pack while it is made or rewritten: equal atoms get one id, and keep the origins of all who ask them.

import type { AtomId } from "./ids.js";
import { canonicalText, createInterner } from "./intern.js";
import { joinOrigins, type Origin } from "./origins.js";
import type { Atom } from "./pack-ir.js";

export interface AtomTable {
  readonly items: readonly Atom[];
  /** By atom. */
  readonly origins: readonly (readonly Origin[])[];
  intern(atom: Atom, origins: readonly Origin[]): AtomId;
}

export function createAtomTable(): AtomTable {
  const atoms = createInterner<Atom, AtomId>(canonicalText);
  const found: (readonly Origin[])[] = [];
  return {
    items: atoms.items,
    origins: found,
    intern(atom, origins) {
      const id = atoms.intern(atom);
      found[id] = joinOrigins(found[id] ?? [], origins);
      return id;
    },
  };
}
