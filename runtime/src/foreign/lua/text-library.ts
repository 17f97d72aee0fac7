// The table `string`, without patterns: those of Lua backtrack, and a rule has re_match and glob_match. Bytes and ASCII, as in
// Lua.

import {
  argument,
  integerAt,
  isMissing,
  isTrue,
  placeAt,
  pushBytes,
  pushNil,
  pushSmall,
  raise,
  raiseArgument,
  textAt,
} from "./arguments.js";
import type { Fengari, LuaState } from "./fengari.js";
import { formatText } from "./format-text.js";
import type { Library } from "./library.js";
import { charge, chargeBytes, checkBytes } from "./meter.js";

/** The most values that a function gives at once. */
const MOST_RESULTS = 8000;

/** The first and last byte that `i` and `j` mean, from 0, the last one excluded; both may be counted from the end. */
function range(length: number, i: number, j: number): readonly [start: number, end: number] {
  const start = i > 0 ? i - 1 : i === 0 ? 0 : Math.max(length + i, 0);
  const end = j >= 0 ? Math.min(j, length) : length + j + 1;
  return [Math.min(start, length), Math.max(end, 0)];
}

function mapped(bytes: Uint8Array, change: (byte: number) => number): Uint8Array {
  checkBytes(bytes.length);
  charge(bytes.length >>> 4);
  const result = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) result[i] = change(bytes[i] ?? 0);
  return result;
}

function find(L: LuaState): number {
  const text = textAt(L, "find", 1);
  const wanted = textAt(L, "find", 2);
  const start = range(text.length, placeAt(L, "find", 3, 1), -1)[0];
  if (!isTrue(argument(L, 4)) && /[$()%*+.?[\]^-]/.test(Buffer.from(wanted.subarray(0, 1000)).toString("latin1")))
    return raise(L, "string.find knows no patterns: give true as its fourth argument, or use kestrel.re_match");
  if (placeAt(L, "find", 3, 1) > text.length + 1) return pushNil(L);
  chargeBytes(4 * (text.length - start + wanted.length));
  const at = Buffer.from(text.buffer, text.byteOffset, text.byteLength).indexOf(wanted, start);
  if (at < 0) return pushNil(L);
  return pushSmall(L, at + 1) + pushSmall(L, at + wanted.length);
}

function repeat(L: LuaState): number {
  const text = textAt(L, "rep", 1);
  const times = placeAt(L, "rep", 2);
  const between = isMissing(argument(L, 3)) ? new Uint8Array() : textAt(L, "rep", 3);
  if (times <= 0) return pushBytes(L, new Uint8Array());
  const length = text.length * times + between.length * (times - 1);
  // As a number of JavaScript, so that no product of the two is taken for a small one.
  checkBytes(length);
  const result = new Uint8Array(length);
  if (length === 0) return pushBytes(L, result);
  result.set(text);
  result.set(between, text.length);
  // What is there is doubled until it is long enough; the last separator falls off the end.
  for (let filled = Math.min(text.length + between.length, length); filled < length; filled *= 2)
    result.copyWithin(filled, 0, Math.min(filled, length - filled));
  return pushBytes(L, result);
}

export function textLibrary(fengari: Fengari): Library {
  const { lapi } = fengari;
  return {
    byte: (L) => {
      const text = textAt(L, "byte", 1);
      const i = placeAt(L, "byte", 2, 1);
      const [start, end] = range(text.length, i, placeAt(L, "byte", 3, i));
      const count = Math.max(end - start, 0);
      if (count > MOST_RESULTS || !lapi.lua_checkstack(L, count)) return raise(L, "string slice too long");
      charge(count);
      for (let at = start; at < end; at++) pushSmall(L, text[at] ?? 0);
      return count;
    },
    char: (L) => {
      const count = L.top - L.ci.funcOff - 1;
      charge(count);
      const result = new Uint8Array(count);
      for (let i = 1; i <= count; i++) {
        const byte = integerAt(L, "char", i);
        if (byte < 0n || byte > 255n) return raiseArgument(L, "char", i, "value out of range");
        result[i - 1] = Number(byte);
      }
      return pushBytes(L, result);
    },
    find,
    format: (L) => pushBytes(L, formatText(L)),
    len: (L) => pushSmall(L, textAt(L, "len", 1).length),
    lower: (L) =>
      pushBytes(
        L,
        mapped(textAt(L, "lower", 1), (byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte)),
      ),
    upper: (L) =>
      pushBytes(
        L,
        mapped(textAt(L, "upper", 1), (byte) => (byte >= 97 && byte <= 122 ? byte - 32 : byte)),
      ),
    rep: repeat,
    reverse: (L) => {
      const text = textAt(L, "reverse", 1);
      checkBytes(text.length);
      return pushBytes(L, new Uint8Array(text).reverse());
    },
    sub: (L) => {
      const text = textAt(L, "sub", 1);
      const [start, end] = range(text.length, placeAt(L, "sub", 2), placeAt(L, "sub", 3, -1));
      return pushBytes(L, text.slice(start, Math.max(start, end)));
    },
  };
}
