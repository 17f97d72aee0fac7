// A program of Kestrel's, run to its end.

import { spawn } from "node:child_process";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script with Node. Rejects when it fails in a way that no user is to see: with a stack, or as a defect of its own. */
export function runProcess(script: string, parameters: readonly string[], cwd: string, input = ""): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...parameters], { cwd });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code: number | null) => {
      if (/^\s+at .*:\d+:\d+/m.test(stderr) || stderr.includes("E_INTERNAL")) reject(new Error(stderr));
      else resolve({ code, stdout, stderr });
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
