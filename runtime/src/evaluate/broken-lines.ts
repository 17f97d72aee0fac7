// What the last `run` says of lines that are not events -> the lines, with a reason and their beginning.

import {
  BROKEN_DEPTH,
  BROKEN_NOT_OBJECT,
  BROKEN_RECORD_BYTES,
  BROKEN_RECORD_LINE,
  BROKEN_RECORD_OFFSET,
  BROKEN_RECORD_REASON,
  BROKEN_SIZE,
  CONTROL_BASE,
  CONTROL_BROKEN_RECORDS,
  CONTROL_BROKEN_TABLE,
} from "@kestrel/stdlib/abi";
import { LINE_FEED } from "@kestrel/stdlib/text/characters";
import type { MemoryView } from "../load/memory-view.js";
import type { BatchPlace } from "./records.js";

/** A line that is not an event. */
export interface BrokenLine {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
  /** The beginning of the line. */
  readonly excerpt: string;
}

const EXCERPT_BYTES = 120;

/** Reads the broken lines of a batch whose `length` bytes stand at `address`. */
export function readBroken(
  { view, bytes }: MemoryView,
  address: number,
  length: number,
  { file, fileLine }: BatchPlace,
  take: (line: BrokenLine) => void,
): void {
  const records = view.getUint32(CONTROL_BASE + CONTROL_BROKEN_RECORDS, true);
  for (let index = 0; index < records; index++) {
    const record = CONTROL_BASE + CONTROL_BROKEN_TABLE + index * BROKEN_RECORD_BYTES;
    const start = address + view.getUint32(record + BROKEN_RECORD_OFFSET, true);
    take({
      file,
      line: fileLine + view.getUint32(record + BROKEN_RECORD_LINE, true),
      reason: brokenReason(view.getUint32(record + BROKEN_RECORD_REASON, true)),
      excerpt: excerptOf(bytes.subarray(start, address + length)),
    });
  }
}

function brokenReason(code: number): string {
  switch (code) {
    case BROKEN_NOT_OBJECT:
      return "not a JSON object";
    case BROKEN_DEPTH:
      return "nested too deeply";
    case BROKEN_SIZE:
      return "too much to hold in one event";
    default:
      return "not valid JSON";
  }
}

/** The beginning of the line that `rest` begins with. */
export function excerptOf(rest: Buffer): string {
  const feed = rest.indexOf(LINE_FEED);
  const length = feed < 0 ? rest.length : feed;
  return rest.toString("utf8", 0, Math.min(length, EXCERPT_BYTES)).trimEnd() + (length > EXCERPT_BYTES ? "…" : "");
}
