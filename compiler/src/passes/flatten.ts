// Removes constants, double negation and equal operands, and lifts nested `and`s and `or`s of the same kind.

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
        for (const part of parts) operands.set(part.kind === "atom" ? String(part.atom) : JSON.stringify(part), part);
      }
      return junction(circuit.kind, [...operands.values()]);
    }
  }
}
