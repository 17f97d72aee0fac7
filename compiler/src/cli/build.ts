// `build`: rule files to an artifact package.

import { resolve } from "node:path";
import type { CompiledPack } from "../compile.js";
import { summarise, toJson } from "../diagnostics/render.js";
import { printable } from "../diagnostics/terminal-text.js";
import { buildPackage } from "../package/build-package.js";
import { type CompiledRules, compileRules } from "../package/compile-rules.js";
import { nameSources } from "../package/source-names.js";
import { inspectTarget, writePackage } from "../package/write-package.js";
import { EXIT_BAD_INPUT, EXIT_FINDINGS, EXIT_OK } from "./failures.js";
import { type CompileFlags, compileOptions, type Format } from "./options.js";
import { diagnosticsText, print, say } from "./output.js";

export interface BuildFlags extends CompileFlags {
  readonly output: string;
  readonly strict?: boolean;
  readonly name: string;
  readonly packVersion: string;
  readonly format: Format;
}

/** Builds, and returns the exit code. Throws UsageError and PackageWriteError. */
export async function build(paths: readonly string[], flags: BuildFlags, compilerVersion: string): Promise<number> {
  const began = performance.now();
  const options = compileOptions(flags);
  // An output that will be refused is refused before the work.
  inspectTarget(flags.output);
  const compiled = compileRules(paths, options);
  const { pack, collected, beside } = compiled;
  if (flags.format === "text" && compiled.diagnostics.length > 0) {
    process.stderr.write(`${diagnosticsText(compiled.diagnostics, process.stderr)}\n`);
  }
  const reason = whyNot(compiled, paths, flags.strict === true);
  if (pack === null || reason !== null) {
    if (flags.format === "json") await printJson(compiled, { ok: false, reason, package: null, output: null });
    else
      say(`${summarise(compiled.diagnostics).text}; nothing was written: ${printable(reason ?? "no rule compiled")}`);
    return EXIT_BAD_INPUT;
  }
  const { timestampField, tiebreakerField, categoryField } = options;
  const built = buildPackage(pack, nameSources(collected.files, paths, beside), {
    ...{ name: flags.name, version: flags.packVersion, compilerVersion },
    ...{ timestampField, tiebreakerField, categoryField },
  });
  writePackage(flags.output, built);
  const seconds = (performance.now() - began) / 1000;
  const { package: about } = built.manifest;
  if (flags.format === "json") {
    await printJson(compiled, { ok: compiled.leftOut === 0, package: about, output: resolve(flags.output) }, seconds);
  } else {
    say(
      [
        `built ${printable(about.name)} ${printable(about.version)} in ${printable(flags.output)}`,
        `  rules       ${pack.rules.length} compiled, ${compiled.leftOut} left out (${summarise(compiled.diagnostics).text})`,
        `  decides     ${pack.ir.predicates.length} predicates over ${pack.ir.atoms.length} atoms, ${pack.ir.programs.length} sequences`,
        `  module      ${pack.lowered.binary.length} bytes, ${pack.lowered.fields.length} fields`,
        `  time        ${seconds.toFixed(1)} s`,
        `  digest      ${about.digest}`,
      ].join("\n"),
    );
  }
  return compiled.leftOut > 0 ? EXIT_FINDINGS : EXIT_OK;
}

/** Why no package may be written, or null. */
function whyNot(
  { pack, leftOut, diagnostics }: CompiledRules,
  paths: readonly string[],
  strict: boolean,
): string | null {
  // A path that was named and cannot be read is a mistake in the command, and may stand for any number of rules.
  const unread = diagnostics.find(({ code, place }) => code === "E0101" && paths.includes(place.file));
  if (unread !== undefined) return `${unread.place.file} cannot be read`;
  if (pack === null) return "no rule compiled";
  return strict && leftOut > 0 ? "a rule has errors (--strict)" : null;
}

async function printJson(
  { pack, leftOut, diagnostics }: CompiledRules,
  outcome: Readonly<Record<string, unknown>>,
  seconds: number | null = null,
): Promise<void> {
  const report = {
    ...outcome,
    ...(pack === null ? {} : packFacts(pack)),
    left_out: leftOut,
    seconds: seconds === null ? null : Number(seconds.toFixed(3)),
  };
  await print([`${JSON.stringify({ ...report, diagnostics: diagnostics.map(toJson) }, null, 2)}\n`]);
}

function packFacts({ rules, ir, lowered }: CompiledPack): Readonly<Record<string, number>> {
  return {
    rules: rules.length,
    predicates: ir.predicates.length,
    without_witness: lowered.withoutWitness,
    atoms: ir.atoms.length,
    sequences: ir.programs.length,
    fields: lowered.fields.length,
    module_bytes: lowered.binary.length,
  };
}
