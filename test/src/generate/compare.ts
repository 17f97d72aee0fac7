// Queries and a stream -> where the reference interpreter and the compiled pack answer differently, if anywhere.
// All queries are compiled into one pack, once optimised, once not, and once with Lua in the place of its circuits, and any number of
// streams go through each.

import { analyseRules, type CompileOptions, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import type { Dialect, Query } from "@kestrel/compiler/syntax/ast";
import { parseQuery } from "@kestrel/compiler/syntax/parse";
import type { DetectorOptions } from "@kestrel/runtime/engine/detector";
import type { ForeignFaultReport } from "@kestrel/runtime/evaluate/foreign-tester";
import { interpret, type RefEvent, type ReferenceOptions, readEvents } from "../reference/interpret.js";
import { expectedDetections, foundDetections } from "../support/detections.js";
import { lowerForTest, type PackUnderTest, ruleOf, runLines } from "../support/run-pack.js";
import { TEST_SCHEMA } from "./schema.js";

/** How both sides are to read queries and events. */
export interface Setting {
  readonly dialect: Dialect;
  readonly compile: Partial<CompileOptions>;
  readonly reference: ReferenceOptions;
  readonly run: Partial<DetectorOptions>;
}

/** Begins what the reference says of a query that it refuses. */
export const REFUSED = "refused: ";

/** Generated streams are shorter than the hour for which a sample remembers a key, or run backwards. */
const FOR_EVER = 1n << 62n;

export const ELASTIC: Setting = {
  dialect: "elastic",
  compile: { schema: TEST_SCHEMA, dialect: "elastic" },
  reference: { schema: TEST_SCHEMA, sampleWindowNs: FOR_EVER },
  run: { sampleWindowNs: FOR_EVER },
};

export const ENDGAME: Setting = {
  dialect: "endgame",
  compile: { schema: { fields: new Map() }, dialect: "endgame", timestampField: "timestamp", tiebreakerField: null },
  reference: {
    schema: { fields: new Map() },
    timestampField: "timestamp",
    categoryField: "event_type",
    sampleWindowNs: FOR_EVER,
  },
  run: { sampleWindowNs: FOR_EVER, order: "arrival" },
};

export interface Disagreement {
  readonly query: string;
  readonly lines: readonly string[];
  /** Detections as support/detections.ts writes them, in their order. */
  readonly expected: readonly string[];
  readonly found: readonly string[];
  readonly mode: Mode;
}

export interface Comparison {
  /** Of a query and an event. */
  readonly pairs: number;
  /** Results that both sides have. */
  readonly results: number;
  readonly disagreements: readonly Disagreement[];
}

/** Queries that are compiled, to be asked about any number of streams. */
export interface Prepared {
  readonly compiled: number;
  /** Queries that do not compile, by the message of their first error. */
  readonly refused: ReadonlyMap<string, number>;
  readonly over: (lines: readonly string[]) => Comparison;
}

/** How a pack is compiled: to Wasm, optimised or not, or with its predicates in Lua. */
export type Mode = "optimised" | "plain" | "lua";
const MODES: readonly Mode[] = ["optimised", "plain", "lua"];

/** Compiles what compiles, in each of the modes. */
export async function prepare(
  queries: readonly string[],
  setting: Setting,
  modes: readonly Mode[] = MODES,
): Promise<Prepared> {
  const rules = queries.map((query, i) => ruleOf(`q${i}`, query));
  const options: CompileOptions = { ...DEFAULT_OPTIONS, ...setting.compile };
  const good = analyseRules(rules, options).rules;
  const refused = new Map<string, number>();
  const standing = new Set(good.map(({ rule }) => rule));
  for (const rule of rules) {
    if (standing.has(rule)) continue;
    const [first] = analyseRules([rule], options).diagnostics.filter(({ severity }) => severity === "error");
    const reason = `${first?.code} ${first?.message}`;
    refused.set(reason, (refused.get(reason) ?? 0) + 1);
  }
  const packs: { readonly mode: Mode; readonly under: Omit<PackUnderTest, "diagnostics"> }[] = [];
  for (const mode of modes) {
    const target = mode === "lua" ? "lua" : "wasm";
    const under = await lowerForTest(good, { ...options, optimize: mode === "optimised" }, target);
    packs.push({ mode, under });
  }

  return {
    compiled: good.length,
    refused,
    over(lines) {
      const events = readEvents(lines, setting.reference);
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
      const answers = good.map(({ query }) => answerOf(query, events, setting));
      const disagreements: Disagreement[] = [];
      for (const { mode, under } of packs) {
        const found = runLines(under.pack, bytes, { ...setting.run, onFault });
        for (const [index, { rule, query }] of under.rules.entries()) {
          const got = foundDetections(found, index, query.dialect);
          const expected = answers[index] ?? [];
          if (got.join("|") !== expected.join("|"))
            disagreements.push({ query: rule.query, lines, expected, found: got, mode });
        }
      }
      const results = answers.reduce((sum, answer) => sum + answer.length, 0);
      return { pairs: good.length * lines.length, results, disagreements };
    },
  };
}

/** A predicate in Lua that faults is a defect. */
function onFault({ name, kind, message }: ForeignFaultReport): void {
  throw new Error(`${name} was stopped (${kind}): ${message}`);
}

export function parseText(text: string, dialect: Dialect): Query {
  const { query, problems } = parseQuery(text, { dialect });
  if (query === null || problems.some(({ severity }) => severity === "error"))
    throw new Error(`${text}\n${problems.map(({ message }) => message).join("\n")}`);
  return query;
}

/** What the reference finds, in a form that can be compared. That it refuses a query that compiles is a difference too. */
function answerOf(query: Query, events: readonly RefEvent[], setting: Setting): readonly string[] {
  try {
    return expectedDetections(query, interpret(query, events, setting.reference));
  } catch (error) {
    return [`${REFUSED}${error instanceof Error ? error.message : String(error)}`];
  }
}
