// A key of the endgame dialect, which is any value -> a call that writes it to the output.

import { COMBINATION_LIMIT } from "@kestrel/stdlib/abi";
import type { DynamicValue } from "../../ir/dynamic-value.js";
import type { DataSection } from "./data-section.js";
import { addDynamicFunction, searches } from "./dynamic-value.js";
import { type Builder, type Expression, i32, none } from "./seam.js";
import type { StateLayout } from "./state.js";

/** Evaluates the key and adds it to the match that was emitted last; see emitBoxKey in stdlib/prelude/index.ts. */
export function emitDynamicKey(
  b: Builder,
  value: DynamicValue,
  fold: boolean,
  state: StateLayout,
  data: DataSection,
): Expression {
  const { module: m } = b;
  const name = `key ${b.label()}`;
  addDynamicFunction({ b, data, state }, name, value, "box");
  const emit = b.prelude("emitBoxKey", m.call(name, [], i32), b.word(fold ? 1 : 0));
  if (!searches(value)) return emit;
  const tooMany = m.if(m.i32.eqz(b.prelude("stepsHeld")), b.prelude("countCombinations"));
  return m.block(null, [b.prelude("startSteps", b.word(COMBINATION_LIMIT)), emit, tooMany], none);
}
