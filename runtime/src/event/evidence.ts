// Events that are kept -> about how many bytes of memory they take.
//
// An event counts once, however many keep it. What an engine holds for itself is told in bytes beside it.

import type { EventCaptures, StreamEvent } from "./stream-event.js";

/**
 * What an event takes beside its own bytes: objects, keys, the head of its buffer. Measured as the peak of a process, with
 * what is not collected yet.
 */
export const EVENT_OVERHEAD = 4096;

export interface Evidence {
  keep(event: StreamEvent): void;
  letGo(event: StreamEvent): void;
  /** Counts bytes that are no event's; negative when they are free again. */
  add(bytes: number): void;
  readonly bytes: number;
}

/** An account of what is kept; there is one for an event to be kept in. */
export function createEvidence(): Evidence {
  let bytes = 0;
  return {
    keep(event) {
      const keepers = event.keepers ?? 0;
      event.keepers = keepers + 1;
      if (keepers === 0) bytes += sizeOf(event);
    },
    letGo(event) {
      const keepers = (event.keepers ?? 0) - 1;
      event.keepers = keepers;
      if (keepers === 0) bytes -= sizeOf(event);
    },
    add(more) {
      bytes += more;
    },
    get bytes() {
      return bytes;
    },
  };
}

/** About how many bytes an event takes. */
export function sizeOf(
  event: StreamEvent & { readonly bytes?: Uint8Array; readonly captures?: EventCaptures },
): number {
  return (event.bytes?.length ?? 0) + EVENT_OVERHEAD + capturedBytes(event.captures);
}

/** About how many bytes the texts take that foreign code has captured: a character is two at most. */
export function capturedBytes(captures: EventCaptures | undefined): number {
  if (captures === undefined) return 0;
  let characters = 0;
  for (const own of captures.values()) for (const [name, value] of own) characters += name.length + value.length;
  return 2 * characters;
}
