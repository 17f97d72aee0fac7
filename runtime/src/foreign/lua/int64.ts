// Integers of 64 bits, as Lua 5.3 has them, on fengari, whose integers have 32.
//
// An integer that 32 bits hold is fengari's own; any other is a *wide* one, a light userdata whose value is a bigint. There is
// no third kind and each integer has one form, so equal integers are equal values, also as keys of a table. fengari's own
// arithmetic comes here when its result leaves 32 bits (load-fengari.ts), and arithmetic with a wide operand comes here through
// the metatable that all light userdata of a state share. Scripts see integers: nothing shows them the form or the metatable.

import { FLOAT, INTEGER, type LuaValue, TEXT, WIDE } from "./fengari.js";
import type { TString } from "./lua-text.js";

/** Sets a value to an integer that is exact as a number of JavaScript. */
export function setInteger(into: LuaValue, exact: number): void {
  const small = exact | 0;
  if (small === exact) {
    into.type = INTEGER;
    into.value = small;
  } else {
    into.type = WIDE;
    into.value = BigInt(exact);
  }
}

/** Sets a value to an integer, wrapped to 64 bits. */
export function setWide(into: LuaValue, exact: bigint): void {
  const wrapped = BigInt.asIntN(64, exact);
  if (wrapped >= -0x80000000n && wrapped <= 0x7fffffffn) {
    into.type = INTEGER;
    into.value = Number(wrapped);
  } else {
    into.type = WIDE;
    into.value = wrapped;
  }
}

/** The product of two integers of 32 bits. */
export function setProduct(into: LuaValue, a: number, b: number): void {
  const product = a * b;
  if (Number.isSafeInteger(product)) setInteger(into, product);
  else setWide(into, BigInt(a) * BigInt(b));
}

/** An integer of 32 bits shifted, zeros coming in, as all its 64 bits; to the right when `by` is negative. */
export function setShifted(into: LuaValue, value: number, by: number): void {
  setWide(into, shift(BigInt(value), BigInt(by)));
}

export function shift(value: bigint, by: bigint): bigint {
  if (by <= -64n || by >= 64n) return 0n;
  return by < 0n ? BigInt.asUintN(64, value) >> -by : value << by;
}

/** Whether a wide integer equals another value: a float can, a small integer cannot. */
export function equalsWide(a: LuaValue, b: LuaValue): number {
  const [wide, other] = a.type === WIDE ? [a, b] : [b, a];
  // biome-ignore lint/suspicious/noDoubleEquals: this is how JavaScript compares an integer with a float, exactly.
  return other.type === FLOAT && (wide.value as bigint) == (other.value as unknown as bigint) ? 1 : 0;
}

/** The key of a wide integer in a table: that of the float which equals it, where there is one. */
export function wideKey(wide: bigint): bigint | number {
  const float = Number(wide);
  return BigInt(float) === wide ? float : wide;
}

/** The longest numeral that is read; fengari would search a text of megabytes for one. */
const LONGEST_NUMERAL = 200;
/** The shortest text that can spell an integer beyond 32 bits. */
const SHORTEST_WIDE = 10;

/** Reads a decimal integer that 64 bits hold, or a hexadecimal one, of which Lua takes the last 64 bits. */
export function readInteger(bytes: Uint8Array): bigint | null {
  if (bytes.length > LONGEST_NUMERAL) return null;
  const found = /^[ \f\n\r\t\v]*([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)[ \f\n\r\t\v]*$/.exec(
    Buffer.from(bytes).toString("latin1"),
  );
  if (found?.[2] === undefined) return null;
  const digits = BigInt(found[2]);
  const value = found[1] === "-" ? -digits : digits;
  const wrapped = BigInt.asIntN(64, value);
  return wrapped === value || /^0[xX]/.test(found[2]) ? wrapped : null;
}

/**
 * Reads a numeral into a value: an integer of 64 bits or a float.
 *
 * @param readShort fengari's own reader, which knows 32 bits and floats; returns 0 for what is none.
 */
export function readNumeral(
  bytes: Uint8Array,
  into: LuaValue,
  readShort: (bytes: Uint8Array, into: LuaValue) => number,
): number {
  if (bytes.length > LONGEST_NUMERAL) return 0;
  if (bytes.length >= SHORTEST_WIDE) {
    const integer = readInteger(bytes);
    if (integer !== null) {
      setWide(into, integer);
      return bytes.length + 1;
    }
  }
  return readShort(bytes, into);
}

/** The integer that a value is, as a bigint; null for any other value. */
export function integerOf(value: LuaValue): bigint | null {
  if (value.type === WIDE) return value.value as bigint;
  return value.type === INTEGER ? BigInt(value.value as number) : null;
}

/** The integer that a value is or equals: floats without a fraction and texts that spell one count. */
export function toInteger(value: LuaValue): bigint | null {
  const integer = integerOf(value);
  if (integer !== null) return integer;
  if (value.type === FLOAT) {
    const float = value.value as number;
    return Number.isInteger(float) && float >= -(2 ** 63) && float < 2 ** 63 ? BigInt(float) : null;
  }
  return value.type === TEXT ? readInteger((value.value as TString).realstring) : null;
}

export type Arithmetic = "add" | "sub" | "mul" | "mod" | "idiv" | "band" | "bor" | "bxor" | "shl" | "shr";

/** The operation on two integers, not yet wrapped; null when it divides by zero. */
export function compute(operation: Arithmetic, a: bigint, b: bigint): bigint | null {
  switch (operation) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b;
    case "mod": {
      if (b === 0n) return null;
      const rest = a % b;
      return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
    }
    case "idiv": {
      if (b === 0n) return null;
      const quotient = a / b;
      return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
    }
    case "band":
      return a & b;
    case "bor":
      return a | b;
    case "bxor":
      return a ^ b;
    case "shl":
      return shift(a, b);
    case "shr":
      return shift(a, -b);
  }
}
