// One event of a process start that the steering benches ask about, again and again: what its fields hold is known, so that
// a condition can be written that does not hold for it.

import type { EventReadings } from "@kestrel/compiler/backend/wasm/state";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { readName } from "@kestrel/compiler/ir/reading";

const SIGNED = { code_signature: { exists: true, trusted: true } };

export const LINE = `${JSON.stringify({
  "@timestamp": "2026-01-01T00:00:00.000Z",
  event: { category: ["process"], type: ["start"], kind: "event", sequence: 1 },
  host: { os: { type: "windows" } },
  process: {
    name: "powershell.exe",
    pid: 4242,
    command_line:
      "powershell.exe -NoProfile -ExecutionPolicy Bypass -File C:\\\\Users\\\\Public\\\\report.ps1 -Verbose",
    args: ["powershell.exe", "-NoProfile", "-Verbose"],
    parent: { name: "explorer.exe", ...SIGNED },
    ...SIGNED,
  },
  dns: { answers: [{ data: "10.0.0.1" }, { data: "10.0.0.2" }, { data: "10.0.0.3" }] },
  dll: SIGNED,
  file: { ...SIGNED, Ext: { entropy: 4.5 } },
  source: { ip: "10.11.12.13" },
  // As the endgame dialect names them.
  command_line: "powershell.exe -NoProfile -Verbose",
  user_name: "vagrant",
})}\n`;

/** What orders events, as the compiler's options have it. */
export function eventReadings(): EventReadings {
  return { timestamp: readName(DEFAULT_OPTIONS.timestampField, "date"), unit: "auto", tiebreaker: null };
}
