// How much a test does: what a person waits for; what runs where CI is set; or everything, which `npm run test:long` does.

export const FULL = process.env.KESTREL_LONG === "1";
/** Where everything is done that does not take many minutes. */
export const LONG = FULL || (process.env.CI ?? "false") !== "false";

/** Of what is random CI does a part: it has minutes for all of it, and runs often. */
const CI_PART = 7;

/** A size that can be set with an environment variable, and otherwise depends on the form. */
export function sizeOf(variable: string, short: number, long: number): number {
  const set = process.env[variable];
  if (set !== undefined) return Number(set);
  if (FULL) return long;
  return LONG ? Math.max(short, Math.ceil(long / CI_PART)) : short;
}
