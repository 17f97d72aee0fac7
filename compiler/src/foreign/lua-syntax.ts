// The source of a rule in Lua -> what its parser does not understand. The parser is fengari's, which is only loaded for such a rule.

import { createRequire } from "node:module";

interface Fengari {
  readonly lua: {
    readonly LUA_OK: number;
    lua_tojsstring(state: object, index: number): string;
  };
  readonly lauxlib: {
    luaL_newstate(): object;
    luaL_loadbufferx(state: object, text: Uint8Array, size: number, name: Uint8Array, mode: Uint8Array): number;
  };
  to_luastring(text: string): Uint8Array;
}

export interface LuaProblem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** The first thing that is wrong with a source as text of Lua 5.3; null when nothing is. Nothing of it is run. */
export function luaProblem(source: Uint8Array): LuaProblem | null {
  const { lua, lauxlib, to_luastring } = createRequire(import.meta.url)("fengari") as Fengari;
  const state = lauxlib.luaL_newstate();
  const status = lauxlib.luaL_loadbufferx(state, source, source.length, to_luastring("@source"), to_luastring("t"));
  if (status === lua.LUA_OK) return null;
  const text = lua.lua_tojsstring(state, -1);
  const [, line = "1", message = text] = /^source:(\d+): (.*)$/s.exec(text) ?? [];
  return { line: Number(line), message };
}
