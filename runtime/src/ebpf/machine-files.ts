// Files of /proc and /sys -> what the machine allows, where there is no addon to ask.

import { accessSync, constants, readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import type { MachineFacts } from "./load-addon.js";

/** Bits of CapEff in /proc/self/status, by linux/capability.h. */
const BITS = { CAP_BPF: 39n, CAP_PERFMON: 38n, CAP_SYS_ADMIN: 21n } as const;
const LOCKDOWN = ["none", "integrity", "confidentiality"] as const;

/** The facts that the addon would tell; `root` is where /proc and /sys stand. */
export function machineFromFiles(root = "/"): MachineFacts {
  const read = (file: string): string | null => {
    try {
      return readFileSync(join(root, file), "utf8").trim();
    } catch {
      return null;
    }
  };
  const lockdown = read("sys/kernel/security/lockdown") ?? "";
  const held = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(read("proc/self/status") ?? "")?.[1] ?? "0"}`);
  const has = (name: keyof typeof BITS): boolean => ((held >> BITS[name]) & 1n) === 1n;
  return {
    kernel: read("proc/sys/kernel/osrelease") ?? release(),
    btf: isReadable(join(root, "sys/kernel/btf/vmlinux")),
    lockdown: LOCKDOWN.find((word) => lockdown.includes(`[${word}]`)) ?? null,
    securityModules: read("sys/kernel/security/lsm"),
    capabilities: { CAP_BPF: has("CAP_BPF"), CAP_PERFMON: has("CAP_PERFMON"), CAP_SYS_ADMIN: has("CAP_SYS_ADMIN") },
  };
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
