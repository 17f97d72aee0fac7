// Drops the atoms that no predicate asks, directly or inside another atom: those that others have taken the place of.

import { innerAtoms } from "../ir/atom-readings.js";
import { atomsOf } from "../ir/circuit.js";
import type { AtomId } from "../ir/ids.js";
import type { PackIr } from "../ir/pack-ir.js";
import { keepAtoms } from "../ir/rewrite.js";

export function dropDeadAtoms(pack: PackIr): PackIr {
  const asked = new Set<AtomId>();
  const pending = pack.predicates.flatMap(({ circuit }) => atomsOf(circuit));
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const atom = pack.atoms[id];
    if (atom === undefined || asked.has(id)) continue;
    asked.add(id);
    pending.push(...innerAtoms(atom));
  }
  return keepAtoms(
    pack,
    [...asked].sort((a, b) => a - b),
  );
}
