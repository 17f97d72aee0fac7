// The one place that opens, finishes and writes modules with Binaryen. Everything else in this folder builds functions on
// the `Builder` that open() gives.
//
// The prelude arrives as a module whose globals and two imports stand for what differs from pack to pack. finish() puts
// constants in the place of the globals and generated functions in the place of the imports, drops the prelude's helper
// exports, and lets the optimiser remove what nothing calls any more.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ABI_VERSION } from "@kestrel/stdlib/abi";
import binaryen from "binaryen";

export type Expression = binaryen.ExpressionRef;
export type WasmType = binaryen.Type;
export type WasmModule = binaryen.Module;

export const { i32, i64, f64, none } = binaryen;

/** Globals of stdlib/prelude/pack.ts. */
export type PackGlobal =
  | "path_table"
  | "path_mask"
  | "readings"
  | "slots_base"
  | "slots_end"
  | "filled_base"
  | "members_base"
  | "stage_slots_base"
  | "stage_slots_end"
  | "stage_nodes"
  | "stage_count"
  | "time_slot"
  | "time_unit"
  | "stamps_base"
  | "stamps_end"
  | "predicate_stamps"
  | "predicate_count"
  | "found_base"
  | "arena_base"
  | "arena_end"
  | "output_base"
  | "output_end"
  | "fold_ranges"
  | "fold_count";

export interface Builder {
  readonly module: WasmModule;
  /** A call of a prelude function. */
  prelude(name: string, ...args: readonly Expression[]): Expression;
  /** Several parameter types as one. */
  types(types: readonly WasmType[]): WasmType;
  /** Adds a function; one that is `settled` is written as short as the optimiser would make it, and is left as it is. */
  define(
    name: string,
    params: WasmType,
    result: WasmType,
    locals: readonly WasmType[],
    body: Expression,
    isSettled?: "settled",
  ): void;
  /** What is to be added to the module behind the prelude's functions, and so is not looked at when these are optimised. */
  afterwards(add: () => void): void;
  /** A block label that no other block has. */
  label(): string;
  /** A constant address or other i32. */
  word(value: number): Expression;
  /** Address behind the static data of the prelude. */
  readonly preludeEnd: number;
  readonly generated: Generated;
}

/** What eqlc adds to the prelude. */
interface Generated {
  readonly add: (() => void)[];
  /** Names of the functions that the optimiser is to look at. */
  readonly rough: string[];
  /** Names of the prelude's functions that are called. */
  readonly called: Set<string>;
}

export interface FinishOptions {
  readonly globals: Readonly<Record<PackGlobal, number>>;
  readonly data: { readonly base: number; readonly bytes: Uint8Array };
  readonly memoryPages: number;
  readonly inputBase: number;
  readonly inputCapacity: number;
  readonly lateBase: number;
  readonly lateCapacity: number;
  readonly lineageFlags: number;
  /** Of packs with foreign code: where its rests and its texts stand, and the name of the generated foreign_match. */
  readonly foreign: {
    readonly rests: number;
    readonly base: number;
    readonly capacity: number;
    readonly match: string;
  } | null;
  readonly flagCount: number;
  /** Names of the generated functions that take the place of the imports. */
  readonly evaluate: string;
  readonly callPredicate: string;
  readonly optimize: boolean;
  /** Whether the module's text is wanted too. */
  readonly text: boolean;
}

/**
 * What pays of Binaryen's passes. Those of JOIN look at a module as a whole, and the prelude is one: functions with one caller move into it. What is in a function has been
 * optimised when the prelude was built. TIDY makes the most of a generated function. Those of predicates, which are nearly all of a module, are generated such
 * that there is nothing left to do: the passes would take more than half of a build. bench/README.md, "Rejected", has the rest.
 */
const JOIN: readonly string[] = [
  ...["remove-unused-module-elements", "simplify-globals", "inlining"],
  "remove-unused-module-elements",
];
const TIDY: readonly string[] = [
  ...["optimize-instructions", "remove-unused-brs", "simplify-locals", "vacuum"],
  ...["coalesce-locals", "reorder-locals", "merge-blocks", "vacuum"],
];

/** Of the prelude's exports, those that a module has too. */
const EXPORTS: ReadonlySet<string> = new Set(["run", "memory", "late_begin", "late_event", "late_test"]);

const PRELUDE = fileURLToPath(import.meta.resolve("@kestrel/stdlib/prelude.wasm"));

let preludeBytes: Uint8Array | null = null;

export function open(): Builder {
  preludeBytes ??= readFileSync(PRELUDE);
  const module = binaryen.readBinary(preludeBytes);
  module.setFeatures(
    binaryen.Features.SIMD128 |
      binaryen.Features.BulkMemory |
      binaryen.Features.MutableGlobals |
      binaryen.Features.SignExt |
      binaryen.Features.NontrappingFPToInt |
      binaryen.Features.BulkMemoryOpt,
  );
  const functions = new Map<string, { readonly internal: string; readonly result: WasmType }>();
  for (let i = 0; i < module.getNumExports(); i++) {
    const { kind, name, value: internal } = binaryen.getExportInfo(module.getExportByIndex(i));
    if (kind !== binaryen.ExternalFunction) continue;
    functions.set(name, { internal, result: binaryen.getFunctionInfo(module.getFunction(internal)).results });
  }
  let labels = 0;
  const generated: Generated = { add: [], rough: [], called: new Set() };
  return {
    module,
    generated,
    define(name, params, result, locals, body, isSettled) {
      generated.add.push(() => module.addFunction(name, params, result, [...locals], body));
      if (isSettled === undefined) generated.rough.push(name);
    },
    afterwards: (add) => generated.add.push(add),
    label: () => `block ${labels++}`,
    prelude(name, ...args) {
      const known = functions.get(name);
      if (known === undefined) throw new Error(`the prelude has no function ${name}`);
      generated.called.add(name);
      return module.call(known.internal, [...args], known.result);
    },
    types: (types) => binaryen.createType([...types]),
    word: (value) => module.i32.const(value | 0),
    preludeEnd: Math.max(0, ...dataSegments(module).map(({ offset, data }) => offset + data.byteLength)),
  };
}

/** Frees the module's memory, which Binaryen holds outside of JavaScript. */
export function close({ module }: Builder): void {
  module.dispose();
}

/** Internal name of the import `base`, as prelude functions call it. */
function importName(module: WasmModule, base: string): string {
  for (let i = 0; i < module.getNumFunctions(); i++) {
    const info = binaryen.getFunctionInfo(module.getFunctionByIndex(i));
    if (info.base === base) return info.name;
  }
  throw new Error(`the prelude has no import ${base}`);
}

/** Completes the module and returns its bytes; throws when Binaryen finds it invalid, which is always a defect of eqlc. */
export function finish(
  builder: Builder,
  options: FinishOptions,
): { readonly binary: Uint8Array; readonly text: string | null } {
  const { module, generated } = builder;
  for (const [name, value] of Object.entries(options.globals)) {
    const internal = binaryen.getExportInfo(module.getExport(name)).value;
    module.removeGlobal(internal);
    module.addGlobal(internal, i32, false, builder.word(value));
  }
  // Functions that generated ones call are exported until these stand there.
  const removeExports = (kept: ReadonlySet<string>): void => {
    for (const name of exportNames(module)) if (!kept.has(name)) module.removeExport(name);
  };
  removeExports(new Set([...EXPORTS, ...generated.called]));
  const constants = {
    abi_version: ABI_VERSION,
    input_base: options.inputBase,
    input_capacity: options.inputCapacity,
    output_base: options.globals.output_base,
    late_base: options.lateBase,
    late_capacity: options.lateCapacity,
    lineage_flags: options.lineageFlags,
    ...(options.foreign === null
      ? {}
      : {
          foreign_rests: options.foreign.rests,
          foreign_base: options.foreign.base,
          foreign_capacity: options.foreign.capacity,
        }),
    flag_count: options.flagCount,
    predicate_count: options.globals.predicate_count,
  };
  binaryen.setOptimizeLevel(2);
  binaryen.setShrinkLevel(0);
  binaryen.setDebugInfo(false);
  if (options.optimize) module.runPasses([...JOIN]);
  removeExports(EXPORTS);
  for (const add of generated.add) add();
  replaceImport(builder, "evaluate", options.evaluate);
  replaceImport(builder, "call_predicate", options.callPredicate);
  if (options.foreign !== null) module.addFunctionExport(options.foreign.match, "foreign_match");
  for (const [name, value] of Object.entries(constants)) {
    module.addGlobal(`export ${name}`, i32, false, builder.word(value));
    module.addGlobalExport(`export ${name}`, name);
  }
  const segments = [...preludeSegments(module), { offset: builder.word(options.data.base), data: options.data.bytes }];
  module.removeExport("memory");
  module.setMemory(options.memoryPages, options.memoryPages, "memory", segments);
  if (options.optimize) for (const name of generated.rough) module.runPassesOnFunction(name, TIDY);
  if (!module.validate()) throw new Error("the generated module is not valid");
  return { binary: module.emitBinary(), text: options.text ? module.emitText() : null };
}

function exportNames(module: WasmModule): string[] {
  return Array.from(
    { length: module.getNumExports() },
    (_, i) => binaryen.getExportInfo(module.getExportByIndex(i)).name,
  );
}

/** Binaryen cannot replace a function in place: the import gives way to a function of its name that calls the generated one. */
function replaceImport(builder: Builder, base: string, target: string): void {
  const { module } = builder;
  const name = importName(module, base);
  const { params } = binaryen.getFunctionInfo(module.getFunction(name));
  module.removeFunction(name);
  const args = binaryen.expandType(params).map((type, index) => module.local.get(index, type));
  module.addFunction(name, params, none, [], module.call(target, args, none));
}

/** Binaryen has these functions, but its type declarations lack them. */
interface DataSegments {
  getNumDataSegments(): number;
  getDataSegmentInfo(segment: binaryen.DataSegmentRef): { readonly offset: number; readonly data: ArrayBuffer };
}

function dataSegments(module: WasmModule): { readonly offset: number; readonly data: ArrayBuffer }[] {
  const segments = module as unknown as DataSegments;
  return Array.from({ length: segments.getNumDataSegments() }, (_, index) =>
    segments.getDataSegmentInfo(module.getDataSegmentByIndex(index)),
  );
}

function preludeSegments(module: WasmModule): binaryen.MemorySegment[] {
  return dataSegments(module).map(({ offset, data }) => ({
    offset: module.i32.const(offset),
    data: new Uint8Array(data),
  }));
}

/** What a text may hold: also what is refused afterwards, by its name. Others would only change how the same module is written. */
const TEXT_FEATURES =
  binaryen.Features.MutableGlobals |
  binaryen.Features.SignExt |
  binaryen.Features.NontrappingFPToInt |
  binaryen.Features.Multivalue |
  binaryen.Features.BulkMemory |
  binaryen.Features.BulkMemoryOpt |
  binaryen.Features.SIMD128 |
  binaryen.Features.RelaxedSIMD |
  binaryen.Features.Atomics |
  binaryen.Features.ExceptionHandling |
  binaryen.Features.TailCall |
  binaryen.Features.ReferenceTypes |
  binaryen.Features.GC |
  binaryen.Features.Memory64 |
  binaryen.Features.MultiMemory |
  binaryen.Features.ExtendedConst;

/**
 * The bytes of a module written as text, or what is wrong with it, beginning with line and column where Binaryen knows them. Whether
 * the module is valid, and what it uses that it may not, is for who checks it to say.
 */
export function textToBinary(text: string): Uint8Array | string {
  let module: WasmModule;
  try {
    module = binaryen.parseText(text);
  } catch (error) {
    // Binaryen throws an object of its own.
    return String((error as { readonly message?: unknown } | null)?.message ?? error);
  }
  binaryen.setDebugInfo(false);
  module.setFeatures(TEXT_FEATURES);
  const binary = module.emitBinary();
  module.dispose();
  return binary;
}
