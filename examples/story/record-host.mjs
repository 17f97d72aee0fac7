// Records what happens on one Linux host as ECS events: calls such as run(), file() and connect() -> documents in the order of
// time, with process ids, entity ids and sequence numbers. Times are microseconds since the story's start.
// INVARIANT: the same calls give the same documents.

import { createHash } from "node:crypto";

const START = Date.UTC(2026, 2, 17, 3, 0, 0) * 1000; // microseconds
const HOST = {
  name: "web-01",
  id: "4f1c9d02e6b84a7d",
  os: { type: "linux", family: "debian", name: "Debian GNU/Linux", version: "12" },
};
const SERVER = "10.0.20.10";
const USER_IDS = { root: "0", "www-data": "33", mysql: "106", monitor: "998", alice: "1001", bob: "1002" };

/** A small seeded generator (mulberry32): numbers in [0, 1). */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Minutes, seconds and a fraction of the story as microseconds since its start: at(6, 31.5) is 03:06:31.5. */
export const at = (minute, second = 0) => Math.round((minute * 60 + second) * 1e6);
const baseName = (path) => path.slice(path.lastIndexOf("/") + 1);

/** Microseconds since the story's start as an ISO 8601 instant with 3 or 6 digits of fraction. */
function instant(time, digits) {
  const micros = START + time;
  const date = new Date(Math.floor(micros / 1000)).toISOString();
  return digits === 3 ? date : `${date.slice(0, -1)}${String(micros % 1000).padStart(3, "0")}Z`;
}

/** The same event with all keys dotted, as some shippers write them. */
function dotted(event) {
  const flat = {};
  const walk = (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) flat[path] = value;
    else for (const [key, inner] of Object.entries(value)) walk(inner, path === "" ? key : `${path}.${key}`);
  };
  walk(event, "");
  return flat;
}

/** Starts a recording. `seed` decides ports, process ids and the digits of time below a millisecond. */
export function recordHost(seed) {
  const random = seeded(seed);
  const entries = [];
  let act = "background";

  // ---- processes. Ids are given once all events are in order of time, so that they grow with time.
  const processes = [];
  function make(parent, executable, args, user, pid) {
    const process = { parent, executable, name: baseName(executable), args, user, pid: pid ?? null, started: null };
    processes.push(process);
    return process;
  }
  const describe = (process) => ({
    entity_id: process.entity,
    pid: process.pid,
    name: process.name,
    executable: process.executable,
    args: process.args,
    args_count: process.args.length,
    command_line: process.args.join(" "),
  });

  function emit(time, category, type, action, process, more = {}, options = {}) {
    const entry = {
      time,
      act,
      delay: options.delay ?? 0,
      dotted: options.dotted ?? false,
      process,
      starts: false,
      event: null,
    };
    entry.build = (sequence) => ({
      "@timestamp": instant(entry.time, category === "authentication" ? 3 : 6),
      event: { kind: "event", category: [category], type, action, sequence, ...more.event },
      host: HOST,
      process: { ...describe(process), ...more.process, parent: process.parent ? describe(process.parent) : undefined },
      user: { id: USER_IDS[process.user], name: process.user },
      ...more.fields,
    });
    entries.push(entry);
    return entry;
  }

  /** A process is executed; with `life` (seconds) it also ends. */
  function run(
    time,
    parent,
    executable,
    args,
    { user = parent.user, life = null, exit = 0, delay = 0, dotted = false } = {},
  ) {
    const argv = typeof args === "string" ? args.split(" ") : args;
    const process = make(parent, executable, argv, user);
    process.started = time;
    emit(time, "process", ["start"], "exec", process, {}, { delay, dotted }).starts = true;
    if (life !== null) end(time + Math.round(life * 1e6), process, exit);
    return process;
  }
  /** A process is forked without executing anything. */
  function fork(time, parent) {
    const process = make(parent, parent.executable, parent.args, parent.user);
    process.started = time;
    emit(time, "process", ["start"], "fork", process).starts = true;
    return process;
  }
  /** A running process executes another program: same id, new name. */
  function become(time, process, executable, args) {
    const next = {
      ...process,
      executable,
      name: baseName(executable),
      args: args.split(" "),
      twin: process.twin ?? process,
    };
    processes.push(next);
    emit(time, "process", ["start"], "exec", next);
    return next;
  }
  function end(time, process, exit = 0) {
    emit(time, "process", ["end"], "end", process, { process: { exit_code: exit } });
  }

  const FILE_TYPE = { creation: "creation", modification: "change", rename: "change", deletion: "deletion" };
  function file(time, process, action, path, options = {}) {
    const name = baseName(path);
    const dot = name.lastIndexOf(".");
    const extension = dot > 0 ? { extension: name.slice(dot + 1) } : {};
    const more = { fields: { file: { path, name, directory: path.slice(0, path.lastIndexOf("/")), ...extension } } };
    emit(time, "file", [FILE_TYPE[action]], action, process, more, options);
  }
  const port = () => 32768 + Math.floor(random() * 28000);
  function connect(time, process, ip, to, options = {}) {
    const source = ip.startsWith("127.") ? ip : SERVER;
    const fields = {
      network: { transport: "tcp", type: "ipv4", direction: "egress" },
      source: { ip: source, port: port() },
      destination: { ip, port: to },
    };
    emit(time, "network", ["connection", "start"], "connection_attempted", process, { fields }, options);
  }
  function accept(time, process, ip, to) {
    const fields = {
      network: { transport: "tcp", type: "ipv4", direction: "ingress" },
      source: { ip, port: port() },
      destination: { ip: SERVER, port: to },
    };
    emit(time, "network", ["connection", "start"], "connection_accepted", process, { fields });
  }
  function login(time, sshd, ip, user, outcome) {
    const fields = { source: { ip, port: port() }, user: { id: USER_IDS[user], name: user } };
    emit(time, "authentication", ["start"], "ssh_login", sshd, { event: { outcome }, fields });
  }
  /** A process that was started before the story begins. */
  function daemon(parent, executable, args, user, pid) {
    const process = make(parent, executable, args, user, pid);
    process.started = -86_400e6 * 9 + pid * 1e5;
    return process;
  }
  /** One of a list, by chance. */
  const pick = (list) => list[Math.floor(random() * list.length)];
  /** What is recorded from here on belongs to `name`: "background" or "intrusion". */
  function setAct(name) {
    act = name;
  }

  /**
   * All that was recorded, in the order of event time: `{ time, act, delay, event }`, where `time` is in microseconds, `delay`
   * the microseconds by which the event reaches the file late, and `event` the ECS document.
   */
  function finish() {
    for (const entry of entries) entry.time += entry.time % 1000 === 0 ? Math.floor(random() * 1000) : 0;
    const order = [...entries.entries()].sort(([i, a], [j, b]) => a.time - b.time || i - j).map(([, entry]) => entry);
    let pid = 24_000;
    for (const { starts, process } of order) {
      if (starts && process.pid === null) {
        pid += 1 + Math.floor(random() * 4);
        process.pid = pid;
      }
    }
    for (const process of processes) {
      const self = process.twin ?? process;
      process.pid = self.pid;
      process.entity = createHash("sha256")
        .update(`${HOST.id} ${self.pid} ${self.started}`)
        .digest("base64url")
        .slice(0, 20);
    }
    return order.map((entry, i) => {
      const event = entry.build(i + 1);
      return { time: entry.time, act: entry.act, delay: entry.delay, event: entry.dotted ? dotted(event) : event };
    });
  }

  return { accept, become, connect, daemon, end, file, finish, fork, login, pick, random, run, setAct };
}
