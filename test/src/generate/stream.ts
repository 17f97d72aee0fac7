// A seed -> a sequence or sample query, and a stream of events that it is likely to match: few keys, few kinds of event,
// timestamps that collide, and values missing or repeated where keys are read. All names are those of TEST_SCHEMA.

import type { Random } from "./random.js";

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
}

const NAMES = ["a", "b", "c", "d"];
const USERS = ["root", "Root", "eve"];
const START = 1_700_000_000_000;

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

  const positives = 2 + random.below(3);
  const terms: string[] = [];
  const add = (mark: string): void => {
    // A term may be joined by another field than the rest: a child's parent is some process's pid.
    const own = written.map((key, i) =>
      i === 0 && keys[0] === "process.pid" && random.chance(0.3) ? "process.parent.pid" : key,
    );
    const by = perTerm ? ` by ${own.join(", ")}` : "";
    const runs = options.runs !== false && random.chance(0.1) ? ` with runs=${2 + random.below(2)}` : "";
    terms.push(`  ${mark}[${termQuery(random)}]${by}${runs}`);
  };
  for (let i = 0; i < positives; i++) {
    if (missing && random.chance(0.4)) add("!");
    add("");
  }
  if (missing && (random.chance(0.4) || !terms.some((term) => term.startsWith("  !")))) add("!");

  const by = keys.length > 0 && !perTerm ? ` by ${written.join(", ")}` : "";
  let query = `sequence${by}${span}\n${terms.join("\n")}`;
  if (options.until !== false && random.chance(0.3))
    query += `\nuntil [${termQuery(random)}]${perTerm ? ` by ${written.join(", ")}` : ""}`;
  if (random.chance(0.1)) query += `\n| ${random.pick(["head", "tail"])} ${1 + random.below(3)}`;
  return query;
}

/** `sample by …`, with two or three terms. */
export function generateSample(random: Random): string {
  const keys = random.pick(["process.pid", "user.name", "?user.name", "process.pid, ?user.name"]);
  const terms = Array.from({ length: 2 + random.below(2) }, () => `  [${termQuery(random)}]`);
  return `sample by ${keys}\n${terms.join("\n")}`;
}

/** Lines of NDJSON in the order of their arrival. */
export function generateStream(random: Random, options: StreamOptions = {}): string[] {
  const length = options.length ?? 40;
  const arrivals: { readonly place: number; readonly line: string }[] = [];
  let quarters = 0;
  for (let i = 0; i < length; i++) {
    // Half of the events share their timestamp with the one before; now and then there is a long pause.
    quarters += random.weighted([
      [5, 0],
      [3, 1],
      [2, 2],
      [0.5, 20],
      [0.2, 300],
    ]);
    const disorder = options.disorder ?? 0;
    const place = disorder > 0 ? i + random.below(2 * disorder + 1) - disorder : i;
    arrivals.push({ place, line: eventLine(random, START + quarters * 250, i) });
  }
  return arrivals.sort((a, b) => a.place - b.place).map((arrival) => arrival.line);
}

function termQuery(random: Random): string {
  const category = random.weighted([
    [3, "any"],
    [3, "process"],
    [2, "file"],
  ]);
  const condition = random.weighted<() => string>([
    [5, () => `process.name == "${random.pick(NAMES)}"`],
    [2, () => `process.name in ("${random.pick(NAMES)}", "${random.pick(NAMES)}")`],
    [1, () => `process.name != "${random.pick(NAMES)}"`],
    [1, () => `process.exit_code > ${random.below(3)}`],
    [1, () => "true"],
  ])();
  return `${category} where ${condition}`;
}

function eventLine(random: Random, milliseconds: number, place: number): string {
  const entries: string[] = [];
  const put = (name: string, text: string): void => {
    entries.push(`${JSON.stringify(name)}:${text}`);
  };
  if (!random.chance(0.02)) put("@timestamp", timestampText(random, milliseconds));
  // Tiebreakers run against the order of arrival, so that ignoring them shows.
  if (random.chance(0.7)) put("event.sequence", String(1000 - place));
  if (!random.chance(0.05))
    put("event.category", random.pick(['"process"', '"process"', '"file"', '["file","process"]', '"network"']));
  put("process.name", JSON.stringify(random.pick(NAMES)));
  const pid = (): number => 1 + random.below(3);
  if (!random.chance(0.08)) put("process.pid", random.chance(0.1) ? `[${pid()},${pid()},null]` : String(pid()));
  if (random.chance(0.6)) put("process.parent.pid", String(pid()));
  const user = (): string => JSON.stringify(random.pick(USERS));
  if (!random.chance(0.15)) put("user.name", random.chance(0.1) ? `[${user()},${user()}]` : user());
  if (random.chance(0.4)) put("process.exit_code", String(random.below(4)));
  return `{${entries.join(",")}}`;
}

function timestampText(random: Random, milliseconds: number): string {
  if (random.chance(0.3)) return String(milliseconds);
  const text = new Date(milliseconds).toISOString();
  // A few nanoseconds on top: another instant in the same millisecond.
  return JSON.stringify(random.chance(0.1) ? text.replace("Z", `00000${1 + random.below(9)}Z`) : text);
}
