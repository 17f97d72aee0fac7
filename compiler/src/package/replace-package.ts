// A built package -> the folder of an older one, so that whoever reads the folder at any moment, or after a crash at any moment,
// finds a whole package.
//
//   1  what differs        -> .pending/<sha256>, and .pending/plan.json: the old files that the new package lacks, and the
//                             signatures of the old manifest
//   2  the new manifest    -> manifest.json, by one rename: from here on the folder holds the new package
//   3  .pending/<sha256>   -> their names, each by one rename; old files go
//   4  .pending/           goes
//
// INVARIANT: every file that manifest.json lists stands at its name or in `.pending/`. Before 2 no file of the old package is
// touched, and after it `.pending/` goes last. A build that finds `.pending/` does 3 and 4 for whichever manifest stands there.

import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { MANIFEST_FILE, PENDING_FOLDER, SIGNATURE_FILE } from "@kestrel/stdlib/package-format";
import { type ListedFile, listedFiles } from "../sources/package-folder.js";

/** Holds the number of the process that builds. */
const BUILDER_FILE = "builder";
const PLAN_FILE = "plan.json";
/** A copy on its way from `.pending/` to its name. */
const MOVING_FILE = "moving";

/** Replaces the package in `folder` by one with `files`, the manifest among them. Throws what the file system says. */
export function replacePackage(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  const pending = join(folder, PENDING_FOLDER);
  begin(pending);
  try {
    settle(folder);
    const old = listedFiles(folder) ?? [];
    for (const [path, bytes] of files) {
      if (path !== MANIFEST_FILE && !holds(pathIn(folder, path), bytes)) {
        writeFileSync(join(pending, sha256(bytes)), bytes);
      }
    }
    const gone = old.map(({ path }) => path).filter((path) => !files.has(path));
    const manifest = files.get(MANIFEST_FILE) ?? new Uint8Array(0);
    // Signatures are of a manifest's bytes: those of the same manifest stay good.
    if (!holds(join(folder, MANIFEST_FILE), manifest)) gone.push(SIGNATURE_FILE);
    // In this order: where there is a plan and no manifest beside it, the new manifest stands.
    writeFileSync(join(pending, MANIFEST_FILE), manifest);
    writeFileSync(join(pending, PLAN_FILE), JSON.stringify(gone));
    renameSync(join(pending, MANIFEST_FILE), join(folder, MANIFEST_FILE));
    settle(folder);
  } finally {
    end(pending);
  }
}

/**
 * Puts a file that the manifest does not list into the package's folder by one rename, while no build is at work there. `contentOf` is
 * given the bytes of the manifest that stands there meanwhile. Throws what it throws, and what the file system says.
 */
export function placeBeside(folder: string, name: string, contentOf: (manifest: Uint8Array) => string): void {
  const pending = join(folder, PENDING_FOLDER);
  begin(pending);
  try {
    settle(folder);
    writeFileSync(join(pending, name), contentOf(readFileSync(join(folder, MANIFEST_FILE))));
    renameSync(join(pending, name), join(folder, name));
  } finally {
    rmSync(join(pending, name), { force: true });
    end(pending);
  }
}

/** Brings the files of the manifest that stands there to their names, and takes away what it has no use for. */
function settle(folder: string): void {
  const pending = join(folder, PENDING_FOLDER);
  const listed = listedFiles(folder) ?? [];
  const wanted = new Set(listed.map(({ path }) => path));
  const waiting = new Set(readdirSync(pending));
  // Broken off before the manifest was replaced, nothing may go: its signatures are good as ever.
  const planned = waiting.has(MANIFEST_FILE) ? [] : plannedToGo(pending);
  for (const path of planned) if (!wanted.has(path)) removeFile(folder, path);
  for (const file of listed) if (waiting.has(file.sha256)) place(folder, file);
  for (const name of waiting) if (name !== BUILDER_FILE) rmSync(join(pending, name), { recursive: true, force: true });
}

function plannedToGo(pending: string): readonly string[] {
  try {
    return JSON.parse(readFileSync(join(pending, PLAN_FILE), "utf8")) as string[];
  } catch {
    return []; // Broken off before it was written, and so before anything was replaced.
  }
}

function place(folder: string, { path, sha256: digest }: ListedFile): void {
  const pending = join(folder, PENDING_FOLDER);
  const name = pathIn(folder, path);
  mkdirSync(dirname(name), { recursive: true });
  // A copy, since two files of one content share what is pending.
  copyFileSync(join(pending, digest), join(pending, MOVING_FILE));
  renameSync(join(pending, MOVING_FILE), name);
}

/** Removes a file of the old package, and the folders below `folder` that are empty without it. */
function removeFile(folder: string, path: string): void {
  try {
    rmSync(pathIn(folder, path), { force: true });
  } catch (error) {
    // A build that was broken off has already put a file where this one's folder was.
    if (!hasCode(error, "ENOTDIR")) throw error;
  }
  const parts = path.split("/");
  for (let depth = parts.length - 1; depth > 0; depth--) {
    try {
      rmdirSync(join(folder, ...parts.slice(0, depth)));
    } catch {
      return; // It holds something else, or is gone already.
    }
  }
}

/** Makes `.pending/` this process's own. Throws when another one that still runs has it. */
function begin(pending: string): void {
  mkdirSync(pending, { recursive: true });
  const builder = join(pending, BUILDER_FILE);
  for (;;) {
    try {
      writeFileSync(builder, String(process.pid), { flag: "wx" });
      return;
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
    const other = Number(readFileSync(builder, "utf8"));
    // This process builds one package at a time: its own number was left by an earlier process that had it.
    if (other !== process.pid && isRunning(other)) {
      throw new Error(`process ${other} is building it; if that is no eqlc, remove ${pending}`);
    }
    rmSync(builder, { force: true });
  }
}

/** Gives `.pending/` back, and takes it away where nothing is left in it that the package needs. */
function end(pending: string): void {
  rmSync(join(pending, BUILDER_FILE), { force: true });
  try {
    rmdirSync(pending);
  } catch {
    // What was broken off is settled by the next build; the package is whole as it is.
  }
}

export function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, and belongs to somebody else.
    return hasCode(error, "EPERM");
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function holds(path: string, bytes: Uint8Array): boolean {
  try {
    return Buffer.compare(readFileSync(path), bytes) === 0;
  } catch {
    return false;
  }
}

function pathIn(folder: string, path: string): string {
  return join(folder, ...path.split("/"));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
