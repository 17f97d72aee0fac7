// The running kernel's types and src/bpf → collector.bpf.o, which runs on other kernels too (CO-RE).

import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BuildError, runTool } from "./run-tool.js";
import { digestOf, makeOnce } from "./stamps.js";
import type { StaticArchives } from "./static-archives.js";
import type { Toolchain } from "./toolchain.js";

/** What libbpf's headers call a machine's registers by. */
const BPF_ARCHITECTURE: Readonly<Record<string, string>> = { x64: "x86", arm64: "arm64" };

// Version 3 of the instruction set has the atomic exchange that rooms are taken with; kernels have it from 5.12 on.
// Compiled from within its folder, the object does not name the place that it was built in, and is the same wherever that is.
const FLAGS = ["-target", "bpf", "-mcpu=v3", "-O2", "-g", "-Wall", "-Werror", "-fdebug-compilation-dir=."];

/** Compiled programs and the digest of what went into them. */
export interface BpfObject {
  readonly file: string;
  readonly digest: string;
}

/** Files below `folder`, in order. */
export function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/**
 * @param source native/src.
 * @param btf A file with a kernel's types, such as /sys/kernel/btf/vmlinux.
 * @throws BuildError when there are no types, or clang refuses the programs.
 */
export async function compileBpf(
  source: string,
  folder: string,
  btf: string,
  libraries: StaticArchives,
  tools: Toolchain,
  say: (line: string) => void,
): Promise<BpfObject> {
  if (!existsSync(btf)) {
    throw new BuildError(
      `${btf} is not there: this kernel does not show its types, from which vmlinux.h is made.\n` +
        "Build where it does, or name a file with the types of another kernel: npm run build:native -- --btf FILE",
    );
  }
  const architecture = BPF_ARCHITECTURE[process.arch];
  if (architecture === undefined) throw new BuildError(`there are no BPF programs for ${process.arch} yet`);
  const header = join(folder, "vmlinux.h");
  const types = digestOf([{ file: btf }, tools.versions]);
  await makeOnce(header, types, async () => {
    say("writing vmlinux.h from the kernel's types");
    writeFileSync(header, await runTool(tools.bpftool, ["btf", "dump", "file", btf, "format", "c"]));
  });
  const file = join(folder, "collector.bpf.o");
  const inputs = [join(source, "record.h"), ...filesIn(join(source, "bpf"))];
  const digest = digestOf([types, libraries.digest, ...FLAGS, ...inputs.map((input) => ({ file: input }))]);
  await makeOnce(file, digest, async () => {
    say("compiling the BPF programs");
    const whole = join(folder, "collector.whole.o");
    const include = ["-I", folder, "-I", libraries.include, `-D__TARGET_ARCH_${architecture}`];
    await runTool(tools.clang, [...FLAGS, ...include, "-c", "bpf/collector.bpf.c", "-o", whole], { cwd: source });
    // What a debugger needs goes; BTF, which loading needs, stays.
    await runTool(tools.strip, ["-g", whole]);
    renameSync(whole, file);
  });
  return { file, digest };
}
