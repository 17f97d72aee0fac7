// kestrel-run as a process that watches a cgroup of its own, and programs that run in it.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Builds a package of rules, by name, in `folder`; returns where it is. */
export function buildPack(folder: string, rules: Readonly<Record<string, string>>): string {
  mkdirSync(join(folder, "rules"), { recursive: true });
  for (const [name, query] of Object.entries(rules)) writeFileSync(join(folder, "rules", `${name}.eql`), query);
  const pack = join(folder, "pack");
  const words = [join(ROOT, "compiler/bin/eqlc.js"), "build", join(folder, "rules"), "-o", pack];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`eqlc ended with code ${status}: ${stderr}`);
  return pack;
}

/** Makes a cgroup of version 2 that nothing else is in. */
export function makeCgroup(): string {
  const root = /^(?:\S+ ){4}(\S+) .* - cgroup2 /m.exec(readFileSync("/proc/self/mountinfo", "utf8"))?.[1];
  if (root === undefined) throw new Error("no cgroup2 file system is mounted here");
  return mkdtempSync(join(root, "kestrel-bench-"));
}

export const removeCgroup = rmdirSync;

/** Runs a program in a cgroup, and returns what it prints. */
export async function runIn(cgroup: string, words: readonly string[]): Promise<string> {
  const script = 'echo 0 > "$0/cgroup.procs" && exec "$@"';
  const child = spawn("/bin/sh", ["-c", script, cgroup, ...words], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${words.join(" ")} ended with code ${code}`);
  return output;
}

export interface Watching {
  readonly stdout: NodeJS.ReadableStream;
  /** Ends it, and returns what it has said on standard error. */
  end(): Promise<string>;
}

/** Starts to watch, and waits until everything is attached. */
export async function watch(pack: string, cgroup: string): Promise<Watching> {
  const words = [join(ROOT, "runtime/bin/kestrel-run.js"), pack, "--ebpf", "--cgroup", cgroup, "--summary", "json"];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  let said = "";
  const begun = new Promise<boolean>((resolve) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (/^watching /m.test(said)) resolve(true);
    });
    void ended.then(() => resolve(false));
  });
  child.stdout.setEncoding("utf8").resume();
  if (!(await begun)) throw new Error(`kestrel-run does not watch: ${said}`);
  return {
    stdout: child.stdout,
    async end() {
      child.kill("SIGINT");
      await ended;
      return said;
    },
  };
}
