// Paths of rule files as they were walked -> their names below `sources/` of a package.
//
// INVARIANT: a name depends on the file and on the tree it was found in, never on the folder that eqlc ran in or on the
// order of its arguments; no two files have names that differ only in case.

import { createHash } from "node:crypto";
import { basename, resolve, sep } from "node:path";

export interface PackageSource {
  /** Path below `sources/`, with `/`. */
  readonly name: string;
  readonly text: string;
  /** What stands beside the file and belongs to the same rule, by its path from the file's folder. */
  readonly beside?: readonly SourceBeside[];
}

export interface SourceBeside {
  readonly path: string;
  readonly bytes: Uint8Array;
}

const COLLISION_DIGITS = 12;

/** Names the files, given by their path, relative to the outermost of `roots` that they stand in; `beside` is for those that are not alone. */
export function nameSources(
  files: ReadonlyMap<string, string>,
  roots: readonly string[],
  beside: ReadonlyMap<string, readonly SourceBeside[]> = new Map(),
): ReadonlyMap<string, PackageSource> {
  const folders = roots.map((root) => resolve(root));
  const named = [...files].map(([path, text]) => ({ path, text, name: relativeName(path, folders) }));
  const uses = new Map<string, number>();
  for (const { name } of named) uses.set(name.toLowerCase(), (uses.get(name.toLowerCase()) ?? 0) + 1);
  return new Map(
    named.map(({ path, text, name }) => {
      // Rules have unique ids, so files of one name that both gave rules have different texts.
      const own = uses.get(name.toLowerCase()) === 1 ? name : `${digest(text)}/${name}`;
      const others = beside.get(path);
      return [path, others === undefined ? { name: own, text } : { name: own, text, beside: others }];
    }),
  );
}

function relativeName(path: string, folders: readonly string[]): string {
  const full = resolve(path);
  let longest = basename(full);
  for (const folder of folders) {
    const prefix = folder.endsWith(sep) ? folder : folder + sep;
    if (!full.startsWith(prefix)) continue;
    const below = full.slice(prefix.length);
    if (below.length > longest.length) longest = below;
  }
  // On Windows a backslash separates folders, so it must not stand in a name.
  return longest.split(sep).join("/").replaceAll("\\", "_");
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, COLLISION_DIGITS);
}
