// Rules that the front has passed -> compiled pack: planned and lowered.

import { type CompiledRule, type CompileOptions, DEFAULT_OPTIONS, planRules } from "./front.js";
import { type LoweredPack, lowerPack } from "./lower/lower-pack.js";
import type { PackIr } from "./plan/ir.js";
import { eventField } from "./plan/plan-rules.js";

export { analyseRules } from "./front.js";
export { type CompiledRule, type CompileOptions, DEFAULT_OPTIONS, planRules };

export interface CompiledPack {
  /** The rules that compiled, in the order given. */
  readonly rules: readonly CompiledRule[];
  readonly ir: PackIr;
  readonly lowered: LoweredPack;
}

/** Plans and lowers rules that the front has passed. */
export function compilePack(rules: readonly CompiledRule[], options: CompileOptions): CompiledPack {
  const ir = planRules(rules, options);
  const tiebreaker = options.tiebreakerField === null ? null : eventField(options.tiebreakerField, options.schema);
  const lowered = lowerPack(
    ir,
    {
      timestamp:
        options.timestampUnit === "filetime"
          ? { id: 0, name: options.timestampField, type: "filetime" }
          : eventField(options.timestampField, options.schema, "date"),
      tiebreaker: tiebreaker?.type === "long" ? tiebreaker : null,
    },
    options.optimize,
  );
  return { rules, ir, lowered };
}
