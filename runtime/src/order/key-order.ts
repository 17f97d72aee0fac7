// Shares of events as they arrive -> the shares of each key in the order of their events.
//
// A share is what one event is to one key of one group (a program, a process tree). Keys do not touch each other, so each waits
// for its own events alone, and a host whose clock is wrong or whose events come late disorders no other. A share is due when
// the clock of the stream has moved on by the allowed lateness since its event arrived; whatever stands before it in its key is
// due with it. The clock only counts progress (CONTROL_CLOCK in abi.ts), so it is the same for all clocks of all hosts.
//
// INVARIANT: what is given, and in which order, depends on the events alone, never on when or how often `next` is called.

import { compareEvents, type StreamEvent } from "../event/stream-event.js";
import { createFifo, removeHead } from "./fifo.js";
import { add, countOf, createSortedQueue, first, removeFirst, type SortedQueue } from "./sorted-queue.js";

export interface ClockedEvent extends StreamEvent {
  /** The clock of the stream when the event arrived, in nanoseconds; never less than that of the event before it. */
  readonly clock: bigint;
}

export interface Share<Event extends ClockedEvent> {
  readonly group: number;
  readonly key: string;
  readonly event: Event;
}

export interface KeyOrder<Event extends ClockedEvent> {
  push(group: number, key: string, event: Event): void;
  /** When the next share is due by the clock; null while none waits. */
  dueAt(): bigint | null;
  /** The next share that has to be judged so that the one that arrived first can go; null while none waits. */
  next(): Share<Event> | null;
  /** The next share of a key whose event stands before `event` or is it; null when there is none. */
  nextUpTo(group: number, key: string, event: StreamEvent): Share<Event> | null;
  readonly size: number;
}

/** A share in the place of its event. */
interface Waiting<Event extends ClockedEvent> extends Share<Event>, StreamEvent {
  isGiven: boolean;
}

/** What waits for a key: one share, or several. */
type Line<Event extends ClockedEvent> = Waiting<Event> | SortedQueue<Waiting<Event>>;

/** `latenessNs` is how long a share waits. Throws RangeError when it is negative. */
export function createKeyOrder<Event extends ClockedEvent>(latenessNs: bigint): KeyOrder<Event> {
  if (latenessNs < 0n) throw new RangeError(`lateness ${latenessNs} is negative`);
  const groups: Map<string, Line<Event>>[] = [];
  /** In the order of arrival; those that were given with others of their key stay until it is their turn. */
  const arrived = createFifo<Waiting<Event>>();
  let size = 0;

  function linesOf(group: number): Map<string, Line<Event>> {
    let lines = groups[group];
    if (lines === undefined) {
      lines = new Map();
      groups[group] = lines;
    }
    return lines;
  }

  /** The share that arrived first of those that still wait. */
  function oldest(): Waiting<Event> | undefined {
    for (;;) {
      const share = arrived.items[arrived.head];
      if (share?.isGiven !== true) return share;
      removeHead(arrived);
    }
  }

  /** Takes the first share of a line out. */
  function give(lines: Map<string, Line<Event>>, key: string, line: Line<Event>): Waiting<Event> {
    const share = "isGiven" in line ? line : removeFirst(line);
    if (share === undefined) throw new Error("a line without shares");
    if ("isGiven" in line || countOf(line) === 0) lines.delete(key);
    share.isGiven = true;
    size--;
    return share;
  }

  return {
    push(group, key, event) {
      const { ordinal, ts, tie } = event;
      const share: Waiting<Event> = { group, key, event, ordinal, ts, tie, isGiven: false };
      arrived.items.push(share);
      size++;
      const lines = linesOf(group);
      const line = lines.get(key);
      if (line === undefined) {
        lines.set(key, share);
        return;
      }
      if (!("isGiven" in line)) {
        add(line, share);
        return;
      }
      const queue = createSortedQueue<Waiting<Event>>(compareEvents);
      add(queue, line);
      add(queue, share);
      lines.set(key, queue);
    },
    dueAt() {
      const share = oldest();
      return share === undefined ? null : share.event.clock + latenessNs;
    },
    next() {
      const share = oldest();
      if (share === undefined) return null;
      const lines = linesOf(share.group);
      const line = lines.get(share.key);
      if (line === undefined) throw new Error("a share waits nowhere");
      return give(lines, share.key, line);
    },
    nextUpTo(group, key, event) {
      const lines = linesOf(group);
      const line = lines.get(key);
      if (line === undefined) return null;
      const share = "isGiven" in line ? line : first(line);
      if (share === undefined || compareEvents(share, event) > 0) return null;
      return give(lines, key, line);
    },
    get size() {
      return size;
    },
  };
}
