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
  const text = keyOf(atom);
  texts.set(atom, text);
  return text;
}

/** Most atoms hold nothing that JSON does not spell, and canonicalText, which looks at every part, takes several times as long. */
function keyOf(atom: Atom): string {
  switch (atom.kind) {
    case "set":
    case "exists":
    case "boolean":
      return JSON.stringify(atom);
    case "pattern": {
      const { kind, reading, patterns } = atom;
      const { fold, globs, regexes } = patterns;
      const textsOf = (list: readonly { readonly text: string }[]): string[] => list.map(({ text }) => text);
      return JSON.stringify([kind, reading, fold, textsOf(globs), textsOf(regexes)]);
    }
    default:
      return canonicalText(atom);
  }
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
