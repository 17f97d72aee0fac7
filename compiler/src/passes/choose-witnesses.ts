// Which predicates an event can match at all: each predicate is posted under literals of which an event must hold one.
//   set atom         its texts
//   and              the best of its operands' witnesses
//   or               all of its operands' witnesses, if each has one
//   anything else    none: the predicate is a candidate for every event
// SOUND: a predicate is only left out of an event that holds none of its witness's literals, and then its circuit is false.

import type { Circuit } from "../ir/circuit.js";
import type { PredicateId } from "../ir/ids.js";
import type { Atom, PackIr, Posting, Witness } from "../ir/pack-ir.js";
import { readingKey } from "../ir/reading.js";

export function chooseWitnesses(pack: PackIr): PackIr {
  const witnesses = pack.predicates.map(({ circuit, late }) => (late ? null : witnessOf(circuit, pack.atoms)));
  const postings = new Map<string, Omit<Posting, "predicates"> & { readonly predicates: Map<string, PredicateId[]> }>();
  const always: PredicateId[] = [];
  for (const [number, witness] of witnesses.entries()) {
    const id = number as PredicateId;
    if (witness === null && pack.predicates[id]?.late === false) always.push(id);
    for (const { reading, fold, texts } of witness?.sets ?? []) {
      const key = `${readingKey(reading)} ${fold}`;
      const posting = postings.get(key) ?? { reading, fold, predicates: new Map<string, PredicateId[]>() };
      postings.set(key, posting);
      for (const text of texts) {
        const list = posting.predicates.get(text);
        if (list === undefined) posting.predicates.set(text, [id]);
        else if (list.at(-1) !== id) list.push(id);
      }
    }
  }
  return { ...pack, index: { witnesses, postings: [...postings.values()], always } };
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

function witnessOf(circuit: Circuit, atoms: readonly Atom[]): Witness | null {
  switch (circuit.kind) {
    case "constant":
      return circuit.value ? null : { sets: [], cost: 0 };
    case "not":
      return null;
    case "atom": {
      const atom = atoms[circuit.atom];
      if (atom?.kind !== "set") return null;
      return { sets: [atom], cost: (SHARE[atom.reading.name] ?? DEFAULT_SHARE) * (1 + Math.log2(atom.texts.length)) };
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
