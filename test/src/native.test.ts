// The optional addon without a kernel: how it is found, where its sources come from, and what lines it makes of records. The last
// needs the addon, and is skipped with a line where it is not built.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asSourceEntries, deb822AsSource, oneLineAsSource } from "@kestrel/native/apt-sources";
import {
  EXEC_SIZE,
  EXIT_SIZE,
  execRecord,
  exitRecord,
  FLAG,
  FORK_SIZE,
  forkRecord,
  HOST,
  inRow,
} from "@kestrel/native/records";
import { wrongWith } from "@kestrel/native/source-packages";
import { makeOnce } from "@kestrel/native/stamps";
import { type EbpfAddon, EbpfAddonError, loadAddon } from "@kestrel/runtime/ebpf/load-addon";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import { addonOrReason, type LiveEvent, runOrSkip } from "./support/ebpf.js";
import { repositoryRoot } from "./support/repository.js";
import { sizeOf } from "./support/sizes.js";
import { strictJson } from "./support/strict-json.js";

const native = suite("native");
const folder = mkdtempSync(join(tmpdir(), "kestrel-native-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

native("without the addon, the error has a code and says how to build it", () => {
  assert.throws(
    () => loadAddon(folder),
    (error: unknown) =>
      error instanceof EbpfAddonError &&
      error.code === "E_EBPF_ADDON" &&
      error.message.includes("npm run build:native"),
  );
});

native("an addon that is no library is an error with the same code", () => {
  const target = join(folder, "broken", "build", `${process.platform}-${process.arch}`);
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "kestrel_ebpf.node"), "not a library");
  assert.throws(
    () => loadAddon(join(folder, "broken")),
    (error: unknown) => error instanceof EbpfAddonError && /cannot be loaded: /.test(error.message),
  );
});

native("lists of packages become lists of source packages", () => {
  const list =
    "# deb http://a.example/ x main\ndeb [arch=amd64 signed-by=/k] http://a.example/debian x main non-free\n";
  assert.is(oneLineAsSource(list), "deb-src [arch=amd64 signed-by=/k] http://a.example/debian x main non-free\n");
  assert.is(oneLineAsSource("deb-src http://a.example/debian x main\n"), "");
  const stanzas =
    "# of the image\nTypes: deb\n# old: x\nURIs: http://a.example/debian\nSuites: x x-updates\nComponents: main\n\n\n" +
    "Types: deb\nURIs: http://off.example/\nSuites: x\nEnabled: no\n\n" +
    "Types: deb-src\nURIs: http://src.example/\nSuites: x\n\nTypes: deb deb-src\nURIs: http://b.example/\nSuites: y\n";
  assert.is(
    deb822AsSource(stanzas),
    "Types: deb-src\nURIs: http://a.example/debian\nSuites: x x-updates\nComponents: main\n\n" +
      "Types: deb-src\nURIs: http://b.example/\nSuites: y\n",
  );
});

native("lists are read from their folder, and others' files there are not", () => {
  const apt = join(folder, "apt");
  mkdirSync(join(apt, "sources.list.d"), { recursive: true });
  writeFileSync(join(apt, "sources.list"), "deb http://a.example/ x main\n");
  writeFileSync(join(apt, "sources.list.d/b.sources"), "Types: deb\nURIs: http://b.example/\n");
  writeFileSync(join(apt, "sources.list.d/c.list.save"), "deb http://c.example/ x main\n");
  writeFileSync(join(apt, "sources.list.d/d.list"), "# nothing\n");
  assert.equal(asSourceEntries(apt), [
    { file: "main.list", text: "deb-src http://a.example/ x main\n" },
    { file: "b.sources", text: "Types: deb-src\nURIs: http://b.example/\n" },
  ]);
  assert.equal(asSourceEntries(join(folder, "nowhere")), []);
});

native("a source file that is not the one that was pinned is refused", () => {
  writeFileSync(join(folder, "x.tar"), "abc");
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.is(wrongWith(folder, "x.tar", abc), null);
  assert.match(wrongWith(folder, "x.tar", abc.replace("b", "c")) ?? "", /x\.tar has the SHA-256 ba7816bf.*is pinned/);
  assert.is(wrongWith(folder, "y.tar", abc), "y.tar is not there");
});

native("on a machine without compilers the build says what is missing, and the line that brings it", () => {
  const script = join(repositoryRoot(), "native/dist/main.js");
  const { status, stderr } = spawnSync(process.execPath, [script], { env: { PATH: folder }, encoding: "utf8" });
  assert.is(status, 1);
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  if (/^ID(?:_LIKE)?=.*(?:debian|ubuntu)/m.test(release)) {
    assert.match(stderr, /^build:native: missing: clang with the bpf target, llvm-strip, g\+\+, ar, make, /);
    assert.match(stderr, /\n {2}sudo apt-get install --no-install-recommends clang llvm g\+\+ binutils make /);
  } else {
    assert.match(stderr, /^build:native: the (?:sources of libbpf and elfutils come|addon reads)/);
  }
});

native("a step is done again when its ingredients change, and when it failed", async () => {
  const product = join(folder, "product");
  let made = 0;
  const make = async (): Promise<void> => {
    made++;
    writeFileSync(product, "x");
  };
  assert.is(await makeOnce(product, "1", make), true);
  assert.is(await makeOnce(product, "1", make), false);
  assert.is(await makeOnce(product, "2", make), true);
  const fail = async (): Promise<void> => {
    throw new Error("disk full");
  };
  await makeOnce(product, "3", fail).then(
    () => assert.unreachable(),
    () => undefined,
  );
  assert.is(await makeOnce(product, "2", make), true, "what a failing step left is not taken for its product");
  rmSync(product);
  assert.is(await makeOnce(product, "2", make), true);
  assert.is(made, 4);
});

native.run();

// --- records to lines ---

const lines = suite("native lines");
runOrSkip(lines, addonOrReason(), defineLineTests);

/** The one line of a record. */
function lineOf(addon: EbpfAddon, record: Buffer, clockOffset = 0n): LiveEvent {
  const { lines, malformed } = addon.linesOf(inRow([record]), HOST, clockOffset);
  assert.is(malformed, 0);
  const text = Buffer.from(lines).toString("utf8");
  assert.ok(text.endsWith("}\n") && text.indexOf("\n") === text.length - 1, text);
  // Bytes that are not UTF-8 would have been replaced on the way to `text`.
  assert.ok(Buffer.from(text).equals(lines));
  strictJson(text);
  return JSON.parse(text) as LiveEvent;
}

function defineLineTests(addon: EbpfAddon): void {
  lines("lines take the memory that they need, though room for the longest was kept while they were written", () => {
    const committed = (): number => Number(/^VmData:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
    const before = committed();
    const kept = Array.from({ length: 1000 }, () => addon.linesOf(forkRecord({ pid: 7 }), HOST, 0n).lines);
    const grown = committed() - before;
    assert.is(kept.length, 1000);
    assert.ok(grown < 200_000, `${grown} KiB for a thousand lines`);
  });

  lines("an exec has the fields of ECS", () => {
    const process = {
      pid: 77,
      start: 5_000_000_000n,
      parentPid: 70,
      parentStart: 4_000_000_000n,
      leaderPid: 71,
      uids: [1000, 0, 1] as const,
      gids: [100, 7, 8] as const,
      terminal: [136, 3] as const,
      comm: Buffer.from("cat"),
      parentComm: Buffer.from("sh"),
    };
    const args = Buffer.from("cat\0/etc/hosts\0\0");
    const record = execRecord({
      process,
      args,
      argc: 3,
      boottime: 5_000_000_001n,
      cgroup: 42n,
      executable: Buffer.from("/usr/bin/cat"),
      directory: Buffer.from("/home/x"),
      filename: Buffer.from("cat"),
    });
    assert.equal(lineOf(addon, record, 1_700_000_000_000_000_000n), {
      "@timestamp": "2023-11-14T22:13:25.000000001Z",
      event: { kind: "event", category: ["process"], type: ["start"], action: "exec", outcome: "success", sequence: 0 },
      host: { name: "host", hostname: "host", id: "0123", os: { type: "linux" } },
      process: {
        pid: 77,
        entity_id: "0011223344556677-77-5000000000",
        name: "cat",
        start: "2023-11-14T22:13:25.000000000Z",
        executable: "/usr/bin/cat",
        args_count: 3,
        args: ["cat", "/etc/hosts", ""],
        command_line: "cat /etc/hosts ",
        working_directory: "/home/x",
        interactive: true,
        tty: { char_device: { major: 136, minor: 3 } },
        user: { id: "0" },
        real_user: { id: "1000" },
        saved_user: { id: "1" },
        group: { id: "7" },
        real_group: { id: "100" },
        saved_group: { id: "8" },
        parent: {
          pid: 70,
          entity_id: "0011223344556677-70-4000000000",
          name: "sh",
          start: "2023-11-14T22:13:24.000000000Z",
        },
        group_leader: { pid: 71, same_as_process: false },
      },
      user: { id: "0", Ext: { real: { id: "1000" } } },
      group: { id: "7", Ext: { real: { id: "100" } } },
      kestrel: { cgroup: 42, filename: "cat" },
    });
  });

  lines("a fork is the start of the child, an exit the end, with the code that a shell would show", () => {
    const fork = lineOf(addon, forkRecord({ pid: 9, start: 1n, comm: Buffer.from("sh") }));
    assert.equal(fork.event.type, ["start"]);
    assert.is(fork.event.action, "fork");
    assert.is(fork.process.name, "sh");
    assert.is(fork.process.interactive, false);
    assert.is(fork.process.tty, undefined);
    assert.is(fork.process.parent, undefined);
    const exit = lineOf(addon, exitRecord(3 << 8));
    assert.equal(exit.event.type, ["end"]);
    assert.is(exit.event.action, "end");
    assert.is(exit.process.exit_code, 3);
    assert.is(exit.kestrel.signal, undefined);
    const killed = lineOf(addon, exitRecord(9));
    assert.is(killed.process.exit_code, 137);
    assert.is(killed.kestrel.signal, 9);
    // 0x80 says that a core was written.
    assert.is(lineOf(addon, exitRecord(0x80 | 11)).process.exit_code, 139);
  });

  lines("every byte may stand in every text", () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = Buffer.from([0x61, byte, 0x62]);
      const event = lineOf(
        addon,
        execRecord({ executable: text, directory: text, filename: text, argc: 1, args: text }),
      );
      const expected = text.toString("utf8");
      assert.is(event.process.executable, expected);
      assert.is(event.process.working_directory, expected);
      assert.is(event.kestrel.filename, expected);
      assert.equal(event.process.args, expected.split("\0"));
      assert.is(event.process.command_line, expected.replaceAll("\0", " "));
      assert.equal(event.kestrel.flags, byte < 0x80 ? undefined : ["not_utf8"]);
    }
  });

  lines("what is no UTF-8 is replaced as decoders of the web do it", () => {
    const random = createRandom(9);
    // Bytes at the borders of what may follow what, more often than chance would have it.
    const borders = [0, 0x22, 0x5c, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4];
    let broken = 0;
    for (let round = sizeOf("KESTREL_TEXTS", 20_000, 200_000); round > 0; round--) {
      const bytes = Buffer.alloc(1 + random.below(12));
      for (let at = 0; at < bytes.length; at++) {
        bytes[at] = random.chance(0.7) ? random.pick(borders) : random.below(256);
      }
      const { lines } = addon.linesOf(inRow([execRecord({ directory: bytes })]), HOST, 0n);
      const event = JSON.parse(Buffer.from(lines).toString()) as LiveEvent;
      const expected = bytes.toString("utf8");
      assert.is(event.process.working_directory, expected, bytes.toString("hex"));
      const valid = Buffer.from(expected).equals(bytes);
      if (!valid) broken++;
      assert.equal(event.kestrel.flags, valid ? undefined : ["not_utf8"]);
    }
    assert.ok(broken > 1000);
  });

  lines("names that hold quotes do not end their string", () => {
    const comm = Buffer.from('a"},"x":{"\n\\');
    const event = lineOf(addon, forkRecord({ pid: 1, parentPid: 2, parentStart: 1n, comm, parentComm: comm }));
    assert.is(event.process.name, comm.toString());
    assert.is(event.process.parent?.name, comm.toString());
    const host = { ...HOST, name: 'h"\n', id: "\\", bootId: '"' };
    const { lines } = addon.linesOf(inRow([forkRecord({ pid: 1 })]), host, 0n);
    assert.equal((JSON.parse(Buffer.from(lines).toString()) as { host: unknown }).host, {
      ...{ name: 'h"\n', hostname: 'h"\n', id: "\\" },
      os: { type: "linux" },
    });
  });

  lines("users and groups have the names of their files, where those are lines of accounts", () => {
    const users = join(folder, "passwd");
    const groups = join(folder, "group");
    const long = "l".repeat(65);
    writeFileSync(
      users,
      `root:x:0:0:root:/root:/bin/sh\nroot2:x:0:0::/:/bin/sh\n# x\n+::::::\n:x:1:1::\nno\nb"ad:x:7:7::/:\nhalf:x:8a:1\n` +
        `${long}:x:9:9::/:\nlast:x:4294967295`,
    );
    writeFileSync(groups, "wheel:x:0:root\nnogroup:x:65534:\n");
    const of = (uids: [number, number, number], gids: [number, number, number]): LiveEvent["process"] => {
      const record = inRow([forkRecord({ uids, gids })]);
      const { lines } = addon.linesOf(record, { ...HOST, users, groups }, 0n);
      return (JSON.parse(Buffer.from(lines).toString()) as LiveEvent).process;
    };
    const some = of([7, 0, 4294967295], [1, 0, 65534]);
    assert.equal(some.real_user, { id: "7", name: 'b"ad' });
    assert.equal(some.user, { id: "0", name: "root" });
    assert.equal(some.saved_user, { id: "4294967295", name: "last" });
    assert.equal(some.group, { id: "0", name: "wheel" });
    assert.equal(some.real_group, { id: "1" });
    const none = of([1, 8, 9], [2, 2, 2]);
    assert.equal([none.real_user, none.user, none.saved_user], [{ id: "1" }, { id: "8" }, { id: "9" }]);
    assert.equal(lineOf(addon, forkRecord({})).process.user, { id: "0" });
  });

  lines("a name of 16 bytes has no end of its own", () => {
    assert.is(lineOf(addon, forkRecord({ comm: Buffer.alloc(16, 0x78) })).process.name, "x".repeat(16));
  });

  lines("what was cut or could not be read is said, and not made up", () => {
    const flags = Object.values(FLAG).reduce((all, flag) => all | flag, 0) & ~FLAG.argsUnread;
    const event = lineOf(
      addon,
      execRecord({ flags, argc: 9, args: Buffer.from("a\0bcd"), argsSize: 99999, executable: Buffer.from("/x") }),
    );
    assert.equal(event.kestrel.flags, [
      ...["args_cut", "executable_cut", "working_directory_cut", "path_torn", "unlinked", "script", "filename_cut"],
      ...["path_cut", "path_unread", "mapping_unknown"],
    ]);
    assert.is(event.kestrel.args_size, 99999);
    assert.is(event.process.args_count, 9);
    assert.equal(event.process.args, ["a", "bcd"]);
    assert.is(event.process.executable, "/x (deleted)");
    assert.is(event.process.name, "x");
    const unread = lineOf(addon, execRecord({ flags: FLAG.argsUnread, argc: 2 }));
    assert.equal(unread.kestrel.flags, ["args_unread"]);
    assert.is(unread.process.args, undefined);
    assert.is(unread.process.command_line, undefined);
    assert.is(unread.process.args_count, 2);
  });

  lines("the longest record of the most expensive bytes has its place", () => {
    const worst = (length: number): Buffer => Buffer.alloc(length, 1);
    const event = lineOf(
      addon,
      execRecord({
        executable: worst(4096),
        directory: worst(4096),
        filename: worst(4095),
        args: worst(32768),
        argc: 1,
      }),
    );
    assert.is(event.process.command_line, "\u0001".repeat(32768));
    const many = lineOf(addon, execRecord({ args: Buffer.alloc(32768), argc: 32768 }));
    assert.is(many.process.args?.length, 32768);
  });

  lines("times are those of the calendar", () => {
    const random = createRandom(4);
    const times = [0n, 951_782_400_000n, 4_107_542_399_999n, 1_709_164_800_000n];
    for (let round = 0; round < 2000; round++) times.push(BigInt(random.below(2_000_000_000)) * 2000n + 7n);
    for (const milliseconds of times) {
      const event = lineOf(addon, forkRecord({}, { boottime: 5n }), milliseconds * 1_000_000n);
      assert.is(event["@timestamp"], new Date(Number(milliseconds)).toISOString().replace("Z", "000005Z"));
    }
  });

  lines("what is no record makes no line", () => {
    const exec = execRecord({ args: Buffer.from("x"), argc: 1 });
    const changed = (change: (record: Buffer) => void): Buffer => {
      const record = Buffer.from(exec);
      change(record);
      return record;
    };
    const ok = forkRecord({ pid: 5 });
    const wrong: readonly (readonly [what: string, record: Buffer])[] = [
      ["a class that is not known", changed((record) => record.writeUInt16LE(99, 4))],
      ["a text that begins behind the end", changed((record) => record.writeUInt16LE(exec.length + 1, 224))],
      ["a text that ends behind the end", changed((record) => record.writeUInt16LE(2, 226))],
      ["a path far away", changed((record) => record.writeUInt32LE(0xffffffff, 212))],
      ...[EXEC_SIZE, FORK_SIZE, EXIT_SIZE].map((size, kind): readonly [string, Buffer] => {
        const short = Buffer.alloc(size - 1);
        short.writeUInt32LE(size - 1, 0);
        short.writeUInt16LE(kind, 4);
        return [`class ${kind} cut short`, short];
      }),
    ];
    for (const [what, record] of wrong) {
      const { lines, malformed } = addon.linesOf(inRow([ok, record, ok]), HOST, 0n);
      assert.is(malformed, 1, what);
      const found = Buffer.from(lines).toString().trimEnd().split("\n");
      assert.equal(
        found.map((line) => (JSON.parse(line) as LiveEvent).event.sequence),
        [0, 1],
        what,
      );
    }
    for (const size of [0, 39, 1000]) {
      const lying = changed((record) => record.writeUInt32LE(size, 0));
      assert.is(addon.linesOf(inRow([lying]), HOST, 0n).malformed, 1, `a size of ${size}`);
    }
    assert.is(addon.linesOf(Buffer.from([1, 2]), HOST, 0n).malformed, 1);
  });
}
