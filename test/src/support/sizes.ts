// How much a test does: what a person waits for, or everything. Everything is done where CI is set, and by `npm run test:long`.

export const LONG = process.env.KESTREL_LONG === "1" || (process.env.CI ?? "false") !== "false";

/** A size that can be set with an environment variable, and otherwise depends on the form. */
export function sizeOf(variable: string, short: number, long: number): number {
  const set = process.env[variable];
  return set === undefined ? (LONG ? long : short) : Number(set);
}
