// The metatables of numbers: what fengari does when an operand is an integer beyond 32 bits, and when one of its bitwise
// operators meets a float that is. Scripts cannot reach them.

import { argument, join, push, pushBoolean, pushBytes, pushInteger, raise, textOf, typeName } from "./arguments.js";
import { type Fengari, FLOAT, INTEGER, type LuaState, type LuaTable, type LuaValue, TEXT, WIDE } from "./fengari.js";
import { type Arithmetic, compute, readNumeral, toInteger } from "./int64.js";
import { type Library, makeTable } from "./library.js";
import type { TString } from "./lua-text.js";
import { charge } from "./meter.js";

/** Arithmetic on bigints takes about as long as so many instructions. */
const WIDE_ARITHMETIC = 4;

export interface NumberMetatables {
  readonly wide: LuaTable;
  readonly number: LuaTable;
}

export function numberMetatables(fengari: Fengari, L: LuaState): NumberMetatables {
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

  /** An operand of arithmetic: there a text is a float, as in Lua 5.3. */
  const arithmeticOperand = (L: LuaState, index: number): LuaValue => {
    const value = operand(L, index, "perform arithmetic on");
    return argument(L, index)?.type === TEXT ? new TValue(FLOAT, Number(value.value)) : value;
  };

  /** Arithmetic that stays among integers where both operands are. */
  const arithmetic =
    (operation: Arithmetic, onFloats: (a: number, b: number) => number) =>
    (L: LuaState): number => {
      charge(WIDE_ARITHMETIC);
      const [a, b] = [arithmeticOperand(L, 1), arithmeticOperand(L, 2)];
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
      const [a, b] = [arithmeticOperand(L, 1), arithmeticOperand(L, 2)];
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

  const bitwiseNot = (L: LuaState): number => {
    const integer = toInteger(operand(L, 1, "perform bitwise operation on"));
    return integer === null ? raise(L, "number has no integer representation") : pushInteger(L, ~integer);
  };

  const bitwiseOperators: Library = {
    __band: bitwise("band"),
    __bor: bitwise("bor"),
    __bxor: bitwise("bxor"),
    __shl: bitwise("shl"),
    __shr: bitwise("shr"),
    __bnot: bitwiseNot,
  };
  const wide = makeTable(fengari, L, {
    ...bitwiseOperators,
    __add: arithmetic("add", (a, b) => a + b),
    __sub: arithmetic("sub", (a, b) => a - b),
    __mul: arithmetic("mul", (a, b) => a * b),
    __mod: arithmetic("mod", floored),
    __idiv: arithmetic("idiv", (a, b) => Math.floor(a / b)),
    __div: onFloats((a, b) => a / b),
    __pow: onFloats((a, b) => a ** b),
    __unm: (L) => pushInteger(L, -(toInteger(operand(L, 1, "perform arithmetic on")) ?? 0n)),
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
  return { wide, number: makeTable(fengari, L, bitwiseOperators) };
}
