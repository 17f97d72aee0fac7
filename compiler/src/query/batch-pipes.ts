// All matches of a query -> what is left of them after its pipes (docs/language.md#pipes).
//
// Matches are asked through late tests, which read events. What `count` makes is no event, but it is read as one: its line
// is the record as JSON. `unique_count` adds what it has counted to the first event of a match.

import type { Detector } from "@kestrel/runtime/engine/detector";
import { eventJson } from "@kestrel/runtime/event/formats";
import type { EvidenceEvent } from "@kestrel/runtime/event/stream-event";
import { eventsOf, firstOf } from "@kestrel/runtime/lane/pipes";
import { doubleText } from "@kestrel/runtime/load/instantiate";
import type { LateTest, PipeProgram } from "@kestrel/stdlib/sequence-tables";
import { compareParts, compareTexts, identityOf, partsOf, withEmptyValues } from "./key-order.js";
import { type Member, membersOf, memberValue, withMembers } from "./line-members.js";

export interface QueryMatch {
  /** The join key as the runtime writes it; "" without keys. */
  readonly key: string;
  /** One event for each term, null for a missing one; one event for an event query. */
  readonly events: readonly (EvidenceEvent | null)[];
  /** Made by `count`: its only event is the record, and stands in no input. */
  readonly isRecord: boolean;
}

type Ask = Detector["ask"];
type Row = QueryMatch;

interface Group {
  /** The key of the first row, as it is written. */
  readonly key: string;
  readonly rows: Row[];
}

/** The arrival number of a record. */
const NO_ORDINAL = -1;

/** Applies the pipes one after the other; `ask` makes their tests. A `count` without keys is one of `totals`. */
export function applyPipes(
  matches: readonly QueryMatch[],
  pipes: readonly PipeProgram[],
  totals: ReadonlySet<PipeProgram>,
  ask: Ask,
): readonly QueryMatch[] {
  return pipes.reduce((rows, pipe) => (totals.has(pipe) ? [total(rows)] : applyPipe(rows, pipe, ask)), matches);
}

function applyPipe(rows: readonly Row[], pipe: PipeProgram, ask: Ask): readonly Row[] {
  switch (pipe.kind) {
    case "head":
      return rows.slice(0, pipe.count);
    case "tail":
      return rows.slice(Math.max(0, rows.length - pipe.count));
    case "filter":
      return rows.filter((row) => askRow(row, pipe.test, ask) !== null);
    case "unique":
      return groupsOf(rows, pipe.keys, ask).flatMap(({ rows: group }) => group.slice(0, 1));
    case "unique_count":
      return uniqueCount(rows, groupsOf(rows, pipe.keys, ask));
    case "sort": {
      const keys = withEmptyValues(rows.map((row) => partsOf(keyOf(row, pipe.keys, ask) ?? "")));
      const keyed = rows.map((row, index) => ({ row, key: keys[index] ?? [] }));
      return keyed.sort((a, b) => compareParts(a.key, b.key)).map(({ row }) => row);
    }
    case "count":
      return count(rows, pipe.keys, ask);
  }
}

function askRow({ events }: Row, test: LateTest, ask: Ask): readonly string[] | null {
  return ask(test, firstOf(events), eventsOf(test.stages, events));
}

/** null for a row that could not be read, which the tester has counted. */
function keyOf(row: Row, test: LateTest, ask: Ask): string | null {
  return askRow(row, test, ask)?.[0] ?? null;
}

/** Rows of equal keys, in the order of their first rows. A row without a key is alone. */
function groupsOf(rows: readonly Row[], test: LateTest, ask: Ask): readonly Group[] {
  const groups: Group[] = [];
  const byIdentity = new Map<string, Group>();
  for (const row of rows) {
    const key = keyOf(row, test, ask);
    const identity = key === null ? null : identityOf(key);
    const known = identity === null ? undefined : byIdentity.get(identity);
    if (known !== undefined) {
      known.rows.push(row);
      continue;
    }
    const group: Group = { key: key ?? "", rows: [row] };
    groups.push(group);
    if (identity !== null) byIdentity.set(identity, group);
  }
  return groups;
}

function uniqueCount(rows: readonly Row[], groups: readonly Group[]): readonly Row[] {
  const all = weightOf(rows);
  return groups.flatMap(({ rows: group }) => {
    const [first] = group;
    if (first === undefined) return [];
    const own = firstOf(first.events);
    const added = new Map([...counts(weightOf(group), all), ...hosts(group)]);
    const counted = { ...own, ...jsonEvent(withMembers(membersOf(eventJson(own)), added)) };
    return [{ ...first, events: first.events.map((event) => (event === own ? counted : event)) }];
  });
}

function total(rows: readonly Row[]): Row {
  return record(new Map([["count", String(rows.length)], ["key", '"totals"'], ...hosts(rows)]));
}

function count(rows: readonly Row[], test: LateTest, ask: Ask): readonly Row[] {
  const groups = groupsOf(rows, test, ask);
  const keys = withEmptyValues(groups.map(({ key }) => partsOf(key)));
  const keyed = groups.map((group, index) => ({ group, key: keys[index] ?? [] }));
  keyed.sort((a, b) => a.group.rows.length - b.group.rows.length || compareParts(a.key, b.key));
  return keyed.map(({ group }) => {
    const parts = partsOf(group.key);
    const key = parts.length === 1 ? (parts[0] ?? "null") : `[${parts.join(",")}]`;
    const counted = counts(BigInt(group.rows.length), BigInt(rows.length));
    return record(new Map([...counted, ["key", key], ...hosts(group.rows)]));
  });
}

function record(members: ReadonlyMap<string, string>): Row {
  const written = jsonEvent(withMembers([], members));
  const event = { ordinal: NO_ORDINAL, ts: 0n, tie: null, ...written, lineage: null, file: "", fileLine: 0 };
  return { key: "", events: [event], isRecord: true };
}

/** How much a row counts for: what an earlier pipe has counted, or the event's own whole number of that name. */
function weightOf(rows: readonly Row[]): bigint {
  let sum = 0n;
  for (const row of rows) {
    const own = memberValue(rowMembers(row), "count") ?? "";
    const value = /^-?\d{1,19}$/.test(own) ? BigInt(own) : 1n;
    sum += BigInt.asIntN(64, value) === value ? value : 1n;
  }
  return sum;
}

function counts(own: bigint, all: bigint): [string, string][] {
  const percent = Number(own) / Number(all);
  return [
    ["count", String(own)],
    ["percent", Number.isFinite(percent) ? doubleText(percent) : "null"],
  ];
}

/** Only when an event names its host. */
function hosts(rows: readonly Row[]): [string, string][] {
  const names = new Set<string>();
  for (const row of rows) {
    const name = memberValue(rowMembers(row), "hostname");
    if (name?.startsWith('"')) names.add(JSON.parse(name) as string);
  }
  if (names.size === 0) return [];
  return [
    ["hosts", JSON.stringify([...names].sort(compareTexts))],
    ["total_hosts", String(names.size)],
  ];
}

function rowMembers({ events }: Row): readonly Member[] {
  return membersOf(eventJson(firstOf(events)));
}

function jsonEvent(text: string): Pick<EvidenceEvent, "bytes" | "format"> {
  return { bytes: Buffer.from(text), format: "json" };
}
