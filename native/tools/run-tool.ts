// Other programs as promises: what they print is kept, and shown when they fail.

import { spawn } from "node:child_process";

/** What cannot be built, in words for the person who asked for it. Anything else that is thrown is a defect of the build. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

/** Lines of what a failing tool printed that are shown; compilers say what is wrong in the last ones. */
const SHOWN_LINES = 40;

export interface ToolOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs `tool` to its end and returns what it wrote to standard output.
 *
 * @throws BuildError when it cannot be started or its exit code is not 0, with the last lines of what it printed.
 */
export async function runTool(tool: string, args: readonly string[], options: ToolOptions = {}): Promise<string> {
  const ended = await tryTool(tool, args, options);
  if (ended.code === 0) return ended.output;
  const said = (ended.errors + ended.output).trimEnd().split("\n").slice(-SHOWN_LINES).join("\n");
  throw new BuildError(`${[tool, ...args].join(" ")}\n${said}\n${tool} ended with ${ended.code ?? "a signal"}`);
}

export interface EndedTool {
  /** The exit code; null where there was none, after a signal or a start that failed. */
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs `tool` to its end, whatever that is. */
export function tryTool(tool: string, args: readonly string[], options: ToolOptions = {}): Promise<EndedTool> {
  return new Promise((resolve) => {
    const child = spawn(tool, args, {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: options.cwd,
      // What apt-get and compilers say is read here and compared, so it is asked for in English.
      env: { ...process.env, LC_ALL: "C.UTF-8", ...options.env },
    });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.on("error", (error) => resolve({ code: null, output: "", errors: error.message }));
    child.on("close", (code) =>
      resolve({ code, output: Buffer.concat(output).toString(), errors: Buffer.concat(errors).toString() }),
    );
  });
}

/** Does `work` for every item, as many at once as there are cores to spare, and returns the results in order. */
export async function forEachAtOnce<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at] as Item;
      results[at] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}
