// Events that are kept -> about how many bytes of memory they take.
//
// An event counts once, however many keep it. What an engine holds for itself is told in bytes beside it.

import type { StreamEvent } from "./stream-event.js";

/** What an event takes beside its own bytes: objects, keys, the head of its buffer. Measured, rounded up. */
export const EVENT_OVERHEAD = 1024;

export interface Evidence {
  keep(event: StreamEvent): void;
  letGo(event: StreamEvent): void;
  /** Counts bytes that are no event's; negative when they are free again. */
  add(bytes: number): void;
  readonly bytes: number;
}

interface Sized extends StreamEvent {
  readonly bytes?: Uint8Array;
}

/** An account of its own: an event that stands in two accounts is counted in both. */
export function createEvidence(): Evidence {
  const keepers = new Map<StreamEvent, number>();
  let bytes = 0;
  return {
    keep(event) {
      const count = keepers.get(event) ?? 0;
      keepers.set(event, count + 1);
      if (count === 0) bytes += sizeOf(event);
    },
    letGo(event) {
      const count = keepers.get(event) ?? 0;
      if (count > 1) keepers.set(event, count - 1);
      else if (count === 1) {
        keepers.delete(event);
        bytes -= sizeOf(event);
      }
    },
    add(more) {
      bytes += more;
    },
    get bytes() {
      return bytes;
    },
  };
}

function sizeOf(event: Sized): number {
  return (event.bytes?.length ?? 0) + EVENT_OVERHEAD;
}
