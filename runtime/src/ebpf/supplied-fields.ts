// A class of live events and a field -> whether its events have that field.
//
// INVARIANT: this table and the lines of the addon agree. A field that is missing here makes the plan leave events out.

import { classesOf, EVENT_CLASSES, type EventClass } from "./event-kinds.js";

/** Fields that cost something to find, and are found when the package reads them. */
export const EXTRAS = ["hashes", "environment", "capabilities"] as const;
export type Extra = (typeof EXTRAS)[number];

/**
 * "always": where there is something to say. An extra: when the package reads it. "planned": not yet, so that no rule which needs it
 * fires.
 */
export type Supply = "always" | Extra | "planned";

interface FieldGroup {
  readonly of: readonly EventClass[];
  readonly supply: Supply;
  readonly fields: readonly string[];
}

/** `under("a.b", "c", "d")` is `a.b.c` and `a.b.d`. */
function under(parent: string, ...names: readonly string[]): string[] {
  return names.map((name) => `${parent}.${name}`);
}

const HASHES = ["md5", "sha1", "sha256"];
const IDENTITY = ["pid", "entity_id", "name", "executable"];
const STARTED = [...IDENTITY, "args", "args_count", "command_line", "working_directory", "start", "interactive"];
const LEADER = [...IDENTITY, "start", "interactive"];
const ACCOUNTS = ["user", "real_user", "saved_user", "group", "real_group", "saved_group"];

const FILE_CLASSES = classesOf("file");
const CONNECTED_CLASSES: readonly EventClass[] = ["connect", "accept", "disconnect", "dns"];
const SOCKET_CLASSES: readonly EventClass[] = [...CONNECTED_CLASSES, "bind", "listen"];

const GROUPS: readonly FieldGroup[] = [
  {
    of: EVENT_CLASSES,
    supply: "always",
    fields: [
      "@timestamp",
      ...under("event", "kind", "category", "type", "action", "sequence", "outcome"),
      ...under("host", "name", "hostname", "id", "os.type"),
      ...under("user", "id", "name", "Ext.real.id", "Ext.real.name"),
      ...under("group", "id", "name", "Ext.real.id", "Ext.real.name"),
      "container.id",
      ...under("process", ...STARTED, "tty.char_device.major", "tty.char_device.minor"),
      ...ACCOUNTS.flatMap((account) => under(`process.${account}`, "id", "name")),
      ...under("process.parent", ...STARTED, "user.id", "user.name", "group.id", "group.name"),
      ...["real_user", "real_group"].flatMap((account) => under(`process.parent.${account}`, "id", "name")),
      ...["group_leader", "session_leader"].flatMap((leader) =>
        under(`process.${leader}`, ...LEADER, "same_as_process"),
      ),
      ...under("process.entry_leader", ...LEADER, "args", "args_count", "command_line", "same_as_process"),
      "process.entry_leader.entry_meta.type",
    ],
  },
  { of: EVENT_CLASSES, supply: "always", fields: under("process.parent.parent", ...IDENTITY, "start") },
  { of: ["exec"], supply: "always", fields: ["process.previous.executable"] },
  { of: ["exec"], supply: "hashes", fields: under("process.hash", ...HASHES) },
  { of: ["exec"], supply: "environment", fields: ["process.env_vars"] },
  {
    of: ["exec"],
    supply: "capabilities",
    fields: under("process.thread.capabilities", "effective", "permitted"),
  },
  { of: ["exit"], supply: "always", fields: ["process.exit_code"] },
  {
    of: ["memfd"],
    supply: "always",
    fields: [
      ...under("process.Ext.memfd", "name", "flags", "flag_cloexec", "flag_allow_seal", "flag_hugetlb"),
      ...under("process.Ext.memfd", "flag_noexec_seal", "flag_exec"),
    ],
  },
  { of: ["module"], supply: "always", fields: ["file.path", "file.name", "dll.name", "driver.name"] },
  {
    of: FILE_CLASSES,
    supply: "always",
    fields: [
      ...under("file", "path", "name", "extension", "directory", "mode", "inode", "type", "size", "target_path"),
      ...under("file", "uid", "gid", "owner", "group"),
    ],
  },
  // A file that was just made has no content yet; what a hash should be of is undecided.
  { of: FILE_CLASSES, supply: "planned", fields: under("file.hash", ...HASHES) },
  { of: ["rename"], supply: "always", fields: under("file.Ext.original", "path", "name", "extension") },
  {
    of: SOCKET_CLASSES,
    supply: "always",
    fields: [...under("source", "ip", "address", "port"), ...under("network", "transport", "type")],
  },
  {
    of: CONNECTED_CLASSES,
    supply: "always",
    fields: [...under("destination", "ip", "address", "port"), "network.direction"],
  },
  {
    of: ["dns"],
    supply: "always",
    fields: [
      ...["dns.id", "dns.type", "dns.response_code", "dns.answers_count", "dns.resolved_ip", "network.protocol"],
      ...under("dns.question", "name", "type", "class"),
    ],
  },
];

/** What the addon adds of its own, of any event. */
const OWN = /^kestrel(\.|$)/;

const SUPPLIES = suppliesByClass();

/** Every field, and every object that one of them stands in. Of an object counts the field that is supplied best. */
function suppliesByClass(): ReadonlyMap<EventClass, ReadonlyMap<string, Supply>> {
  const all = new Map(EVENT_CLASSES.map((event) => [event, new Map<string, Supply>()]));
  // What is always there comes first, what is not there yet last.
  const rank = (supply: Supply): number => (supply === "always" ? 0 : supply === "planned" ? 2 : 1);
  for (const { of, supply, fields } of [...GROUPS].sort((a, b) => rank(a.supply) - rank(b.supply))) {
    for (const event of of) {
      const supplies = all.get(event);
      for (const field of fields) {
        for (let name = field; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
          if (supplies?.has(name) === false) supplies.set(name, supply);
        }
      }
    }
  }
  return all;
}

/** When events of a class have a field, or something in it if it is an object; null where they never do. */
export function supplyOf(event: EventClass, field: string): Supply | null {
  if (OWN.test(field)) return "always";
  return SUPPLIES.get(event)?.get(field) ?? null;
}

/** Whether they have it now, if the package reads it. */
export function isSupplied(event: EventClass, field: string): boolean {
  const supply = supplyOf(event, field);
  return supply !== null && supply !== "planned";
}

/** The fields of the table itself, with when events of the class have them. */
export function suppliedFields(event: EventClass): ReadonlyMap<string, Supply> {
  return new Map(
    GROUPS.filter(({ of }) => of.includes(event)).flatMap(({ supply, fields }) =>
      fields.map((field): [string, Supply] => [field, supply]),
    ),
  );
}
