// Generated Lua without the runtime: a state of fengari with the functions that stdlib/lua/language.lua asks of its host, on values
// as the reference interpreter decodes them.

import { languageText } from "@kestrel/compiler/backend/lua/language";
import type { LuaPredicate } from "@kestrel/compiler/backend/lua/lower-to-lua";
import type { Reading } from "@kestrel/compiler/ir/reading";
import { doubleText } from "@kestrel/runtime/load/instantiate";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import fengari, { type State } from "fengari";
import { fieldValues, type ReferenceType } from "../reference/flatten.js";
import type { RefEvent, ReferenceOptions } from "../reference/interpret.js";
import type { Json } from "../reference/read-json.js";
import type { Value } from "../reference/values.js";
import { type Matcher, matcherOf } from "./lua-patterns.js";
import { bytesOf, createLuaValues, errorText, numberAt, textAt } from "./lua-values.js";

const { lua, lauxlib, lualib } = fengari;

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
    lauxlib.luaL_requiref(state, bytesOf(name), open, 1);
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
  const push = createLuaValues(state);
  const integerArgument = (index: number): bigint => {
    const value = numberAt(state, index);
    if (typeof value !== "bigint") throw new Error("an integer was expected");
    return value;
  };
  const functions: Readonly<Record<string, () => void>> = {
    values() {
      const reading = readingAt(lua.lua_tointeger(state, 1));
      if (reading.as === "raw" || reading.root.kind === "element") throw new Error("the reading has no typed values");
      push.list(typedValues(reading, at().asked, options), push.value);
    },
    json() {
      const reading = readingAt(lua.lua_tointeger(state, 1));
      if (reading.as !== "raw" || reading.root.kind === "element") throw new Error("the reading has no JSON value");
      push.list(jsonValues(reading, at().asked), push.json);
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
    fold: () => push.text(foldString(textAt(state, 1))),
    int64() {
      const value = BigInt(textAt(state, 1));
      if (value === BigInt.asIntN(64, value)) push.integer(value);
      else lua.lua_pushnil(state);
    },
    calculate() {
      const [a, b] = [integerArgument(2), integerArgument(3)];
      const result = calculate(textAt(state, 1), a, b);
      if (result === null) lua.lua_pushnil(state);
      else push.integer(result);
    },
    double: () => lua.lua_pushnumber(state, Number(integerArgument(1))),
    equal() {
      // biome-ignore lint/suspicious/noDoubleEquals: JavaScript compares an integer with a double exactly
      lua.lua_pushboolean(state, numberAt(state, 1) == numberAt(state, 2));
    },
    show: () => push.text(doubleText(lua.lua_tonumber(state, 1)).replace(/\.0$/, "")),
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
    push.field(name);
  }
  push.jsonNull();
  push.field("null");
  lua.lua_setglobal(state, bytesOf("kestrel"));
  runChunk(state, languageText(), "language.lua");

  const loaded = predicates.map((predicate) => {
    runChunk(state, predicate.text, predicate.name);
    lua.lua_getglobal(state, bytesOf("pred_eval"));
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
  const bytes = bytesOf(text);
  if (lauxlib.luaL_loadbuffer(state, bytes, bytes.length, bytesOf(`=${name}`)) !== lua.LUA_OK) {
    throw new Error(`${errorText(state)}\n${text}`);
  }
  call(state, 0, name);
}

function call(state: State, results: number, name: string): void {
  if (lua.lua_pcall(state, 0, results, 0) !== lua.LUA_OK) throw new Error(`${name}: ${errorText(state)}`);
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
  if (reading.whole)
    return json.kind === "object" ? json.entries.flatMap(([key, value]) => (key === reading.name ? [value] : [])) : [];
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
