// Removes constants, double negation and equal operands, and lifts nested `and`s and `or`s of the same kind.

import { type Circuit, FALSE, TRUE } from "../ir/pack-ir.js";

export function flatten(circuit: Circuit): Circuit {
  switch (circuit.kind) {
    case "constant":
    case "atom":
      return circuit;
    case "not": {
      const operand = flatten(circuit.operand);
      if (operand.kind === "constant") return operand.value ? FALSE : TRUE;
      return operand.kind === "not" ? operand.operand : { kind: "not", operand };
    }
    case "and":
    case "or": {
      const absorbing = circuit.kind === "or";
      const operands = new Map<string, Circuit>();
      for (const raw of circuit.operands) {
        const operand = flatten(raw);
        if (operand.kind === "constant") {
          if (operand.value === absorbing) return operand;
          continue;
        }
        const parts = operand.kind === circuit.kind ? operand.operands : [operand];
        for (const part of parts) operands.set(part.kind === "atom" ? String(part.atom) : JSON.stringify(part), part);
      }
      const [only] = operands.values();
      if (only === undefined) return absorbing ? FALSE : TRUE;
      return operands.size === 1 ? only : { kind: circuit.kind, operands: [...operands.values()] };
    }
  }
}
