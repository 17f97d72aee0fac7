// The table of processes without a kernel: records made by hand → what lines say of a process and of those that it is related to.

import { createHash } from "node:crypto";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ExecRecord,
  execRecord,
  exitRecord,
  forkRecord,
  HOST,
  inRow,
  type ProcessRecord,
} from "@kestrel/native/records";
import type { EbpfAddon, Enrichment, TableCounters } from "@kestrel/runtime/ebpf/load-addon";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import { addonOrReason, type LiveEvent, runOrSkip } from "./support/ebpf.js";
import { sizeOf } from "./support/sizes.js";
import { strictJson } from "./support/strict-json.js";

const table = suite("native table");
const folder = mkdtempSync(join(tmpdir(), "kestrel-table-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
runOrSkip(table, addonOrReason(), defineTableTests);

/** A second of the boot-time clock, and a little that /proc does not show. */
const at = (second: number): bigint => BigInt(second) * 1_000_000_000n + 1234567n;

/** A process by pid and second of its start, and its parent likewise. */
function of(pid: number, second: number, parent?: readonly [number, number], more: ProcessRecord = {}): ProcessRecord {
  const [parentPid, parentSecond] = parent ?? [0, 0];
  return { pid, start: at(second), parentPid, parentStart: parentPid === 0 ? 0n : at(parentSecond), ...more };
}

/** An exec of a path, with arguments. */
function exec(process: ProcessRecord, path: string, args: readonly string[] = [path], more: ExecRecord = {}): Buffer {
  return execRecord({
    ...{ process, executable: Buffer.from(path), filename: Buffer.from(path), directory: Buffer.from("/home") },
    ...{ args: Buffer.from(args.map((arg) => `${arg}\0`).join("")), argc: args.length, ...more },
  });
}

interface Run {
  readonly events: readonly LiveEvent[];
  readonly table: TableCounters;
}

function run(addon: EbpfAddon, records: readonly Buffer[], options: Enrichment = {}, host = HOST): Run {
  const { lines, malformed, processes } = addon.linesOf(inRow(records), host, 0n, options);
  assert.is(malformed, 0);
  const text = Buffer.from(lines).toString();
  const events = text
    .trimEnd()
    .split("\n")
    .map((line) => {
      strictJson(line);
      return JSON.parse(line) as LiveEvent;
    });
  return { events, table: processes };
}

function last({ events }: Run): LiveEvent {
  return events.at(-1) as LiveEvent;
}

const id = (pid: number, second: number): string => `0011223344556677-${pid}-${at(second)}`;

/** A folder like /proc with one process. */
function putInProc(
  proc: string,
  pid: number,
  ticks: number,
  { parent = 0, name = "found", args = "found\0-x\0", exe = "/opt/found", state = "S" } = {},
): void {
  const own = join(proc, String(pid));
  mkdirSync(own, { recursive: true });
  const rest = Array.from({ length: 40 }, () => "0").join(" ");
  writeFileSync(
    join(own, "stat"),
    `${pid} (${name}) ${state} ${parent} ${pid} ${pid} 34819 ${Array.from({ length: 14 }, () => "7").join(" ")} ${ticks} ${rest}\n`,
  );
  writeFileSync(
    join(own, "status"),
    `Name:\t${name}\nUid:\t1000\t1001\t1002\t1003\nGid:\t2000\t2001\t2002\t2003\nGroups:\t\n`,
  );
  writeFileSync(join(own, "cmdline"), args);
  symlinkSync(exe, join(own, "exe"));
  symlinkSync("/var", join(own, "cwd"));
}

function defineTableTests(addon: EbpfAddon): void {
  table("a child has its parent's program, and an exec gives it another", () => {
    const shell = of(10, 1, undefined, { uids: [1, 2, 3], terminal: [136, 1] });
    const child = of(11, 2, [10, 1]);
    const grandchild = of(12, 3, [11, 2]);
    const { events } = run(addon, [
      exec(shell, "/bin/sh", ["sh", "-c", "x"]),
      forkRecord(child),
      exec(child, "/bin/make", ["make", "all"]),
      forkRecord(grandchild),
      exitRecord(0, grandchild),
      exitRecord(0, child),
    ]);
    const [, forked, made, second, ended] = events;
    assert.is(forked?.process.name, "sh");
    assert.is(forked?.process.executable, "/bin/sh");
    assert.equal(forked?.process.args, ["sh", "-c", "x"]);
    assert.is(forked?.process.args_count, 3);
    assert.is(forked?.process.working_directory, "/home");
    assert.is(forked?.process.previous, undefined);
    assert.is(made?.process.name, "make");
    assert.equal(made?.process.previous, { executable: "/bin/sh" });
    assert.equal(made?.process.parent, {
      ...{ pid: 10, entity_id: id(10, 1), name: "sh", start: "1970-01-01T00:00:01.001234567Z", executable: "/bin/sh" },
      ...{ args_count: 3, args: ["sh", "-c", "x"], command_line: "sh -c x", working_directory: "/home" },
      ...{ interactive: true, user: { id: "2" }, real_user: { id: "1" }, group: { id: "0" }, real_group: { id: "0" } },
    });
    assert.is(second?.process.executable, "/bin/make");
    assert.is(second?.process.parent?.command_line, "make all");
    assert.equal(second?.process.parent?.parent, {
      ...{ pid: 10, entity_id: id(10, 1), name: "sh", start: "1970-01-01T00:00:01.001234567Z", executable: "/bin/sh" },
    });
    assert.is(ended?.process.command_line, "make all");
    assert.is(ended?.process.exit_code, 0);
    assert.is(events[5]?.process.previous, undefined, "what ran before is told by the exec alone");
  });

  table("a pid that is used again is another process, and who has ended is still known", () => {
    const first = of(50, 1);
    const second = of(50, 9);
    const { events } = run(addon, [
      exec(first, "/bin/a"),
      exitRecord(0, first),
      exec(second, "/bin/b"),
      exitRecord(0, of(60, 10, [50, 1])),
      exitRecord(0, of(61, 10, [50, 9])),
      exitRecord(0, first),
    ]);
    assert.equal(
      events.slice(3).map(({ process }) => [process.parent?.entity_id, process.parent?.executable, process.executable]),
      [
        [id(50, 1), "/bin/a", undefined],
        [id(50, 9), "/bin/b", undefined],
        [undefined, undefined, "/bin/a"],
      ],
    );
  });

  table("of one pid a few processes are kept, the last ones", () => {
    const starts = Array.from({ length: 100 }, (_, index) => index + 1);
    const { events, table } = run(addon, [
      ...starts.map((second) => exec(of(50, second), `/bin/${second}`)),
      exitRecord(0, of(7, 200, [50, 100])),
      exitRecord(0, of(8, 200, [50, 1])),
    ]);
    assert.is(events[100]?.process.parent?.executable, "/bin/100");
    assert.is(events[101]?.process.parent?.executable, undefined);
    assert.ok(table.known < 15 && table.evicted > 85, JSON.stringify(table));
  });

  table("when the table is full, who ended first goes first, and what the records say is still told", () => {
    const daemon = exec(of(5, 1), "/sbin/daemon");
    const records = [daemon];
    for (let pid = 100; pid < 1100; pid++) {
      const child = of(pid, pid, [5, 1]);
      records.push(forkRecord(child), exec(child, `/bin/p${pid}`), exitRecord(0, child));
    }
    const late = of(2000, 2000, [100, 100], { parentComm: Buffer.from("p100") });
    const recent = of(2001, 2000, [1099, 1099]);
    records.push(exitRecord(0, late), exitRecord(0, recent), exitRecord(0, of(2002, 2000, [5, 1])));
    const all = run(addon, records, { table: { entries: 20 } });
    assert.ok(all.table.known <= 25, JSON.stringify(all.table));
    assert.ok(all.table.evicted >= 980);
    const [forgotten, kept, child] = all.events.slice(-3).map(({ process }) => process.parent);
    assert.equal(forgotten, {
      ...{ pid: 100, entity_id: id(100, 100), name: "p100", start: "1970-01-01T00:01:40.001234567Z" },
    });
    assert.is(kept?.executable, "/bin/p1099");
    assert.is(child?.executable, "/sbin/daemon", "who runs is kept while others have ended");

    const few = run(addon, records, { table: { ended: 3 } });
    assert.ok(few.table.known <= 9, JSON.stringify(few.table));
    // Every program has a directory of 4,000 bytes, so that bytes are what is short.
    const fat = records.map((_, index) =>
      exec(of(100 + index, 1), "/bin/fat", ["fat"], { directory: Buffer.from(`/${"d".repeat(4000)}`) }),
    );
    const bytes = run(addon, fat, { table: { bytes: 100_000 } });
    assert.ok(bytes.table.bytes < 110_000 && bytes.table.known > 5, JSON.stringify(bytes.table));
    // A child shares what its parent runs, and costs no more of it.
    const shared = run(
      addon,
      [fat[0] as Buffer, ...Array.from({ length: 200 }, (_, index) => forkRecord(of(5000 + index, 2, [100, 1])))],
      { table: { bytes: 200_000 } },
    );
    assert.is(shared.table.evicted, 0);
    assert.is(last(shared).process.working_directory, `/${"d".repeat(4000)}`);
  });

  table("a table that has no room for the processes of one event forgets them, and the event itself is whole", () => {
    const random = createRandom(5);
    for (const limits of [{ entries: 0 }, { entries: 1 }, { entries: 2 }, { ended: 0, bytes: 0 }, { bytes: 600 }]) {
      const records: Buffer[] = [];
      const names: (string | undefined)[] = [];
      for (let round = 0; round < 500; round++) {
        const [pid, parent, leader] = [0, 0, 0].map(() => 2 + random.below(6)) as [number, number, number];
        const process = of(pid, 1 + random.below(12), [parent, 1 + random.below(12)], {
          ...{ leaderPid: leader, leaderStart: at(1), sessionPid: pid, sessionStart: at(1) },
        });
        const kind = random.below(3);
        names.push(kind === 0 ? `p${round}` : undefined);
        records.push(
          kind === 0 ? exec(process, `/bin/p${round}`) : kind === 1 ? forkRecord(process) : exitRecord(0, process),
        );
      }
      const { events, table } = run(addon, records, { table: limits });
      assert.ok(table.known < 8 && table.evicted > 400, JSON.stringify(table));
      for (const [index, name] of names.entries()) {
        if (name !== undefined) assert.is(events[index]?.process.name, name);
        if (name !== undefined) assert.equal(events[index]?.process.args, [`/bin/${name}`]);
      }
    }
  });

  table("leaders are told of after their end, and not confused with who has their pid", () => {
    const leader = of(20, 2, undefined, { leaderPid: 20, leaderStart: at(2), sessionPid: 20, sessionStart: at(2) });
    const member = of(21, 3, [20, 2], { leaderPid: 20, leaderStart: at(2), sessionPid: 20, sessionStart: at(2) });
    const orphan = { ...member, parentPid: 1, parentStart: at(0), leaderStart: 0n, sessionStart: 0n };
    const stranger = of(22, 3, [1, 0], { leaderPid: 20, leaderStart: 0n, sessionPid: 19 });
    const { events } = run(addon, [
      exec(leader, "/bin/lead"),
      forkRecord(member),
      exitRecord(0, leader),
      exec(of(20, 9), "/bin/other"),
      exitRecord(0, orphan),
      exitRecord(0, stranger),
    ]);
    assert.equal(events[0]?.process.session_leader?.same_as_process, true);
    for (const event of [events[1], events[4]]) {
      for (const told of [event?.process.group_leader, event?.process.session_leader]) {
        assert.equal(told, {
          ...{ pid: 20, entity_id: id(20, 2), name: "lead", start: "1970-01-01T00:00:02.001234567Z" },
          ...{ executable: "/bin/lead", interactive: false, same_as_process: false },
        });
      }
    }
    assert.equal(events[5]?.process.group_leader, { pid: 20, same_as_process: false });
    assert.equal(events[5]?.process.session_leader, { pid: 19, same_as_process: false });
  });

  /** Init, and processes that lead a session each, every one forked by the one before it. */
  const ancestry = (...steps: readonly (readonly [path: string, ProcessRecord?])[]): LiveEvent => {
    const records = [exec(of(1, 0, undefined, { sessionPid: 1, sessionStart: at(0) }), "/usr/lib/systemd/systemd")];
    let parent: readonly [number, number] = [1, 0];
    steps.forEach(([path, more], index) => {
      const [pid, second] = [100 + index, 10 + index];
      const child = of(pid, second, parent, { sessionPid: pid, sessionStart: at(second), ...more });
      records.push(forkRecord({ ...child, sessionPid: 99, sessionStart: 0n }), exec(child, path, [path, "-x"]));
      parent = [pid, second];
    });
    return last(run(addon, records));
  };
  const inSession = (index: number): ProcessRecord => ({ sessionPid: 100 + index, sessionStart: at(10 + index) });

  table("the entry leader is where a session was entered", () => {
    const entry = (event: LiveEvent): unknown[] => {
      const leader = event.process.entry_leader;
      return [leader?.name, leader?.entry_meta.type, leader?.same_as_process];
    };
    // Over the network: sshd has an sshd for each connection. What leaves the session with setsid belongs to it still.
    const ssh = ancestry(
      ["/usr/sbin/sshd"],
      ["/usr/sbin/sshd"],
      ["/bin/bash"],
      ["/bin/sh"],
      ["/usr/bin/id", inSession(3)],
    );
    assert.equal(entry(ssh), ["bash", "sshd", false]);
    assert.equal(ssh.process.entry_leader?.args, ["/bin/bash", "-x"]);
    assert.is(ssh.process.entry_leader?.entity_id, id(102, 12));
    assert.equal(entry(ancestry(["/usr/sbin/sshd"], ["/usr/lib/openssh/sshd-session"])), ["sshd", "init", false]);
    assert.equal(entry(ancestry(["/usr/sbin/cron"])), ["cron", "init", true]);
    assert.equal(entry(ancestry(["/usr/sbin/cron"], ["/bin/sh"])), ["cron", "init", false]);
    assert.equal(entry(ancestry(["/usr/lib/systemd/systemd"], ["/usr/bin/pulseaudio"])), ["pulseaudio", "init", true]);
    const screen: ProcessRecord = { terminal: [4, 1] };
    assert.equal(entry(ancestry(["/usr/bin/login"], ["/bin/bash", screen])), ["bash", "console", true]);
    assert.equal(entry(ancestry(["/usr/bin/xterm"], ["/bin/bash", { terminal: [136, 0] }])), [
      "bash",
      "terminal",
      true,
    ]);
    assert.equal(entry(ancestry(["/usr/bin/ssm-session-worker"], ["/bin/sh"])), ["sh", "ssm", true]);
    const shim = "/usr/bin/containerd-shim-runc-v2";
    assert.equal(entry(ancestry([shim], ["/usr/bin/redis"], ["/bin/sh", inSession(1)])), ["redis", "container", false]);
    assert.equal(entry(ancestry([shim])), ["containerd-shim-runc-v2", "init", true]);
    assert.is(entry(last(run(addon, [exec(of(9, 9), "/bin/x")])))[1], undefined);
    const alone = of(9, 9, [8, 8], { sessionPid: 9, sessionStart: at(9) });
    assert.equal(entry(last(run(addon, [exec(alone, "/bin/x")]))), ["x", "unknown", true]);
  });

  table("a session's entry stays what it was when who let it in has ended", () => {
    const sshd = of(100, 10, [1, 0], { sessionPid: 100, sessionStart: at(10) });
    const shell = of(101, 11, [100, 10], { sessionPid: 101, sessionStart: at(11) });
    const orphan = { ...shell, parentPid: 1, parentStart: at(0) };
    const event = last(
      run(addon, [
        exec(of(1, 0), "/sbin/init"),
        exec(sshd, "/usr/sbin/sshd"),
        forkRecord({ ...shell, sessionPid: 100, sessionStart: at(10) }),
        exec(shell, "/bin/bash"),
        exitRecord(0, sshd),
        exec(orphan, "/usr/bin/python3"),
      ]),
    );
    assert.is(event.process.parent?.pid, 1);
    assert.is(event.process.entry_leader?.entity_id, id(101, 11));
    assert.is(event.process.entry_leader?.entry_meta.type, "sshd");
  });

  table("ancestors that go in a circle, or on for long, end the search", () => {
    const circle = run(addon, [forkRecord(of(1000, 1, [1001, 1])), forkRecord(of(1001, 1, [1000, 1]))]);
    assert.is(circle.events.length, 2);
    const own = run(addon, [forkRecord(of(1000, 1, [1000, 1]))]);
    assert.is(last(own).process.parent?.pid, 1000);
    const long = Array.from({ length: 500 }, (_, index) => exitRecord(0, of(2000 + index, 1, [2001 + index, 1])));
    assert.is(run(addon, long.reverse()).events.length, 500);
  });

  table("an exec has its arguments whole, later events have the first 4,096 bytes, and say so", () => {
    const args = ["x".repeat(4000), "y".repeat(6000)];
    const parent = of(10, 1);
    const child = of(11, 2, [10, 1]);
    const { events } = run(addon, [
      exec(parent, "/bin/p", args),
      exitRecord(0, parent),
      forkRecord(child),
      exec(child, "/bin/c", ["c"]),
    ]);
    const cut = ["x".repeat(4000), "y".repeat(95)];
    assert.equal(events[0]?.process.args, args);
    assert.is(events[0]?.kestrel.flags, undefined);
    assert.equal([events[1]?.process.args, events[1]?.process.args_count], [cut, 2]);
    assert.is(events[1]?.process.command_line, cut.join(" "));
    assert.equal(events[1]?.kestrel.flags, ["args_cut"]);
    assert.equal(events[2]?.kestrel.flags, ["args_cut", "parent_cut"]);
    assert.equal([events[3]?.process.parent?.args, events[3]?.process.args], [cut, ["c"]]);
    assert.equal(events[3]?.kestrel.flags, ["parent_cut"]);
    const empty = run(addon, [exec(parent, "/bin/p", ["a", "", ""]), exitRecord(0, parent)]);
    assert.equal(
      empty.events.map(({ process }) => [process.args, process.command_line]),
      [
        [["a", "", ""], "a  "],
        [["a", "", ""], "a  "],
      ],
    );
    // Whole to the last byte: 4,096 and the NUL that ends them.
    const whole = run(addon, [exec(parent, "/bin/p", ["z".repeat(4096)]), exitRecord(0, parent)]);
    assert.equal(last(whole).process.args, ["z".repeat(4096)]);
    assert.is(last(whole).kestrel.flags, undefined);
  });

  table("what of an exec was not whole is said by later events of its process too", () => {
    const one = of(10, 1);
    const lasting = run(addon, [exec(one, "/x", [], { flags: 0xff }), exitRecord(0, one)]);
    assert.equal(last(lasting).kestrel.flags, [
      ...["args_cut", "args_unread", "executable_cut", "working_directory_cut", "path_torn"],
    ]);
    assert.is(last(lasting).process.executable, "/x (deleted)");
    assert.is(last(lasting).process.name, "x");
    const bytes = run(addon, [exec(one, "/x", [], { directory: Buffer.from([0x2f, 0xff]) }), exitRecord(0, one)]);
    assert.equal(last(bytes).kestrel.flags, ["not_utf8"]);
    const again = run(addon, [exec(one, "/\u00e9"), exitRecord(0, one), exitRecord(0, one)]);
    assert.is(last(again).kestrel.flags, undefined);
  });

  table("the longest of everything has its place", () => {
    const worst = (length: number): Buffer => Buffer.alloc(length, 1);
    const name = worst(16);
    const most = (process: ProcessRecord): Buffer =>
      execRecord({
        ...{ process, executable: worst(4096), directory: worst(4096), filename: worst(4095) },
        ...{ args: worst(32768), argc: 0xffffffff, argsSize: 0xffffffff, flags: 0xfffd, boottime: 2n ** 62n },
        cgroup: 2n ** 64n - 1n,
      });
    const huge = 2n ** 64n - 1n;
    const ids = { uids: [7, 7, 7], gids: [7, 7, 7], comm: name, parentComm: name } as const;
    const shared = { ...ids, leaderComm: name, sessionComm: name, terminal: [0xffff, 0xffff] } as const;
    const chain = (pid: number, more: ProcessRecord): ProcessRecord => ({
      ...{ pid, start: huge, parentPid: pid + 1, parentStart: huge, ...shared, ...more },
    });
    const leaders = {
      ...{ leaderPid: 4294967293, leaderStart: huge, sessionPid: 4294967294, sessionStart: huge },
    };
    const everyone = [4294967294, 4294967293, 4294967292, 4294967291, 4294967290];
    const accounts = join(folder, "accounts");
    writeFileSync(accounts, `${"\u0001".repeat(64)}:x:7:7::/:\n`);
    const host = {
      ...{ ...HOST, users: accounts, groups: accounts },
      ...{ name: "\u0001".repeat(64), id: "\u0001".repeat(64), bootId: "\u0001".repeat(36) },
    };
    const records = everyone.map((pid) => most(chain(pid, leaders)));
    const hashed = run(
      addon,
      [...records, ...records, exitRecord(9, chain(4294967290, leaders)), most(chain(4294967290, leaders))],
      { hashes: ["md5", "sha1", "sha256"] },
      host,
    );
    const text = JSON.stringify(last(hashed));
    assert.ok(text.length > 700_000, `${text.length}`);
    assert.is(last(hashed).process.parent?.command_line, "\u0001".repeat(4096));
    assert.is(last(hashed).process.parent?.parent?.executable?.length, 4096 + " (deleted)".length);
    assert.is(last(hashed).process.session_leader?.pid, 4294967294);
    assert.is(last(hashed).user.Ext.real.name, "\u0001".repeat(64));
    // As many arguments as bytes: each has two quotes and a comma.
    const empty = (process: ProcessRecord): Buffer =>
      execRecord({ process, executable: worst(4096), args: Buffer.alloc(32768), argc: 32768 });
    const many = run(
      addon,
      everyone.flatMap((pid) => [empty(chain(pid, leaders)), exitRecord(0, chain(pid, leaders))]),
    );
    assert.is(last(many).process.args?.length, 4097);
  });

  table("a process that no record told of is looked for in /proc once, and has to have begun then", () => {
    const proc = join(folder, "proc");
    putInProc(proc, 1, 5, { name: "init", exe: "/sbin/init", args: "init\0" });
    putInProc(proc, 30, 300, { parent: 1, name: "a) b (c", args: "sh\0-c\0", exe: "/bin/sh (deleted)" });
    putInProc(proc, 31, 310, { parent: 30, args: `${"a".repeat(5000)}\0b` });
    putInProc(proc, 32, 9999);
    mkdirSync(join(proc, "33"));
    writeFileSync(join(proc, "33/stat"), "33 (broken");
    const host = { ...HOST, proc };
    putInProc(proc, 35, 350, { args: `${"w".repeat(4096)}\0` });
    putInProc(proc, 36, 360, { args: "written over" });
    const found = of(31, 3, [30, 2], {
      comm: Buffer.from("found"),
      start: 3_104_999_999n,
      parentStart: 3_004_000_000n,
    });
    const { events, table } = run(addon, [exitRecord(0, found), exitRecord(0, found)], {}, host);
    assert.is(events[0]?.process.executable, "/opt/found");
    assert.is(events[0]?.process.entity_id, "0011223344556677-31-3104999999");
    assert.is(events[0]?.process.args?.[0], "a".repeat(4096));
    assert.is(events[0]?.process.args_count, 2);
    assert.equal(events[0]?.kestrel.flags, ["args_cut"]);
    assert.is(events[0]?.process.working_directory, "/var");
    assert.is(events[0]?.process.parent?.name, "sh");
    assert.is(events[0]?.process.parent?.executable, "/bin/sh (deleted)");
    assert.equal(events[0]?.process.parent?.user, { id: "1001" });
    assert.equal(events[0]?.process.parent?.real_group, { id: "2000" });
    assert.is(events[0]?.process.parent?.interactive, true);
    assert.is(events[0]?.process.parent?.entity_id, "0011223344556677-30-3004000000");
    // Of its parent's parent no record has said when it began, so it has no id yet.
    assert.equal(events[0]?.process.parent?.parent, { pid: 1, name: "init", executable: "/sbin/init" });
    assert.is(events[0]?.process.entry_leader?.entry_meta.type, "init");
    assert.equal({ ...table, bytes: 0 }, { known: 3, bytes: 0, evicted: 0, lookedUp: 1, notFound: 0 });

    // The first record that names it says when: the same process, by the same id from then on.
    const child = of(40, 4, [1, 0], { parentStart: 51_234_567n });
    const named = run(addon, [exitRecord(0, found), exitRecord(0, child), exitRecord(0, found)], {}, host);
    assert.is(named.events[1]?.process.parent?.entity_id, "0011223344556677-1-51234567");
    assert.is(named.events[1]?.process.parent?.executable, "/sbin/init");
    assert.is(named.events[2]?.process.parent?.parent?.entity_id, "0011223344556677-1-51234567");

    const whole = run(addon, [exitRecord(0, of(35, 3, undefined, { start: 3_501_234_567n }))], {}, host);
    assert.equal([last(whole).process.args, last(whole).kestrel.flags], [["w".repeat(4096)], undefined]);
    const over = run(addon, [exitRecord(0, of(36, 3, undefined, { start: 3_601_234_567n }))], {}, host);
    assert.equal([last(over).process.args, last(over).process.args_count], [["written over"], 1]);

    for (const gone of [of(32, 3), of(33, 3), of(34, 3), of(31, 3, undefined, { start: 3_110_000_000n })]) {
      const event = exitRecord(0, { ...gone, comm: Buffer.from("gone") });
      const missed = run(addon, [event, event, event], {}, host);
      assert.is(last(missed).process.executable, undefined);
      assert.is(last(missed).process.name, "gone");
      assert.equal([missed.table.lookedUp, missed.table.notFound], [1, 1]);
    }
  });

  table("hashes are those of the file that runs, for the kinds that were asked for", () => {
    const proc = join(folder, "proc-of-hashes");
    const file = join(folder, "program");
    mkdirSync(join(proc, "9"), { recursive: true });
    symlinkSync(file, join(proc, "9/exe"));
    const host = { ...HOST, proc };
    const hashOf = (
      hashes: Enrichment["hashes"],
      inode = statSync(file).ino,
      pid = 9,
      path = "/nonexistent",
    ): LiveEvent =>
      last(
        run(
          addon,
          [exec(of(pid, 1), path, [], { inode: BigInt(inode) })],
          hashes === undefined ? {} : { hashes },
          host,
        ),
      );
    const random = createRandom(3);
    for (const size of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 65535, 65536, 65537, 300_000]) {
      const bytes = Buffer.from(Array.from({ length: size }, () => random.below(256)));
      writeFileSync(file, bytes);
      const expected = (kind: string): string => createHash(kind).update(bytes).digest("hex");
      const all = { md5: expected("md5"), sha1: expected("sha1"), sha256: expected("sha256") };
      assert.equal(hashOf(["sha256", "md5", "sha1"]).process.hash, all, `${size} bytes`);
      assert.equal(hashOf(["sha1"]).process.hash, { sha1: all.sha1 });
    }
    assert.is(hashOf(undefined).process.hash, undefined);
    assert.is(hashOf(undefined).kestrel.flags, undefined);
    // Of a process that has gone the path is tried.
    assert.ok(hashOf(["md5"], undefined, 8, file).process.hash?.md5 !== undefined);
    const skipped = (event: LiveEvent): void => {
      assert.is(event.process.hash, undefined);
      assert.equal(event.kestrel.flags, ["hash_skipped"]);
    };
    skipped(hashOf(["md5"], statSync(file).ino + 1));
    skipped(hashOf(["md5"], 1, 8));
    truncateSync(file, (16 << 20) + 1);
    skipped(hashOf(["sha256"]));
    assert.throws(() => run(addon, [], { hashes: ["md4" as "md5"] }), /there is no hash md4/);
  });

  table("a file is read again only when it has changed", () => {
    const proc = join(folder, "proc-of-changes");
    const file = join(folder, "changing");
    mkdirSync(join(proc, "9"), { recursive: true });
    symlinkSync(file, join(proc, "9/exe"));
    writeFileSync(file, "one");
    const inode = BigInt(statSync(file).ino);
    const record = exec(of(9, 1), "/x", [], { inode });
    const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
    const both = run(addon, [record, record], { hashes: ["md5"] }, { ...HOST, proc });
    assert.equal(
      both.events.map(({ process }) => process.hash?.md5),
      [md5("one"), md5("one")],
    );
    appendFileSync(file, " two");
    const changed = run(addon, [record], { hashes: ["md5"] }, { ...HOST, proc });
    assert.is(last(changed).process.hash?.md5, md5("one two"));
    // 8 MiB take a while, so most of 200 such files have no place in the time that is given to hashes.
    const many: Buffer[] = [];
    for (let index = 0; index < 40; index++) {
      const big = join(folder, `big${index}`);
      writeFileSync(big, "");
      truncateSync(big, 8 << 20);
      many.push(exec(of(1000 + index, 1), big, [], { inode: BigInt(statSync(big).ino) }));
    }
    const began = process.hrtime.bigint();
    const { events } = run(addon, many, { hashes: ["md5", "sha1", "sha256"] }, { ...HOST, proc });
    const took = Number(process.hrtime.bigint() - began) / 1e6;
    const left = events.filter(({ kestrel }) => kestrel.flags?.includes("hash_skipped")).length;
    assert.ok(left > 10 && left < 40, `${left} of 40 were left out`);
    assert.ok(took < 2000, `${took} ms`);
  });

  table("what is kept of a process is what would be made anew", () => {
    // Processes whose pids have the same low bits share a place, so that hardly anything is kept; apart from that the streams are alike.
    const random = createRandom(11);
    const rounds = sizeOf("KESTREL_TABLE", 3_000, 100_000);
    const made: ((factor: number) => Buffer)[] = [];
    const session = Array.from({ length: 31 }, () => 2);
    for (let round = 0; round < rounds; round++) {
      // 1 is init's.
      const pid = 2 + random.below(29);
      const parent = 2 + random.below(29);
      const start = 1 + random.below(2);
      const uid = random.below(2);
      const step = random.below(10);
      const cut = random.chance(0.05) ? 5000 : 3;
      if (step === 1) session[pid] = pid;
      const leader = session[pid] ?? 2;
      made.push((factor) => {
        const process = of(pid * factor, start, [parent * factor, 1], {
          ...{ uids: [uid, uid, 0], sessionPid: leader * factor, sessionStart: at(1) },
          ...{ leaderPid: parent * factor, leaderStart: at(1) },
        });
        if (step === 0) return exec(process, `/bin/p${round}`, ["p", "a".repeat(cut)]);
        if (step === 2) return forkRecord(process);
        return exitRecord(step, process);
      });
    }
    const text = (factor: number): string => {
      const { lines } = addon.linesOf(inRow(made.map((make) => make(factor))), HOST, 0n);
      if (factor === 1) return Buffer.from(lines).toString();
      const pids = /("pid":|-)(\d+)(?=[,}-])/g;
      return Buffer.from(lines)
        .toString()
        .replace(pids, (whole, before: string, digits: string) =>
          Number(digits) >= factor && Number(digits) % factor === 0 ? `${before}${Number(digits) / factor}` : whole,
        );
    };
    const apart = text(1).split("\n");
    const together = text(1024).split("\n");
    assert.is(apart.length, rounds + 1);
    for (const [index, line] of apart.entries()) assert.is(together[index], line, `line ${index}`);
  });
}
