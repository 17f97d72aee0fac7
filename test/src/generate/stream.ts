// A seed -> a sequence, sample or lineage query, and a stream of events that it is likely to match: few keys, few kinds of
// event, timestamps that collide, processes that start and end, and values missing or repeated where keys are read. All names
// are those of TEST_SCHEMA.

import { type Feature, generateCondition } from "./query.js";
import type { Random } from "./random.js";
import { TEST_SCHEMA } from "./schema.js";
import { timeNumber } from "./time-text.js";

export interface StreamOptions {
  /** How many events; 40 when absent. */
  readonly length?: number;
  /** By how many places an event may arrive early or late; 0 when absent, which is in the order of their timestamps. */
  readonly disorder?: number;
}

export interface SequenceOptions {
  /** `![ ]` terms; true when absent. */
  readonly missing?: boolean;
  /** `until`; true when absent. */
  readonly until?: boolean;
  /** `with runs=N`; true when absent. */
  readonly runs?: boolean;
  /** Keys that may be missing, and fields with several values as keys; true when absent. */
  readonly optionalKeys?: boolean;
  /** `] as name`, and the names in later terms and in `until`; true when absent. */
  readonly aliases?: boolean;
  /** `descendant of` and its kin, and `_arraysearch`; true when absent. */
  readonly lineage?: boolean;
}

const NAMES = ["a", "b", "c", "d"];
const USERS = ["root", "Root", "eve"];
const START = 1_700_000_000_000;
/** What takes long to compile, and is tried elsewhere. */
const SLOW: readonly Feature[] = ["regex", "dates", "versions", "addresses"];

/** `sequence …`, with two to four positive terms, each of which some events of `generateStream` match. */
export function generateSequence(random: Random, options: SequenceOptions = {}): string {
  const keys = random.weighted<() => string[]>([
    [2, () => []],
    [4, () => ["process.pid"]],
    [2, () => ["user.name"]],
    [2, () => ["process.pid", "user.name"]],
  ])();
  const optional = options.optionalKeys !== false && random.chance(0.3);
  const written = keys.map((key) => (optional ? `?${key}` : key));
  const perTerm = keys.length > 0 && random.chance(0.25);
  const missing = options.missing !== false && random.chance(0.3);
  const span = missing || random.chance(0.6) ? ` with maxspan=${random.pick(["1s", "2s", "500ms", "3s", "1m"])}` : "";

  const positives = random.chance(0.05) ? 1 : 2 + random.below(3);
  const named = options.aliases !== false && random.chance(0.35);
  const aliases: string[] = [];
  const terms: string[] = [];
  const add = (mark: string): void => {
    // A term may be joined by another field than the rest: a child's parent is some process's pid.
    const own = written.map((key, i) =>
      i === 0 && keys[0] === "process.pid" && random.chance(0.3) ? "process.parent.pid" : key,
    );
    const by = perTerm ? ` by ${own.join(", ")}` : "";
    const runs = options.runs !== false && random.chance(0.1) ? ` with runs=${2 + random.below(2)}` : "";
    const alias = named && mark === "" && random.chance(0.8) ? `e${aliases.length}` : null;
    const usable = mark === "" ? aliases : [];
    terms.push(`  ${mark}[${termQuery(random, options, usable)}]${alias === null ? "" : ` as ${alias}`}${by}${runs}`);
    if (alias !== null) aliases.push(alias);
  };
  for (let i = 0; i < positives; i++) {
    if (missing && random.chance(0.4)) add("!");
    add("");
  }
  if (missing && (random.chance(0.4) || !terms.some((term) => term.startsWith("  !")))) add("!");

  const by = keys.length > 0 && !perTerm ? ` by ${written.join(", ")}` : "";
  let query = `sequence${by}${span}\n${terms.join("\n")}`;
  if (options.until !== false && random.chance(0.3))
    query += `\nuntil [${termQuery(random, options, aliases)}]${perTerm ? ` by ${written.join(", ")}` : ""}`;
  if (random.chance(0.1)) query += `\n| ${random.pick(["head", "tail"])} ${1 + random.below(3)}`;
  return query;
}

/** `sample by …`, with two or three terms. */
export function generateSample(random: Random, options: SequenceOptions = {}): string {
  const keys = random.pick(["process.pid", "user.name", "?user.name", "process.pid, ?user.name"]);
  const terms = Array.from({ length: 2 + random.below(2) }, () => `  [${termQuery(random, options, [])}]`);
  return `sample by ${keys}\n${terms.join("\n")}`;
}

/** Lines of NDJSON in the order of their arrival. */
export function generateStream(random: Random, options: StreamOptions = {}): string[] {
  const length = options.length ?? 40;
  const arrivals: { readonly place: number; readonly line: string }[] = [];
  const world = createWorld(random);
  let quarters = 0;
  for (let i = 0; i < length; i++) {
    // Half of the events share their timestamp with the one before; now and then there is a long pause.
    quarters += random.weighted([
      [5, 0],
      [3, 1],
      [2, 2],
      [0.5, 20],
      [0.2, 300],
      // More than an hour: processes that ended are forgotten.
      [0.02, 20_000],
    ]);
    const disorder = options.disorder ?? 0;
    const place = disorder > 0 ? i + random.below(2 * disorder + 1) - disorder : i;
    arrivals.push({ place, line: eventLine(random, START + quarters * 250, i, world) });
  }
  return arrivals.sort((a, b) => a.place - b.place).map((arrival) => arrival.line);
}

/** An event query that asks for lineage, for a stream of processes. */
export function generateLineageQuery(random: Random): string {
  const condition = generateCondition(random, TEST_SCHEMA, { depth: 2, lineage: true, without: SLOW });
  return `${termCategory(random)} where ${condition}${random.chance(0.5) ? ` and ${lineage(random, 2)}` : ""}`;
}

function termQuery(random: Random, options: SequenceOptions, aliases: readonly string[]): string {
  const simple = (): string =>
    random.weighted<() => string>([
      [5, () => `process.name == "${random.pick(NAMES)}"`],
      [2, () => `process.name in ("${random.pick(NAMES)}", "${random.pick(NAMES)}")`],
      [1, () => `process.name != "${random.pick(NAMES)}"`],
      [1, () => `process.exit_code > ${random.below(3)}`],
      [1, () => "true"],
    ])();
  const has = options.lineage !== false ? 1 : 0;
  const condition = random.weighted<() => string>([
    [10, simple],
    [has, () => lineage(random, 1)],
    [has, () => `${simple()} and not ${lineage(random, 1)}`],
    [has, () => search(random)],
    [aliases.length > 0 ? 10 : 0, () => `${simple()} ${random.pick(["and", "and", "or"])} ${beside(random, aliases)}`],
    [
      0.5 * has,
      () => generateCondition(random, TEST_SCHEMA, { depth: 2, lineage: random.chance(0.3), aliases, without: SLOW }),
    ],
  ])();
  return `${termCategory(random)} where ${condition}`;
}

function termCategory(random: Random): string {
  return random.weighted([
    [3, "any"],
    [3, "process"],
    [2, "file"],
  ]);
}

/** A leaf over the event at hand and one of an earlier term. */
function beside(random: Random, aliases: readonly string[]): string {
  const alias = random.pick(aliases);
  const field = random.pick(["process.pid", "process.name", "user.name", "process.parent.pid", "process.exit_code"]);
  return random.weighted<() => string>([
    [4, () => `${field} ${random.pick(["==", "!="])} ${alias}.${field}`],
    [1, () => `process.exit_code ${random.pick(["<", "<=", ">", ">=", "=="])} ${alias}.process.exit_code`],
    [1, () => `process.parent.pid == ${alias}.process.pid`],
    [1, () => `${random.pick(["startsWith~", "startsWith", "stringContains"])}(user.name, ${alias}.user.name)`],
    [1, () => `${alias}.${field} ${random.pick(["==", "!="])} null`],
    [1, () => `?${alias}.no.such == null`],
    [1, () => `_arraysearch(${alias}.process.stack, $e, $e.symbol == process.name)`],
    [1, () => `_arraysearch(process.stack, $e, $e.size == ${alias}.process.pid or $e.any == ${alias}.user.name)`],
    [1, () => `${alias}.process.exit_code + process.pid ${random.pick(["==", "!="])} null`],
  ])();
}

function search(random: Random): string {
  return `_arraysearch(process.stack, $e, $e.symbol == "${random.pick(NAMES)}" ${random.pick(["and", "or"])} $e.size ${random.pick(["==", ">", "!="])} ${random.below(3)})`;
}

function lineage(random: Random, depth: number): string {
  const relation = random.pick(["descendant of", "descendant of", "child of", "event of"]);
  const inner =
    depth > 0 && random.chance(0.2)
      ? lineage(random, depth - 1)
      : `process.name == "${random.pick(NAMES)}"${random.chance(0.2) ? ` and process.exit_code == ${random.below(3)}` : ""}`;
  return `${relation} [${random.pick(["process", "process", "any", "file"])} where ${inner}]`;
}

/** The processes of a stream as they start and end; a pid is used again, and some events are not in the stream. */
interface World {
  readonly alive: { readonly pid: number; readonly entity: number; readonly parent: number | null }[];
  entities: number;
  /** How a process is named: by entity ids, by pids, or by either. */
  readonly naming: "entity" | "pid" | "either";
}

function createWorld(random: Random): World {
  return { alive: [], entities: 0, naming: random.pick(["entity", "pid", "either"]) };
}

/** What an event says of its process. */
function processEntries(random: Random, world: World): Entry[] {
  const kind = random.weighted<"start" | "end" | "fork" | "exec" | "other">([
    [3, "start"],
    [1.5, "end"],
    [1, "fork"],
    [1, "exec"],
    [4, "other"],
  ]);
  const parentOf = random.chance(0.85) && world.alive.length > 0 ? random.pick(world.alive) : null;
  let own = world.alive.length > 0 ? random.pick(world.alive) : null;
  if (own === null || kind === "start" || kind === "fork") {
    own = { pid: 1 + random.below(6), entity: world.entities++, parent: parentOf?.entity ?? null };
    world.alive.push(own);
  }
  if (kind === "end" && random.chance(0.9)) world.alive.splice(world.alive.indexOf(own), 1);
  const parentEntity = own.parent;
  const parent = world.alive.find(({ entity }) => entity === parentEntity) ?? parentOf;
  const entries: Entry[] = [];
  const types = {
    start: '"start"',
    end: '"end"',
    fork: '["start","fork"]',
    exec: '"start"',
    other: '"change"',
  };
  if (random.chance(0.95)) entries.push(["event.type", random.chance(0.03) ? '["start","end"]' : types[kind]]);
  const names = (which: "entity" | "pid"): boolean =>
    world.naming === which || (world.naming === "either" && random.chance(0.5));
  if (names("entity")) {
    entries.push(["process.entity_id", `"E${own.entity}"`]);
    if (parentEntity !== null && random.chance(0.8)) entries.push(["process.parent.entity_id", `"E${parentEntity}"`]);
  } else if (random.chance(0.3)) entries.push(["host.id", random.pick(['"h"', '"i"', "null"])]);
  if (parent !== null && random.chance(0.8)) entries.push(["process.parent.pid", String(parent.pid)]);
  entries.push(["process.pid", String(own.pid)]);
  return entries;
}

type Entry = readonly [name: string, text: string];

function eventLine(random: Random, milliseconds: number, place: number, world: World): string {
  const entries: string[] = [];
  const put = (name: string, text: string): void => {
    entries.push(`${JSON.stringify(name)}:${text}`);
  };
  if (!random.chance(0.05)) put("@timestamp", random.chance(0.03) ? '"soon"' : timestampText(random, milliseconds));
  // Tiebreakers run against the order of arrival, so that ignoring them shows.
  if (random.chance(0.7)) put("event.sequence", tiebreakerText(random, 1000 - place));
  if (!random.chance(0.05))
    put("event.category", random.pick(['"process"', '"process"', '"file"', '["file","process"]', '"network"']));
  put("process.name", JSON.stringify(random.pick(NAMES)));
  const pid = (): number => 1 + random.below(3);
  if (random.chance(0.6)) {
    for (const [name, text] of processEntries(random, world)) put(name, text);
  } else {
    if (!random.chance(0.08)) put("process.pid", random.chance(0.1) ? `[${pid()},${pid()},null]` : String(pid()));
    if (random.chance(0.6)) put("process.parent.pid", String(pid()));
  }
  const user = (): string => JSON.stringify(random.pick(USERS));
  if (!random.chance(0.15)) put("user.name", random.chance(0.1) ? `[${user()},${user()}]` : user());
  if (random.chance(0.4)) put("process.exit_code", String(random.below(4)));
  if (random.chance(0.3)) put("process.stack", stackText(random));
  return `{${entries.join(",")}}`;
}

/** In half of the streams' ties one side is above the greatest i64, and some are text. */
function tiebreakerText(random: Random, number: number): string {
  const text = random.chance(0.3) ? String(2n ** 64n - 1000n + BigInt(number) - 1n) : String(number);
  return random.chance(0.03)
    ? `"x${text}"`
    : random.chance(0.03)
      ? `${text}00`
      : random.chance(0.2)
        ? `"${text}"`
        : text;
}

function stackText(random: Random): string {
  const element = (): string => {
    const any = random.pick(['"root"', "1", "null", '["eve"]']);
    return `{"symbol":"${random.pick(NAMES)}","size":${random.below(4)},"any":${any}}`;
  };
  return random.chance(0.2) ? element() : `[${Array.from({ length: random.below(4) }, element).join(",")}]`;
}

function timestampText(random: Random, milliseconds: number): string {
  if (random.chance(0.4)) return timeNumber(random, milliseconds);
  const text = new Date(milliseconds).toISOString();
  // A few nanoseconds on top: another instant in the same millisecond.
  return JSON.stringify(random.chance(0.1) ? text.replace("Z", `00000${1 + random.below(9)}Z`) : text);
}
