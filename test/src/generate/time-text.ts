// An instant -> JSON that says it in one of the ways that `--timestamp-unit auto` tells apart.

import type { Random } from "./random.js";

/** A number or a string; every way says the same instant. */
export function timeNumber(random: Random, milliseconds: number): string {
  const text = random.weighted<() => string>([
    [4, () => String(milliseconds)],
    [1, () => `${milliseconds}.000`],
    [1, () => (milliseconds / 1000).toFixed(3)],
    [0.5, () => `${(milliseconds / 1e12).toFixed(12)}e9`],
    [1, () => `${milliseconds}000`],
    [1, () => `${milliseconds}000000`],
    [1, () => String(BigInt(milliseconds) * 10_000n + 116_444_736_000_000_000n)],
  ])();
  return random.chance(0.3) ? JSON.stringify(text) : text;
}
