// The guards that a mask names, see WitnessIndex.

import type { Guard, WitnessIndex } from "./pack-ir.js";

/** The guards that a predicate needs, whatever wakes it; in the order of their bits. */
export function guardsOf({ guards, masks }: WitnessIndex, predicate: number): readonly Guard[] {
  const mask = masks[predicate] ?? 0n;
  return guards.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
}
