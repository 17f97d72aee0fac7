// How kestrel-run ends, and what it says when it does not end well: a sentence with a code, never a stack trace.

import { printable } from "../alert/terminal.js";
import { EbpfAddonError } from "../ebpf/load-addon.js";
import { RecordingError } from "../ebpf/recording.js";
import { ModuleError } from "../load/call-module.js";
import { PackageError } from "../load/problems.js";
import { InputError } from "../read/lines.js";
import { SinkError } from "../sink/text-output.js";

export const EXIT_OK = 0;
/** There were alerts, and --fail-on-alerts was given. */
export const EXIT_ALERTS = 1;
/** A package, an input or an output that cannot be used. */
export const EXIT_BAD_INPUT = 2;
export const EXIT_USAGE = 3;
/** Standard output was closed before the run was over; 128 and the number of SIGPIPE, as others end then. */
export const EXIT_NOT_READ = 141;

/** How many problems of one package are shown. */
const SHOWN_PROBLEMS = 20;

/** A failure of the command line itself. */
export class CliError extends Error {
  readonly code:
    | "E_ALERTS_WRITE"
    | "E_EBPF"
    | "E_INPUT_BROKEN"
    | "E_INPUT_TIME"
    | "E_INPUT_UNUSABLE"
    | "E_PROFILE_WRITE"
    | "E_RUNTIMES_DIFFER"
    | "E_TRUST_KEY";
  constructor(code: CliError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CliError";
    this.code = code;
  }
}

/** The lines that say what went wrong; null for an error that is a mistake in this program. */
export function describeFailure(error: unknown): string[] | null {
  if (error instanceof PackageError) {
    const lines = error.problems
      .slice(0, SHOWN_PROBLEMS)
      .map(({ code, file, message }) => errorLine(code, `${file}: ${message}`));
    const more = error.problems.length - lines.length;
    return more > 0 ? [...lines, `and ${more} more`] : lines;
  }
  for (const known of [CliError, SinkError, InputError, ModuleError, EbpfAddonError, RecordingError]) {
    if (error instanceof known) return [errorLine(error.code, error.message)];
  }
  return null;
}

/** Prints a failure and gives its exit code; throws what is a mistake in this program. */
export function reportFailure(error: unknown): number {
  const lines = describeFailure(error);
  if (lines === null) throw error;
  for (const line of lines) process.stderr.write(`${line}\n`);
  return EXIT_BAD_INPUT;
}

export function errorLine(code: string, message: string): string {
  return printable(`error[${code}]: ${message}`);
}
