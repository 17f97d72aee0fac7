// `profile`: rules and recordings to a file that says how many events hold what the rules ask for, for `build --profile`.

import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { isAnInput } from "@kestrel/runtime/cli/output-place";
import { createProgress } from "@kestrel/runtime/cli/progress";
import { expandPaths } from "@kestrel/runtime/read/expand-paths";
import { InputError } from "@kestrel/runtime/read/lines";
import { LINE_FEED } from "@kestrel/stdlib/text/characters";
import { printable } from "../diagnostics/terminal-text.js";
import { planRules } from "../front.js";
import { sortRules } from "../package/build-package.js";
import { checkRules } from "../package/check-rules.js";
import { askedOf } from "../passes/asked-conditions.js";
import { createEventCounter, type EventCounter } from "../profile/count-events.js";
import type { Profile } from "../profile/profile.js";
import { eventLines } from "../query/event-lines.js";
import { MOST_PROFILE_BYTES, profileText } from "../sources/profile-file.js";
import { reasonOf } from "../sources/walk-files.js";
import { EXIT_BAD_INPUT, EXIT_FINDINGS, EXIT_OK, OutputError } from "./failures.js";
import { type CompileFlags, compileOptions } from "./options.js";
import { diagnosticsText, say } from "./output.js";

export interface ProfileFlags extends CompileFlags {
  readonly output: string;
}

/** Counts, writes the file, and returns the exit code. Throws UsageError, OutputError, and what reading throws. */
export async function profile(rules: string, recordings: readonly string[], flags: ProfileFlags): Promise<number> {
  const options = compileOptions(flags);
  const { rules: checked, diagnostics } = checkRules([rules], options);
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) process.stderr.write(`${diagnosticsText(errors, process.stderr)}\n`);
  if (checked.length === 0) return EXIT_BAD_INPUT;
  const { paths, skippable } = expandPaths(recordings);
  const target = statSync(flags.output, { throwIfNoEntry: false });
  if (target?.isFile() === true && (await isAnInput(target, paths)))
    throw new OutputError(`cannot write ${flags.output}: it is one of the recordings`);
  const counter = createEventCounter(askedOf(planRules(sortRules(checked), options)));
  const left = await countAll(paths, skippable, counter);
  const counted = counter.profile();
  const unusable = whyUnusable(counted);
  if (unusable !== null) throw new InputError(recordings.join(", "), unusable);
  write(flags.output, target === undefined || target.isFile(), profileText(counted));
  const { events, fields, texts } = counted;
  const held = [...fields.values()].filter((count) => count > 0).length;
  const all = [...texts.values()].flatMap((counts) => [...counts.values()]);
  say(
    [
      `counted ${events} events for ${checked.length} rules in ${printable(flags.output)}`,
      ...(left > 0 ? [`  left out    ${left} lines that are no events`] : []),
      `  fields      ${held} of ${fields.size} have a value in some event`,
      `  texts       ${all.filter((count) => count > 0).length} of ${all.length} stand in some event`,
    ].join("\n"),
  );
  return errors.length > 0 ? EXIT_FINDINGS : EXIT_OK;
}

/** Counts the events of all recordings, and returns how many lines are none. */
async function countAll(
  paths: readonly string[],
  skippable: ReadonlySet<string>,
  counter: EventCounter,
): Promise<number> {
  const lines = eventLines(paths, false, {
    skippable,
    command: "eqlc profile RULES - -o FILE",
    onSkip: (_, reason) => say(printable(`note: left out: ${reason}`)),
  });
  const progress = await createProgress(paths, process.stderr);
  let left = 0;
  const chunks = lines.read(() => {
    left += 1;
  });
  for await (const { bytes } of chunks) {
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(LINE_FEED, start);
      const line = bytes.toString("utf8", start, end);
      if (line.trim() !== "" && !counter.add(line)) left += 1;
      start = end + 1;
    }
    progress.add(bytes.length);
  }
  progress.clear();
  return left;
}

/** Why nothing can be learnt from what was counted, or null. */
function whyUnusable({ events, fields }: Profile): string | null {
  if (events === 0) return "there are no events to count";
  const isAsked = [...fields.values()].some((count) => count > 0);
  return isAsked ? null : "no event has a field that the rules ask for";
}

/** Puts a file in its place whole; what is no file, a device or a pipe, stays what it is. */
function write(path: string, isFile: boolean, text: string): void {
  const size = Buffer.byteLength(text);
  if (size > MOST_PROFILE_BYTES)
    throw new OutputError(`the rules ask for so much that the profile has ${size} bytes, and no build reads it`);
  const fresh = `${path}.${process.pid}.new`;
  try {
    writeFileSync(isFile ? fresh : path, text);
    if (isFile) renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw new OutputError(`cannot write ${path}: ${reasonOf(error)}`, { cause: error });
  }
}
