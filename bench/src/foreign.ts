// What a predicate costs, by the way it is written: compiled from EQL, by hand in Wasm, by hand in Lua; and what a rule costs the others that is
// stopped again and again.
//
// Each cost is the difference between packs that ask the same question of the same events once, and many times.

import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { createDetector } from "@kestrel/runtime/engine/detector";
import { compile, load } from "./compile.js";
import type { Input } from "./corpus.js";
import { spread } from "./replay.js";

export interface ForeignResult {
  /** Nanoseconds of one: the least of all runs. */
  readonly costs: Readonly<Record<Way, number>>;
  /** A pack with a rule in it that never ends, against the pack without, pair by pair. */
  readonly quarantine: { readonly min: number; readonly median: number; readonly max: number };
}

type Way = "compiled predicate" | "string read through the Host API" | "predicate in Wasm" | "predicate in Lua";

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
      const { built, leftOut } = compile({ name: "foreign", path });
      assert.equal(leftOut, 0);
      return createDetector(await load(built), { latenessNs: 0n, onAlert: () => assert.fail("nothing can match") });
    };
    // Not a question that the index answers.
    const compiled = (count: number): Rules =>
      times(count, (at) => ({ [`rule-${at}.eql`]: `any where process.name != null and process.pid == ${-1 - at}` }));
    const wat = (count: number, reads = 0): Rules => times(count, (at) => foreign(`w${at}`, "rule.wat", module(reads)));
    const lua = (count: number): Rules => times(count, (at) => foreign(`l${at}`, "predicate.lua", SCRIPT));
    const lines = Buffer.from(`${JSON.stringify(EVENT)}\n`.repeat(EVENTS));
    const difference = async (few: Rules, many: Rules, factor: number): Promise<number> => {
      const [one, other] = [await detectorOf(few), await detectorOf(many)];
      let [least, leastMany] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      for (let run = 0; run < runs + 2; run++) {
        const [a, b] = [timeOf(() => one.feed(lines, ORIGIN)), timeOf(() => other.feed(lines, ORIGIN))];
        if (run >= 2) [least, leastMany] = [Math.min(least, a), Math.min(leastMany, b)];
      }
      assert.deepEqual([one.counters().faults, other.counters().faults], [0, 0]);
      return ((leastMany - least) * 1e6) / (EVENTS * factor);
    };
    const costs = {
      "compiled predicate": await difference(compiled(1), compiled(READS + 1), READS),
      "string read through the Host API": await difference(wat(1), wat(1, READS), READS),
      "predicate in Wasm": await difference(wat(1), wat(MANY + 1), MANY),
      "predicate in Lua": await difference(lua(1), lua(MANY + 1), MANY),
    };
    return { costs, quarantine: await quarantine(input, runs) };
  } finally {
    rmSync(folder, { recursive: true });
  }

  async function quarantine({ rules, chunks }: Input, pairs: number): Promise<ForeignResult["quarantine"]> {
    const path = join(folder, "endless");
    for (const [name, text] of Object.entries(foreign("endless", "predicate.lua", ENDLESS))) {
      mkdirSync(join(path, name, ".."), { recursive: true });
      writeFileSync(join(path, name), text);
    }
    const bare = await load(compile(rules).built);
    const beside = await load(compile(rules, [path]).built);
    const run = (pack: typeof bare): { readonly milliseconds: number; readonly alerts: number } => {
      const detector = createDetector(pack, { latenessNs: null, onAlert: () => undefined });
      const milliseconds = timeOf(() => {
        for (const chunk of chunks) detector.feed(chunk, ORIGIN);
        detector.finish();
      });
      return { milliseconds, alerts: detector.counters().alerts };
    };
    const ratios: number[] = [];
    for (let pair = 0; pair <= pairs; pair++) {
      const [a, b] = [run(bare), run(beside)];
      assert.equal(a.alerts, b.alerts);
      if (pair > 0) ratios.push(b.milliseconds / a.milliseconds);
    }
    return spread(ratios);
  }
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
