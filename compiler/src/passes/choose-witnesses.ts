// Which predicates an event can match at all: each predicate is posted under conditions of which an event must meet one, and needs
// guards, all of which must hold.
//   set            a value is one of these texts
//   literal        a value contains this text
//   exists         the reading has a value
// Of the clauses that a circuit implies (necessary-conditions.ts) the one is taken that fewest events are expected to meet.
// SOUND: a predicate is only left out of an event that meets none of its witness's conditions or lacks a guard that it needs, and
// then its circuit is false.

import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { PredicateId } from "../ir/ids.js";
import type { Condition, PackIr, Posting, Predicate, PresencePosting, Witness, WitnessIndex } from "../ir/pack-ir.js";
import { type Reading, readingKey } from "../ir/reading.js";
import type { Profile } from "../profile/profile.js";
import { chooseGuards } from "./choose-guards.js";
import { createCosts } from "./expected-shares.js";
import { bestClause, type Clause, type Cost } from "./necessary-conditions.js";

/**
 * To look for literals is one pass over the field, however few there are: below so many predicates it is taken to be cheaper to try them
 * whenever the field has a value. A guess, from a pass of a nanosecond a byte and predicates of a few tens; it was not measured.
 */
const FEWEST_USERS = 4;

export function chooseWitnesses(pack: PackIr, profile: Profile | null): PackIr {
  const costOfClause = createCosts(profile);
  const first = pack.predicates.map((predicate) => witnessOf(predicate, pack, costOfClause, () => true));
  const users = new Map<string, number>();
  for (const { witness } of first) {
    const literals = witness?.conditions.filter(({ kind }) => kind === "literal") ?? [];
    for (const key of new Set(literals.map(({ reading }) => readingKey(reading))))
      users.set(key, (users.get(key) ?? 0) + 1);
  }
  const isWorthIt = (reading: Reading): boolean => (users.get(readingKey(reading)) ?? 0) >= FEWEST_USERS;
  // SOUND: where no cost was asked of a reading that is not worth it, every cost is what it was.
  const second = pack.predicates.map((predicate, id) => {
    const known = first[id];
    const isSame = known !== undefined && [...known.asked].every((key) => (users.get(key) ?? 0) >= FEWEST_USERS);
    return isSame ? known.witness : witnessOf(predicate, pack, costOfClause, isWorthIt).witness;
  });
  const witnesses = foldTogether(second);
  return {
    ...pack,
    index: { witnesses, ...chooseGuards(pack, witnesses, profile), ...postingsOf(pack, witnesses), profile },
  };
}

/** The witness of a predicate, and the readings, by key, of the literals whose costs were asked for. */
function witnessOf(
  { circuit, late }: Predicate,
  { atoms }: PackIr,
  costOfClause: Cost,
  hasLiterals: (reading: Reading) => boolean,
): { readonly witness: Witness | null; readonly asked: ReadonlySet<string> } {
  const asked = new Set<string>();
  const costOf = (clause: Clause): number => {
    let isWorthIt = true;
    for (const one of clause) {
      if (one.kind !== "literal") continue;
      asked.add(readingKey(one.reading));
      isWorthIt &&= hasLiterals(one.reading);
    }
    return isWorthIt ? costOfClause(clause) : Number.POSITIVE_INFINITY;
  };
  const conditions = late ? null : bestClause(circuit, atoms, costOf);
  return { witness: conditions === null ? null : { conditions, cost: costOfClause(conditions) }, asked };
}

/**
 * The literals of a reading are looked for in its folded values once some of them are, so that it is read once.
 * SOUND: a value that contains a text contains it folded when both are folded.
 */
function foldTogether(witnesses: readonly (Witness | null)[]): (Witness | null)[] {
  const folded = new Set<string>();
  for (const witness of witnesses) {
    for (const one of witness?.conditions ?? [])
      if (one.kind === "literal" && one.fold) folded.add(readingKey(one.reading));
  }
  const foldOne = (one: Condition): Condition =>
    one.kind === "literal" && !one.fold && folded.has(readingKey(one.reading))
      ? { ...one, fold: true, text: foldString(one.text) }
      : one;
  return witnesses.map((witness) => witness && { ...witness, conditions: witness.conditions.map(foldOne) });
}

/** The index that tries every predicate on every event: what any other has to agree with. */
export function tryAlways(pack: PackIr): PackIr {
  const witnesses = pack.predicates.map(() => null);
  const masks = pack.predicates.map(() => 0n);
  return { ...pack, index: { witnesses, guards: [], masks, ...postingsOf(pack, witnesses), profile: null } };
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
