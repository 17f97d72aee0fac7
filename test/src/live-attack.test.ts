// The attack of examples/live, live: the rules of the repository see it on the machine's own kernel, and on those of test:kernels.
//
// KESTREL_TEST_PACK is where the package stands that rules/ was built to, on a machine on which building it would take minutes.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { liveAddonOrReason, makeCgroup, runOrSkip } from "./support/ebpf.js";
import { buildFolder, replayRecording, rulesOf, startLive } from "./support/live-run.js";
import { repositoryRoot } from "./support/repository.js";

const live = suite("live attack");
const lacking = ["unshare", "ip", "setpriv", "perl", "curl"].filter(
  (tool) => spawnSync("/bin/sh", ["-c", `PATH="$PATH:/usr/sbin:/sbin"; command -v ${tool}`]).status !== 0,
);
runOrSkip(live, lacking.length > 0 ? `there is no ${lacking.join(", ")} here` : liveAddonOrReason(), defineTest);

function defineTest(): void {
  const folder = mkdtempSync("/tmp/kestrel-attacked-");
  const cgroup = makeCgroup();
  live.after(() => {
    rmSync(folder, { recursive: true });
    cgroup.remove();
  });

  live("the attack of the examples sets off the rules of the repository, and its recording does so again", async () => {
    const pack = process.env.KESTREL_TEST_PACK ?? buildFolder(join(repositoryRoot(), "rules"), join(folder, "pack"));
    const recording = join(folder, "attack.ndjson.gz");
    const watching = await startLive(pack, ["--cgroup", cgroup.path, "--record", recording]);
    const { code, output } = await cgroup.run([join(repositoryRoot(), "examples/live/attack.sh")], {
      env: { ...process.env, NODE: process.execPath },
    });
    assert.is(code, 0, output);
    await watching.lines(8);
    const { stdout } = await watching.end("SIGINT");
    assert.equal([...new Set(rulesOf(stdout))].sort(), [
      "linux-connected-shell-starts-shell",
      "linux-cron-entry-written",
      "linux-download-chmod-execute",
      "linux-download-to-temporary-directory",
      "linux-reverse-shell-interpreter",
      "linux-setuid-bit-set",
      "linux-temporary-file-created-then-executed",
      "linux-user-id-becomes-root",
    ]);
    assert.is(replayRecording(pack, recording), stdout);
  });
}
