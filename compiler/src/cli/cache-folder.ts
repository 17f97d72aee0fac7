// The flags --cache and --no-cache -> the store that a build keeps its results in.

import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { openStore, type Store } from "../cache/store.js";
import { printable } from "../diagnostics/terminal-text.js";
import { reasonOf } from "../sources/walk-files.js";
import { UsageError } from "./failures.js";
import { say } from "./output.js";

/** null: nothing is kept. Throws UsageError for a folder that was named and cannot be used; one that was not named is done without. */
export function openCache(flag: string | boolean | undefined): Store | null {
  if (flag === false) return null;
  const isNamed = typeof flag === "string";
  try {
    const folder = isNamed ? resolve(flag) : ownFolder();
    const store = openStore(folder);
    if (typeof store !== "string") return store;
    const why = `${folder} is not used as a cache: ${store}`;
    if (isNamed) throw new UsageError(`--cache: ${why}`);
    say(printable(why));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    say(`nothing is cached: ${printable(reasonOf(error))}`);
  }
  return null;
}

/** By the XDG base directory specification, which has relative paths ignored; on Windows the local data of the user. */
function ownFolder(): string {
  const { XDG_CACHE_HOME: named = "", LOCALAPPDATA: local = "" } = process.env;
  if (isAbsolute(named)) return join(named, "kestrel");
  return process.platform === "win32" && isAbsolute(local)
    ? join(local, "kestrel", "cache")
    : join(homedir(), ".cache", "kestrel");
}
