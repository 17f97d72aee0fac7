// The data sets of a conformance corpus -> lines of events, and what a backend must be told about them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FieldType } from "@kestrel/stdlib/schema/types";
import type { DataSource } from "./cases.js";

export interface DataSet {
  readonly lines: readonly string[];
  /** One for each line. */
  readonly ids: readonly number[];
  readonly timestampField: string;
  readonly timestampUnit: "milliseconds" | "filetime";
  readonly tiebreakerField: string | null;
  readonly categoryField: string;
  /** Types that the events alone do not show. */
  readonly types: Readonly<Record<string, FieldType>>;
}

/** `meta.json`: for each data set what its fields mean. */
interface Meta {
  readonly id_field: string;
  readonly timestamp_field?: string;
  readonly timestamp_unit?: string;
  readonly tiebreaker_field?: string;
  readonly category_field: string;
  /** A type, and then in words what is special about it. */
  readonly field_types?: Readonly<Record<string, string>>;
}

export type DataSets = (source: DataSource) => DataSet;

/** A field that no event has, for data without a time of its own: events then keep the order of the file. */
const NO_TIME = "no_timestamp";
/** Fields of the small data sets in `dialect_differences` that are texts, also where no event has them. */
const SMALL_SET_TYPES: Readonly<Record<string, FieldType>> = { n: "keyword", k: "keyword" };
const TYPES: ReadonlySet<string> = new Set(["keyword", "ip", "version", "date", "long", "double", "boolean"]);

/** Reads data sets of `directory` when they are first asked for. */
export function openDataSets(directory: string): DataSets {
  const folder = join(directory, "datasets");
  const metas = JSON.parse(readFileSync(join(folder, "meta.json"), "utf8")) as Record<string, Meta>;
  const loaded = new Map<string, DataSet>();
  return (source) => {
    if ("events" in source) return smallSet(source.events);
    const standing = loaded.get(source.name);
    const meta = metas[source.name];
    if (standing !== undefined) return standing;
    if (meta === undefined) throw new Error(`meta.json does not name the data set ${source.name}`);
    const data = describe(meta, readFileSync(join(folder, `${source.name}.ndjson`), "utf8"));
    loaded.set(source.name, data);
    return data;
  };
}

function describe(meta: Meta, text: string): DataSet {
  const types: Record<string, FieldType> = {};
  let rewritten = text;
  for (const [field, description] of Object.entries(meta.field_types ?? {})) {
    const [type = ""] = description.split(/[^a-z]/);
    if (!isType(type)) throw new Error(`meta.json gives ${field} a type that is not known: ${description}`);
    types[field] = type;
    rewritten = asIndexed(rewritten, field, description);
  }
  if (meta.timestamp_field !== undefined && /epoch/.test(meta.timestamp_unit ?? ""))
    types[meta.timestamp_field] = "date";
  const lines = rewritten.trim().split("\n");
  // Only some of the events of the samples have a time, and samples are taken in the order of the file.
  const timed = meta.timestamp_field !== undefined && !/absent/.test(meta.timestamp_unit ?? "");
  return {
    lines,
    ids: lines.map((line) => Number((JSON.parse(line) as Record<string, unknown>)[meta.id_field])),
    timestampField: timed ? (meta.timestamp_field ?? NO_TIME) : NO_TIME,
    timestampUnit: /filetime/i.test(meta.timestamp_unit ?? "") ? "filetime" : "milliseconds",
    tiebreakerField: meta.tiebreaker_field ?? null,
    categoryField: meta.category_field,
    types,
  };
}

/** What a mapping does when Elasticsearch indexes an event and Kestrel, which has no mappings, does not. */
function asIndexed(text: string, field: string, description: string): string {
  const nullValue = /null_value "([^"]*)"/.exec(description)?.[1];
  let indexed = text;
  if (nullValue !== undefined) {
    indexed = indexed.replaceAll(new RegExp(`("${field}"\\s*:\\s*)null\\b`, "g"), `$1${JSON.stringify(nullValue)}`);
  }
  if (description.includes("dd-MM-yyyy")) {
    indexed = indexed.replaceAll(new RegExp(`("${field}"\\s*:\\s*)"(\\d\\d)-(\\d\\d)-(\\d{4})"`, "g"), '$1"$4-$3-$2"');
  }
  return indexed;
}

function smallSet(events: readonly object[]): DataSet {
  return {
    lines: events.map((event) => JSON.stringify(event)),
    ids: events.map((event) => Number((event as { readonly id: number }).id)),
    timestampField: "ts",
    timestampUnit: "milliseconds",
    tiebreakerField: null,
    categoryField: "event_type",
    types: SMALL_SET_TYPES,
  };
}

function isType(name: string): name is FieldType {
  return TYPES.has(name);
}
