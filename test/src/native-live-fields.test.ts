// What supplied-fields.ts says that live events have, against what they have: a field that it forgets makes the plan leave events out,
// and one that it makes up makes rules wait for what never comes.

import { EVENT_CLASSES, type EventClass } from "@kestrel/runtime/ebpf/event-kinds";
import type { EbpfAddon } from "@kestrel/runtime/ebpf/load-addon";
import { isSupplied, suppliedFields } from "@kestrel/runtime/ebpf/supplied-fields";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ACTIONS, collectWhile, type LiveEvent, liveAddonOrReason, makeCgroup, runOrSkip } from "./support/ebpf.js";

const live = suite("native live fields");
runOrSkip(live, liveAddonOrReason(), defineTest);

/** Makes an event of every class, some of them with several ways to. */
const SCRIPT = `
import ctypes, mmap, os, signal, socket, tempfile, time
libc = ctypes.CDLL(None, use_errno=True)
folder = tempfile.mkdtemp(prefix="kestrel-fields-")
path = folder + "/a.txt"
open(path, "w").close(); open(path, "a").close(); open(path).close()
os.chmod(path, 0o640); os.rename(path, folder + "/b.txt"); os.unlink(folder + "/b.txt"); os.rmdir(folder)
os.memfd_create("kestrel")
mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)
child = os.fork()
if child == 0:
  os.setsid(); os.setresuid(65534, 65534, 65534); time.sleep(60)
time.sleep(0.2)
libc.ptrace(16, child, 0, 0); os.waitpid(child, 0); libc.ptrace(17, child, 0, 0)
os.kill(child, signal.SIGKILL); os.waitpid(child, 0)
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen()
client = socket.socket(); client.connect(server.getsockname())
accepted, _ = server.accept(); client.close(); accepted.close(); server.close()
ask = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
name = b"\\x07kestrel\\x04test\\0"
ask.sendto(b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + name + b"\\0\\1\\0\\1", ("127.0.0.1", 53))
if os.fork() == 0: os.execv("/bin/true", ["true", "-x"])
os.wait()
`;

/** Fields that are there under circumstances that a test cannot count on. */
const SOMETIMES = [
  /^container\.id$/,
  /^host\.id$/,
  /tty\./,
  // Accounts that have no name; relations that are not known, as of what was started from outside of a namespace.
  /(?:user|group)\.name$/,
  /^process\.(?:parent\.parent|group_leader|session_leader|entry_leader)\./,
  // Of a call that only names its file nothing more is known.
  /^file\.(?:mode|uid|gid|owner|group|inode|type|extension|size|target_path)$/,
  // Of answers; nobody answers here.
  /^dns\.(?:resolved_ip|response_code|answers_count)$/,
  /^process\.Ext\.memfd\.flag_/,
];

function pathsOf(value: unknown, path: string, found: Set<string>): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    found.add(path);
    return;
  }
  for (const [name, below] of Object.entries(value)) pathsOf(below, path === "" ? name : `${path}.${name}`, found);
}

function defineTest(addon: EbpfAddon): void {
  const cgroup = makeCgroup();
  live.after(() => cgroup.remove());

  live("every field that is said to be there is, and none that is there is forgotten", async () => {
    const all = {
      ...{ cgroup: cgroup.path, events: EVENT_CLASSES, capabilities: true, environment: true },
      hashes: ["md5", "sha1", "sha256"] as const,
    };
    const run = await collectWhile(addon, all, async () => {
      const { code, output } = await cgroup.run(["python3", "-BSsEc", SCRIPT], { cwd: "/" });
      assert.is(code, 0, output);
    });
    const seen = new Map<EventClass, Set<string>>();
    for (const event of run.events) {
      const kind = EVENT_CLASSES.find((one) => ACTIONS[one].includes(event.event.action));
      if (kind === undefined) continue;
      const fields = seen.get(kind) ?? new Set<string>();
      pathsOf(event satisfies LiveEvent, "", fields);
      seen.set(kind, fields);
    }
    // This kernel may have no modules.
    const missing = EVENT_CLASSES.filter((kind) => !seen.has(kind) && kind !== "module");
    assert.equal(missing, [], "classes that no event was made of");
    const wrong = [...seen].flatMap(([kind, fields]) => {
      const lacks = [...suppliedFields(kind)].flatMap(([field, supply]) =>
        supply === "planned" || fields.has(field) || SOMETIMES.some((one) => one.test(field)) ? [] : [field],
      );
      const forgotten = [...fields].filter((field) => !isSupplied(kind, field));
      return [
        ...lacks.map((field) => `${kind} lacks ${field}`),
        ...forgotten.map((field) => `${kind} has ${field}, which supplied-fields.ts forgets`),
      ];
    });
    assert.equal(wrong, []);
  });
}
