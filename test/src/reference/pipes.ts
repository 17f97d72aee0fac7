// `| head N` and `| tail N` over a list of results.

import type { Pipe } from "@kestrel/compiler/syntax/ast";
import { Unsupported } from "./evaluate.js";

/** Throws Unsupported on every other pipe. */
export function applyPipes<T>(results: readonly T[], pipes: readonly Pipe[]): T[] {
  let left = [...results];
  for (const pipe of pipes) {
    const argument = pipe.args[0];
    if (pipe.args.length !== 1 || argument?.kind !== "literal" || argument.type !== "integer") {
      throw new Unsupported(`The pipe ${pipe.name} with these arguments is not interpreted`);
    }
    const count = Number(argument.value);
    if (pipe.name === "head") left = left.slice(0, count);
    else if (pipe.name === "tail") left = left.slice(Math.max(0, left.length - count));
    else throw new Unsupported(`The pipe ${pipe.name} is not interpreted`);
  }
  return left;
}
