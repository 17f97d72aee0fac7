// Rules that the front has passed -> compiled pack: planned and lowered.

import { type LoweredPack, lowerPack } from "./backend/wasm/lower-pack.js";
import { naming } from "./backend/wasm/lowering-error.js";
import { type CompiledRule, type CompileOptions, DEFAULT_OPTIONS, planRules } from "./front.js";
import type { PackIr } from "./ir/pack-ir.js";
import { eventReading } from "./plan/plan-rules.js";

export { analyseRules } from "./front.js";
export { type CompiledRule, type CompileOptions, DEFAULT_OPTIONS, planRules };

export interface CompiledPack {
  /** The rules that compiled, in the order given. */
  readonly rules: readonly CompiledRule[];
  readonly ir: PackIr;
  readonly lowered: LoweredPack;
}

/** Plans and lowers rules that the front has passed; with `text`, the module's text is kept too. Throws LoweringError. */
export function compilePack(rules: readonly CompiledRule[], options: CompileOptions, text = false): CompiledPack {
  // Each rule was planned alone before, so what fails now is a defect; which rule it is of, halving will tell.
  const ir = naming(
    () => [],
    () => planRules(rules, options),
  );
  const tiebreaker = options.tiebreakerField === null ? null : eventReading(options.tiebreakerField, options.schema);
  const events = {
    timestamp: eventReading(options.timestampField, options.schema, "date"),
    unit: options.timestampUnit,
    tiebreaker: tiebreaker?.as === "long" ? tiebreaker : null,
  };
  return { rules, ir, lowered: lowerPack(ir, { events, optimize: options.optimize, text }) };
}
