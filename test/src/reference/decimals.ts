// Decimal texts read exactly: the grammar of a JSON number, with an optional `+` and leading zeros allowed.

const DECIMAL = /^([+-]?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;
export const SMALLEST_LONG = -(2n ** 63n);
export const LARGEST_LONG = 2n ** 63n - 1n;

export function isDecimal(text: string): boolean {
  return DECIMAL.test(text);
}

/** The nearest double; null when the text is not a decimal or lies beyond the doubles. */
export function readDouble(text: string): number | null {
  if (!isDecimal(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/**
 * The text's value times ten to `shift`, its fraction dropped (towards zero). null when the text is not a decimal or the
 * result does not fit 64 bits.
 */
export function readLong(text: string, shift = 0): bigint | null {
  const found = DECIMAL.exec(text);
  if (found === null) return null;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = found;
  const digits = (whole + fraction).replace(/^0+/, "");
  if (digits === "") return 0n;
  // How many of `digits` stand before the decimal point.
  const before = digits.length - fraction.length + Number(exponent) + shift;
  if (before <= 0) return 0n;
  if (before > 19) return null;
  const magnitude = BigInt(digits.slice(0, before).padEnd(before, "0"));
  const value = sign === "-" ? -magnitude : magnitude;
  return fitsLong(value) ? value : null;
}

export function fitsLong(value: bigint): boolean {
  return value >= SMALLEST_LONG && value <= LARGEST_LONG;
}
