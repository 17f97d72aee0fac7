// `| head N` and `| tail N` over a list of results.

import type { Pipe } from "@kestrel/compiler/syntax/ast";

/** Throws on every other pipe, which the elastic dialect does not have. */
export function applyPipes<T>(results: readonly T[], pipes: readonly Pipe[]): T[] {
  let left = [...results];
  for (const pipe of pipes) {
    const argument = pipe.args[0];
    if (pipe.args.length !== 1 || argument?.kind !== "literal" || argument.type !== "integer") {
      throw new Error(`The pipe ${pipe.name} takes one whole number`);
    }
    const count = Number(argument.value);
    if (pipe.name === "head") left = left.slice(0, count);
    else if (pipe.name === "tail") left = left.slice(Math.max(0, left.length - count));
    else throw new Error(`There is no pipe ${pipe.name}`);
  }
  return left;
}
