// Pinned source packages → their unpacked sources, with the distribution's patches applied.
//
// sources.json names, for each package, the versions that were tried, with the digest of every file. The files come from where the
// machine's own packages come from, through apt-get; a machine whose lists have no source packages gets them from a private copy
// of its lists, so nothing of the system's is changed and no privilege is needed. What does not have its digest is not unpacked.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openPrivateApt, type PrivateApt } from "./private-apt.js";
import { BuildError, runTool } from "./run-tool.js";

/** One version of a source package, the distribution that has it, and SHA-256 by file name. */
export interface Pin {
  readonly version: string;
  readonly of: string;
  readonly files: Readonly<Record<string, string>>;
}

/** The versions that may be used of each package, the preferred first. */
export type Pins = Readonly<Record<string, readonly Pin[]>>;

/** A version of a package whose files stand in the cache, each as pinned. */
export interface SourcePackage {
  readonly name: string;
  readonly pin: Pin;
  /** The folder with the files. */
  readonly folder: string;
}

/** What is wrong with the file of that name in `folder`; null when it is what was pinned. */
export function wrongWith(folder: string, file: string, sha256: string): string | null {
  const path = join(folder, file);
  if (!existsSync(path)) return `${file} is not there`;
  const found = createHash("sha256").update(readFileSync(path)).digest("hex");
  return found === sha256 ? null : `${file} has the SHA-256 ${found}, and ${sha256} is pinned in native/sources.json`;
}

function isWhole(folder: string, pin: Pin): boolean {
  return Object.entries(pin.files).every(([file, sha256]) => wrongWith(folder, file, sha256) === null);
}

/**
 * The pinned version of each package that is in the cache, or that the distribution has now.
 *
 * @param cache Where downloaded files stay, a folder for each version.
 * @throws BuildError when the distribution has none of the pinned versions, or a file is not what was pinned.
 */
export async function fetchSources(pins: Pins, cache: string, say: (line: string) => void): Promise<SourcePackage[]> {
  const folderOf = (name: string, pin: Pin): string => join(cache, `${name}-${pin.version}`);
  const packages: SourcePackage[] = [];
  let apt: PrivateApt | null = null;
  for (const [name, versions] of Object.entries(pins)) {
    let pin = versions.find((one) => isWhole(folderOf(name, one), one));
    if (pin === undefined) {
      say(`fetching the source package ${name}`);
      apt ??= await openPrivateApt(join(cache, "apt"), "source packages");
      pin = await download(apt, name, versions, (one) => folderOf(name, one));
    }
    packages.push({ name, pin, folder: folderOf(name, pin) });
  }
  return packages;
}

/** Versions of a source package that apt-get could download. */
async function versionsAt(apt: PrivateApt, name: string): Promise<string[]> {
  const listed = await apt.run("apt-cache", ["showsrc", "--only-source", name]).catch(() => "");
  return [...new Set([...listed.matchAll(/^Version: (\S+)$/gm)].map(([, version]) => version ?? ""))];
}

async function download(
  apt: PrivateApt,
  name: string,
  versions: readonly Pin[],
  folderOf: (pin: Pin) => string,
): Promise<Pin> {
  const there = await versionsAt(apt, name);
  // An epoch is part of a binary package's version on Debian, not of the source package's that it is built from.
  const pin = versions.find((one) => there.includes(one.version));
  if (pin === undefined) {
    const wanted = versions.map((one) => `${one.version} (${one.of})`).join(" or ");
    throw new BuildError(
      `wanted the source package ${name} ${wanted}, and the distribution has ${there.join(", ") || "none"}\n` +
        `Pin that version in native/sources.json, with the SHA-256 of its files, and build again.` +
        (apt.trouble === "" ? "" : `\nFetching the lists of packages, apt-get said:\n${apt.trouble}`),
    );
  }
  const folder = folderOf(pin);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  await apt.run("apt-get", ["source", "-q", "--download-only", "--only-source", `${name}=${pin.version}`], partial);
  const wrong = Object.entries(pin.files).flatMap(([file, sha256]) => wrongWith(partial, file, sha256) ?? []);
  const unknown = readdirSync(partial).filter((file) => pin.files[file] === undefined);
  wrong.push(...unknown.map((file) => `${file} is not pinned in native/sources.json`));
  if (wrong.length > 0) throw new BuildError(`the source package ${name} is not what was pinned:\n${wrong.join("\n")}`);
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
  return pin;
}

/** Unpacks a package into `target`, which is replaced. */
export async function unpackSource(source: SourcePackage, target: string): Promise<void> {
  const dsc = Object.keys(source.pin.files).find((file) => file.endsWith(".dsc"));
  if (dsc === undefined) throw new BuildError(`no .dsc file is pinned for ${source.name} ${source.pin.version}`);
  rmSync(target, { recursive: true, force: true });
  // The digests are pinned here, so the signature, for which a keyring would be needed, adds nothing.
  await runTool("dpkg-source", ["--no-check", "--no-copy", "-x", join(source.folder, dsc), target]);
}
