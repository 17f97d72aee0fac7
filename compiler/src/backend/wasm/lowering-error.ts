// What stops a pack from being lowered, with the rules that it stands in, so that the others can be lowered without them.

/** A regular expression, or a list of them, whose automaton would pass the stated limits. */
export class PatternTooLarge extends Error {}

export class LoweringError extends Error {
  /** Indexes of rules; empty where it is not known which of them it was. */
  readonly rules: readonly number[];
  /** Whether a stated limit was passed; anything else is a defect of eqlc. */
  readonly isLimit: boolean;
  constructor(rules: readonly number[], cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = "LoweringError";
    this.rules = rules;
    this.isLimit = cause instanceof PatternTooLarge;
  }
}

/** Runs a step that concerns some rules. Throws {@link LoweringError} for whatever it throws. */
export function naming<Result>(rules: () => readonly number[], step: () => Result): Result {
  try {
    return step();
  } catch (error) {
    throw error instanceof LoweringError ? error : new LoweringError(rules(), error);
  }
}
