// The table `table`. Tables are read and written as they are, without metamethods.

import {
  argument,
  countOf,
  functionAt,
  isMissing,
  join,
  placeAt,
  push,
  pushBytes,
  raise,
  raiseArgument,
  tableAt,
  textAt,
  textOf,
  typeName,
} from "./arguments.js";
import { type Fengari, INTEGER, type LuaState, type LuaTable, type LuaValue, NIL, TABLE } from "./fengari.js";
import { type Library, setField } from "./library.js";
import { allocate, charge, SLOT_BYTES } from "./meter.js";

/** The most values that a function gives at once. */
const MOST_RESULTS = 8000;

export function tableLibrary(fengari: Fengari): Library {
  const { lapi, ltable, lvm } = fengari;
  const { TValue } = fengari.lobject;
  const nil = new TValue(NIL, null);

  /** Moves `count` values of a list; charged, since an instruction does it. */
  const move = (from: LuaTable, first: number, count: number, to: LuaTable, at: number): void => {
    const forwards = from !== to || at <= first || at >= first + count;
    for (let i = 0; i < count; i++) {
      charge(1);
      const offset = forwards ? i : count - 1 - i;
      ltable.luaH_setint(to, at + offset, ltable.luaH_getint(from, first + offset));
    }
  };

  const concat = (L: LuaState): number => {
    const table = tableAt(L, "concat", 1);
    const between = isMissing(argument(L, 2)) ? new Uint8Array() : textAt(L, "concat", 2);
    const first = placeAt(L, "concat", 3, 1);
    const last = isMissing(argument(L, 4)) ? ltable.luaH_getn(table) : placeAt(L, "concat", 4);
    const parts: Uint8Array[] = [];
    const add = (part: Uint8Array): void => {
      charge(1 + (part.length >>> 6));
      allocate(SLOT_BYTES);
      parts.push(part);
    };
    for (let i = first; i <= last; i++) {
      if (i > first && between.length > 0) add(between);
      const value = ltable.luaH_getint(table, i);
      const text = textOf(L, value);
      if (text === null) return raise(L, `invalid value (at index ${i}) in table for 'concat'`);
      add(text);
    }
    return pushBytes(L, join(parts));
  };

  const insert = (L: LuaState): number => {
    const table = tableAt(L, "insert", 1);
    const end = ltable.luaH_getn(table) + 1;
    const given = countOf(L);
    if (given !== 2 && given !== 3) return raise(L, "wrong number of arguments to 'insert'");
    const position = given === 2 ? end : placeAt(L, "insert", 2);
    if (position < 1 || position > end) return raiseArgument(L, "insert", 2, "position out of bounds");
    move(table, position, end - position, table, position + 1);
    ltable.luaH_setint(table, position, argument(L, given) ?? nil);
    return 0;
  };

  const remove = (L: LuaState): number => {
    const table = tableAt(L, "remove", 1);
    const size = ltable.luaH_getn(table);
    const position = placeAt(L, "remove", 2, size);
    if (
      countOf(L) > 1 &&
      size + 1 !== position &&
      (position < 1 || position > size + 1) &&
      (size !== 0 || position !== 0)
    )
      return raiseArgument(L, "remove", 2, "position out of bounds");
    const removed = ltable.luaH_getint(table, position);
    push(L, removed.type, removed.value);
    if (position <= size) {
      move(table, position + 1, size - position, table, position);
      ltable.luaH_setint(table, Math.max(size, position), nil);
    } else {
      ltable.luaH_setint(table, position, nil);
    }
    return 1;
  };

  /** Sorts in place by merging, so that each comparison is charged and no comparison, however wrong, makes it endless. */
  const sort = (L: LuaState): number => {
    const table = tableAt(L, "sort", 1);
    const before = isMissing(argument(L, 2)) ? null : functionAt(L, "sort", 2);
    const count = ltable.luaH_getn(table);
    charge(2 * count);
    allocate(4 * SLOT_BYTES * count);
    const less = (a: LuaValue, b: LuaValue): boolean => {
      charge(2);
      if (before === null) return lvm.luaV_lessthan(L, a, b) !== 0;
      push(L, before.type, before.value);
      push(L, a.type, a.value);
      push(L, b.type, b.value);
      lapi.lua_call(L, 2, 1);
      const result = L.stack[L.top - 1] as LuaValue;
      const yes = result.type !== NIL && result.value !== false;
      lapi.lua_settop(L, 2);
      return yes;
    };
    lapi.lua_settop(L, 2);
    let from: LuaValue[] = [];
    for (let i = 1; i <= count; i++) {
      const value = ltable.luaH_getint(table, i);
      from.push(new TValue(value.type, value.value));
    }
    let to: LuaValue[] = new Array(count);
    for (let width = 1; width < count; width *= 2) {
      for (let start = 0; start < count; start += 2 * width)
        mergeRuns(from, to, start, Math.min(start + width, count), Math.min(start + 2 * width, count), less);
      [from, to] = [to, from];
    }
    for (const [i, value] of from.entries()) ltable.luaH_setint(table, i + 1, value);
    return 0;
  };

  return {
    concat,
    insert,
    move: (L) => {
      const from = tableAt(L, "move", 1);
      const [first, last, at] = [placeAt(L, "move", 2), placeAt(L, "move", 3), placeAt(L, "move", 4)];
      const to = isMissing(argument(L, 5)) ? from : tableAt(L, "move", 5);
      const count = last - first + 1;
      if (count > 0 && at + count > 0x7fffffff) return raiseArgument(L, "move", 4, "destination wrap around");
      if (count > 0) move(from, first, count, to, at);
      return push(L, TABLE, to);
    },
    pack: (L) => {
      const count = countOf(L);
      const table = ltable.luaH_new(L);
      charge(count);
      for (let i = 1; i <= count; i++) ltable.luaH_setint(table, i, argument(L, i) ?? nil);
      setField(fengari, L, table, "n", INTEGER, count);
      return push(L, TABLE, table);
    },
    remove,
    sort,
    unpack: (L) => {
      const value = argument(L, 1);
      if (value?.type !== TABLE) return raiseArgument(L, "unpack", 1, `table expected, got ${typeName(value)}`);
      const table = value.value as LuaTable;
      const first = placeAt(L, "unpack", 2, 1);
      const last = isMissing(argument(L, 3)) ? ltable.luaH_getn(table) : placeAt(L, "unpack", 3);
      const count = last - first + 1;
      if (count <= 0) return 0;
      if (count > MOST_RESULTS || !lapi.lua_checkstack(L, count)) return raise(L, "too many results to unpack");
      charge(count);
      for (let i = first; i <= last; i++) {
        const item = ltable.luaH_getint(table, i);
        push(L, item.type, item.value);
      }
      return count;
    },
  };
}

function mergeRuns(
  from: readonly LuaValue[],
  to: LuaValue[],
  start: number,
  middle: number,
  end: number,
  less: (a: LuaValue, b: LuaValue) => boolean,
): void {
  let left = start;
  let right = middle;
  for (let at = start; at < end; at++) {
    const takeRight = left >= middle || (right < end && less(from[right] as LuaValue, from[left] as LuaValue));
    to[at] = from[takeRight ? right++ : left++] as LuaValue;
  }
}
