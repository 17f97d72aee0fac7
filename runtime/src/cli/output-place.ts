// A file that a run writes -> an error where it would destroy what the run reads.

import { fstatSync, type Stats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { placeOf } from "../sink/alert-file.js";
import { CliError } from "./failures.js";

/** File descriptors. */
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

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
  const target = await stat(file).catch(() => null);
  if (target === null) return;
  const isProfile = what === "the profile";
  // A pipe that nobody reads would hold up the end of the run.
  if (isProfile && !target.isFile()) refuse("is no regular file");
  if (!target.isFile()) return;
  if (await isAnInput(target, inputs)) refuse("is one of the inputs");
  if (!isProfile) return;
  if (isSame(target, fstatOf(STDOUT))) refuse("is standard output");
  if (isSame(target, fstatOf(STDERR))) refuse("is standard error");
}

/** Whether two paths lead to one file, whether it is there or not. */
export async function isOneFile(a: string, b: string): Promise<boolean> {
  const one = await stat(a).catch(() => null);
  if (one !== null && isSame(one, await stat(b).catch(() => null))) return true;
  const whereOf = (file: string): Promise<string> => placeOf(file).catch(() => resolve(file));
  return (await whereOf(a)) === (await whereOf(b));
}

function isSame(one: Stats, other: Stats | null): boolean {
  return other !== null && one.dev === other.dev && one.ino === other.ino;
}

/** null for what is closed. */
function fstatOf(descriptor: number): Stats | null {
  try {
    return fstatSync(descriptor);
  } catch {
    return null;
  }
}

/** A package is what was built, to the byte; and a file in it would be gone with the next build. */
async function isInPackage(file: string, dir: string): Promise<boolean> {
  const place = await placeOf(file).catch(() => null);
  if (place === null) return false;
  // A folder that is not there is for the loader to complain of.
  const way = relative(await realpath(dir).catch(() => dir), place);
  return !(way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way));
}

/** Who replaces a file is asked first: an input would not survive it. */
export async function isAnInput(target: Stats, inputs: readonly string[]): Promise<boolean> {
  for (const input of inputs) {
    if (isSame(target, input === "-" ? fstatOf(STDIN) : await stat(input).catch(() => null))) return true;
  }
  return false;
}
