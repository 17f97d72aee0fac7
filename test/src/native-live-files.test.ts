// The addon on the machine's own kernel: what processes do with files and with themselves, against what collectors say of it.
//
// Everything happens in a cgroup of the test's own. Where the addon is not built, or eBPF is not allowed, all of it is skipped with
// one line that says why.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EbpfAddon, EventClass } from "@kestrel/runtime/ebpf/load-addon";
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
import { assertAccounted, eventsOf } from "./support/live-events.js";

const live = suite("native live files");
runOrSkip(live, liveAddonOrReason(), defineLiveTests);

/** Two paths of events of files: what was, and what is; of most the second alone. */
function pathsOf(run: LiveRun, action: string, below: string): (string | null)[] {
  return eventsOf(run, action)
    .map(({ file }) => file?.path ?? null)
    .filter((path) => path?.startsWith(below) ?? true);
}

/** What system calls tell, which every kernel lets us see; where there is better, what is certain and what is not differs. */
const BY_CALLS = ["on_exec", "on_fork", "on_exit", "on_exit_counted", "on_sys_exit"];

function defineLiveTests(addon: EbpfAddon): void {
  const folder = realpathSync(mkdtempSync("/tmp/kestrel-files-"));
  const cgroup = makeCgroup();
  live.after(() => {
    // Paths longer than a call takes are no trouble for rm.
    execFileSync("rm", ["-rf", folder]);
    cgroup.remove();
  });

  /** What is seen of these classes while a command runs in a folder of its own. */
  const seen = async (
    events: readonly EventClass[],
    command: readonly string[],
    cwd = folder,
    programs: readonly string[] = BY_CALLS,
  ): Promise<LiveRun & { pid: number; output: string }> => {
    let pid = 0;
    let output = "";
    const run = await collectWhile(addon, { cgroup: cgroup.path, events, programs }, async () => {
      const ended = await cgroup.run(command, { cwd });
      ({ pid, output } = ended);
      assert.is(ended.code, 0, ended.output);
    });
    assertAccounted(run, events);
    return { ...run, pid, output };
  };

  /** A new folder, in which python3 runs a script. */
  let folders = 0;
  const newFolder = (): string => {
    const path = join(folder, String(folders++));
    mkdirSync(path);
    return path;
  };
  const python = async (
    events: readonly EventClass[],
    script: string,
    cwd: string = newFolder(),
  ): Promise<LiveRun & { pid: number; output: string; cwd: string }> => {
    const run = await seen(
      events,
      ["python3", "-BSsEc", `import os, sys, ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n${script}`],
      cwd,
    );
    return { ...run, cwd };
  };

  /** The only event of an action of a file below a folder. */
  const onlyBelow = (run: LiveRun, action: string, below: string): LiveEvent => {
    const found = eventsOf(run, action).filter(({ file }) => file?.path?.startsWith(below));
    assert.is(found.length, 1, `${action} below ${below}: ${found.length} events`);
    return found[0] as LiveEvent;
  };

  live("a file that is made, written again, read: each open is of one class", async () => {
    const cwd = newFolder();
    const run = await seen(
      ["create", "modify", "open"],
      ["/bin/sh", "-c", "echo a > new.tar.gz; echo b >> new.tar.gz; cat < new.tar.gz; : > /dev/null"],
      cwd,
    );
    const path = join(cwd, "new.tar.gz");
    const created = onlyBelow(run, "creation", folder);
    const { ino, dev } = statSync(path);
    assert.equal(created.file, {
      path,
      name: "new.tar.gz",
      extension: "gz",
      directory: cwd,
      type: "file",
      mode: "0644",
      inode: String(ino),
      size: 0,
      uid: "0",
      owner: "root",
      gid: "0",
      group: "root",
    } as LiveEvent["file"]);
    assert.is(created.kestrel.device, `${Math.floor(dev / 256)}:${dev % 256}`);
    assert.is(created.kestrel.links, 1);
    assert.is(created.kestrel.flags, undefined);
    assert.equal([created.event.category, created.event.type], [["file"], ["creation"]]);
    assert.is((created.event as { outcome?: string }).outcome, "success");
    assert.is(created.process.pid, run.pid);
    const modified = onlyBelow(run, "modification", folder);
    assert.is(modified.file?.path, path);
    assert.is(modified.file?.size, 2);
    assert.equal(modified.event.type, ["change"]);
    assert.is(onlyBelow(run, "open", folder).file?.path, path);
    assert.ok(eventsOf(run, "open").length > 1, "libraries are read");
    assert.equal(pathsOf(run, "modification", "/dev/null"), []);
  });

  live("classes that are not asked for are not collected", async () => {
    const run = await seen(
      ["modify"],
      ["/bin/sh", "-c", "echo a > made; echo b >> made; mv made other; chmod 600 other; rm other"],
    );
    assert.equal(
      run.events.map(({ event }) => event.action),
      ["modification"],
    );
    for (const name of ["create", "open", "rename", "delete", "mode"] as const)
      assert.is(run.counters[name].made, 0, name);
  });

  live("every system call that opens for writing is seen, and what failed is not", async () => {
    const run = await python(
      ["create", "modify", "open"],
      `
os.close(os.open("by-openat", os.O_CREAT | os.O_RDWR, 0o640))
libc.creat(b"by-creat", 0o600)
libc.syscall(2, b"by-open", os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o4755)
how = (ctypes.c_uint64 * 3)(os.O_CREAT | os.O_WRONLY, 0o600, 0)
assert libc.syscall(437, -100, b"by-openat2", how, 24) > 0
os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600)
os.open("made-to-read", os.O_CREAT | os.O_RDONLY)
os.open("by-openat", os.O_PATH)
for path in ("nowhere/x", "/proc/none", "by-openat/x"):
  try: os.open(path, os.O_CREAT | os.O_WRONLY)
  except OSError: pass
assert libc.syscall(2, b"by-open", os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o755) == -1
assert libc.syscall(2, 8, os.O_CREAT | os.O_WRONLY, 0o755) == -1
`,
    );
    const created = eventsOf(run, "creation");
    assert.equal(
      created.map(({ file }) => file?.name?.replace(/^#\d+$/, "#")),
      ["by-openat", "by-creat", "by-open", "by-openat2", "#", "made-to-read"],
    );
    assert.equal(
      created.map(({ file }) => file?.mode),
      ["0640", "0600", "4755", "0600", "0600", "0755"],
    );
    const nameless = created[4];
    assert.is(nameless?.kestrel.nameless, true);
    assert.ok(nameless?.kestrel.flags?.includes("unlinked"));
    assert.is(nameless?.file?.directory, run.cwd);
    assert.equal(pathsOf(run, "modification", run.cwd), []);
    assert.equal(pathsOf(run, "open", join(run.cwd, "by-openat")), []);
  });

  live("names that were changed come with both paths, however they were said", async () => {
    const cwd = newFolder();
    mkdirSync(join(cwd, "a/b"), { recursive: true });
    symlinkSync("a/b", join(cwd, "link"));
    const run = await python(
      ["rename"],
      `
def touch(name): open(name, "w").close()
for name in ("one.txt", "a/b/two", "a/three", "x", "y"): touch(name)
os.rename("one.txt", "a/uno.tar.gz")
os.rename(os.getcwd() + "/a/b/../three", "./a//.//tres")
directory = os.open("a/b", os.O_RDONLY | os.O_DIRECTORY)
os.rename("two", "../../dos", src_dir_fd=directory, dst_dir_fd=directory)
assert libc.renameat2(-100, b"x", -100, b"y", 2) == 0
os.chdir("a")
os.rename("../x", "b/through")
os.rename("../link/through", "../link/throughout")
os.rename("b", "../c")
os.chdir("../c")
os.rename("../y", "y")
for old, new in (("nowhere", "x"), ("y", "/proc/y"), ("y", "no/y")):
  try: os.rename(old, new)
  except OSError: pass
`,
      cwd,
    );
    const at = (name: string): string => join(cwd, name);
    assert.equal(
      eventsOf(run, "rename").map(({ file, kestrel }) => [
        file?.Ext?.original?.path,
        file?.path,
        kestrel.flags ?? [],
        kestrel.exchanged ?? false,
      ]),
      [
        [at("one.txt"), at("a/uno.tar.gz"), ["path_unresolved"], false],
        [at("a/three"), at("a/tres"), ["path_unresolved"], false],
        [at("a/b/two"), at("dos"), [], false],
        [at("x"), at("y"), [], true],
        [at("x"), at("a/b/through"), ["path_unresolved"], false],
        [at("link/through"), at("link/throughout"), ["path_unresolved"], false],
        [at("a/b"), at("c"), [], false],
        [at("y"), at("c/y"), [], false],
      ],
    );
    const [first] = eventsOf(run, "rename");
    assert.equal(first?.file, {
      path: at("a/uno.tar.gz"),
      name: "uno.tar.gz",
      extension: "gz",
      directory: at("a"),
      Ext: { original: { path: at("one.txt"), name: "one.txt", extension: "txt" } },
    });
    assert.equal([first?.event.category, first?.event.type], [["file"], ["change"]]);
  });

  live("what is removed, and what gets another mode", async () => {
    const run = await python(
      ["delete", "mode"],
      `
def touch(name): open(name, "w").close()
os.mkdir("folder"); os.mkdir("folder/inner"); os.mkdir("other")
for name in ("a.log", "folder/b", "c", "d"): touch(name)
os.chmod("c", 0o4755)
directory = os.open("folder", os.O_RDONLY)
os.chmod("b", 0o600, dir_fd=directory)
file = os.open("d", os.O_RDWR)
os.fchmod(file, 0o2711)
os.chmod("folder", 0o1777)
os.unlink("a.log")
os.unlink("b", dir_fd=directory)
os.rmdir("inner", dir_fd=directory)
os.rmdir("folder/")
os.rmdir("other")
os.unlink("d")
os.fchmod(file, 0o600)
for call in (lambda: os.unlink("none"), lambda: os.rmdir("none"), lambda: os.chmod("none", 0)):
  try: call()
  except OSError: pass
`,
    );
    const at = (name: string): string => join(run.cwd, name);
    assert.equal(
      eventsOf(run, "deletion").map(({ file, event }) => [file?.path, file?.type, event.type?.[0]]),
      [
        [at("a.log"), undefined, "deletion"],
        [at("folder/b"), undefined, "deletion"],
        [at("folder/inner"), "dir", "deletion"],
        [at("folder"), "dir", "deletion"],
        [at("other"), "dir", "deletion"],
        [at("d"), undefined, "deletion"],
      ],
    );
    assert.equal(
      eventsOf(run, "attributes_modified").map(({ file, kestrel }) => [
        file?.path,
        file?.mode,
        file?.type,
        kestrel.flags ?? [],
      ]),
      [
        // A last name may be a link that leads elsewhere.
        [at("c"), "4755", undefined, ["path_unresolved"]],
        [at("folder/b"), "0600", undefined, ["path_unresolved"]],
        [at("d"), "2711", "file", []],
        [at("folder"), "1777", undefined, ["path_unresolved"]],
        [at("d"), "0600", "file", ["unlinked"]],
      ],
    );
  });

  live("folders, links and special files are made too", async () => {
    const run = await python(
      ["create"],
      `
os.mkdir("folder")
os.symlink("../where/ever", "folder/link.lnk")
directory = os.open("folder", os.O_RDONLY)
os.symlink("x", "other", dir_fd=directory)
open("file", "w").close()
os.link("file", "hard")
os.link("file", "../hard2", dst_dir_fd=directory)
os.mkfifo("pipe")
os.mkdir("inner", dir_fd=directory)
try: os.mkdir("folder")
except OSError: pass
`,
    );
    const at = (name: string): string => join(run.cwd, name);
    assert.equal(
      eventsOf(run, "creation").map(({ file, kestrel }) => [
        file?.path,
        file?.type,
        file?.target_path ?? kestrel.link_of ?? null,
      ]),
      [
        [at("folder"), "dir", null],
        [at("folder/link.lnk"), "symlink", "../where/ever"],
        [at("folder/other"), "symlink", "x"],
        [at("file"), "file", null],
        [at("hard"), "file", at("file")],
        [at("hard2"), "file", at("file")],
        [at("pipe"), undefined, null],
        [at("folder/inner"), "dir", null],
      ],
    );
  });

  live("paths of any bytes and any depth are whole", async () => {
    const run = await python(
      ["create", "rename"],
      `
for name in (b'"quoted"', b"line\\nfeed", b"\\x01\\x7f", b"back\\\\slash", b"caf\\xc3\\xa9.txt", b"latin\\xe9", b"x" * 255):
  os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
os.rename(b"latin\\xe9", b"\\xff\\xfe")
for at in range(90):
  os.mkdir("deep"); os.chdir("deep")
os.close(os.open("bottom", os.O_CREAT | os.O_WRONLY))
long = "n" * 200
for at in range(25):
  os.mkdir(long); os.chdir(long)
os.close(os.open("beyond", os.O_CREAT | os.O_WRONLY))
`,
    );
    const files = eventsOf(run, "creation").filter(({ file }) => file?.type === "file");
    const names = ['"quoted"', "line\nfeed", "\u0001\u007f", "back\\slash", "café.txt", "latin\ufffd", "x".repeat(255)];
    assert.equal(
      files.slice(0, 7).map(({ file }) => file?.path),
      names.map((name) => join(run.cwd, name)),
    );
    assert.equal(
      files.slice(0, 7).map(({ kestrel }) => kestrel.flags ?? []),
      names.map((name) => (name.startsWith("latin") ? ["not_utf8"] : [])),
    );
    assert.is(eventsOf(run, "rename")[0]?.file?.path, join(run.cwd, "\ufffd\ufffd"));
    assert.is(files[7]?.file?.path, join(run.cwd, "deep/".repeat(90), "bottom"));
    // Beyond 4 KiB the end of a path is there, and the line says that it is not whole.
    const beyond = files[8];
    assert.ok(beyond?.kestrel.flags?.includes("path_cut"));
    assert.ok(beyond?.file?.path?.endsWith(`/${"n".repeat(200)}/beyond`));
    assert.ok((beyond?.file?.path?.length ?? 0) > 3800);
  });

  live("files behind links, in mounts, overlays and other roots are told as the process sees them", async () => {
    const cwd = newFolder();
    for (const name of ["lower", "upper", "work", "merged", "real"]) mkdirSync(join(cwd, name));
    symlinkSync("real", join(cwd, "link"));
    writeFileSync(join(cwd, "lower/below"), "x");
    const script = `
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged || echo no overlay
echo x > link/through
echo x >> merged/below
echo x > merged/above
mkdir real/mounted && mount -t tmpfs none real/mounted && echo x > real/mounted/file
for library in $(ldd /bin/sh | grep -o '/[^ ]*'); do mkdir -p real/$(dirname $library); cp -L $library real/$library; done
mkdir real/bin && cp -L /bin/sh real/bin/sh
exec chroot real /bin/sh -c "echo x > /inside"`;
    const run = await seen(["create", "modify"], ["unshare", "-m", "/bin/sh", "-c", script], cwd);
    const created = eventsOf(run, "creation").map(({ file }) => file?.path);
    assert.ok(created.includes(join(cwd, "real/through")));
    assert.ok(created.includes(join(cwd, "real/mounted/file")));
    assert.is(created.at(-1), "/inside");
    if (!run.output.includes("no overlay")) {
      assert.ok(pathsOf(run, "modification", cwd).includes(join(cwd, "merged/below")));
      assert.ok(created.includes(join(cwd, "merged/above")));
    }
  });

  live("calls of 32 bits are seen by their own numbers", async () => {
    const run = await python(
      ["create", "modify", "rename", "delete", "mode", "memfd", "session"],
      `
import mmap
# What takes five arguments from the stack of a C call and makes the call through int 0x80, and its texts, below 4 GiB.
code = bytes.fromhex("53 89f8 89f3 87d1 4489c6 cd80 4898 5b c3")
libc.mmap.restype = ctypes.c_void_p
low = libc.mmap(None, 8192, 7, 0x62, -1, 0)
assert low and low < 1 << 32
ctypes.memmove(low, code, len(code))
call = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint)(low)
at = low + 4096
def text(value):
  global at
  here = at
  ctypes.memmove(here, value + b"\\0", len(value) + 1)
  at += len(value) + 1
  return here
a, b = text(b"short"), text(b"shorter")
fd = call(5, a, os.O_CREAT | os.O_RDWR, 0o600, 0)
if fd == -38: print("no 32-bit calls"); sys.exit(0)
assert fd > 0, fd
assert call(295, 0xffffff9c, a, os.O_RDWR, 0) > 0
assert call(38, a, b, 0, 0) == 0
assert call(15, b, 0o751, 0, 0) == 0
assert call(94, fd, 0o700, 0, 0) == 0
assert call(301, 0xffffff9c, b, 0, 0) == 0
assert call(356, a, 0, 0, 0) > 0
# Numbers that mean something else in 64 bits: 82 is select, 87 is swapon.
call(82, a, b, 0, 0); call(87, a, 0, 0, 0)
`,
    );
    if (run.output.includes("no 32-bit calls")) return;
    const at = (name: string): string => join(run.cwd, name);
    assert.equal(
      run.events.map(({ event, file, process }) => [event.action, file?.path ?? process.Ext?.memfd?.name]),
      [
        ["creation", at("short")],
        ["modification", at("short")],
        ["rename", at("shorter")],
        ["attributes_modified", at("shorter")],
        ["attributes_modified", at("shorter")],
        ["deletion", at("shorter")],
        ["memfd_create", "short"],
      ],
    );
  });

  live("of a burst beyond the ring what was received and what was dropped is what was made", async () => {
    const script = `
for turn in range(5000): os.close(os.open("file", os.O_CREAT | os.O_WRONLY))
for turn in range(1000): os.rename("file", "other"); os.rename("other", "file")
for turn in range(500): os.close(os.open("another", os.O_CREAT | os.O_WRONLY)); os.unlink("another")
`;
    const events = ["create", "modify", "rename", "delete"] as const;
    const made = { create: 501, modify: 4999, rename: 2000, delete: 500 };
    // The second ring holds some 100 records, and nobody reads them for half a second at a time.
    for (const [ringBytes, intervalMicroseconds] of [
      [1 << 24, 1000],
      [1 << 16, 500_000],
    ] as const) {
      const run = await collectWhile(addon, { cgroup: cgroup.path, events, ringBytes, intervalMicroseconds }, () =>
        cgroup.run(["python3", "-BSsEc", `import os\n${script}`], { cwd: newFolder() }),
      );
      assertAccounted(run, events);
      for (const name of events) {
        const { made: counted, dropped } = run.counters[name];
        assert.is(counted, made[name], name);
        if (ringBytes === 1 << 24) assert.is(dropped, 0, name);
      }
      if (ringBytes !== 1 << 24) assert.ok(run.counters.modify.dropped > 1000);
    }
  });

  live("threads that open and rename at the same time have each their own paths", async () => {
    const run = await python(
      ["create", "rename"],
      `
import threading
def work(me):
  for turn in range(200):
    os.close(os.open(f"{me}-{turn}", os.O_CREAT | os.O_WRONLY)); os.rename(f"{me}-{turn}", f"{me}-{turn}.done")
threads = [threading.Thread(target=work, args=(at,)) for at in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
`,
    );
    assert.is(new Set(pathsOf(run, "creation", run.cwd)).size, 1600);
    const renames = eventsOf(run, "rename");
    assert.is(renames.length, 1600);
    for (const { file } of renames) assert.is(file?.path, `${file?.Ext?.original?.path}.done`);
  });

  live("the best hooks of this kernel tell of the same files, each once", async () => {
    const events = ["create", "modify", "rename", "delete", "mode"] as const;
    const script = [
      "mkdir d; echo a > d/f; echo b >> d/f; mv d/f g.txt; chmod 4700 g.txt; ln g.txt h; ln -s h s; mkfifo p",
      "rm h s p; mv g.txt d; rm -r d; rmdir none 2>/dev/null; mv none d 2>/dev/null; chmod 1 none 2>/dev/null; true",
    ].join("; ");
    const told = (run: LiveRun, cwd: string): string[] =>
      run.events
        .map(({ event, file }) => [event.action, file?.path, file?.Ext?.original?.path].join(" ").replaceAll(cwd, ""))
        .filter((line) => !line.includes("/dev/"));
    const [first, second] = [newFolder(), newFolder()];
    const byCalls = told(await seen(events, ["/bin/sh", "-c", script], first), first);
    assert.is(byCalls.length, 14, byCalls.join("\n"));
    assert.equal(told(await seen(events, ["/bin/sh", "-c", script], second, []), second), byCalls);
  });

  live("of each class one way is attached, the best that this kernel takes, and a refusal is explained", async () => {
    const events = ["create", "modify", "open", "rename", "delete", "mode", "credential", "signal", "mmap"] as const;
    await collectWhile(addon, { cgroup: cgroup.path, events }, async (collector) => {
      for (const event of events) {
        const ways = collector.report().programs.filter((way) => way.event === event);
        const best = ways.findIndex(({ state }) => state === "attached");
        assert.ok(best >= 0, event);
        for (const [at, { state, reason }] of ways.entries()) {
          assert.is(state, at < best ? "failed" : at === best ? "attached" : "not needed", event);
          assert.is(reason === null, at >= best, event);
        }
      }
      const unwanted = collector.report().programs.filter(({ event }) => event === "ptrace" || event === "session");
      for (const { state } of unwanted) assert.is(state, "not wanted");
    });
  });
}
