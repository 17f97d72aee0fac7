// Arithmetic as Python does it on integers and floats, and numbers as Python writes them.

import type { ArithmeticOp } from "@kestrel/compiler/syntax/ast";
import { fitsLong } from "../decimals.js";
import { type Data, finite, isNumber } from "./values.js";

/** null when an operand is no number, for division by zero, and for what is not finite. */
export function calculate(op: ArithmeticOp, a: Data, b: Data): bigint | number | null {
  if (!isNumber(a) || !isNumber(b)) return null;
  if ((op === "/" || op === "%") && Number(b) === 0) return null;
  if (typeof a === "bigint" && typeof b === "bigint") {
    const exact = onIntegers(op, a, b);
    if (fitsLong(exact)) return exact;
  }
  return finite(onFloats(op, Number(a), Number(b)));
}

function onIntegers(op: ArithmeticOp, a: bigint, b: bigint): bigint {
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return (a - modulo(a, b)) / b;
    case "%":
      return modulo(a, b);
  }
}

/** With the sign of the divisor, so that division rounds down. */
function modulo(a: bigint, b: bigint): bigint {
  const rest = a % b;
  return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
}

function onFloats(op: ArithmeticOp, a: number, b: number): number {
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%": {
      const rest = a % b;
      if (rest === 0) return b < 0 ? -0 : 0;
      return rest < 0 !== b < 0 ? rest + b : rest;
    }
  }
}

/** The shortest digits that give the number again; with an exponent from 1e16 on and below 0.0001. */
export function formatNumber(value: bigint | number): string {
  if (typeof value === "bigint") return String(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (value === 0) return `${sign}0.0`;
  const [mantissa = "", power = ""] = Math.abs(value).toExponential().split("e");
  const exponent = Number(power);
  const digits = mantissa.replace(".", "");
  if (exponent < -4 || exponent >= 16) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${digits.slice(0, 1)}${fraction}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}
