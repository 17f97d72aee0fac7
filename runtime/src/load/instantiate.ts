// A compiled module -> an instance that can be run. The interface is the last paragraph of stdlib/src/abi.ts.

import {
  CONTROL_BASE,
  CONTROL_BEHIND_NEWEST,
  CONTROL_GREATEST,
  CONTROL_LAST,
  CONTROL_NEWEST,
  CONTROL_STEP,
  CONTROL_TIME_UNIT,
  FORMAT_BYTES,
  IMPORT_MODULE,
  TIME_UNIT_BUILT_IN,
} from "@kestrel/stdlib/abi";
import { type WasmModule, wasm } from "../wasm.js";

export interface PackInstance {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Runs the lines that stand at `address`; 0 when the input is used up, 1 when the output region is full. */
  readonly run: (address: number, length: number) => number;
  readonly abiVersion: number;
  readonly inputBase: number;
  readonly inputCapacity: number;
  readonly outputBase: number;
  readonly lateBase: number;
  readonly lateCapacity: number;
  readonly lineageFlags: number;
  readonly flagCount: number;
  readonly predicateCount: number;
  /** See "Late tests" in abi.ts. */
  readonly lateBegin: () => void;
  readonly lateEvent: (root: number, address: number, length: number) => number;
  readonly lateTest: (predicate: number) => number;
  /** Of a module with foreign code. */
  readonly foreign: {
    readonly rests: number;
    readonly base: number;
    readonly capacity: number;
    readonly match: (pattern: number, length: number) => number;
  } | null;
}

/** Answers a module that asks for foreign code by its number: 1 for yes. It must not throw. */
export type ForeignTest = (foreign: number) => number;

/** What a module may import, and what it must export, with the kinds that the WebAssembly API names. */
export const IMPORTS: readonly string[] = ["f64_parse", "f64_format"];
/** The same of a module with foreign code, in addition. */
export const FOREIGN_IMPORTS: readonly string[] = ["foreign_test"];
export const FOREIGN_EXPORTS: readonly (readonly [name: string, kind: string])[] = [
  ["foreign_rests", "global"],
  ["foreign_base", "global"],
  ["foreign_capacity", "global"],
  ["foreign_match", "function"],
];
export const EXPORTS: readonly (readonly [name: string, kind: string])[] = [
  ["memory", "memory"],
  ["abi_version", "global"],
  ["input_base", "global"],
  ["input_capacity", "global"],
  ["output_base", "global"],
  ["late_base", "global"],
  ["late_capacity", "global"],
  ["lineage_flags", "global"],
  ["flag_count", "global"],
  ["predicate_count", "global"],
  ["run", "function"],
  ["late_begin", "function"],
  ["late_event", "function"],
  ["late_test", "function"],
];

/** How far one event may move the clock of a stream, in nanoseconds, where nobody says otherwise. */
const CLOCK_STEP_NS = 60_000_000_000n;
/** What a time of the control block holds before there is one. */
export const NO_TIME = -(1n << 63n);

/** An instance in which nothing has run. */
interface Unused {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly memory: PackInstance["memory"];
  /** Whom the module asks for foreign code. */
  readonly foreign: { test: ForeignTest };
}

/**
 * Instances that were made to be looked at only, by their module. Making one costs milliseconds, since the module's tables are copied into new memory, and
 * looking at its globals runs nothing; so the first that is wanted of a module is the one that the loader has looked at.
 */
const unused = new WeakMap<WasmModule, Unused>();

/** An instance to be looked at, in which nothing may be run: the next {@link instantiate} of the module takes the same. Throws as that does. */
export function lookAt(module: WasmModule): PackInstance {
  const made = make(module);
  const seen = interfaceOf(made);
  unused.set(module, made);
  return seen;
}

/**
 * Instantiates a module; memory and state are the instance's own. `clockStepNs` and `timeUnit` are CONTROL_STEP
 * and CONTROL_TIME_UNIT of abi.ts; `foreignTest` answers for the foreign code of a module that has some. Throws for a module without the exports above.
 */
export function instantiate(
  module: WasmModule,
  clockStepNs: bigint = CLOCK_STEP_NS,
  timeUnit: number = TIME_UNIT_BUILT_IN,
  foreignTest: ForeignTest = () => 0,
): PackInstance {
  const made = unused.get(module) ?? make(module);
  unused.delete(module);
  const instance = interfaceOf(made);
  made.foreign.test = foreignTest;
  const view = new DataView(made.memory.buffer);
  startClock(view, clockStepNs);
  view.setUint32(CONTROL_BASE + CONTROL_TIME_UNIT, timeUnit, true);
  return instance;
}

function make(module: WasmModule): Unused {
  let memory: PackInstance["memory"] | null = null;
  const bytesAt = (address: number, length: number): Buffer => {
    if (memory === null) throw new Error("the module called its host before it was instantiated");
    return Buffer.from(memory.buffer, address >>> 0, length);
  };
  const foreign: Unused["foreign"] = { test: () => 0 };
  const host = {
    f64_parse: (address: number, length: number): number => Number(bytesAt(address, length).toString("latin1")),
    f64_format: (value: number, address: number): number =>
      bytesAt(address, FORMAT_BYTES).write(doubleText(value), "latin1"),
    foreign_test: (index: number): number => foreign.test(index),
  };
  const { exports } = new wasm.Instance(module, { [IMPORT_MODULE]: host });
  const { memory: exported } = exports;
  if (!(exported instanceof wasm.Memory)) throw new Error("the module exports no memory");
  memory = exported;
  return { exports, memory: exported, foreign };
}

function interfaceOf({ exports, memory }: Unused): PackInstance {
  return {
    memory,
    run: functionOf(exports, "run") as PackInstance["run"],
    abiVersion: globalOf(exports, "abi_version"),
    inputBase: globalOf(exports, "input_base"),
    inputCapacity: globalOf(exports, "input_capacity"),
    outputBase: globalOf(exports, "output_base"),
    lateBase: globalOf(exports, "late_base"),
    lateCapacity: globalOf(exports, "late_capacity"),
    lineageFlags: globalOf(exports, "lineage_flags"),
    flagCount: globalOf(exports, "flag_count"),
    predicateCount: globalOf(exports, "predicate_count"),
    lateBegin: functionOf(exports, "late_begin") as PackInstance["lateBegin"],
    lateEvent: functionOf(exports, "late_event") as PackInstance["lateEvent"],
    lateTest: functionOf(exports, "late_test") as PackInstance["lateTest"],
    foreign: "foreign_match" in exports ? foreignOf(exports) : null,
  };
}

function foreignOf(exports: Readonly<Record<string, unknown>>): NonNullable<PackInstance["foreign"]> {
  return {
    rests: globalOf(exports, "foreign_rests"),
    base: globalOf(exports, "foreign_base"),
    capacity: globalOf(exports, "foreign_capacity"),
    match: functionOf(exports, "foreign_match") as NonNullable<PackInstance["foreign"]>["match"],
  };
}

/** Memory begins as zeros, and a time of zero would be one of 1970. */
function startClock(view: DataView, stepNs: bigint): void {
  for (const time of [CONTROL_NEWEST, CONTROL_LAST, CONTROL_GREATEST, CONTROL_BEHIND_NEWEST]) {
    view.setBigInt64(CONTROL_BASE + time, NO_TIME, true);
  }
  view.setBigInt64(CONTROL_BASE + CONTROL_STEP, stepNs, true);
}

function functionOf(exports: Readonly<Record<string, unknown>>, name: string): unknown {
  const found = exports[name];
  if (typeof found !== "function") throw new Error(`the module exports no ${name}`);
  return found;
}

function globalOf(exports: Readonly<Record<string, unknown>>, name: string): number {
  const found = exports[name];
  const value = found instanceof wasm.Global ? found.value : undefined;
  if (typeof value !== "number") throw new Error(`the module's ${name} is not an i32 global`);
  return value >>> 0;
}

/** The text of a double: the shortest that reads back as the same, with ".0" where it would look like an integer. */
export function doubleText(value: number): string {
  const text = String(value);
  return /^-?[0-9]+$/.test(text) ? `${text}.0` : text;
}
