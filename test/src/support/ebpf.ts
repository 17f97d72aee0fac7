// Whether the addon is there and may read the kernel, and a cgroup of a test's own to confine it to.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { liveChunks } from "@kestrel/runtime/ebpf/live-chunks";
import {
  type CollectorCounters,
  type CollectorOptions,
  type EbpfAddon,
  EbpfAddonError,
  type EbpfCollector,
  type EventClass,
  loadAddon,
} from "@kestrel/runtime/ebpf/load-addon";
import { thisHost } from "@kestrel/runtime/ebpf/this-host";
import type { Test } from "uvu";

/** The addon, or why there is none, in a line. */
export function addonOrReason(): EbpfAddon | string {
  try {
    return loadAddon();
  } catch (error) {
    if (error instanceof EbpfAddonError) return error.message;
    throw error;
  }
}

/** The addon where it may read the kernel and a cgroup can be made, else why not, in a line. */
export function liveAddonOrReason(): EbpfAddon | string {
  const addon = addonOrReason();
  if (typeof addon === "string") return addon;
  const options = { ringBytes: 1 << 16, intervalMicroseconds: 1000, host: thisHost() };
  const collector = new addon.Collector(options);
  const { failure } = collector.report();
  collector.stop();
  if (failure !== null) return `eBPF is not allowed here: ${failure.replaceAll("\n", "; ")}`;
  try {
    makeCgroup().remove();
  } catch (error) {
    return `no cgroup can be made: ${error instanceof Error ? error.message : String(error)}`;
  }
  return addon;
}

/** Runs a suite with what it needs; where that is not here, skips it with a line that says why. */
export function runOrSkip<Needed>(tests: Test, needed: Needed | string, define: (needed: Needed) => void): void {
  if (typeof needed === "string") {
    console.log(`skipped: ${needed}`);
    tests.skip("what it needs is not here", () => {});
  } else {
    define(needed);
  }
  tests.run();
}

export interface CommandOptions {
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** A cgroup of version 2 that nothing else is in. */
export interface TestCgroup {
  readonly path: string;
  /** Starts a program in it. Its first event there is its exec; what started it is outside. */
  spawn(command: readonly string[], options?: CommandOptions): ChildProcess;
  /** spawn, and waits until it has ended. Returns its pid, exit code and what it printed. */
  run(
    command: readonly string[],
    options?: CommandOptions,
  ): Promise<{ pid: number; code: number | null; output: string }>;
  /** Nothing may run in it any more. */
  remove(): void;
}

function cgroupRoot(): string {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  const path = /^(?:\S+ ){4}(\S+) .* - cgroup2 /m.exec(mounts)?.[1];
  if (path === undefined) throw new Error("no cgroup2 file system is mounted");
  return path;
}

export function makeCgroup(): TestCgroup {
  const path = mkdtempSync(join(cgroupRoot(), "kestrel-test-"));
  const start: TestCgroup["spawn"] = (command, options = {}) => {
    const { uid, gid, ...rest } = options;
    // The shell moves itself into the cgroup, and then becomes the program. Ids are changed on the way, since only root may move.
    const ids = uid === undefined ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${gid ?? uid}`, "--clear-groups"];
    const script = 'echo 0 > "$0/cgroup.procs" && exec "$@"';
    return spawn("/bin/sh", ["-c", script, path, ...ids, ...command], {
      stdio: ["ignore", "pipe", "inherit"],
      ...rest,
    });
  };
  return {
    path,
    spawn: start,
    async run(command, options) {
      const child = start(command, options);
      let output = "";
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
      const [code] = (await once(child, "close")) as [number | null];
      return { pid: child.pid ?? 0, code, output };
    },
    remove: () => rmdirSync(path),
  };
}

/** What event.action the lines of each class have. */
export const ACTIONS: Readonly<Record<EventClass, readonly string[]>> = {
  exec: ["exec"],
  fork: ["fork"],
  exit: ["end"],
  credential: ["uid_change", "gid_change"],
  session: ["session_id_change"],
  ptrace: ["ptrace"],
  memfd: ["memfd_create"],
  mmap: ["mmap"],
  signal: ["signal"],
  module: ["load_module"],
  create: ["creation"],
  modify: ["modification"],
  open: ["open"],
  rename: ["rename"],
  delete: ["deletion"],
  mode: ["attributes_modified"],
  connect: ["connection_attempted"],
  accept: ["connection_accepted"],
  disconnect: ["disconnect_received"],
  bind: ["bound-socket"],
  listen: ["listen-for-connections"],
  dns: ["lookup_requested", "lookup_result"],
};

/** A line, as far as tests look into it. */
export interface LiveEvent {
  readonly "@timestamp": string;
  readonly event: {
    readonly kind: string;
    readonly category?: readonly string[];
    readonly type?: readonly string[];
    readonly action: string;
    readonly outcome?: string;
    readonly sequence: number;
  };
  readonly host: { readonly os: { readonly type: string } };
  readonly process: LiveProcess & {
    readonly Ext?: { readonly memfd?: Readonly<Record<string, string | boolean>> };
    readonly exit_code?: number;
    readonly tty?: { readonly char_device: { readonly major: number; readonly minor: number } };
    readonly saved_user: Account;
    readonly saved_group: Account;
    readonly user: Account;
    readonly real_user: Account;
    readonly group: Account;
    readonly real_group: Account;
    readonly parent?: LiveProcess & { readonly parent?: LiveProcess };
    readonly group_leader?: LiveLeader;
    readonly session_leader?: LiveLeader;
    readonly entry_leader?: LiveLeader & { readonly entry_meta: { readonly type: string } };
    readonly previous?: { readonly executable: string };
    readonly hash?: { readonly md5?: string; readonly sha1?: string; readonly sha256?: string };
  };
  readonly user: Account & { readonly Ext: { readonly real: Account } };
  readonly group: Account & { readonly Ext: { readonly real: Account } };
  readonly container?: { readonly id: string };
  readonly source?: LiveEnd;
  readonly destination?: LiveEnd;
  readonly network?: {
    readonly transport: string;
    readonly type: string;
    readonly direction?: string;
    readonly protocol?: string;
  };
  readonly dns?: {
    readonly id: string;
    readonly type: string;
    readonly question?: { readonly name: string; readonly type: string; readonly class: string };
    readonly response_code?: string;
    readonly answers_count?: number;
    readonly resolved_ip?: readonly string[];
  };
  readonly file?: LiveFile & {
    readonly directory?: string;
    readonly type?: string;
    readonly mode?: string;
    readonly inode?: string;
    readonly size?: number;
    readonly uid?: string;
    readonly gid?: string;
    readonly target_path?: string;
    readonly Ext?: { readonly original?: LiveFile };
  };
  readonly driver?: { readonly name: string };
  readonly kestrel: {
    readonly packet_size?: number;
    readonly cgroup: number;
    readonly filename?: string;
    readonly flags?: readonly string[];
    readonly args_size?: number;
    readonly signal?: number;
    readonly device?: string;
    readonly links?: number;
    readonly link_of?: string;
    readonly exchanged?: boolean;
    readonly nameless?: boolean;
    readonly before?: Readonly<Record<string, { readonly id: string }>>;
    readonly ptrace?: { readonly number: number; readonly request?: string };
    readonly mmap?: {
      readonly call: string;
      readonly address: number;
      readonly size: number;
      readonly protection: string;
    };
    readonly ignored?: boolean;
    readonly target?: LiveProcess;
    readonly loss?: { readonly class: string; readonly cpu: number; readonly dropped: number };
  };
}

interface LiveEnd {
  readonly ip: string;
  readonly address: string;
  readonly port: number;
}

interface LiveFile {
  readonly path: string | null;
  readonly name?: string;
  readonly extension?: string;
}

interface Account {
  readonly id: string;
  readonly name?: string;
}

/** A process, or a relation of it, of which less is known. */
export interface LiveProcess {
  readonly pid: number;
  readonly entity_id?: string;
  readonly name?: string;
  readonly start?: string;
  readonly executable?: string;
  readonly args?: readonly string[];
  readonly args_count?: number;
  readonly command_line?: string;
  readonly working_directory?: string;
  readonly interactive?: boolean;
  readonly user?: Account;
  readonly real_user?: Account;
  readonly group?: Account;
  readonly real_group?: Account;
}

interface LiveLeader extends LiveProcess {
  readonly same_as_process: boolean;
}

export interface LiveRun {
  readonly events: readonly LiveEvent[];
  readonly text: string;
  readonly counters: CollectorCounters;
}

/** What a collector sees while `work` is done, to the last record. */
export async function collectWhile(
  addon: EbpfAddon,
  options: Partial<CollectorOptions>,
  work: (collector: EbpfCollector) => Promise<unknown>,
): Promise<LiveRun> {
  const whole = { ringBytes: 1 << 24, intervalMicroseconds: 1000, host: thisHost(), ...options };
  const collector = new addon.Collector(whole);
  const { failure } = collector.report();
  if (failure !== null) throw new Error(failure);
  const chunks: Uint8Array[] = [];
  const reading = (async () => {
    for await (const chunk of liveChunks(collector)) chunks.push(chunk);
  })();
  try {
    await work(collector);
  } finally {
    collector.stop();
    await reading;
  }
  const text = Buffer.concat(chunks).toString();
  const lines = text.split("\n").filter((line) => line !== "");
  return { events: lines.map((line) => JSON.parse(line) as LiveEvent), text, counters: collector.counters() };
}
