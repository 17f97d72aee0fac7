// What a predicate costs, by the way it is written: compiled from EQL, by hand in Wasm, by hand in Lua; and what a rule costs the others that is
// stopped again and again.
//
// Each cost is the difference between packs that ask the same question of the same events once, and many times. Beside them stands what the machine
// takes for nothing but a call: of functions that do nothing, one after the other, by name and through a table.

import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { textToBinary } from "@kestrel/compiler/backend/wasm/seam";
import { createDetector } from "@kestrel/runtime/engine/detector";
import { wasm } from "@kestrel/runtime/wasm";
import { compile, load } from "./compile.js";
import type { Input } from "./corpus.js";
import { slicesOf } from "./packs.js";

export interface ForeignResult {
  /** Nanoseconds of one: the least of all runs. */
  readonly costs: Readonly<Record<Way, number>>;
  /** A pack with a rule in it that never ends, against the pack without: slice by slice in turns, of each slice the least of all runs. */
  readonly quarantine: {
    readonly ratio: number;
    /** The same of the slices in which it was not asked: what it costs while it is in quarantine. */
    readonly between: number;
    readonly slices: { readonly all: number; readonly stops: number };
    readonly events: number;
    readonly stopped: number;
  };
}

type Way =
  | "empty call by name"
  | "empty call through a table"
  | "compiled predicate"
  | "string read through the Host API"
  | "predicate in Wasm"
  | "predicate in Lua";

const EVENTS = 2000;
const MANY = 20;
const READS = 100;

/** The same question everywhere: is this the name, of which every event has another. */
const NAME = "nowhere-to-be-found";

const COMPARE = `(func $is (param $length i32) (result i32) (local $at i32)
  (if (i32.ne (local.get $length) (i32.const ${NAME.length})) (then (return (i32.const 0))))
  (loop $next
    (if (i32.ne (i32.load8_u (local.get $at)) (i32.load8_u offset=1024 (local.get $at))) (then (return (i32.const 0))))
    (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $length))))
  (i32.const 1))`;

/** A module that reads the name so many times, and compares it. */
function module(reads: number): string {
  const read = "(call $str (local.get $event) (i32.const 2) (i32.const 0) (i32.const 1024))";
  const evaluate = `(local $left i32) (local.set $left (i32.const ${reads}))
    (loop $again (drop ${read}) (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (call $is ${read})`;
  return `(module (import "kestrel" "event_get_str" (func $str (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 1024) "${NAME}") ${COMPARE}
    (func (export "pred_eval") (param $event i32) (result i32) ${reads === 0 ? `(call $is ${read})` : evaluate}))`;
}

const SCRIPT = `function pred_eval(event) return kestrel.event_get_str(event, 2) == "${NAME}" end\n`;
const ENDLESS = "function pred_eval(event) while true do end end\n";

type Rules = Readonly<Record<string, string>>;

function foreign(id: string, file: string, code: string): Rules {
  const metadata = { rule_id: id, rule_name: id, rule_version: "1.0.0", severity: "Low", schema_version: "1.0" };
  const capabilities = { supports_inline: true, requires_alert: true, requires_block: false, max_span_ms: null };
  const manifest = {
    format_version: "1.0",
    metadata: { ...metadata, tags: [], references: [] },
    capabilities: { ...capabilities, mitre_attack: [] },
  };
  return { [`${id}/manifest.json`]: JSON.stringify(manifest), [`${id}/${file}`]: code };
}

function times(count: number, make: (at: number) => Rules): Rules {
  return Object.assign({}, ...Array.from({ length: count }, (_, at) => make(at))) as Rules;
}

export async function measureForeign(input: Input, runs: number): Promise<ForeignResult> {
  const folder = mkdtempSync(join(tmpdir(), "kestrel-bench-"));
  try {
    let packs = 0;
    const detectorOf = async (rules: Rules) => {
      const path = join(folder, String(packs++));
      for (const [name, text] of Object.entries(rules)) {
        mkdirSync(join(path, name, ".."), { recursive: true });
        writeFileSync(join(path, name), text);
      }
      const { built, leftOut } = await compile({ name: "foreign", path });
      assert.equal(leftOut, 0);
      return createDetector(await load(built), { latenessNs: 0n, onAlert: () => undefined });
    };
    // Not a question that the index answers.
    const compiled = (count: number): Rules =>
      times(count, (at) => ({ [`rule-${at}.eql`]: `any where process.name != null and process.pid == ${-1 - at}` }));
    const wat = (count: number, reads = 0): Rules => times(count, (at) => foreign(`w${at}`, "rule.wat", module(reads)));
    const lua = (count: number): Rules => times(count, (at) => foreign(`l${at}`, "predicate.lua", SCRIPT));
    const lines = Buffer.from(`${JSON.stringify(EVENT)}\n`.repeat(EVENTS));
    const matching = Buffer.from(`${JSON.stringify({ ...EVENT, process: { pid: -1, name: NAME } })}\n`);
    /** What `many` takes more than `few`, by `factor`; it tries so many predicates `more`, of which so many match the last event. */
    const difference = async (
      few: Rules,
      many: Rules,
      factor: number,
      more: number,
      found: number,
    ): Promise<number> => {
      const packs = [await detectorOf(few), await detectorOf(many)];
      const [least = 0, leastMany = 0] = leastTimes(
        packs.map((detector) => () => detector.feed(lines, ORIGIN)),
        runs,
      );
      const counters = packs.map((detector) => detector.counters());
      assert.deepEqual(
        counters.map(({ faults, alerts, evaluated, events }) => ({ faults, alerts, evaluated: evaluated / events })),
        [1, 1 + more].map((evaluated) => ({ faults: 0, alerts: 0, evaluated })),
      );
      for (const detector of packs) detector.feed(matching, ORIGIN);
      assert.deepEqual(
        packs.map((detector) => detector.counters().alerts),
        [1, found],
      );
      return ((leastMany - least) * 1e6) / (EVENTS * factor);
    };
    const costs = {
      ...(await emptyCalls(runs)),
      "compiled predicate": await difference(compiled(1), compiled(READS + 1), READS, READS, 1),
      "string read through the Host API": await difference(wat(1), wat(1, READS), READS, 0, 1),
      "predicate in Wasm": await difference(wat(1), wat(MANY + 1), MANY, MANY, MANY + 1),
      "predicate in Lua": await difference(lua(1), lua(MANY + 1), MANY, MANY, MANY + 1),
    };
    return { costs, quarantine: await quarantine(input) };
  } finally {
    rmSync(folder, { recursive: true });
  }

  async function quarantine({ rules, events, ...input }: Input): Promise<ForeignResult["quarantine"]> {
    const path = join(folder, "endless");
    for (const [name, text] of Object.entries(foreign("endless", "predicate.lua", ENDLESS))) {
      mkdirSync(join(path, name, ".."), { recursive: true });
      writeFileSync(join(path, name), text);
    }
    const bare = await load((await compile(rules)).built);
    const beside = await load((await compile(rules, [path])).built);
    const packs = [bare, beside];
    const parts = slicesOf(input);
    const least = packs.map((): number[] => []);
    let stopped = 0;
    const stops = new Set<number>();
    for (let run = 0; run <= runs; run++) {
      const detectors = packs.map((pack) => createDetector(pack, { latenessNs: null, onAlert: () => undefined }));
      for (const [slice, chunk] of parts.entries())
        for (const [at, detector] of detectors.entries()) {
          const { faults } = detector.counters();
          const time = timeOf(() => detector.feed(chunk, ORIGIN));
          if (detector.counters().faults > faults) stops.add(slice);
          const own = least[at] ?? [];
          if (run > 0) own[slice] = Math.min(own[slice] ?? time, time);
        }
      for (const detector of detectors) detector.finish();
      const [one, other] = detectors.map((detector) => detector.counters());
      assert.equal(one?.alerts, other?.alerts);
      stopped = other?.faults ?? 0;
    }
    const ratioOf = (isWanted: (slice: number) => boolean): number => {
      const [alone = 0, together = 0] = least.map((slices) =>
        slices.reduce((sum, time, slice) => (isWanted(slice) ? sum + time : sum), 0),
      );
      return together / alone;
    };
    const slices = { all: parts.length, stops: stops.size };
    return { ratio: ratioOf(() => true), between: ratioOf((slice) => !stops.has(slice)), slices, events, stopped };
  }
}

/** Nanoseconds of a call of a function that does nothing, one of READS that are called one after the other, as often as events call predicates. */
async function emptyCalls(
  runs: number,
): Promise<Pick<ForeignResult["costs"], "empty call by name" | "empty call through a table">> {
  const all = (make: (at: number) => string): string => Array.from({ length: READS }, (_, at) => make(at)).join(" ");
  const binary = textToBinary(`(module (table ${READS} funcref) (elem (i32.const 0) ${all((at) => `$empty${at}`)})
    ${all((at) => `(func $empty${at})`)}
    (func $named ${all((at) => `(call $empty${at})`)})
    (func $listed (local $at i32) (loop $next (call_indirect (local.get $at))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const ${READS})))))
    (func (export "named") (param i32) (loop $next (call $named)
      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "listed") (param i32) (loop $next (call $listed)
      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`);
  assert.ok(typeof binary !== "string", String(binary));
  const { exports } = new wasm.Instance(await wasm.compile(binary), {});
  const [named, listed] = [exports.named, exports.listed] as ((times: number) => void)[];
  const [byName = 0, throughTable = 0] = leastTimes([() => named?.(EVENTS), () => listed?.(EVENTS)], runs);
  const each = (milliseconds: number): number => (milliseconds * 1e6) / (EVENTS * READS);
  return { "empty call by name": each(byName), "empty call through a table": each(throughTable) };
}

/** Milliseconds of each, in turns: the least of all runs but the first two. */
function leastTimes(works: readonly (() => unknown)[], runs: number): readonly number[] {
  const least = works.map(() => Number.POSITIVE_INFINITY);
  for (let run = 0; run < runs + 2; run++)
    for (const [at, work] of works.entries()) {
      const time = timeOf(work);
      if (run >= 2) least[at] = Math.min(least[at] ?? 0, time);
    }
  return least;
}

const ORIGIN = { file: "bench", firstLine: 1 };

const EVENT = {
  "@timestamp": "2026-03-17T03:06:14.310Z",
  event: { kind: "event", category: ["process"], type: ["start"], action: "exec" },
  host: { id: "h1", os: { type: "linux" } },
  process: { pid: 4711, name: "somewhere-to-be-found", executable: "/usr/bin/tool", args: ["tool", "--verbose"] },
};

function timeOf(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
