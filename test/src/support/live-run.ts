// kestrel-run as a process that watches the kernel: started, waited for, and ended by signals.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Output, outputOf } from "./output-of.js";
import { repositoryRoot } from "./repository.js";

export const KESTREL_RUN = join(repositoryRoot(), "runtime/bin/kestrel-run.js");
const EQLC = join(repositoryRoot(), "compiler/bin/eqlc.js");

/** How long something may take that usually takes a fraction of a second; emulated machines are slow. */
const PATIENCE_MS = 60_000;
/** How long a run may live: one that does not end is ended, and the test that waits for it fails. */
const LIFE_MS = 300_000;

/** Builds a package of rules, by name, below `folder`; returns its folder. */
export function buildPack(folder: string, rules: Readonly<Record<string, string>>): string {
  const sources = join(folder, "rules");
  mkdirSync(sources, { recursive: true });
  for (const [name, query] of Object.entries(rules)) writeFileSync(join(sources, `${name}.eql`), query);
  return buildFolder(sources, join(folder, "pack"));
}

/** Builds those rules of a folder that compile; returns where the package is. */
export function buildFolder(sources: string, pack: string): string {
  const { status, stderr, error } = spawnSync(process.execPath, [EQLC, "build", sources, "-o", pack], {
    encoding: "utf8",
  });
  if (status !== 0 && status !== 1) throw new Error(`eqlc ended with code ${status}: ${error?.message ?? stderr}`);
  return pack;
}

export interface Ended extends Output {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface LiveProcess {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Waits until standard output has so many lines. */
  lines(count: number): Promise<readonly string[]>;
  end(signal: NodeJS.Signals): Promise<Ended>;
  readonly ended: Promise<Ended>;
}

/**
 * Starts `kestrel-run PACK --ebpf …`, and waits until it says that it watches, unless it ends before. No file that it writes grows
 * beyond `fileBytes`.
 */
export async function startLive(pack: string, flags: readonly string[], fileBytes?: number): Promise<LiveProcess> {
  const limit = fileBytes === undefined ? "" : `ulimit -f ${fileBytes / 512}; `;
  const words = [process.execPath, KESTREL_RUN, pack, "--ebpf", ...flags];
  const child = spawn("/bin/sh", ["-c", `${limit}exec "$@"`, "sh", ...words], { stdio: ["ignore", "pipe", "pipe"] });
  // A test that fails leaves it running.
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const life = globalThis.setTimeout(kill, LIFE_MS).unref();
  child.once("close", () => {
    clearTimeout(life);
    process.removeListener("exit", kill);
  });
  const output = outputOf(child);
  const ended = once(child, "close").then(([code, signal]) => {
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, ...output };
  });
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    for (const began = Date.now(); !holds(); ) {
      if (Date.now() - began > PATIENCE_MS)
        throw new Error(`no ${what} after ${PATIENCE_MS} ms: ${output.stdout}${output.stderr}`);
      await setTimeout(5);
    }
  };
  const over = (): boolean => child.exitCode !== null || child.signalCode !== null;
  await until("watching line", () => /^watching /m.test(output.stderr) || over());
  return {
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    async lines(count) {
      await until(`line ${count}`, () => output.stdout.split("\n").length > count || over());
      return output.stdout.split("\n").slice(0, -1);
    },
    end(signal) {
      child.kill(signal);
      return ended;
    },
    ended,
  };
}

/** Replays a recording. */
export function replayRecording(pack: string, recording: string, flags: readonly string[] = []): string {
  return execFileSync(process.execPath, [KESTREL_RUN, pack, "--replay", recording, "--summary", "none", ...flags], {
    encoding: "utf8",
  });
}

/** The ids of the rules of alerts. */
export function rulesOf(ndjson: string): string[] {
  return ndjson
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { readonly rule: { readonly id: string } }).rule.id);
}
