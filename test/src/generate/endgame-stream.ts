// A seed -> a sequence, join or sample of the endgame dialect, and a stream that it is likely to match: few names, few keys
// of several types, times that collide and run back, processes that start and end, pids that are used again.

import { generateEndgameCondition } from "./endgame-query.js";
import type { Random } from "./random.js";
import { timeNumber } from "./time-text.js";

export interface EndgameStreamOptions {
  /** How many events; 40 when absent. */
  readonly length?: number;
  /** Whether time may run back; false when absent. */
  readonly backwards?: boolean;
}

export interface EndgameSequenceOptions {
  /** `![ ]` terms, which need time to run forwards; true when absent. */
  readonly missing?: boolean;
}

export interface EndgamePipes {
  /** Only pipes that work on a stream, which is so when absent; otherwise all of them. */
  readonly all?: boolean;
}

const NAMES = ["a", "b", "c", "d"];
const KEYS = ["k", "k", "pid", "user", "length(user)", "pid % 2", "obj.k", "k == 1"];
const START = 1_700_000_000_000;

export function generateEndgameSequence(random: Random, options: EndgameSequenceOptions = {}): string {
  const kind = random.weighted([
    [8, "sequence"],
    [2, "join"],
    [1, "sample"],
  ]);
  if (kind === "sample") return sample(random);
  const keys = Array.from({ length: random.below(3) }, () => random.pick(KEYS));
  const own = keys.length > 0 && random.chance(0.3);
  const missing = options.missing !== false && kind === "sequence" && random.chance(0.15);
  const span =
    kind === "sequence" && (missing || random.chance(0.5))
      ? ` with maxspan=${random.pick(["1s", "500ms", "2s", "3s", "1m"])}`
      : "";
  const by = keys.length > 0 && !own ? ` by ${keys.join(", ")}` : "";
  const head = span !== "" && random.chance(0.3) ? `${span}${by}` : `${by}${span}`;
  const count = 2 + random.below(3);
  const terms: string[] = [];
  for (let i = 0; i < count; i++) {
    if (missing && random.chance(0.4)) terms.push(term(random, "!", own ? keys : []));
    const fork =
      kind === "sequence" && i > 0 && random.chance(0.2)
        ? random.pick([" fork=true", " fork=true", " fork=false"])
        : "";
    terms.push(`${term(random, "", [])}${fork}${ownKeys(random, own ? keys : [])}`);
  }
  if (missing && random.chance(0.5)) terms.push(term(random, "!", own ? keys : []));
  const until = random.chance(0.3) ? `\nuntil ${term(random, "", own ? keys : [])}` : "";
  return `${kind}${head}\n${terms.map((one) => `  ${one}`).join("\n")}${until}`;
}

/** Pipes behind a query; `several`: behind one of several terms. */
export function generateEndgamePipes(random: Random, several: boolean, options: EndgamePipes = {}): string {
  const named = (names: readonly string[]): string => {
    const name = random.pick(names);
    return several && /^[a-z]+$/.test(name) && random.chance(0.5) ? `events[${random.below(2)}].${name}` : name;
  };
  const field = (): string => named(["name", "pid", "user", "k", "num", "length(name)"]);
  const listOf = (one: () => string): string => Array.from({ length: 1 + random.below(2) }, one).join(", ");
  const keys = (): string => listOf(field);
  // Values of several types have no order.
  const ordered = (): string => listOf(() => named(["name", "num", "length(name)"]));
  const comparison = (): string => {
    const subject = field();
    const constant = random.pick(subject.startsWith("length") ? ["1", "4"] : ['"a"', "1", "2", '"root"', "null"]);
    return `${subject} ${random.pick(constant === "null" ? ["==", "!="] : ["==", "!=", "<", ">"])} ${constant}`;
  };
  const pipe = (): string =>
    random.weighted<() => string>([
      [2, () => `head ${1 + random.below(20)}`],
      [3, () => `filter ${comparison()}`],
      [3, () => `unique ${keys()}`],
      [1, () => `unique_count ${keys()}`],
      [options.all === true ? 2 : 0, () => `tail ${1 + random.below(10)}`],
      [options.all === true ? 2 : 0, () => `sort ${ordered()}`],
      [options.all === true ? 2 : 0, () => random.pick(["count", `count ${ordered()}`, "head", "tail"])],
    ])();
  return Array.from({ length: 1 + random.below(3) }, () => `\n| ${pipe()}`).join("");
}

/** Lines of NDJSON in the order of their arrival, which is the order of the dialect. */
export function generateEndgameStream(random: Random, options: EndgameStreamOptions = {}): string[] {
  let quarters = 0;
  const alive: { pid: number; ppid: number }[] = [];
  return Array.from({ length: options.length ?? 40 }, () => {
    quarters += random.weighted([
      [5, 0],
      [3, 1],
      [2, 2],
      [0.5, 20],
      // Time runs back: only maxspan looks at it.
      [options.backwards === true ? 0.5 : 0, -3],
    ]);
    return eventLine(random, START + quarters * 250, alive);
  });
}

function eventLine(random: Random, milliseconds: number, alive: { pid: number; ppid: number }[]): string {
  const entries: string[] = [];
  const put = (rate: number, name: string, text: string): void => {
    if (random.chance(rate)) entries.push(`${JSON.stringify(name)}: ${text}`);
  };
  put(
    0.97,
    "timestamp",
    random.chance(0.8) ? timeNumber(random, milliseconds) : JSON.stringify(new Date(milliseconds).toISOString()),
  );
  put(0.97, "event_type", JSON.stringify(random.pick(["process", "process", "process", "file", "network"])));
  put(0.95, "name", JSON.stringify(random.pick([...NAMES, "A"])));
  put(0.8, "k", random.pick(["1", "1.0", "true", "2", '"x"', '"X"', "null", "[1]", "[1.0]", '["x"]', '{"a":1}']));
  put(0.8, "user", random.pick(['"root"', '"ROOT"', '"eve"', "7"]));
  put(0.3, "obj", `{"k": ${random.pick(["1", "2", '"x"', "null"])}}`);
  put(0.3, "num", String(random.below(4)));
  const own = alive.length > 0 ? random.pick(alive) : null;
  const kind = random.pick(["create", "fork", "terminate", "other", "other", "other"]);
  if (own === null || kind === "create" || kind === "fork") {
    const created = { pid: random.below(6), ppid: own?.pid ?? 9 };
    alive.push(created);
    put(0.95, "pid", String(created.pid));
    put(0.9, "ppid", String(created.ppid));
    if (random.chance(0.05)) entries.push('"pid": 4, "name": "System", "subtype": "create"');
    if (random.chance(0.5)) put(0.95, "subtype", JSON.stringify(kind === "fork" ? "fork" : "create"));
    else put(0.95, "opcode", random.pick(["1", "3", "9"]));
  } else {
    put(0.95, "pid", random.chance(0.9) ? String(own.pid) : `${own.pid}.0`);
    put(0.8, "ppid", String(own.ppid));
    if (kind === "terminate") {
      if (random.chance(0.9)) alive.splice(alive.indexOf(own), 1);
      if (random.chance(0.5)) put(0.95, "subtype", '"terminate"');
      else put(0.95, "opcode", random.pick(["2", "4"]));
    } else put(0.3, "subtype", '"change"');
  }
  return `{${entries.join(", ")}}`;
}

function sample(random: Random): string {
  const terms = Array.from({ length: 2 + random.below(2) }, () => `  ${term(random, "", [])}`);
  return `sample by ${random.pick(KEYS)}\n${terms.join("\n")}`;
}

function term(random: Random, mark: string, keys: readonly string[]): string {
  return `${mark}[${random.pick(["any", "any", "process", "file"])} where ${condition(random)}]${ownKeys(random, keys)}`;
}

function ownKeys(random: Random, keys: readonly string[]): string {
  return keys.length === 0 ? "" : ` by ${keys.map((key) => (random.chance(0.2) ? random.pick(KEYS) : key)).join(", ")}`;
}

function condition(random: Random): string {
  const name = (): string => JSON.stringify(random.pick(NAMES));
  return random.weighted<() => string>([
    [6, () => `name == ${name()}`],
    [2, () => `name in (${name()}, ${name()})`],
    [1, () => `name != ${name()}`],
    [1, () => "true"],
    [1, () => `num > ${random.below(3)}`],
    [2, () => lineage(random, 1)],
    [1, () => `name != ${name()} and not ${lineage(random, 1)}`],
    [0.5, () => generateEndgameCondition(random, { depth: 1, lineage: random.chance(0.3) })],
  ])();
}

function lineage(random: Random, depth: number): string {
  const relation = random.pick(["descendant of", "descendant of", "child of", "event of"]);
  const inner =
    depth > 0 && random.chance(0.2) ? lineage(random, depth - 1) : `name == ${JSON.stringify(random.pick(NAMES))}`;
  return `${relation} [${random.pick(["process", "process", "any", "file"])} where ${inner}]`;
}
