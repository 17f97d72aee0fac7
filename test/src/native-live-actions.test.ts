// The addon on the machine's own kernel: what processes do with themselves, their memory and other processes, against what collectors
// say of it.
//
// Everything happens in a cgroup of the test's own. Where the addon is not built, or eBPF is not allowed, all of it is skipped with
// one line that says why.

import type { EbpfAddon, EventClass } from "@kestrel/runtime/ebpf/load-addon";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { collectWhile, type LiveRun, liveAddonOrReason, makeCgroup, runOrSkip } from "./support/ebpf.js";
import { assertAccounted, eventsOf, oneOf } from "./support/live-events.js";

const live = suite("native live actions");
runOrSkip(live, liveAddonOrReason(), defineLiveTests);

function defineLiveTests(addon: EbpfAddon): void {
  const cgroup = makeCgroup();
  live.after(() => cgroup.remove());

  /** What is seen of these classes while python3 runs a script. */
  const python = async (
    events: readonly EventClass[],
    script: string,
  ): Promise<LiveRun & { pid: number; printed: string[] }> => {
    let pid = 0;
    let output = "";
    const whole = `import ctypes, mmap, os, signal, sys, threading, time\nlibc = ctypes.CDLL(None, use_errno=True)\n${script}`;
    const run = await collectWhile(addon, { cgroup: cgroup.path, events }, async () => {
      const ended = await cgroup.run(["python3", "-BSsEc", whole], { cwd: "/" });
      ({ pid, output } = ended);
      assert.is(ended.code, 0, output);
    });
    assertAccounted(run, events);
    return { ...run, pid, printed: output.trimEnd().split("\n") };
  };

  live("ids that a process changes come with those before; what changes nothing or fails is nothing", async () => {
    const run = await python(
      ["credential"],
      `
os.setuid(0); os.setgid(0); os.setresuid(-1, -1, -1)
os.setregid(-1, 65533)
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 0, 0)
os.setreuid(-1, 65534)
os.seteuid(0)
os.setuid(65534)
for call in (lambda: os.setuid(0), lambda: os.setgid(1)):
  try: call()
  except OSError: pass
`,
    );
    const ids = run.events.map(({ event, process, kestrel }) => [
      event.action,
      [kestrel.before?.real_user, kestrel.before?.user, kestrel.before?.saved_user].map((user) => user?.id).join(),
      [process.real_user, process.user, process.saved_user].map((user) => user.id).join(),
      [kestrel.before?.real_group, kestrel.before?.group].map((group) => group?.id).join(),
      [process.real_group, process.group].map((group) => group.id).join(),
    ]);
    assert.equal(ids, [
      ["gid_change", "0,0,0", "0,0,0", "0,0", "0,65533"],
      ["gid_change", "0,0,0", "0,0,0", "0,65533", "65534,65534"],
      ["uid_change", "0,0,0", "65534,0,0", "65534,65534", "65534,65534"],
      ["uid_change", "65534,0,0", "65534,65534,0", "65534,65534", "65534,65534"],
      ["uid_change", "65534,65534,0", "65534,0,0", "65534,65534", "65534,65534"],
      ["uid_change", "65534,0,0", "65534,65534,65534", "65534,65534", "65534,65534"],
    ]);
    const [first] = run.events;
    assert.equal([first?.event.category, first?.event.type], [["process"], ["change"]]);
    assert.is(first?.process.pid, run.pid);
  });

  live("threads that change their own ids at the same time are kept apart", async () => {
    const run = await python(
      ["credential"],
      `
def change(me):
  for turn in range(100): libc.syscall(117, -1, me, -1); libc.syscall(117, -1, 0, -1)
threads = [threading.Thread(target=change, args=(1000 + at,)) for at in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
`,
    );
    assert.is(run.counters.credential.made, 1600);
    for (const { process, kestrel } of run.events) {
      const [before, after] = [Number(kestrel.before?.user?.id), Number(process.user.id)];
      assert.ok(before === 0 ? after >= 1000 && after < 1008 : before >= 1000 && before < 1008 && after === 0);
    }
  });

  live("a session that a process begins has it as its leader", async () => {
    const run = await python(
      ["session"],
      "if os.fork() == 0: os.setsid()\nelse: os.wait()\ntry: os.setsid(); os.setsid()\nexcept OSError: pass",
    );
    const [event] = eventsOf(run, "session_id_change");
    assert.is(event?.process.group_leader?.pid, event?.process.pid);
    assert.is(event?.process.parent?.pid, run.pid);
    assert.ok(eventsOf(run, "session_id_change").length <= 2);
  });

  live("a file in memory has its name and flags", async () => {
    const run = await python(
      ["memfd"],
      'os.memfd_create("payload", 3)\nos.memfd_create("n" * 249, 0)\nlibc.memfd_create(b"\\xff\\n", 0)\nassert libc.memfd_create(8, 0) == -1',
    );
    assert.equal(
      run.events.map(({ process }) => process.Ext?.memfd),
      [
        { name: "payload", flags: 3, flag_cloexec: true, flag_allow_seal: true },
        { name: "n".repeat(249), flags: 0 },
        { name: "\ufffd\n", flags: 0 },
      ] as never,
    );
    assert.equal(run.events[2]?.kestrel.flags, ["not_utf8"]);
    assert.equal([run.events[0]?.event.action, run.events[0]?.event.type], ["memfd_create", ["start"]]);
  });

  live("a process that is taken over is told with who did it", async () => {
    const run = await python(
      ["ptrace", "exec", "exit"],
      `
child = os.fork()
if child == 0: time.sleep(100)
other = os.fork()
if other == 0: time.sleep(100)
libc.ptrace.argtypes = [ctypes.c_long] * 4
assert libc.ptrace(0x4206, other, 0, 0) == 0
assert libc.ptrace(16, child, 0, 0) == 0
os.waitpid(child, 0)
memory = ctypes.create_string_buffer(b"12345678")
assert libc.ptrace(1, child, ctypes.addressof(memory), 0) != -1
assert libc.ptrace(5, child, ctypes.addressof(memory), 42) == 0
assert libc.ptrace(16, child, 0, 0) == -1
assert libc.ptrace(16, 1 << 21, 0, 0) == -1
os.kill(child, 9); os.kill(other, 9)
print(child, other)
`,
    );
    const [child, other] = (run.printed[0] ?? "").split(" ").map(Number);
    assert.equal(
      eventsOf(run, "ptrace").map(({ kestrel, process }) => [process.pid, kestrel.ptrace, kestrel.target?.pid]),
      [
        [run.pid, { number: 0x4206, request: "PTRACE_SEIZE" }, other],
        [run.pid, { number: 16, request: "PTRACE_ATTACH" }, child],
        [run.pid, { number: 5, request: "PTRACE_POKEDATA" }, child],
      ],
    );
    const [seized] = eventsOf(run, "ptrace");
    assert.is(seized?.kestrel.target?.entity_id, oneOf(run, "end", other ?? 0).process.entity_id);
    assert.is(seized?.kestrel.target?.name, oneOf(run, "end", other ?? 0).process.name);
  });

  live("memory without a file that becomes executable", async () => {
    const run = await python(
      ["mmap"],
      `
libc.mmap.restype = ctypes.c_void_p
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
direct = libc.mmap(None, 12288, 7, 0x22, -1, 0)
later = libc.mmap(None, 8192, 3, 0x22, -1, 0)
assert libc.mprotect(later, 4096, 5) == 0
assert libc.mprotect(later, 4096, 1) == 0
file = os.open("/bin/true", os.O_RDONLY)
libc.mmap(None, 4096, 5, 2, file, 0)
plain = libc.mmap(None, 4096, 1, 2, file, 0)
assert libc.mprotect(plain, 4096, 5) == 0
assert libc.mprotect(1 << 46, 4096, 5) == -1
print(direct, later)
`,
    );
    const [direct, later] = (run.printed[0] ?? "").split(" ").map(Number);
    const found = eventsOf(run, "mmap").map(({ kestrel }) => kestrel.mmap);
    // What the interpreter does for itself, such as for callbacks of ctypes, is there too.
    assert.equal(
      found.filter((one) => one?.address === direct || one?.address === later),
      [
        { call: "mmap", address: direct, size: 12288, protection: "rwx" },
        { call: "mprotect", address: later, size: 4096, protection: "r-x" },
      ],
    );
    assert.ok(found.length <= 4, JSON.stringify(found));
  });

  live("signals from one process to another, and none from the kernel or to oneself", async () => {
    const run = await python(
      ["signal", "exit"],
      `
child = os.fork()
if child == 0:
  signal.signal(signal.SIGUSR1, signal.SIG_IGN); print("ready", flush=True)
  while True: time.sleep(1)
time.sleep(0.3)
os.kill(child, 0)
os.kill(child, signal.SIGUSR1)
os.kill(child, signal.SIGSTOP)
libc.syscall(234, child, child, signal.SIGCONT)
signal.signal(signal.SIGUSR2, lambda *_: None)
os.kill(os.getpid(), signal.SIGUSR2)
signal.raise_signal(signal.SIGUSR2)
os.kill(child, signal.SIGKILL)
os.wait()
try: os.kill(child, 9)
except OSError: pass
print(child)
`,
    );
    const child = Number(run.printed.at(-1));
    assert.equal(
      eventsOf(run, "signal").map(({ kestrel, process }) => [
        process.pid,
        kestrel.signal,
        kestrel.ignored ?? false,
        kestrel.target?.pid,
      ]),
      [
        [run.pid, 10, true, child],
        [run.pid, 19, false, child],
        // The kernel continues the process at once, and nothing is left to deliver.
        [run.pid, 18, true, child],
        [run.pid, 9, false, child],
      ],
    );
    const killed = oneOf(run, "end", child);
    assert.is(killed.process.exit_code, 137);
    assert.is(eventsOf(run, "signal")[3]?.kestrel.target?.entity_id, killed.process.entity_id);
    assert.is(eventsOf(run, "signal")[3]?.kestrel.target?.name, killed.process.name);
  });
}
