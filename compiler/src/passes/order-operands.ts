// Puts the operands of `and` and `or` in order of cost, so that the cheap ones decide before the dear ones run.
// SOUND: atoms have no effects and cannot fail, so any order gives the same result. Foreign ones come last, since they may be stopped;
// whether one is asked depends on the event alone.

import type { AtomTable } from "../ir/atom-table.js";
import type { Circuit } from "../ir/circuit.js";
import type { Atom, PackIr } from "../ir/pack-ir.js";
import { rewriteCircuits } from "../ir/rewrite.js";

export function orderOperands(pack: PackIr): PackIr {
  return rewriteCircuits(pack, ordered);
}

function ordered(circuit: Circuit, atoms: AtomTable): Circuit {
  if (circuit.kind === "not") return { kind: "not", operand: ordered(circuit.operand, atoms) };
  if (circuit.kind !== "and" && circuit.kind !== "or") return circuit;
  const costed = circuit.operands.map((raw) => {
    const operand = ordered(raw, atoms);
    return { operand, cost: costOf(operand, atoms) };
  });
  costed.sort((a, b) => a.cost - b.cost);
  return { kind: circuit.kind, operands: costed.map(({ operand }) => operand) };
}

function costOf(circuit: Circuit, atoms: AtomTable): number {
  switch (circuit.kind) {
    case "constant":
      return 0;
    case "atom": {
      const atom = atoms.items[circuit.atom];
      return atom === undefined ? 0 : atomCost(atom);
    }
    case "not":
      return costOf(circuit.operand, atoms);
    default:
      return circuit.operands.reduce((sum, operand) => sum + costOf(operand, atoms), 0);
  }
}

/**
 * Rough times, in halves of what the comparison of one integer takes; only their order matters. Bench `steering`, table
 * "atom costs", says where the measured order is another.
 */
function atomCost(atom: Atom): number {
  switch (atom.kind) {
    case "exists":
    case "boolean":
    case "lineage":
      return 1;
    case "integer":
    case "double":
      return 2;
    case "set":
      return 3;
    case "integer-set":
    case "double-set":
      return 4 + Math.log2(atom.values.length);
    case "in-ranges":
      return 40 + atom.ranges.length;
    case "pattern":
      return 10 * (atom.patterns.globs.length + 5 * atom.patterns.regexes.length);
    case "computed":
    case "dynamic":
      return 100;
    case "search":
      return 1000;
    case "foreign":
      return 10_000;
  }
}
