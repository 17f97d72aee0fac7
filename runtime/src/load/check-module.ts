// The bytes of module.wasm -> a compiled module that has the interface of stdlib/src/abi.ts.
// The names are compared before anything of the module is made; the globals can only be read from an instance. No code of the module
// runs for that: one with a start function is refused.

import { ABI_VERSION, FOREIGN_REST_BYTES, IMPORT_MODULE, INPUT_PADDING, SLOT_BYTES } from "@kestrel/stdlib/abi";
import { MODULE_FILE, type PackageManifest } from "@kestrel/stdlib/package-format";
import { type WasmModule, wasm } from "../wasm.js";
import { EXPORTS, FOREIGN_EXPORTS, FOREIGN_IMPORTS, IMPORTS, lookAt } from "./instantiate.js";
import type { Report } from "./problems.js";

/** What a manifest says of its module: how many predicates there are, lineage flags that it names, and its foreign code. */
export interface NamedByManifest {
  readonly predicates: number;
  readonly flags: number;
  readonly foreign: PackageManifest["foreign"];
}

/** The bytes of a module, and what they are compiled to; the promise may be left alone. */
export interface Compiling {
  readonly bytes: Uint8Array;
  readonly module: Promise<WasmModule>;
}

/** Begins to compile a module, which is done beside what is done until it is asked for. */
export function compileModule(bytes: Uint8Array): Compiling {
  const module = wasm.compile(bytes);
  module.catch(() => undefined);
  return { bytes, module };
}

/** Checks the module of such a manifest; null, with reasons reported, when it cannot be used. */
export async function checkModule(
  compiling: Compiling,
  { predicates, flags, foreign }: NamedByManifest,
  report: Report,
): Promise<WasmModule | null> {
  const { bytes } = compiling;
  let failed = false;
  const fail = (message: string): void => {
    failed = true;
    report("E_PACKAGE_MODULE", MODULE_FILE, message);
  };
  let module: WasmModule;
  try {
    module = await compiling.module;
  } catch (error) {
    fail(`does not compile: ${messageOf(error)}`);
    return null;
  }
  const hasForeign = foreign.length > 0;
  const imports = hasForeign ? [...IMPORTS, ...FOREIGN_IMPORTS] : IMPORTS;
  for (const { module: from, name, kind } of wasm.Module.imports(module)) {
    if (from !== IMPORT_MODULE || !imports.includes(name)) fail(`imports ${from}.${name}, which does not exist`);
    else if (kind !== "function") fail(`imports ${from}.${name} as a ${kind}; it is a function`);
  }
  if (hasStart(bytes)) fail("has a start function, which would run before it can be looked at");
  const exported = new Map(wasm.Module.exports(module).map(({ name, kind }) => [name, kind]));
  for (const [name, kind] of hasForeign ? [...EXPORTS, ...FOREIGN_EXPORTS] : EXPORTS) {
    const found = exported.get(name);
    if (found === undefined) fail(`does not export ${name}`);
    else if (found !== kind) fail(`exports ${name} as a ${found}; it must be a ${kind}`);
  }
  if (failed) return null;
  try {
    const instance = lookAt(module);
    const { memory, abiVersion, inputBase, inputCapacity, outputBase, lateBase, lateCapacity, lineageFlags } = instance;
    const { predicateCount, flagCount, foreign: own } = instance;
    const size = memory.buffer.byteLength;
    if (abiVersion !== ABI_VERSION) {
      failed = true;
      const message = `the module speaks ABI version ${abiVersion}; this runtime speaks ${ABI_VERSION}`;
      report("E_PACKAGE_ABI", MODULE_FILE, message);
    }
    if (inputCapacity <= INPUT_PADDING || inputBase + inputCapacity > size) {
      fail(`an input region of ${inputCapacity} bytes at ${inputBase} does not fit into ${size} bytes of memory`);
    }
    if (outputBase >= size) fail(`the output region at ${outputBase} stands outside ${size} bytes of memory`);
    if (lateCapacity <= INPUT_PADDING || lateBase + lateCapacity > size) {
      fail(`a late region of ${lateCapacity} bytes at ${lateBase} does not fit into ${size} bytes of memory`);
    }
    for (const { name, readings } of foreign) {
      for (const { slot, name: field } of readings) {
        if (slot % 8 !== 0 || slot + SLOT_BYTES > size) fail(`the slot of ${field} for ${name} cannot be at ${slot}`);
      }
    }
    if (own !== null && own.base + own.capacity > size) {
      fail(`texts of foreign code, ${own.capacity} bytes at ${own.base}, do not fit into ${size} bytes of memory`);
    }
    if (own !== null && own.rests + foreign.length * FOREIGN_REST_BYTES > size) {
      fail(`rests of ${foreign.length} foreign codes at ${own.rests} do not fit into ${size} bytes of memory`);
    }
    if (lineageFlags + flagCount > size) {
      fail(`${flagCount} lineage flags at ${lineageFlags} do not fit into ${size} bytes of memory`);
    }
    if (predicateCount !== predicates) fail(`has ${predicateCount} predicates, the manifest ${predicates}`);
    if (flagCount < flags) fail(`has ${flagCount} lineage flags, the manifest names ${flags}`);
  } catch (error) {
    fail(`cannot be instantiated: ${messageOf(error)}`);
  }
  return failed ? null : module;
}

const WASM_HEADER_BYTES = 8;
const START_SECTION = 8;

/** Whether a module that compiles has a start section: each begins with its number, and its length as LEB128. */
function hasStart(bytes: Uint8Array): boolean {
  for (let at = WASM_HEADER_BYTES; at < bytes.length; ) {
    if (bytes[at++] === START_SECTION) return true;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    at += length;
  }
  return false;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
