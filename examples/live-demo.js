// `npm run demo:live`: compiles the rules in rules/, watches a cgroup with them, and lets a small attack run in it. What is printed
// behind the dollar sign works in a shell too, at the root of the repository and as root.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const PACK = "examples/dist";
const RECORDING = "examples/build/live.ndjson.gz";
const ALERTS = "examples/build/live-alerts.ndjson";
const AGAIN = "examples/build/replayed-alerts.ndjson";
const EQLC = "compiler/bin/eqlc.js";
const KESTREL_RUN = "runtime/bin/kestrel-run.js";

/** A cgroup of version 2 that nothing else is in. */
function makeCgroup() {
  const root = /^(?:\S+ ){4}(\S+) .* - cgroup2 /m.exec(readFileSync("/proc/self/mountinfo", "utf8"))?.[1];
  if (root === undefined) throw new Error("no cgroup2 file system is mounted here");
  return mkdtempSync(join(root, "kestrel-demo-"));
}

function run(name, file, words) {
  console.log(`\n$ npx ${name} ${words.join(" ")}`);
  const { status } = spawnSync(process.execPath, [file, ...words], { cwd: ROOT, stdio: "inherit" });
  if (status !== 0) throw new Error(`${name} ended with code ${status}`);
}

async function main() {
  run("eqlc", EQLC, ["build", "rules", "-o", PACK]);
  const cgroup = makeCgroup();
  try {
    rmSync(join(ROOT, RECORDING), { force: true });
    mkdirSync(join(ROOT, dirname(RECORDING)), { recursive: true });
    const words = [PACK, "--ebpf", "--cgroup", cgroup, "--record", RECORDING, "--alerts", ALERTS, "--format", "text"];
    console.log(`\n$ npx kestrel-run ${words.join(" ")}`);
    const watching = spawn(process.execPath, [KESTREL_RUN, ...words], {
      cwd: ROOT,
      stdio: ["ignore", "inherit", "pipe"],
    });
    const ended = once(watching, "close");
    const begun = new Promise((resolve) => {
      watching.stderr.setEncoding("utf8").on("data", (text) => {
        process.stderr.write(text);
        if (/^watching /m.test(text)) resolve(true);
      });
      void ended.then(() => resolve(false));
    });
    if (!(await begun)) throw new Error("kestrel-run could not watch; `npx kestrel-run doctor` says why");
    console.log("\n$ examples/live/attack.sh");
    const inside = 'echo 0 > "$0/cgroup.procs" && exec "$@"';
    spawnSync("/bin/sh", ["-c", inside, cgroup, "examples/live/attack.sh"], {
      cwd: ROOT,
      stdio: "inherit",
      env: { ...process.env, NODE: process.execPath },
    });
    // Sequences are judged when nothing can come before their last event any more.
    await new Promise((resolve) => setTimeout(resolve, 500));
    watching.kill("SIGINT");
    await ended;
  } finally {
    rmdirSync(cgroup);
  }
  run("kestrel-run", KESTREL_RUN, [PACK, "--replay", RECORDING, "--alerts", AGAIN]);
  const isSame = readFileSync(join(ROOT, ALERTS)).equals(readFileSync(join(ROOT, AGAIN)));
  if (!isSame) throw new Error("the recording did not give the same alerts");
  console.log("The recording gave the same alerts, byte for byte.");
}

try {
  await main();
} catch (error) {
  console.error(`demo: ${error.message}`);
  process.exitCode = 1;
}
