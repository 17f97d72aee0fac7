// What the command line says of a profile -> one that is under way, or none. What it takes to make one is loaded only where one is wanted.

import type { RunProfile } from "./profile.js";

/** Begins the profile that is written to `file`; null where that is null. Throws CliError where that cannot be done. */
export async function startProfile(
  file: string | null,
  dir: string,
  inputs: () => readonly string[],
): Promise<RunProfile | null> {
  if (file === null) return null;
  const { beginProfile } = await import("./profile.js");
  return beginProfile(file, dir, inputs());
}
