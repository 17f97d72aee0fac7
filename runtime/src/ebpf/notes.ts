// A chunk of lines of the collector -> the lines that are events, and the notes between them.
//
// A note begins with its member `kestrel`, which stands elsewhere in an event's line; quotes within texts are escaped, so no text
// can look like one. There are three:
//
//   {"kestrel":{"recording":1, …}}                                  the first line of a recording, see recording.ts
//   {"kestrel":{"tick":true},"@timestamp":…}                        it is so late, and nothing has happened since the line before
//   {"kestrel":{"loss":{"class":…,"cpu":…,"dropped":…}}, …}         so many events were lost; this is an event too
//
// A tick is what makes a live run repeatable: time that passes without events stands in the stream, and a replay sees it pass.

import { LINE_FEED } from "@kestrel/stdlib/text/characters";
import { EVENT_CLASSES, type EventClass } from "./event-kinds.js";

export type Piece =
  /** Whole lines; all of them are events, or meant to be. */
  | { readonly kind: "events"; readonly bytes: Buffer }
  /** One line. */
  | { readonly kind: "tick"; readonly bytes: Buffer }
  | { readonly kind: "header"; readonly bytes: Buffer };

/** Events of one class that had no place. */
export interface Loss {
  readonly class: EventClass;
  readonly cpu: number;
  readonly dropped: number;
}

const NOTE = Buffer.from('{"kestrel":{');
const NOTE_BEHIND_LINE = Buffer.from('\n{"kestrel":{');
const TICK = Buffer.from('"tick":');
const LOSS = Buffer.from('"loss":');
const HEADER = Buffer.from('"recording":');

/** Whether a line is the first one of a recording. */
export function isHeader(line: Buffer): boolean {
  return startsWith(line, 0, NOTE) && startsWith(line, NOTE.length, HEADER);
}

/** The pieces of whole lines, in order; together they are all of `bytes`. `onLoss` is told of losses on the way. */
export function* piecesOf(bytes: Buffer, onLoss: (loss: Loss) => void): Generator<Piece, void, void> {
  let start = 0;
  for (let note = noteFrom(bytes, 0); note >= 0; ) {
    const end = bytes.indexOf(LINE_FEED, note) + 1;
    const kind = startsWith(bytes, note + NOTE.length, TICK) ? "tick" : headerKind(bytes, note);
    if (kind === "events") {
      if (startsWith(bytes, note + NOTE.length, LOSS)) tellLoss(bytes.toString("utf8", note, end), onLoss);
    } else {
      if (note > start) yield { kind: "events", bytes: bytes.subarray(start, note) };
      yield { kind, bytes: bytes.subarray(note, end) };
      start = end;
    }
    note = noteFrom(bytes, end);
  }
  if (start < bytes.length) yield { kind: "events", bytes: bytes.subarray(start) };
}

function headerKind(bytes: Buffer, note: number): "header" | "events" {
  return startsWith(bytes, note + NOTE.length, HEADER) ? "header" : "events";
}

/** Where the next note begins, in a line that begins at `from` or behind it; -1 when there is none. */
function noteFrom(bytes: Buffer, from: number): number {
  if (startsWith(bytes, from, NOTE)) return from;
  const found = bytes.indexOf(NOTE_BEHIND_LINE, from);
  return found < 0 ? -1 : found + 1;
}

function startsWith(bytes: Buffer, at: number, text: Buffer): boolean {
  return at + text.length <= bytes.length && bytes.compare(text, 0, text.length, at, at + text.length) === 0;
}

/** A line that only looks like a loss, in a file that others have written, tells of none. */
function tellLoss(line: string, onLoss: (loss: Loss) => void): void {
  try {
    const { kestrel } = JSON.parse(line) as { readonly kestrel: { readonly loss: Loss } };
    const { class: name, dropped } = kestrel.loss;
    if (EVENT_CLASSES.includes(name) && Number.isSafeInteger(dropped) && dropped > 0) onLoss(kestrel.loss);
  } catch {
    // What is not JSON is counted as a broken line.
  }
}
