// The pipes of a rule that is packaged: over a stream that never ends the last matches are not known and nothing can be
// sorted or counted, so those pipes are left out with what follows them, and the rule's author is told.

import type { CompiledRule } from "../compile.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { diagnosticInRule } from "../diagnostics/locate.js";
import { streamPipes } from "../plan/plan-pack.js";

/** One warning for each pipe that is left out. */
export function streamPipeWarnings(rules: readonly CompiledRule[]): Diagnostic[] {
  return rules.flatMap(({ rule, query, typed, suppressed }) => {
    if (suppressed?.has("W0501")) return [];
    const kept = streamPipes(typed.pipes);
    return query.pipes.slice(kept).map((pipe, index) =>
      diagnosticInRule(rule, {
        code: "W0501",
        severity: "warning",
        message:
          index === 0
            ? `the pipe \`${pipe.name}\` has no meaning in a package: every match alerts`
            : `the pipe \`${pipe.name}\` is left out with the one before it`,
        span: pipe.span,
        help: "take the pipe away; `eqlc query` applies it to recorded events",
      }),
    );
  });
}
