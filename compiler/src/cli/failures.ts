// How eqlc ends, and what it says when it does not end well: a sentence with a code, never a stack trace.

import { printable } from "../diagnostics/terminal-text.js";

export const EXIT_OK = 0;
/** Some rules were left out of a package or a profile, `check --strict` has warnings, or a query found nothing. */
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
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  process.stderr.write(`${printable(`error[${code ?? "E_INTERNAL"}]: ${message}`)}\n`);
  if (code === null) process.stderr.write("this is a mistake in eqlc, not in your rules; please report it\n");
  return error instanceof UsageError ? EXIT_USAGE : EXIT_BAD_INPUT;
}

/** Failures that are meant for people carry a code such as E_INPUT_READ or E0402; those of the system are others. */
function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return null;
  return /^E(_|\d)/.test(error.code) ? error.code : null;
}
