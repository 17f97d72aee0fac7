// Short-circuit `and` and `or` of i32 tests. Their code is flat however many there are: Binaryen's passes recurse over
// nesting, and real lists hold thousands of tests.
//
//   (block $decided (result i32)
//     (drop (br_if $decided (i32.const 1) test))   for `or`; for `and`, 0 when the test fails
//     …
//     (i32.const 0))

import { type Builder, type Expression, i32 } from "./seam.js";

export function anyOf(b: Builder, tests: readonly Expression[]): Expression {
  return junction(b, tests, 1);
}

export function allOf(b: Builder, tests: readonly Expression[]): Expression {
  return junction(b, tests, 0);
}

/** `decisive` is the result that one test can force. */
function junction(b: Builder, tests: readonly Expression[], decisive: 0 | 1): Expression {
  const { module: m } = b;
  const last = tests.at(-1);
  if (last === undefined) return b.word(1 - decisive);
  if (tests.length === 1) return last;
  const label = b.label();
  const exits = tests
    .slice(0, -1)
    .map((test) => m.drop(m.br_if(label, decisive === 1 ? test : m.i32.eqz(test), b.word(decisive))));
  return m.block(label, [...exits, last], i32);
}
