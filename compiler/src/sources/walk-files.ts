// Paths as the user wrote them to the files below them, in an order that depends only on the files' names.
//
// Folders are read whole and then sorted, because neither the file system's order nor a sort folder by folder is the byte
// order of the relative paths. Hidden entries and `node_modules` are passed over; so is what is neither file nor folder.

import { readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";

export interface FoundFile {
  /** The user's path, and for a file found in a folder the way to it with `/`. */
  readonly path: string;
  /** True when the user named this very file. */
  readonly named: boolean;
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
export function walkFiles(paths: readonly string[]): { files: FoundFile[]; unreadable: UnreadablePath[] } {
  const files: FoundFile[] = [];
  const unreadable: UnreadablePath[] = [];
  const seen = new Set<string>();
  const add = (path: string, named: boolean): void => {
    const real = realpathSync(path);
    if (seen.has(real)) return;
    seen.add(real);
    files.push({ path, named });
  };
  for (const path of paths) {
    try {
      if (!statSync(path).isDirectory()) {
        add(path, true);
        continue;
      }
      const below: string[] = [];
      listBelow(path, "", new Set([realpathSync(path)]), below, unreadable);
      below.sort((left, right) => Buffer.compare(utf8.encode(left), utf8.encode(right)));
      for (const relative of below) add(pathBelow(path, relative), false);
    } catch (error) {
      unreadable.push({ path, reason: reasonOf(error) });
    }
  }
  return { files, unreadable };
}

function pathBelow(folder: string, relative: string): string {
  if (folder === "." || folder === "./") return relative;
  return `${folder.replace(/[/\\]+$/, "")}/${relative}`;
}

/** `ancestors` holds the real paths of the folders on the way down, so that a link to one of them is not followed. */
function listBelow(
  root: string,
  relative: string,
  ancestors: ReadonlySet<string>,
  into: string[],
  unreadable: UnreadablePath[],
): void {
  for (const name of readdirSync(join(root, relative))) {
    if (name.startsWith(".") || name === "node_modules") continue;
    const below = relative === "" ? name : `${relative}/${name}`;
    const path = join(root, below);
    try {
      const stats = statSync(path);
      if (stats.isFile()) into.push(below);
      if (!stats.isDirectory()) continue;
      const real = realpathSync(path);
      if (!ancestors.has(real)) listBelow(root, below, new Set([...ancestors, real]), into, unreadable);
    } catch (error) {
      unreadable.push({ path: pathBelow(root, below), reason: reasonOf(error) });
    }
  }
}
