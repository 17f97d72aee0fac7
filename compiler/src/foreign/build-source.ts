// rule.wat or rule.as.ts -> the bytes of a module.
//
// Both compilers run in a process of their own (source-builder.ts), so that they are only loaded where there is such a source, and what
// they do with a hostile one ends with that process: it is stopped after a while, has its own memory, and reads no file, since
// the sources are given to it.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface BuildRequest {
  readonly kind: "wat" | "assemblyscript";
  /** The name of the source, as messages should give it. */
  readonly name: string;
  readonly text: string;
  /** What an AssemblyScript source may import: texts by name. */
  readonly beside: Readonly<Record<string, string>>;
}

export interface BuildProblem {
  readonly message: string;
  /** The source that it is in, and where: offsets in UTF-16 units, or a line and a column from 1. */
  readonly file?: string;
  readonly span?: { readonly start: number; readonly end: number };
  readonly line?: number;
  readonly column?: number;
}

export type BuildResult =
  | { readonly ok: true; readonly base64: string }
  | { readonly ok: false; readonly problems: readonly BuildProblem[] };

const BUILDER = fileURLToPath(new URL("./source-builder.js", import.meta.url));

/** AssemblyScript takes 2 s for a rule of a page on a slow machine. */
const MILLISECONDS = 120_000;
const HEAP_MEGABYTES = 1024;
const MOST_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Builds a source. The same source gives the same bytes. */
export function buildSource(request: BuildRequest): BuildResult {
  const child = spawnSync(process.execPath, [`--max-old-space-size=${HEAP_MEGABYTES}`, BUILDER], {
    input: JSON.stringify(request),
    encoding: "utf8",
    timeout: MILLISECONDS,
    killSignal: "SIGKILL",
    maxBuffer: MOST_OUTPUT_BYTES,
    // Nothing that is set for eqlc may change what the compilers do.
    env: {},
  });
  const { error, status, stdout, stderr } = child;
  if (error !== undefined) {
    const late = (error as NodeJS.ErrnoException).code === "ETIMEDOUT";
    return { ok: false, problems: [{ message: late ? `it takes more than ${MILLISECONDS / 1000} s` : error.message }] };
  }
  if (status !== 0) return { ok: false, problems: [failure(lastLine(stderr))] };
  try {
    return JSON.parse(stdout) as BuildResult;
  } catch {
    return { ok: false, problems: [{ message: "the compiler gave no answer" }] };
  }
}

/** The engine's error for a compiler that called itself too deeply says nothing of the source. */
export function failure(why: string): BuildProblem {
  const isDeep = why.includes("Maximum call stack size exceeded");
  return { message: isDeep ? "the source is nested too deeply" : `the compiler failed: ${why}` };
}

function lastLine(text: string): string {
  const lines = text.trim().split("\n");
  return lines.findLast((line) => /error/i.test(line))?.trim() ?? "it gave no reason";
}
