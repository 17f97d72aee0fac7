// W0503 again, for what the others miss: the planner found a condition of the rule to be false for every event.
// A rule that compiles to nothing is never passed over in silence.

import type { Problem } from "../diagnostics/diagnostic.js";
import { type LintInput, warning } from "./lint-input.js";

/** `found` is what the other lints said. */
export function neverMatches(input: LintInput, found: readonly Problem[]): Problem[] {
  if (found.some(({ code }) => code === "W0503")) return [];
  const empty = input.planned.predicates.some(({ circuit }) => circuit.kind === "constant" && !circuit.value);
  if (!empty) return [];
  const { body } = input.query;
  const what = body.kind === "event" ? "the condition" : "the condition of a term";
  const span = body.kind === "event" ? body.condition.span : body.span;
  return [warning("W0503", span, `${what} can never be true, so the rule never matches as it stands`)];
}
