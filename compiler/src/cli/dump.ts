// `dump`: what a rule is after a stage of the compiler, for people who want to see it.

import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { summarise } from "../diagnostics/render.js";
import type { RuleProblem } from "../diagnostics/sink.js";
import { analyseRules, type CompiledRule, type CompileOptions, planRules } from "../front.js";
import type { PackIr } from "../ir/pack-ir.js";
import { copiesOf } from "../package/check-rules.js";
import { PASSES, runPassesTo } from "../passes/passes.js";
import { draftRules } from "../plan/plan-rules.js";
import type { Rule } from "../rule/rule.js";
import { collectRules } from "../sources/collect-rules.js";
import { parseQuery } from "../syntax/parse.js";
import { astJson, astText } from "./dump/ast-to-text.js";
import { irText } from "./dump/ir-to-text.js";
import { sequencesText } from "./dump/sequences-to-text.js";
import { EXIT_BAD_INPUT, EXIT_OK, UsageError } from "./failures.js";
import { type CompileFlags, compileOptions, type Format, type Stage } from "./options.js";
import { diagnosticsText, print } from "./output.js";
import { queryRule, withoutRuleName } from "./query-rule.js";

export interface DumpFlags extends CompileFlags {
  readonly stage: Stage;
  readonly pass?: string;
  readonly query?: string;
  readonly format: Format;
}

/** Prints the stage of every rule in the file, or of the query, and returns the exit code. Throws UsageError. */
export async function dump(path: string | undefined, flags: DumpFlags): Promise<number> {
  if ((path === undefined) === (flags.query === undefined)) {
    throw new UsageError("name one rule file, or give a query with -q");
  }
  if (flags.format === "json" && flags.stage !== "ast") throw new UsageError("only --stage ast can be had as JSON");
  if (flags.pass !== undefined) checkPass(flags.pass, flags.stage);
  const options = compileOptions(flags);
  const collected =
    path === undefined
      ? { rules: [queryRule(flags.query ?? "")], foreign: [], known: new Map(), diagnostics: [], files: new Map() }
      : collectRules([path]);
  const diagnostics: Diagnostic[] = [...collected.diagnostics, ...copiesOf(collected)];
  const parts: string[] = [];
  for (const rule of collected.rules) {
    const result = await dumpRule(rule, flags, options, collected.known);
    diagnostics.push(...result.diagnostics);
    if (result.text === null) continue;
    const heading = collected.rules.length > 1 && flags.format === "text" ? `# ${rule.id}\n` : "";
    parts.push(heading + result.text);
  }
  const shown = path === undefined ? diagnostics.map(withoutRuleName) : diagnostics;
  if (shown.length > 0) process.stderr.write(diagnosticsText(shown, process.stderr));
  await print([parts.join("\n")]);
  return summarise(diagnostics).errors > 0 || parts.length === 0 ? EXIT_BAD_INPUT : EXIT_OK;
}

/** The value of `--pass` that shows the pack before the first pass. */
const NO_PASS = "none";

function checkPass(pass: string, stage: Stage): void {
  if (stage !== "ir") throw new UsageError("--pass goes with --stage ir");
  const names = [NO_PASS, ...PASSES.map(({ name }) => name)];
  if (!names.includes(pass)) throw new UsageError(`there is no pass ${pass}; name one of ${names.join(", ")}`);
}

function irAfter(pass: string | undefined, rules: readonly CompiledRule[], options: CompileOptions): PackIr {
  if (pass === undefined) return planRules(rules, options);
  const draft = draftRules(rules, options);
  return pass === NO_PASS ? draft : runPassesTo(pass, draft);
}

async function dumpRule(
  rule: Rule,
  { stage, pass, format }: DumpFlags,
  options: CompileOptions,
  known: ReadonlyMap<Rule, readonly RuleProblem[]>,
): Promise<{ readonly text: string | null; readonly diagnostics: readonly Diagnostic[] }> {
  const { rules, diagnostics } = analyseRules([rule], options, { known });
  if (stage === "ast") {
    // The tree is there even where types are wrong.
    const { query } = parseQuery(rule.query, { dialect: rule.dialect ?? options.dialect });
    return { text: query === null ? null : format === "json" ? astJson(query) : astText(query), diagnostics };
  }
  const [only] = rules;
  if (only === undefined) return { text: null, diagnostics };
  if (stage === "ir") return { text: irText({ ir: irAfter(pass, rules, options), rules }), diagnostics };
  if (stage === "nfa") return { text: sequencesText({ ir: planRules(rules, options), rules }), diagnostics };
  // Only this stage needs Binaryen.
  const { loweringDiagnostic, tryCompile } = await import("../package/compile-what-fits.js");
  const pack = tryCompile(rules, options, { text: true });
  if ("lowered" in pack) return { text: pack.lowered.text, diagnostics };
  return { text: null, diagnostics: [...diagnostics, loweringDiagnostic(only, pack)] };
}
