// What happens to a pack between planning and lowering, in order. Each pass keeps what the pack means; any number of them,
// from the first, may have run before a pack is lowered, as long as the last one has.

import type { PackIr } from "../ir/pack-ir.js";
import type { Profile } from "../profile/profile.js";
import { chooseWitnesses } from "./choose-witnesses.js";
import { dropDeadAtoms } from "./drop-dead-atoms.js";
import { flatten } from "./flatten.js";
import { mergeSets } from "./merge-sets.js";
import { orderOperands } from "./order-operands.js";
import { sharePredicates } from "./share-predicates.js";

export interface Pass {
  readonly name: string;
  readonly run: (pack: PackIr, profile: Profile | null) => PackIr;
}

export const PASSES: readonly Pass[] = [
  { name: "flatten", run: flatten }, // constants vanish, double negation too, nested `and` in `and` becomes one level
  { name: "merge-sets", run: mergeSets }, // `f == "a" or f == "b"` is one set: one look-up, and a witness
  { name: "order-operands", run: orderOperands }, // cheap questions first
  { name: "share-predicates", run: sharePredicates }, // what two rules ask is asked once
  { name: "drop-dead-atoms", run: dropDeadAtoms }, // what was merged away is not lowered
  { name: "choose-witnesses", run: chooseWitnesses }, // the index: what an event must hold for each predicate to be tried
];

/** The pack after all passes; `profile` steers the index where there is one. */
export function runPasses(pack: PackIr, profile: Profile | null = null): PackIr {
  return PASSES.reduce((before, pass) => pass.run(before, profile), pack);
}

/** The pack after the passes up to the named one, that one included. Throws RangeError for a pass that does not exist. */
export function runPassesTo(name: string, pack: PackIr, profile: Profile | null = null): PackIr {
  const last = PASSES.findIndex((pass) => pass.name === name);
  if (last < 0) throw new RangeError(`there is no pass ${name}`);
  return PASSES.slice(0, last + 1).reduce((before, pass) => pass.run(before, profile), pack);
}
