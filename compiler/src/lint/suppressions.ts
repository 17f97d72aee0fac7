// Which warnings a rule asks not to hear: `// kestrel: allow W0503, W0506` in its query, or the key `suppress` of its file.
// A suppression holds for the whole rule. Errors cannot be suppressed, and a suppression that is not needed is itself a
// warning (W0508), so that none outlives its reason. `diagnostics/sink.ts` applies them.

import { CODES, type Code } from "../diagnostics/codes.js";
import type { RuleProblem, Suppressions } from "../diagnostics/sink.js";
import type { Span } from "../syntax/ast.js";
import type { Directive } from "../syntax/parse.js";

const MOST_PROBLEMS = 10;

/** Reads the directives of a query and the list of the rule file. */
export function readSuppressions(directives: readonly Directive[], listed: readonly string[]): Suppressions {
  const codes = new Map<string, Span | null>();
  const problems: RuleProblem[] = [];
  const complain = (span: Span | null, message: string, help: string): void => {
    // Mending one mostly shows how to mend the others; what is left over is named when these are mended.
    if (problems.length < MOST_PROBLEMS) problems.push({ code: "W0508", severity: "warning", message, span, help });
  };
  const add = (code: string, span: Span | null): void => {
    if (isWarning(code)) codes.set(code, span);
    else if (Object.hasOwn(CODES, code)) complain(span, `${code} cannot be suppressed`, "only warnings can be");
    else complain(span, `there is no warning "${code}"`, "a warning has a code such as W0503");
  };
  for (const { text, span } of directives) {
    const allowed = /^allow[ \t]+(.*)$/.exec(text)?.[1];
    if (allowed === undefined) complain(span, "this comment is not understood", "write `// kestrel: allow W0503`");
    else for (const code of allowed.split(/[\s,]+/).filter((word) => word !== "")) add(code, span);
  }
  for (const code of listed) add(code, null);
  return { codes, problems };
}

function isWarning(code: string): code is Code {
  return Object.hasOwn(CODES, code) && code.startsWith("W");
}
