// Values, names and comments -> Lua source. Everything here ends up in a file that a person reads, and nothing that a rule or an
// event names may end a text or a comment.

import { type Reading, readingText } from "../../ir/reading.js";

const UTF16_ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** A string literal; what a page does not show is escaped. */
export function textLiteral(text: string): string {
  const body = text.replace(/["\\]|\p{C}|(?! )\p{Z}/gu, (character) => {
    const known = UTF16_ESCAPES[character];
    if (known !== undefined) return known;
    const codePoint = character.codePointAt(0) ?? 0;
    // Half of a surrogate pair has no UTF-8; where texts are stored it is what stands for text that cannot be read.
    const shown = codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint;
    return `\\u{${shown.toString(16)}}`;
  });
  return `"${body}"`;
}

const LEAST_PLAIN = -(2n ** 31n) + 1n;
const GREATEST_PLAIN = 2n ** 31n - 1n;

/** Beyond 32 bits an integer is made by the host, which knows whether this Lua has longer ones. */
export function integerLiteral(value: bigint): string {
  if (value < LEAST_PLAIN || value > GREATEST_PLAIN) return `kestrel.int64("${value}")`;
  return value < 0n ? `(${value})` : String(value);
}

/** A float, whatever it looks like. */
export function doubleLiteral(value: number): string {
  if (Number.isNaN(value)) return "(0.0 / 0.0)";
  if (!Number.isFinite(value)) return value < 0 ? "(-1.0 / 0.0)" : "(1.0 / 0.0)";
  const digits = String(Math.abs(value));
  const shown = /^[0-9]+$/.test(digits) ? `${digits}.0` : digits;
  return value < 0 || Object.is(value, -0) ? `(-${shown})` : shown;
}

const LONGEST_COMMENT = 160;

/** What stands behind `--`, on one line. */
export function commentText(text: string): string {
  const line = text.replace(/[\p{C}\p{Z}]+/gu, " ").trim();
  return line.length > LONGEST_COMMENT ? `${[...line].slice(0, LONGEST_COMMENT).join("")} …` : line;
}

export function comment(text: string): string {
  return `-- ${commentText(text)}`;
}

/** For a comment: `process.name as keyword`. */
export function readingComment(reading: Reading): string {
  return `${readingText(reading)} as ${reading.as === "raw" ? "JSON" : reading.as}`;
}

const RESERVED = new Set(
  (
    "and break do else elseif end false for function goto if in local nil not or repeat return then true until while " +
    "kestrel eql question math string table select type pairs ipairs tostring tonumber pred_eval"
  ).split(" "),
);
const LONGEST_NAME = 40;

/** A name of Lua for each reading, distinct and none that means something else: `process_name`. */
export function readingNames(readings: readonly Reading[]): readonly string[] {
  const taken = new Set(RESERVED);
  return readings.map((reading) => {
    const plain = readingText(reading)
      .replace("$", "element_")
      .replace("@", "stage_")
      .replace(/[^A-Za-z0-9]+/g, "_")
      .replace(/^_+|_+$/g, "")
      .slice(0, LONGEST_NAME);
    const base = plain === "" ? "value" : /^[0-9]/.test(plain) ? `field_${plain}` : plain;
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}_${n}`;
    taken.add(name);
    return name;
  });
}

export function indented(lines: readonly string[]): string[] {
  return lines.map((line) => (line === "" ? "" : `  ${line}`));
}
