// The pipes of a rule that is packaged: over a stream that never ends neither the first nor the last matches are known, so
// every match alerts, and the rule's author is told.

import type { CompiledRule } from "../compile.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { diagnosticInRule } from "../diagnostics/locate.js";

/** One warning for each pipe of the rules. */
export function streamPipeWarnings(rules: readonly CompiledRule[]): Diagnostic[] {
  return rules.flatMap(({ rule, query }) =>
    query.pipes.map((pipe) =>
      diagnosticInRule(rule, {
        code: "W0501",
        severity: "warning",
        message: `the pipe \`${pipe.name}\` has no meaning in a package: every match alerts`,
        span: pipe.span,
        help: `take the pipe away; \`eqlc query\` applies it to recorded events`,
      }),
    ),
  );
}
