// Paths -> rules that can be compiled, and everything there is to say about all of them: what `check`, `build` and `dump` have
// in common. Binaryen is not needed for it.

import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { createSink } from "../diagnostics/sink.js";
import type { ForeignRule } from "../foreign/foreign-rule.js";
import { readForeign } from "../foreign/read-foreign.js";
import { type AnalysisCache, analyseRules, type CompiledRule, type CompileOptions } from "../front.js";
import type { Foreign } from "../ir/foreign.js";
import { readField } from "../ir/reading.js";
import { readSuppressions } from "../lint/suppressions.js";
import type { Rule } from "../rule/rule.js";
import { type CollectedRules, collectRules } from "../sources/collect-rules.js";

export interface CheckedRules {
  readonly collected: CollectedRules;
  /** The rules without errors, in the order of their files. */
  readonly rules: readonly CompiledRule[];
  /** The hand-written rules without errors, in the order of their folders. */
  readonly foreign: readonly ForeignRule[];
  /** Their code by its id, for the rules that use it. */
  readonly packages: ReadonlyMap<string, Foreign>;
  readonly diagnostics: readonly Diagnostic[];
  /** Files and records that may have held a rule and could not be read as one. */
  readonly unread: number;
}

/** Reads and analyses the rules under `paths`; those with errors are left out. */
export function checkRules(paths: readonly string[], options: CompileOptions, cache?: AnalysisCache): CheckedRules {
  // The order of the arguments decides nothing, not even which of two rules with one id is kept.
  const collected = collectRules([...paths].sort());
  const read = collected.foreign.map((source) => readForeign(source, options.schema));
  const foreign = read.flatMap(({ rule }) => rule ?? []);
  const packages = new Map(foreign.map((own) => [own.rule.id, codeOf(own)]));
  const { rules, diagnostics } = analyseRules([...collected.rules, ...foreign.flatMap(ruleOfItsOwn)], options, {
    known: collected.known,
    packages,
    ...(cache === undefined ? {} : { cache }),
  });
  const unread = new Set(
    collected.diagnostics
      .filter(({ severity }) => severity === "error")
      .map(({ place }) => JSON.stringify([place.file, place.rule])),
  );
  return {
    collected,
    rules,
    foreign,
    packages,
    diagnostics: [
      ...collected.diagnostics,
      ...copiesOf(collected),
      ...diagnostics,
      ...read.flatMap(({ diagnostics }) => diagnostics),
    ],
    unread: unread.size,
  };
}

/** What a hand-written rule calls itself in the query that asks it. */
const OWN_NAME = "predicate";

/** The rule that alerts whenever the code says yes; none where the code is only there for other rules. */
function ruleOfItsOwn({ rule, capabilities }: ForeignRule): readonly Rule[] {
  if (!capabilities.requiresAlert) return [];
  // Whoever writes code knows that it is tried on every event (W0507).
  const suppress = [...rule.suppress, "W0507"];
  return [{ ...rule, query: `any where ${OWN_NAME}()`, uses: new Map([[OWN_NAME, rule.id]]), suppress, capabilities }];
}

function codeOf({ rule, runtime, code, fields, regexes, globs, limits }: ForeignRule): Foreign {
  const readings = fields.map(readField);
  const { fuel, memoryBytes } = limits;
  return { name: rule.id, runtime, code, readings, regexes, globs, limits: { fuel, memory_bytes: memoryBytes } };
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
