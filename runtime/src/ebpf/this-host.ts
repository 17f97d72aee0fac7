// The machine → what lines of events say of it.

import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { EbpfHost } from "./load-addon.js";

/** The text of a file of one line; "" where it cannot be read. */
function lineOf(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}

/** Name and id of this machine, and the id of its present start. */
export function thisHost(): EbpfHost {
  return {
    name: hostname(),
    id: lineOf("/etc/machine-id"),
    bootId: lineOf("/proc/sys/kernel/random/boot_id"),
  };
}
