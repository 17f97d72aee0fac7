// Loaded into a process before its program (`node --import`): at its end, writes its greatest resident size in bytes to the
// file descriptor 3.

import { readFileSync, writeSync } from "node:fs";

process.on("exit", () => {
  writeSync(3, String(peakBytes()));
});

/** Linux gives a process the peak of the one that started it, but not in the status of the process itself. */
function peakBytes(): number {
  const own =
    process.platform === "linux" ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) : null;
  return 1024 * (own === null ? process.resourceUsage().maxRSS : Number(own[1]));
}
