// A built package -> a folder. A new one is written beside the target and moved there; one that stands there is replaced in its
// folder (replace-package.ts). A reader finds the old package or the new one, and never none or half of one.
//
// INVARIANT: nothing that is not part of a package is ever deleted.

import { randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, realpathSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { MANIFEST_FILE, PENDING_FOLDER, SIGNATURE_FILE } from "@kestrel/stdlib/package-format";
import { listedFiles } from "../sources/package-folder.js";
import { reasonOf } from "../sources/walk-files.js";
import type { BuiltPackage } from "./build-package.js";
import { isRunning, replacePackage } from "./replace-package.js";

/** The package was not written, and what stood at its place stands there still. */
export class PackageWriteError extends Error {
  readonly code: "E_OUTPUT_REFUSED" | "E_OUTPUT_WRITE";
  constructor(code: PackageWriteError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PackageWriteError";
    this.code = code;
  }
}

type Target = "absent" | "empty" | "package";

/**
 * Writes a package to the folder `dir`, which must not exist, be empty, or hold a package and nothing else; its parents are
 * made. Throws {@link PackageWriteError}.
 */
export function writePackage(dir: string, built: BuiltPackage): void {
  const { target, state } = inspectTarget(dir);
  let fresh = "";
  try {
    if (state === "package") {
      replacePackage(target, built.files);
      return;
    }
    const [parent, name] = [dirname(target), basename(target)];
    mkdirSync(parent, { recursive: true });
    removeLeftovers(parent, name);
    fresh = join(parent, `.${name}.${process.pid}.${randomBytes(6).toString("hex")}.new`);
    writeFiles(fresh, built.files);
    moveInto(fresh, target, state);
    fresh = "";
  } catch (error) {
    throw cannotWrite(dir, error);
  } finally {
    if (fresh !== "") rmSync(fresh, { recursive: true, force: true });
  }
}

function cannotWrite(dir: string, cause: unknown): PackageWriteError {
  const message = `cannot write the package to ${dir}: ${reasonOf(cause)}`;
  return new PackageWriteError("E_OUTPUT_WRITE", message, { cause });
}

/** What stands at `dir`. Throws {@link PackageWriteError} for something that cannot or must not be replaced. */
export function inspectTarget(dir: string): { readonly target: string; readonly state: Target } {
  try {
    return inspect(dir);
  } catch (error) {
    throw error instanceof PackageWriteError ? error : cannotWrite(dir, error);
  }
}

function inspect(dir: string): { readonly target: string; readonly state: Target } {
  const refuse = (why: string): never => {
    throw new PackageWriteError("E_OUTPUT_REFUSED", `${dir} is left as it is: ${why}`);
  };
  let target: string;
  try {
    // A link to a folder stays; what is in the folder is replaced.
    target = realpathSync(dir);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    return { target: resolve(dir), state: "absent" };
  }
  if (!lstatSync(target).isDirectory()) refuse("it is not a folder");
  const names = readdirSync(target);
  if (names.length === 0) return { target, state: "empty" };
  const owned = ownedNames(target);
  if (owned === null) return refuse("it is neither empty nor a package that eqlc built; name another folder");
  const foreign = names.filter((name) => !owned.has(name));
  if (foreign.length > 0) {
    const shown = foreign.slice(0, 3).join(", ") + (foreign.length > 3 ? ", …" : "");
    refuse(`beside a package it holds ${shown}, which would be lost`);
  }
  return { target, state: "package" };
}

/** What a package's manifest says stands at the top of its folder; null when there is no package. */
function ownedNames(folder: string): ReadonlySet<string> | null {
  const files = listedFiles(folder);
  return files === null
    ? null
    : new Set([MANIFEST_FILE, PENDING_FOLDER, SIGNATURE_FILE, ...files.map(({ path }) => path.split("/")[0] ?? "")]);
}

function writeFiles(folder: string, files: BuiltPackage["files"]): void {
  mkdirSync(folder);
  const made = new Set([folder]);
  for (const [path, bytes] of files) {
    const file = join(folder, ...path.split("/"));
    const parent = dirname(file);
    if (!made.has(parent)) mkdirSync(parent, { recursive: true });
    made.add(parent);
    writeFileSync(file, bytes, { flag: "wx" });
  }
}

/** A folder that is empty cannot be renamed over everywhere, so it goes first. */
function moveInto(fresh: string, target: string, state: Target): void {
  if (state === "empty") rmdirSync(target);
  try {
    renameSync(fresh, target);
  } catch (error) {
    if (state === "empty") mkdirSync(target);
    throw error;
  }
}

/** Takes away what earlier builds of the same package left behind when they were broken off. */
function removeLeftovers(parent: string, name: string): void {
  for (const entry of readdirSync(parent)) {
    if (!entry.startsWith(`.${name}.`)) continue;
    const [, pid] = /^\.(\d+)\.[0-9a-f]{12}\.new$/.exec(entry.slice(name.length + 1)) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(parent, entry), { recursive: true, force: true });
  }
}
