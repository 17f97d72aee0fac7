// The flags that all commands share -> what the compiler is asked for.

import { readFileSync } from "node:fs";
import { defaultSchema, lookup } from "@kestrel/stdlib/schema/schema";
import type { FieldType, Schema } from "@kestrel/stdlib/schema/types";
import { TIME_UNITS, type TimeUnit } from "@kestrel/stdlib/time-units";
import { type Command, Option } from "commander";
import { type CompileOptions, DEFAULT_OPTIONS } from "../compile-options.js";
import { extendSchema } from "../query/extend-schema.js";
import { reasonOf } from "../sources/walk-files.js";
import type { Dialect } from "../syntax/ast.js";
import { UsageError } from "./failures.js";

export interface CompileFlags {
  readonly dialect: Dialect;
  readonly schema?: string;
  readonly unknownFields?: "error" | "warn";
  readonly timestampField: string;
  readonly timestampUnit: TimeUnit;
  readonly tiebreakerField: string;
  readonly eventCategoryField: string;
}

/** What differs between the events that rules of the two dialects are written for. */
const EVENT_FLAGS = {
  elastic: {
    timestampField: DEFAULT_OPTIONS.timestampField,
    timestampUnit: DEFAULT_OPTIONS.timestampUnit,
    tiebreakerField: DEFAULT_OPTIONS.tiebreakerField ?? "none",
    eventCategoryField: DEFAULT_OPTIONS.categoryField,
  },
  endgame: {
    timestampField: "timestamp",
    timestampUnit: "auto",
    tiebreakerField: "none",
    eventCategoryField: DEFAULT_OPTIONS.endgameCategoryField,
  },
} as const;

/** The flags as given, and those of the dialect where none were given. */
export function withDefaults<F extends { readonly dialect: Dialect } & Partial<CompileFlags>>(
  flags: F,
): F & CompileFlags {
  return { ...EVENT_FLAGS[flags.dialect], ...flags };
}

export type Format = "text" | "json";

/** What `dump` can show. */
export const STAGES = ["ast", "ir", "wat", "nfa"] as const;
export type Stage = (typeof STAGES)[number];

/** The schema that ships with Kestrel, by name. */
const OWN_SCHEMA = "ecs";
/** The value of `--tiebreaker-field` that says that there is none. */
export const NO_FIELD = "none";
const TYPES: readonly FieldType[] = ["keyword", "ip", "version", "long", "double", "boolean", "date", "object"];

/** Adds the flags that decide how a rule is read. */
export function addCompileFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--dialect <dialect>", "dialect of rules that do not name theirs")
        .choices(["elastic", "endgame"])
        .default(DEFAULT_OPTIONS.dialect),
    )
    .option("--schema <file>", 'further fields, as JSON {"field.name": "type"}; "ecs" for none')
    .addOption(
      new Option(
        "--unknown-fields <how>",
        "what a field is that is in no schema; of rules that name an index or integration, a warning unless it looks misspelt, else an error",
      ).choices(["error", "warn"]),
    )
    .option("--timestamp-field <field>", `field with the time of an event${defaults("timestampField")}`)
    .addOption(
      new Option(
        "--timestamp-unit <unit>",
        `what a number there counts since 1970, or as a Windows file time; auto tells by its size${defaults("timestampUnit")}`,
      ).choices(Object.keys(TIME_UNITS)),
    )
    .option(
      "--tiebreaker-field <field>",
      `field that orders events of the same time, or "${NO_FIELD}"${defaults("tiebreakerField")}`,
    )
    .option("--event-category-field <field>", `field that \`process where\` looks at${defaults("eventCategoryField")}`);
}

function defaults(flag: keyof (typeof EVENT_FLAGS)["elastic"]): string {
  return ` (default: "${EVENT_FLAGS.elastic[flag]}", of endgame "${EVENT_FLAGS.endgame[flag]}")`;
}

export function formatOption(text: string): Option {
  return new Option("--format <format>", text).choices(["text", "json"]).default("text");
}

export function profileOption(): Option {
  return new Option(
    "--profile <file>",
    "what eqlc profile counted in events like those to come; steers how rules are found, never what they find",
  );
}

/** Throws {@link UsageError} for a schema or an event field that cannot be used. */
export function compileOptions(flags: CompileFlags): CompileOptions {
  return eventFields(flags, readSchema(flags.schema ?? OWN_SCHEMA));
}

/** The fields that every event may have, made part of `schema` with the types they need. */
export function eventFields(flags: CompileFlags, schema: Schema): CompileOptions {
  const { timestampField, timestampUnit, eventCategoryField } = flags;
  const [categoryField, endgameCategoryField] =
    flags.dialect === "elastic"
      ? [eventCategoryField, DEFAULT_OPTIONS.endgameCategoryField]
      : [DEFAULT_OPTIONS.categoryField, eventCategoryField];
  const tiebreakerField = flags.tiebreakerField === NO_FIELD ? null : flags.tiebreakerField;
  const types = new Map<string, FieldType>([[timestampField, "date"]]);
  const add = (name: string, type: FieldType, flag: string, why: string): void => {
    const known = types.get(name) ?? lookup(schema, name)?.type ?? type;
    if (known !== type) throw new UsageError(`${flag}: \`${name}\` is a ${known}, but ${why}`);
    types.set(name, type);
  };
  add(eventCategoryField, "keyword", "--event-category-field", "a category is a keyword");
  if (tiebreakerField !== null) add(tiebreakerField, "long", "--tiebreaker-field", "a tiebreaker is a long");
  return {
    schema: extendSchema(schema, types),
    unknownFields: flags.unknownFields ?? null,
    dialect: flags.dialect,
    timestampField,
    timestampUnit,
    tiebreakerField,
    categoryField,
    endgameCategoryField,
    allPipes: false,
    profile: null,
    narrow: true,
    optimize: true,
  };
}

/** The built-in schema, extended by the fields of a JSON file. Throws {@link UsageError}. */
export function readSchema(path: string): Schema {
  if (path === OWN_SCHEMA) return defaultSchema();
  const fail = (why: string): never => {
    throw new UsageError(`--schema: ${path}: ${why}`);
  };
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8").replace(/^\ufeff/, ""));
  } catch (error) {
    return fail(error instanceof SyntaxError ? `not JSON: ${error.message}` : reasonOf(error));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return fail('expected an object such as {"process.name": "keyword"}');
  }
  const types = new Map<string, FieldType>();
  for (const [name, wanted] of Object.entries(value) as [string, unknown][]) {
    const type = TYPES.find((one) => one === wanted);
    if (type === undefined)
      fail(`the type of \`${name}\` is ${JSON.stringify(wanted)}; it must be one of ${TYPES.join(", ")}`);
    else if (name === "" || name.split(".").includes("")) fail(`${JSON.stringify(name)} is not the name of a field`);
    else types.set(name, type);
  }
  return extendSchema(defaultSchema(), types);
}
