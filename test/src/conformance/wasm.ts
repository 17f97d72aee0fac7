// The compiler and the runtime as a backend of the conformance runner: a query goes the way that `eqlc query` sends it.

import {
  type AnalysedRule,
  analyseRules,
  type CompileOptions,
  DEFAULT_OPTIONS,
  type Target,
} from "@kestrel/compiler/compile";
import type { EventLines } from "@kestrel/compiler/query/event-lines";
import { createInference, inferredSchema } from "@kestrel/compiler/query/infer-schema";
import { type QueryMatch, runQuery } from "@kestrel/compiler/query/run-query";
import { bareRule } from "@kestrel/compiler/rule/rule";
import type { Dialect } from "@kestrel/compiler/syntax/ast";
import type { BrokenLine } from "@kestrel/runtime/engine/detector";
import { keyJson } from "@kestrel/runtime/event/join-keys";
import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import type { FieldType } from "@kestrel/stdlib/schema/types";
import { type Backend, type ExpectedValue, messageOf, parseProblems } from "./backend.js";
import type { DataSet } from "./data-sets.js";

/** One event without fields. */
export const NOTHING: DataSet = {
  lines: ["{}"],
  ids: [0],
  timestampField: DEFAULT_OPTIONS.timestampField,
  timestampUnit: "milliseconds",
  tiebreakerField: null,
  categoryField: "event_type",
  types: {},
};

/** The compiler has something against the query. */
class Refused extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.name = "Refused";
    this.problems = problems;
  }
}

interface Compiler {
  readonly optimize: boolean;
  readonly target: Target;
  readonly learned: WeakMap<DataSet, CompileOptions>;
}

/** `optimize` is what `eqlc build` does; without it a query is compiled in half the time, to the same meaning. Of `lua` each predicate is Lua. */
export function createWasmBackend(optimize: boolean, target: Target = "wasm"): Backend {
  const compiler: Compiler = { optimize, target, learned: new WeakMap() };
  return {
    name: target,
    async find(text, dialect, data, samplesPerKey) {
      const { compiled, matches } = await run(compiler, text, dialect, data, samplesPerKey);
      const id = (event: QueryMatch["events"][number]): number | null =>
        event === null ? null : (data.ids[event.ordinal] ?? -1);
      const keys = matches.flatMap(({ key }) => (key === "" ? [] : keyTexts(key)));
      if (compiled.query.body.kind !== "event") return { ids: matches.map(({ events }) => events.map(id)), keys };
      return { ids: matches.map(({ events: [event = null] }) => id(event) ?? -1), keys: [] };
    },
    async differences(values, dialect) {
      const found: (string | null)[] = [];
      for (let from = 0; from < values.length; from += BATCH) {
        found.push(...(await differencesOf(compiler, values.slice(from, from + BATCH), dialect)));
      }
      return found;
    },
    judge(condition, dialect, lines) {
      return holdsOn(compiler, condition, dialect, { ...NOTHING, lines, ids: lines.map((_, i) => i) });
    },
    async problems(text, isQuery, dialect, data) {
      const syntax = parseProblems(text, isQuery, dialect);
      if (syntax.length > 0) return syntax;
      // As an operand of `== null` an expression may be of any type.
      const query = isQuery ? text : `any where (${text}) == null`;
      try {
        await run(compiler, query, dialect, data ?? NOTHING, 1);
        return [];
      } catch (error) {
        // Only what has a code and a place is a diagnostic.
        if (error instanceof Refused) return error.problems;
        throw new Error(`no diagnostic, but ${messageOf(error)}`);
      }
    },
  };
}

/** As many values as one query asks for, since optimising a module takes longer than anything it does here. */
const BATCH = 40;

/** Asks for all values in one query over one event for each; when the query is refused, for one half and then the other. */
async function differencesOf(
  compiler: Compiler,
  values: readonly ExpectedValue[],
  dialect: Dialect,
): Promise<readonly (string | null)[]> {
  const conditions = values.map(({ text, expected }, i) => `(number == ${i} and (${text}) == ${written(expected)})`);
  const lines = values.map((_, i) => JSON.stringify({ number: i }));
  try {
    const holds = await holdsOn(compiler, conditions.join("\n or "), dialect, {
      ...NOTHING,
      lines,
      ids: lines.map(Number),
    });
    return holds.map((agrees) => (agrees ? null : "something else"));
  } catch (error) {
    if (values.length === 1) return [`error: ${messageOf(error)}`];
    const half = values.length >> 1;
    const [left, right] = [values.slice(0, half), values.slice(half)];
    return [...(await differencesOf(compiler, left, dialect)), ...(await differencesOf(compiler, right, dialect))];
  }
}

/** A constant as both dialects write it. */
export function written(value: null | boolean | number | string): string {
  if (typeof value !== "string") return String(value);
  const escaped = (character: string): string =>
    `\\u{${(character.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}}`;
  return `"${value.replaceAll(/["\\\p{Cc}]/gu, escaped)}"`;
}

/** Throws {@link Refused} when the query has errors. */
async function run(
  compiler: Compiler,
  text: string,
  dialect: Dialect,
  data: DataSet,
  samplesPerKey: number,
): Promise<{ readonly compiled: AnalysedRule; readonly matches: readonly QueryMatch[] }> {
  const options = optionsFor(compiler, data);
  const { rules, diagnostics } = analyseRules([bareRule("query", text, "query")], { ...options, dialect });
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const [compiled] = rules;
  if (compiled === undefined || errors.length > 0) {
    throw new Refused(
      errors.flatMap(({ code, place: { span }, message }) =>
        span === undefined ? [] : [`${code} at ${span.start}-${span.end}: ${message}`],
      ),
    );
  }
  let broken: string | null = null;
  const runOptions = {
    ...options,
    dialect,
    target: compiler.target,
    maxSamplesPerKey: samplesPerKey,
    onBroken({ line, reason }: BrokenLine): void {
      broken ??= `line ${line} is not an event: ${reason}`;
    },
  };
  const { matches } = await runQuery(compiled, linesOf(data), runOptions);
  if (broken !== null) throw new Error(broken);
  return { compiled, matches };
}

async function holdsOn(
  compiler: Compiler,
  condition: string,
  dialect: Dialect,
  data: DataSet,
): Promise<readonly boolean[]> {
  const { matches } = await run(compiler, `any where ${condition}`, dialect, data, 1);
  const found = new Set(matches.flatMap(({ events }) => events.map((event) => event?.ordinal ?? -1)));
  return data.lines.map((_, ordinal) => found.has(ordinal));
}

function linesOf({ lines }: DataSet): Pick<EventLines, "read"> {
  return {
    async *read() {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
      yield { bytes, file: "events", firstLine: 1, lineCount: null };
    },
  };
}

function optionsFor({ optimize, learned }: Compiler, data: DataSet): CompileOptions {
  const standing = learned.get(data) ?? learnedOptions(data, optimize);
  learned.set(data, standing);
  return standing;
}

/** As `eqlc query` learns the fields of its input; what Kestrel knows of ECS stands beside what is found. */
export function learnedOptions(data: DataSet, optimize: boolean): CompileOptions {
  const inference = createInference();
  for (const line of data.lines) inference.add(line);
  const fixed = new Map<string, FieldType>([...Object.entries(data.types), [data.categoryField, "keyword"]]);
  return {
    ...DEFAULT_OPTIONS,
    schema: inferredSchema(inference, defaultSchema(), fixed),
    timestampField: data.timestampField,
    timestampUnit: data.timestampUnit,
    tiebreakerField: data.tiebreakerField,
    categoryField: data.categoryField,
    endgameCategoryField: data.categoryField,
    allPipes: true,
    optimize,
  };
}

function keyTexts(key: string): (string | null)[] {
  return key.split("\n").map((part) => {
    const [value] = JSON.parse(keyJson(part)) as [unknown];
    return value === null ? null : String(value);
  });
}
