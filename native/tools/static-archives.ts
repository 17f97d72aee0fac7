// Sources of libbpf and elfutils → libbpf.a and libelf.a that can stand in a shared object, and their headers.
//
// The distributions' own static archives are not position-independent, so linking them into an addon fails.

import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { BuildError, runTool } from "./run-tool.js";
import { type SourcePackage, unpackSource } from "./source-packages.js";
import { digestOf, makeOnce } from "./stamps.js";
import type { Toolchain } from "./toolchain.js";

/** Every symbol stays inside the addon: Node, or another addon, may hold a libelf of its own. */
const CFLAGS = "-O2 -g0 -fPIC -fvisibility=hidden";

/** What configure of elfutils is told: libelf alone, with no compression but zlib's. */
const CONFIGURE = [
  "--disable-shared",
  "--disable-dependency-tracking",
  "--disable-debuginfod",
  "--disable-libdebuginfod",
  "--without-bzlib",
  "--without-lzma",
  "--without-zstd",
  "--disable-nls",
];

/** Archives to link, in order, and where their headers stand. */
export interface StaticArchives {
  readonly archives: readonly string[];
  readonly include: string;
  readonly digest: string;
}

const jobs = `-j${availableParallelism()}`;

/** Builds both below `folder` where they are not there yet. */
export async function buildArchives(
  sources: readonly SourcePackage[],
  folder: string,
  tools: Toolchain,
  say: (line: string) => void,
): Promise<StaticArchives> {
  const include = join(folder, "include");
  const lib = join(folder, "lib");
  mkdirSync(lib, { recursive: true });
  const source = (name: string): SourcePackage => {
    const found = sources.find((one) => one.name === name);
    if (found === undefined) throw new BuildError(`native/sources.json does not name ${name}`);
    return found;
  };
  const digests: string[] = [];
  const once = async (name: string, archive: string, make: (from: string) => Promise<void>): Promise<void> => {
    const { pin } = source(name);
    const recipe = [name, pin.version, ...Object.values(pin.files), tools.versions, CFLAGS, ...CONFIGURE, ...digests];
    const digest = digestOf(recipe);
    digests.push(digest);
    await makeOnce(archive, digest, async () => {
      say(`building ${name} ${pin.version} from source`);
      const from = join(folder, name);
      await unpackSource(source(name), from);
      await make(from);
      rmSync(from, { recursive: true });
    });
  };

  const libelf = join(lib, "libelf.a");
  await once("elfutils", libelf, async (from) => {
    const env = { CC: "gcc", CFLAGS };
    await runTool("./configure", [...CONFIGURE], { cwd: from, env });
    await runTool(tools.make, [jobs, "-C", join(from, "lib")], { env });
    await runTool(tools.make, [jobs, "-C", join(from, "libelf"), "libelf.a"], { env });
    // libelf.a leaves what it shares with the rest of elfutils to libeu.a.
    cpSync(join(from, "libelf/libelf.a"), libelf);
    cpSync(join(from, "lib/libeu.a"), join(lib, "libeu.a"));
    mkdirSync(include, { recursive: true });
    for (const header of ["libelf.h", "gelf.h", "nlist.h"]) cpSync(join(from, "libelf", header), join(include, header));
  });

  const libbpf = join(lib, "libbpf.a");
  await once("libbpf", libbpf, async (from) => {
    const objects = join(folder, "libbpf-objects");
    rmSync(objects, { recursive: true, force: true });
    await runTool(tools.make, [
      jobs,
      ...["-C", join(from, "src"), "BUILD_STATIC_ONLY=1", "NO_PKG_CONFIG=1"],
      ...[`OBJDIR=${objects}`, `CFLAGS=${CFLAGS} -I${include}`, join(objects, "libbpf.a")],
    ]);
    cpSync(join(objects, "libbpf.a"), libbpf);
    await runTool(tools.make, [
      ...["-C", join(from, "src"), "BUILD_STATIC_ONLY=1", "NO_PKG_CONFIG=1"],
      ...["DESTDIR=", `PREFIX=${folder}`, "install_headers"],
    ]);
    // The kernel interface that this libbpf was written against; the system's may be older.
    cpSync(join(from, "include/uapi"), include, { recursive: true });
    rmSync(objects, { recursive: true });
  });

  const archives = [libbpf, libelf, join(lib, "libeu.a")];
  for (const archive of archives) {
    if (!existsSync(archive)) throw new BuildError(`${archive} is not there although its build succeeded`);
  }
  return { archives, include, digest: digestOf(digests) };
}
