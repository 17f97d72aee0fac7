// Removes constants, double negation, equal operands and those that say nothing beside another one (`a or (a and b)` is `a`), and lifts nested
// `and`s and `or`s of the same kind.

import { type Circuit, junction, negation } from "../ir/circuit.js";
import type { PackIr } from "../ir/pack-ir.js";
import { rewriteCircuits } from "../ir/rewrite.js";

export function flatten(pack: PackIr): PackIr {
  return rewriteCircuits(pack, flattened);
}

function flattened(circuit: Circuit): Circuit {
  switch (circuit.kind) {
    case "constant":
    case "atom":
      return circuit;
    case "not":
      return negation(flattened(circuit.operand));
    case "and":
    case "or": {
      const operands = new Map<string, Circuit>();
      for (const raw of circuit.operands) {
        const operand = flattened(raw);
        const parts = operand.kind === circuit.kind ? operand.operands : [operand];
        for (const part of parts) operands.set(keyOf(part), part);
      }
      const says = (part: Circuit): boolean =>
        (part.kind !== "and" && part.kind !== "or") || !part.operands.some((inner) => operands.has(keyOf(inner)));
      return junction(circuit.kind, [...operands.values()].filter(says));
    }
  }
}

function keyOf(circuit: Circuit): string {
  return circuit.kind === "atom" ? String(circuit.atom) : JSON.stringify(circuit);
}
