// The reference interpreter as a backend of the conformance runner.

import type { Dialect, Expr, Query } from "@kestrel/compiler/syntax/ast";
import { parseExpression, parseQuery } from "@kestrel/compiler/syntax/parse";
import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import { evaluateEndgame, toJson } from "../reference/endgame/interpret.js";
import { inferSchema } from "../reference/infer-schema.js";
import { constantValue, interpret, type RefEvent, type ReferenceOptions, readEvents } from "../reference/interpret.js";
import type { Value } from "../reference/values.js";
import { type Backend, messageOf, parseProblems } from "./backend.js";
import type { DataSet } from "./data-sets.js";

/** What Kestrel knows of ECS; what is seen in events stands in front of it. */
const KNOWN = defaultSchema();
const NO_FIELDS: ReferenceOptions = { schema: { fields: new Map() } };
const read = new WeakMap<DataSet, { readonly options: ReferenceOptions; readonly events: readonly RefEvent[] }>();

export const referenceBackend: Backend = {
  name: "reference",
  async find(text, dialect, data, samplesPerKey) {
    const { options, events } = readDataSet(data);
    const result = interpret(parse(text, dialect), events, { ...options, maxSamplesPerKey: samplesPerKey });
    const id = (event: RefEvent | null): number | null => (event === null ? null : (data.ids[event.ordinal] ?? -1));
    if (result.kind === "events") {
      const ids = result.events.map((event) => id(event) ?? -1);
      const unknown = new Array<number>(Math.max(0, (result.counted?.length ?? 0) - ids.length)).fill(-1);
      return { ids: [...ids, ...unknown], keys: [] };
    }
    return {
      ids: result.sequences.map((sequence) => sequence.events.map(id)),
      keys: result.sequences.flatMap((sequence) => sequence.key),
    };
  },
  async differences(values, dialect) {
    return values.map(({ text, expected }) => {
      try {
        const shown = showConstant(text, dialect);
        const agrees = typeof expected === "number" ? Number(shown) === expected : shown === JSON.stringify(expected);
        return agrees ? null : shown;
      } catch (error) {
        return `error: ${messageOf(error)}`;
      }
    });
  },
  async judge(condition, dialect, lines) {
    const options: ReferenceOptions = { schema: inferSchema(lines), categoryField: "event_type" };
    const events = readEvents(lines, options);
    const result = interpret(parse(`any where ${condition}`, dialect), events, options);
    if (result.kind !== "events") throw new Error("A condition gives events");
    const found = new Set(result.events.map((event) => event.ordinal));
    return lines.map((_, ordinal) => found.has(ordinal));
  },
  async problems(text, isQuery, dialect, data) {
    const syntax = parseProblems(text, isQuery, dialect);
    if (syntax.length > 0) return syntax;
    try {
      const { options, events } = data === null ? { options: NO_FIELDS, events: [] } : readDataSet(data);
      if (isQuery) interpret(parse(text, dialect), events, options);
      else if (dialect === "endgame") evaluateEndgame(parseOne(text, dialect));
      else constantValue(parseOne(text, dialect), options.schema);
      return [];
    } catch (error) {
      return [messageOf(error)];
    }
  },
};

function readDataSet(data: DataSet): { readonly options: ReferenceOptions; readonly events: readonly RefEvent[] } {
  const standing = read.get(data);
  if (standing !== undefined) return standing;
  const options: ReferenceOptions = {
    schema: { fields: new Map([...KNOWN.fields, ...inferSchema(data.lines, data.types).fields]) },
    timestampField: data.timestampField,
    timestampUnit: data.timestampUnit,
    categoryField: data.categoryField,
    ...(data.tiebreakerField === null ? {} : { tiebreakerField: data.tiebreakerField }),
  };
  const fresh = { options, events: readEvents(data.lines, options) };
  read.set(data, fresh);
  return fresh;
}

function parse(text: string, dialect: Dialect): Query {
  const { query } = parseQuery(text, { dialect });
  const problems = parseProblems(text, true, dialect);
  if (query === null || problems.length > 0) throw new Error(problems.join("; "));
  return query;
}

function parseOne(text: string, dialect: Dialect): Expr {
  const { expr } = parseExpression(text, { dialect });
  const problems = parseProblems(text, false, dialect);
  if (expr === null || problems.length > 0) throw new Error(problems.join("; "));
  return expr;
}

function showConstant(text: string, dialect: Dialect): string {
  const expr = parseOne(text, dialect);
  return dialect === "endgame" ? toJson(evaluateEndgame(expr)) : showValue(constantValue(expr, NO_FIELDS.schema));
}

function showValue(value: Value): string {
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}
