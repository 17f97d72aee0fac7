// Pinned packages of Debian's kernels → an image to boot and the modules that tests need. Nothing is installed.
//
// native/kernels.json names a package for each series of kernels, with version and SHA-256. Archives replace kernels with every
// security update, and tests that stopped with them would soon be switched off: when the pinned version is gone, the newest of its
// series is taken, with the digest that the archive's signed lists give, and a line says so.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { openPrivateApt, type PrivateApt } from "@kestrel/native/private-apt";
import { runTool } from "@kestrel/native/run-tool";

/** A version of a kernel's package. */
export interface KernelPackage {
  readonly package: string;
  readonly version: string;
  readonly sha256: string;
}

export interface PinnedKernel extends KernelPackage {
  /** The distribution whose archive had it. */
  readonly of: string;
}

export interface Kernel {
  /** Such as "6.1". */
  readonly series: string;
  /** What `uname -r` says under it. */
  readonly release: string;
  readonly image: string;
  /** Modules to load at the start, in order. */
  readonly modules: readonly string[];
}

/** What the tests use that Debian's kernels have as a module. */
const MODULES = ["overlay"];

/** Packages of kernels that `apt-cache show` describes. */
export function packagesIn(described: string): KernelPackage[] {
  return described.split(/\n\n+/).flatMap((stanza) => {
    const field = (name: string): string | undefined => new RegExp(`^${name}: (\\S+)$`, "m").exec(stanza)?.[1];
    const [name, version, sha256] = [field("Package"), field("Version"), field("SHA256")];
    return name === undefined || version === undefined || sha256 === undefined
      ? []
      : [{ package: name, version, sha256 }];
  });
}

/** The newest of some packages by their version's numbers; undefined of none. */
export function newestOf(packages: readonly KernelPackage[]): KernelPackage | undefined {
  const order = new Intl.Collator("en", { numeric: true });
  return [...packages].sort((a, b) => order.compare(a.version, b.version)).at(-1);
}

/** Whether a package is a signed image of a series for virtual machines: small, and with all that boots one built in. */
export function isImageOf(series: string, name: string): boolean {
  return name.startsWith(`linux-image-${series}.`) && name.endsWith("-cloud-amd64");
}

/**
 * The kernels of native/kernels.json, unpacked below `cache`.
 *
 * @throws BuildError when an archive does not have one, or what it has is not what was pinned.
 */
export async function fetchKernels(
  pins: Readonly<Record<string, PinnedKernel>>,
  cache: string,
  say: (line: string) => void,
): Promise<Kernel[]> {
  let apt: PrivateApt | null = null;
  const kernels: Kernel[] = [];
  for (const [series, pin] of Object.entries(pins)) {
    if (!existsSync(folderOf(cache, pin))) {
      say(`fetching ${pin.package} ${pin.version}`);
      apt ??= await openPrivateApt(join(cache, "apt"), "packages");
      const found = await findPackage(apt, series, pin, say);
      if (!existsSync(folderOf(cache, found))) await unpack(apt, found, cache);
      kernels.push(kernelIn(folderOf(cache, found), series));
    } else {
      kernels.push(kernelIn(folderOf(cache, pin), series));
    }
  }
  return kernels;
}

/** What has its name there is whole and had its digest: it was unpacked beside it. */
function folderOf(cache: string, { version, sha256 }: KernelPackage): string {
  return join(cache, `${version}-${sha256.slice(0, 16)}`);
}

/** The pinned package where the archive has it, else the newest of its series. */
async function findPackage(
  apt: PrivateApt,
  series: string,
  pin: PinnedKernel,
  say: (line: string) => void,
): Promise<KernelPackage> {
  const names = (await apt.run("apt-cache", ["pkgnames", `linux-image-${series}.`])).split("\n");
  const images = names.filter((name) => isImageOf(series, name));
  const there = images.length === 0 ? [] : packagesIn(await apt.run("apt-cache", ["show", ...images]));
  if (there.some((one) => one.package === pin.package && one.version === pin.version)) return pin;
  const newest = newestOf(there);
  if (newest === undefined) {
    throw new Error(
      `wanted ${pin.package} ${pin.version} (${pin.of}), and the archive has no kernel ${series} for virtual machines` +
        (apt.trouble === "" ? "" : `\nFetching the lists of packages, apt-get said:\n${apt.trouble}`),
    );
  }
  say(
    `wanted ${pin.package} ${pin.version}, and the archive has ${newest.package} ${newest.version} instead, which is taken; ` +
      `its signed lists give SHA-256 ${newest.sha256}. Pin it in native/kernels.json`,
  );
  return newest;
}

async function unpack(apt: PrivateApt, wanted: KernelPackage, cache: string): Promise<void> {
  const fresh = mkdtempSync(join(cache, "new-"));
  try {
    const root = join(fresh, "root");
    mkdirSync(root);
    await apt.run("apt-get", ["download", "-q", `${wanted.package}=${wanted.version}`], fresh);
    const deb = readdirSync(fresh).find((file) => file.endsWith(".deb"));
    if (deb === undefined) throw new Error(`apt-get downloaded no file of ${wanted.package}`);
    const digest = createHash("sha256")
      .update(readFileSync(join(fresh, deb)))
      .digest("hex");
    if (digest !== wanted.sha256) {
      throw new Error(`${wanted.package} ${wanted.version} has the SHA-256 ${digest}, and ${wanted.sha256} is wanted`);
    }
    await runTool("dpkg-deb", ["-x", join(fresh, deb), root]);
    renameSync(root, folderOf(cache, wanted));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function kernelIn(folder: string, series: string): Kernel {
  const image = readdirSync(join(folder, "boot")).find((file) => file.startsWith("vmlinuz-"));
  if (image === undefined) throw new Error(`the package of the kernel ${series} has no image in /boot`);
  const release = image.slice("vmlinuz-".length);
  const tree = ["lib/modules", "usr/lib/modules"].map((path) => join(folder, path, release)).find(existsSync) ?? folder;
  const files = readdirSync(tree, { recursive: true, encoding: "utf8" });
  const modules = MODULES.map((name) => {
    const file = files.find((path) => new RegExp(`^${name}\\.ko(?:\\.xz)?$`).test(basename(path)));
    if (file === undefined) throw new Error(`the kernel ${release} has no module ${name}`);
    return join(tree, file);
  });
  return { series, release, image: join(folder, "boot", image), modules };
}
