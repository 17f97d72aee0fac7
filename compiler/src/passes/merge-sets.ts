// In an `or`, set atoms over the same field become one, and so do lists of address ranges. Not in an `and`: with several
// values, each set may be met by a value of its own.

import type { Atom, Circuit } from "../plan/ir.js";
import type { AtomTable } from "../plan/typed-to-circuit.js";

type Mergeable = Extract<Atom, { kind: "set" | "in-ranges" }>;

export function mergeSets(circuit: Circuit, atoms: AtomTable): Circuit {
  if (circuit.kind === "not") return { kind: "not", operand: mergeSets(circuit.operand, atoms) };
  if (circuit.kind === "and")
    return { kind: "and", operands: circuit.operands.map((operand) => mergeSets(operand, atoms)) };
  if (circuit.kind !== "or") return circuit;
  const groups = new Map<string, Mergeable[]>();
  const others: Circuit[] = [];
  for (const operand of circuit.operands) {
    const atom = operand.kind === "atom" ? atoms.items[operand.atom] : undefined;
    if (atom?.kind !== "set" && atom?.kind !== "in-ranges") {
      others.push(mergeSets(operand, atoms));
      continue;
    }
    const key = `${atom.kind} ${atom.field.name} ${atom.kind === "set" && atom.fold}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [atom]);
    else group.push(atom);
  }
  const merged = [...groups.values()].flatMap((group): Circuit[] => {
    const [first] = group;
    if (first === undefined) return [];
    return [{ kind: "atom", atom: atoms.intern(group.length === 1 ? first : mergeGroup(first, group)) }];
  });
  const operands = [...merged, ...others];
  const [only] = operands;
  return operands.length === 1 && only !== undefined ? only : { kind: "or", operands };
}

/** One atom for all of a group, which are of the first one's kind and field. */
function mergeGroup(first: Mergeable, group: readonly Mergeable[]): Mergeable {
  switch (first.kind) {
    case "set": {
      const texts = group.flatMap((atom) => (atom.kind === "set" ? atom.texts : []));
      return { ...first, texts: [...new Set(texts)].sort() };
    }
    case "in-ranges":
      return { ...first, ranges: group.flatMap((atom) => (atom.kind === "in-ranges" ? atom.ranges : [])) };
  }
}
