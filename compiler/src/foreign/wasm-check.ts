// The bytes of a hand-written module -> what is wrong with it, or the module that counts its own steps and the fields it names.
//
// Node's engine says whether the bytes are a module; it knows more of WebAssembly than rules may use, so what is allowed is looked at
// here, in the bytes. Nothing of the module runs.

import {
  DEPTH_EXPORT,
  FOREIGN_MEMORY_BYTES,
  FUEL_EXPORT,
  HOST_FUNCTIONS,
  type HostFunction,
  type HostType,
  MOST_TABLE_ENTRIES,
} from "@kestrel/stdlib/host-api";
import { editDistance } from "@kestrel/stdlib/schema/schema";
import {
  type Export,
  F64,
  type FunctionType,
  I32,
  I64,
  type Import,
  MalformedModule,
  PAGE_BYTES,
  RefusedPart,
  readModule,
  typeText,
  type WasmModule,
} from "@kestrel/stdlib/wasm-module";
import type { Code } from "../diagnostics/codes.js";
import { type FunctionCode, readCode } from "./wasm-code.js";
import { addFuel } from "./wasm-fuel.js";

export interface WasmProblem {
  readonly code: Code;
  readonly message: string;
  readonly help?: string;
}

export interface WasmOptions {
  readonly memoryBytes: number;
  /** Whether the calls must show which fields are read. */
  readonly findFields: boolean;
  /** Whether a start function is called by pred_init, as that of a compiler that puts a module's own variables there; else it is refused. */
  readonly moveStart: boolean;
}

export interface CheckedWasm {
  /** null where there are problems. */
  readonly binary: Uint8Array | null;
  /** Ids of fields that the calls name, ascending; empty when they were not asked for. */
  readonly fields: readonly number[];
  readonly problems: readonly WasmProblem[];
}

const HOST_MODULE = "kestrel";
/** A module larger than this is no predicate. */
export const MOST_MODULE_BYTES = 4 * 1024 * 1024;

const HOST_TYPES: Readonly<Record<HostType, number>> = { i32: I32, i64: I64, f64: F64 };

/** The functions of the ABI with the parameters that each may have, and whether it must be there. */
const ENTRIES: readonly { readonly name: string; readonly parameters: readonly number[]; readonly needed: boolean }[] =
  [
    { name: "pred_init", parameters: [0, 1], needed: false },
    { name: "pred_eval", parameters: [1, 2], needed: true },
    { name: "pred_capture", parameters: [1, 2], needed: false },
  ];

/** Checks a module and adds what counts its steps. Never throws for what stands in the bytes. */
export function checkWasm(bytes: Uint8Array, options: WasmOptions): CheckedWasm {
  const problems: WasmProblem[] = [];
  const failed = (): CheckedWasm => ({ binary: null, fields: [], problems });
  if (bytes.length > MOST_MODULE_BYTES) {
    problems.push({
      code: "E0712",
      message: `the module has ${bytes.length} bytes, and at most ${MOST_MODULE_BYTES} are allowed`,
    });
    return failed();
  }
  // A part that is refused is called by its name even where this engine does not know it.
  const read = readParts(bytes);
  const reason =
    read instanceof RefusedPart ? null : (whyInvalid(bytes) ?? (read === null ? "it cannot be read" : null));
  if (reason !== null) problems.push({ code: "E0708", message: `not a valid WebAssembly module: ${reason}` });
  else if (read instanceof RefusedPart) problems.push(refused(read));
  if (reason !== null || read === null || read instanceof RefusedPart) return failed();
  const { module, codes } = read;
  problems.push(
    ...importProblems(module),
    ...exportProblems(module),
    ...startProblems(module, options.moveStart),
    ...limitProblems(module, options.memoryBytes),
  );
  const fields = new Set<number>();
  if (options.findFields && problems.length === 0) problems.push(...findFields(module, codes, fields));
  if (problems.length > 0) return failed();
  const binary = addFuel(module, {
    codes,
    maximumPages: pagesAllowed(module, options.memoryBytes),
    exports: entriesOf(module),
    start: module.start,
  });
  const broken = whyInvalid(binary);
  if (broken !== null) throw new Error(`the module was valid until its steps were counted: ${broken}`);
  return { binary, fields: [...fields].sort((a, b) => a - b), problems };
}

/** The parts of WebAssembly's API that are used here, which the compiler's library for Node does not have. */
const engine = (
  globalThis as unknown as { readonly WebAssembly: { readonly Module: new (bytes: Uint8Array) => object } }
).WebAssembly;

/** What the engine finds wrong, or null. */
function whyInvalid(bytes: Uint8Array): string | null {
  try {
    new engine.Module(bytes);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^WebAssembly\.Module\(\): /, "") : String(error);
  }
}

interface Parts {
  readonly module: WasmModule;
  readonly codes: readonly FunctionCode[];
}

/** null where the bytes are no module; why, the engine says. */
function readParts(bytes: Uint8Array): Parts | RefusedPart | null {
  try {
    const module = readModule(bytes);
    return { module, codes: module.bodies.map((_, index) => readCode(module, index)) };
  } catch (error) {
    if (error instanceof RefusedPart) return error;
    if (error instanceof MalformedModule) return null;
    throw error;
  }
}

function refused({ message }: RefusedPart): WasmProblem {
  return {
    code: "E0709",
    message: `the module uses ${message}, which hand-written rules may not use`,
    help: "build it for WebAssembly's first version, with sign extension, saturating conversion, multiple values, bulk memory and SIMD at most",
  };
}

function typesOf({ parameters, result }: HostFunction): FunctionType {
  return { params: parameters.map(({ type }) => HOST_TYPES[type]), results: [HOST_TYPES[result]] };
}

function importProblems(module: WasmModule): WasmProblem[] {
  return module.imports.flatMap((one): WasmProblem[] => {
    const found = hostFunctionOf(one);
    const name = `${one.module}.${one.name}`;
    if (found === null) {
      const near = HOST_FUNCTIONS.find(({ name }) => one.kind === "function" && editDistance(name, one.name, 2) <= 2);
      const help = near === undefined ? adviceFor(one) : `did you mean \`${HOST_MODULE}.${near.name}\`?`;
      return [
        {
          code: "E0710",
          message: `the module imports the ${one.kind} \`${name}\`, which is not in the Host API`,
          help,
        },
      ];
    }
    const wanted = typeText(typesOf(found));
    const own = typeText(module.types[one.type] ?? { params: [], results: [] });
    return own === wanted
      ? []
      : [{ code: "E0710", message: `the import \`${name}\` has the type ${own}; it is ${wanted}` }];
  });
}

function adviceFor({ module, name, kind }: Import): string {
  if (kind === "memory") return "the module has a memory of its own, and exports it as `memory`";
  if (module === "env" && name === "abort") return "AssemblyScript leaves it out with `--use abort=`";
  return `only functions of \`${HOST_MODULE}\` can be imported`;
}

function hostFunctionOf({ module, name, kind }: Import): HostFunction | null {
  if (module !== HOST_MODULE || kind !== "function") return null;
  return HOST_FUNCTIONS.find((one) => one.name === name) ?? null;
}

function functionImports(module: WasmModule): readonly Import[] {
  return module.imports.filter(({ kind }) => kind === "function");
}

function exportProblems(module: WasmModule): WasmProblem[] {
  const problems: WasmProblem[] = [];
  const imported = functionImports(module).length;
  const exported = new Map(module.exports.map((one) => [one.name, one]));
  for (const { name, parameters, needed } of ENTRIES) {
    const found = exported.get(name);
    if (found === undefined) {
      if (needed) problems.push({ code: "E0711", message: `the module does not export \`${name}\`` });
    } else if (found.kind !== "function") {
      problems.push({ code: "E0711", message: `the export \`${name}\` is a ${found.kind}; it must be a function` });
    } else if (found.index < imported) {
      problems.push({
        code: "E0711",
        message: `the export \`${name}\` is an imported function; it must be the module's own`,
      });
    } else {
      const type = module.types[module.functions[found.index - imported] ?? -1] ?? { params: [], results: [] };
      const allowed = parameters.map((count) =>
        typeText({ params: new Array<number>(count).fill(I32), results: [I32] }),
      );
      if (!allowed.includes(typeText(type))) {
        const message = `the export \`${name}\` has the type ${typeText(type)}; it must be ${allowed.join(" or ")}`;
        problems.push({ code: "E0711", message });
      }
    }
  }
  if (exported.get("memory")?.kind !== "memory") {
    problems.push({ code: "E0711", message: "the module does not export its memory as `memory`" });
  }
  for (const own of [FUEL_EXPORT, DEPTH_EXPORT].filter((name) => exported.has(name))) {
    problems.push({ code: "E0711", message: `the module exports \`${own}\`, a name that eqlc keeps for itself` });
  }
  return problems;
}

function startProblems(module: WasmModule, moveStart: boolean): WasmProblem[] {
  if (module.start === null || moveStart) return [];
  return [
    {
      code: "E0709",
      message: "the module has a start function, which would run before anything limits it",
      help: "do in `pred_init` what has to be done first",
    },
  ];
}

function limitProblems(module: WasmModule, memoryBytes: number): WasmProblem[] {
  const problems: WasmProblem[] = [];
  const pages = module.memories[0]?.min ?? 0;
  const allowed = Math.floor(Math.min(memoryBytes, FOREIGN_MEMORY_BYTES) / PAGE_BYTES);
  if (pages > allowed) {
    const message = `the memory begins with ${pages} pages of 64 KiB; the rule may have ${allowed}`;
    problems.push({ code: "E0712", message });
  }
  const entries = module.tables[0]?.min ?? 0;
  if (entries > MOST_TABLE_ENTRIES) {
    const message = `the table has ${entries} entries, and at most ${MOST_TABLE_ENTRIES} are allowed`;
    problems.push({ code: "E0712", message });
  }
  return problems;
}

function pagesAllowed(module: WasmModule, memoryBytes: number): number {
  const allowed = Math.floor(Math.min(memoryBytes, FOREIGN_MEMORY_BYTES) / PAGE_BYTES);
  return Math.min(module.memories[0]?.max ?? allowed, allowed);
}

/** What the host uses of the module. */
function entriesOf(module: WasmModule): readonly Export[] {
  const used = new Set(["memory", ...ENTRIES.map(({ name }) => name)]);
  return module.exports.filter(({ name }) => used.has(name));
}

/** Collects the constants that the calls give for a field. */
function findFields(module: WasmModule, codes: readonly FunctionCode[], fields: Set<number>): WasmProblem[] {
  const imports = functionImports(module);
  const places = imports.map((one) => hostFunctionOf(one)?.parameters.findIndex(({ name }) => name === "field") ?? -1);
  const help = "say with `fields` in manifest.json what the rule reads";
  const unclear = new Map<string, WasmProblem>();
  const add = (message: string): void => {
    unclear.set(message, { code: "E0707", message, help });
  };
  for (const [index, { calls }] of codes.entries()) {
    for (const { target, args } of calls) {
      const place = places[target] ?? -1;
      if (place < 0) continue;
      const field = args[place] ?? null;
      const called = `\`${imports[target]?.name}\``;
      if (field === null) add(`function ${imports.length + index} calls ${called} with a field that is not a constant`);
      else fields.add(field);
    }
  }
  for (const index of module.referenced) {
    if ((places[index] ?? -1) >= 0)
      add(`\`${imports[index]?.name}\` stands in a table, so its calls do not show their fields`);
  }
  return [...unclear.values()];
}
