// The machine's lists of packages → apt-get with copies of its own, fetched anew, so nothing of the system's is changed and no
// privilege is needed.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asSourceEntries } from "./apt-sources.js";
import { BuildError, runTool, tryTool } from "./run-tool.js";

/** apt-get with lists of its own. */
export interface PrivateApt {
  readonly run: (command: "apt-get" | "apt-cache", args: readonly string[], cwd?: string) => Promise<string>;
  /** What went wrong when the lists were fetched. A third party's list that is broken need not matter. */
  readonly trouble: string;
}

/**
 * Fetches the lists into `folder`: those of the machine's binary packages, or of the source packages at the same places.
 *
 * @throws BuildError when the machine's lists name no place that packages come from.
 */
export async function openPrivateApt(folder: string, of: "source packages" | "packages"): Promise<PrivateApt> {
  for (const below of ["lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(folder, below), { recursive: true });
  }
  const entries = asSourceEntries("/etc/apt");
  if (entries.length === 0) {
    throw new BuildError(`the lists of /etc/apt name no packages, so there is nowhere to take ${of} from`);
  }
  const own: (readonly [string, string])[] = [];
  if (of === "source packages") {
    const parts = join(folder, "sources.list.d");
    rmSync(parts, { recursive: true, force: true });
    mkdirSync(parts);
    for (const { file, text } of entries) writeFileSync(join(parts, file), text);
    own.push(["Dir::Etc::sourcelist", "/dev/null"], ["Dir::Etc::sourceparts", parts]);
  }
  const options = [
    ...own,
    ["Dir::State::lists", join(folder, "lists")],
    ["Dir::Cache", join(folder, "cache")],
    // As root apt-get would download as a user who may not read this folder.
    ["APT::Sandbox::User", "root"],
    ["Acquire::Languages", "none"],
  ].flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const { errors } = await tryTool("apt-get", [...options, "update", "-q"]);
  return {
    run: (command, args, cwd) => runTool(command, [...options, ...args], cwd === undefined ? {} : { cwd }),
    trouble: errors.trim(),
  };
}
