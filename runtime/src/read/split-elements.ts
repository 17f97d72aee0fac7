// JSON that is not one value a line -> one value a line: the elements of an array, the hits of a search response, and values
// that go over many lines.
//
//   array or values   [ {…}, {…} ]   {…} {…}               every element, and every value outside of an array
//   hits              { "hits": { "hits": [ {…}, {…} ] } }   every hit; what else a response says is passed over
//
// It is a scanner, not a parser: it knows strings and how deep brackets are, and leaves to the reader of the lines to say
// what is no JSON. Line feeds inside an element become spaces; inside a string they are not JSON, and end it.
//
// An element comes out on the line on which it begins in the input, with blank lines before it where it needs them. When
// several begin on one line, they are counted on from there.
//
// INVARIANT: nothing is held but a piece of the input. An element of any length goes through, and the reader of lines drops
// and reports it when it is too long.

import {
  BACKSLASH,
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  CARRIAGE_RETURN,
  COLON,
  COMMA,
  LINE_FEED,
  QUOTE,
  SPACE,
  TAB,
} from "@kestrel/stdlib/text/characters";
import type { ByteSource } from "./byte-source.js";

/** Where the elements stand. */
export type ElementPlace = "values" | "hits";

const PIECE_BYTES = 1 << 16;
const HITS = Buffer.from("hits");
/** The brackets that lead to the hits: the response's own, those of its "hits", and those of the "hits" in that. */
const HITS_DEPTH = 3;

interface Splitter {
  /** What of the input has not been looked at, and how far it has been. */
  piece: Buffer;
  at: number;
  readonly place: ElementPlace;
  /** Brackets open around the elements, and how many of those are on the way to elements. */
  depth: number;
  onTheWay: number;
  isInside: boolean;
  /** Brackets open in the element at hand. */
  open: number;
  inString: boolean;
  escaped: boolean;
  /** Of the string between elements: how much of "hits" it has been so far, or -1; whether the last one was that. */
  agreed: number;
  isHits: boolean;
  /** Line feeds to be written before anything else. */
  owed: number;
  /** The line at hand of the input, and of the output once what is owed has been written. */
  line: number;
  outLine: number;
}

/** `head` comes before what `text` gives. Reading throws where the input ends before what holds the elements does. */
export function elementLines(place: ElementPlace, head: Buffer, text: ByteSource): ByteSource {
  const input = Buffer.allocUnsafeSlow(PIECE_BYTES);
  const splitter: Splitter = {
    piece: head,
    at: 0,
    place,
    depth: 0,
    onTheWay: 0,
    isInside: false,
    open: 0,
    inString: false,
    escaped: false,
    agreed: -1,
    isHits: false,
    owed: 0,
    line: 1,
    outLine: 1,
  };
  return {
    async read(target, offset) {
      while (offset < target.length) {
        const end = split(splitter, target, offset);
        if (end > offset) return end - offset;
        splitter.piece = input.subarray(0, await text.read(input, 0));
        splitter.at = 0;
        if (splitter.piece.length === 0) {
          if (splitter.depth > 0)
            throw new Error("it ends within an array or object that is never closed, as if it were cut off");
          break;
        }
      }
      return 0;
    },
    close: (pending) => text.close(pending),
  };
}

/** Writes to `target` from `start` on, until it is full or the piece is used up; returns where it ends. */
function split(splitter: Splitter, target: Buffer, start: number): number {
  const { piece } = splitter;
  let end = start;
  while (end < target.length) {
    if (splitter.owed > 0) {
      const count = Math.min(splitter.owed, target.length - end);
      target.fill(LINE_FEED, end, end + count);
      splitter.owed -= count;
      end += count;
      continue;
    }
    const byte = piece[splitter.at];
    if (byte === undefined) break;
    if (!splitter.isInside) {
      if (beginsElement(splitter, byte)) begin(splitter);
      else consume(splitter, byte);
    } else if (endsBefore(splitter, byte)) {
      finish(splitter);
    } else {
      consume(splitter, byte);
      target[end++] = byte === LINE_FEED ? SPACE : byte;
      if (endsWith(splitter, byte)) finish(splitter);
      else end = copyPlain(splitter, target, end);
    }
  }
  return end;
}

/** Copies what changes nothing: most of a string, and what stands between strings and brackets. */
function copyPlain(splitter: Splitter, target: Buffer, start: number): number {
  if (splitter.open === 0 || splitter.escaped) return start;
  const { piece, at, inString } = splitter;
  const most = Math.min(piece.length - at, target.length - start);
  let count = 0;
  for (; count < most; count++) {
    const byte = piece[at + count] as number;
    if (byte === QUOTE || byte === BACKSLASH || byte === LINE_FEED) break;
    if (!inString && (byte === BRACE_OPEN || byte === BRACE_CLOSE || byte === BRACKET_OPEN || byte === BRACKET_CLOSE))
      break;
    target[start + count] = byte;
  }
  splitter.at += count;
  return start + count;
}

function consume(splitter: Splitter, byte: number): void {
  splitter.at++;
  if (byte === LINE_FEED) splitter.line++;
}

function begin(splitter: Splitter): void {
  splitter.isInside = true;
  splitter.open = 0;
  splitter.owed = Math.max(0, splitter.line - splitter.outLine);
  splitter.outLine += splitter.owed;
}

function finish(splitter: Splitter): void {
  splitter.isInside = false;
  splitter.inString = false;
  splitter.owed = 1;
  splitter.outLine++;
}

/** Whether the element at hand, a scalar, is over where `byte` stands. */
function endsBefore({ open, inString }: Splitter, byte: number): boolean {
  if (open > 0) return false;
  if (inString) return byte === LINE_FEED;
  return byte <= SPACE || byte === COMMA || byte === BRACE_CLOSE || byte === BRACKET_CLOSE;
}

/** Takes a byte of the element at hand; whether it is the last one. */
function endsWith(splitter: Splitter, byte: number): boolean {
  if (splitter.inString) {
    if (byte === LINE_FEED) splitter.inString = false;
    else if (splitter.escaped) splitter.escaped = false;
    else if (byte === BACKSLASH) splitter.escaped = true;
    else if (byte === QUOTE) {
      splitter.inString = false;
      return splitter.open === 0;
    }
    return false;
  }
  switch (byte) {
    case QUOTE:
      splitter.inString = true;
      splitter.escaped = false;
      return false;
    case BRACE_OPEN:
    case BRACKET_OPEN:
      splitter.open++;
      return false;
    case BRACE_CLOSE:
    case BRACKET_CLOSE:
      splitter.open--;
      return splitter.open === 0;
    default:
      return false;
  }
}

/** Takes a byte between elements, unless an element begins with it; then it says so. */
function beginsElement(splitter: Splitter, byte: number): boolean {
  if (splitter.inString) {
    passString(splitter, byte);
    return false;
  }
  switch (byte) {
    case SPACE:
    case TAB:
    case CARRIAGE_RETURN:
    case LINE_FEED:
    case COLON:
      return false;
    case COMMA:
      splitter.isHits = false;
      return false;
    case BRACE_CLOSE:
    case BRACKET_CLOSE:
      splitter.depth = Math.max(0, splitter.depth - 1);
      splitter.onTheWay = Math.min(splitter.onTheWay, splitter.depth);
      splitter.isHits = false;
      return false;
  }
  if (splitter.place === "values") {
    if (splitter.depth > 0 || byte !== BRACKET_OPEN) return true;
    splitter.depth = 1;
    return false;
  }
  if (splitter.onTheWay === HITS_DEPTH && splitter.depth === HITS_DEPTH) return true;
  if (byte === QUOTE) {
    splitter.inString = true;
    splitter.escaped = false;
    splitter.agreed = 0;
  } else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) {
    const wanted = splitter.onTheWay < HITS_DEPTH - 1 ? BRACE_OPEN : BRACKET_OPEN;
    const leads = splitter.depth === splitter.onTheWay && byte === wanted;
    if (leads && (splitter.depth === 0 || splitter.isHits)) splitter.onTheWay++;
    splitter.depth++;
    splitter.isHits = false;
  }
  return false;
}

/** Takes a byte of a string between elements, and learns whether it is "hits". */
function passString(splitter: Splitter, byte: number): void {
  if (splitter.escaped) splitter.escaped = false;
  else if (byte === BACKSLASH) {
    splitter.escaped = true;
    splitter.agreed = -1;
  } else if (byte === QUOTE || byte === LINE_FEED) {
    splitter.inString = false;
    splitter.isHits = splitter.agreed === HITS.length;
  } else {
    splitter.agreed = splitter.agreed >= 0 && HITS[splitter.agreed] === byte ? splitter.agreed + 1 : -1;
  }
}
