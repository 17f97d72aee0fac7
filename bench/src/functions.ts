// Single parts, with tinybench: decoding, the compiler's front half, the sequence engine. Every part says how often it
// matched, and is wrong when that is not the number it must be.

import { strict as assert } from "node:assert";
import { bindQuery } from "@kestrel/compiler/analyse/bind-query";
import { analyseRules, type CompiledRule, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { bareRule, type Rule } from "@kestrel/compiler/rule/rule";
import { parseQuery } from "@kestrel/compiler/syntax/parse";
import { createDetector } from "@kestrel/runtime/engine/detector";
import type { StageMatch, StreamEvent } from "@kestrel/runtime/event/stream-event";
import { createSequenceEngine } from "@kestrel/runtime/sequence/engine";
import { Bench } from "tinybench";
import { compileText, load } from "./compile.js";
import { type Input, linesOf } from "./corpus.js";

export interface FunctionResult {
  readonly name: string;
  /** What one unit is: an event, a query, a match. */
  readonly unit: string;
  /** Median time of one unit. */
  readonly nanoseconds: number;
  /** Half the width of the 95 % confidence interval of the mean, in percent of it. */
  readonly margin: number;
}

interface Part {
  readonly name: string;
  readonly unit: string;
  /** Units in one call. */
  readonly units: number;
  readonly call: () => void;
}

/** Process events decoded in one call: about a megabyte, as kestrel-run reads it. */
const EVENTS = 1_000;
const MATCHES = 10_000;
const KEYS = 500;

/** Thirteen fields that process events have, compared with what they never hold. */
const DECODE_QUERY = `process where process.name == "-" or process.executable == "-" or process.command_line == "-" or
  process.args == "-" or process.working_directory == "-" or process.entity_id == "-" or process.pid == -1 or
  process.parent.name == "-" or process.parent.executable == "-" or process.parent.command_line == "-" or
  process.parent.entity_id == "-" or process.parent.pid == -1 or user.name == "-"`;

const MIDDLE_QUERY = `process where host.os.type == "linux" and event.type == "start" and
  process.name in ("curl", "wget") and process.args like~ ("-o*", "--output*", "-O", "-P") and
  (process.parent.name : ("bash", "dash", "sh", "python*", "perl") or process.parent.executable like "/tmp/*") and
  not process.args : ("https://*.example.com/*", "http://10.*", "file://*") and
  not (user.id == "0" and process.parent.command_line regex~ """.*/(dpkg|apt|yum)[-/].*""") and
  length(process.command_line) > 20`;

export const SEQUENCE_QUERY = `sequence by host.id with maxspan=1m
  [process where event.type == "start"] [network where event.type == "start"]`;

export async function measureFunctions(input: Input): Promise<FunctionResult[]> {
  const parts = [...(await decoding(input)), frontHalf(), await sequences()];
  const bench = new Bench({ time: 1_000, iterations: 20, warmupTime: 300 });
  for (const { name, call } of parts) bench.add(name, call);
  await bench.run();
  return parts.map(({ name, unit, units }) => {
    const result = bench.getTask(name)?.result;
    if (result?.state !== "completed") {
      throw new Error(`${name} failed`, { cause: result?.state === "errored" ? result.error : undefined });
    }
    return { name, unit, nanoseconds: (result.latency.p50 * 1e6) / units, margin: result.latency.rme };
  });
}

/** The same process events decoded by a pack that reads thirteen fields and never matches, and parsed by JSON.parse. */
async function decoding(input: Input): Promise<Part[]> {
  const lines = processLines(input);
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  const pack = await load(compileText([analysed("decode", DECODE_QUERY)]));
  const detector = createDetector(pack, { latenessNs: 0n, onAlert: () => assert.fail("nothing can match") });
  const units = lines.length;
  return [
    {
      name: "JSON.parse",
      unit: "process event",
      units,
      call() {
        let objects = 0;
        for (const line of lines) if (typeof JSON.parse(line) === "object") objects++;
        assert.equal(objects, units);
      },
    },
    {
      name: "decode 13 fields",
      unit: "process event",
      units,
      call() {
        const before = detector.counters().events;
        detector.feed(bytes, { file: "bench", firstLine: 1 });
        const { events, matched } = detector.counters();
        assert.equal(events - before, units);
        assert.equal(matched, 0);
      },
    },
  ];
}

function processLines(input: Input): string[] {
  const lines: string[] = [];
  for (const chunk of input.chunks) {
    for (const line of linesOf([chunk])) {
      const { event } = JSON.parse(line) as { readonly event?: { readonly category?: unknown } };
      if ([event?.category].flat().includes("process")) lines.push(line);
      if (lines.length === EVENTS) return lines;
    }
  }
  assert.ok(lines.length > 0, "the input has no process events");
  return lines;
}

function frontHalf(): Part {
  return {
    name: `parse and analyse ${MIDDLE_QUERY.length} characters`,
    unit: "query",
    units: 1,
    call() {
      const { query, problems } = parseQuery(MIDDLE_QUERY, { dialect: "elastic" });
      assert.ok(query !== null && problems.length === 0);
      const bound = bindQuery(query, DEFAULT_OPTIONS.schema);
      assert.ok(bound.typed !== null && bound.problems.length === 0);
    },
  };
}

/** A sequence of two, its stages in turn under one of many keys: every other match completes one. */
async function sequences(): Promise<Part> {
  const { programs } = await load(compileText([analysed("sequence", SEQUENCE_QUERY)]));
  const stages = programs[0]?.stages.map(({ predicate }) => predicate) ?? [];
  assert.equal(new Set(stages).size, 2);
  const fed: { readonly event: StreamEvent; readonly matches: readonly StageMatch[] }[] = [];
  for (let at = 0; at < MATCHES; at++) {
    const predicate = stages[at % 2] ?? 0;
    const keys = [`"host-${(at >> 1) % KEYS}"`];
    fed.push({ event: { ordinal: at, ts: BigInt(at) * 1_000_000n, tie: null }, matches: [{ predicate, keys }] });
  }
  return {
    name: "sequence engine, accept",
    unit: "match",
    units: MATCHES,
    call() {
      let completed = 0;
      const engine = createSequenceEngine(programs, { onComplete: () => completed++ });
      for (const { event, matches } of fed) engine.accept(event, matches);
      engine.finish();
      assert.equal(completed, MATCHES / 2);
    },
  };
}

/** A rule that must compile, in the dialect that is asked for. */
export function analysed(id: string, query: string, dialect: "elastic" | "endgame" = "elastic"): CompiledRule {
  const { rules, diagnostics } = analyseRules([ruleOf(id, query)], { ...DEFAULT_OPTIONS, dialect });
  const [rule] = rules;
  const [error] = diagnostics.filter(({ severity }) => severity === "error");
  assert.equal(error, undefined, error?.message);
  assert.ok(rule !== undefined);
  return rule;
}

function ruleOf(id: string, query: string): Rule {
  return bareRule(id, query, `${id}.eql`);
}
