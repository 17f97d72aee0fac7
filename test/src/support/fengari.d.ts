// What the tests use of fengari, which has no types of its own. Texts of Lua are bytes.

declare module "fengari" {
  export type State = { readonly __state: unique symbol };
  export type LuaFunction = (state: State) => number;
  interface LuaApi {
    readonly LUA_OK: number;
    readonly LUA_TNIL: number;
    readonly LUA_TBOOLEAN: number;
    readonly LUA_TNUMBER: number;
    readonly LUA_TSTRING: number;
    readonly LUA_TUSERDATA: number;
    lua_pushnil(state: State): void;
    lua_pushboolean(state: State, value: boolean): void;
    lua_pushinteger(state: State, value: number): void;
    lua_pushnumber(state: State, value: number): void;
    lua_pushlstring(state: State, bytes: Uint8Array, length: number): void;
    lua_pushcfunction(state: State, value: LuaFunction): void;
    lua_pushlightuserdata(state: State, value: unknown): void;
    lua_pushvalue(state: State, index: number): void;
    lua_newtable(state: State): void;
    lua_newuserdata(state: State, size: number): { data?: unknown };
    lua_setmetatable(state: State, index: number): void;
    lua_setfield(state: State, index: number, name: Uint8Array): void;
    lua_rawseti(state: State, index: number, at: number): void;
    lua_setglobal(state: State, name: Uint8Array): void;
    lua_getglobal(state: State, name: Uint8Array): number;
    lua_pcall(state: State, args: number, results: number, handler: number): number;
    lua_checkstack(state: State, places: number): boolean;
    lua_settop(state: State, index: number): void;
    lua_type(state: State, index: number): number;
    lua_isinteger(state: State, index: number): boolean;
    lua_tointeger(state: State, index: number): number;
    lua_tonumber(state: State, index: number): number;
    lua_toboolean(state: State, index: number): boolean;
    lua_tostring(state: State, index: number): Uint8Array | null;
    lua_touserdata(state: State, index: number): { data?: unknown } | null;
  }
  interface AuxiliaryApi {
    luaL_newstate(): State;
    luaL_ref(state: State, table: number): number;
    luaL_loadbuffer(state: State, bytes: Uint8Array, length: number, name: Uint8Array): number;
    luaL_requiref(state: State, name: Uint8Array, open: LuaFunction, global: number): void;
  }
  const fengari: {
    readonly lua: LuaApi & {
      lua_rawgeti(state: State, index: number, at: number): number;
      readonly LUA_REGISTRYINDEX: number;
    };
    readonly lauxlib: AuxiliaryApi;
    readonly lualib: {
      readonly luaopen_base: LuaFunction;
      readonly luaopen_string: LuaFunction;
      readonly luaopen_table: LuaFunction;
      readonly luaopen_math: LuaFunction;
    };
  };
  export default fengari;
}
