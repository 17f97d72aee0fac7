// Which predicates an event can match at all: each predicate is posted under conditions of which an event must meet one, and needs
// guards, all of which must hold.
//   set            a value is one of these texts
//   exists         the reading has a value
// Of the clauses that a circuit implies (necessary-conditions.ts) the one is taken that fewest events are expected to meet.
// SOUND: a predicate is only left out of an event that meets none of its witness's conditions or lacks a guard that it needs, and
// then its circuit is false.

import type { PredicateId } from "../ir/ids.js";
import type { Condition, PackIr, Posting, PresencePosting, Witness, WitnessIndex } from "../ir/pack-ir.js";
import { readingKey } from "../ir/reading.js";
import { chooseGuards } from "./choose-guards.js";
import { costOfClause } from "./expected-shares.js";
import { bestClause } from "./necessary-conditions.js";

export function chooseWitnesses(pack: PackIr): PackIr {
  const witnesses = pack.predicates.map(({ circuit, late }): Witness | null => {
    const conditions = late ? null : bestClause(circuit, pack.atoms, costOfClause);
    return conditions === null ? null : { conditions, cost: costOfClause(conditions) };
  });
  return { ...pack, index: { witnesses, ...chooseGuards(pack, witnesses), ...postingsOf(pack, witnesses) } };
}

/** The index that tries every predicate on every event: what any other has to agree with. */
export function tryAlways(pack: PackIr): PackIr {
  const witnesses = pack.predicates.map(() => null);
  const masks = pack.predicates.map(() => 0n);
  return { ...pack, index: { witnesses, guards: [], masks, ...postingsOf(pack, witnesses) } };
}

function postingsOf(
  { predicates }: PackIr,
  witnesses: readonly (Witness | null)[],
): Pick<WitnessIndex, "sets" | "literals" | "presences" | "always"> {
  const sets = new Map<string, MutablePosting>();
  const literals = new Map<string, MutablePosting>();
  const presences = new Map<string, PresencePosting & { readonly predicates: PredicateId[] }>();
  const always: PredicateId[] = [];
  const post = (condition: Condition, id: PredicateId): void => {
    switch (condition.kind) {
      case "set":
        for (const text of condition.texts) postUnder(sets, condition, text, id);
        break;
      case "literal":
        postUnder(literals, condition, condition.text, id);
        break;
      case "exists": {
        const key = readingKey(condition.reading);
        const posting = presences.get(key) ?? { reading: condition.reading, predicates: [] };
        presences.set(key, posting);
        if (posting.predicates.at(-1) !== id) posting.predicates.push(id);
      }
    }
  };
  for (const [number, witness] of witnesses.entries()) {
    const id = number as PredicateId;
    if (predicates[id]?.late !== false) continue;
    if (witness === null) always.push(id);
    else for (const condition of witness.conditions) post(condition, id);
  }
  return { sets: [...sets.values()], literals: [...literals.values()], presences: [...presences.values()], always };
}

type MutablePosting = Omit<Posting, "predicates"> & { readonly predicates: Map<string, PredicateId[]> };

function postUnder(
  postings: Map<string, MutablePosting>,
  { reading, fold }: Extract<Condition, { readonly kind: "set" | "literal" }>,
  text: string,
  id: PredicateId,
): void {
  const key = `${readingKey(reading)} ${fold}`;
  const posting = postings.get(key) ?? { reading, fold, predicates: new Map<string, PredicateId[]>() };
  postings.set(key, posting);
  const list = posting.predicates.get(text);
  if (list === undefined) posting.predicates.set(text, [id]);
  else if (list.at(-1) !== id) list.push(id);
}
