// Circuit -> conditions that hold for every event for which it is true: what the index may ask in its place.
//
//   clause         conditions at least one of which holds
//   set atom       one of its texts is a value
//   any atom       the readings without which it is false have values
//   and            the clauses of all operands
//   or             of each operand its best clause, all in one
//   not            none: nothing is known of what makes its operand false
// SOUND: an atom is true for an event when a value of its reading answers yes, so there is one; and when an `or` holds, one of its
// operands does, and with it a condition of that operand's clause.

import type { Circuit } from "../ir/circuit.js";
import { neededReadings } from "../ir/needed-readings.js";
import type { Atom, Condition } from "../ir/pack-ir.js";

export type Clause = readonly Condition[];

/** How many of a thousand events are expected to meet one of the conditions. */
export type Cost = (clause: Clause) => number;

/** The clause that fewest events are expected to meet; null when there is none. An empty one is never met. */
export function bestClause(circuit: Circuit, atoms: readonly Atom[], costOf: Cost): Clause | null {
  switch (circuit.kind) {
    case "constant":
      return circuit.value ? null : [];
    case "not":
      return null;
    case "atom":
      return cheapest(clausesOfAtom(atoms[circuit.atom], atoms), costOf);
    case "and":
      return cheapest(
        circuit.operands.flatMap((operand) => {
          const clause = bestClause(operand, atoms, costOf);
          return clause === null ? [] : [clause];
        }),
        costOf,
      );
    case "or": {
      const joined: Condition[] = [];
      for (const operand of circuit.operands) {
        const clause = bestClause(operand, atoms, costOf);
        if (clause === null) return null;
        for (const condition of clause) joined.push(condition);
      }
      return joined;
    }
  }
}

function clausesOfAtom(atom: Atom | undefined, atoms: readonly Atom[]): readonly Clause[] {
  if (atom === undefined) return [];
  const present = neededReadings(atom, atoms).map((reading): Clause => [{ kind: "exists", reading }]);
  return atom.kind === "set" ? [[atom], ...present] : present;
}

function cheapest(clauses: readonly Clause[], costOf: Cost): Clause | null {
  let best: Clause | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const clause of clauses) {
    const cost = costOf(clause);
    if (best === null || cost < least) [best, least] = [clause, cost];
  }
  return best;
}
