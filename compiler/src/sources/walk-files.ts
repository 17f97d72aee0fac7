// Paths as the user wrote them to the files below them, in an order that depends only on the files' names.
//
// Folders are read whole and then sorted, because neither the file system's order nor a sort folder by folder is the byte
// order of the relative paths. Hidden entries and `node_modules` are passed over; so is what is neither file nor folder, and a
// package that eqlc built: its sources are copies, and would bring rules back that were deleted since. The folder of a hand-written
// rule is one thing, and its files are no rules of their own.

import { readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { MANIFEST_FILE } from "@kestrel/stdlib/package-format";
import { isForeignFolder, isPartOfForeign } from "./foreign-folder.js";
import { listedFiles } from "./package-folder.js";

export interface FoundFile {
  /** The user's path, and for a file found in a folder the way to it with `/`. */
  readonly path: string;
  /** True when the user named this very file. */
  readonly named: boolean;
}

/** A folder that was passed over because it holds a package; `root` when the user named this very folder. */
export interface PassedPackage {
  readonly path: string;
  readonly root: boolean;
}

export interface UnreadablePath {
  readonly path: string;
  readonly reason: string;
}

/** What a failed call to the operating system says, without the call and the path at its end. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, \w+( '.*')?$/s, "") : String(error);
}

const utf8 = new TextEncoder();

/** Lists the files that `paths` name or hold. A file that is reached twice is listed once, where it comes first. */
export function walkFiles(paths: readonly string[]): {
  files: FoundFile[];
  packages: PassedPackage[];
  /** Folders of hand-written rules. */
  foreign: string[];
  unreadable: UnreadablePath[];
} {
  const files: FoundFile[] = [];
  const foreign: string[] = [];
  const packages: PassedPackage[] = [];
  const unreadable: UnreadablePath[] = [];
  const seen = new Set<string>();
  const add = (path: string, named: boolean): void => {
    const real = realpathSync(path);
    if (seen.has(real)) return;
    seen.add(real);
    files.push({ path, named });
  };
  const addForeign = (path: string): void => {
    const real = realpathSync(path);
    if (seen.has(real)) return;
    seen.add(real);
    foreign.push(path);
  };
  for (const path of paths) {
    try {
      if (!statSync(path).isDirectory()) {
        const folder = dirname(path);
        if (basename(path) === MANIFEST_FILE && holdsForeign(folder, readdirSync(folder))) addForeign(folder);
        else add(path, true);
        continue;
      }
      const below: string[] = [];
      const folders: string[] = [];
      const pass = (relative: string): void => {
        packages.push({ path: relative === "" ? path : pathBelow(path, relative), root: relative === "" });
      };
      listBelow(path, "", new Set([realpathSync(path)]), { files: below, folders, pass, unreadable });
      for (const relative of inByteOrder(below)) add(pathBelow(path, relative), false);
      for (const relative of inByteOrder(folders)) addForeign(relative === "" ? path : pathBelow(path, relative));
    } catch (error) {
      unreadable.push({ path, reason: reasonOf(error) });
    }
  }
  return { files, packages, foreign, unreadable };
}

function inByteOrder(paths: readonly string[]): string[] {
  return [...paths].sort((left, right) => Buffer.compare(utf8.encode(left), utf8.encode(right)));
}

function holdsForeign(folder: string, names: readonly string[]): boolean {
  return isForeignFolder(folder, names) && listedFiles(folder) === null;
}

function pathBelow(folder: string, relative: string): string {
  if (folder === "." || folder === "./") return relative;
  return `${folder.replace(/[/\\]+$/, "")}/${relative}`;
}

interface Findings {
  readonly files: string[];
  readonly folders: string[];
  readonly unreadable: UnreadablePath[];
  pass(relative: string): void;
}

/** `ancestors` holds the real paths of the folders on the way down, so that a link to one of them is not followed. */
function listBelow(root: string, relative: string, ancestors: ReadonlySet<string>, into: Findings): void {
  const names = readdirSync(join(root, relative)).sort();
  if (names.includes(MANIFEST_FILE) && listedFiles(join(root, relative)) !== null) {
    into.pass(relative);
    return;
  }
  const isForeign = isForeignFolder(join(root, relative), names);
  if (isForeign) into.folders.push(relative);
  for (const name of names) {
    if (name.startsWith(".") || name === "node_modules") continue;
    if (isForeign && isPartOfForeign(name)) continue;
    const below = relative === "" ? name : `${relative}/${name}`;
    const path = join(root, below);
    try {
      const stats = statSync(path);
      if (stats.isFile()) into.files.push(below);
      if (!stats.isDirectory()) continue;
      const real = realpathSync(path);
      if (!ancestors.has(real)) listBelow(root, below, new Set([...ancestors, real]), into);
    } catch (error) {
      into.unreadable.push({ path: pathBelow(root, below), reason: reasonOf(error) });
    }
  }
}
