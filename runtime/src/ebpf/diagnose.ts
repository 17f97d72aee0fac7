// The machine and the addon -> what can be collected here, class by class, and what everything that is missing costs.

import { EVENT_CLASSES, type EventClass } from "./event-kinds.js";
import { type EbpfAddon, EbpfAddonError, type MachineFacts, type ProgramReport } from "./load-addon.js";
import { machineFromFiles } from "./machine-files.js";
import { thisHost } from "./this-host.js";

/** The smallest ring: nobody reads from it. */
const RING_BYTES = 1 << 16;

export interface ClassDiagnosis {
  readonly event: EventClass;
  /** "absent": this addon has no program for it. "unknown": nothing could be tried. */
  readonly state: "attached" | "failed" | "absent" | "unknown";
  /** Of the program that is attached; where none is, of the first one that was tried. */
  readonly program: ProgramReport | null;
  /** All that were tried, best first. */
  readonly programs: readonly ProgramReport[];
}

/** A fact of the machine that takes something away. */
export interface Shortcoming {
  readonly what: string;
  readonly cost: string;
}

export interface Diagnosis {
  readonly machine: MachineFacts;
  readonly shortcomings: readonly Shortcoming[];
  /** Why there is no addon, and how to get it; null where there is one. */
  readonly addon: string | null;
  /** Why nothing can be collected; null where something can. */
  readonly failure: string | null;
  /** Why the kernel's iterator does not tell of what runs already, so that only /proc does; null where it does, or nothing was tried. */
  readonly processesReason: string | null;
  readonly classes: readonly ClassDiagnosis[];
}

/**
 * Tries what the addon can do on this machine: its programs are attached for a moment. `load` gives the addon, or throws
 * {@link EbpfAddonError}.
 */
export function diagnose(load: () => EbpfAddon, machineWithoutAddon = machineFromFiles): Diagnosis {
  let addon: EbpfAddon;
  try {
    addon = load();
  } catch (error) {
    if (!(error instanceof EbpfAddonError)) throw error;
    const machine = machineWithoutAddon();
    return { ...unknown(machine, "there is no addon to collect with"), addon: error.message };
  }
  const machine = addon.machineFacts();
  try {
    const options = { ringBytes: RING_BYTES, intervalMicroseconds: 1000, host: thisHost() };
    const collector = new addon.Collector(options);
    const { failure, processesReason, programs } = collector.report();
    collector.stop();
    const classes = EVENT_CLASSES.map((event) => classOf(event, programs));
    return { machine, shortcomings: shortcomingsOf(machine), addon: null, failure, processesReason, classes };
  } catch (error) {
    return unknown(machine, error instanceof Error ? error.message : String(error));
  }
}

function unknown(machine: MachineFacts, failure: string): Diagnosis {
  const classes = EVENT_CLASSES.map((event) => ({ event, state: "unknown", program: null, programs: [] }) as const);
  return { machine, shortcomings: shortcomingsOf(machine), addon: null, failure, processesReason: null, classes };
}

function classOf(event: EventClass, all: readonly ProgramReport[]): ClassDiagnosis {
  const programs = all.filter((program) => program.event === event);
  const attached = programs.find(({ state }) => state === "attached");
  if (attached !== undefined) return { event, state: "attached", program: attached, programs };
  const failed = programs.find(({ state }) => state === "failed") ?? null;
  return { event, state: failed === null ? "absent" : "failed", program: failed, programs };
}

function shortcomingsOf({ btf, lockdown, securityModules, capabilities }: MachineFacts): Shortcoming[] {
  const found: Shortcoming[] = [];
  const add = (what: string, cost: string): void => {
    found.push({ what, cost });
  };
  if (!btf)
    add(
      "no BTF",
      "the kernel does not say how its types are laid out, so no program can be fitted to it: nothing is collected",
    );
  if (lockdown === "confidentiality") {
    add(
      "lockdown confidentiality",
      "programs may not read the kernel's memory, where paths and arguments stand: most are refused",
    );
  }
  if (securityModules !== null && !securityModules.split(",").includes("bpf")) {
    add(
      "no bpf among the security modules",
      "programs on security hooks are never called; others take their place where there are any",
    );
  }
  // CAP_SYS_ADMIN was all of it before there were finer ones, and still stands for both.
  const { CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN } = capabilities;
  if (!CAP_SYS_ADMIN) {
    if (!CAP_BPF) add("no CAP_BPF", "programs cannot be loaded: nothing is collected");
    if (!CAP_PERFMON) add("no CAP_PERFMON", "programs may not trace the kernel: nothing is collected");
    add("no CAP_SYS_ADMIN", "hooks on cgroups, which see connections, need it or CAP_NET_ADMIN");
  }
  return found;
}
