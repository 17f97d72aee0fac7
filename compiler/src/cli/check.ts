// `check`: what `build` would say about the rules, and nothing written. Nothing is lowered for it.

import { renderJson, summarise } from "../diagnostics/render.js";
import { checkRules } from "../package/check-rules.js";
import { EXIT_BAD_INPUT, EXIT_FINDINGS, EXIT_OK } from "./failures.js";
import { type CompileFlags, compileOptions, type Format } from "./options.js";
import { diagnosticsText, print, say } from "./output.js";

export interface CheckFlags extends CompileFlags {
  readonly strict?: boolean;
  readonly format: Format;
}

/** Prints the diagnostics to standard output and returns the exit code. Throws UsageError. */
export async function check(paths: readonly string[], flags: CheckFlags): Promise<number> {
  const { collected, diagnostics, unread } = checkRules(paths, compileOptions(flags));
  const { errors, warnings, text } = summarise(diagnostics);
  await print([flags.format === "json" ? renderJson(diagnostics) : diagnosticsText(diagnostics, process.stdout)]);
  if (flags.format === "text") {
    const rules = collected.rules.length + collected.foreign.length + unread;
    say(`checked ${rules} ${rules === 1 ? "rule" : "rules"}: ${text}`);
  }
  if (errors > 0) return EXIT_BAD_INPUT;
  return flags.strict === true && warnings > 0 ? EXIT_FINDINGS : EXIT_OK;
}
