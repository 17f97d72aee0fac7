// Values of JavaScript -> the stack of a Lua state, and back: texts as UTF-8, integers beyond 32 bits as userdata that hold a bigint,
// JSON as stdlib/lua/language.lua has it.

import fengari, { type State } from "fengari";
import type { Json } from "../reference/read-json.js";
import type { Value } from "../reference/values.js";

const { lua, lauxlib } = fengari;
const encoder = new TextEncoder();
// What is matched and shown is well-formed, so this throws on a defect only.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NULL = { null: true };

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

export interface LuaValues {
  integer(value: bigint): void;
  text(text: string): void;
  value(value: Value): void;
  json(value: Json): void;
  jsonNull(): void;
  /** A sequence. */
  list<Item>(items: readonly Item[], push: (item: Item) => void): void;
  /** Puts what is on top into the table below it. */
  field(name: string): void;
}

/** Each function puts one value on the top of the stack, but `field`. */
export function createLuaValues(state: State): LuaValues {
  const metatable = integerMetatable(state);
  const values: LuaValues = {
    integer(value) {
      if (value === BigInt.asIntN(32, value)) {
        lua.lua_pushinteger(state, Number(value));
        return;
      }
      lua.lua_newuserdata(state, 0).data = value;
      lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, metatable);
      lua.lua_setmetatable(state, -2);
    },
    text(text) {
      const bytes = bytesOf(text);
      lua.lua_pushlstring(state, bytes, bytes.length);
    },
    value(value) {
      if (value === null) lua.lua_pushnil(state);
      else if (typeof value === "boolean") lua.lua_pushboolean(state, value);
      else if (typeof value === "bigint") values.integer(value);
      else if (typeof value === "number") lua.lua_pushnumber(state, value);
      else if (typeof value === "string") values.text(value);
      else if (value.type === "date") values.integer(value.nanoseconds);
      else if (value.type === "object") lua.lua_pushboolean(state, true);
      else values.text(value.text);
    },
    json(value) {
      // A value that nests takes a few places of the stack at each level.
      lua.lua_checkstack(state, 8);
      if (value.kind === "null") values.jsonNull();
      else if (value.kind === "boolean") lua.lua_pushboolean(state, value.value);
      else if (value.kind === "string") values.text(value.value);
      else {
        lua.lua_newtable(state);
        pushMembers(value, values, state);
      }
    },
    jsonNull: () => lua.lua_pushlightuserdata(state, NULL),
    list(items, push) {
      lua.lua_newtable(state);
      for (const [index, item] of items.entries()) {
        push(item);
        lua.lua_rawseti(state, -2, index + 1);
      }
    },
    field: (name) => lua.lua_setfield(state, -2, bytesOf(name)),
  };
  return values;
}

/** Fills the table on top. */
function pushMembers(
  value: Extract<Json, { kind: "number" | "array" | "object" }>,
  values: LuaValues,
  state: State,
): void {
  if (value.kind === "number") {
    values.text(value.text);
    values.field("number");
    return;
  }
  if (value.kind === "array") {
    values.list(value.items, values.json);
    values.field("array");
    lua.lua_pushinteger(state, value.items.length);
  } else {
    values.list(value.entries, ([key]) => values.text(key));
    values.field("keys");
    values.list(value.entries, ([, member]) => values.json(member));
    values.field("values");
    lua.lua_pushinteger(state, value.entries.length);
  }
  values.field("size");
}

export function errorText(state: State): string {
  const thrown = lua.lua_touserdata(state, -1);
  if (thrown === null) return decoder.decode(lua.lua_tostring(state, -1) ?? new Uint8Array());
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : "an error without a text";
}

export function textAt(state: State, index: number): string {
  if (lua.lua_type(state, index) !== lua.LUA_TSTRING) throw new Error("a text was expected");
  return decoder.decode(lua.lua_tostring(state, index) ?? new Uint8Array());
}

export function numberAt(state: State, index: number): bigint | number {
  if (lua.lua_type(state, index) === lua.LUA_TUSERDATA) {
    const held = lua.lua_touserdata(state, index)?.data;
    if (typeof held === "bigint") return held;
  }
  if (lua.lua_type(state, index) !== lua.LUA_TNUMBER) throw new Error("a number was expected");
  return lua.lua_isinteger(state, index) ? BigInt(lua.lua_tointeger(state, index)) : lua.lua_tonumber(state, index);
}

/** The number of the metatable in the registry. */
function integerMetatable(state: State): number {
  const answers: Readonly<Record<string, (a: bigint | number, b: bigint | number) => boolean>> = {
    // biome-ignore lint/suspicious/noDoubleEquals: JavaScript compares an integer with a double exactly
    __eq: (a, b) => a == b,
    __lt: (a, b) => a < b,
    __le: (a, b) => a <= b,
  };
  lua.lua_newtable(state);
  for (const [name, answer] of Object.entries(answers)) {
    lua.lua_pushcfunction(state, () => {
      lua.lua_pushboolean(state, answer(numberAt(state, 1), numberAt(state, 2)));
      return 1;
    });
    lua.lua_setfield(state, -2, bytesOf(name));
  }
  lua.lua_pushcfunction(state, () => {
    const digits = bytesOf(String(numberAt(state, 1)));
    lua.lua_pushlstring(state, digits, digits.length);
    return 1;
  });
  lua.lua_setfield(state, -2, bytesOf("__tostring"));
  return lauxlib.luaL_ref(state, lua.LUA_REGISTRYINDEX);
}
