// Guards: the conditions that most candidates turn out to lack, a bit for each. An event's bits are set once, and a posting names
// the bits that its predicate needs, so that one `and` decides before the predicate is called.
// SOUND: a predicate needs a guard only where its circuit implies it:
//   set atom       one of its texts is a value, and so one of any set of texts that has them all
//   any atom       the readings without which it is false have values
//   and            what its operands imply
//   or             the readings that all operands need; texts of the same reading, those of all operands together
//   not            nothing

import type { Circuit } from "../ir/circuit.js";
import { neededReadings } from "../ir/needed-readings.js";
import { type Atom, type AtomOf, type Guard, MOST_GUARDS, type PackIr, type Witness } from "../ir/pack-ir.js";
import { type Reading, readingKey } from "../ir/reading.js";
import type { Profile } from "../profile/profile.js";
import { EVERY, expectedShare } from "./expected-shares.js";

export interface Guards {
  /** By bit. */
  readonly guards: readonly Guard[];
  /** By predicate: the bits of the guards that it needs. */
  readonly masks: readonly bigint[];
  /** The bits of the guards without which a circuit is false. */
  maskOf(circuit: Circuit): bigint;
}

/** What a circuit implies. */
interface Needs {
  readonly present: ReadonlyMap<string, Reading>;
  /** By reading and fold. */
  readonly sets: ReadonlyMap<string, readonly AtomOf<"set">[]>;
}

const NOTHING: Needs = { present: new Map(), sets: new Map() };

/** Guards for predicates that are posted under `witnesses`; late tests need none. */
export function chooseGuards(
  { predicates, atoms }: PackIr,
  witnesses: readonly (Witness | null)[],
  profile: Profile | null,
): Guards {
  const needs = predicates.map(({ circuit, late }) => (late ? NOTHING : needsOf(circuit, atoms)));
  const guards = choose(candidatesOf(needs), witnesses, profile);
  const byReading = new Map<string, [bit: bigint, guard: Guard][]>();
  for (const [bit, guard] of guards.entries()) {
    const key = guard.kind === "set" ? setKey(guard) : readingKey(guard.reading);
    byReading.set(key, [...(byReading.get(key) ?? []), [1n << BigInt(bit), guard]]);
  }
  const maskOf = ({ present, sets }: Needs): bigint => {
    let mask = 0n;
    for (const key of present.keys()) for (const [bit] of byReading.get(key) ?? []) mask |= bit;
    for (const [key, needed] of sets) {
      for (const [bit, guard] of byReading.get(key) ?? []) {
        if (guard.kind === "set" && needed.some(({ texts }) => isSubset(texts, guard.texts))) mask |= bit;
      }
    }
    return mask;
  };
  return { guards, masks: needs.map(maskOf), maskOf: (circuit) => maskOf(needsOf(circuit, atoms)) };
}

function needsOf(circuit: Circuit, atoms: readonly Atom[]): Needs {
  switch (circuit.kind) {
    case "constant":
    case "not":
      return NOTHING;
    case "atom": {
      const atom = atoms[circuit.atom];
      if (atom === undefined) return NOTHING;
      return {
        present: new Map(neededReadings(atom, atoms).map((reading) => [readingKey(reading), reading])),
        sets: atom.kind === "set" && atom.reading.root.kind === "event" ? new Map([[setKey(atom), [atom]]]) : new Map(),
      };
    }
    case "and":
      return all(circuit.operands.map((operand) => needsOf(operand, atoms)));
    case "or":
      return some(circuit.operands.map((operand) => needsOf(operand, atoms)));
  }
}

function all(needs: readonly Needs[]): Needs {
  const sets = new Map<string, readonly AtomOf<"set">[]>();
  for (const need of needs) for (const [key, atoms] of need.sets) sets.set(key, [...(sets.get(key) ?? []), ...atoms]);
  return { present: new Map(needs.flatMap(({ present }) => [...present])), sets };
}

function some([first = NOTHING, ...rest]: readonly Needs[]): Needs {
  const present = new Map([...first.present].filter(([key]) => rest.every((need) => need.present.has(key))));
  const sets = new Map<string, readonly AtomOf<"set">[]>();
  for (const [key, atoms] of first.sets) {
    const [one] = atoms;
    const others = rest.flatMap((need) => need.sets.get(key)?.slice(0, 1) ?? []);
    if (one === undefined || others.length < rest.length) continue;
    sets.set(key, [{ ...one, texts: [...new Set([one, ...others].flatMap(({ texts }) => texts))].sort() }]);
  }
  return { present, sets };
}

interface Candidate {
  readonly guard: Guard;
  readonly users: number[];
}

/** The conditions that more than one predicate needs as they are. */
function candidatesOf(needs: readonly Needs[]): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  const add = (key: string, guard: Guard, user: number): void => {
    const candidate = found.get(key) ?? { guard, users: [] };
    found.set(key, candidate);
    if (candidate.users.at(-1) !== user) candidate.users.push(user);
  };
  for (const [user, { present, sets }] of needs.entries()) {
    for (const [key, reading] of present) add(key, { kind: "exists", reading }, user);
    for (const [key, atoms] of sets) for (const atom of atoms) add(`${key} ${JSON.stringify(atom.texts)}`, atom, user);
  }
  return [...found.values()].filter(({ users }) => users.length > 1);
}

/**
 * One after the other the candidate that spares most calls: as many as its users are expected to be candidates for, times the
 * share of those events that lack it. What two guards of one reading say is not independent, so of them the stricter counts.
 */
function choose(
  candidates: readonly Candidate[],
  witnesses: readonly (Witness | null)[],
  profile: Profile | null,
): readonly Guard[] {
  const tried = witnesses.map((witness) => Math.min(witness?.cost ?? EVERY, EVERY));
  const passing = witnesses.map((witness) => {
    // A candidate has what it is posted under, and a guard that says no more spares nothing.
    const [only, ...others] = witness?.conditions ?? [];
    return new Map(
      only === undefined || others.length > 0 ? [] : [[readingKey(only.reading), expectedShare(only, profile)]],
    );
  });
  const left = new Set(candidates);
  const chosen: Guard[] = [];
  const gainOf = ({ guard, users }: Candidate): number => {
    const key = readingKey(guard.reading);
    const share = Math.min(expectedShare(guard, profile), EVERY);
    return users.reduce((sum, user) => {
      const before = passing[user]?.get(key) ?? EVERY;
      return share < before ? sum + (tried[user] ?? 0) * (1 - share / before) : sum;
    }, 0);
  };
  while (chosen.length < MOST_GUARDS) {
    let best: Candidate | null = null;
    let most = LEAST_GAIN;
    for (const candidate of left) {
      const gain = gainOf(candidate);
      if (gain > most) [best, most] = [candidate, gain];
    }
    if (best === null) break;
    left.delete(best);
    chosen.push(best.guard);
    const key = readingKey(best.guard.reading);
    const share = Math.min(expectedShare(best.guard, profile), EVERY);
    for (const user of best.users) {
      const before = passing[user]?.get(key) ?? EVERY;
      if (share >= before) continue;
      tried[user] = (tried[user] ?? 0) * (share / before);
      passing[user]?.set(key, share);
    }
  }
  return chosen;
}

/** A guard costs every event a load at least, so it has to spare a call for one event in fifty. */
const LEAST_GAIN = 20;

function setKey({ reading, fold }: AtomOf<"set">): string {
  return `${readingKey(reading)} ${fold}`;
}

function isSubset(texts: readonly string[], of: readonly string[]): boolean {
  if (texts.length > of.length) return false;
  const known = new Set(of);
  return texts.every((text) => known.has(text));
}
