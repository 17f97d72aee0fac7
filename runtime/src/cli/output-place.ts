// A file that a run writes -> an error where it would destroy what the run reads.

import { fstatSync } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, sep } from "node:path";
import { placeOf } from "../sink/alert-file.js";
import { CliError } from "./failures.js";

/** The file descriptor of standard input. */
const STDIN = 0;

export interface Output {
  readonly file: string;
  /** What is written to it, as people call it. */
  readonly what: "alerts" | "the profile";
  readonly code: CliError["code"];
}

/** Throws CliError for a file in the folder `dir` of the package, and for one of the inputs. */
export async function assertOutput(output: Output, dir: string, inputs: readonly string[]): Promise<void> {
  const { file, what, code } = output;
  const refuse = (why: string): never => {
    throw new CliError(code, `cannot write ${what} to ${file}: it ${why}`);
  };
  if (await isInPackage(file, dir)) refuse("lies in the folder of the package");
  if (await isAnInput(file, inputs)) refuse("is one of the inputs");
}

/** A package is what was built, to the byte; and a file in it would be gone with the next build. */
async function isInPackage(file: string, dir: string): Promise<boolean> {
  const place = await placeOf(file).catch(() => null);
  if (place === null) return false;
  // A folder that is not there is for the loader to complain of.
  const way = relative(await realpath(dir).catch(() => dir), place);
  return !(way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way));
}

/** The run replaces the file, which an input would not survive. */
async function isAnInput(file: string, inputs: readonly string[]): Promise<boolean> {
  const target = await stat(file).catch(() => null);
  if (target === null || !target.isFile()) return false;
  for (const input of inputs) {
    const found = input === "-" ? fstatSync(STDIN) : await stat(input).catch(() => null);
    if (found !== null && found.dev === target.dev && found.ino === target.ino) return true;
  }
  return false;
}
