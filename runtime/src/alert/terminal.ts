// Text from events and rules -> text that is safe to print: a terminal obeys none of it.

import { CARRIAGE_RETURN, LINE_FEED, SPACE, TAB } from "@kestrel/stdlib/text/characters";

const RESET = "\u001b[0m";

export type Style = "strong" | "dim" | "red" | "yellow" | "cyan" | "green";

const ANSI: Readonly<Record<Style, string>> = {
  strong: "1",
  dim: "2",
  red: "1;31",
  yellow: "33",
  cyan: "36",
  green: "32",
};

export type Paint = (style: Style, text: string) => string;

export function painter(color: boolean): Paint {
  return color ? (style, text) => `\u001b[${ANSI[style]}m${text}${RESET}` : (_, text) => text;
}

/** Whether to colour what goes to `stream`: it is a terminal, and NO_COLOR is not set. */
export function wantsColor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? "") === "";
}

/** One line of at most `limit` characters; controls and marks that reorder text are replaced. */
export function printable(text: string, limit = Number.POSITIVE_INFINITY): string {
  let shown = "";
  let count = 0;
  for (const character of text) {
    if (count === limit) return `${shown.slice(0, -1).replace(/[\ud800-\udbff]$/, "")}…`;
    count++;
    shown += safe(character);
  }
  return shown;
}

function safe(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code >= SPACE && code < 0x7f) return character;
  if (code === TAB || code === LINE_FEED || code === CARRIAGE_RETURN) return " ";
  const isControl = code < 0xa0;
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  const reorders =
    code === 0x61c ||
    (code >= 0x200e && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069);
  return isControl || isSurrogate || reorders ? "\ufffd" : character;
}
