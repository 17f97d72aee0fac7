// A small seeded source of randomness: the same seed gives the same draws on every machine.

export interface Random {
  /** A whole number from 0 to `limit` - 1. */
  readonly below: (limit: number) => number;
  /** True with the given probability. */
  readonly chance: (probability: number) => boolean;
  /** One element. Throws on an empty list. */
  readonly pick: <T>(choices: readonly T[]) => T;
  /** One element, the first of each pair being its weight. Throws when all weights are zero. */
  readonly weighted: <T>(choices: readonly (readonly [weight: number, choice: T])[]) => T;
  /** A generator whose draws do not disturb this one's. */
  readonly fork: () => Random;
}

/** mulberry32: 32 bits of state, enough for test data. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    below,
    chance: (probability) => next() < probability,
    pick: <T>(choices: readonly T[]): T => {
      if (choices.length === 0) throw new RangeError("Nothing to pick from");
      return choices[below(choices.length)] as T;
    },
    weighted: <T>(choices: readonly (readonly [number, T])[]): T => {
      let left = next() * choices.reduce((sum, [weight]) => sum + weight, 0);
      for (const [weight, choice] of choices) {
        left -= weight;
        if (left < 0) return choice;
      }
      throw new RangeError("Nothing to pick from");
    },
    fork: () => createRandom(below(2 ** 32)),
  };
}
