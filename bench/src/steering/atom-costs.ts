// Table "atom costs": nanoseconds that an atom takes on one value, which is what `atomCost` orders operands by.
//
// A pack has one predicate over many atoms of one kind, none of which holds. It is built twice over the same atoms: once
// they are asked first, once behind a question that fails, so that they are compiled, and their fields read, but never
// asked. The difference, by the number of atoms, is the cost of one.

import { strict as assert } from "node:assert";
import { lowerPack } from "@kestrel/compiler/backend/wasm/lower-pack";
import { DEFAULT_OPTIONS, planRules } from "@kestrel/compiler/compile";
import type { Circuit } from "@kestrel/compiler/ir/circuit";
import type { AtomId, PackIr } from "@kestrel/compiler/ir/pack-ir";
import { tryAlways } from "@kestrel/compiler/passes/choose-witnesses";
import { createDetector } from "@kestrel/runtime/engine/detector";
import { Bench } from "tinybench";
import { load, packageOf } from "../compile.js";
import { analysed } from "../functions.js";
import { eventReadings, LINE } from "./process-event.js";
import { processorMs } from "./processor-time.js";

export interface AtomCost {
  readonly kind: string;
  readonly atoms: number;
  readonly nanoseconds: number;
}

const EVENTS = 1_000;

function many(count: number, query: (index: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => query(index));
}

const BOOLEANS = ["exists", "trusted"].flatMap((name) =>
  ["process", "process.parent", "dll", "file"].map((of) => `${of}.code_signature.${name}`),
);

/** Conditions that do not hold for the event; the number of atoms of a kind is that of its conditions. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  exists: ["domain", "email", "full_name", "hash", "id"].flatMap((name) =>
    ["client", "destination", "server", "source"].map((of) => `${of}.user.${name} != null`),
  ),
  boolean: BOOLEANS.map((field) => `${field} == false`),
  integer: many(64, (i) => `process.pid > ${100_000 + i}`),
  double: many(64, (i) => `file.Ext.entropy > ${1_000 + i}.5`),
  "set, one text": many(64, (i) => `process.name == "x${i}.exe"`),
  "set, 20 texts": many(64, (i) => `process.name : (${many(20, (k) => `"x${i}-${k}.exe"`).join(", ")})`),
  "integer-set of 2": many(64, (i) => `process.pid in (${i + 1}, ${i + 9_001})`),
  "integer-set of 64": many(64, (i) => `process.pid in (${many(64, (k) => `${k * 64 + i + 5_000}`).join(", ")})`),
  "in-ranges of 1": many(64, (i) => `cidrMatch(source.ip, "192.168.${i}.0/24")`),
  "in-ranges of 16": many(64, (i) => `cidrMatch(source.ip, ${many(16, (k) => `"172.${k}.${i}.0/24"`).join(", ")})`),
  "pattern, prefix": many(64, (i) => `process.command_line : "p${i}-*"`),
  "pattern, contains": many(64, (i) => `process.command_line : "*-${i}-none-*"`),
  "pattern, glob": many(64, (i) => `process.command_line : "*power*-${i}?none*"`),
  "pattern, 8 globs": many(32, (i) => `process.command_line : (${many(8, (k) => `"*-${i}-${k}-none*"`).join(", ")})`),
  "pattern, regex": many(64, (i) => `process.command_line regex~ """.*-${i}-[a-f]+none.*"""`),
  computed: many(64, (i) => `length(process.command_line) > ${1_000 + i}`),
  "search, 3 elements": many(32, (i) => `_arraysearch(dns.answers, $a, $a.data == "none-${i}")`),
};

export async function measureAtomCosts(): Promise<AtomCost[]> {
  const bench = new Bench({ time: 1_000, iterations: 100, warmupTime: 100, now: processorMs });
  const counts = new Map<string, number>();
  for (const [kind, conditions] of Object.entries(KINDS)) {
    const plans = planRules(
      conditions.map((condition, index) => analysed(`a${index}`, `any where ${condition}`)),
      DEFAULT_OPTIONS,
    );
    counts.set(kind, plans.predicates.length);
    bench.add(`${kind} asked`, await feeder(plans, true));
    bench.add(`${kind} behind`, await feeder(plans, false));
  }
  await bench.run();
  const time = (name: string): number => {
    const result = bench.getTask(name)?.result;
    assert.ok(result?.state === "completed", `${name} failed`);
    // The least: neighbours on the machine only ever add to a time.
    return (result.latency.min * 1e6) / EVENTS;
  };
  return [...counts].map(([kind, atoms]) => ({
    kind,
    atoms,
    nanoseconds: (time(`${kind} asked`) - time(`${kind} behind`)) / atoms,
  }));
}

/** Feeds the event to a pack of one predicate that asks the conditions of `plans` and does not hold. */
async function feeder(plans: PackIr, isAsked: boolean): Promise<() => void> {
  const rule = analysed("bench", "any where registry.hive != null");
  const [first] = plans.predicates;
  assert.ok(first !== undefined);
  const conditions = plans.predicates.map(({ circuit }) => circuit);
  const never = plans.atoms.length;
  const { atoms } = planRules([rule], DEFAULT_OPTIONS);
  assert.equal(atoms.length, 1);
  const negation: Circuit = { kind: "not", operand: { kind: "or", operands: conditions } };
  const gate: Circuit = { kind: "atom", atom: never as AtomId };
  const circuit: Circuit = { kind: "and", operands: isAsked ? [negation, gate] : [gate, negation] };
  const ir = tryAlways({
    ...plans,
    atoms: [...plans.atoms, ...atoms],
    predicates: [{ ...first, circuit }],
    eventRules: [[0]],
    origins: { atoms: [], predicates: [] },
  });
  const lowered = lowerPack(ir, { events: eventReadings(), optimize: true, text: false });
  const pack = await load(packageOf({ rules: [rule], ir, asked: ir, lowered }));
  const detector = createDetector(pack, { latenessNs: 0n, onAlert: () => assert.fail("nothing can match") });
  const bytes = Buffer.from(LINE.repeat(EVENTS));
  return () => {
    const before = detector.counters();
    detector.feed(bytes, { file: "bench", firstLine: 1 });
    const after = detector.counters();
    assert.equal(after.events - before.events, EVENTS);
    assert.equal(after.evaluated - before.evaluated, EVENTS, "the predicate was not tried for every event");
    assert.equal(after.matched, 0);
  };
}
