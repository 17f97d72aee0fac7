// Source text to what a terminal shows: the cells it takes up, with nothing in it that the terminal would obey.
//
// Widths are those of the common case: East Asian wide characters and emoji take two cells, combining marks and joiners none.

const TAB_STOP = 4;

const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
// Marks that reorder the text around them could make a line read as something else.
const REORDERING = /^[\u{061c}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]$/u;
const WIDE =
  /^[\u{1100}-\u{115f}\u{2e80}-\u{303e}\u{3041}-\u{33ff}\u{3400}-\u{4dbf}\u{4e00}-\u{9fff}\u{a000}-\u{a4cf}\u{a960}-\u{a97f}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe30}-\u{fe6f}\u{ff00}-\u{ff60}\u{ffe0}-\u{ffe6}\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]$/u;

/** How a code point is shown, and how many cells that takes; `cell` is the cell where it begins, which a tab needs. */
function show(character: string, cell: number): { shown: string; width: number } {
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0x20 && code < 0x7f) return { shown: character, width: 1 };
  if (code === 9) {
    const width = TAB_STOP - (cell % TAB_STOP);
    return { shown: " ".repeat(width), width };
  }
  // The block of pictures has one for each of the first 32 controls, and one for delete.
  if (code < 0x20) return { shown: String.fromCodePoint(0x2400 + code), width: 1 };
  if (code === 0x7f) return { shown: "\u2421", width: 1 };
  if (code < 0xa0 || (code >= 0xd800 && code <= 0xdfff) || REORDERING.test(character))
    return { shown: "\ufffd", width: 1 };
  if (ZERO_WIDTH.test(character)) return { shown: character, width: 0 };
  return { shown: character, width: WIDE.test(character) ? 2 : 1 };
}

/** Text of one line, made safe to print. */
export function printable(text: string): string {
  let shown = "";
  for (const character of text) shown += show(character === "\n" ? " " : character, 0).shown;
  return shown;
}

/** A line as shown, and the cells at which the units `start` and `end` of the line begin in it. */
export interface ShownLine {
  readonly text: string;
  readonly startCell: number;
  readonly endCell: number;
}

// Units that stay before the range when a long line is cut.
const LEAD_IN = 30;

/**
 * Shows a line with the range `[start, end)` of its units in sight: a line that is longer than `limit` cells is cut to a
 * window, with `…` where something is missing, and so is a range that the window cannot hold.
 */
export function showLine(line: string, start: number, end: number, limit: number): ShownLine {
  const from = line.length <= limit / 2 ? 0 : windowStart(line, start, end, limit);
  let text = from > 0 ? "…" : "";
  let cell = text.length;
  let startCell: number | null = null;
  let endCell: number | null = null;
  let at = from;
  // Cells count from the window's left side, so the tabs of a cut line stop elsewhere than those of the whole one.
  for (const character of line.slice(from, from + limit * 4)) {
    const { shown, width } = show(character, cell);
    if (cell + width > limit - 1 && (cell + width > limit || at + character.length < line.length)) {
      text += "…";
      cell += 1;
      break;
    }
    if (startCell === null && at + character.length > start) startCell = cell;
    if (endCell === null && at >= end) endCell = cell;
    text += shown;
    cell += width;
    at += character.length;
  }
  return { text, startCell: startCell ?? cell, endCell: Math.max(endCell ?? cell, startCell ?? cell) };
}

function windowStart(line: string, start: number, end: number, limit: number): number {
  let cell = 0;
  for (const character of line.slice(0, limit * 4)) cell += show(character, cell).width;
  if (cell <= limit && line.length <= limit * 4) return 0;
  const room = Math.max(LEAD_IN, limit - LEAD_IN - (end - start));
  let from = Math.max(0, start - Math.min(room, Math.floor(limit / 2)));
  if (from <= 1) return 0;
  // Not inside a surrogate pair, and not on a mark that belongs to the character before.
  while (from > 0 && (isLowSurrogate(line, from) || ZERO_WIDTH.test(line[from] ?? ""))) from -= 1;
  return from;
}

function isLowSurrogate(line: string, at: number): boolean {
  const unit = line.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
