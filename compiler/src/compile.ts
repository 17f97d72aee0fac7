// Rules that the front has passed -> compiled pack: planned and lowered.

import { codeAsLua } from "./backend/lua/lower-to-lua.js";
import { type LoweredPack, lowerPack } from "./backend/wasm/lower-pack.js";
import { naming } from "./backend/wasm/lowering-error.js";
import { type AnalysedRule, type CompiledRule, type CompileOptions, DEFAULT_OPTIONS, planRules } from "./front.js";
import type { PackIr } from "./ir/pack-ir.js";
import { leaveOutKnown } from "./passes/leave-out-known.js";
import type { MakeAutomaton } from "./patterns/regex-automata.js";
import { eventReading } from "./plan/plan-rules.js";

export { analyseRules } from "./front.js";
export { type AnalysedRule, type CompiledRule, type CompileOptions, DEFAULT_OPTIONS, planRules };

export interface CompiledPack {
  /** The rules that compiled, in the order given. */
  readonly rules: readonly CompiledRule[];
  /** What the pack means. */
  readonly ir: PackIr;
  /** The same as it was lowered: of each predicate what is left to ask where it is tried, or code in its place. */
  readonly asked: PackIr;
  readonly lowered: LoweredPack;
}

/** What the predicates of a package are. */
export type Target = "wasm" | "lua";

export interface CompileHow {
  /** Keeps the module's text too. */
  readonly text?: boolean;
  readonly target?: Target;
  readonly automatonOf?: MakeAutomaton | undefined;
}

/** Plans and lowers rules that the front has passed. Throws LoweringError. */
export function compilePack(
  rules: readonly CompiledRule[],
  options: CompileOptions,
  { text = false, target = "wasm", automatonOf }: CompileHow = {},
): CompiledPack {
  // Each rule was planned alone before, so what fails now is a defect; which rule it is of, halving will tell.
  const ir = naming(
    () => [],
    () => planRules(rules, options),
  );
  const asked = target === "wasm" ? leaveOutKnown(ir) : lua(ir, rules);
  const tiebreaker = options.tiebreakerField === null ? null : eventReading(options.tiebreakerField, options.schema);
  const events = {
    timestamp: eventReading(options.timestampField, options.schema, "date"),
    unit: options.timestampUnit,
    tiebreaker: tiebreaker?.as === "long" ? tiebreaker : null,
  };
  return { rules, ir, asked, lowered: lowerPack(asked, { events, optimize: options.optimize, text, automatonOf }) };
}

function lua(ir: PackIr, rules: readonly CompiledRule[]): PackIr {
  return naming(
    () => [],
    () =>
      codeAsLua(
        ir,
        rules.map(({ rule }) => rule),
      ),
  );
}
