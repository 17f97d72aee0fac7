// src/addon, the BPF object and the static archives → kestrel_ebpf.node.

import { copyFileSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { type BpfObject, filesIn } from "./compile-bpf.js";
import { BuildError, forEachAtOnce, runTool } from "./run-tool.js";
import { digestOf, makeOnce } from "./stamps.js";
import type { StaticArchives } from "./static-archives.js";
import type { Toolchain } from "./toolchain.js";

/** Version 8 of Node-API is what Node 20 and later have. */
const DEFINES = ["-DNAPI_VERSION=8", "-DNAPI_DISABLE_CPP_EXCEPTIONS", "-DNODE_ADDON_API_DISABLE_DEPRECATED"];
const FLAGS = [
  ...["-std=c++17", "-O2", "-g0", "-fPIC", "-fvisibility=hidden", "-fno-exceptions", "-fno-rtti"],
  ...["-Wall", "-Wextra", "-Werror", "-D_FORTIFY_SOURCE=2", "-fstack-protector-strong"],
];

/** Nothing of libstdc++ is left to find at run time, and no symbol of an archive is seen from outside. */
const LINK = [
  ...["-shared", "-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL", "-Wl,-z,relro,-z,now"],
  ...["-Wl,--gc-sections", "-Wl,--no-undefined-version", "-Wl,-s"],
];

/** The libraries that the addon may need at run time. */
const ALLOWED = /^(?:libz\.so\.1|libc\.so\.6|ld-linux[\w-]*\.so\.\d+)$/;

/** Where the headers of Node-API and of its C++ face stand. */
function nodeHeaders(): string[] {
  const require = createRequire(import.meta.url);
  const folderOf = (name: string): string => {
    try {
      return dirname(require.resolve(`${name}/package.json`));
    } catch {
      throw new BuildError(`the package ${name} is not installed: run npm ci`);
    }
  };
  return [join(folderOf("node-api-headers"), "include"), folderOf("node-addon-api")];
}

/**
 * Compiles and links the addon, and copies it to `product`. Returns whether there was anything to do.
 *
 * @throws BuildError when it does not compile, or would need other libraries at run time than zlib's and C's.
 */
export async function compileAddon(
  source: string,
  folder: string,
  product: string,
  object: BpfObject,
  libraries: StaticArchives,
  tools: Toolchain,
  say: (line: string) => void,
): Promise<boolean> {
  const addon = join(source, "addon");
  const includes = [...nodeHeaders(), libraries.include].flatMap((path) => ["-isystem", path]);
  const headers = [join(source, "record.h"), ...filesIn(addon).filter((file) => file.endsWith(".h"))];
  const common = [tools.versions, libraries.digest, ...DEFINES, ...FLAGS, ...includes];
  const units = readdirSync(addon).filter((name) => /\.(?:cc|S)$/.test(name));
  const digests: string[] = [];
  const objects = await forEachAtOnce(units, availableParallelism(), async (name) => {
    const output = join(folder, "objects", `${name}.o`);
    const isAssembly = name.endsWith(".S");
    const digest = digestOf([
      ...common,
      ...(isAssembly ? [object.digest] : headers.map((file) => ({ file }))),
      { file: join(addon, name) },
    ]);
    digests.push(`${name} ${digest}`);
    await makeOnce(output, digest, async () => {
      say(`compiling ${name}`);
      const flags = isAssembly ? [`-Wa,-I${dirname(object.file)}`] : [...DEFINES, ...FLAGS, ...includes];
      await runTool(tools.cxx, [...flags, "-ffunction-sections", "-c", join(addon, name), "-o", output]);
    });
    return output;
  });
  const linked = join(folder, "kestrel_ebpf.node");
  const digest = digestOf([...digests.sort(), ...LINK]);
  return makeOnce(product, digest, async () => {
    say("linking");
    await runTool(tools.cxx, [...LINK, "-o", linked, ...objects, ...libraries.archives, "-lz"]);
    const dynamic = await runTool("readelf", ["--dynamic", "--wide", linked]);
    const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name ?? "");
    const wrong = needed.filter((name) => !ALLOWED.test(name));
    if (wrong.length > 0) throw new BuildError(`the addon would need ${wrong.join(", ")} at run time`);
    mkdirSync(dirname(product), { recursive: true });
    // A process that has the addon open keeps the file it opened.
    copyFileSync(linked, `${product}.new`);
    renameSync(`${product}.new`, product);
  });
}
