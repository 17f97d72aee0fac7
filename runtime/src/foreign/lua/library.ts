// Native functions by name, as a table of Lua.

import { type Fengari, type LuaState, type LuaTable, NATIVE_FUNCTION, type NativeFunction, TEXT } from "./fengari.js";
import { blessText } from "./lua-text.js";

export type Library = Readonly<Record<string, NativeFunction>>;

export function setField(
  fengari: Fengari,
  L: LuaState,
  table: LuaTable,
  name: string,
  type: number,
  value: unknown,
): void {
  const { TValue } = fengari.lobject;
  const key = new TValue(TEXT, blessText(new TextEncoder().encode(name)));
  fengari.ltable.luaH_setfrom(L, table, key, new TValue(type, value));
  // A table remembers which metamethods it lacks.
  fengari.ltable.invalidateTMcache(table);
}

export function addFunctions(fengari: Fengari, L: LuaState, table: LuaTable, library: Library): void {
  for (const [name, run] of Object.entries(library)) setField(fengari, L, table, name, NATIVE_FUNCTION, run);
}

export function makeTable(fengari: Fengari, L: LuaState, library: Library): LuaTable {
  const table = fengari.ltable.luaH_new(L);
  addFunctions(fengari, L, table, library);
  return table;
}
