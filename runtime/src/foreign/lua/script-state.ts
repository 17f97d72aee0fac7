// A state of the sandbox: scripts are read into it, and their functions are called within limits.
//
// What a script may use is charged by meter.ts; what ends it is thrown through fengari as an exception of JavaScript, which
// pcall (base-library.ts) does not keep. After that the state is not used again.

import { EVENT_HANDLE } from "@kestrel/stdlib/host-api";
import { type FaultKind, ForeignFault, type Limits } from "../foreign-host.js";
import { textOf, typeName } from "./arguments.js";
import { baseLibrary } from "./base-library.js";
import {
  type Fengari,
  FLOAT,
  INTEGER,
  LUA_FUNCTION,
  type LuaState,
  type LuaTable,
  type LuaValue,
  MASK_COUNT,
  NIL,
  STATUS_OK,
  TABLE,
  TEXT,
  WIDE,
} from "./fengari.js";
import { addFunctions, makeTable, setField } from "./library.js";
import { liveSize } from "./live-size.js";
import { blessText, type TString } from "./lua-text.js";
import { checkTime, INSTRUCTIONS_A_STEP, type Meter, noteNativeError, settle, step, useMeter } from "./meter.js";
import { numberLibrary } from "./number-library.js";
import { numberMetatables } from "./number-metatables.js";
import { tableLibrary } from "./table-library.js";
import { textLibrary } from "./text-library.js";

/** Bytes that the parser gets at once; the clock is read between them. */
const BYTES_AT_ONCE = 512;
/** Reading a script happens once, so it may take longer than an evaluation. */
const PARSE_TIMES_LONGER = 3;
const LONGEST_MESSAGE = 200;

export interface ScriptState {
  readonly L: LuaState;
  /** Reads a source and runs its main chunk, with the limits of one evaluation. */
  run(source: Uint8Array, chunkName: string): void;
  /** A global function; null when there is none of that name. */
  global(name: string): LuaValue | null;
  /** Calls a function with the event at hand, or with nothing; its result is good until the next call. */
  call(callee: LuaValue, hasEvent: boolean): LuaValue;
  fail(kind: FaultKind, message: string): never;
}

/** A state with the libraries of the sandbox, and its globals. */
function openGlobals(fengari: Fengari, L: LuaState, makeHost: (L: LuaState) => LuaTable): LuaTable {
  const registry = L.l_G.l_registry.value as LuaTable;
  const globals = fengari.ltable.luaH_getint(registry, GLOBALS_INDEX).value as LuaTable;
  addFunctions(fengari, L, globals, baseLibrary(fengari));
  const text = makeTable(fengari, L, textLibrary(fengari));
  const tables: Readonly<Record<string, LuaTable>> = {
    _G: globals,
    kestrel: makeHost(L),
    math: numberLibrary(fengari, L),
    string: text,
    table: makeTable(fengari, L, tableLibrary(fengari)),
  };
  for (const [name, table] of Object.entries(tables)) setField(fengari, L, globals, name, TABLE, table);
  setField(fengari, L, globals, "_VERSION", TEXT, blessText(new TextEncoder().encode("Lua 5.3")));
  const textMetatable = makeTable(fengari, L, {});
  setField(fengari, L, textMetatable, "__index", TABLE, text);
  L.l_G.mt[TEXT & 15] = textMetatable;
  const { wide, number } = numberMetatables(fengari, L);
  L.l_G.mt[WIDE] = wide;
  L.l_G.mt[FLOAT & 15] = number;
  return globals;
}

/** LUA_RIDX_GLOBALS */
const GLOBALS_INDEX = 2;

/** Opens a state; `makeHost` makes its table `kestrel`. */
export function openScripts(fengari: Fengari, limits: Limits, makeHost: (L: LuaState) => LuaTable): ScriptState {
  const { lapi, ldebug, ldo, ltable } = fengari;
  const { TValue } = fengari.lobject;

  let L: LuaState;
  /** What a state holds before its script runs. */
  let own = 0;
  const meter: Meter = {
    fuel: Number.MAX_SAFE_INTEGER,
    nextCheck: 0,
    fresh: Number.NEGATIVE_INFINITY,
    held: 0,
    milliseconds: limits.milliseconds,
    deadline: 0,
    processorAtStart: 0,
    fault: null,
    limits,
    measure: () => Math.max(0, liveSize(L) - own),
  };
  useMeter(meter);
  const state = fengari.lstate.lua_newstate();
  if (state === null) throw new ForeignFault("error", "fengari makes no state");
  L = state;
  const globals = openGlobals(fengari, L, makeHost);
  own = liveSize(L);
  meter.fresh = 0;
  L.l_G.atnativeerror = (L) => noteNativeError(L.stack[L.top - 1]?.value);
  const stepLength = Math.max(1, Math.min(INSTRUCTIONS_A_STEP, limits.fuel));
  ldebug.lua_sethook(L, step, MASK_COUNT, stepLength);
  const bottom = L.top;
  /** fengari throws this for an error of the script that no pcall is around. */
  const raised = { status: STATUS_OK, previous: null };

  const begin = (milliseconds: number): void => {
    if (meter.fault !== null) throw meter.fault;
    useMeter(meter);
    meter.fuel = limits.fuel;
    meter.nextCheck = Math.max(0, limits.fuel - INSTRUCTIONS_A_STEP);
    meter.milliseconds = milliseconds;
    meter.deadline = 0;
    // The count begins anew, so that an evaluation ends at the same instruction whatever came before it.
    L.hookcount = stepLength;
  };

  const fail = (kind: FaultKind, message: string): never => {
    meter.fault ??= new ForeignFault(kind, message);
    throw meter.fault;
  };

  /** Reads the source; what it nests too deeply is a fault of its own. */
  const parse = (source: Uint8Array, chunkName: string): LuaValue => {
    begin(PARSE_TIMES_LONGER * limits.milliseconds);
    const name = new TextEncoder().encode(`=${chunkName.slice(0, 40)}`);
    const status = lapi.lua_load(L, readerOf(source), null, name, new TextEncoder().encode("t"));
    const result = L.stack[L.top - 1] as LuaValue;
    if (meter.fault !== null) throw meter.fault;
    if (status === STATUS_OK) {
      settle();
      return result;
    }
    const message = messageOf(L, result);
    return fail(message.includes("JS levels") ? "depth" : "error", message);
  };

  /** Calls a function with the event at hand, or with nothing, and leaves its result on the stack. */
  const call = (callee: LuaValue, hasEvent: boolean): LuaValue => {
    begin(limits.milliseconds);
    lapi.lua_settop(L, 0);
    L.stack[L.top++] = new TValue(callee.type, callee.value);
    if (hasEvent) L.stack[L.top++] = new TValue(INTEGER, EVENT_HANDLE);
    // What fengari's own protected call does, without putting in order what is not used again after a fault.
    L.errorJmp = raised;
    try {
      ldo.luaD_call(L, bottom, 1);
    } catch (error) {
      if (meter.fault === null && error === raised) fail("error", messageOf(L, L.stack[L.top - 1]));
      if (meter.fault === null) noteNativeError(error);
      throw meter.fault;
    }
    return L.stack[bottom] as LuaValue;
  };

  const global = (name: string): LuaValue | null => {
    const key = new TValue(TEXT, blessText(new TextEncoder().encode(name)));
    const { type, value } = ltable.luaH_get(L, globals, key);
    if (type === NIL) return null;
    if ((type & 15) !== LUA_FUNCTION) fail("type", `${name} is not a function`);
    return new TValue(type, value);
  };

  return {
    L,
    run(source, chunkName) {
      if (source[0] === 0x1b) throw new ForeignFault("error", "bytecode is not a script");
      call(parse(source, chunkName), false);
      lapi.lua_settop(L, 0);
    },
    global,
    call,
    fail,
  };
}

/** A source in parts. */
function readerOf(source: Uint8Array): () => Uint8Array | null {
  let at = 0;
  return () => {
    checkTime();
    const part = source.subarray(at, at + BYTES_AT_ONCE);
    at += part.length;
    return part.length === 0 ? null : part;
  };
}

/** Bytes as text on one line, cut to what a log bears. */
function readable(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 2 * LONGEST_MESSAGE)).toString("utf8");
  const escaped = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
  return escaped.length > LONGEST_MESSAGE ? `${escaped.slice(0, LONGEST_MESSAGE - 1)}…` : escaped;
}

function messageOf(L: LuaState, error: LuaValue | undefined): string {
  const text = error?.type === TEXT ? (error.value as TString).realstring : textOf(L, error);
  return text === null ? `an error that is a ${typeName(error)}` : readable(text);
}
