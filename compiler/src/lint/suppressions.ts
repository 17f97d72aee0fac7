// Which warnings a rule asks not to hear: `// kestrel: allow W0503, W0506` in its query, or the key `suppress` of its file.
// A suppression holds for the whole rule. Errors cannot be suppressed, and a suppression that is not needed is itself a
// warning (W0508), so that none outlives its reason.

import { CODES, type Code } from "../diagnostics/codes.js";
import type { Problem } from "../diagnostics/diagnostic.js";
import type { Span } from "../syntax/ast.js";
import type { Directive } from "../syntax/parse.js";
import { warning } from "./lint-input.js";

/** Found where a rule is packaged or collected, after suppressions are settled: whether they are needed is not known here. */
const FOUND_LATER: ReadonlySet<string> = new Set(["W0501", "W0511"]);

const MOST_PROBLEMS = 10;

export interface Suppressions {
  /** Each code, with where it was asked for; the span is null for the key of the rule file. */
  readonly codes: ReadonlyMap<string, Span | null>;
  /** What is wrong with the suppressions themselves; the span is null for the key of the rule file. */
  readonly problems: readonly { readonly span: Span | null; readonly problem: Problem }[];
}

/** Reads the directives of a query and the list of the rule file. */
export function readSuppressions(directives: readonly Directive[], listed: readonly string[]): Suppressions {
  const codes = new Map<string, Span | null>();
  const problems: { span: Span | null; problem: Problem }[] = [];
  const complain = (span: Span | null, message: string, help: string): void => {
    // Mending one mostly shows how to mend the others; what is left over is named when these are mended.
    if (problems.length < MOST_PROBLEMS)
      problems.push({ span, problem: warning("W0508", span ?? { start: 0, end: 0 }, message, help) });
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

/** The problems that are left, and what is to be said of the suppressions. */
export function applySuppressions(
  { codes, problems }: Suppressions,
  found: readonly Problem[],
): { readonly kept: readonly Problem[]; readonly unneeded: Suppressions["problems"] } {
  const used = new Set<string>();
  const kept = found.filter(({ code, severity }) => {
    if (severity !== "warning" || !codes.has(code)) return true;
    used.add(code);
    return false;
  });
  if (codes.has("W0508")) return { kept, unneeded: [] };
  const unneeded = [...codes].flatMap(([code, span]) => {
    if (used.has(code) || FOUND_LATER.has(code)) return [];
    const message = `the rule has no warning ${code} to suppress`;
    return [{ span, problem: warning("W0508", span ?? { start: 0, end: 0 }, message, "take the suppression away") }];
  });
  return { kept, unneeded: [...problems, ...unneeded] };
}
