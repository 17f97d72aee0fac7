// Which predicates an event can match at all: each predicate is posted under conditions of which an event must meet one, and needs
// guards, all of which must hold.
//   set            a value is one of these texts
//   literal        a value contains this text
//   exists         the reading has a value
// What is an `or` is posted for each of its operands by itself, and a posting names the guards that this operand needs.
// Of the clauses that a circuit implies (necessary-conditions.ts) the one is taken that fewest events are expected to meet.
// SOUND: where a circuit holds, one of its alternatives does, and with it a condition of that alternative and all guards that it needs. So
// the posting under this condition lets the event through, and so do the guards of which its texts' search needs one.

import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { Circuit } from "../ir/circuit.js";
import type { PredicateId } from "../ir/ids.js";
import type {
  Condition,
  PackIr,
  Posting,
  Predicate,
  PresencePostings,
  TextPostings,
  Witness,
  WitnessIndex,
} from "../ir/pack-ir.js";
import { type Reading, readingKey } from "../ir/reading.js";
import type { Profile } from "../profile/profile.js";
import { anyOfGuards } from "./any-of-guards.js";
import { chooseGuards, type Guards } from "./choose-guards.js";
import { createCosts } from "./expected-shares.js";
import { bestClause, type Clause, type Cost } from "./necessary-conditions.js";

/**
 * To look for literals is one pass over the field, however few there are: below so many predicates it is taken to be cheaper to try them
 * whenever the field has a value. A guess, from a pass of a nanosecond a byte and predicates of a few tens; it was not measured.
 */
const FEWEST_USERS = 4;

/** A witness and what its conditions are of: the operands of a circuit that is an `or`, else the circuit itself. */
interface Found extends Witness {
  readonly alternatives: readonly Alternative[];
}

/** A circuit, and conditions of which one holds when it does. */
interface Alternative {
  readonly circuit: Circuit;
  readonly conditions: readonly Condition[];
}

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
  const chosen = chooseGuards(pack, witnesses, profile);
  const { guards, masks } = chosen;
  const shown = witnesses.map((witness) => witness && { conditions: witness.conditions, cost: witness.cost });
  return {
    ...pack,
    index: { witnesses: shown, guards, masks, ...postingsOf(pack, witnesses, chosen, profile), profile },
  };
}

/** The witness of a predicate, and the readings, by key, of the literals whose costs were asked for. */
function witnessOf(
  { circuit, late }: Predicate,
  { atoms }: PackIr,
  costOfClause: Cost,
  hasLiterals: (reading: Reading) => boolean,
): { readonly witness: Found | null; readonly asked: ReadonlySet<string> } {
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
  if (late) return { witness: null, asked };
  const alternatives: Alternative[] = [];
  for (const one of alternativesOf(circuit)) {
    const conditions = bestClause(one, atoms, costOf);
    if (conditions === null) return { witness: null, asked };
    alternatives.push({ circuit: one, conditions });
  }
  const conditions = alternatives.flatMap((one) => one.conditions);
  return { witness: { conditions, alternatives, cost: costOfClause(conditions) }, asked };
}

function alternativesOf(circuit: Circuit): readonly Circuit[] {
  return circuit.kind === "or" ? circuit.operands.flatMap(alternativesOf) : [circuit];
}

/**
 * The literals of a reading are all looked for in any case once some of them are, so that it is looked through for them together.
 * SOUND: a value that contains a text contains it folded when both are folded.
 */
function foldTogether(witnesses: readonly (Found | null)[]): (Found | null)[] {
  const folded = new Set<string>();
  for (const witness of witnesses) {
    for (const one of witness?.conditions ?? [])
      if (one.kind === "literal" && one.fold) folded.add(readingKey(one.reading));
  }
  const foldOne = (one: Condition): Condition =>
    one.kind === "literal" && !one.fold && folded.has(readingKey(one.reading))
      ? { ...one, fold: true, text: foldString(one.text) }
      : one;
  return witnesses.map((witness) => {
    if (witness === null) return null;
    const alternatives = witness.alternatives.map((one) => ({ ...one, conditions: one.conditions.map(foldOne) }));
    return { ...witness, alternatives, conditions: alternatives.flatMap(({ conditions }) => conditions) };
  });
}

/** The index that tries every predicate on every event: what any other has to agree with. */
export function tryAlways(pack: PackIr): PackIr {
  const witnesses = pack.predicates.map(() => null);
  const guards: Guards = { guards: [], masks: pack.predicates.map(() => 0n), maskOf: () => 0n };
  return {
    ...pack,
    index: { witnesses, guards: [], masks: guards.masks, ...postingsOf(pack, witnesses, guards, null), profile: null },
  };
}

function postingsOf(
  { predicates }: PackIr,
  witnesses: readonly (Found | null)[],
  { guards, masks, maskOf }: Guards,
  profile: Profile | null,
): Pick<WitnessIndex, "sets" | "literals" | "presences" | "always"> {
  const sets = new Map<string, Draft>();
  const literals = new Map<string, Draft>();
  const presences = new Map<string, PresencePostings & { readonly postings: Posting[] }>();
  const always: Posting[] = [];
  const post = (condition: Condition, posting: Posting): void => {
    switch (condition.kind) {
      case "set":
        for (const text of condition.texts) postUnder(sets, condition, text, posting);
        break;
      case "literal":
        postUnder(literals, condition, condition.text, posting);
        break;
      case "exists": {
        const key = readingKey(condition.reading);
        const { postings } = presences.get(key) ?? setOf(presences, key, { reading: condition.reading, postings: [] });
        addPosting(postings, posting);
      }
    }
  };
  for (const [number, witness] of witnesses.entries()) {
    const predicate = number as PredicateId;
    if (predicates[predicate]?.late !== false) continue;
    const mask = masks[predicate] ?? 0n;
    if (witness === null) always.push({ predicate, guards: mask });
    for (const { circuit, conditions } of witness?.alternatives ?? []) {
      const posting = { predicate, guards: mask | maskOf(circuit) };
      for (const condition of conditions) post(condition, posting);
    }
  }
  const finish = (drafts: ReadonlyMap<string, Draft>): readonly TextPostings[] =>
    [...drafts.values()].map((draft) => ({
      ...draft,
      anyOf: anyOfGuards([...draft.byText.values()].flat(), guards, profile),
    }));
  return { sets: finish(sets), literals: finish(literals), presences: [...presences.values()], always };
}

type Draft = Omit<TextPostings, "byText" | "anyOf"> & { readonly byText: Map<string, Posting[]> };

function postUnder(
  drafts: Map<string, Draft>,
  { reading, fold }: Extract<Condition, { readonly kind: "set" | "literal" }>,
  text: string,
  posting: Posting,
): void {
  const key = `${readingKey(reading)} ${fold}`;
  const { byText } = drafts.get(key) ?? setOf(drafts, key, { reading, fold, byText: new Map<string, Posting[]>() });
  addPosting(byText.get(text) ?? setOf(byText, text, []), posting);
}

/** Adds a posting of the predicate that was posted last, or of a later one. */
function addPosting(postings: Posting[], posting: Posting): void {
  const last = postings.at(-1);
  if (last?.predicate !== posting.predicate) postings.push(posting);
  else postings[postings.length - 1] = { ...last, guards: last.guards & posting.guards };
}

function setOf<Value>(map: Map<string, Value>, key: string, value: Value): Value {
  map.set(key, value);
  return value;
}
