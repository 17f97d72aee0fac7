// What a process writes, as text.

import type { Readable } from "node:stream";

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** What the process has written until now, whenever it is asked. */
export function outputOf(child: { readonly stdout: Readable; readonly stderr: Readable }): Output {
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  return output;
}
