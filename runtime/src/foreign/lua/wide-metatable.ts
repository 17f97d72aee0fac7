// The metatable of integers beyond 32 bits: what fengari does when one of them is an operand. Scripts cannot reach it.

import { argument, join, push, pushBoolean, pushBytes, pushInteger, raise, textOf, typeName } from "./arguments.js";
import { type Fengari, FLOAT, INTEGER, type LuaState, type LuaTable, type LuaValue, TEXT, WIDE } from "./fengari.js";
import { type Arithmetic, compute, readNumeral, toInteger } from "./int64.js";
import { makeTable } from "./library.js";
import type { TString } from "./lua-text.js";
import { charge } from "./meter.js";

/** Arithmetic on bigints takes about as long as so many instructions. */
const WIDE_ARITHMETIC = 4;

export function wideMetatable(fengari: Fengari, L: LuaState): LuaTable {
  const { TValue, luaO_str2num } = fengari.lobject;

  /** The operand as a number: a text that spells one is one. */
  const operand = (L: LuaState, index: number, what: string): LuaValue => {
    const value = argument(L, index);
    if (value !== undefined) {
      if (value.type === INTEGER || value.type === WIDE || value.type === FLOAT) return value;
      if (value.type === TEXT) {
        const read = new TValue(0, null);
        if (readNumeral((value.value as TString).realstring, read, luaO_str2num) !== 0) return read;
      }
    }
    return raise(L, `attempt to ${what} a ${typeName(value)} value`);
  };

  /** Arithmetic that stays among integers where both operands are. */
  const arithmetic =
    (operation: Arithmetic, onFloats: (a: number, b: number) => number) =>
    (L: LuaState): number => {
      charge(WIDE_ARITHMETIC);
      const [a, b] = [operand(L, 1, "perform arithmetic on"), operand(L, 2, "perform arithmetic on")];
      if (a.type === FLOAT || b.type === FLOAT) return push(L, FLOAT, onFloats(Number(a.value), Number(b.value)));
      const result = compute(operation, BigInt(a.value as number), BigInt(b.value as number));
      if (result !== null) return pushInteger(L, result);
      return raise(L, operation === "mod" ? "attempt to perform 'n%%0'" : "attempt to perform 'n//0'");
    };

  const bitwise =
    (operation: Arithmetic) =>
    (L: LuaState): number => {
      charge(WIDE_ARITHMETIC);
      const [a, b] = [1, 2].map((index) => {
        const value = operand(L, index, "perform bitwise operation on");
        return toInteger(value) ?? raise(L, "number has no integer representation");
      });
      return pushInteger(L, compute(operation, a as bigint, b as bigint) ?? 0n);
    };

  const onFloats =
    (calculate: (a: number, b: number) => number) =>
    (L: LuaState): number => {
      const [a, b] = [operand(L, 1, "perform arithmetic on"), operand(L, 2, "perform arithmetic on")];
      return push(L, FLOAT, calculate(Number(a.value), Number(b.value)));
    };

  const comparison =
    (holds: (a: number, b: number) => boolean) =>
    (L: LuaState): number => {
      const [a, b] = [argument(L, 1), argument(L, 2)];
      for (const [value, other] of [
        [a, b],
        [b, a],
      ])
        if (value?.type !== INTEGER && value?.type !== WIDE && value?.type !== FLOAT)
          return raise(L, `attempt to compare ${typeName(other)} with ${typeName(value)}`);
      // JavaScript compares bigints with numbers exactly.
      return pushBoolean(L, holds(a?.value as number, b?.value as number));
    };

  const floored = (a: number, b: number): number => {
    const rest = a % b;
    return rest * b < 0 ? rest + b : rest;
  };

  return makeTable(fengari, L, {
    __add: arithmetic("add", (a, b) => a + b),
    __sub: arithmetic("sub", (a, b) => a - b),
    __mul: arithmetic("mul", (a, b) => a * b),
    __mod: arithmetic("mod", floored),
    __idiv: arithmetic("idiv", (a, b) => Math.floor(a / b)),
    __div: onFloats((a, b) => a / b),
    __pow: onFloats((a, b) => a ** b),
    __unm: (L) => pushInteger(L, -(toInteger(operand(L, 1, "perform arithmetic on")) ?? 0n)),
    __band: bitwise("band"),
    __bor: bitwise("bor"),
    __bxor: bitwise("bxor"),
    __shl: bitwise("shl"),
    __shr: bitwise("shr"),
    __bnot: (L) => pushInteger(L, ~(toInteger(operand(L, 1, "perform bitwise operation on")) ?? 0n)),
    __lt: comparison((a, b) => a < b),
    __le: comparison((a, b) => a <= b),
    __concat: (L) => {
      const [a, b] = [textOf(L, argument(L, 1)), textOf(L, argument(L, 2))];
      if (a === null || b === null) {
        const wrong = argument(L, a === null ? 1 : 2);
        return raise(L, `attempt to concatenate a ${typeName(wrong)} value`);
      }
      return pushBytes(L, join([a, b]));
    },
  });
}
