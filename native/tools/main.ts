// npm run build:native [-- --btf FILE]: everything that kestrel_ebpf.node is made from → native/build/PLATFORM-ARCH/kestrel_ebpf.node.
//
// What was downloaded and built stands in native/build, which git ignores; a step whose ingredients have not changed is not done again.

import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compileAddon } from "./compile-addon.js";
import { compileBpf } from "./compile-bpf.js";
import { BuildError } from "./run-tool.js";
import { fetchSources, type Pins } from "./source-packages.js";
import { buildArchives } from "./static-archives.js";
import { findToolchain } from "./toolchain.js";

const NATIVE = fileURLToPath(new URL("../", import.meta.url));

/** `ID` of /etc/os-release, with "debian" or "ubuntu" for their derivatives. */
function distributionOf(release: string): string {
  const names = [...release.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].flatMap(
    ([, names]) => names?.split(" ") ?? [],
  );
  return names.find((name) => name === "ubuntu") ?? names.find((name) => name === "debian") ?? names[0] ?? "unknown";
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { btf: { type: "string", default: "/sys/kernel/btf/vmlinux" } } });
  if (process.platform !== "linux")
    throw new BuildError("the addon reads the Linux kernel, and is built on Linux only");
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const distribution = distributionOf(release);
  if (distribution !== "debian" && distribution !== "ubuntu") {
    const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? "this system";
    throw new BuildError(
      `the sources of libbpf and elfutils come from Debian or Ubuntu through apt-get, and this is ${name}.\n` +
        "Build in a container of Debian 12; the addon needs no more of the system than libz and libc.",
    );
  }
  const say = (line: string): void => console.log(line);
  const tools = await findToolchain(distribution);
  const build = join(NATIVE, "build");
  const target = `${process.platform}-${process.arch}`;
  const work = join(build, "work", target);
  const pins = JSON.parse(readFileSync(join(NATIVE, "sources.json"), "utf8")) as Pins;
  const sources = await fetchSources(pins, join(build, "sources"), say);
  const libraries = await buildArchives(sources, work, tools, say);
  const source = join(NATIVE, "src");
  const object = await compileBpf(source, work, values.btf, libraries, tools, say);
  const product = join(build, target, "kestrel_ebpf.node");
  const built = await compileAddon(source, work, product, object, libraries, tools, say);
  say(`${relative(process.cwd(), product)} is ${built ? "built" : "up to date"}`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`build:native: ${error.message}`);
  process.exitCode = 1;
}
