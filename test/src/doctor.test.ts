// What a package asks of the live kernel (runtime/src/ebpf/plan-collection.ts), and what `kestrel-run doctor` says of it and of the
// machine, with an addon that is made up.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { doctorJson, doctorText, type PlannedPackage } from "@kestrel/runtime/cli/doctor";
import { type Diagnosis, diagnose } from "@kestrel/runtime/ebpf/diagnose";
import { EVENT_CLASSES, EVENT_KINDS, type EventClass } from "@kestrel/runtime/ebpf/event-kinds";
import {
  type CollectorReport,
  type EbpfAddon,
  EbpfAddonError,
  type EbpfCollector,
  type MachineFacts,
} from "@kestrel/runtime/ebpf/load-addon";
import { machineFromFiles } from "@kestrel/runtime/ebpf/machine-files";
import { type ClassPlan, type CollectionPlan, planCollection } from "@kestrel/runtime/ebpf/plan-collection";
import { isSupplied, suppliedFields, supplyOf } from "@kestrel/runtime/ebpf/supplied-fields";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileForTest, ruleOf } from "./support/run-pack.js";

const BIN = fileURLToPath(new URL("../../runtime/bin/kestrel-run.js", import.meta.url));
const doctor = suite("doctor");

async function planned(...queries: readonly string[]): Promise<PlannedPackage> {
  const rules = queries.map((query, at) => ruleOf(`r${at}`, query));
  const { pack, diagnostics } = await compileForTest(rules, { ...DEFAULT_OPTIONS, optimize: false });
  assert.equal(
    diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message),
    [],
  );
  return { manifest: pack.manifest, plan: planCollection(pack.manifest) };
}

async function planOf(...queries: readonly string[]): Promise<CollectionPlan> {
  return (await planned(...queries)).plan;
}

function classOf(plan: CollectionPlan, event: EventClass): ClassPlan {
  const found = plan.classes.find((one) => one.event === event);
  if (found === undefined) throw new Error(`no plan of ${event}`);
  return found;
}

/** The classes that rules see, with the rules that ask. */
function streamOf(plan: CollectionPlan): Record<string, readonly number[]> {
  return Object.fromEntries(
    plan.classes.filter(({ collect }) => collect === "stream").map(({ event, rules }) => [event, rules]),
  );
}

doctor("the process table is kept whatever rules ask, and nothing else is collected unasked", async () => {
  const plan = await planOf('file where event.action == "deletion" and file.name == "x"');
  assert.equal(streamOf(plan), { delete: [0] });
  const kept = plan.classes.filter(({ collect }) => collect === "table").map(({ event }) => event);
  assert.equal(kept, ["exec", "fork", "exit"]);
  assert.is(classOf(plan, "create").collect, "off");
});

doctor("category, type and action choose the classes, what is denied too", async () => {
  const plan = await planOf(
    'process where event.type == "start" and event.action : ("EXEC", "executed") and process.name == "a"',
    'process where event.type == "change" and event.action != "mmap" and event.action != "signal"',
    'network where event.type != "start"',
    "dns where true",
    "driver where true",
  );
  assert.equal(streamOf(plan), {
    exec: [0],
    credential: [1],
    session: [1],
    module: [4],
    disconnect: [2],
    bind: [2],
    dns: [2, 3],
  });
  assert.equal(classOf(plan, "exec").reasons, [{ category: ["process"], type: ["start"], action: ["exec"] }]);
  assert.equal(classOf(plan, "dns").reasons, [
    { category: ["network"], type: null, action: null },
    { category: ["dns"], type: null, action: null },
  ]);
});

doctor("a class with several actions is left out only when all are denied", async () => {
  const base = 'process where event.type == "change" and event.action != "uid_change"';
  assert.ok("credential" in streamOf(await planOf(base)));
  assert.not("credential" in streamOf(await planOf(`${base} and event.action != "gid_change"`)));
});

doctor("files that are read are collected only for rules that name the action", async () => {
  assert.not("open" in streamOf(await planOf('file where file.name == "x"', "any where true")));
  assert.equal(streamOf(await planOf('file where event.action in ("open", "rename") and file.name == "x"')), {
    open: [0],
    rename: [0],
  });
});

doctor("fields choose classes too: only events that have them are collected", async () => {
  const plan = await planOf("any where process.exit_code == 1", 'any where file.Ext.original.name == "x"');
  assert.equal(streamOf(plan), { exit: [0], rename: [1] });
});

doctor("paths are told for files, until a rule takes any", async () => {
  const cron = 'file where event.action == "creation" and file.path : ("/etc/cron.d/*", "/Var/Spool/cron/*")';
  const whole = 'file where event.action : "creation" and file.path : "/etc/*"';
  assert.equal(classOf(await planOf(cron), "create").paths, ["/etc/cron.d/", "/var/spool/cron/"]);
  assert.equal(classOf(await planOf(cron, whole), "create").paths, ["/etc/", "/var/spool/cron/"]);
  const any = await planOf(cron, whole, 'file where event.action in ("creation", "rename") and file.name == "x"');
  assert.is(classOf(any, "create").paths, null);
  assert.is(classOf(any, "delete").paths, null);
  // What asks first must not matter.
  const reversed = await planOf('file where event.action in ("creation", "rename") and file.name == "x"', whole, cron);
  assert.is(classOf(reversed, "create").paths, null);
});

doctor("a rule that can never fire is told with the reason, and asks for nothing", async () => {
  const plan = await planOf(
    'registry where registry.path == "x"',
    "sequence by process.entity_id [network where true] [process where process.parent.code_signature.trusted == true]",
    'sequence by process.entity_id with maxspan=1m [process where process.name == "a"] ![registry where true] until [file where file.name == "b"]',
    'process where process.parent.code_signature.trusted == true or process.name == "x"',
    'file where event.action == "creation" and file.hash.md5 == "x"',
  );
  assert.equal(
    plan.silent.map(({ rule, term, lack }) => [rule, term, lack]),
    [
      [0, 0, { kind: "events", asked: { category: ["registry"], type: null, action: null } }],
      [1, 1, { kind: "fields", of: "exec", fields: ["process.parent.code_signature.trusted"] }],
      [4, 0, { kind: "fields", of: "create", fields: ["file.hash.md5"] }],
    ],
  );
  const stream = streamOf(plan);
  assert.not("connect" in stream);
  assert.equal(stream.exec, [2, 3]);
  assert.equal(stream.create, [2]);
});

doctor("endgame rules, which read fields that live events lack, can never fire", async () => {
  const { pack } = await compileForTest([ruleOf("r", 'process where process_name == "x"')], {
    ...DEFAULT_OPTIONS,
    dialect: "endgame",
  });
  const { silent } = planCollection(pack.manifest);
  assert.is(silent[0]?.lack.kind, "fields");
});

doctor("lineage asks for starts, ends and what its queries ask for, but not for all that names a parent", async () => {
  const plan = await planOf(
    'file where event.action == "creation" and descendant of [process where process.name == "x" and event.action == "exec"]',
  );
  assert.equal(streamOf(plan), { exec: [0], fork: [0], exit: [0], create: [0] });
});

doctor("what is costly is found when the package reads it", async () => {
  const none = await planOf('process where process.name == "x"');
  assert.equal(none.extras, { hashes: [], environment: [], capabilities: [] });
  const all = await planOf(
    'process where process.hash.sha256 == "x" or process.env_vars : "LD_PRELOAD=*" or process.thread.capabilities.effective == "CAP_X"',
  );
  assert.equal(all.extras, {
    hashes: ["process.hash.sha256"],
    environment: ["process.env_vars"],
    capabilities: ["process.thread.capabilities.effective"],
  });
});

doctor("the tables agree with each other", () => {
  for (const event of EVENT_CLASSES) {
    const fields = suppliedFields(event);
    for (const name of ["event.category", "process.entity_id", "host.os.type"]) assert.is(fields.get(name), "always");
    for (const [field, supply] of fields) assert.is(supplyOf(event, field), supply, `${event} ${field}`);
  }
  // An object is there when anything in it is; what is planned is not there.
  assert.ok(isSupplied("exec", "process.parent"));
  assert.ok(isSupplied("exec", "process.parent.parent"));
  assert.not(isSupplied("create", "file.hash"));
  assert.not(isSupplied("exec", "file"));
  assert.ok(isSupplied("exec", "kestrel.flags"));
  assert.is(supplyOf("exec", "process.hash"), "hashes");
  const actions = EVENT_CLASSES.flatMap((event): readonly string[] => EVENT_KINDS[event].actions);
  assert.is(new Set(actions).size, actions.length, "two classes have one action");
});

const GOOD: MachineFacts = {
  kernel: "6.12.1-test",
  btf: true,
  lockdown: "none",
  securityModules: "lockdown,bpf",
  capabilities: { CAP_BPF: true, CAP_PERFMON: true, CAP_SYS_ADMIN: true },
};
const POOR: MachineFacts = {
  kernel: "6.1.0-test",
  btf: false,
  lockdown: "confidentiality",
  securityModules: "yama",
  capabilities: { CAP_BPF: false, CAP_PERFMON: false, CAP_SYS_ADMIN: false },
};
const REPORT: CollectorReport = {
  failure: null,
  processesReason: null,
  programs: [
    { name: "on_exec", event: "exec", hook: "tp_btf/sched_process_exec", tier: "B", state: "attached", reason: null },
    { name: "on_fork", event: "fork", hook: "tp_btf/sched_process_fork", tier: "B", state: "attached", reason: null },
    {
      name: "on_create",
      event: "create",
      hook: "fentry/vfs_create",
      tier: "A",
      state: "failed",
      reason: "EPERM\nlog of the verifier",
    },
    { name: "on_open", event: "create", hook: "tp_btf/sys_exit", tier: "B", state: "attached", reason: null },
    {
      name: "on_ptrace",
      event: "ptrace",
      hook: "lsm/ptrace",
      tier: "A",
      state: "failed",
      reason: "not \u001b[31mpermitted\nsecond line",
    },
  ],
};

/** An addon on a machine; how often a collector of it was stopped stands in `stopped`. */
function fakeAddon(machine: MachineFacts, report: CollectorReport | Error, stopped: { count: number }): EbpfAddon {
  class Collector implements EbpfCollector {
    constructor() {
      if (report instanceof Error) throw report;
    }
    report(): CollectorReport {
      return report as CollectorReport;
    }
    stop(): void {
      stopped.count++;
    }
    start(): void {
      throw new Error("the doctor reads no events");
    }
    want(): void {
      throw new Error("the doctor reads no events");
    }
    counters(): never {
      throw new Error("the doctor reads no events");
    }
  }
  return {
    interface: 1,
    Collector,
    machineFacts: () => machine,
    linesOf: () => ({
      lines: new Uint8Array(),
      malformed: 0,
      processes: { known: 0, bytes: 0, evicted: 0, lookedUp: 0, notFound: 0 },
    }),
  };
}

const QUERIES = [
  'process where event.action == "exec" and process.name == "a"',
  'file where event.action == "creation" and file.path : "/etc/cron.d/*"',
  'process where event.action == "ptrace"',
  'registry where registry.path == "x"',
];

function diagnosed(machine: MachineFacts, report: CollectorReport | Error): Diagnosis {
  const stopped = { count: 0 };
  const diagnosis = diagnose(() => fakeAddon(machine, report, stopped));
  assert.is(stopped.count, report instanceof Error ? 0 : 1, "the programs are detached again");
  return diagnosis;
}

doctor("text has a table that a person understands", async () => {
  const text = doctorText(diagnosed(GOOD, REPORT), await planned(...QUERIES));
  const lines = text.split("\n");
  const rowOf = (start: string, nth = 0): string =>
    (lines.filter((line) => line.startsWith(`${start} `))[nth] ?? "").replace(/ {2,}/g, " | ");
  assert.is(rowOf("kernel"), "kernel | 6.12.1-test");
  assert.is(rowOf("addon"), "addon | there");
  assert.is(rowOf("live events"), "live events | can be collected");
  assert.is(rowOf("exec"), "exec | B | ok | tp_btf/sched_process_exec");
  // The next best program serves the class, so that one failed is told in JSON only.
  assert.is(rowOf("create"), "create | B | ok | tp_btf/sys_exit");
  assert.is(rowOf("ptrace"), "ptrace | - | failed | lsm/ptrace: not \ufffd[31mpermitted");
  assert.is(rowOf("mmap"), "mmap | - | absent | this addon has no program for it");
  assert.ok(text.includes("test 1.0.0: 3 of 4 rules can fire on live events"));
  assert.is(rowOf("exec", 1), "exec | yes | 1 | r0 | process exec");
  assert.is(rowOf("fork", 1), "fork | kept for the process table");
  assert.is(rowOf("create", 1), "create | yes | 1 | r1 | file creation, below /etc/cron.d/");
  assert.is(rowOf("ptrace", 1), "ptrace | wanted, not possible here | 1 | r2 | process ptrace");
  assert.is(rowOf("mmap", 1), "mmap | no");
  assert.is(rowOf("  r3"), " | r3 | r3 | term 1 asks for event.category registry, and no live event is such");
  assert.not(text.includes("found because"));
});

doctor("every shortcoming is named with what it costs", () => {
  const failure = "not permitted: CAP_BPF and CAP_PERFMON are missing";
  // Nothing was tried: the programs have neither hooks nor reasons of their own.
  const untried = { name: "on_exec", event: "exec", hook: "", tier: "B", state: "failed", reason: null } as const;
  const diagnosis = diagnosed(POOR, { failure, processesReason: null, programs: [untried] });
  assert.equal(
    diagnosis.shortcomings.map(({ what }) => what),
    [
      "no BTF",
      "lockdown confidentiality",
      "no bpf among the security modules",
      "no CAP_BPF",
      "no CAP_PERFMON",
      "no CAP_SYS_ADMIN",
    ],
  );
  const text = doctorText(diagnosis, null);
  assert.match(text, /no CAP_BPF +programs cannot be loaded: nothing is collected/);
  assert.ok(text.includes(`cannot be collected: ${failure}`));
  assert.not(text.includes("EVENT"));
  // CAP_SYS_ADMIN stands for the others.
  const old = { ...GOOD, capabilities: { CAP_BPF: false, CAP_PERFMON: false, CAP_SYS_ADMIN: true } };
  assert.equal(diagnosed(old, REPORT).shortcomings, []);
  const thrown = diagnosed(GOOD, new Error("the object is broken"));
  assert.is(thrown.failure, "the object is broken");
  assert.ok(thrown.classes.every(({ state }) => state === "unknown"));
});

doctor("where the kernel does not tell what runs already, text and JSON say so and why", () => {
  const told = diagnosed(GOOD, REPORT);
  assert.match(doctorText(told, null), /^running processes +told by the kernel$/m);
  assert.equal(doctorJson(told, null).running_processes, { from: "kernel", reason: null });
  const refused = diagnosed(GOOD, { ...REPORT, processesReason: "EINVAL \u001b[31m\nlog of the verifier" });
  assert.match(doctorText(refused, null), /^running processes +read from \/proc alone, .*: EINVAL \ufffd\[31m$/m);
  assert.equal(doctorJson(refused, null).running_processes, {
    from: "proc",
    reason: "EINVAL \u001b[31m\nlog of the verifier",
  });
  const nothing = diagnosed(GOOD, new Error("the object is broken"));
  assert.not(doctorText(nothing, null).includes("running processes"));
  assert.equal(doctorJson(nothing, null).running_processes, { from: null, reason: null });
});

doctor("JSON has everything", async () => {
  const json = JSON.parse(JSON.stringify(doctorJson(diagnosed(GOOD, REPORT), await planned(...QUERIES)))) as {
    readonly machine: unknown;
    readonly addon: unknown;
    readonly live: unknown;
    readonly events: readonly { readonly event: string }[];
    readonly package: {
      readonly name: string;
      readonly rules: number;
      readonly collect: readonly { readonly event: string }[];
      readonly silent: unknown;
      readonly extras: unknown;
    };
  };
  assert.equal(json.addon, { available: true, reason: null });
  assert.equal(json.live, { possible: true, reason: null });
  assert.equal(json.machine, {
    kernel: "6.12.1-test",
    btf: true,
    lockdown: "none",
    security_modules: "lockdown,bpf",
    capabilities: { CAP_BPF: true, CAP_PERFMON: true, CAP_SYS_ADMIN: true },
  });
  assert.equal(
    json.events.map(({ event }) => event),
    EVENT_CLASSES,
  );
  assert.equal(
    json.events.find(({ event }) => event === "create"),
    {
      event: "create",
      state: "attached",
      tier: "B",
      hook: "tp_btf/sys_exit",
      reason: null,
      programs: [
        {
          name: "on_create",
          hook: "fentry/vfs_create",
          tier: "A",
          state: "failed",
          reason: "EPERM\nlog of the verifier",
        },
        { name: "on_open", hook: "tp_btf/sys_exit", tier: "B", state: "attached", reason: null },
      ],
    },
  );
  assert.is(json.package.rules, 4);
  assert.equal(
    json.package.collect.find(({ event }) => event === "create"),
    {
      event: "create",
      collect: "stream",
      possible: true,
      rules: [{ id: "r1", name: "r1" }],
      reasons: [{ category: ["file"], type: null, action: ["creation"] }],
      paths: ["/etc/cron.d/"],
    },
  );
  assert.equal(json.package.silent, [
    {
      id: "r3",
      name: "r3",
      term: 1,
      lack: { kind: "events", asked: { category: ["registry"], type: null, action: null } },
    },
  ]);
  assert.equal(json.package.extras, { hashes: [], environment: [], capabilities: [] });
  const bare = doctorJson(diagnosed(GOOD, REPORT), null) as { readonly package: unknown };
  assert.is(bare.package, null);
});

doctor("without the addon it says how to get it, and what the machine allows", async () => {
  const load = (): never => {
    throw new EbpfAddonError("the eBPF addon is not there. Build it with `npm run build:native`.");
  };
  const diagnosis = diagnose(load, () => GOOD);
  const text = doctorText(diagnosis, await planned(...QUERIES));
  assert.match(text, /^addon +the eBPF addon is not there\. Build it with `npm run build:native`\.$/m);
  assert.match(text, /^exec +yes +1/m);
  const broken = (): never => {
    throw new TypeError("a defect");
  };
  assert.throws(() => diagnose(broken), /a defect/);
});

doctor("the machine's files say what it allows", () => {
  const root = mkdtempSync(join(tmpdir(), "kestrel-machine-"));
  try {
    const nothing = machineFromFiles(root);
    assert.equal({ ...nothing, kernel: "" }, { ...POOR, kernel: "", lockdown: null, securityModules: null });
    const write = (file: string, text: string): void => {
      mkdirSync(join(root, file, ".."), { recursive: true });
      writeFileSync(join(root, file), text);
    };
    write("proc/sys/kernel/osrelease", "6.12.1-test\n");
    write("sys/kernel/btf/vmlinux", "");
    write("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
    write("sys/kernel/security/lsm", "lockdown,bpf");
    write("proc/self/status", "Name:\tnode\nCapPrm:\tffff\nCapEff:\t0000008000200000\n");
    assert.equal(machineFromFiles(root), {
      ...GOOD,
      lockdown: "integrity",
      capabilities: { CAP_BPF: true, CAP_PERFMON: false, CAP_SYS_ADMIN: true },
    });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

doctor("the command ends with 0 whatever this machine allows, and with 2 for a package that is none", () => {
  const run = (...parameters: readonly string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [BIN, "doctor", ...parameters], { encoding: "utf8" });
  const text = run();
  assert.is(text.status, 0, text.stderr);
  assert.match(text.stdout, /^kernel +\S/);
  const json = run("--format", "json");
  assert.is(json.status, 0);
  assert.is((JSON.parse(json.stdout) as { readonly package: unknown }).package, null);
  const missing = run("/nowhere/at/all");
  assert.is(missing.status, 2);
  assert.match(missing.stderr, /E_PACKAGE_MISSING/);
});

doctor.run();
