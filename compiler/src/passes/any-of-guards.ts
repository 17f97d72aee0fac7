// Of some postings: guards of which each posting needs one. An event that lacks them all can meet none of the postings, and so what would
// only tell which of them it meets is not asked: a command line is searched only where the event is one that rules on command lines take.

import type { Guard, Posting } from "../ir/pack-ir.js";
import type { Profile } from "../profile/profile.js";
import { EVERY, expectedShare } from "./expected-shares.js";

/** What a guard costs that no event is expected to meet, so that none is taken without need. */
const LEAST_COST = 1;

/** The bits of such guards, chosen such that few events meet one; none where a posting needs no guard, or every event is expected to meet one. */
export function anyOfGuards(postings: readonly Posting[], guards: readonly Guard[], profile: Profile | null): bigint {
  const costs = guards.map((guard) => expectedShare(guard, profile) + LEAST_COST);
  const costOf = (bits: readonly number[]): number => bits.reduce((sum, bit) => sum + (costs[bit] ?? 0), 0);
  const masks = [...new Set(postings.map(({ guards: mask }) => mask))];
  const needs = masks.map((mask) => [...guards.keys()].filter((bit) => (mask >> BigInt(bit)) & 1n));
  if (needs.some((bits) => bits.length === 0)) return 0n;
  let best: readonly number[] = [];
  let least = EVERY;
  // To find the cheapest is hard. What is put together of the most useful ones depends on the first; of each need there is one, and so of the shortest.
  const [shortest = []] = [...needs].sort((a, b) => a.length - b.length);
  for (const first of shortest) {
    const bits = cover(needs, first, (bit) => costOf([bit]));
    const cost = costOf(bits);
    if (cost < least) [best, least] = [bits, cost];
  }
  return best.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
}

/** Bits, one at least of each of the needs: the first, then always the one that is in most of those that are left for its cost. */
function cover(
  needs: readonly (readonly number[])[],
  first: number,
  costOf: (bit: number) => number,
): readonly number[] {
  const chosen = [first];
  for (let left = without(needs, first); left.length > 0; left = without(left, chosen.at(-1) ?? first)) {
    const users = new Map<number, number>();
    for (const bit of left.flat()) users.set(bit, (users.get(bit) ?? 0) + 1);
    const worth = (bit: number): number => (users.get(bit) ?? 0) / costOf(bit);
    chosen.push([...users.keys()].reduce((one, other) => (worth(other) > worth(one) ? other : one)));
  }
  return chosen;
}

function without(needs: readonly (readonly number[])[], bit: number): (readonly number[])[] {
  return needs.filter((bits) => !bits.includes(bit));
}
