// The table `math`, on integers of 64 bits. Random numbers are not there: the same events have to give the same alerts.

import {
  anyAt,
  argument,
  countOf,
  integerAt,
  isMissing,
  numberAt,
  push,
  pushBoolean,
  pushInteger,
  pushIntegral,
  pushNil,
  pushText,
  raiseArgument,
} from "./arguments.js";
import { type Fengari, FLOAT, INTEGER, type LuaState, type LuaTable, type LuaValue, WIDE } from "./fengari.js";
import { integerOf, toInteger } from "./int64.js";
import { type Library, makeTable, setField } from "./library.js";

const FLOAT_FUNCTIONS = ["acos", "asin", "cos", "exp", "sin", "sqrt", "tan"] as const;
const LARGEST = 2n ** 63n - 1n;

/** An argument that is an integer, as a bigint. */
function integerArgument(L: LuaState, index: number): bigint | null {
  const value = argument(L, index);
  return value === undefined ? null : integerOf(value);
}

function rounded(name: string, round: (value: number) => number): (L: LuaState) => number {
  return (L) => {
    const integer = integerArgument(L, 1);
    return integer === null ? pushIntegral(L, round(numberAt(L, name, 1))) : pushInteger(L, integer);
  };
}

function isLess(a: LuaValue, b: LuaValue): boolean {
  // JavaScript compares integers of any size with floats exactly.
  return (a.value as number) < (b.value as number);
}

/** The first of the arguments that `wins` over all others. */
function chosen(name: string, wins: (a: LuaValue, b: LuaValue) => boolean): (L: LuaState) => number {
  return (L) => {
    let best = numeric(L, name, 1);
    for (let i = 2; i <= countOf(L); i++) {
      const value = numeric(L, name, i);
      if (wins(value, best)) best = value;
    }
    return push(L, best.type, best.value);
  };
}

function numeric(L: LuaState, name: string, index: number): LuaValue {
  const value = argument(L, index);
  if (value !== undefined && (value.type === INTEGER || value.type === FLOAT || value.type === WIDE)) return value;
  return { type: FLOAT, value: numberAt(L, name, index), setfrom: () => {} };
}

function remainder(L: LuaState): number {
  const [a, b] = [integerArgument(L, 1), integerArgument(L, 2)];
  if (a === null || b === null) return push(L, FLOAT, numberAt(L, "fmod", 1) % numberAt(L, "fmod", 2));
  return b === 0n ? raiseArgument(L, "fmod", 2, "zero") : pushInteger(L, a % b);
}

function logarithm(L: LuaState): number {
  const value = numberAt(L, "log", 1);
  if (isMissing(argument(L, 2))) return push(L, FLOAT, Math.log(value));
  const base = numberAt(L, "log", 2);
  if (base === 2) return push(L, FLOAT, Math.log2(value));
  return push(L, FLOAT, base === 10 ? Math.log10(value) : Math.log(value) / Math.log(base));
}

export function numberLibrary(fengari: Fengari, L: LuaState): LuaTable {
  const library: Record<string, (L: LuaState) => number> = {
    abs: (L) => {
      const integer = integerArgument(L, 1);
      if (integer === null) return push(L, FLOAT, Math.abs(numberAt(L, "abs", 1)));
      return pushInteger(L, integer < 0n ? -integer : integer);
    },
    atan: (L) =>
      push(L, FLOAT, Math.atan2(numberAt(L, "atan", 1), isMissing(argument(L, 2)) ? 1 : numberAt(L, "atan", 2))),
    ceil: rounded("ceil", Math.ceil),
    floor: rounded("floor", Math.floor),
    fmod: remainder,
    log: logarithm,
    max: chosen("max", (a, b) => isLess(b, a)),
    min: chosen("min", isLess),
    modf: (L) => {
      const value = numberAt(L, "modf", 1);
      const whole = Math.trunc(value);
      return push(L, FLOAT, whole) + push(L, FLOAT, Number.isFinite(value) ? value - whole : 0);
    },
    tointeger: (L) => {
      const value = anyAt(L, "tointeger", 1);
      const integer = value.type === FLOAT || integerOf(value) !== null ? toInteger(value) : null;
      return integer === null ? pushNil(L) : pushInteger(L, integer);
    },
    type: (L) => {
      const value = anyAt(L, "type", 1);
      if (integerOf(value) !== null) return pushText(L, "integer");
      return value.type === FLOAT ? pushText(L, "float") : pushNil(L);
    },
    ult: (L) => {
      const [a, b] = [integerAt(L, "ult", 1), integerAt(L, "ult", 2)];
      return pushBoolean(L, BigInt.asUintN(64, a) < BigInt.asUintN(64, b));
    },
  };
  for (const name of FLOAT_FUNCTIONS) library[name] = (L) => push(L, FLOAT, Math[name](numberAt(L, name, 1)));
  const table = makeTable(fengari, L, library satisfies Library);
  setField(fengari, L, table, "huge", FLOAT, Number.POSITIVE_INFINITY);
  setField(fengari, L, table, "pi", FLOAT, Math.PI);
  setField(fengari, L, table, "maxinteger", WIDE, LARGEST);
  setField(fengari, L, table, "mininteger", WIDE, -LARGEST - 1n);
  return table;
}
