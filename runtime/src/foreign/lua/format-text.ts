// string.format: a form and values → text. A directive is at most 99 wide and exact, as in Lua.

import { anyAt, ascii, integerAt, isTrue, join, numberAt, raise, textAt, textOf } from "./arguments.js";
import { BOOLEAN, type LuaState, NIL } from "./fengari.js";
import { cExponent, generalFloat, infiniteText } from "./float-text.js";
import { allocate, charge, chargeBytes } from "./meter.js";

interface Directive {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | null;
  readonly letter: string;
}

/** A directive after its `%`, or null. */
function readDirective(form: string, at: number): readonly [directive: Directive, end: number] | null {
  const found = /^([-+ #0]*)(\d{0,2})(?:\.(\d{0,2}))?([a-zA-Z])/.exec(form.slice(at, at + 16));
  if (found === null) return null;
  const [all, flags = "", width = "", precision, letter = ""] = found;
  return [
    { flags, width: Number(width), precision: precision === undefined ? null : Number(precision), letter },
    at + all.length,
  ];
}

function pad(text: string, { flags, width }: Directive, numeric: boolean): string {
  if (text.length >= width) return text;
  if (flags.includes("-")) return text.padEnd(width);
  if (!numeric || !flags.includes("0")) return text.padStart(width);
  const sign = /^[-+ ]?(?:0[xX])?/.exec(text)?.[0] ?? "";
  return sign + text.slice(sign.length).padStart(width - sign.length, "0");
}

function signed(text: string, flags: string): string {
  if (text.startsWith("-")) return text;
  return flags.includes("+") ? `+${text}` : flags.includes(" ") ? ` ${text}` : text;
}

function formatInteger(value: bigint, directive: Directive): string {
  const { flags, precision, letter } = directive;
  const decimal = letter === "d" || letter === "i";
  const base = letter === "o" ? 8 : decimal ? 10 : 16;
  const digits = (decimal ? (value < 0n ? -value : value) : BigInt.asUintN(64, value)).toString(base);
  const exact = digits.padStart(precision ?? 0, "0");
  const prefix = flags.includes("#") && base === 16 && value !== 0n ? "0x" : "";
  const text = decimal ? signed(value < 0n ? `-${exact}` : exact, flags) : prefix + exact;
  const padded = pad(text, precision === null ? directive : { ...directive, flags: flags.replace("0", "") }, true);
  return letter === "X" ? padded.toUpperCase() : padded;
}

function formatFloat(value: number, directive: Directive): string {
  const { flags, letter } = directive;
  const precision = directive.precision ?? 6;
  let text: string;
  if (!Number.isFinite(value)) {
    text = infiniteText(value);
  } else if (letter === "f" || letter === "F") {
    // toFixed changes to exponents beyond 1e21.
    text = Math.abs(value) < 1e21 ? value.toFixed(precision) : largeFixed(value, precision);
  } else if (letter === "e" || letter === "E") {
    text = cExponent(value.toExponential(precision));
  } else {
    text = generalFloat(value, precision === 0 ? 1 : precision, flags.includes("#"));
  }
  if (Object.is(value, -0) && !text.startsWith("-")) text = `-${text}`;
  const plain = Number.isFinite(value) ? directive : { ...directive, flags: flags.replace("0", "") };
  const padded = pad(signed(text, flags), plain, true);
  return letter === "E" || letter === "G" ? padded.toUpperCase() : padded;
}

function largeFixed(value: number, precision: number): string {
  return BigInt(value).toString() + (precision > 0 ? `.${"0".repeat(precision)}` : "");
}

/** The value of a directive for texts. */
function textValue(L: LuaState, index: number): Uint8Array {
  const value = anyAt(L, "format", index);
  if (value.type === NIL) return ascii("nil");
  if (value.type === BOOLEAN) return ascii(isTrue(value) ? "true" : "false");
  return textOf(L, value) ?? textAt(L, "format", index);
}

/** What string.format gives for the arguments at hand. */
export function formatText(L: LuaState): Uint8Array {
  const bytes = textAt(L, "format", 1);
  chargeBytes(2 * bytes.length);
  allocate(2 * bytes.length);
  const form = Buffer.from(bytes).toString("latin1");
  const parts: Uint8Array[] = [];
  const add = (part: Uint8Array): void => {
    allocate(part.length + 64);
    charge(2 + (part.length >>> 6));
    parts.push(part);
  };
  let index = 1;
  for (let at = 0; at < form.length; ) {
    const percent = form.indexOf("%", at);
    if (percent !== at) add(ascii(form.slice(at, percent < 0 ? undefined : percent)));
    if (percent < 0) break;
    if (form[percent + 1] === "%") {
      add(ascii("%"));
      at = percent + 2;
      continue;
    }
    const read = readDirective(form, percent + 1);
    if (read === null) return raise(L, "invalid conversion to 'format'");
    const [directive, end] = read;
    at = end;
    index++;
    switch (directive.letter) {
      case "d":
      case "i":
      case "o":
      case "x":
      case "X":
        add(ascii(formatInteger(integerAt(L, "format", index), directive)));
        break;
      case "c":
        add(ascii(pad(String.fromCharCode(Number(integerAt(L, "format", index) & 255n)), directive, false)));
        break;
      case "e":
      case "E":
      case "f":
      case "F":
      case "g":
      case "G":
        add(ascii(formatFloat(numberAt(L, "format", index), directive)));
        break;
      case "s": {
        const text = textValue(L, index);
        const cut = directive.precision === null ? text : text.subarray(0, directive.precision);
        const wide = cut.length < directive.width;
        add(wide ? ascii(pad(Buffer.from(cut).toString("latin1"), directive, false)) : cut);
        break;
      }
      default:
        return raise(L, `invalid conversion '%${directive.letter}' to 'format'`);
    }
  }
  return join(parts);
}
