// A float → text, as C's printf writes it.

/** An exponent of at least two digits, as C writes it. */
export function cExponent(text: string): string {
  return text.replace(/e([-+])(\d)$/, "e$10$2");
}

export function infiniteText(value: number): string {
  return Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
}

/** `%g` with a precision of at least 1; zeros at the end are kept on demand. */
export function generalFloat(value: number, precision: number, keep: boolean): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const scientific = value.toExponential(precision - 1);
  const power = Number(scientific.slice(scientific.indexOf("e") + 1));
  const short = (text: string): string => (keep || !text.includes(".") ? text : text.replace(/\.?0+$/, ""));
  if (power < -4 || power >= precision) {
    const [digits = "", rest = ""] = scientific.split("e");
    return cExponent(`${short(digits)}e${rest}`);
  }
  return short(value.toFixed(precision - 1 - power));
}

/** How Lua spells a float: `%.14g`. */
export function spellFloat(value: number): string {
  return Number.isFinite(value) ? generalFloat(value, 14, false) : infiniteText(value);
}
