// The table of processes on the machine's own kernel: who was running before the collector was, and what becomes of who ends.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { basename, join } from "node:path";
import type { EbpfAddon } from "@kestrel/runtime/ebpf/load-addon";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  collectWhile,
  type LiveEvent,
  type LiveProcess,
  type LiveRun,
  liveAddonOrReason,
  makeCgroup,
  runOrSkip,
} from "./support/ebpf.js";
import { eventsOf } from "./support/live-events.js";

const live = suite("native live table");
runOrSkip(live, liveAddonOrReason(), defineTests);

/** The exec of a program by its base name; the last one. */
function execOf(run: LiveRun, name: string): LiveEvent {
  const found = eventsOf(run, "exec").filter(({ process }) => process.name === name);
  assert.ok(found.length > 0, `no exec of ${name}`);
  return found.at(-1) as LiveEvent;
}

/** Everything that is known of a process that runs. */
function assertComplete(process: LiveProcess | undefined): void {
  assert.match(process?.entity_id ?? "", /^[0-9a-f]{16}-\d+-\d+$/);
  for (const member of ["name", "start", "executable", "args", "args_count", "command_line"] as const) {
    assert.ok(process?.[member] !== undefined, `${member} of ${JSON.stringify(process)}`);
  }
  for (const member of ["working_directory", "interactive", "user", "real_user", "group", "real_group"] as const) {
    assert.ok(process?.[member] !== undefined, `${member} of ${JSON.stringify(process)}`);
  }
}

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

function defineTests(addon: EbpfAddon): void {
  const folder = mkdtempSync("/tmp/kestrel-table-");
  const cgroup = makeCgroup();
  const confined = { cgroup: cgroup.path };
  const shell = basename(realpathSync("/bin/sh"));
  live.after(() => {
    rmSync(folder, { recursive: true });
    cgroup.remove();
  });

  /** A shell that does what it is told, line by line, and tells of each line's end. */
  const obedient = (): { child: ChildProcess; tell: (line: string) => Promise<void>; end: () => Promise<void> } => {
    const script = 'echo 0 > "$0/cgroup.procs"; cd "$1"; while read -r line; do eval "$line"; echo done; done';
    const child = spawn("/bin/sh", ["-c", script, cgroup.path, folder], { stdio: ["pipe", "pipe", "inherit"] });
    const tell = async (line: string): Promise<void> => {
      const told = once(child.stdout as NodeJS.ReadableStream, "data");
      child.stdin?.write(`${line}\n`);
      await told;
    };
    const end = async (): Promise<void> => {
      const ended = once(child, "exit");
      child.stdin?.end();
      await ended;
    };
    return { child, tell, end };
  };

  for (const [how, options] of [
    ["the kernel's iterator", {}],
    ["/proc", { programs: ["on_exec", "on_fork", "on_exit", "on_exit_counted"] }],
  ] as const) {
    live(`who was running before is known whole, from ${how}, and by the id that records give it`, async () => {
      const { child, tell, end } = obedient();
      await tell("/bin/true");
      let first: LiveRun | null = null;
      const second = await collectWhile(addon, { ...confined, ...options }, async () => {
        // The shell's own end comes later: what is known of it here was found, not told.
        first = await collectWhile(addon, { ...confined, ...options }, () =>
          tell("/bin/true; /bin/sh -c '/bin/true; :'"),
        );
        await end();
      });
      for (const run of [first as LiveRun | null, second]) {
        assert.ok(run !== null);
        const [fork] = eventsOf(run, "fork");
        assertComplete(fork?.process);
        assertComplete(fork?.process.parent);
        assert.is(fork?.process.parent?.pid, child.pid);
        assert.is(fork?.process.parent?.args?.[0], "/bin/sh");
        assert.is(fork?.process.parent?.args?.at(-1), folder);
        assert.is(fork?.process.parent?.executable, realpathSync("/bin/sh"));
        assert.is(fork?.process.parent?.working_directory, folder);
        assert.is(fork?.process.parent?.parent?.name, basename(realpathSync(process.execPath)));
        assert.is(fork?.process.parent?.parent?.pid, process.pid);
        const truth = execOf(run, basename(realpathSync("/bin/true")));
        assertComplete(truth.process);
        assertComplete(truth.process.parent);
        assert.is(truth.process.parent?.parent?.pid, child.pid, "the shell that runs it is what the first shell runs");
        assert.is(truth.process.parent?.parent?.executable, realpathSync("/bin/sh"));
        assert.is(truth.process.parent?.parent?.entity_id, fork?.process.parent?.entity_id);
        assert.ok(truth.process.entry_leader !== undefined);
      }
      const end_ = eventsOf(second, "end", child.pid)[0];
      assertComplete(end_?.process);
      assert.is(end_?.process.entity_id, eventsOf(second, "fork")[0]?.process.parent?.entity_id);
      assert.is(second.counters.processes.notFound, 0);
    });
  }

  live("what moves into the cgroup later is looked up when it does something", async () => {
    let pid = 0;
    const run = await collectWhile(addon, confined, async () => {
      // The collector has found what there is by now. This starts outside, unseen; then it is moved in.
      await wait(200);
      const child = spawn("/bin/sh", ["-c", "read line; /bin/true; read line", "later"], {
        stdio: ["pipe", "ignore", "inherit"],
      });
      pid = child.pid ?? 0;
      await wait(50);
      execFileSync("/bin/sh", ["-c", 'echo "$1" > "$0/cgroup.procs"', cgroup.path, String(pid)]);
      const ended = once(child, "exit");
      child.stdin.write("\n");
      // It has to be there still when its first event is read.
      await wait(500);
      child.stdin.end();
      await ended;
    });
    const truth = execOf(run, basename(realpathSync("/bin/true")));
    assert.is(truth.process.parent?.pid, pid);
    assertComplete(truth.process.parent);
    assert.equal(truth.process.parent?.args?.at(-1), "later");
    assert.is(truth.process.parent?.parent?.pid, process.pid);
    assert.is(run.counters.processes.lookedUp, 1);
    assert.is(run.counters.processes.notFound, 0);
  });

  live("a session of its own has its leader, and keeps its entry", async () => {
    const run = await collectWhile(addon, confined, () =>
      cgroup.run(["/bin/sh", "-c", "setsid -w /bin/sh -c '/bin/true; :'; /bin/ls / >/dev/null; :"], { cwd: folder }),
    );
    const truth = execOf(run, basename(realpathSync("/bin/true")));
    const list = execOf(run, basename(realpathSync("/bin/ls")));
    const leader = truth.process.session_leader;
    assert.is(leader?.pid, truth.process.parent?.pid);
    assert.is(leader?.entity_id, truth.process.parent?.entity_id);
    assert.is(leader?.name, shell);
    assert.is(leader?.same_as_process, false);
    assert.is.not(list.process.session_leader?.entity_id, leader?.entity_id);
    const start = eventsOf(run, "exec", leader?.pid).at(-1);
    assert.is(start?.process.session_leader?.same_as_process, true);
    assert.equal(truth.process.entry_leader, list.process.entry_leader);
    assert.is(truth.process.group_leader?.pid, leader?.pid);
  });

  live("a daemon by two forks has its session's leader after that has ended, and what it ran before", async () => {
    let daemon = 0;
    const run = await collectWhile(addon, confined, async () => {
      // The leader of the session forks and ends; what it forked waits for that, and then runs another program.
      const script =
        'use POSIX; exit 0 if fork; POSIX::setsid(); exit 0 if fork; select(undef, undef, undef, 0.2); exec "/bin/sleep", "0.05";';
      await cgroup.run(["/usr/bin/perl", "-e", script]);
      for (let tries = 0; tries < 100 && readFileSync(join(cgroup.path, "cgroup.procs"), "utf8") !== ""; tries++) {
        await wait(20);
      }
    });
    const slept = execOf(run, basename(realpathSync("/bin/sleep")));
    daemon = slept.process.pid;
    const forks = eventsOf(run, "fork");
    assert.is(forks.length, 2);
    const leader = forks[0];
    const forked = forks.find(({ process }) => process.pid === daemon);
    assert.is(forked?.process.parent?.pid, leader?.process.pid);
    assert.is.not(slept.process.parent?.pid, leader?.process.pid, "its parent has ended, and it has another");
    assert.ok(slept.process.parent?.name !== undefined);
    for (const event of [slept, eventsOf(run, "end", daemon)[0]]) {
      assert.is(event?.process.session_leader?.entity_id, leader?.process.entity_id);
      assert.is(event?.process.session_leader?.executable, realpathSync("/usr/bin/perl"));
      assert.equal(event?.process.entry_leader, eventsOf(run, "exec")[0]?.process.entry_leader);
    }
    assert.equal(slept.process.previous, { executable: realpathSync("/usr/bin/perl") });
    assert.equal(slept.process.args, ["/bin/sleep", "0.05"]);
  });

  live("3,000 processes that fork keep the table within its bounds, and every one is known", async () => {
    const script = "for (1 .. 3000) { my $p = fork; exit 0 if $p == 0; if ($_ % 50 == 0) { 1 while wait > 0; } }";
    const run = await collectWhile(addon, { ...confined, table: { entries: 500, ended: 100 } }, () =>
      cgroup.run(["/usr/bin/perl", "-e", script]),
    );
    const forks = eventsOf(run, "fork");
    assert.is(forks.length + run.counters.fork.dropped, 3000);
    assert.ok(run.counters.processes.known <= 510, JSON.stringify(run.counters.processes));
    assert.ok(run.counters.processes.evicted > 2000, JSON.stringify(run.counters.processes));
    assert.is(run.counters.fork.dropped, 0);
    for (const { process } of [...forks, ...eventsOf(run, "end")]) {
      assert.is(process.executable, realpathSync("/usr/bin/perl"));
      assert.is(process.args?.[2], script);
    }
  });

  live("an executable that is renamed or removed afterwards is called what it was called", async () => {
    const program = join(folder, "before");
    copyFileSync("/bin/sh", program);
    chmodSync(program, 0o755);
    const script = 'mv "$0" "$0.after"; /bin/true; "$0.after" -c "/bin/ls / >/dev/null; :"';
    const run = await collectWhile(addon, { ...confined, hashes: ["sha256", "md5"] }, () =>
      cgroup.run([program, "-c", script, program]),
    );
    assert.is(execOf(run, basename(realpathSync("/bin/true"))).process.parent?.executable, program);
    const list = execOf(run, basename(realpathSync("/bin/ls")));
    assert.is(list.process.parent?.executable, `${program}.after`);
    assert.is(list.process.parent?.parent?.executable, program);
    const bytes = readFileSync("/bin/sh");
    assert.equal(execOf(run, "before.after").process.hash, {
      md5: createHash("md5").update(bytes).digest("hex"),
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
    assert.is(list.process.hash?.sha256, createHash("sha256").update(readFileSync("/bin/ls")).digest("hex"));
  });

  live("a container is known by the name of its cgroup", async () => {
    const digits = "0123456789abcdef".repeat(4);
    for (const [name, id] of [
      [`docker-${digits}.scope`, digits],
      [digits, digits],
      [`cri-containerd-${digits}.scope`, digits],
      [`libpod-conmon-${digits}.scope`, undefined],
      [`docker-${digits.slice(1)}.scope`, undefined],
      [`x${digits}`, undefined],
    ] as const) {
      const below = join(cgroup.path, name);
      const inner = join(below, "inner");
      mkdirSync(inner, { recursive: true });
      const run = await collectWhile(addon, confined, async () => {
        const script = 'echo 0 > "$0/cgroup.procs" && /bin/true; exec /bin/ls / >/dev/null';
        await once(spawn("/bin/sh", ["-c", script, inner], { stdio: "ignore" }), "exit");
      });
      for (const program of ["/bin/true", "/bin/ls"]) {
        const event = execOf(run, basename(realpathSync(program)));
        assert.is(event.container?.id, id, name);
      }
      rmdirSync(inner);
      rmdirSync(below);
    }
  });
}
