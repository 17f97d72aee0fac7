// Events that are kept -> their places in one table, and about how many bytes of memory they take.
//
// An event has one place, however many keep it, and counts once. Who only has to know an event again, but would not keep it for
// that, notes it: it has a place and does not count. What an engine holds for itself is told in bytes beside it.
//
// INVARIANT: an event stands at its `place` as long as someone keeps or notes it; a table's events are in no other table.

import type { EventCaptures, StreamEvent } from "./stream-event.js";

/**
 * What an event takes beside its own bytes: objects, keys, the head of its buffer. Measured as the peak of a process, with
 * what is not collected yet.
 */
export const EVENT_OVERHEAD = 4096;

export interface Evidence {
  /** Keeps an event once more; gives its place, which is above 0. */
  keep(event: StreamEvent): number;
  letGo(place: number): void;
  /** The same without counting its bytes. */
  note(event: StreamEvent): number;
  forget(place: number): void;
  /** The event at a place; there must be one. */
  at(place: number): StreamEvent;
  /** Counts bytes that are no event's; negative when they are free again. */
  add(bytes: number): void;
  readonly bytes: number;
}

const FIRST_PLACES = 64;

/** An account of what is kept; there is one for an event to be kept in. */
export function createEvidence(): Evidence {
  /** In memory of its own: as a variable each change of so large a number would be garbage. */
  const bytes = new Float64Array(1);
  const events: (StreamEvent | null)[] = [null];
  /** By turns how many keep and how many note the event of a place; of a free place the next free one, below 0. */
  let counts = new Int32Array(2 * FIRST_PLACES);
  let free = 0;

  function placeOf(event: StreamEvent): number {
    const { place } = event;
    // An event may have been in the table of an engine that was dropped as it stood.
    if (place !== undefined && place !== 0 && events[place] === event) return place;
    let found = free;
    if (found !== 0) {
      free = -(counts[2 * found] ?? 0);
      counts[2 * found] = 0;
      events[found] = event;
    } else {
      found = events.length;
      events.push(event);
      if (2 * found >= counts.length) {
        const more = new Int32Array(2 * counts.length);
        more.set(counts);
        counts = more;
      }
    }
    event.place = found;
    return found;
  }

  function add(more: number): void {
    bytes[0] = (bytes[0] ?? 0) + more;
  }

  function count(place: number, column: number, more: number): number {
    const now = (counts[2 * place + column] ?? 0) + more;
    counts[2 * place + column] = now;
    return now;
  }

  function at(place: number): StreamEvent {
    const event = events[place];
    if (event === null || event === undefined) throw new Error("no event is kept there");
    return event;
  }

  function leave(place: number): void {
    at(place).place = 0;
    events[place] = null;
    counts[2 * place] = -free;
    free = place;
  }

  return {
    keep(event) {
      const place = placeOf(event);
      if (count(place, 0, 1) === 1) add(sizeOf(event));
      return place;
    },
    letGo(place) {
      if (count(place, 0, -1) > 0) return;
      add(-sizeOf(at(place)));
      if (counts[2 * place + 1] === 0) leave(place);
    },
    note(event) {
      const place = placeOf(event);
      count(place, 1, 1);
      return place;
    },
    forget(place) {
      if (count(place, 1, -1) === 0 && counts[2 * place] === 0) leave(place);
    },
    at,
    add,
    get bytes() {
      return bytes[0] ?? 0;
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
