// What can be wrong with an input, in a sentence.

/** An input that cannot be opened or read to its end. */
export class InputError extends Error {
  readonly code = "E_INPUT_READ";
  readonly file: string;

  constructor(file: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "InputError";
    this.file = file;
  }
}

/** An input that is known to be nothing that can be read as events. */
export class UnusableInputError extends InputError {
  constructor(file: string, message: string) {
    super(file, message);
    this.name = "UnusableInputError";
  }
}

/** `error` as an error of the input `file`. */
export function asInputError(file: string, error: unknown): InputError {
  if (error instanceof InputError) return error;
  // Node ends its messages with the call and the path; the path is named already.
  const reason = error instanceof Error ? error.message.replace(/, \w+( '.*')?$/s, "") : String(error);
  return new InputError(file, `cannot read ${file === "-" ? "standard input" : file}: ${reason}`, { cause: error });
}

/** The error of an input that is `what`; `unpack` is the command that makes of it what `command` can read. */
export function unusable(
  file: string,
  what: string,
  unpack: string | null,
  command = "kestrel-run DIR --replay -",
): UnusableInputError {
  const name = file === "-" ? "standard input" : file;
  if (unpack === null) return new UnusableInputError(file, `${name} is ${what}`);
  const word = file === "-" ? "" : /^[\w./+-]+$/.test(file) ? ` ${file}` : ` '${file.replaceAll("'", "'\\''")}'`;
  const advice = `${unpack}${word} | ${command}`;
  return new UnusableInputError(file, `${name} is ${what}; give what is in it on standard input: ${advice}`);
}
