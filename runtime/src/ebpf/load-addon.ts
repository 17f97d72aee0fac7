// The optional addon → its functions, or an error that says how to get it. What these functions do is in native/src/addon.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { EventClass } from "./event-kinds.js";

export type { EventClass };

/** What this runtime and the addon agree on; native/src/addon/addon.cc has the same number. */
export const ADDON_INTERFACE = 4;

/** What every line says of the machine, and what the ids of its processes begin with. */
export interface EbpfHost {
  readonly name: string;
  readonly id: string;
  readonly bootId: string;
  /** Files with the names of users and groups, if they are not /etc/passwd and /etc/group. */
  readonly users?: string;
  readonly groups?: string;
  /** Where processes are looked for that no record has told of, if it is not /proc. */
  readonly proc?: string;
}

/** What is found out about processes beside what the kernel's records say. */
export interface Enrichment {
  /** Hashes of executables that the lines of exec events have. */
  readonly hashes?: readonly ("md5" | "sha1" | "sha256")[];
  /** Whether exec events have process.thread.capabilities. */
  readonly capabilities?: boolean;
  /** What the table of processes may take: 65,536 entries, of them 16,384 that have ended, and 64 MiB. */
  readonly table?: { readonly entries?: number; readonly ended?: number; readonly bytes?: number };
}

/** The table of processes. `evicted` were forgotten for want of room; `lookedUp` in /proc since an event named them. */
export interface TableCounters {
  readonly known: number;
  readonly bytes: number;
  readonly evicted: number;
  readonly lookedUp: number;
  readonly notFound: number;
}

/** What the machine allows. What cannot be read is null. */
export interface MachineFacts {
  readonly kernel: string;
  readonly btf: boolean;
  readonly lockdown: "none" | "integrity" | "confidentiality" | null;
  /** As the kernel lists them, with commas. */
  readonly securityModules: string | null;
  readonly capabilities: Readonly<Record<"CAP_BPF" | "CAP_PERFMON" | "CAP_SYS_ADMIN", boolean>>;
}

/** One way to collect a class, and what became of it. */
export interface ProgramReport {
  /** The BPF program that is only there for it. */
  readonly name: string;
  readonly event: EventClass;
  /** What its programs hook; several with " + " between. */
  readonly hook: string;
  /** "A": trampolines and security modules. "B": typed tracepoints. */
  readonly tier: "A" | "B";
  /** "not needed": a better way of the same class is attached. "not wanted": the options leave it out. */
  readonly state: "attached" | "not needed" | "not wanted" | "failed";
  /** Of a failed one: an error, and the last lines of the verifier's log where there is one. */
  readonly reason: string | null;
}

export interface CollectorReport {
  /** Why nothing is collected; null when something is. */
  readonly failure: string | null;
  readonly programs: readonly ProgramReport[];
  /** Why the kernel's iterator does not tell of what was running at the start, so that only /proc does; null when it does. */
  readonly processesReason: string | null;
}

/** When the collector has ended, `made` is `dropped` + `received`. */
export interface ClassCounters {
  readonly made: number;
  readonly dropped: number;
  readonly received: number;
  readonly droppedByCpu: readonly number[];
}

/** `malformed` is 0 unless there is a defect. */
export type CollectorCounters = Readonly<Record<EventClass, ClassCounters>> & {
  readonly malformed: number;
  readonly processes: TableCounters;
};

export interface CollectorOptions extends Enrichment {
  /** Of the ring: a power of two, and at least a page. */
  readonly ringBytes: number;
  /** How often the ring is emptied. */
  readonly intervalMicroseconds: number;
  /** A folder of cgroup version 2: only what its processes do is collected, and those of the cgroups below it. */
  readonly cgroup?: string;
  /** At most 8 of the kind: what their processes do is not collected, nor those of cgroups below them. */
  readonly excludedCgroups?: readonly string[];
  /**
   * Of classes of files, prefixes in lower case: an event is not made when `passesPrefixes` of path-prefixes.ts surely says no of the
   * kernel's path. Others are made, so this only saves work.
   */
  readonly pathPrefixes?: Readonly<Partial<Record<EventClass, readonly string[]>>>;
  /** What is collected; without it everything. Processes always are, but stand in lines only when they are asked for. */
  readonly events?: readonly EventClass[];
  /** Whether exec events have process.env_vars: all that the program was given, secrets too. */
  readonly environment?: boolean;
  /** After so much silence a line says what time it is, see notes.ts; 0 or absent for never. */
  readonly tickMilliseconds?: number;
  /** Names of the programs that may be used; without it all. */
  readonly programs?: readonly string[];
  readonly host: EbpfHost;
}

/** Programs that are attached, and the ring that they write to. */
export interface EbpfCollector {
  report(): CollectorReport;
  /** `onChunk` gets whole lines each time they were asked for with `want`, and null at the end. Once. */
  start(onChunk: (lines: Uint8Array | null) => void): void;
  want(): void;
  counters(): CollectorCounters;
  /** Detaches. What the ring holds is still given, then null. */
  stop(): void;
}

export interface EbpfAddon {
  readonly interface: number;
  readonly Collector: new (options: CollectorOptions) => EbpfCollector;
  machineFacts(): MachineFacts;
  /**
   * The lines of records that stand one after the other, each at a multiple of 8, with what the boot-time clock lacks to the time of
   * day in nanoseconds; `malformed` counts those that are no records.
   */
  linesOf(
    records: Uint8Array,
    host: EbpfHost,
    clockOffset: bigint,
    options?: Enrichment,
  ): { lines: Uint8Array; malformed: number; processes: TableCounters };
}

/** The addon is not there, or not of this version. */
export class EbpfAddonError extends Error {
  readonly code = "E_EBPF_ADDON";
  override readonly name = "EbpfAddonError";
}

const BUILD = "Build it with `npm run build:native` (Debian and Ubuntu; it says what it needs).";

/** Where the addon may stand: as built on this machine, or as it came with the package. */
function placesOf(folder: string): string[] {
  const target = `${process.platform}-${process.arch}`;
  return ["build", "prebuilds"].map((kind) => join(folder, kind, target, "kestrel_ebpf.node"));
}

/**
 * Loads the addon of the package @kestrel/native.
 *
 * @param folder The package's folder, if it is not the one that is installed.
 * @throws EbpfAddonError
 */
export function loadAddon(folder?: string): EbpfAddon {
  if (process.platform !== "linux") throw new EbpfAddonError("events are read from the kernel on Linux only");
  const require = createRequire(import.meta.url);
  const file = placesOf(folder ?? installedFolder(require)).find((place) => existsSync(place));
  if (file === undefined) throw new EbpfAddonError(`the eBPF addon is not there. ${BUILD}`);
  let addon: EbpfAddon;
  try {
    addon = require(file) as EbpfAddon;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new EbpfAddonError(`the eBPF addon cannot be loaded: ${reason}. ${BUILD}`, { cause: error });
  }
  if (addon.interface !== ADDON_INTERFACE) {
    throw new EbpfAddonError(`the eBPF addon ${file} is of another version than this kestrel-run. ${BUILD}`);
  }
  return addon;
}

function installedFolder(require: NodeJS.Require): string {
  try {
    return dirname(require.resolve("@kestrel/native/package.json"));
  } catch {
    throw new EbpfAddonError("the package @kestrel/native, which has the eBPF addon, is not installed");
  }
}
