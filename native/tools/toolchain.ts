// The machine → the tools that the addon is built with, or what is missing and the line that brings it.

import { existsSync } from "node:fs";
import { BuildError, tryTool } from "./run-tool.js";

/** Commands by what they do, each as it is called on this machine, and one line that names their versions. */
export interface Toolchain {
  readonly clang: string;
  readonly strip: string;
  readonly cxx: string;
  readonly ar: string;
  readonly make: string;
  readonly bpftool: string;
  readonly versions: string;
}

/** Distributions install these with their version in the name too, and on some that is the only name. Newest first. */
const LLVM_VERSIONS = ["", ...Array.from({ length: 12 }, (_, at) => `-${23 - at}`)];

/** A tool, the commands that may be it, how a working one is known, and the package that has it. */
interface Wanted {
  readonly what: string;
  readonly commands: readonly string[];
  readonly args: readonly string[];
  readonly works: (output: string) => boolean;
  readonly debian: string;
  readonly ubuntu?: string;
}

const anything = (): boolean => true;

const CLANG: Wanted = {
  what: "clang with the bpf target",
  commands: LLVM_VERSIONS.map((version) => `clang${version}`),
  args: ["--print-targets"],
  works: (output) => /^\s*bpfel\b/m.test(output),
  debian: "clang",
};
const STRIP: Wanted = {
  what: "llvm-strip",
  commands: LLVM_VERSIONS.map((version) => `llvm-strip${version}`),
  args: ["--version"],
  works: anything,
  debian: "llvm",
};
// On Ubuntu /usr/sbin/bpftool is a script that fails until the tools of the running kernel are there: it is known by its answer.
const BPFTOOL: Wanted = {
  what: "bpftool",
  commands: ["bpftool", "/usr/sbin/bpftool"],
  args: ["version"],
  works: (output) => output.includes("bpftool"),
  debian: "bpftool",
  ubuntu: "linux-tools-generic",
};
const CXX: Wanted = { what: "g++", commands: ["g++"], args: ["--version"], works: anything, debian: "g++" };
const AR: Wanted = { what: "ar", commands: ["ar"], args: ["--version"], works: anything, debian: "binutils" };
const MAKE: Wanted = { what: "make", commands: ["make"], args: ["--version"], works: anything, debian: "make" };
const M4: Wanted = { what: "m4", commands: ["m4"], args: ["--version"], works: anything, debian: "m4" };
const DPKG_SOURCE: Wanted = {
  what: "dpkg-source",
  commands: ["dpkg-source"],
  args: ["--version"],
  works: anything,
  debian: "dpkg-dev",
};

interface Found {
  readonly command: string;
  readonly output: string;
}

async function find(wanted: Wanted): Promise<Found | null> {
  for (const command of wanted.commands) {
    const { code, output } = await tryTool(command, wanted.args);
    if (code === 0 && wanted.works(output)) return { command, output };
  }
  return null;
}

/** The package that has a tool: its name on Ubuntu differs for some. */
function packageOf(wanted: Wanted, distribution: string): string {
  return distribution === "ubuntu" ? (wanted.ubuntu ?? wanted.debian) : wanted.debian;
}

/**
 * The tools of this machine.
 *
 * @param distribution `ID` of /etc/os-release.
 * @throws BuildError that names everything that is missing at once.
 */
export async function findToolchain(distribution: string): Promise<Toolchain> {
  const all = [CLANG, STRIP, CXX, AR, MAKE, BPFTOOL, M4, DPKG_SOURCE];
  const found = await Promise.all(all.map(find));
  const missing = all.filter((_, at) => found[at] === null);
  const words = missing.map((wanted) => wanted.what);
  const packages = missing.map((wanted) => packageOf(wanted, distribution));
  if (!(await hasZlibHeaders(found[all.indexOf(CXX)] ?? null))) {
    words.push("the headers of zlib");
    packages.push("zlib1g-dev");
  }
  if (words.length > 0) {
    throw new BuildError(
      `missing: ${words.join(", ")}\n` +
        `On Debian and Ubuntu this brings it:\n  sudo apt-get install --no-install-recommends ${packages.join(" ")}`,
    );
  }
  const commandOf = (wanted: Wanted): string => found[all.indexOf(wanted)]?.command ?? "";
  const versionOf = async (wanted: Wanted): Promise<string> =>
    (await tryTool(commandOf(wanted), [wanted === BPFTOOL ? "version" : "--version"])).output.split("\n")[0] ?? "";
  const versions = await Promise.all([CLANG, STRIP, CXX, BPFTOOL].map(versionOf));
  return {
    clang: commandOf(CLANG),
    strip: commandOf(STRIP),
    cxx: commandOf(CXX),
    ar: commandOf(AR),
    make: commandOf(MAKE),
    bpftool: commandOf(BPFTOOL),
    versions: versions.join("; "),
  };
}

async function hasZlibHeaders(compiler: Found | null): Promise<boolean> {
  if (compiler === null) return existsSync("/usr/include/zlib.h");
  return (
    (await tryTool(compiler.command, ["-x", "c++", "-include", "zlib.h", "-fsyntax-only", "/dev/null"])).code === 0
  );
}
