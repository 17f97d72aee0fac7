// The bytes of hand-written code -> what can be run, or what is wrong with it. The compiler has looked at the same things, but whoever can write the
// folder can write these files.

import { IMPORT_MODULE } from "@kestrel/stdlib/abi";
import { DEPTH_EXPORT, FUEL_EXPORT, HOST_FUNCTIONS, MOST_TABLE_ENTRIES } from "@kestrel/stdlib/host-api";
import type { ManifestForeign } from "@kestrel/stdlib/package-format";
import { I32, PAGE_BYTES, RefusedPart, readModule } from "@kestrel/stdlib/wasm-module";
import type { MakeForeign } from "../foreign/foreign-host.js";
import type { MakePredicate } from "../foreign/lua/generated-predicates.js";
import { loadLua } from "../foreign/lua/lua-instance.js";
import { createWasmInstance } from "../foreign/wasm-instance.js";
import { wasm } from "../wasm.js";
import type { Report } from "./problems.js";

const NAMES: ReadonlySet<string> = new Set(HOST_FUNCTIONS.map(({ name }) => name));
const ESCAPE = 0x1b;

/** Checks the code of one entry of the manifest; `generated` loads the library of what eqlc has made, once. null, with reasons reported, when it cannot be run. */
export async function checkForeignCode(
  { name, file, library, runtime, readings, limits }: ManifestForeign,
  files: ReadonlyMap<string, Uint8Array>,
  generated: (library: Uint8Array) => Promise<MakePredicate>,
  report: Report,
): Promise<MakeForeign | null> {
  const bytes = files.get(file);
  // A listed file that is not sound has been reported.
  if (bytes === undefined) {
    report("E_PACKAGE_FOREIGN", file, "is not among the files of the package, or is not what was written");
    return null;
  }
  if (library !== null) {
    const front = files.get(library);
    if (runtime === "lua" && front !== undefined) return (await generated(front))(bytes, name);
    report("E_PACKAGE_FOREIGN", library, "is not among the files of the package, or is not what was written");
    return null;
  }
  if (runtime === "lua") {
    if (bytes[0] !== ESCAPE) {
      const create = await loadLua();
      const fields = new Map(readings.map(({ name, field }) => [name, field]));
      return (host, limits) => create(bytes, name, host, limits, { fields });
    }
    report("E_PACKAGE_FOREIGN", file, "is Lua in binary form, which is not run");
    return null;
  }
  try {
    const module = await wasm.compile(bytes);
    let sound = true;
    const fail = (message: string): void => {
      sound = false;
      report("E_PACKAGE_FOREIGN", file, message);
    };
    for (const { module: from, name, kind } of wasm.Module.imports(module)) {
      if (from !== IMPORT_MODULE || kind !== "function" || !NAMES.has(name))
        fail(`imports ${from}.${name}, which is not of the Host API`);
    }
    const exported = new Map(wasm.Module.exports(module).map(({ name, kind }) => [name, kind]));
    for (const [name, kind] of [
      ["pred_eval", "function"],
      ["memory", "memory"],
      [FUEL_EXPORT, "global"],
      [DEPTH_EXPORT, "global"],
    ] as const) {
      if (exported.get(name) !== kind) fail(`exports no ${kind} ${name}`);
    }
    for (const problem of limitProblems(bytes, limits.memory_bytes)) fail(problem);
    return sound ? (host, limits) => createWasmInstance(module, host, limits) : null;
  } catch (error) {
    report("E_PACKAGE_FOREIGN", file, `does not compile: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

/** What of a valid module would pass a limit, or would run where nothing limits it. */
function limitProblems(bytes: Uint8Array, memoryBytes: number): readonly string[] {
  const problems: string[] = [];
  try {
    const { memories, tables, globals, exports, start } = readModule(bytes);
    const pages = Math.floor(memoryBytes / PAGE_BYTES);
    const [memory] = memories;
    if (memory !== undefined && (memory.min > pages || memory.max === null || memory.max > pages)) {
      const to = memory.max === null ? "without an end" : `to ${memory.max}`;
      problems.push(`has a memory of ${memory.min} pages ${to}, and may have ${pages}`);
    }
    const entries = tables[0]?.min ?? 0;
    if (entries > MOST_TABLE_ENTRIES) problems.push(`has a table of ${entries} entries, not ${MOST_TABLE_ENTRIES}`);
    if (start !== null) problems.push("has a start function");
    // Nothing but functions can be imported, so a global's index is its place among the module's own.
    for (const counting of [FUEL_EXPORT, DEPTH_EXPORT]) {
      const found = exports.find(({ name }) => name === counting);
      const counter = found?.kind === "global" ? globals[found.index] : undefined;
      if (counter !== undefined && (counter.type !== I32 || !counter.isMutable))
        problems.push(`exports a ${counting} that counts nothing`);
    }
  } catch (error) {
    if (!(error instanceof RefusedPart)) throw error;
    problems.push(`uses ${error.message}, which hand-written rules may not use`);
  }
  return problems;
}
