// Predicates with the same circuit and the same keys become one, so that what several rules ask is evaluated once an event.
// The first of them stays, and takes over the rules and the stages of the others.

import type { PredicateId } from "../ir/ids.js";
import { canonicalText, createInterner } from "../ir/intern.js";
import { type Origin, settleOrigins } from "../ir/origins.js";
import type { Key, PackIr, Predicate } from "../ir/pack-ir.js";
import { renumberPredicates } from "../ir/rewrite.js";

export function sharePredicates(pack: PackIr): PackIr {
  // A circuit holds nothing that JSON does not spell, and canonicalText looks at every part.
  const predicates = createInterner<Predicate, PredicateId>(
    ({ circuit, keys, late }) => `${JSON.stringify([circuit, late])} ${canonicalText(keys.map(keyParts))}`,
  );
  const numbers: PredicateId[] = [];
  const eventRules: number[][] = [];
  const origins: Origin[][] = [];
  for (const [before, predicate] of pack.predicates.entries()) {
    const id = predicates.intern(predicate);
    numbers[before] = id;
    eventRules[id] ??= [];
    eventRules[id].push(...(pack.eventRules[before] ?? []));
    origins[id] ??= [];
    origins[id].push(...(pack.origins.predicates[before] ?? []));
  }
  return {
    ...pack,
    ...renumberPredicates(pack, (id) => numbers[id] ?? id),
    predicates: predicates.items,
    eventRules: eventRules.map((rules) => [...new Set(rules)].sort((a, b) => a - b)),
    origins: { ...pack.origins, predicates: settleOrigins(origins) },
  };
}

/** The parts by which keys are compared: what is read, not the name that a rule gives it. */
function keyParts({ value, optional }: Key): unknown {
  return [value, optional];
}
