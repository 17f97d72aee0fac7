// Classes of live events -> what their events say in event.category, event.type and event.action. Each class has programs, counters
// and a place in the plan of its own.

export interface EventKind {
  /** What the class is of, for people and for path filters. */
  readonly group: "process" | "file" | "network";
  /** Every event of the class has all of these. */
  readonly category: readonly string[];
  readonly type: readonly string[];
  /** Every event has one of these. */
  readonly actions: readonly string[];
  /**
   * "table": the process table is made of them, so they are collected whatever the rules ask.
   * "named": they are so many, or every system call of the machine pays for them, so that only a rule asks for them that names the
   * action; one that takes any action does not.
   */
  readonly wanted: "table" | "asked" | "named";
}

function kind(
  group: EventKind["group"],
  type: string,
  actions: string | readonly string[],
  wanted: EventKind["wanted"] = "asked",
  category: readonly string[] = [group],
): EventKind {
  return { group, category, type: [type], actions: typeof actions === "string" ? [actions] : actions, wanted };
}

export const EVENT_KINDS = {
  exec: kind("process", "start", "exec", "table"),
  fork: kind("process", "start", "fork", "table"),
  exit: kind("process", "end", "end", "table"),
  credential: kind("process", "change", ["uid_change", "gid_change"]),
  session: kind("process", "change", "session_id_change"),
  ptrace: kind("process", "start", "ptrace", "named"),
  memfd: kind("process", "start", "memfd_create", "named"),
  mmap: kind("process", "change", "mmap", "named"),
  signal: kind("process", "change", "signal"),
  module: kind("process", "start", "load_module", "asked", ["driver", "process"]),
  create: kind("file", "creation", "creation"),
  /** Opened for writing. */
  modify: kind("file", "change", "modification"),
  /** Opened for reading. */
  open: kind("file", "change", "open", "named"),
  rename: kind("file", "change", "rename"),
  delete: kind("file", "deletion", "deletion"),
  mode: kind("file", "change", "attributes_modified"),
  connect: kind("network", "start", "connection_attempted"),
  accept: kind("network", "start", "connection_accepted"),
  disconnect: kind("network", "end", "disconnect_received"),
  bind: kind("network", "info", "bound-socket"),
  listen: kind("network", "start", "listen-for-connections"),
  dns: {
    group: "network",
    category: ["network", "dns"],
    type: ["protocol", "info"],
    actions: ["lookup_requested", "lookup_result"],
    wanted: "asked",
  },
} as const satisfies Readonly<Record<string, EventKind>>;

export type EventClass = keyof typeof EVENT_KINDS;

/** In the order of the table. */
export const EVENT_CLASSES = Object.keys(EVENT_KINDS) as readonly EventClass[];

export function kindOf(event: EventClass): EventKind {
  return EVENT_KINDS[event];
}

/** The classes of a group. */
export function classesOf(group: EventKind["group"]): readonly EventClass[] {
  return EVENT_CLASSES.filter((event) => EVENT_KINDS[event].group === group);
}
