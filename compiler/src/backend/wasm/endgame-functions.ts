// Functions of the endgame dialect -> code, one entry a function: a truth (0, 1, or 2 for null) where the function answers yes
// or no, else the address of a box. See dynamic-value.ts for both.

import type { DynamicFunction } from "../../functions/catalogue.js";
import { type Builder, type Expression, i32 } from "./seam.js";

/** The code of the arguments, each time anew; an argument that is not given is null. */
interface Arguments {
  readonly count: number;
  box(index: number): Expression;
  /** As a box in which a text is folded. */
  folded(index: number): Expression;
  truth(index: number): Expression;
}

interface Tools {
  readonly b: Builder;
  /** Index of a new local, an i32. */
  local(): number;
  /** Whether one of the truths is true; null when none is and one is null. */
  either(truths: readonly Expression[]): Expression;
}

type Lower = (args: Arguments, tools: Tools) => Expression;

export const ENDGAME_FUNCTIONS: Readonly<Record<DynamicFunction, Lower>> = {
  arrayContains(args, { b, local, either }) {
    const { module: m } = b;
    const array = local();
    const tests = indexes(1, args).map((index) => b.prelude("boxHas", m.local.get(array, i32), args.box(index)));
    return m.block(null, [m.local.set(array, args.box(0)), either(tests)], i32);
  },
  between: ({ box, folded, truth }, { b }) => b.prelude("boxBetween", box(0), folded(1), folded(2), truth(3)),
  concat(args, { b, local }) {
    const { module: m } = b;
    const sum = local();
    const texts = indexes(0, args).map((index) => b.prelude("boxString", args.box(index)));
    const [head = b.word(0), ...tail] = texts;
    const steps = [head, ...tail.map((part) => b.prelude("boxConcat", m.local.get(sum, i32), part))];
    return m.block(null, [...steps.map((step) => m.local.set(sum, step)), m.local.get(sum, i32)], i32);
  },
  endsWith: ({ folded }, { b }) => b.prelude("boxEndsWith", folded(0), folded(1)),
  indexOf: ({ box, folded }, { b }) => b.prelude("boxIndexOf", folded(0), folded(1), box(2)),
  length: ({ box }, { b }) => b.prelude("boxLength", box(0)),
  number: ({ box }, { b }) => b.prelude("boxNumber", box(0), box(1)),
  startsWith: ({ folded }, { b }) => b.prelude("boxStartsWith", folded(0), folded(1)),
  string: ({ box }, { b }) => b.prelude("boxString", box(0)),
  stringContains: ({ folded }, { b }) => b.prelude("boxContains", folded(0), folded(1)),
  substring: ({ box }, { b }) => b.prelude("boxSubstring", box(0), box(1), box(2)),
};

function indexes(from: number, { count }: Arguments): number[] {
  return Array.from({ length: count - from }, (_, index) => from + index);
}
