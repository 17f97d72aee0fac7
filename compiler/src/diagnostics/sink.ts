// Everything that is found in one rule -> its diagnostics. This is the only place where warnings are suppressed, and so the
// only one that knows which suppressions were needed (W0508).

import type { Span } from "../rule/query-text.js";
import type { Rule } from "../rule/rule.js";
import type { Diagnostic, Problem } from "./diagnostic.js";
import { diagnosticInRule, placeInRule } from "./locate.js";

/** A problem of a rule; without a span, it is one of the rule as a whole. */
export type RuleProblem = Omit<Problem, "span"> & { readonly span: Span | null };

/** Which warnings a rule asks not to hear. */
export interface Suppressions {
  /** Each code, with where it was asked for; the span is null for the key of the rule file. */
  readonly codes: ReadonlyMap<string, Span | null>;
  /** What is wrong with the suppressions themselves. */
  readonly problems: readonly RuleProblem[];
}

export const NO_SUPPRESSIONS: Suppressions = { codes: new Map(), problems: [] };

export interface Sink {
  add(problems: readonly RuleProblem[]): void;
  /** Whether an error is among what was added. */
  failed(): boolean;
  /**
   * The diagnostics, in the order in which they were added. Of a rule that is `complete`, which every lint has seen, those
   * suppressions that were not needed are reported as well.
   */
  finish(complete: boolean): Diagnostic[];
}

/** A sink for one rule. */
export function createSink(rule: Rule, suppressions: Suppressions): Sink {
  const { codes, problems } = suppressions;
  const found: RuleProblem[] = [];
  const said = new Set<string>();
  const used = new Set<string>();
  const inRule = (problem: RuleProblem): Diagnostic => {
    const { span, ...rest } = problem;
    return span === null ? { ...rest, place: placeInRule(rule) } : diagnosticInRule(rule, { ...rest, span });
  };
  return {
    add(more) {
      for (const problem of more) {
        if (problem.severity === "warning" && codes.has(problem.code)) {
          used.add(problem.code);
          continue;
        }
        // The keys of `sequence by` are bound once for each term, and a mistake in them is found as often.
        const text = JSON.stringify([problem.code, problem.span, problem.message]);
        if (!said.has(text)) found.push(problem);
        said.add(text);
      }
    },
    failed: () => found.some(({ severity }) => severity === "error"),
    finish(complete) {
      const own = complete && !codes.has("W0508") ? [...problems, ...unneeded(codes, used)] : [];
      return [...found, ...own].map(inRule);
    },
  };
}

function unneeded(codes: Suppressions["codes"], used: ReadonlySet<string>): RuleProblem[] {
  return [...codes].flatMap(([code, span]): RuleProblem[] => {
    if (used.has(code)) return [];
    const message = `the rule has no warning ${code} to suppress`;
    return [{ code: "W0508", severity: "warning", message, span, help: "take the suppression away" }];
  });
}
