// How eqlc ends, and what it says when it does not end well: a sentence with a code, never a stack trace.

import { ModuleError } from "@kestrel/runtime/engine/detector";
import { PackageError } from "@kestrel/runtime/load/problems";
import { InputError } from "@kestrel/runtime/read/lines";
import { printable } from "../diagnostics/terminal-text.js";
import { PatternTooLarge } from "../lower/atoms-to-code.js";
import { PackageWriteError } from "../package/write-package.js";
import { InputTooLargeError } from "../query/event-lines.js";

export const EXIT_OK = 0;
/** Some rules were left out, `check --strict` has warnings, or a query found nothing. */
export const EXIT_FINDINGS = 1;
/** Rules, a query, an input or an output that cannot be used. */
export const EXIT_BAD_INPUT = 2;
export const EXIT_USAGE = 3;

/** The command line asks for something that makes no sense. */
export class UsageError extends Error {
  readonly code = "E_USAGE";
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** Standard output cannot be written. */
export class OutputError extends Error {
  readonly code = "E_OUTPUT_WRITE";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "OutputError";
  }
}

/** Prints what went wrong, and gives the exit code for it. */
export function reportFailure(error: unknown): number {
  for (const line of describe(error)) process.stderr.write(`${printable(line)}\n`);
  return error instanceof UsageError ? EXIT_USAGE : EXIT_BAD_INPUT;
}

function describe(error: unknown): string[] {
  if (
    error instanceof UsageError ||
    error instanceof OutputError ||
    error instanceof InputError ||
    error instanceof InputTooLargeError ||
    error instanceof PackageWriteError ||
    error instanceof ModuleError
  ) {
    return [`error[${error.code}]: ${error.message}`];
  }
  if (error instanceof PatternTooLarge) return [`error[E0402]: ${error.message}`];
  if (error instanceof PackageError) {
    return error.problems.map(({ code, file, message }) => `error[${code}]: ${file}: ${message}`);
  }
  const message = error instanceof Error ? error.message : String(error);
  return [`error[E_INTERNAL]: ${message}`, "this is a mistake in eqlc, not in your rules; please report it"];
}
