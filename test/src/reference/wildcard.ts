// The patterns of `:` and `like`: `*` is any run of code points, `?` is exactly one, and nothing escapes them.

import { fold } from "./fold.js";

/** Whether the whole of `text` matches. */
export function matchesWildcard(text: string, pattern: string, insensitive: boolean): boolean {
  const characters = Array.from(insensitive ? fold(text) : text);
  // `reached[i]`: the pattern so far can end before character i.
  let reached = characters.map(() => false);
  reached = [true, ...reached];
  for (const symbol of insensitive ? fold(pattern) : pattern) {
    const next = reached.map(() => false);
    for (let i = 0; i < reached.length; i++) {
      if (symbol === "*") next[i] = reached.slice(0, i + 1).includes(true);
      else if (i > 0 && reached[i - 1] === true) next[i] = symbol === "?" || symbol === characters[i - 1];
    }
    reached = next;
  }
  return reached[characters.length] === true;
}

export function hasWildcard(pattern: string): boolean {
  return pattern.includes("*") || pattern.includes("?");
}
