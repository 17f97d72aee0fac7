// Matches of single events, in any order -> the first of them in the order of events, which are all that is kept.
//
// Bounded: SPARE more than twice as many as are wanted wait at a time. Those that stay have bytes of their own, so that no block that they shared stays for them.

import { compareEvents, type EvidenceEvent } from "@kestrel/runtime/event/stream-event";
import type { QueryMatch } from "./batch-pipes.js";

const SPARE = 1024;

export interface FirstMatches {
  add(event: EvidenceEvent): void;
  finish(): readonly QueryMatch[];
}

/** Keeps `most` matches; all of them where that is undefined. */
export function createFirstMatches(most: number | undefined): FirstMatches {
  let found: EvidenceEvent[] = [];
  const last = most === undefined ? Number.POSITIVE_INFINITY : 2 * most + SPARE;
  return {
    add(event) {
      found.push(event);
      if (found.length < last) return;
      found = found.sort(compareEvents).slice(0, most);
      found = found.map((one) => (isAlone(one) ? one : { ...one, bytes: one.bytes.slice() }));
    },
    finish: () =>
      found
        .sort(compareEvents)
        .slice(0, most)
        .map((event) => ({ key: "", events: [event], isRecord: false })),
  };
}

function isAlone({ bytes }: EvidenceEvent): boolean {
  return bytes.byteLength === bytes.buffer.byteLength;
}
