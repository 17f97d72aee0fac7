// In an `or`, set atoms over the same field become one. Not in an `and`: with several values, each set may be met by a
// value of its own.

import type { Atom, Circuit } from "../plan/ir.js";
import type { AtomTable } from "../plan/typed-to-circuit.js";

export function mergeSets(circuit: Circuit, atoms: AtomTable): Circuit {
  if (circuit.kind === "not") return { kind: "not", operand: mergeSets(circuit.operand, atoms) };
  if (circuit.kind === "and")
    return { kind: "and", operands: circuit.operands.map((operand) => mergeSets(operand, atoms)) };
  if (circuit.kind !== "or") return circuit;
  type SetAtom = Extract<Atom, { kind: "set" }>;
  const groups = new Map<string, SetAtom[]>();
  const others: Circuit[] = [];
  for (const operand of circuit.operands) {
    const atom = operand.kind === "atom" ? atoms.items[operand.atom] : undefined;
    if (atom?.kind !== "set") {
      others.push(mergeSets(operand, atoms));
      continue;
    }
    const key = `${atom.field.name} ${atom.fold}`;
    groups.set(key, [...(groups.get(key) ?? []), atom]);
  }
  const sets = [...groups.values()].flatMap((group): Circuit[] => {
    const [first] = group;
    if (first === undefined) return [];
    const texts = [...new Set(group.flatMap((atom) => atom.texts))].sort();
    return [{ kind: "atom", atom: atoms.intern({ ...first, texts }) }];
  });
  const operands = [...sets, ...others];
  const [only] = operands;
  return operands.length === 1 && only !== undefined ? only : { kind: "or", operands };
}
