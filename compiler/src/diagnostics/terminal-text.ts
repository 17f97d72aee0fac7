// Source text to what a terminal shows: the cells it takes up, with nothing in it that the terminal would obey.
//
// A line is shown cluster by cluster: an accent stays with its letter, and the people of a family emoji with each other,
// because only together do they have a width.

import stringWidth from "string-width";

const TAB_STOP = 4;

// Marks that reorder the text around them could make a line read as something else.
const REORDERING = /^[\u{061c}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]$/u;

/** A code point as it may be shown. */
function safe(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0x20 && code < 0x7f) return character;
  // The block of pictures has one for each of the first 32 controls, and one for delete.
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  const isHidden = code < 0xa0 || (code >= 0xd800 && code <= 0xdfff) || REORDERING.test(character);
  return isHidden ? "\ufffd" : character;
}

/** Text of one line, made safe to print. */
export function printable(text: string): string {
  let shown = "";
  for (const character of text.replaceAll("\n", " ").replaceAll("\t", " ".repeat(TAB_STOP))) shown += safe(character);
  return shown;
}

let segmenter: Intl.Segmenter | undefined;

/** Made when a line is first shown, for most runs have no line to show. */
function segmentsOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

interface Cluster {
  readonly shown: string;
  /** In cells. */
  readonly width: number;
  /** UTF-16 units of the text that it stands for. */
  readonly units: number;
}

/** The clusters of a line from its cell `cell` on, which a tab must know. */
function* clustersOf(line: string, cell: number): Generator<Cluster, void, void> {
  let at = cell;
  // Most lines: each unit is a cluster of one cell, and is shown as it is.
  if (/^[ -~]*$/.test(line)) {
    for (const shown of line) yield { shown, width: 1, units: 1 };
    return;
  }
  for (const { segment } of segmentsOf(line)) {
    const shown = segment === "\t" ? " ".repeat(TAB_STOP - (at % TAB_STOP)) : printable(segment);
    const width = stringWidth(shown);
    yield { shown, width, units: segment.length };
    at += width;
  }
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
  for (const { shown, width, units } of clustersOf(line.slice(from, from + limit * 4), cell)) {
    if (cell + width > limit - 1 && (cell + width > limit || at + units < line.length)) break;
    if (startCell === null && at + units > start) startCell = cell;
    if (endCell === null && at >= end) endCell = cell;
    text += shown;
    cell += width;
    at += units;
  }
  if (at < line.length) {
    text += "…";
    cell += 1;
  }
  return { text, startCell: startCell ?? cell, endCell: Math.max(endCell ?? cell, startCell ?? cell) };
}

function windowStart(line: string, start: number, end: number, limit: number): number {
  let cell = 0;
  for (const { width } of clustersOf(line.slice(0, limit * 4), 0)) cell += width;
  if (cell <= limit && line.length <= limit * 4) return 0;
  const room = Math.max(LEAD_IN, limit - LEAD_IN - (end - start));
  const from = Math.max(0, start - Math.min(room, Math.floor(limit / 2)));
  if (from <= 1) return 0;
  // Not inside a cluster; one that began further back, as a tower of accents does, is cut all the same.
  const back = Math.max(0, from - LEAD_IN);
  const cluster = segmentsOf(line.slice(back, from + LEAD_IN)).containing(from - back);
  return back + (cluster?.index ?? from - back);
}
