// A folder, or its contents in memory -> a Package that can be run.
//
// INVARIANT: a package is loaded whole or not at all, and everything that can be found wrong with it is reported at once; of some lists of the manifest, whose bytes
// are those that were written, the shape is looked at when they are used (read-manifest.ts).
// INVARIANT: where keys are trusted, nothing but the manifest's bytes is looked at unless one of the keys has signed them.
// INVARIANT: no byte of the module, nor of foreign code, is looked at unless its SHA-256 is the one in the manifest.
//
// What nobody runs (the rules' sources, and with `--target both` the package in `lua/`) is neither read nor checked, but where the whole package is
// asked for: of 818 rules that is 818 files, and reading them took half of a short run. What is not read cannot do anything. The package in
// `lua/` is loaded for itself when it is what is run, and then its manifest must be the one that is listed here. What is read is waited for: it is a
// few files, and whoever loads a package has nothing to do without it.

import { createHash } from "node:crypto";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import type { PackageManifest } from "@kestrel/stdlib/package-format";
import {
  MANIFEST_FILE,
  MODULE_FILE,
  MOST_SIGNATURE_BYTES,
  PENDING_FOLDER,
  SIGNATURE_FILE,
} from "@kestrel/stdlib/package-format";
import { flagCount, type SequenceTables } from "@kestrel/stdlib/sequence-tables";
import type { MakeForeign } from "../foreign/foreign-host.js";
import { loadGenerated, type MakePredicate } from "../foreign/lua/generated-predicates.js";
import type { WasmModule } from "../wasm.js";
import { checkForeignCode } from "./check-foreign.js";
import { checkManifest } from "./check-manifest.js";
import { checkModule, compileModule } from "./check-module.js";
import { readTables } from "./check-programs.js";
import { PackageError, type PackageProblem, type Report } from "./problems.js";
import { checkDigest, type ReadManifest, type RuleHead, readManifest } from "./read-manifest.js";
import { type Signer, type Trust, verifySignature } from "./verify-signature.js";

/** A package that has passed every check. */
export interface Package extends SequenceTables {
  /** Its `rules`, `demands` and `files` may be parsed when they are asked for, which then throws {@link PackageError} where they have not their shape. */
  readonly manifest: PackageManifest;
  /** Of manifest.rules, what a run needs that finds nothing. */
  readonly heads: readonly RuleHead[];
  readonly module: WasmModule;
  /** The code of manifest.foreign, in its order. */
  readonly foreign: readonly MakeForeign[];
  /** What a number in the time field counts, a TIME_UNIT_* of abi.ts; when absent, what the package was built with. */
  readonly timeUnit?: number;
  /** Who signed it; absent where no signature was asked for. */
  readonly signer?: Signer;
}

export interface LoadOptions {
  /** Refuses what none of these keys has signed; without it signatures are not looked at. */
  readonly trust?: Trust | undefined;
  /** Checks every listed file, also those that nobody runs. */
  readonly whole?: boolean;
}

export interface PackageContents {
  readonly manifest: PackageManifest;
  readonly module: Uint8Array;
  /** By path. */
  readonly foreign?: ReadonlyMap<string, Uint8Array>;
}

/** The files whose bytes are looked at; null for one that is not sound. */
interface Sound {
  readonly module: Uint8Array | null;
  readonly foreign: ReadonlyMap<string, Uint8Array>;
}

/** A listed file that was read; with a problem, its bytes are not to be looked at. */
interface ReadFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly problem: string | null;
}

const NO_BYTES = new Uint8Array(0);
/** Ten thousand rules have a manifest of some 20 MiB; a text of JavaScript has 512 MiB at most. */
const MOST_MANIFEST_BYTES = 256 * 1024 * 1024;
/** Each further look is only taken when another package has come since the one before. */
const MOST_LOOKS = 100;

type ManifestFile = PackageManifest["files"][number];

/**
 * Loads the package in the folder `dir`, which may be replaced meanwhile: then it is the old one or the new one. Everything that is run is checked:
 * the manifest, the module, foreign code; with `whole`, all other files too. Throws {@link PackageError} with every problem that was found.
 */
export async function loadPackage(dir: string, { trust, whole = false }: LoadOptions = {}): Promise<Package> {
  for (let look = 1; ; look++) {
    const before = packageAt(dir);
    try {
      return await loadOnce(dir, trust, whole);
    } catch (error) {
      // Files of a package that has just been replaced are gone; what is wrong with one that stands there stays wrong.
      if (!(error instanceof PackageError) || look === MOST_LOOKS || packageAt(dir) === before) throw error;
    }
  }
}

/** Which package stands there. The manifest's text would not tell: in a series of builds the same package comes back. */
function packageAt(dir: string): string {
  const stamps = [MANIFEST_FILE, SIGNATURE_FILE].map((name) => {
    try {
      const { dev, ino, ctimeNs, mtimeNs } = statSync(join(dir, name), { bigint: true });
      return [dev, ino, ctimeNs, mtimeNs].join(" ");
    } catch {
      return "none";
    }
  });
  return stamps.join("; ");
}

async function loadOnce(dir: string, trust: Trust | undefined, isWhole: boolean): Promise<Package> {
  const problems: PackageProblem[] = [];
  const report: Report = (code, file, message) => problems.push({ code, file, message });
  const bytes = readManifestFile(dir, report);
  if (bytes === null) throw new PackageError(problems);
  const signer = trust === undefined ? undefined : findSigner(dir, bytes, trust, report);
  if (signer === null) throw new PackageError(problems);
  const read = readManifest(bytes, isWhole, report);
  if (read === null) throw new PackageError(problems);
  const { manifest } = read;
  const root = realpathSync.native(dir);
  let module: Uint8Array | null = null;
  const foreign = new Map<string, Uint8Array>();
  const wanted = new Set(manifest.foreign.flatMap(({ file, library }) => (library === null ? file : [file, library])));
  const listed = isWhole
    ? manifest.files
    : read.firstFiles.filter(({ path }) => path === MODULE_FILE || wanted.has(path));
  for (const file of listed) {
    const { path, bytes, problem } = findListed(root, file);
    if (problem !== null) report("E_PACKAGE_FILE", path, problem);
    // Of the others only the checksum counts.
    else if (path === MODULE_FILE) module = bytes;
    else if (wanted.has(path)) foreign.set(path, bytes);
  }
  const pack = await assemble(read, { module, foreign }, false, problems, report);
  return signer === undefined ? pack : { ...pack, signer };
}

/** Who signed the manifest; null, with reasons reported, when nobody did whom one trusts. */
function findSigner(dir: string, manifest: Uint8Array, trust: Trust, report: Report): Signer | null {
  const path = join(dir, SIGNATURE_FILE);
  let file: Uint8Array | null = null;
  try {
    const found = statSync(path);
    if (!found.isFile() || found.size > MOST_SIGNATURE_BYTES) {
      const problem = found.isFile() ? `has ${found.size} bytes, which is too much` : "not a file";
      report("E_PACKAGE_SIGNATURE", SIGNATURE_FILE, problem);
      return null;
    }
    file = readFileSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") {
      report("E_PACKAGE_SIGNATURE", SIGNATURE_FILE, reasonOf(error));
      return null;
    }
  }
  return verifySignature(manifest, file, trust, report);
}

/**
 * A package that was just built, or came another way. The rule sources that its manifest lists are not asked for. With
 * `batch`, its rules may have pipes that need the last match, which the caller then applies itself.
 */
export async function packageFromMemory(
  { manifest, module, foreign = new Map() }: PackageContents,
  { batch = false }: { readonly batch?: boolean } = {},
): Promise<Package> {
  const problems: PackageProblem[] = [];
  const report: Report = (code, file, message) => problems.push({ code, file, message });
  if (checkManifest(manifest, report) === null) throw new PackageError(problems);
  checkDigest(manifest, report);
  let soundModule: Uint8Array | null = null;
  const soundForeign = new Map<string, Uint8Array>();
  for (const file of manifest.files) {
    const bytes = file.path === MODULE_FILE ? module : foreign.get(file.path);
    if (bytes === undefined) continue;
    const problem = contentProblem(bytes, file);
    if (problem !== null) report("E_PACKAGE_FILE", file.path, problem);
    else if (file.path === MODULE_FILE) soundModule = bytes;
    else soundForeign.set(file.path, bytes);
  }
  return assemble(
    { manifest, heads: manifest.rules },
    { module: soundModule, foreign: soundForeign },
    batch,
    problems,
    report,
  );
}

async function assemble(
  { manifest, heads }: Omit<ReadManifest, "firstFiles">,
  sound: Sound,
  batch: boolean,
  problems: readonly PackageProblem[],
  report: Report,
): Promise<Package> {
  const compiling = sound.module === null ? null : compileModule(sound.module);
  const tables = readTables(manifest, heads, batch, report);
  const named = {
    predicates: manifest.predicates.length,
    flags: flagCount(tables?.lineage ?? []),
    foreign: manifest.foreign,
  };
  const module = compiling === null ? null : await checkModule(compiling, named, report);
  // All predicates that eqlc has made share a state, see foreign/lua/generated-predicates.ts.
  let predicates: Promise<MakePredicate> | null = null;
  const generated = (library: Uint8Array): Promise<MakePredicate> => {
    predicates ??= loadGenerated(library);
    return predicates;
  };
  const foreign = await Promise.all(
    manifest.foreign.map((one) => checkForeignCode(one, sound.foreign, generated, report)),
  );
  const whole = foreign.filter((code) => code !== null);
  if (problems.length > 0 || module === null || tables === null || whole.length < foreign.length) {
    throw new PackageError(problems);
  }
  return { manifest, heads, module, foreign: whole, ...tables };
}

function readManifestFile(dir: string, report: Report): Buffer | null {
  try {
    if (!statSync(dir).isDirectory()) {
      report("E_PACKAGE_MISSING", dir, "not a folder; a package is the folder that `eqlc build` writes");
      return null;
    }
  } catch (error) {
    report("E_PACKAGE_MISSING", dir, codeOf(error) === "ENOENT" ? "there is no such folder" : reasonOf(error));
    return null;
  }
  try {
    const path = join(dir, MANIFEST_FILE);
    const found = statSync(path);
    if (found.isFile() && found.size <= MOST_MANIFEST_BYTES) return readFileSync(path);
    const problem = found.isFile() ? `has ${found.size} bytes, which is too much` : "not a file";
    report("E_PACKAGE_MANIFEST", MANIFEST_FILE, problem);
    return null;
  } catch (error) {
    const missing = codeOf(error) === "ENOENT";
    const message = missing ? `not a package: it holds no ${MANIFEST_FILE}` : `${MANIFEST_FILE}: ${reasonOf(error)}`;
    report("E_PACKAGE_MISSING", dir, message);
    return null;
  }
}

/** A file at its name or on the way there; a look at the name again finds what has arrived between the two. */
function findListed(root: string, file: ManifestFile): ReadFile {
  const there = readListed(root, file, file.path);
  if (there.problem === null) return there;
  const pending = readListed(root, file, `${PENDING_FOLDER}/${file.sha256}`);
  return pending.problem === null ? pending : readListed(root, file, file.path);
}

function readListed(root: string, file: ManifestFile, at: string): ReadFile {
  const bad = (problem: string): ReadFile => ({ path: file.path, bytes: NO_BYTES, problem });
  const path = join(root, at);
  try {
    // A link inside the package must not lead out of it either.
    if (!realpathSync.native(path).startsWith(root.endsWith(sep) ? root : root + sep)) {
      return bad("a link that leaves the package");
    }
    const found = statSync(path);
    if (!found.isFile()) return bad("not a file");
    if (found.size !== file.bytes) return bad(`has ${found.size} bytes, not ${file.bytes}`);
    const content = readFileSync(path);
    const bytes = new Uint8Array(content.buffer, content.byteOffset, content.length);
    return { path: file.path, bytes, problem: contentProblem(bytes, file) };
  } catch (error) {
    return bad(codeOf(error) === "ENOENT" ? "is missing" : reasonOf(error));
  }
}

function contentProblem(bytes: Uint8Array, file: ManifestFile): string | null {
  if (bytes.length !== file.bytes) return `has ${bytes.length} bytes, not ${file.bytes}`;
  if (sha256(bytes) === file.sha256) return null;
  return "was changed after it was built: its SHA-256 is not the one in the manifest";
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** The message without the call and the path that Node puts behind it. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, \w+( '.*')?$/s, "") : String(error);
}
