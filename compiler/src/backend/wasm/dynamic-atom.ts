// A condition of the endgame dialect -> a function () -> i32 that is 1 when its value counts as true.

import { COMBINATION_LIMIT } from "@kestrel/stdlib/abi";
import type { DynamicValue } from "../../ir/dynamic-value.js";
import type { DataSection } from "./data-section.js";
import { addDynamicFunction, searches } from "./dynamic-value.js";
import { type Builder, i32, none } from "./seam.js";
import type { StateLayout } from "./state.js";

export function addDynamicAtom(
  b: Builder,
  name: string,
  value: DynamicValue,
  state: StateLayout,
  data: DataSection,
): void {
  const { module: m } = b;
  const truth = `${name} truth`;
  addDynamicFunction({ b, data, state }, truth, value, "truth");
  const holds = m.i32.eq(m.call(truth, [], i32), b.word(1));
  if (!searches(value)) {
    b.define(name, none, i32, [], holds);
    return;
  }
  // The turns of searches have a bound, past which the condition counts as not met.
  const body = m.block(
    null,
    [
      b.prelude("startSteps", b.word(COMBINATION_LIMIT)),
      m.local.set(0, holds),
      m.if(b.prelude("stepsHeld"), m.return(m.local.get(0, i32))),
      b.prelude("countCombinations"),
      b.word(0),
    ],
    i32,
  );
  b.define(name, none, i32, [i32], body);
}
