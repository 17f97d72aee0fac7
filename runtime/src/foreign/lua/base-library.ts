// The functions without a table. What is not here (print, load, dofile, require, collectgarbage, coroutines) is not there.

import {
  anyAt,
  argument,
  ascii,
  countOf,
  functionAt,
  isMissing,
  isTrue,
  join,
  placeAt,
  push,
  pushBoolean,
  pushBytes,
  pushNil,
  pushSmall,
  pushText,
  raise,
  raiseArgument,
  tableAt,
  textOf,
  typeName,
  where,
} from "./arguments.js";
import {
  ALL_RESULTS,
  BOOLEAN,
  type Fengari,
  FLOAT,
  INTEGER,
  type LuaState,
  type LuaTable,
  type LuaValue,
  NATIVE_FUNCTION,
  NIL,
  STATUS_OK,
  TABLE,
  TEXT,
  WIDE,
} from "./fengari.js";
import { readNumeral, setWide } from "./int64.js";
import type { Library } from "./library.js";
import { blessText, type TString } from "./lua-text.js";
import { charge, throwIfStopped, tooDeep } from "./meter.js";

/** What a protected call costs beside what it calls. */
const PROTECTED_CALL = 50;

export function baseLibrary(fengari: Fengari): Library {
  const { lapi, ltable, lvm, lobject } = fengari;

  const field = (L: LuaState, table: LuaTable | null, name: string): LuaValue | null => {
    if (table === null) return null;
    const found = ltable.luaH_get(L, table, new lobject.TValue(TEXT, blessText(ascii(name))));
    return found.type === NIL ? null : found;
  };

  /** Calls a function that stands on the stack with its arguments above it. */
  const finishCall = (L: LuaState, status: number, first: number): number => {
    throwIfStopped();
    // fengari could not even note what JavaScript threw.
    if (status < 0) tooDeep();
    if (status === STATUS_OK) return L.top - first;
    const error = L.stack[L.top - 1];
    pushBoolean(L, false);
    push(L, error?.type ?? NIL, error?.value ?? null);
    return 2;
  };

  const next = (L: LuaState): number => {
    const table = tableAt(L, "next", 1);
    lapi.lua_settop(L, 2);
    const at = L.top - 1;
    pushNil(L);
    if (ltable.luaH_next(L, table, at)) return 2;
    return pushNil(L);
  };

  const step = (L: LuaState): number => {
    const index = placeAt(L, "ipairs", 2) + 1;
    pushSmall(L, index);
    return lapi.lua_geti(L, 1, index) === NIL ? 1 : 2;
  };

  const toText = (L: LuaState): number => {
    const value = anyAt(L, "tostring", 1);
    if (value.type === TABLE) {
      const own = field(L, (value.value as LuaTable).metatable, "__tostring");
      if (own !== null) {
        push(L, own.type, own.value);
        push(L, value.type, value.value);
        lapi.lua_call(L, 1, 1);
        if (L.stack[L.top - 1]?.type !== TEXT) raise(L, "'__tostring' must return a string");
        return 1;
      }
    }
    return push(L, TEXT, blessText(spell(L, value)));
  };

  const spell = (L: LuaState, value: LuaValue): Uint8Array => {
    const text = textOf(L, value);
    if (text !== null) return text;
    if (value.type === NIL) return ascii("nil");
    if (value.type === BOOLEAN) return ascii(String(value.value));
    const { id } = value.value as { readonly id?: number };
    return ascii(`${typeName(value)}: ${id === undefined ? "builtin" : `0x${id.toString(16).padStart(8, "0")}`}`);
  };

  const setMetatable = (L: LuaState): number => {
    const table = tableAt(L, "setmetatable", 1);
    const metatable = argument(L, 2);
    if (metatable === undefined || (metatable.type !== NIL && metatable.type !== TABLE))
      return raiseArgument(L, "setmetatable", 2, "nil or table expected");
    if (field(L, table.metatable, "__metatable") !== null) raise(L, "cannot change a protected metatable");
    table.metatable = metatable.type === NIL ? null : (metatable.value as LuaTable);
    lapi.lua_settop(L, 1);
    return 1;
  };

  const toNumberFunction = (L: LuaState): number => {
    const value = anyAt(L, "tonumber", 1);
    if (isMissing(argument(L, 2))) {
      if (value.type === INTEGER || value.type === FLOAT || value.type === WIDE)
        return push(L, value.type, value.value);
      if (value.type !== TEXT) return pushNil(L);
      const read = new lobject.TValue(NIL, null);
      const length = readNumeral((value.value as TString).realstring, read, lobject.luaO_str2num);
      return length === 0 ? pushNil(L) : push(L, read.type, read.value);
    }
    const base = placeAt(L, "tonumber", 2);
    if (value.type !== TEXT) return raiseArgument(L, "tonumber", 1, `string expected, got ${typeName(value)}`);
    if (base < 2 || base > 36) return raiseArgument(L, "tonumber", 2, "base out of range");
    const integer = readInBase((value.value as TString).realstring, base);
    if (integer === null) return pushNil(L);
    pushNil(L);
    setWide(L.stack[L.top - 1] as LuaValue, integer);
    return 1;
  };

  const error = (L: LuaState): number => {
    const value = argument(L, 1);
    const level = placeAt(L, "error", 2, 1);
    if (value?.type === TEXT && level > 0) {
      pushBytes(L, join([new TextEncoder().encode(where(L, level)), (value.value as TString).realstring]));
    } else {
      lapi.lua_settop(L, 1);
    }
    return lapi.lua_error(L);
  };

  return {
    assert: (L) => {
      if (isTrue(anyAt(L, "assert", 1))) return countOf(L);
      if (countOf(L) > 1) {
        lapi.lua_settop(L, 2);
        return lapi.lua_error(L);
      }
      return raise(L, "assertion failed!");
    },
    error,
    getmetatable: (L) => {
      const value = anyAt(L, "getmetatable", 1);
      // The metatables of types are the sandbox's.
      if (value.type !== TABLE) return pushNil(L);
      const { metatable } = value.value as LuaTable;
      if (metatable === null) return pushNil(L);
      const shown = field(L, metatable, "__metatable");
      return shown === null ? push(L, TABLE, metatable) : push(L, shown.type, shown.value);
    },
    ipairs: (L) => {
      const value = anyAt(L, "ipairs", 1);
      push(L, NATIVE_FUNCTION, step);
      push(L, value.type, value.value);
      pushSmall(L, 0);
      return 3;
    },
    next,
    pairs: (L) => {
      const value = anyAt(L, "pairs", 1);
      const own = value.type === TABLE ? field(L, (value.value as LuaTable).metatable, "__pairs") : null;
      if (own === null) {
        tableAt(L, "pairs", 1);
        push(L, NATIVE_FUNCTION, next);
        push(L, value.type, value.value);
        pushNil(L);
      } else {
        push(L, own.type, own.value);
        push(L, value.type, value.value);
        lapi.lua_call(L, 1, 3);
      }
      return 3;
    },
    pcall: (L) => {
      charge(PROTECTED_CALL);
      anyAt(L, "pcall", 1);
      const callee = L.ci.funcOff + 1;
      // The callee and its arguments move up by one, for the `true` that stands before the results.
      pushNil(L);
      for (let i = L.top - 1; i > callee; i--) (L.stack[i] as LuaValue).setfrom(L.stack[i - 1] as LuaValue);
      L.stack[callee] = new lobject.TValue(BOOLEAN, true);
      const status = lapi.lua_pcall(L, L.top - callee - 2, ALL_RESULTS, 0);
      return finishCall(L, status, callee);
    },
    xpcall: (L) => {
      charge(PROTECTED_CALL);
      const handler = functionAt(L, "xpcall", 2);
      const callee = L.stack[L.ci.funcOff + 1] as LuaValue;
      const first = L.ci.funcOff + 2;
      // f, handler, arguments… → handler, true, f, arguments…
      pushNil(L);
      for (let i = L.top - 1; i > first + 1; i--) (L.stack[i] as LuaValue).setfrom(L.stack[i - 1] as LuaValue);
      const [f, h] = [new lobject.TValue(callee.type, callee.value), new lobject.TValue(handler.type, handler.value)];
      L.stack[first - 1] = h;
      L.stack[first] = new lobject.TValue(BOOLEAN, true);
      L.stack[first + 1] = f;
      const status = lapi.lua_pcall(L, L.top - first - 2, ALL_RESULTS, 1);
      return finishCall(L, status, first);
    },
    rawequal: (L) => {
      const [a, b] = [anyAt(L, "rawequal", 1), anyAt(L, "rawequal", 2)];
      return pushBoolean(L, lvm.luaV_rawequalobj(a, b) !== 0);
    },
    rawget: (L) => {
      const table = tableAt(L, "rawget", 1);
      const found = ltable.luaH_get(L, table, anyAt(L, "rawget", 2));
      return push(L, found.type, found.value);
    },
    rawlen: (L) => {
      const value = argument(L, 1);
      if (value?.type === TABLE) return pushSmall(L, ltable.luaH_getn(value.value as LuaTable));
      if (value?.type === TEXT) return pushSmall(L, (value.value as TString).realstring.length);
      return raiseArgument(L, "rawlen", 1, "table or string expected");
    },
    rawset: (L) => {
      const table = tableAt(L, "rawset", 1);
      const [key, value] = [anyAt(L, "rawset", 2), anyAt(L, "rawset", 3)];
      ltable.luaH_setfrom(L, table, key, value);
      ltable.invalidateTMcache(table);
      lapi.lua_settop(L, 1);
      return 1;
    },
    select: (L) => {
      const count = countOf(L);
      const which = argument(L, 1);
      if (which?.type === TEXT && (which.value as TString).realstring[0] === 0x23) return pushSmall(L, count - 1);
      const index = placeAt(L, "select", 1);
      const from = index < 0 ? count + index : Math.min(index, count);
      charge(count >> 2);
      return from < 1 ? raiseArgument(L, "select", 1, "index out of range") : count - from;
    },
    setmetatable: setMetatable,
    tonumber: toNumberFunction,
    tostring: toText,
    type: (L) => pushText(L, typeName(anyAt(L, "type", 1))),
  };
}

function readInBase(bytes: Uint8Array, base: number): bigint | null {
  charge(bytes.length >>> 2);
  if (bytes.length > 200) return null;
  const found = /^[ \f\n\r\t\v]*(-?)([0-9a-z]+)[ \f\n\r\t\v]*$/i.exec(Buffer.from(bytes).toString("latin1"));
  if (found?.[2] === undefined) return null;
  let value = 0n;
  for (const digit of found[2].toLowerCase()) {
    const worth = Number.parseInt(digit, 36);
    if (worth >= base) return null;
    value = value * BigInt(base) + BigInt(worth);
  }
  return found[1] === "-" ? -value : value;
}
