// The bytes of a line -> the same without white space that says nothing: what tells an event from others, however it was recorded.

import {
  BACKSLASH,
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  COMMA,
  QUOTE,
  SPACE,
} from "@kestrel/stdlib/text/characters";

/**
 * The line without white space around brackets, commas and colons. Other white space between values, which only a
 * malformed line has, becomes one space, so that `1 2` is not `12`.
 */
export function withoutSpace(line: Uint8Array): Uint8Array {
  let kept: Uint8Array | null = null;
  let size = 0;
  let at = 0;
  while (at < line.length) {
    const code = line[at] ?? 0;
    if (code === QUOTE) {
      const end = stringEnd(line, at);
      if (kept !== null) kept.set(line.subarray(at, end), size);
      size += end - at;
      at = end;
      continue;
    }
    if (code > SPACE) {
      if (kept !== null) kept[size] = code;
      size++;
      at++;
      continue;
    }
    const before = size;
    const from = at;
    while (at < line.length && (line[at] ?? 0) <= SPACE) at++;
    kept ??= copyOf(line, from);
    const isInside = before > 0 && at < line.length && !isMark(kept[before - 1] ?? 0) && !isMark(line[at] ?? 0);
    if (isInside) kept[size++] = SPACE;
  }
  return kept === null ? line : kept.subarray(0, size);
}

function copyOf(line: Uint8Array, length: number): Uint8Array {
  const copy = new Uint8Array(line.length);
  copy.set(line.subarray(0, length));
  return copy;
}

/** Behind the string whose quote stands at `from`, or the end of the line. */
function stringEnd(line: Uint8Array, from: number): number {
  let at = from + 1;
  while (at < line.length && line[at] !== QUOTE) at += line[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, line.length);
}

function isMark(code: number): boolean {
  return (
    code === COMMA ||
    code === COLON ||
    code === BRACE_OPEN ||
    code === BRACE_CLOSE ||
    code === BRACKET_OPEN ||
    code === BRACKET_CLOSE
  );
}
