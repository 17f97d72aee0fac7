// The part of fengari that the sandbox uses, typed by hand: fengari is plain JavaScript and ships no types.
//
// A value stands on the stack as a tagged pair. The functions of the sandbox read and write the stack themselves, because
// fengari's own access functions check each index again.

/** Tags of values; the low four bits are the type. */
export const NIL = 0;
export const BOOLEAN = 1;
/** A light userdata: here always a 64-bit integer that 32 bits do not hold, as a bigint. See int64.ts. */
export const WIDE = 2;
export const FLOAT = 3;
export const INTEGER = 3 | (1 << 4);
export const TEXT = 4 | (1 << 4);
export const TABLE = 5;
export const LUA_FUNCTION = 6;
export const NATIVE_FUNCTION = 6 | (1 << 4);
export const NATIVE_CLOSURE = 6 | (2 << 4);

export interface LuaValue {
  type: number;
  value: unknown;
  setfrom(other: LuaValue): void;
}

/** A string of Lua: bytes; see lua-text.ts. */
export interface LuaText {
  getstr(): Uint8Array;
}

export interface LuaEntry {
  readonly key: LuaValue;
  readonly value: LuaValue;
  /** The entry after it, in the order in which they were made. */
  readonly n: LuaEntry | undefined;
}

export interface LuaTable {
  readonly id: number;
  readonly strong: ReadonlyMap<unknown, LuaEntry>;
  readonly dead_strong: ReadonlyMap<unknown, unknown>;
  readonly f: LuaEntry | undefined;
  metatable: LuaTable | null;
}

export interface LuaProto {
  readonly k: readonly LuaValue[];
  readonly p: readonly (LuaProto | null)[];
  readonly code: readonly unknown[];
  readonly lineinfo: readonly number[];
  readonly source: LuaText;
  readonly cache: LuaClosure | null;
}

export interface LuaClosure {
  readonly id: number;
  /** Null until it has been read. */
  readonly p: LuaProto | null;
  readonly upvals: readonly (LuaValue | undefined)[];
}

export interface CallInfo {
  readonly func: LuaValue;
  readonly funcOff: number;
  readonly top: number;
  readonly previous: CallInfo | null;
  readonly l_savedpc: number;
  readonly callstatus: number;
}

export interface LuaState {
  readonly stack: LuaValue[];
  top: number;
  readonly ci: CallInfo;
  hookcount: number;
  /** What is thrown for an error of Lua. */
  errorJmp: { status: number; readonly previous: null } | null;
  readonly l_G: {
    readonly l_registry: LuaValue;
    readonly mt: (LuaTable | null | undefined)[];
    atnativeerror: NativeFunction | null;
  };
}

/** Takes its arguments from the stack and returns how many results it has put there. */
export type NativeFunction = (L: LuaState) => number;

export const CALLSTATUS_LUA = 1 << 1;
export const MASK_COUNT = 1 << 3;
export const STATUS_OK = 0;
export const ALL_RESULTS = -1;

export interface Fengari {
  readonly lobject: {
    readonly TValue: new (type: number, value: unknown) => LuaValue;
    /** Makes a text of a number, in place. */
    luaO_tostring(L: LuaState, value: LuaValue): void;
    /** Reads a numeral; 0 when it is none, else one more than its length. */
    luaO_str2num(text: Uint8Array, into: LuaValue): number;
  };
  readonly ldo: { luaD_call(L: LuaState, callee: number, results: number): void };
  readonly lstate: { lua_newstate(): LuaState | null };
  readonly ldebug: {
    lua_sethook(L: LuaState, hook: (L: LuaState) => void, mask: number, count: number): void;
    luaG_ordererror(L: LuaState, a: LuaValue, b: LuaValue): never;
  };
  readonly ltable: {
    luaH_new(L: LuaState): LuaTable;
    luaH_get(L: LuaState, table: LuaTable, key: LuaValue): LuaValue;
    luaH_getint(table: LuaTable, key: number): LuaValue;
    luaH_setint(table: LuaTable, key: number, value: LuaValue): void;
    luaH_setfrom(L: LuaState, table: LuaTable, key: LuaValue, value: LuaValue): void;
    luaH_getn(table: LuaTable): number;
    /** Puts the key and value after the key at `index` there; false when it was the last. */
    luaH_next(L: LuaState, table: LuaTable, index: number): boolean;
    invalidateTMcache(table: LuaTable): void;
  };
  readonly lvm: {
    luaV_lessthan(L: LuaState, a: LuaValue, b: LuaValue): number;
    luaV_rawequalobj(a: LuaValue, b: LuaValue): number;
    luaV_equalobj(L: LuaState, a: LuaValue, b: LuaValue): number;
  };
  readonly lapi: {
    lua_load(
      L: LuaState,
      reader: (L: LuaState, data: unknown) => Uint8Array | null,
      data: unknown,
      chunkName: Uint8Array,
      mode: Uint8Array,
    ): number;
    lua_call(L: LuaState, parameters: number, results: number): void;
    lua_pcall(L: LuaState, parameters: number, results: number, handler: number): number;
    lua_error(L: LuaState): never;
    lua_checkstack(L: LuaState, slots: number): boolean;
    lua_geti(L: LuaState, index: number, key: number): number;
    lua_settop(L: LuaState, top: number): void;
  };
}
