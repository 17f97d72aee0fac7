// The source of a rule in Lua -> what its parser does not understand. The parser is fengari's, which is only loaded for such a rule.

import { createRequire } from "node:module";
import { literalsOf } from "./lua-fields.js";

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

/**
 * The parser keeps lists of jumps and labels, and goes through one for each that comes: with 35,000 of them that is ten seconds, with as
 * many as this a part of one. At run time such a list is paid for with fuel, of which this takes a half.
 */
export const MOST_JUMPS = 4096;
const JUMPS = new Set([
  "and",
  "break",
  "else",
  "elseif",
  "for",
  "goto",
  "if",
  "not",
  "or",
  "repeat",
  "until",
  "while",
  "::",
]);

/** Words of the source that the parser makes jumps or labels of; a label stands between two. */
export function jumpsIn(source: string): number {
  let jumps = 0;
  literalsOf(source, (word) => {
    if (JUMPS.has(word)) jumps++;
  });
  return jumps;
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
