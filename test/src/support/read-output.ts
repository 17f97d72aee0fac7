// The output region of a module, without the runtime: what held for which line.

import {
  EVENT_HEADER_BYTES,
  EVENT_HEADER_FLAGS,
  EVENT_HEADER_LINE,
  EVENT_HEADER_MATCHES,
  EVENT_MATCHES_AS_BEFORE,
  KEYS_LOST,
  MATCH_BYTES,
  MATCH_KEY_BYTES,
  MATCH_PREDICATE,
} from "@kestrel/stdlib/abi";

export interface WrittenMatch {
  /** Its line in the batch. */
  readonly line: number;
  readonly predicate: number;
  readonly areKeysLost: boolean;
  /** Where its keys stand, and their bytes. */
  readonly keysAt: number;
  readonly keyBytes: number;
}

export function readOutput(view: DataView, base: number, length: number): WrittenMatch[] {
  const found: WrittenMatch[] = [];
  let before: Omit<WrittenMatch, "line">[] = [];
  for (let at = base; at < base + length; ) {
    const line = view.getUint32(at + EVENT_HEADER_LINE, true);
    const isAsBefore = (view.getUint32(at + EVENT_HEADER_FLAGS, true) & EVENT_MATCHES_AS_BEFORE) !== 0;
    const matches = view.getUint32(at + EVENT_HEADER_MATCHES, true);
    at += EVENT_HEADER_BYTES;
    if (!isAsBefore) {
      before = [];
      for (let left = matches; left > 0; left--) {
        const predicate = view.getUint32(at + MATCH_PREDICATE, true);
        const written = view.getUint32(at + MATCH_KEY_BYTES, true);
        const areKeysLost = written === KEYS_LOST;
        const keyBytes = areKeysLost ? 0 : written;
        at += MATCH_BYTES;
        before.push({ predicate, areKeysLost, keysAt: at, keyBytes });
        at += keyBytes;
      }
    }
    if (before.length !== matches) throw new Error(`line ${line} says ${matches} matches, and has ${before.length}`);
    for (const match of before) found.push({ line, ...match });
  }
  return found;
}
