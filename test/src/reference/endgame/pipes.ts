// The pipes of the endgame dialect over a list of matches, each one or several events. `count` makes objects that are no
// events of the stream, and `unique_count` adds to the first event of a match; both show what later pipes read.

import type { Expr, Pipe } from "@kestrel/compiler/syntax/ast";
import { compareStrings } from "../values.js";
import { evaluate, holds, literalValue, type Scope } from "./evaluate.js";
import { compareRows } from "./order.js";
import { type Data, type Dict, identity } from "./values.js";

export interface Row<T> {
  /** What was matched; null for what a pipe has counted. */
  readonly match: T | null;
  readonly events: readonly Dict[];
  /** A pipe has made or changed the first event. */
  readonly counted: boolean;
}

const DEFAULT_COUNT = 50;

/** `several`: the matches are of several terms, so `events[i]` names the i-th event. Throws Error on an unknown pipe. */
export function applyPipes<T>(rows: readonly Row<T>[], pipes: readonly Pipe[], several: boolean): readonly Row<T>[] {
  return pipes.reduce((left, pipe) => applyPipe(left, pipe, several), rows);
}

function applyPipe<T>(rows: readonly Row<T>[], { name, args }: Pipe, several: boolean): readonly Row<T>[] {
  const scope = (row: Row<T>): Scope => ({
    event: firstOf(row.events),
    events: several ? row.events : null,
    variables: new Map(),
    related: () => false,
  });
  const keyOf = (row: Row<T>): Data[] => args.map((arg) => evaluate(arg, scope(row)));
  switch (name) {
    case "head":
      return rows.slice(0, countOf(args));
    case "tail":
      return rows.slice(Math.max(0, rows.length - countOf(args)));
    case "filter":
      return rows.filter((row) => args.every((arg) => holds(arg, scope(row))));
    case "unique":
      return groups(rows, keyOf).flatMap(({ rows: [first] }) => (first === undefined ? [] : [first]));
    case "sort": {
      const keyed = rows.map((row) => ({ row, key: keyOf(row) }));
      const keys = keyed.map(({ key }) => key);
      return keyed.sort((a, b) => compareRows(a.key, b.key, keys, true)).map(({ row }) => row);
    }
    case "count":
      return args.length === 0 ? [total(rows)] : countKeys(rows, keyOf);
    case "unique_count": {
      const all = rows.reduce((sum, row) => sum + weight(row), 0n);
      return groups(rows, keyOf).flatMap(({ rows: group }) => {
        const [first] = group;
        if (first === undefined) return [];
        const counted = group.reduce((sum, row) => sum + weight(row), 0n);
        const added = [...counts(counted, all), ...hosts(group)];
        const own = firstOf(first.events);
        const events = first.events.map((event) => (event === own ? new Map([...event, ...added]) : event));
        return [{ ...first, counted: true, events }];
      });
    }
    default:
      throw new Error(`There is no pipe ${name}`);
  }
}

/** The first event that is there: what is missing has no members. */
function firstOf(events: readonly Dict[]): Dict {
  return events.find((event) => event.size > 0) ?? new Map();
}

function countOf([argument]: readonly Expr[]): number {
  if (argument === undefined) return DEFAULT_COUNT;
  if (argument.kind !== "literal") throw new Error("A pipe takes a whole number above 0");
  return Number(literalValue(argument));
}

function total<T>(rows: readonly Row<T>[]): Row<T> {
  const data = new Map<string, Data>([["count", BigInt(rows.length)], ["key", "totals"], ...hosts(rows)]);
  return { match: null, events: [data], counted: true };
}

function countKeys<T>(rows: readonly Row<T>[], keyOf: (row: Row<T>) => Data[]): readonly Row<T>[] {
  const counted = groups(rows, keyOf);
  const keys = counted.map(({ key }) => key);
  counted.sort((a, b) => a.rows.length - b.rows.length || compareRows(a.key, b.key, keys, false));
  return counted.map(({ key, rows: group }): Row<T> => {
    const shown = key.length === 1 ? (key[0] ?? null) : key;
    const numbers = counts(BigInt(group.length), BigInt(rows.length));
    return { match: null, events: [new Map([...numbers, ["key", shown], ...hosts(group)])], counted: true };
  });
}

function counts(count: bigint, all: bigint): [string, Data][] {
  return [
    ["count", count],
    ["percent", all === 0n ? null : Number(count) / Number(all)],
  ];
}

/** What an earlier count gave, or an event's own whole number of that name; 1 without one. */
function weight<T>(row: Row<T>): bigint {
  const own = firstOf(row.events).get("count");
  return typeof own === "bigint" ? own : 1n;
}

/** Only when an event names its host. */
function hosts<T>(rows: readonly Row<T>[]): [string, Data][] {
  const names = new Set<string>();
  for (const { events } of rows) {
    const name = firstOf(events).get("hostname");
    if (typeof name === "string") names.add(name);
  }
  if (names.size === 0) return [];
  return [
    ["hosts", [...names].sort(compareStrings)],
    ["total_hosts", BigInt(names.size)],
  ];
}

/** In the order of their first rows. */
function groups<T>(rows: readonly Row<T>[], keyOf: (row: Row<T>) => Data[]): { key: Data[]; rows: Row<T>[] }[] {
  const found = new Map<string, { key: Data[]; rows: Row<T>[] }>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = found.get(identity(key)) ?? { key, rows: [] };
    found.set(identity(key), group);
    group.rows.push(row);
  }
  return [...found.values()];
}
