// `kestrel-run PACK --ebpf` on the machine's own kernel: from a command in the test's cgroup to an alert, its recording and the replay.
//
// Where the addon is not built, or eBPF is not allowed, all of it is skipped with one line that says why.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { liveAddonOrReason, makeCgroup, runOrSkip } from "./support/ebpf.js";
import { buildPack, KESTREL_RUN, replayRecording, rulesOf, startLive } from "./support/live-run.js";

const live = suite("live");
runOrSkip(live, liveAddonOrReason(), defineLiveTests);

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function defineLiveTests(): void {
  const folder = mkdtempSync("/tmp/kestrel-watch-");
  const cgroup = makeCgroup();
  let pack = "";
  live.before(() => {
    pack = buildPack(folder, {
      single: 'process where event.action == "exec" and process.args == "kestrel-single"',
      pair:
        'sequence by process.parent.entity_id with maxspan=10s [process where event.action == "exec" and process.args == "kestrel-one"] ' +
        '[process where event.action == "exec" and process.args == "kestrel-two"]',
      missing:
        'sequence with maxspan=500ms [process where event.action == "exec" and process.args == "kestrel-one"] ' +
        '![process where event.action == "exec" and process.args == "kestrel-never"]',
    });
  });
  live.after(() => {
    rmSync(folder, { recursive: true });
    cgroup.remove();
  });
  const confined = ["--cgroup", cgroup.path];
  const say = (...words: readonly string[]): string => words.map((word) => `/bin/echo kestrel-${word}`).join("; ");
  const run = (...words: readonly string[]) => cgroup.run(["/bin/sh", "-c", `${say(...words)}; :`]);

  live("alerts come as things happen, and a recording gives the same again", async () => {
    for (const name of ["run.ndjson", "run.ndjson.gz"]) {
      const recording = join(folder, name);
      const watching = await startLive(pack, [...confined, "--record", recording]);
      await run("single", "one", "two");
      // An absence is judged while nothing happens: what passes then is told by ticks.
      const lines = await watching.lines(3);
      assert.equal(rulesOf(lines.join("\n")).sort(), ["missing", "pair", "single"]);
      const { code, stdout, stderr } = await watching.end("SIGINT");
      assert.is(code, 130);
      assert.is(stdout, `${lines.join("\n")}\n`);
      assert.match(stderr, /^watching .*exec.* in \S+ with \d+ hooks, recording to /m);
      assert.match(stderr, /^\d+ events, 3 alerts from 3 rules in /m);
      assert.is(replayRecording(pack, recording), stdout);
    }
    const packed = gunzipSync(readFileSync(join(folder, "run.ndjson.gz"))).toString();
    assert.match(packed, /^\{"kestrel":\{"recording":1,/);
  });

  live("an alert that needs no order is there while the next thing has not happened yet", async () => {
    const watching = await startLive(pack, confined);
    await run("single");
    await watching.lines(1);
    await run("single");
    assert.equal(rulesOf((await watching.lines(2)).join("\n")), ["single", "single"]);
    assert.is((await watching.end("SIGTERM")).code, 143);
  });

  live("what was made before the signal is drained, whatever came with it", async () => {
    const watching = await startLive(pack, [...confined, "--summary", "json"]);
    await run(...Array.from({ length: 200 }, () => "single"));
    const { code, stdout, stderr } = await watching.end("SIGINT");
    assert.is(code, 130);
    assert.is(rulesOf(stdout).length, 200);
    const summary = JSON.parse(stderr.trim().split("\n").at(-1) ?? "") as {
      readonly alerts: number;
      readonly broken: number;
      readonly collected: Readonly<Record<string, unknown>>;
    };
    assert.equal([summary.alerts, summary.broken], [200, 0]);
    assert.equal(summary.collected.exec, { made: 201, dropped: 0, received: 201 });
  });

  live("a duration beyond what a timer of Node takes does not end the run at once", async () => {
    const run = await startLive(pack, [...confined, "--duration", "30d"]);
    await sleep(300);
    assert.is(run.child.exitCode, null);
    const { code, stderr } = await run.end("SIGINT");
    assert.is(code, 130);
    assert.not.match(stderr, /TimeoutOverflowWarning/);
  });

  live("a run ends by itself after --duration, with the exit code of what was found", async () => {
    const quiet = await startLive(pack, [...confined, "--duration", "200ms"]);
    assert.is((await quiet.ended).code, 0);
    const found = await startLive(pack, [...confined, "--duration", "2s", "--fail-on-alerts"]);
    await run("single");
    assert.is((await found.ended).code, 1);
  });

  live("what costs something to find out is found for rules that read it", async () => {
    const extras = buildPack(join(folder, "extras"), {
      environment: 'process where event.action == "exec" and process.env_vars : "KESTREL_TEST=?*"',
      capable:
        'process where event.action == "exec" and process.args == "kestrel-capable" and ' +
        'process.thread.capabilities.effective == "CAP_SETUID" and process.thread.capabilities.permitted == "CAP_CHOWN"',
      incapable:
        'process where event.action == "exec" and process.args == "kestrel-incapable" and ' +
        "process.thread.capabilities.effective == null",
      hashed: `process where event.action == "exec" and process.hash.sha256 == "${sha256("/bin/echo")}"`,
    });
    const watching = await startLive(extras, confined);
    await cgroup.run(["/bin/sh", "-c", "KESTREL_TEST=some /bin/true; :"]);
    await cgroup.run(["/bin/echo", "kestrel-capable"]);
    await cgroup.run(["/bin/true", "kestrel-incapable"], { uid: 65534 });
    await watching.lines(4);
    const { stdout, stderr } = await watching.end("SIGINT");
    assert.equal(rulesOf(stdout).sort(), ["capable", "environment", "hashed", "incapable"]);
    assert.match(stderr, /^note: a rule reads process\.env_vars/m);
    // Nothing of it without a rule that asks.
    const plain = await startLive(pack, confined);
    await run("single");
    await plain.lines(1);
    assert.not.match((await plain.end("SIGINT")).stdout, /env_vars|capabilities|"hash"/);
  });

  live("two runs at once see the same", async () => {
    const [one, other] = await Promise.all([startLive(pack, confined), startLive(pack, confined)]);
    await run("single", "one", "two");
    await Promise.all([one.lines(3), other.lines(3)]);
    const [first, second] = await Promise.all([one.end("SIGINT"), other.end("SIGINT")]);
    // Each numbers its events itself.
    const known = (text: string): string[] => rulesOf(text).sort();
    assert.equal(known(first.stdout), ["missing", "pair", "single"]);
    assert.equal(known(second.stdout), known(first.stdout));
  });

  live("excluded cgroups are not watched, and paths that no rule wants are not collected", async () => {
    const files = buildPack(join(folder, "files"), {
      wanted: `file where event.action == "creation" and file.path like~ "${folder}/Wanted*"`,
      run: 'process where event.action == "exec" and process.args == "kestrel-single"',
    });
    const [one, other] = [makeCgroup(), makeCgroup()];
    const flags = [...confined, "--exclude-cgroup", one.path, "--exclude-cgroup", other.path, "--summary", "json"];
    const watching = await startLive(files, flags);
    const script = `for i in 1 2 3; do : > ${folder}/other$i; : > ${folder}/wanted$i; done; /bin/echo kestrel-single; :`;
    await one.run(["/bin/sh", "-c", script]);
    await other.run(["/bin/sh", "-c", script]);
    await cgroup.run(["/bin/sh", "-c", `rm -f ${folder}/wanted*; ${script}`]);
    await watching.lines(4);
    const { stdout, stderr } = await watching.end("SIGINT");
    assert.equal(rulesOf(stdout), ["wanted", "wanted", "wanted", "run"]);
    assert.ok(stderr.includes(` in ${cgroup.path} but not in ${one.path}, ${other.path} with `), stderr);
    const summary = JSON.parse(stderr.trim().split("\n").at(-1) ?? "") as {
      readonly collected: Readonly<Record<string, { readonly made: number }>>;
    };
    assert.is(summary.collected.create?.made, 3);
    const many = Array.from({ length: 9 }, () => one.path);
    const refused = await (await startLive(files, ["--exclude-cgroup", ...many])).ended;
    assert.is(refused.code, 2);
    assert.match(refused.stderr, /^error\[E_EBPF\]: at most 8 cgroups can be excluded, not 9$/m);
    const none = await (await startLive(files, ["--exclude-cgroup", folder])).ended;
    assert.match(
      none.stderr,
      /^error\[E_EBPF\]: .*the folder to exclude, \/tmp\/kestrel-watch-\S+, is no cgroup of version 2: /m,
    );
    one.remove();
    other.remove();
  });

  live("a run that is killed leaves a recording that can be replayed", async () => {
    const recording = join(folder, "killed.ndjson.gz");
    const watching = await startLive(pack, [...confined, "--record", recording]);
    await run("single");
    await watching.lines(1);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { signal } = await watching.end("SIGKILL");
    assert.is(signal, "SIGKILL");
    const { stdout, stderr } = spawnSync(process.execPath, [KESTREL_RUN, pack, "--replay", recording], {
      encoding: "utf8",
    });
    assert.equal(rulesOf(stdout), ["single"]);
    assert.match(stderr, /E_INPUT/);
  });

  live("a recording is never written over another, and nothing is watched then", async () => {
    const recording = join(folder, "run.ndjson");
    const before = readFileSync(recording);
    const { code, stderr } = await (await startLive(pack, [...confined, "--record", recording])).ended;
    assert.is(code, 2);
    assert.match(stderr, /^error\[E_RECORDING\]: cannot record to .*not overwritten/m);
    assert.equal(readFileSync(recording), before);
  });

  live("a full disk ends the recording, not the run", async () => {
    const recording = join(folder, "full.ndjson");
    const watching = await startLive(pack, [...confined, "--record", recording], 8192);
    await run(...Array.from({ length: 20 }, () => "single"));
    await watching.lines(20);
    const { code, stdout, stderr } = await watching.end("SIGINT");
    assert.is(code, 2);
    assert.is(rulesOf(stdout).length, 20);
    assert.match(stderr, /^error\[E_RECORDING\]: cannot record to .*EFBIG.*; the run goes on without it$/m);
    // What it says when the run goes on is said again when it ends.
    assert.is(stderr.match(/E_RECORDING/g)?.length, 2);
  });

  live("a reader that goes away ends the run", async () => {
    const watching = await startLive(pack, confined);
    watching.child.stdout?.destroy();
    await run("single");
    const [code] = (await once(watching.child, "exit")) as [number | null];
    assert.is(code, 141);
  });

  live("a cgroup that is removed ends the run, and says so", async () => {
    const gone = makeCgroup();
    const watching = await startLive(pack, ["--cgroup", gone.path]);
    gone.remove();
    const { code, stderr } = await watching.ended;
    assert.is(code, 2);
    assert.match(stderr, /^error\[E_EBPF\]: the cgroup .* is gone/m);
  });

  live("a run that cannot begin leaves no lock behind", async () => {
    const alerts = join(folder, "never.ndjson");
    const { code } = await (await startLive(pack, ["--cgroup", folder, "--alerts", alerts])).ended;
    assert.equal([code, existsSync(alerts), existsSync(`${alerts}.lock`)], [2, false, false]);
  });

  live("what says how files are read is refused", async () => {
    for (const flags of [["--sort"], ["--strict"], ["--idle", "1s"], ["--batch", "1m"]]) {
      const { code, stderr } = await (await startLive(pack, [...confined, ...flags])).ended;
      assert.is(code, 3);
      assert.match(stderr, new RegExp(`${flags[0]} is for --replay`));
    }
  });

  live("a folder that is no cgroup is named", async () => {
    const { code, stderr } = await (await startLive(pack, ["--cgroup", folder])).ended;
    assert.is(code, 2);
    assert.match(stderr, /^error\[E_EBPF\]: .*no cgroup of version 2/m);
    const gone = await (await startLive(pack, ["--cgroup", join(folder, "gone")])).ended;
    assert.is(gone.code, 2);
    assert.match(gone.stderr, /^error\[E_EBPF\]: cannot open the cgroup/m);
  });

  live("who may not load programs is told which capability is missing", async () => {
    const { status, stderr } = spawnSync(
      "setpriv",
      ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, KESTREL_RUN, pack, "--ebpf"],
      { encoding: "utf8" },
    );
    // The repository may lie where nobody may read it.
    if (/Cannot find module|EACCES/.test(stderr)) return;
    assert.is(status, 2);
    assert.match(stderr, /^error\[E_EBPF\]: .*CAP_BPF/m);
  });
}
