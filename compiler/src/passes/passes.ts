// What happens to a circuit between planning and lowering, in order. Each pass keeps what the circuit means.

import type { Circuit } from "../ir/pack-ir.js";
import type { AtomTable } from "../plan/typed-to-circuit.js";
import { flatten } from "./flatten.js";
import { mergeSets } from "./merge-sets.js";
import { orderOperands } from "./order-operands.js";

export type Pass = (circuit: Circuit, atoms: AtomTable) => Circuit;

export const passes: readonly Pass[] = [
  flatten, // constants vanish, double negation too, nested `and` in `and` becomes one level
  mergeSets, // `f == "a" or f == "b"` becomes one set, so that it costs one look-up and can be a witness
  orderOperands, // cheap questions first
];
