// A worker that writes two packages over each other in one folder, in turn, until it is told to stop; then it says how often.

import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import type { BuiltPackage } from "@kestrel/compiler/package/build-package";
import { writePackage } from "@kestrel/compiler/package/write-package";

/** The package in a folder as eqlc has built it. */
export function readBuilt(folder: string): BuiltPackage {
  const files = new Map<string, Uint8Array>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(
      path
        .slice(folder.length + 1)
        .split(sep)
        .join("/"),
      readFileSync(path),
    );
  }
  return { manifest: JSON.parse(Buffer.from(files.get("manifest.json") ?? []).toString()), files };
}

if (parentPort !== null) {
  const port = parentPort;
  const { target, folders } = workerData as { target: string; folders: readonly string[] };
  const packages = folders.map(readBuilt);
  let builds = 0;
  let stopped = false;
  port.once("message", () => {
    stopped = true;
  });
  const next = (): void => {
    if (stopped) {
      port.postMessage(builds);
      return;
    }
    const built = packages[builds % packages.length];
    if (built !== undefined) writePackage(target, built);
    builds++;
    setImmediate(next);
  };
  next();
}
