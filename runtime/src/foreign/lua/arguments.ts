// What a native function is given, read from the stack, and what it gives back; and how it fails: with an error of Lua that
// names the function and the line that called it. fengari's own helpers search tables and code for the name.

import {
  BOOLEAN,
  CALLSTATUS_LUA,
  type CallInfo,
  type Fengari,
  FLOAT,
  INTEGER,
  LUA_FUNCTION,
  type LuaState,
  type LuaTable,
  type LuaValue,
  NIL,
  TABLE,
  TEXT,
  WIDE,
} from "./fengari.js";
import { setWide, toInteger } from "./int64.js";
import { blessText, type TString } from "./lua-text.js";
import { checkBytes } from "./meter.js";

let fengari: Fengari;

/** Called once, before any other function here. */
export function useFengari(loaded: Fengari): void {
  fengari = loaded;
}

export function countOf(L: LuaState): number {
  return L.top - L.ci.funcOff - 1;
}

/** The argument with that number, from 1; undefined when there are fewer. */
export function argument(L: LuaState, index: number): LuaValue | undefined {
  const at = L.ci.funcOff + index;
  return at < L.top ? L.stack[at] : undefined;
}

/** By tag. A light userdata is a wide integer, and so a number. */
const TYPE_NAMES = ["nil", "boolean", "number", "number", "string", "table", "function"];

/** The type of a value, as the function `type` says it. */
export function typeName(value: LuaValue | undefined): string {
  return value === undefined ? "no value" : (TYPE_NAMES[value.type & 15] ?? "nil");
}

/** Where in the script the call at hand was made, so many calls up, as the beginning of a message. */
export function where(L: LuaState, level = 1): string {
  let caller: CallInfo | null = L.ci;
  for (let i = 0; i < level && caller !== null; i++) caller = caller.previous;
  if (caller === null || (caller.callstatus & CALLSTATUS_LUA) === 0) return "";
  const proto = (caller.func.value as { readonly p: { lineinfo: readonly number[]; source: TString } }).p;
  const name = Buffer.from(proto.source.getstr()).toString("utf8").replace(/^[=@]/, "");
  return `${name}:${proto.lineinfo[caller.l_savedpc - 1] ?? "?"}: `;
}

/** Raises an error of Lua at the line that called the function at hand. */
export function raise(L: LuaState, message: string): never {
  pushText(L, where(L) + message);
  return fengari.lapi.lua_error(L);
}

export function raiseArgument(L: LuaState, name: string, index: number, what: string): never {
  return raise(L, `bad argument #${index} to '${name}' (${what})`);
}

function raiseType(L: LuaState, name: string, index: number, wanted: string): never {
  return raiseArgument(L, name, index, `${wanted} expected, got ${typeName(argument(L, index))}`);
}

export function anyAt(L: LuaState, name: string, index: number): LuaValue {
  return argument(L, index) ?? raiseArgument(L, name, index, "value expected");
}

export function isMissing(value: LuaValue | undefined): boolean {
  return value === undefined || value.type === NIL;
}

export function isTrue(value: LuaValue | undefined): boolean {
  return value !== undefined && value.type !== NIL && !(value.type === BOOLEAN && value.value === false);
}

/** The bytes of a text, or of a number as text; null for any other value. */
export function textOf(L: LuaState, value: LuaValue | undefined): Uint8Array | null {
  if (value === undefined) return null;
  if (value.type === TEXT) return (value.value as TString).realstring;
  if (value.type === WIDE) return ascii(String(value.value));
  if (value.type !== INTEGER && value.type !== FLOAT) return null;
  // In place, as fengari does it: but in a value of our own, since this one may be another's key.
  const text = new fengari.lobject.TValue(value.type, value.value);
  fengari.lobject.luaO_tostring(L, text);
  return (text.value as TString).realstring;
}

export function textAt(L: LuaState, name: string, index: number): Uint8Array {
  return textOf(L, argument(L, index)) ?? raiseType(L, name, index, "string");
}

/** Any integer, as a bigint. */
export function integerAt(L: LuaState, name: string, index: number): bigint {
  const value = argument(L, index);
  const integer = value === undefined ? null : toInteger(value);
  if (integer !== null) return integer;
  if (value?.type === FLOAT) return raiseArgument(L, name, index, "number has no integer representation");
  return raiseType(L, name, index, "number");
}

/** An integer that counts or places something; what is further away than any of them is taken as the furthest. */
export function placeAt(L: LuaState, name: string, index: number, otherwise?: number): number {
  const value = argument(L, index);
  if (value?.type === INTEGER) return value.value as number;
  if (otherwise !== undefined && isMissing(value)) return otherwise;
  const integer = integerAt(L, name, index);
  if (integer > 0x7fffffffn) return 0x7fffffff;
  return integer < -0x7fffffffn ? -0x7fffffff : Number(integer);
}

export function numberAt(L: LuaState, name: string, index: number): number {
  const value = argument(L, index);
  return (value === undefined ? null : toNumber(value)) ?? raiseType(L, name, index, "number");
}

/** A number, or a text that spells one, as a float. */
export function toNumber(value: LuaValue): number | null {
  if (value.type === INTEGER || value.type === FLOAT) return value.value as number;
  if (value.type === WIDE) return Number(value.value);
  if (value.type !== TEXT) return null;
  const read = new fengari.lobject.TValue(NIL, null);
  return fengari.lobject.luaO_str2num((value.value as TString).realstring, read) === 0 ? null : (read.value as number);
}

export function tableAt(L: LuaState, name: string, index: number): LuaTable {
  const value = argument(L, index);
  return value?.type === TABLE ? (value.value as LuaTable) : raiseType(L, name, index, "table");
}

export function functionAt(L: LuaState, name: string, index: number): LuaValue {
  const value = argument(L, index);
  return value !== undefined && (value.type & 15) === LUA_FUNCTION ? value : raiseType(L, name, index, "function");
}

/** Puts a value on the stack; a native function has room for 20. */
export function push(L: LuaState, type: number, value: unknown): number {
  L.stack[L.top++] = new fengari.lobject.TValue(type, value);
  return 1;
}

export function pushNil(L: LuaState): number {
  return push(L, NIL, null);
}

export function pushBoolean(L: LuaState, value: boolean): number {
  return push(L, BOOLEAN, value);
}

/** A text that takes over its bytes. */
export function pushBytes(L: LuaState, bytes: Uint8Array): number {
  return push(L, TEXT, blessText(bytes));
}

export function pushText(L: LuaState, text: string): number {
  return pushBytes(L, new TextEncoder().encode(text));
}

export function pushInteger(L: LuaState, value: bigint): number {
  const pushed = push(L, NIL, null);
  setWide(L.stack[L.top - 1] as LuaValue, value);
  return pushed;
}

/** An integer that 32 bits hold. */
export function pushSmall(L: LuaState, value: number): number {
  return push(L, INTEGER, value | 0);
}

/** A float, as an integer where it is one that 64 bits hold. */
export function pushIntegral(L: LuaState, value: number): number {
  if (!Number.isFinite(value) || value < -(2 ** 63) || value >= 2 ** 63) return push(L, FLOAT, value);
  return pushInteger(L, BigInt(value));
}

/** The bytes of a text of Latin-1. A copy: a small Buffer is a part of a large one, which a script would keep. */
export function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

/** Bytes one after the other. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  checkBytes(length);
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
