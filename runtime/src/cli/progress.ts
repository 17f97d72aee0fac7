// How far a replay is, on a terminal. For the eye only: what it shows never touches a result.

import { stat } from "node:fs/promises";

const WIDTH = 24;
const EVERY_MS = 100;

export interface Progress {
  /** Says that so many more bytes were read. */
  add(bytes: number): void;
  /** Takes the bar away. */
  clear(): void;
}

const NO_PROGRESS: Progress = { add: () => undefined, clear: () => undefined };

/** A bar on `stream` when it is a terminal and the inputs are files whose size says something. */
export async function createProgress(paths: readonly string[], stream: NodeJS.WriteStream): Promise<Progress> {
  if (!stream.isTTY) return NO_PROGRESS;
  let total = 0;
  for (const path of paths) {
    // What a packed file holds cannot be told from its size.
    if (path === "-" || path.endsWith(".gz")) return NO_PROGRESS;
    const found = await stat(path).catch(() => null);
    if (found === null || !found.isFile()) return NO_PROGRESS;
    total += found.size;
  }
  if (total === 0) return NO_PROGRESS;
  let done = 0;
  let shownAt = 0;
  let shown = false;
  return {
    add(bytes) {
      done += bytes;
      const now = performance.now();
      if (now - shownAt < EVERY_MS) return;
      shownAt = now;
      shown = true;
      const part = Math.min(done / total, 1);
      const full = Math.round(part * WIDTH);
      const bar = "#".repeat(full) + "-".repeat(WIDTH - full);
      const percent = String(Math.floor(part * 100)).padStart(3);
      stream.write(`\r[${bar}] ${percent}%  ${megabytes(done)} of ${megabytes(total)} MB`);
    },
    clear() {
      if (shown) stream.write("\r\u001b[K");
      shown = false;
    },
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
