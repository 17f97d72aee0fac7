// The files of a conformance corpus -> cases to run. `DIR/cases/<suite>.json` holds arrays of cases, `DIR/datasets` their
// events (data-sets.ts). One entry of a file may become several cases: `dialect_differences` has one for each dialect.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Dialect } from "@kestrel/compiler/syntax/ast";

/** An id of an event; null in the slot of a missing event. */
export type Ids = readonly (number | readonly (number | null)[])[];

export type Check =
  | {
      readonly kind: "query";
      readonly text: string;
      readonly data: DataSource;
      /** Any of these. */
      readonly expected: readonly Ids[];
      readonly joinKeys: readonly (string | null)[] | null;
      /** How many results count; null for all. */
      readonly size: number | null;
      readonly samplesPerKey: number;
    }
  | { readonly kind: "value"; readonly text: string; readonly expected: null | boolean | number | string }
  /** Both expressions mean the same on every event. */
  | { readonly kind: "alike"; readonly text: string; readonly other: string }
  | { readonly kind: "refused"; readonly text: string; readonly query: boolean; readonly data: DataSource | null }
  | { readonly kind: "accepted"; readonly text: string; readonly query: boolean };

/** A data set by name, or events that stand in the case. */
export type DataSource = { readonly name: string } | { readonly events: readonly object[] };

export interface Case {
  readonly suite: string;
  readonly name: string;
  readonly dialect: Dialect;
  /** null: there is nothing to compare with, so the case is skipped. */
  readonly check: Check | null;
}

interface Entry {
  readonly name: string;
  readonly dialect?: "elasticsearch" | "python";
  readonly dataset?: string;
  readonly query?: string;
  readonly expression?: string;
  readonly expected?: null | boolean | number | string;
  readonly expected_event_ids?: Ids;
  readonly expected_any_of?: readonly Ids[];
  readonly join_keys?: readonly (string | null)[];
  readonly size?: number;
  readonly max_samples_per_key?: number;
  readonly case_modes?: readonly string[];
  readonly expect_error?: boolean;
  readonly expect_parse?: boolean;
  readonly alternate?: string;
  readonly optimized?: string;
  readonly events?: readonly object[];
  readonly query_py?: string;
  readonly query_es?: string;
  readonly py?: Ids | string;
  readonly es?: Ids | string;
}

/** What the rejected queries of Elasticsearch's suite are asked about: its fields are those of this data set. */
const ERRORS_DATA: Readonly<Record<string, string>> = { es_errors: "endgame_es" };

/** What a query that upstream stops at run time gives here: nothing is a run-time error (docs/language.md#missing-values). */
const NOT_A_RUNTIME_ERROR: Readonly<Record<string, Ids>> = { "mod_zero (endgame)": [], "number_bad (elastic)": [1] };

/** Every case of every suite, in order of the suites' names. Throws on a case that says nothing to check. */
export function readCases(directory: string): Case[] {
  const folder = join(directory, "cases");
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return files.sort().flatMap((file) => {
    const suite = file.slice(0, -".json".length);
    const entries = JSON.parse(readFileSync(join(folder, file), "utf8")) as Entry[];
    return entries.flatMap((entry) => readEntry(suite, entry));
  });
}

function readEntry(suite: string, entry: Entry): Case[] {
  if (entry.events !== undefined) return [difference(suite, entry, "endgame"), difference(suite, entry, "elastic")];
  const dialect = entry.dialect === "python" ? "endgame" : "elastic";
  const otherMode = entry.case_modes !== undefined && !entry.case_modes.includes("insensitive");
  return [{ suite, name: entry.name, dialect, check: otherMode ? null : readCheck(suite, entry) }];
}

/** One dialect's side of a row that shows where two dialects part. */
function difference(suite: string, entry: Entry, dialect: Dialect): Case {
  const name = `${entry.name} (${dialect})`;
  const text = (dialect === "endgame" ? entry.query_py : entry.query_es) ?? "";
  const expected = (dialect === "endgame" ? entry.py : entry.es) ?? "UNKNOWN";
  const data = { events: entry.events ?? [] };
  if (expected === "UNKNOWN") return { suite, name, dialect, check: null };
  if (expected === "ERROR") return { suite, name, dialect, check: { kind: "refused", text, query: true, data } };
  const ids = typeof expected === "string" ? NOT_A_RUNTIME_ERROR[name] : expected;
  if (ids === undefined) throw new Error(`${suite} ${name}: what stands for ${String(expected)} is not decided`);
  return { suite, name, dialect, check: query(entry, text, data, [ids]) };
}

function readCheck(suite: string, entry: Entry): Check {
  const text = entry.query ?? entry.expression;
  if (text === undefined) throw new Error(`${suite} ${entry.name} has neither a query nor an expression`);
  const isQuery = entry.query !== undefined;
  const other = entry.alternate ?? entry.optimized;
  if (other !== undefined) return { kind: "alike", text, other };
  if (entry.expect_error === true) {
    const name = entry.dataset ?? ERRORS_DATA[suite];
    return { kind: "refused", text, query: isQuery, data: name === undefined ? null : { name } };
  }
  if (entry.expect_parse === true) return { kind: "accepted", text, query: isQuery };
  if (isQuery && entry.dataset !== undefined && entry.expected_event_ids !== undefined) {
    return query(entry, text, { name: entry.dataset }, entry.expected_any_of ?? [entry.expected_event_ids]);
  }
  if (entry.expected === undefined) throw new Error(`${suite} ${entry.name} expects nothing`);
  return { kind: "value", text, expected: entry.expected };
}

function query(entry: Entry, text: string, data: DataSource, expected: readonly Ids[]): Check {
  // A choice among several samples may come with other keys, and dates are shown in another way here.
  const comparable = entry.expected_any_of === undefined && !/date|timestamp/i.test(text);
  return {
    kind: "query",
    text,
    data,
    expected,
    joinKeys: comparable ? (entry.join_keys ?? null) : null,
    size: entry.size ?? null,
    samplesPerKey: entry.max_samples_per_key ?? 1,
  };
}
