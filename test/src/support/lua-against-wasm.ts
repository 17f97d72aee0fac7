// A compiled pack and lines -> where Lua and Wasm answer differently for a predicate: the early ones about every event, late tests
// about events that are put together at random; and where Lua and the reference interpreter do, for rules of one event.

import { type LuaPredicate, lowerToLua } from "@kestrel/compiler/backend/lua/lower-to-lua";
import {
  analyseRules,
  type CompiledRule,
  type CompileOptions,
  compilePack,
  DEFAULT_OPTIONS,
} from "@kestrel/compiler/compile";
import { instantiate, type PackInstance } from "@kestrel/runtime/load/instantiate";
import { wasm } from "@kestrel/runtime/wasm";
import {
  CONTROL_BASE,
  CONTROL_BATCH_LINES,
  CONTROL_CONSUMED,
  CONTROL_OUTPUT_BYTES,
  LATE_BROKEN,
  LATE_ROOT_EVENT,
  LATE_ROOT_STAGES,
} from "@kestrel/stdlib/abi";
import { flagCount } from "@kestrel/stdlib/sequence-tables";
import * as assert from "uvu/assert";
import type { Random } from "../generate/random.js";
import { interpret, type RefEvent, type ReferenceOptions, readEvents } from "../reference/interpret.js";
import { type LuaPack, openLua } from "./lua-host.js";
import { readOutput } from "./read-output.js";
import { ruleOf } from "./run-pack.js";

export interface Difference {
  readonly predicate: number;
  readonly text: string;
  /** The event, then those of the stages. */
  readonly lines: readonly (string | null)[];
  readonly flags: readonly boolean[];
  readonly lua: boolean | string;
  readonly wasm: boolean;
}

interface LuaAgainstWasm {
  readonly lua: LuaPack;
  readonly predicates: readonly LuaPredicate[];
  /** How often both sides say yes, and where they do not agree. */
  over(
    lines: readonly string[],
    random: Random,
  ): { readonly held: number; readonly heldLate: number; readonly differences: readonly Difference[] };
  /** For each rule that is one predicate, its number. */
  readonly eventPredicates: ReadonlyMap<number, number>;
}

/** How the queries and the events are read. */
export interface LuaSetting {
  readonly compile: Partial<CompileOptions>;
  readonly reference: ReferenceOptions;
}

/** What the sides were asked. */
export interface LuaComparison {
  /** Pairs of a predicate and an event. */
  readonly asked: number;
  readonly held: number;
  readonly heldLate: number;
  readonly lateTests: number;
  readonly gaveUp: number;
}

/** Compiles the queries that compile, and asks all sides about every stream. Throws an assertion for the first difference. */
export async function compareLua(
  queries: readonly string[],
  streams: readonly (readonly string[])[],
  setting: LuaSetting,
  random: Random,
  withReference = true,
): Promise<LuaComparison> {
  const options = { ...DEFAULT_OPTIONS, ...setting.compile, optimize: false };
  const { rules } = analyseRules(
    queries.map((query, at) => ruleOf(`q${at}`, query)),
    options,
  );
  const prepared = await prepareLua(rules, options, setting.reference);
  let [asked, held, heldLate] = [0, 0, 0];
  for (const lines of streams) {
    const found = prepared.over(lines, random);
    const [first] = found.differences;
    if (first !== undefined) assert.unreachable(`${found.differences.length} differences from Wasm\n${shown(first)}`);
    held += found.held;
    heldLate += found.heldLate;
    asked += prepared.predicates.length * lines.length;
    if (!withReference) continue;
    const events = readEvents(lines, setting.reference);
    for (const [rule, predicate] of prepared.eventPredicates) {
      const query = rules[rule]?.query;
      if (query === undefined || query.pipes.length > 0) continue;
      const result = interpret(query, events, setting.reference);
      const expected = new Set(result.kind === "events" ? result.events.map(({ ordinal }) => ordinal) : []);
      for (const event of events) {
        const answer = prepared.lua.holds(predicate, { event });
        if (answer !== expected.has(event.ordinal))
          assert.unreachable(
            `Lua says ${answer}, the reference ${!answer}\n${rules[rule]?.rule.query}\n${event.line.slice(0, MOST_SHOWN)}`,
          );
      }
    }
  }
  const lateTests = prepared.predicates.filter(({ late }) => late).length;
  return { asked, held, heldLate, lateTests, gaveUp: prepared.lua.gaveUp() };
}

/** Of a line in a message. */
const MOST_SHOWN = 2_000;

function shown({ text, lines, flags, lua: answer, wasm: other }: Difference): string {
  const events = lines.map((line) => line?.slice(0, MOST_SHOWN)).join("\n");
  return `Lua: ${answer}\nWasm: ${other}\n${events}\nflags: ${flags.join(" ")}\n${text}`;
}

export async function prepareLua(
  rules: readonly CompiledRule[],
  options: CompileOptions,
  reference: ReferenceOptions,
): Promise<LuaAgainstWasm> {
  const { ir, lowered } = compilePack(rules, options);
  const predicates = lowerToLua(
    ir,
    rules.map(({ rule }) => rule),
  );
  const lua = await openLua(predicates, reference);
  const module = await wasm.compile(lowered.binary);
  const flags = flagCount(ir.lineage);
  const late = predicates.flatMap((predicate, id) => (predicate.late ? [id] : []));
  const stagesOf = new Map(
    late.map(
      (id) =>
        [
          id,
          [...new Set(predicates[id]?.readings.flatMap(({ root }) => (root.kind === "stage" ? [root.stage] : [])))],
        ] as const,
    ),
  );
  const eventPredicates = new Map<number, number>();
  for (const [id, decided] of ir.eventRules.entries()) for (const rule of decided) eventPredicates.set(rule, id);
  return {
    lua,
    predicates,
    eventPredicates,
    over(lines, random) {
      const events = readEvents(lines, reference);
      const differences: Difference[] = [];
      let held = 0;
      let heldLate = 0;
      const ask = (
        predicate: number,
        event: RefEvent,
        stages: readonly (RefEvent | null)[],
        set: readonly boolean[],
        found: boolean,
      ): void => {
        let answer: boolean | string;
        try {
          answer = lua.holds(predicate, { event, stages, flags: set });
        } catch (error) {
          answer = error instanceof Error ? error.message : String(error);
        }
        if (answer === found) return;
        const text = predicates[predicate]?.text ?? "";
        differences.push({
          predicate,
          text,
          lines: [event, ...stages].map((one) => one?.line ?? null),
          flags: set,
          lua: answer,
          wasm: found,
        });
      };
      const instance = instantiate(module);
      const matches = matchesOf(instance, lines);
      for (const [at, event] of events.entries()) {
        for (const [id, { late: isLate }] of predicates.entries()) {
          if (isLate) continue;
          const found = matches[at]?.has(id) ?? false;
          if (found) held++;
          ask(id, event, [], [], found);
        }
        for (const id of late) {
          const wanted = stagesOf.get(id) ?? [];
          const stages: (RefEvent | null)[] = [];
          for (const stage of wanted) stages[stage] = random.chance(0.1) ? null : random.pick(events);
          const all = Array.from(stages, (one) => one ?? null);
          const set = Array.from({ length: flags }, () => random.chance(0.5));
          const found = lateAnswer(instance, id, event, all, set);
          if (found) heldLate++;
          ask(id, event, all, set, found);
        }
      }
      return { held, heldLate, differences };
    },
  };
}

/** For each line the predicates that the module says hold for it. */
function matchesOf(instance: PackInstance, lines: readonly string[]): readonly ReadonlySet<number>[] {
  const found = lines.map(() => new Set<number>());
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  if (bytes.length > instance.inputCapacity) throw new Error("the lines do not fit the input region");
  const view = new DataView(instance.memory.buffer);
  const word = (offset: number): number => view.getUint32(CONTROL_BASE + offset, true);
  Buffer.from(instance.memory.buffer).set(bytes, instance.inputBase);
  let first = 0;
  for (let used = 0; used < bytes.length; used += word(CONTROL_CONSUMED)) {
    instance.run(instance.inputBase + used, bytes.length - used);
    const matches = readOutput(view, instance.outputBase, word(CONTROL_OUTPUT_BYTES));
    for (const { line, predicate } of matches) found[first + line]?.add(predicate);
    first += word(CONTROL_BATCH_LINES);
  }
  return found;
}

function lateAnswer(
  instance: PackInstance,
  predicate: number,
  event: RefEvent,
  stages: readonly (RefEvent | null)[],
  flags: readonly boolean[],
): boolean {
  const memory = Buffer.from(instance.memory.buffer);
  instance.lateBegin();
  let address = instance.lateBase;
  for (const [at, one] of [event, ...stages].entries()) {
    if (one === null) continue;
    const bytes = Buffer.from(`${one.line}\n`);
    memory.set(bytes, address);
    const root = at === 0 ? LATE_ROOT_EVENT : LATE_ROOT_STAGES + at - 1;
    if (instance.lateEvent(root, address, bytes.length) === LATE_BROKEN) throw new Error("the line is broken");
    address += bytes.length;
  }
  memory.set(
    Uint8Array.from(flags, (flag) => (flag ? 1 : 0)),
    instance.lineageFlags,
  );
  return instance.lateTest(predicate) === 1;
}
