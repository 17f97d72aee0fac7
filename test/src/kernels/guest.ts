// This repository as it is built, and this machine's programs → the first root file system of a virtual machine that runs test files.
//
// The machine's own node, shell and tools go in, with the libraries that they need, so that a test finds in there what it finds
// here. The kernel unpacks the archive into memory; nothing of the machine's disk is mounted.

import { spawnSync } from "node:child_process";
import { closeSync, existsSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { type CpioArchive, writeCpio } from "./cpio-archive.js";

/** Where the repository stands in the guest. */
const REPOSITORY = "/kestrel";

/** Where the package of rules/ stands in the guest. */
const PACK = "/kestrel-pack";

/** Packages that are not essential to Debian, and whose programs tests use. */
const MORE_PACKAGES = /^(?:mount|iproute2|curl|(?:lib)?python3(?:\.\d+)?(?:-minimal|-stdlib)?)$/;

/** Files of packages that nobody runs. C.utf8 is the one locale that programs may ask for. */
const NOT_NEEDED = /^\/(?:etc|boot|dev|proc|run|sys|tmp|var)\/|^\/usr\/share\/|\/gconv\/|\/locale\/(?!C\.utf8)/;

/** What has to be named alike in the guest: users, groups, and how they are looked up. */
const SETTINGS = ["/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/os-release"];

/** Folders of the repository that tests of the kernel do without: they only build or check, or are their own builds' leavings. */
const LEFT_OUT = [
  ...[".git", ".ci", "bench", "native/build", "test/conformance-cases"],
  ...["node_modules/.bin", "node_modules/.cache", "node_modules/@biomejs", "node_modules/@types"],
  ...["node_modules/@typescript", "node_modules/typescript", "node_modules/assemblyscript", "node_modules/binaryen"],
  "compiler/node_modules/binaryen/bin",
];

/** What the guest prints for {@link readSerial}: each line with this before it, so that nothing of a test's is taken for it. */
export const MARK = "kestrel-guest:";

/** On the kernel's command line `ONLY=FILE` is a variable of the first process: it runs that test file and no other. */
export const ONLY = "ONLY";

/**
 * For every node in the guest. Compiling the rules takes 57 s there instead of 110 when V8 does not optimise Wasm that it runs once.
 */
const PRELOAD = 'require("node:v8").setFlagsFromString("--liftoff-only");\n';

/** What goes into an archive. */
export interface Guest {
  readonly repository: string;
  /** The addon, and where it stands below the repository. */
  readonly addon: string;
  readonly busybox: string;
  /** The package that rules/ was built to, which takes minutes in there. */
  readonly pack: string;
  /** Test files to run, one after the other, as `test/dist/main.js` names them. */
  readonly files: readonly string[];
  /** Modules to load by the version of the kernel, as `uname -r` says it. */
  readonly modules: Readonly<Record<string, readonly string[]>>;
}

/** The first process of the guest. `quiet` on the command line keeps the kernel from writing between the tests' lines. */
function initScript(guest: Guest): string {
  const run = guest.files.map((file) => `run ${file}`).join("\n");
  return `#!/busybox sh
export KESTREL_TEST_PACK=${PACK}
export PATH=${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root NO_COLOR=1 LANG=C.UTF-8 NODE_OPTIONS="--require /preload.cjs"
b=/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
$b mkdir -p /dev/pts /dev/shm
$b mount -t devpts devpts /dev/pts
$b mount -t tmpfs tmpfs /dev/shm
$b mount -t tmpfs -o mode=1777 tmpfs /tmp
$b mount -t tmpfs tmpfs /run
$b mount -t securityfs securityfs /sys/kernel/security
$b mount -t tracefs tracefs /sys/kernel/tracing
$b mount -t bpf bpf /sys/fs/bpf
$b mount -t cgroup2 cgroup2 /sys/fs/cgroup
$b hostname kestrel-guest
$b ip link set lo up
for module in /modules/$($b uname -r)/*; do
  case $module in
    *.xz) $b xzcat $module > /run/module.ko && $b insmod /run/module.ko;;
    *) $b insmod $module;;
  esac
done
echo "${MARK} kernel $($b uname -r)"
cd ${REPOSITORY}
run() {
  [ -z "$${ONLY}" ] || [ "$${ONLY}" = "$1" ] || return
  echo "${MARK} begin $1"
  node test/dist/main.js --jobs 1 $1 </dev/null 2>&1
  echo "${MARK} end $1 $?"
}
${run}
echo "${MARK} up $($b cut -d ' ' -f 1 /proc/uptime)"
$b poweroff -f
`;
}

/** Writes the guest's root to `output`. */
export function writeGuest(guest: Guest, output: string): void {
  const archive = writeCpio(output);
  archive.characterDevice("/dev/console", 5, 1);
  for (const folder of ["/proc", "/sys", "/run", "/tmp", "/root", "/var/tmp", "/mnt", "/etc/cron.d"])
    archive.folder(folder);
  archive.file("/init", { text: initScript(guest) }, 0o755);
  archive.file("/preload.cjs", { text: PRELOAD }, 0o644);
  archive.file("/busybox", { from: guest.busybox }, 0o755);
  archive.file("/etc/machine-id", { text: `${"0".repeat(31)}1\n` }, 0o444);
  archive.file("/etc/hosts", { text: "127.0.0.1 localhost\n::1 localhost\n" }, 0o644);
  for (const [version, modules] of Object.entries(guest.modules))
    for (const module of modules) archive.file(`/modules/${version}/${basename(module)}`, { from: module }, 0o644);
  addPrograms(archive);
  addRepository(archive, guest);
  archive.end();
}

function addPrograms(archive: CpioArchive): void {
  // Where /bin is a link to usr/bin, it is one in the guest.
  for (const folder of ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"])
    if (existsSync(folder) && lstatSync(folder).isSymbolicLink()) archive.link(folder, readlinkSync(folder));
  const files = [...filesOfPackages(), ...SETTINGS.filter((file) => existsSync(file))];
  const programs = [process.execPath, ...files];
  for (const file of [...programs, ...librariesOf(programs)]) addFile(archive, file);
}

/** Copies a file of this machine to where it stands here; with a link comes what it leads to. */
function addFile(archive: CpioArchive, path: string): void {
  const at = join(realpathSync(dirname(path)), basename(path));
  if (archive.has(at)) return;
  const found = lstatSync(at);
  if (found.isFile()) archive.file(at, { from: at }, found.mode & 0o7777);
  if (!found.isSymbolicLink() || !existsSync(at)) return;
  const target = readlinkSync(at);
  archive.link(at, target);
  if (!lstatSync(realpathSync(at)).isDirectory())
    addFile(archive, join(target.startsWith("/") ? "/" : dirname(at), target));
}

/** A line for each package, with "yes" where every system has it. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills it in
const FORMAT = "${db:Status-Status} ${Essential} ${Package}\\n";

/** Paths of the packages that every Debian system has, and of some more. */
function filesOfPackages(): string[] {
  const listed = read("dpkg-query", ["-W", "-f", FORMAT]);
  const names = [...listed.matchAll(/^installed (\S+) (\S+)$/gm)].flatMap(([, essential, name = ""]) =>
    essential === "yes" || MORE_PACKAGES.test(name) ? [name] : [],
  );
  return read("dpkg-query", ["-L", ...names])
    .split("\n")
    .filter((path) => path.startsWith("/") && !NOT_NEEDED.test(path) && existsSync(path));
}

/** What the dynamic linker would load for the programs among `files`. */
function librariesOf(files: readonly string[]): string[] {
  const programs = files.filter((file) => lstatSync(realpathSync(file)).isFile() && isElf(file));
  // It ends with 1 when one of them is linked statically, and has printed the others by then.
  const { stdout } = spawnSync("ldd", programs, { encoding: "utf8", maxBuffer: 1 << 26 });
  return [...new Set([...stdout.matchAll(/^\s+(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path]) => path ?? ""))];
}

function isElf(file: string): boolean {
  const start = Buffer.alloc(4);
  const fd = openSync(file, "r");
  readSync(fd, start, 0, 4, 0);
  closeSync(fd);
  return start.toString("latin1") === "\x7fELF";
}

function addRepository(archive: CpioArchive, { repository, addon, pack }: Guest): void {
  for (const entry of readdirSync(pack, { recursive: true, withFileTypes: true })) {
    const from = join(entry.parentPath, entry.name);
    if (entry.isFile()) archive.file(join(PACK, relative(pack, from)), { from }, 0o644);
  }
  const add = (folder: string): void => {
    for (const entry of readdirSync(join(repository, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (LEFT_OUT.includes(path) || /\.(?:d\.ts|map|tsbuildinfo)$/.test(entry.name)) continue;
      const [from, to] = [join(repository, path), join(REPOSITORY, path)];
      if (entry.isDirectory()) add(path);
      else if (entry.isSymbolicLink()) archive.link(to, readlinkSync(from));
      else if (entry.isFile()) archive.file(to, { from }, lstatSync(from).mode & 0o777);
    }
  };
  add("");
  archive.file(join(REPOSITORY, relative(repository, addon)), { from: addon }, 0o755);
}

function read(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0 && stdout === "") throw new Error(`${command} failed: ${error?.message ?? stderr}`);
  return stdout;
}
