// Pack -> what its rules ask of events, for whoever counts how many hold it (profile/count-events.ts): every field and text of an atom, and
// the grams of every literal that a predicate could be posted under.

import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { PackIr } from "../ir/pack-ir.js";
import { type Asked, gramsOf } from "../profile/count-events.js";
import { bestClause } from "./necessary-conditions.js";

export function askedOf({ atoms, predicates }: Pick<PackIr, "atoms" | "predicates">): Asked {
  const fields = new Set<string>();
  const texts = new Map<string, Set<string>>();
  const patterns = new Set<string>();
  const grams = new Set<string>();
  for (const atom of atoms) {
    if (!("reading" in atom) || atom.reading.root.kind !== "event") continue;
    const { name } = atom.reading;
    fields.add(name);
    if (atom.kind === "pattern") patterns.add(name);
    if (atom.kind !== "set") continue;
    const known = texts.get(name) ?? new Set();
    texts.set(name, known);
    for (const text of atom.texts) known.add(foldString(text));
  }
  for (const { circuit } of predicates) {
    // Of every clause that could be chosen the cost is asked.
    bestClause(circuit, atoms, (clause) => {
      for (const one of clause) {
        fields.add(one.reading.name);
        if (one.kind === "literal") for (const gram of gramsOf(foldString(one.text), null)) grams.add(gram);
      }
      return 0;
    });
  }
  return { fields, texts, patterns, grams };
}
