// Leaves out of a predicate what is known of every event for which it is tried: the guards that it needs, and what it is posted under where that
// is one condition. A rule on processes that looks for a name asks neither the category nor the name again.
//
// SOUND: a predicate is tried by a posting, and only where the event has all guards that the posting names (candidates.ts, direct-visits.ts). Each posting
// names the guards of the predicate's mask. A posting under texts is found by a value that is one of them. Late tests have no posting,
// and keep all they ask.

import type { Circuit } from "../ir/circuit.js";
import { mapAtoms, TRUE } from "../ir/circuit.js";
import { guardsOf } from "../ir/guards.js";
import type { Atom, Guard, PackIr, WitnessIndex } from "../ir/pack-ir.js";
import { readingKey } from "../ir/reading.js";
import { dropDeadAtoms } from "./drop-dead-atoms.js";

/** The pack as it is lowered to a module that asks the index. Throws when the index is not chosen. */
export function leaveOutKnown(pack: PackIr): PackIr {
  const { index } = pack;
  if (index === null) throw new Error("the pack has no index: its passes have not run");
  const predicates = pack.predicates.map((predicate, id) => {
    const known = knownOf(id, index);
    const left = (circuit: Circuit): Circuit =>
      mapAtoms(circuit, (atom) => (isKnown(pack.atoms[atom], known) ? TRUE : { kind: "atom", atom }));
    return predicate.late || known.length === 0 ? predicate : { ...predicate, circuit: left(predicate.circuit) };
  });
  return dropDeadAtoms({ ...pack, predicates });
}

/** What holds for each event for which the predicate is tried. */
function knownOf(id: number, index: WitnessIndex): readonly Guard[] {
  const needed = guardsOf(index, id);
  const [only, ...others] = index.witnesses[id]?.conditions ?? [];
  return only === undefined || others.length > 0 || only.kind === "literal" ? needed : [...needed, only];
}

function isKnown(atom: Atom | undefined, known: readonly Guard[]): boolean {
  if (atom?.kind !== "set" && atom?.kind !== "exists") return false;
  const key = readingKey(atom.reading);
  return known.some((one) => {
    if (readingKey(one.reading) !== key) return false;
    if (atom.kind === "exists") return true;
    return one.kind === "set" && one.fold === atom.fold && one.texts.every((text) => atom.texts.includes(text));
  });
}
