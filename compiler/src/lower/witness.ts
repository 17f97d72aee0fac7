// Which predicates an event can match at all: each predicate is posted under literals of which an event must hold one.
//   set atom         its texts
//   and              the best of its operands' witnesses
//   or               all of its operands' witnesses, if each has one
//   anything else    none: the predicate is a candidate for every event
// SOUND: a predicate is only left out of an event that holds none of its witness's literals, and then its circuit is false.

import type { Atom, Circuit } from "../plan/ir.js";

/** An event that matches holds one of `texts` in a field of each set atom's group; any one of the atoms will do. */
export interface Witness {
  readonly sets: readonly Extract<Atom, { kind: "set" }>[];
  /** The smaller, the fewer events are expected to hold one of the literals. */
  readonly cost: number;
}

/**
 * Rough share of events that hold a given literal of the field, in thousandths; anything not named is 5. What counts
 * is how they compare. Bench `steering`, table "shares": a text that rules ask of `event.action` is held by eight times as many
 * events as one of an unnamed field. The recordings say little of the fields that few of their events have.
 */
const SHARE: Readonly<Record<string, number>> = {
  "event.kind": 900,
  "host.os.type": 800,
  "host.os.family": 800,
  "event.outcome": 500,
  "event.module": 400,
  "event.dataset": 300,
  "event.provider": 300,
  "event.category": 250,
  "event.type": 250,
  "event.action": 40,
  "event.code": 60,
  "network.direction": 120,
  "network.transport": 120,
  "network.protocol": 60,
  "process.Ext.token.integrity_level_name": 100,
  "user.id": 60,
  "user.domain": 60,
};
const DEFAULT_SHARE = 5;

export function witnessOf(circuit: Circuit, atoms: readonly Atom[]): Witness | null {
  switch (circuit.kind) {
    case "constant":
      return circuit.value ? null : { sets: [], cost: 0 };
    case "not":
      return null;
    case "atom": {
      const atom = atoms[circuit.atom];
      if (atom?.kind !== "set") return null;
      return { sets: [atom], cost: (SHARE[atom.field.name] ?? DEFAULT_SHARE) * (1 + Math.log2(atom.texts.length)) };
    }
    case "and": {
      let best: Witness | null = null;
      for (const operand of circuit.operands) {
        const witness = witnessOf(operand, atoms);
        if (witness !== null && (best === null || witness.cost < best.cost)) best = witness;
      }
      return best;
    }
    case "or": {
      const sets: Witness["sets"][number][] = [];
      let cost = 0;
      for (const operand of circuit.operands) {
        const witness = witnessOf(operand, atoms);
        if (witness === null) return null;
        sets.push(...witness.sets);
        cost += witness.cost;
      }
      return { sets, cost };
    }
  }
}
