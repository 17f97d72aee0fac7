// `explain`: what the compiler decided for the rules of a pack, for people who want to know why a rule costs what it costs.

import { summarise } from "../diagnostics/render.js";
import { planRules } from "../front.js";
import { sortRules } from "../package/build-package.js";
import { checkRules } from "../package/check-rules.js";
import { profileOf } from "../sources/profile-file.js";
import { indexText } from "./explain/index-to-text.js";
import { EXIT_BAD_INPUT, EXIT_OK, UsageError } from "./failures.js";
import { type CompileFlags, compileOptions } from "./options.js";
import { diagnosticsText, print } from "./output.js";

export interface ExplainFlags extends CompileFlags {
  readonly index?: boolean;
  readonly rule?: string;
  readonly profile?: string;
}

/** Prints what wakes each rule, or the one that is named, and returns the exit code. Throws UsageError. */
export async function explain(paths: readonly string[], flags: ExplainFlags): Promise<number> {
  if (flags.index !== true) throw new UsageError("say what is to be explained: --index");
  const { profile, problem } = profileOf(flags.profile);
  if (problem !== null) {
    process.stderr.write(diagnosticsText([problem], process.stderr));
    return EXIT_BAD_INPUT;
  }
  const options = { ...compileOptions(flags), profile };
  const { rules: checked, diagnostics } = checkRules(paths, options);
  const rules = sortRules(checked);
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) process.stderr.write(`${diagnosticsText(errors, process.stderr)}\n`);
  const numbers = [...rules.keys()].filter((at) => flags.rule === undefined || rules[at]?.rule.id === flags.rule);
  if (numbers.length === 0 && flags.rule !== undefined)
    throw new UsageError(`no rule without errors has the id ${flags.rule}`);
  // What an event is asked for depends on all rules of the pack, so all are planned.
  const pack = planRules(rules, options);
  await print([numbers.map((at) => `${rules[at]?.rule.id ?? ""}\n${indexText(pack, at)}`).join("")]);
  return summarise(diagnostics).errors > 0 || numbers.length === 0 ? EXIT_BAD_INPUT : EXIT_OK;
}
