// And / or / not over atoms, two-valued. `conjunction`, `disjunction` and `negation` make circuits without constants inside,
// so that what is decided without an event is seen as soon as the circuit is made.

import type { AtomId } from "./ids.js";

export type Circuit =
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "atom"; readonly atom: AtomId }
  | { readonly kind: "not"; readonly operand: Circuit }
  | { readonly kind: "and" | "or"; readonly operands: readonly Circuit[] };

export const TRUE: Circuit = { kind: "constant", value: true };
export const FALSE: Circuit = { kind: "constant", value: false };

export function conjunction(operands: readonly Circuit[]): Circuit {
  return junction("and", operands);
}

export function disjunction(operands: readonly Circuit[]): Circuit {
  return junction("or", operands);
}

export function junction(kind: "and" | "or", operands: readonly Circuit[]): Circuit {
  const absorbing = kind === "or";
  const open: Circuit[] = [];
  for (const operand of operands) {
    if (operand.kind !== "constant") open.push(operand);
    else if (operand.value === absorbing) return operand;
  }
  const [only] = open;
  if (only === undefined) return absorbing ? FALSE : TRUE;
  return open.length === 1 ? only : { kind, operands: open };
}

export function negation(operand: Circuit): Circuit {
  if (operand.kind === "constant") return operand.value ? FALSE : TRUE;
  return operand.kind === "not" ? operand.operand : { kind: "not", operand };
}

/** The atoms of a circuit, each once, in order of appearance. */
export function atomsOf(circuit: Circuit): readonly AtomId[] {
  const found = new Set<AtomId>();
  const visit = (node: Circuit): void => {
    if (node.kind === "atom") found.add(node.atom);
    else if (node.kind === "not") visit(node.operand);
    else if (node.kind !== "constant") for (const operand of node.operands) visit(operand);
  };
  visit(circuit);
  return [...found];
}

/** The circuit over other atoms. */
export function mapAtoms(circuit: Circuit, map: (atom: AtomId) => Circuit): Circuit {
  switch (circuit.kind) {
    case "constant":
      return circuit;
    case "atom":
      return map(circuit.atom);
    case "not":
      return negation(mapAtoms(circuit.operand, map));
    default:
      return junction(
        circuit.kind,
        circuit.operands.map((operand) => mapAtoms(operand, map)),
      );
  }
}
