// What a user names (files, folders, patterns, `-`) -> the paths of the inputs.
//
//   a folder    every regular file in it and below, hidden ones left out, sorted by path
//   a pattern   what `*`, `?` and `**` match, when no file has that very name; `*` and `?` stay within a folder
//   the rest    stays as it is; reading it says what is wrong with it
//
// Links to files are followed; folders below are entered only when they are no links, so that nothing goes in circles.

import { type Dirent, readdirSync, type Stats, statSync } from "node:fs";
import { asInputError, InputError } from "./input-error.js";

export interface InputPaths {
  readonly paths: readonly string[];
  /** Those that were found in a folder, and not named: what is no file of events may be passed over. */
  readonly skippable: ReadonlySet<string>;
}

/** @throws InputError for a folder that cannot be read or holds no file, and for a pattern that matches none. */
export function expandPaths(named: readonly string[]): InputPaths {
  const paths: string[] = [];
  const skippable = new Set<string>();
  const folder = (path: string): void => {
    const found = filesBelow(path);
    if (found.length === 0) throw new InputError(path, `${path} is a folder without a file`);
    for (const file of found) skippable.add(file);
    paths.push(...found);
  };
  for (const path of named) {
    const kind = kindOf(path);
    if (path === "-" || kind === "file" || (kind === null && !/[*?]/.test(path))) paths.push(path);
    else if (kind === "folder") folder(path);
    else {
      const found = matching(path);
      if (found.length === 0) throw new InputError(path, `no file matches ${path}`);
      // What a matched folder holds may have matched as well.
      const files = found.filter((match) => kindOf(match) !== "folder");
      const inside = found.filter((match) => kindOf(match) === "folder").flatMap(filesBelow);
      for (const file of inside) if (!files.includes(file)) skippable.add(file);
      paths.push(...sorted([...new Set([...files, ...inside])]));
    }
  }
  for (const path of named) skippable.delete(path);
  return { paths, skippable };
}

function kindOf(path: string): "file" | "folder" | null {
  const found = lookAt(path);
  if (found === null) return null;
  return found.isDirectory() ? "folder" : "file";
}

/** null for what is not there; a link that leads in a circle leads nowhere. Throws InputError where nobody can see. */
function lookAt(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ELOOP") return null;
    throw asInputError(path, error);
  }
}

/** Regular files below a folder, in the order of their paths' bytes. */
function filesBelow(folder: string): string[] {
  const found: string[] = [];
  const enter = (at: string): void => {
    for (const entry of entriesOf(at)) {
      if (entry.name.startsWith(".")) continue;
      const path = below(at, entry.name);
      if (entry.isDirectory()) enter(path);
      else if (entry.isFile() || (entry.isSymbolicLink() && isFile(path))) found.push(path);
    }
  };
  enter(folder);
  return sorted(found);
}

/** Files and folders that a pattern matches, in the order of their paths' bytes. */
function matching(pattern: string): string[] {
  const parts = pattern.replace(/\/+$/, "").split("/");
  // A link to a folder further up would be entered from every folder on the way.
  const isDeep = parts.includes("**");
  const found = new Set<string>();
  const walk = (at: string, index: number): void => {
    const part = parts[index];
    if (part === undefined) {
      if (kindOf(at) !== null) found.add(at);
    } else if (part === "**" && index === parts.length - 1) {
      // At the end it is the folder itself.
      if (at === "" || kindOf(at) === "folder") found.add(at || ".");
    } else if (part === "**") {
      walk(at, index + 1);
      for (const entry of entriesOf(at)) {
        if (entry.isDirectory() && !entry.name.startsWith(".")) walk(below(at, entry.name), index);
      }
    } else if (!/[*?]/.test(part)) {
      // The empty part before the first slash is the root; others say nothing.
      if (part === "") walk(index === 0 ? "/" : at, index + 1);
      else if (kindOf(below(at, part)) !== null) walk(below(at, part), index + 1);
    } else {
      const wanted = new RegExp(`^${[...part].map(asRegExp).join("")}$`, "su");
      for (const entry of entriesOf(at)) {
        const { name } = entry;
        if (!wanted.test(name) || (name.startsWith(".") && !part.startsWith("."))) continue;
        if (isDeep && entry.isSymbolicLink() && kindOf(below(at, name)) === "folder") continue;
        walk(below(at, name), index + 1);
      }
    }
  };
  walk("", 0);
  return sorted([...found]);
}

function asRegExp(character: string): string {
  if (character === "*") return ".*";
  if (character === "?") return ".";
  return character.replace(/[\\^$.|+()[\]{}/-]/, "\\$&");
}

function below(folder: string, name: string): string {
  if (folder === "") return name;
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** What is in a folder; nothing when it is none. */
function entriesOf(folder: string): Dirent[] {
  const path = folder === "" ? "." : folder;
  if (kindOf(path) !== "folder") return [];
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    throw asInputError(path, error);
  }
}

function isFile(path: string): boolean {
  return lookAt(path)?.isFile() === true;
}

function sorted(paths: readonly string[]): string[] {
  const bytes = paths.map((path) => ({ path, key: Buffer.from(path) }));
  return bytes.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ path }) => path);
}
