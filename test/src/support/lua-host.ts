// Generated Lua without the runtime: a state of fengari with the functions that stdlib/lua/language.lua asks of its host, on values
// as the reference interpreter decodes them. Integers beyond 32 bits are userdata that hold a bigint.

import { languageText } from "@kestrel/compiler/backend/lua/language";
import type { LuaPredicate } from "@kestrel/compiler/backend/lua/lower-to-lua";
import type { Reading } from "@kestrel/compiler/ir/reading";
import { doubleText } from "@kestrel/runtime/load/instantiate";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import fengari, { type State } from "fengari";
import type { RefEvent, ReferenceOptions } from "../reference/interpret.js";
import { fieldValues, type ReferenceType } from "../reference/flatten.js";
import type { Json } from "../reference/read-json.js";
import type { Value } from "../reference/values.js";
import { type Matcher, matcherOf } from "./lua-patterns.js";

const { lua, lauxlib, lualib } = fengari;
const encoder = new TextEncoder();
// What the reference has of a text is well-formed, so this throws on a defect only.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NULL = { null: true };

/** What a predicate is asked about. */
export interface Asked {
  readonly event: RefEvent;
  /** Of the stages of a sequence, by number; null for one that has no event. */
  readonly stages?: readonly (RefEvent | null)[];
  /** Of lineage queries, by number. */
  readonly flags?: readonly boolean[];
}

export interface LuaPack {
  /** Throws Error when the code fails. */
  holds(predicate: number, asked: Asked): boolean;
  /** How many questions gave up. */
  gaveUp(): number;
}

/** Loads generated predicates into one state. Throws Error for what Lua does not compile. */
export function openLua(predicates: readonly LuaPredicate[], options: ReferenceOptions): LuaPack {
  const state = lauxlib.luaL_newstate();
  for (const [name, open] of [
    ["_G", lualib.luaopen_base],
    ["string", lualib.luaopen_string],
    ["table", lualib.luaopen_table],
    ["math", lualib.luaopen_math],
  ] as const) {
    lauxlib.luaL_requiref(state, encoder.encode(name), open, 1);
    lua.lua_settop(state, 0);
  }
  let current: { readonly predicate: LuaPredicate; readonly matchers: Matcher[]; readonly asked: Asked } | null = null;
  let gaveUp = 0;
  const at = () => {
    if (current === null) throw new Error("no predicate is asked");
    return current;
  };
  const readingAt = (number: number): Reading => {
    const reading = at().predicate.readings[number];
    if (reading === undefined) throw new Error(`there is no reading ${number}`);
    return reading;
  };
  const integerMeta = integerMetatable(state);
  const pushInteger = (value: bigint): void => {
    if (value === BigInt.asIntN(32, value)) return lua.lua_pushinteger(state, Number(value));
    lua.lua_newuserdata(state, 0).data = value;
    lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, integerMeta);
    lua.lua_setmetatable(state, -2);
  };
  const pushText = (text: string): void => {
    const bytes = encoder.encode(text);
    lua.lua_pushlstring(state, bytes, bytes.length);
  };
  const pushValue = (value: Value): void => {
    if (value === null) lua.lua_pushnil(state);
    else if (typeof value === "boolean") lua.lua_pushboolean(state, value);
    else if (typeof value === "bigint") pushInteger(value);
    else if (typeof value === "number") lua.lua_pushnumber(state, value);
    else if (typeof value === "string") pushText(value);
    else if (value.type === "date") pushInteger(value.nanoseconds);
    else if (value.type === "object") lua.lua_pushboolean(state, true);
    else pushText(value.text);
  };
  const pushList = <Item>(items: readonly Item[], push: (item: Item) => void): void => {
    lua.lua_newtable(state);
    for (const [index, item] of items.entries()) {
      push(item);
      lua.lua_rawseti(state, -2, index + 1);
    }
  };
  const setField = (name: string): void => lua.lua_setfield(state, -2, encoder.encode(name));
  const pushJson = (json: Json): void => {
    // A value that nests takes a few places of the stack at each level.
    lua.lua_checkstack(state, 8);
    switch (json.kind) {
      case "null":
        return lua.lua_pushlightuserdata(state, NULL);
      case "boolean":
        return lua.lua_pushboolean(state, json.value);
      case "string":
        return pushText(json.value);
      case "number":
        lua.lua_newtable(state);
        pushText(json.text);
        return setField("number");
      case "array":
        lua.lua_newtable(state);
        pushList(json.items, pushJson);
        setField("array");
        lua.lua_pushinteger(state, json.items.length);
        return setField("size");
      case "object":
        lua.lua_newtable(state);
        pushList(json.entries, ([key]) => pushText(key));
        setField("keys");
        pushList(json.entries, ([, value]) => pushJson(value));
        setField("values");
        lua.lua_pushinteger(state, json.entries.length);
        return setField("size");
    }
  };
  const integerArgument = (index: number): bigint => {
    const value = numberAt(state, index);
    if (typeof value !== "bigint") throw new Error("an integer was expected");
    return value;
  };
  const functions: Readonly<Record<string, () => void>> = {
    values() {
      const reading = readingAt(lua.lua_tointeger(state, 1));
      if (reading.as === "raw" || reading.root.kind === "element") throw new Error("the reading has no typed values");
      pushList(typedValues(reading, at().asked, options), pushValue);
    },
    json() {
      const reading = readingAt(lua.lua_tointeger(state, 1));
      if (reading.as !== "raw" || reading.root.kind === "element") throw new Error("the reading has no JSON value");
      pushList(jsonValues(reading, at().asked), pushJson);
    },
    pattern() {
      const number = lua.lua_tointeger(state, 1);
      const { predicate, matchers } = at();
      const pattern = predicate.patterns[number];
      if (pattern === undefined) throw new Error(`there is no pattern ${number}`);
      const matcher = matchers[number] ?? matcherOf(pattern);
      matchers[number] = matcher;
      lua.lua_pushboolean(state, matcher(textAt(state, 2)));
    },
    flag: () => lua.lua_pushboolean(state, at().asked.flags?.[lua.lua_tointeger(state, 1)] ?? false),
    fold: () => pushText(foldString(textAt(state, 1))),
    int64() {
      const value = BigInt(textAt(state, 1));
      if (value === BigInt.asIntN(64, value)) pushInteger(value);
      else lua.lua_pushnil(state);
    },
    calculate() {
      const [a, b] = [integerArgument(2), integerArgument(3)];
      const result = calculate(textAt(state, 1), a, b);
      if (result === null) lua.lua_pushnil(state);
      else pushInteger(result);
    },
    double: () => lua.lua_pushnumber(state, Number(integerArgument(1))),
    equal() {
      // biome-ignore lint/suspicious/noDoubleEquals: JavaScript compares an integer with a double exactly
      lua.lua_pushboolean(state, numberAt(state, 1) == numberAt(state, 2));
    },
    show: () => pushText(doubleText(lua.lua_tonumber(state, 1)).replace(/\.0$/, "")),
    gave_up() {
      gaveUp++;
      lua.lua_pushnil(state);
    },
  };
  lua.lua_newtable(state);
  for (const [name, call] of Object.entries(functions)) {
    lua.lua_pushcfunction(state, () => {
      call();
      return 1;
    });
    setField(name);
  }
  lua.lua_pushlightuserdata(state, NULL);
  setField("null");
  lua.lua_setglobal(state, encoder.encode("kestrel"));
  runChunk(state, languageText(), "language.lua");

  const loaded = predicates.map((predicate) => {
    runChunk(state, predicate.text, predicate.name);
    lua.lua_getglobal(state, encoder.encode("pred_eval"));
    const reference = lauxlib.luaL_ref(state, lua.LUA_REGISTRYINDEX);
    return { predicate, reference, matchers: [] as Matcher[] };
  });
  return {
    holds(id, asked) {
      const one = loaded[id];
      if (one === undefined) throw new Error(`there is no predicate ${id}`);
      current = { ...one, asked };
      lua.lua_settop(state, 0);
      lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, one.reference);
      call(state, 1, one.predicate.name);
      if (lua.lua_type(state, -1) !== lua.LUA_TBOOLEAN) throw new Error(`${one.predicate.name} gives no boolean`);
      return lua.lua_toboolean(state, -1);
    },
    gaveUp: () => gaveUp,
  };
}

function runChunk(state: State, text: string, name: string): void {
  const bytes = encoder.encode(text);
  if (lauxlib.luaL_loadbuffer(state, bytes, bytes.length, encoder.encode(`=${name}`)) !== lua.LUA_OK) {
    throw new Error(`${errorText(state)}\n${text}`);
  }
  call(state, 0, name);
}

function call(state: State, results: number, name: string): void {
  if (lua.lua_pcall(state, 0, results, 0) !== lua.LUA_OK) throw new Error(`${name}: ${errorText(state)}`);
}

function errorText(state: State): string {
  const thrown = lua.lua_touserdata(state, -1);
  if (thrown === null) return decoder.decode(lua.lua_tostring(state, -1) ?? new Uint8Array());
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : "an error without a text";
}

function textAt(state: State, index: number): string {
  if (lua.lua_type(state, index) !== lua.LUA_TSTRING) throw new Error("a text was expected");
  return decoder.decode(lua.lua_tostring(state, index) ?? new Uint8Array());
}

function numberAt(state: State, index: number): bigint | number {
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
    lua.lua_setfield(state, -2, encoder.encode(name));
  }
  lua.lua_pushcfunction(state, () => {
    const digits = encoder.encode(String(numberAt(state, 1)));
    lua.lua_pushlstring(state, digits, digits.length);
    return 1;
  });
  lua.lua_setfield(state, -2, encoder.encode("__tostring"));
  return lauxlib.luaL_ref(state, lua.LUA_REGISTRYINDEX);
}

function calculate(op: string, a: bigint, b: bigint): bigint | null {
  const result = exact(op, a, b);
  return result === null || result !== BigInt.asIntN(64, result) ? null : result;
}

function exact(op: string, a: bigint, b: bigint): bigint | null {
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0n ? null : a / b;
    case "%":
      return b === 0n ? null : a % b;
    default:
      throw new Error(`there is no operator ${op}`);
  }
}

function eventOf({ root }: Reading, { event, stages }: Asked): RefEvent | null {
  return root.kind === "stage" ? (stages?.[root.stage] ?? null) : event;
}

function typedValues(reading: Reading, asked: Asked, options: ReferenceOptions): readonly Value[] {
  const event = eventOf(reading, asked);
  if (event === null || reading.as === "raw") return [];
  const isTime = reading.name === (options.timestampField ?? "@timestamp") && reading.as === "date";
  const type: ReferenceType = isTime ? { timestamp: options.timestampUnit ?? "auto" } : reading.as;
  return fieldValues(event.flat, reading.name, type).values;
}

/** What stands at the reading's name, wherever its dots part it; or under the one key that is its name. */
function jsonValues(reading: Reading, asked: Asked): readonly Json[] {
  const json = eventOf(reading, asked)?.json;
  if (json === undefined) return [];
  if (reading.whole) return json.kind === "object" ? json.entries.flatMap(([key, value]) => (key === reading.name ? [value] : [])) : [];
  const found: Json[] = [];
  const walk = (value: Json, path: string | null): void => {
    if (path === reading.name) found.push(value);
    else if (value.kind === "array") for (const item of value.items) walk(item, path);
    else if (value.kind === "object") {
      for (const [key, child] of value.entries) walk(child, path === null ? key : `${path}.${key}`);
    }
  };
  walk(json, null);
  return found;
}
