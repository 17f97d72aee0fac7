// `build`: rule files to an artifact package.

import { resolve } from "node:path";
import type { Target } from "../compile.js";
import { summarise, toJson } from "../diagnostics/render.js";
import { printable } from "../diagnostics/terminal-text.js";
import { createBuildCache } from "../package/build-cache.js";
import { buildPackage } from "../package/build-package.js";
import { type CompiledRules, compileRules, partsInLua } from "../package/compile-rules.js";
import type { PackParts } from "../package/pack-parts.js";
import type { PackStats } from "../package/pack-stats.js";
import { nameSources } from "../package/source-names.js";
import { inspectTarget, writePackage } from "../package/write-package.js";
import { profileOf } from "../sources/profile-file.js";
import { openCache } from "./cache-folder.js";
import { EXIT_BAD_INPUT, EXIT_FINDINGS, EXIT_OK } from "./failures.js";
import { type CompileFlags, compileOptions, type Format } from "./options.js";
import { diagnosticsText, print, say } from "./output.js";

export interface BuildFlags extends CompileFlags {
  readonly output: string;
  readonly strict?: boolean;
  readonly stats?: boolean;
  readonly name: string;
  readonly packVersion: string;
  readonly format: Format;
  /** A folder for what is kept from build to build; false: nothing is kept. */
  readonly cache?: string | false;
  /** A file of `eqlc profile`. */
  readonly profile?: string;
  /** What predicates are compiled to. */
  readonly target: Target | "both";
}

/** Builds, and returns the exit code. Throws UsageError and PackageWriteError. */
export async function build(paths: readonly string[], flags: BuildFlags, compilerVersion: string): Promise<number> {
  const began = performance.now();
  const { profile, problem } = profileOf(flags.profile);
  const options = { ...compileOptions(flags), profile };
  // An output that will be refused is refused before the work.
  inspectTarget(flags.output);
  if (problem !== null) return refuse({ parts: null, leftOut: 0, diagnostics: [problem] }, NO_PROFILE, flags);
  const cache = openCache(flags.cache);
  const compiled = await compileRules(paths, options, cache === null ? undefined : createBuildCache(cache, options));
  cache?.finish();
  const { rules, collected, beside } = compiled;
  const parts = flags.target === "lua" && compiled.parts !== null ? await partsInLua(rules, options) : compiled.parts;
  const outcome = { ...compiled, parts };
  const reason = whyNot(outcome, paths, flags.strict === true);
  if (parts === null || reason !== null) return refuse(outcome, reason ?? NO_RULE, flags);
  if (flags.format === "text") showDiagnostics(compiled);
  const { timestampField, tiebreakerField, categoryField } = options;
  const sources = nameSources(collected.files, paths, beside);
  const about = {
    ...{ name: flags.name, version: flags.packVersion, compilerVersion },
    ...{ timestampField, tiebreakerField, categoryField },
  };
  const lua =
    flags.target === "both" ? { lua: buildPackage(rules, await partsInLua(rules, options), sources, about) } : {};
  const built = buildPackage(rules, parts, sources, { ...about, ...lua });
  writePackage(flags.output, built);
  const seconds = (performance.now() - began) / 1000;
  const { package: made } = built.manifest;
  if (flags.format === "json") {
    await printJson(
      outcome,
      {
        ok: compiled.leftOut === 0,
        package: made,
        output: resolve(flags.output),
        ...(flags.stats === true ? { stats: parts.stats } : {}),
      },
      seconds,
    );
  } else {
    say(
      [
        `built ${printable(made.name)} ${printable(made.version)} in ${printable(flags.output)}`,
        `  rules       ${rules.length} compiled, ${compiled.leftOut} left out (${summarise(compiled.diagnostics).text})`,
        `  decides     ${parts.predicates.length} predicates over ${parts.stats.atoms} atoms, ${parts.programs.length} sequences`,
        `  module      ${parts.stats.module_bytes} bytes, ${parts.fields.length} fields`,
        ...(flags.stats === true ? statsLines(parts.stats) : []),
        ...(profile === null ? [] : [`  profile     of ${profile.events} events`]),
        `  time        ${seconds.toFixed(1)} s`,
        `  digest      ${made.digest}`,
      ].join("\n"),
    );
  }
  return compiled.leftOut > 0 ? EXIT_FINDINGS : EXIT_OK;
}

/** What of the compiled rules is reported whether a package is written or not. */
type Outcome = Pick<CompiledRules, "parts" | "leftOut" | "diagnostics">;

const NO_RULE = "no rule compiled";
const NO_PROFILE = "the profile cannot be used";

/** Says that nothing was written, and returns the exit code. */
async function refuse(outcome: Outcome, reason: string, { format }: BuildFlags): Promise<number> {
  if (format === "json") await printJson(outcome, { ok: false, reason, package: null, output: null });
  else {
    showDiagnostics(outcome);
    say(`${summarise(outcome.diagnostics).text}; nothing was written: ${printable(reason)}`);
  }
  return EXIT_BAD_INPUT;
}

function showDiagnostics({ diagnostics }: Outcome): void {
  if (diagnostics.length > 0) process.stderr.write(`${diagnosticsText(diagnostics, process.stderr)}\n`);
}

/** The lines of `--stats`. */
function statsLines({ rules, module_bytes, atoms, postings, literals, guards, woken_by }: PackStats): string[] {
  const each = (count: number): string => `${count} (${(count / rules).toFixed(1)} a rule)`;
  return [
    `  a rule      ${Math.round(module_bytes / rules)} bytes, ${(atoms / rules).toFixed(1)} atoms, ${(postings / rules).toFixed(1)} postings`,
    `  index       ${each(postings)} postings, ${literals} literals, ${guards} guards`,
    `  woken by    ${Object.entries(woken_by)
      .map(([what, count]) => `${count} ${what}`)
      .join(", ")}`,
  ];
}

/** Why no package may be written, or null. */
function whyNot({ parts, leftOut, diagnostics }: Outcome, paths: readonly string[], strict: boolean): string | null {
  // A path that was named and cannot be read is a mistake in the command, and may stand for any number of rules.
  const unread = diagnostics.find(({ code, place }) => code === "E0101" && paths.includes(place.file));
  if (unread !== undefined) return `${unread.place.file} cannot be read`;
  if (parts === null) return NO_RULE;
  return strict && leftOut > 0 ? "a rule has errors (--strict)" : null;
}

async function printJson(
  { parts, leftOut, diagnostics }: Outcome,
  outcome: Readonly<Record<string, unknown>>,
  seconds: number | null = null,
): Promise<void> {
  const report = {
    ...outcome,
    ...(parts === null ? {} : packFacts(parts)),
    left_out: leftOut,
    seconds: seconds === null ? null : Number(seconds.toFixed(3)),
  };
  await print([`${JSON.stringify({ ...report, diagnostics: diagnostics.map(toJson) }, null, 2)}\n`]);
}

function packFacts({ predicates, programs, fields, stats }: PackParts): Readonly<Record<string, number>> {
  return {
    rules: stats.rules,
    predicates: predicates.length,
    without_witness: stats.woken_by.every_event,
    atoms: stats.atoms,
    sequences: programs.length,
    fields: fields.length,
    module_bytes: stats.module_bytes,
  };
}
