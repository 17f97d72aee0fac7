// npm run test:kernels: the live tests of the addon on Debian's kernels 6.1 and 6.12, each in an emulated machine without a network.
//
// Kernels and what is made for the machines stand in native/build/kernels. The last line is the sum of all test files on all kernels.
// Where the addon is not built, or a tool or a kernel cannot be had, nothing is tested, and a line says why; where CI is set
// that is a failure. A test that is skipped in there is one too, as is a kernel on which fewer ran than anybody expects.

import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { buildFolder } from "../support/live-run.js";
import { repositoryRoot } from "../support/repository.js";
import { type Booted, boot } from "./boot.js";
import { ONLY, writeGuest } from "./guest.js";
import { fetchKernels, type Kernel, type PinnedKernel } from "./kernel-packages.js";
import { type GuestRun, plainLines, readSerial, verdictOf } from "./read-serial.js";

/** Seconds that a machine may take in all, and without a byte on its serial line; the longest test takes half a minute. */
const LIMIT = 900;
const SILENCE = 240;

/** What runs on each kernel: what differs between kernels, and the whole way from the kernel to an alert. The rest takes too long there. */
const LIVE_TESTS = /^(?:native-live-(?:actions|files|network)|live-attack)\.test\.js$/;

/** Tools, and the packages of Debian and Ubuntu that have them. */
const TOOLS: readonly (readonly [tool: string, pack: string])[] = [
  ["qemu-system-x86_64", "qemu-system-x86"],
  ["busybox", "busybox-static"],
  ["apt-get", "apt"],
  ["dpkg-deb", "dpkg"],
  ["ldd", "libc-bin"],
];

const root = repositoryRoot();
const isRequired = !["", "false"].includes(process.env.CI ?? "");

function placeOf(tool: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, tool)).find((path) => existsSync(path));
}

/** The files that everything is made of. Throws, in words for who asked for it, when something is missing. */
function ingredients(): { readonly addon: string; readonly busybox: string; readonly files: readonly string[] } {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(`the kernels are for x64, and this is ${process.platform} on ${process.arch}`);
  }
  const missing = TOOLS.filter(([tool]) => placeOf(tool) === undefined);
  if (missing.length > 0) {
    const packages = missing.map(([, pack]) => pack).join(" ");
    throw new Error(
      `missing: ${missing.map(([tool]) => tool).join(", ")}\n` +
        `On Debian and Ubuntu this brings it:\n  sudo apt-get install --no-install-recommends ${packages}`,
    );
  }
  const addon = join(root, "native/build/linux-x64/kestrel_ebpf.node");
  if (!existsSync(addon)) throw new Error("the addon is not built: npm run build:native");
  const files = readdirSync(join(root, "test/dist"))
    .filter((file) => LIVE_TESTS.test(file) && existsSync(join(root, "test/src", file.replace(/\.js$/, ".ts"))))
    .map((file) => file.slice(0, -".test.js".length));
  if (files.length === 0) throw new Error("there are no live tests in test/dist");
  return { addon, busybox: placeOf("busybox") ?? "", files };
}

/** Boots a kernel; once more when it crashed before any test began, which is the emulator's doing. */
async function run(kernel: Kernel, initrd: string, files: readonly string[], words: readonly string[] = []) {
  const start = (): Promise<Booted> => boot({ kernel: kernel.image, initrd, words, limit: LIMIT, silence: SILENCE });
  const first = await start();
  const result = (booted: Booted): { booted: Booted; guest: GuestRun } => ({
    booted,
    guest: readSerial(booted.serial, files),
  });
  if (result(first).guest.kernel !== null) return result(first);
  console.log(`kernel ${kernel.series}: it did not start, and is started once more`);
  return result(await start());
}

const totals = { passed: 0, failed: 0, skipped: 0 };

async function testKernel(kernel: Kernel, initrd: string, files: readonly string[]): Promise<void> {
  const { booted, guest } = await run(kernel, initrd, files);
  const { passed, failed, wrong } = verdictOf(guest, booted.ended, kernel.release);
  totals.passed += passed;
  totals.failed += failed;
  console.log(
    `kernel ${guest.kernel ?? kernel.release}: ${passed} passed, ${failed} failed, in ${booted.seconds.toFixed(0)} s`,
  );
  for (const why of wrong) console.log(`kernel ${kernel.series}: FAIL ${why}`);
  if (failed > 0) {
    const shown = guest.files.filter((file) => file.failed > 0 || file.broken !== null);
    const output = shown.map(({ file, output }) => `── ${file} on ${kernel.release}\n${output}`).join("\n");
    console.log(guest.kernel === null ? plainLines(booted.serial).slice(-60).join("\n") : output);
  }
}

/**
 * A machine that may not read the kernel skips its tests, and that must not count as passed: the same archive on a kernel that is
 * locked down.
 */
async function testControl(kernel: Kernel, initrd: string, file: string): Promise<void> {
  const words = ["lockdown=confidentiality", `${ONLY}=${file}`];
  const { booted, guest } = await run(kernel, initrd, [file], words);
  const { passed, failed, wrong } = verdictOf(guest, booted.ended, kernel.release);
  const isSeen = booted.ended === null && passed === 0 && failed > 0 && guest.files.some(({ skipped }) => skipped > 0);
  totals[isSeen ? "passed" : "failed"]++;
  const seconds = `in ${booted.seconds.toFixed(0)} s`;
  if (isSeen) console.log(`kernel ${kernel.series}, locked down: what is skipped there does not count, ${seconds}`);
  else
    console.log(`kernel ${kernel.series}, locked down: FAIL ${passed} passed; ${wrong.join("; ")}\n${booted.serial}`);
}

try {
  const { addon, busybox, files } = ingredients();
  const folder = join(root, "native/build/kernels");
  mkdirSync(folder, { recursive: true });
  const pins = JSON.parse(readFileSync(join(root, "native/kernels.json"), "utf8")) as Record<string, PinnedKernel>;
  const kernels = await fetchKernels(pins, folder, (line) => console.log(line));
  const modules = Object.fromEntries(kernels.map(({ release, modules }) => [release, modules]));
  const initrd = join(folder, "guest.cpio");
  const pack = buildFolder(join(root, "rules"), join(folder, "pack"));
  writeGuest({ repository: root, addon, busybox, pack, modules, files }, initrd);
  console.log(`${files.join(", ")} on ${kernels.map(({ release }) => release).join(" and ")}`);
  const testWithControl = async (kernel: Kernel, at: number): Promise<void> => {
    await testKernel(kernel, initrd, files);
    if (at === 0) await testControl(kernel, initrd, files[0] ?? "");
  };
  await Promise.all(kernels.map(testWithControl));
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  console.log(`kernels: ${isRequired ? "FAIL" : "skipped"}: ${why}`);
  totals[isRequired ? "failed" : "skipped"]++;
}
const { passed, failed, skipped } = totals;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed === 0 ? 0 : 1;
