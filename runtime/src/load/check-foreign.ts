// The bytes of hand-written code -> what can be run, or what is wrong with it. The compiler has looked at the same things, but whoever can write the
// folder can write these files.

import { IMPORT_MODULE } from "@kestrel/stdlib/abi";
import { FUEL_EXPORT, HOST_FUNCTIONS } from "@kestrel/stdlib/host-api";
import type { ManifestForeign } from "@kestrel/stdlib/package-format";
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
  { name, file, library, runtime, readings }: ManifestForeign,
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
    ] as const) {
      if (exported.get(name) !== kind) fail(`exports no ${kind} ${name}`);
    }
    return sound ? (host, limits) => createWasmInstance(module, host, limits) : null;
  } catch (error) {
    report("E_PACKAGE_FOREIGN", file, `does not compile: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}
