// Paths -> rules that can be compiled, and everything there is to say about all of them: what `check`, `build` and `dump` have
// in common. Binaryen is not needed for it.

import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { createSink } from "../diagnostics/sink.js";
import type { ForeignRule } from "../foreign/foreign-rule.js";
import { readForeign } from "../foreign/read-foreign.js";
import { analyseRules, type CompiledRule, type CompileOptions } from "../front.js";
import { readSuppressions } from "../lint/suppressions.js";
import { type CollectedRules, collectRules } from "../sources/collect-rules.js";

export interface CheckedRules {
  readonly collected: CollectedRules;
  /** The rules without errors, in the order of their files. */
  readonly rules: readonly CompiledRule[];
  /** The hand-written rules without errors, in the order of their folders. */
  readonly foreign: readonly ForeignRule[];
  readonly diagnostics: readonly Diagnostic[];
  /** Files and records that may have held a rule and could not be read as one. */
  readonly unread: number;
}

/** Reads and analyses the rules under `paths`; those with errors are left out. */
export function checkRules(paths: readonly string[], options: CompileOptions): CheckedRules {
  // The order of the arguments decides nothing, not even which of two rules with one id is kept.
  const collected = collectRules([...paths].sort());
  const { rules, diagnostics } = analyseRules(collected.rules, options, { known: collected.known });
  const foreign = collected.foreign.map((source) => readForeign(source, options.schema));
  const unread = new Set(
    collected.diagnostics
      .filter(({ severity }) => severity === "error")
      .map(({ place }) => JSON.stringify([place.file, place.rule])),
  );
  return {
    collected,
    rules,
    foreign: foreign.flatMap(({ rule }) => rule ?? []),
    diagnostics: [
      ...collected.diagnostics,
      ...copiesOf(collected),
      ...diagnostics,
      ...foreign.flatMap(({ diagnostics }) => diagnostics),
    ],
    unread: unread.size,
  };
}

/** What is said of rules that are left out because they are copies of others. */
export function copiesOf({ rules, known }: CollectedRules): Diagnostic[] {
  const kept = new Set(rules);
  return [...known].flatMap(([rule, problems]) => {
    if (kept.has(rule)) return [];
    const sink = createSink(rule, readSuppressions([], rule.suppress));
    sink.add(problems);
    return sink.finish(false);
  });
}
