// A seed -> wildcard patterns and regular expressions that come close to the texts of the pool.

import { TEXTS } from "./pool.js";
import type { Random } from "./random.js";

/** A text of the pool with runs of it replaced by `*` and characters by `?`, or without any wildcard. */
export function generateWildcard(random: Random): string {
  const characters = Array.from(random.pick(TEXTS));
  const from = random.below(characters.length + 1);
  const to = from + random.below(characters.length - from + 1);
  const head = characters.slice(0, from).join("");
  const tail = characters.slice(to).join("");
  return random.weighted<() => string>([
    [2, () => characters.join("")],
    [3, () => `${head}*${tail}`],
    [2, () => `*${characters.slice(from, to).join("")}*`],
    [1, () => `${head}*`],
    [1, () => `*${tail}`],
    [2, () => characters.map((character) => (random.chance(0.2) ? "?" : character)).join("")],
    [1, () => `${head}*${characters.slice(from, to).join("")}*${tail}`],
    [1, () => `?${characters.slice(1).join("")}`],
    [0.5, () => random.pick(["*", "?", "**", "?*", "*?", "??", ""])],
  ])();
}

/** Literals of the pool with a few characters generalised. Every form of the syntax can come up. */
export function generateRegex(random: Random): string {
  const characters = Array.from(random.pick(TEXTS));
  const parts = characters.map((character) => regexPart(random, character));
  const pattern = parts.join("");
  return random.weighted<() => string>([
    [3, () => pattern],
    [2, () => `.*${pattern}`],
    [2, () => `${pattern}.*`],
    [2, () => `(${pattern}|${escapeRegex(random.pick(TEXTS))})`],
    [1, () => `(${pattern})${random.pick(["*", "+", "?", "{2}", "{1,}", "{0,2}", "+?"])}`],
    [1, () => `${random.pick(["\\w", "\\d", "\\s", "\\S", "[^a]", "."])}{1,4}${parts.slice(1).join("")}`],
  ])();
}

function regexPart(random: Random, character: string): string {
  const literal = escapeRegex(character);
  return random.weighted<() => string>([
    [12, () => literal],
    [1, () => "."],
    [1, () => `${literal}${random.pick(["*", "+", "?", "*?"])}`],
    [1, () => `[${escapeRegex(character)}x-z]`],
    [0.5, () => "[^0-9]"],
    [0.5, () => ".*?"],
    [0.5, () => "[a-z\\d]"],
    [character === '"' || character === "\\" ? 0 : 0.5, () => `"${character}"`],
  ])();
}

function escapeRegex(text: string): string {
  return text.replace(/[.?+*|{}[\]()"\\^$-]/g, "\\$&");
}
