// W0503 again, for what the others miss: the planner found a condition of the rule to be false for every event.
// A rule that compiles to nothing is never passed over in silence.

import type { Problem } from "../diagnostics/diagnostic.js";
import type { PackIr } from "../ir/pack-ir.js";
import { type LintInput, warning } from "./lint-input.js";

/** `found` is what the other lints said. */
export function neverMatches(input: LintInput, found: readonly Problem[]): Problem[] {
  if (found.some(({ code }) => code === "W0503")) return [];
  const { planned } = input;
  const isFalse = (predicate: number): boolean => {
    const circuit = planned.predicates[predicate]?.circuit;
    return circuit?.kind === "constant" && !circuit.value;
  };
  if (!mustHold(planned).some(isFalse)) return [];
  const { body } = input.query;
  const what = body.kind === "event" ? "the condition" : "the condition of a term";
  const span = body.kind === "event" ? body.condition.span : body.span;
  return [warning("W0503", span, `${what} can never be true, so the rule never matches as it stands`)];
}

/** The predicates without which the rule cannot match; what ends or spoils a match is none of them. */
function mustHold({ eventRules, programs }: PackIr): readonly number[] {
  const events = eventRules.flatMap((rules, predicate) => (rules.length > 0 ? [predicate] : []));
  const others = programs.flatMap(({ stages, pipes }) => [
    ...stages.flatMap(({ missing, predicate, late }) =>
      missing ? [] : [predicate, ...(late ? [late.predicate] : [])],
    ),
    ...pipes.flatMap((pipe) => (pipe.kind === "filter" ? [pipe.test.predicate] : [])),
  ]);
  return [...events, ...others];
}
