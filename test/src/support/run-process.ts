// A program of Kestrel's, run to its end.

import { spawn } from "node:child_process";
import { type Output, outputOf } from "./output-of.js";

export interface Ended extends Output {
  readonly code: number | null;
}

/** Runs a script with Node. Rejects when it fails in a way that no user is to see: with a stack, or as a defect of its own. */
export function runProcess(script: string, parameters: readonly string[], cwd: string, input = ""): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...parameters], { cwd });
    const output = outputOf(child);
    child.on("error", reject);
    child.on("close", (code: number | null) => {
      const { stderr } = output;
      if (/^\s+at .*:\d+:\d+/m.test(stderr) || stderr.includes("E_INTERNAL")) reject(new Error(stderr));
      else resolve({ code, ...output });
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
