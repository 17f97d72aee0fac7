// --profile FILE: a run that V8 samples meanwhile -> the file, and what is said of it at the end.
//
// The file is a .cpuprofile, which the developer tools of Chrome, editors and speedscope show. Samples are kept until they are written, so they
// are bounded: what comes after MOST_MINUTES of a run is not looked at, and that is said.

import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MODULE_FILE, type PackageManifest } from "@kestrel/stdlib/package-format";
import type { DetectorCounters } from "../engine/detector.js";
import { predicateFunctions } from "../load/predicate-functions.js";
import { type CpuProfile, profileText, readProfile } from "../report/run-profile.js";
import { CliError } from "./failures.js";
import { assertOutput } from "./output-place.js";

const EVERY_MICROSECONDS = 1000;
const MOST_MINUTES = 20;

export interface RunProfile {
  /** Ends it and writes the file; what is to be said, in lines. `folder` is that of the package. Throws CliError when the file cannot be written. */
  finish(folder: string, manifest: PackageManifest, counters: DetectorCounters): Promise<string>;
}

/** Begins at once. Throws CliError for a file that cannot be written, and for a Node without a profiler. */
export async function beginProfile(file: string, dir: string, inputs: readonly string[]): Promise<RunProfile> {
  await assertOutput({ file, what: "the profile", code: "E_PROFILE_WRITE" }, dir, inputs);
  // It may take hours until there is something to be written.
  attempt(file, () => closeSync(openSync(file, "a")));
  const sampling = await startSampling();
  return {
    async finish(folder, manifest, counters) {
      const { profile, isCut } = await sampling.stop();
      const conditions = manifest.predicates.length;
      const functions = predicateFunctions(await readModule(folder, manifest), conditions);
      const run = readProfile(profile, { manifest, functions, folderOf: createFolders() });
      attempt(file, () => writeFileSync(file, JSON.stringify(run.profile)));
      const tried = counters.evaluated / Math.max(1, counters.events);
      const text = profileText(run, { file, tried, conditions });
      return isCut ? `${text}\nof a run so long only the first ${MOST_MINUTES} minutes were looked at` : text;
    },
  };
}

function attempt<Result>(file: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError("E_PROFILE_WRITE", `cannot write the profile to ${file}: ${why}`, { cause: error });
  }
}

/** The module that was run; nothing where another package has taken its place since. */
async function readModule(folder: string, { files }: PackageManifest): Promise<Uint8Array> {
  const bytes = await readFile(join(folder, MODULE_FILE)).catch(() => Buffer.alloc(0));
  const digest = createHash("sha256").update(bytes).digest("hex");
  return files.some(({ path, sha256 }) => path === MODULE_FILE && sha256 === digest) ? bytes : Buffer.alloc(0);
}

interface Sampling {
  stop(): Promise<{ readonly profile: CpuProfile; readonly isCut: boolean }>;
}

async function startSampling(): Promise<Sampling> {
  const { Session } = await import("node:inspector/promises").catch((error: unknown) => {
    throw new CliError("E_PROFILE_WRITE", "this Node was built without a profiler", { cause: error });
  });
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: EVERY_MICROSECONDS });
  await session.post("Profiler.start");
  let cut: Promise<{ readonly profile: unknown }> | null = null;
  const timer = setTimeout(() => {
    cut = session.post("Profiler.stop");
  }, MOST_MINUTES * 60_000);
  timer.unref();
  return {
    async stop() {
      clearTimeout(timer);
      const isCut = cut !== null;
      const { profile } = await (cut ?? session.post("Profiler.stop"));
      session.disconnect();
      return { profile: profile as CpuProfile, isCut };
    },
  };
}

/**
 * In which folder below `runtime/src` a place in a program stands. Of a file that was bundled a comment before each part names the file that it was.
 */
function createFolders(): (url: string, line: number) => string | null {
  const own = /\bruntime\/dist\/(?:([a-z]+)\/)?[\w-]+\.js$/;
  const known = new Map<string, readonly (readonly [line: number, folder: string | null])[]>();
  const partsOf = (url: string): readonly (readonly [number, string | null])[] => {
    const path = url.startsWith("file:") ? fileURLToPath(url) : url;
    const folder = own.exec(path)?.[1] ?? null;
    if (folder !== "bundle") return [[0, folder]];
    const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
    return lines.flatMap((text, line) =>
      text.startsWith("// ") && text.endsWith(".js") ? [[line, own.exec(text)?.[1] ?? null] as const] : [],
    );
  };
  return (url, line) => {
    let parts = known.get(url);
    if (parts === undefined) {
      parts = partsOf(url);
      known.set(url, parts);
    }
    return parts.findLast(([start]) => start <= line)?.[1] ?? null;
  };
}
