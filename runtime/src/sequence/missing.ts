// Missing events `![ ]`: what is remembered of them, and the judgement of a match (docs/language.md#missing-events).
//
// The machine runs over the positive terms alone; a missing event never stops it, it only decides whether the outcome is
// reported. With first event F and last event L:
//   between terms p and q   an X with p < X < q, in whole milliseconds, spoils the match. The partial match that waits in
//                           that gap keeps the oldest X after p, and is spoilt if q comes after it
//   leading                 lead is the newest X before F. The key keeps the two newest, for one may have F's own time
//   trailing                trail is the oldest X after L. The match is held until event time is past F + maxspan
//   reported iff            not spoilt, and one of: only leading, and L - lead > maxspan; only trailing, and
//                           trail - F > maxspan; both, and trail - lead > maxspan; a lead or trail that is asked for is absent
//
// SOUND: an X more than maxspan before F cannot change a verdict, nor can one after F + maxspan: so marks expire, and at
// its deadline a held match has seen all it needs.

import { type StreamEvent, toMillis } from "../event/stream-event.js";
import { EVENTS, firstOf, wordOf } from "./entry-table.js";
import { newestOf } from "./event-lists.js";
import { findKey, HEAD } from "./key-table.js";
import {
  addEntry,
  drop,
  dueAfter,
  enter,
  eventsOf,
  isLatest,
  NO_STAGE,
  noLongerOpen,
  openKey,
  type Pending,
  renew,
  setLatest,
  waitingAt,
} from "./pending.js";
import { type Automaton, type Mark, NO_TIME, type Program, type Watch } from "./state.js";
import { addTimer } from "./timers.js";

/** Takes note of an event that matches a missing term standing after `gap` positive terms. */
export function noteMissing(pending: Pending, program: Program, event: StreamEvent, key: string, gap: number): void {
  if (gap === 0) {
    setMark(pending, program, event);
    return;
  }
  const place = findKey(pending.keys, program.number);
  if (place === 0) return;
  if (isLatest(pending, place, event)) setLatest(pending, place, event);
  if (gap === program.automaton.predicates.length) {
    meetHeld(pending, program, key, event.ts);
    return;
  }
  const entry = waitingAt(pending, place, gap - 1);
  if (entry === 0) return;
  const match = watchOf(pending, entry);
  const millis = toMillis(event.ts);
  if (millis <= toMillis(lastTime(pending, entry))) return;
  if (match.barrier === NO_TIME || millis < match.barrier) match.barrier = millis;
}

/** The newest leading missing event of a key before `ts`; NO_TIME for none. */
export function leadOf(pending: Pending, place: number, ts: bigint): bigint {
  const mark = markOf(pending, place);
  if (mark === null) return NO_TIME;
  if (mark.newest < ts) return mark.newest;
  return mark.previous < ts ? mark.previous : NO_TIME;
}

/** Begins to watch a partial match. */
export function watch(
  pending: Pending,
  program: Program,
  entry: number,
  key: string,
  state: Pick<Watch, "due" | "lead" | "barrier" | "spoilt">,
): Watch {
  const made: Watch = { kind: "watch", entry, program, key, ...state, held: -1, timer: -1 };
  pending.particulars.set(entry, made);
  return made;
}

/** What is known of a partial match of a program with missing terms. */
export function watchOf(pending: Pending, entry: number): Watch {
  const found = pending.particulars.get(entry);
  if (found?.kind !== "watch") throw new Error("a partial match that nobody watches");
  return found;
}

/** The gap that a match has waited in ends with this event. */
export function meetGap(match: Watch, event: StreamEvent): void {
  if (isBehind(event, match.barrier)) match.spoilt = true;
  match.barrier = NO_TIME;
}

/** Whether an event comes after the oldest missing event of a gap. */
export function isBehind(event: StreamEvent, barrier: bigint): boolean {
  return barrier !== NO_TIME && barrier < toMillis(event.ts);
}

/** Whether only a leading term speaks against a match that ends with this event, and does. */
export function isTooNear({ span }: Automaton, lead: bigint, last: StreamEvent): boolean {
  return span !== null && lead !== NO_TIME && last.ts - lead <= span;
}

/** A match has all its events, and a trailing term: drops it, or holds it until its deadline. */
export function hold(pending: Pending, program: Program, entry: number): void {
  const match = watchOf(pending, entry);
  if (match.spoilt) {
    pending.spoilt++;
    drop(pending, entry);
    return;
  }
  match.held = pending.ages++;
  addTimer(pending.timers, match);
  const open = program.open.get(match.key);
  if (open === undefined) program.open.set(match.key, new Set([match]));
  else open.add(match);
}

/** Drops a held match from what is pending, and reports it. */
export function report(pending: Pending, match: Watch): void {
  const { program, key, entry } = match;
  const events = eventsOf(pending, pending.entries.words[wordOf(entry, EVENTS)] ?? 0);
  drop(pending, entry);
  complete(pending, program, key, events);
}

/** Reports the events of a match, which is no longer pending. */
export function complete(pending: Pending, { automaton }: Program, key: string, positives: StreamEvent[]): void {
  let events: (StreamEvent | null)[] = positives;
  if (automaton.width !== positives.length) {
    events = new Array<StreamEvent | null>(automaton.width).fill(null);
    for (let at = 0; at < positives.length; at++) events[automaton.slots[at] ?? 0] = positives[at] ?? null;
  }
  pending.completed++;
  pending.onComplete(automaton.index, key, events, pending.isAtEnd);
}

/** The last time that an event of its key may have to go on with a match. */
export function deadlineOf(pending: Pending, { entry, program }: Watch): bigint {
  // Missing events need a maxspan.
  return firstOf(pending.entries, entry) + (program.automaton.span ?? 0n);
}

function markOf(pending: Pending, place: number): Mark | null {
  const found = pending.particulars.get(pending.keys.words[place + HEAD] ?? 0);
  return found?.kind === "mark" ? found : null;
}

function lastTime({ entries, evidence, lists }: Pending, entry: number): bigint {
  return evidence.at(newestOf(lists, entries.words[wordOf(entry, EVENTS)] ?? 0)).ts;
}

function setMark(pending: Pending, program: Program, event: StreamEvent): void {
  const { ts } = event;
  const due = dueAfter(pending, event, program.automaton.span);
  const place = openKey(pending, program);
  const mark = markOf(pending, place);
  if (mark === null) {
    const entry = addEntry(pending, place, NO_STAGE, 0, ts);
    pending.particulars.set(entry, { kind: "mark", newest: ts, previous: NO_TIME });
    enter(pending, program, entry, due);
  } else if (ts > mark.newest) {
    mark.previous = mark.newest;
    mark.newest = ts;
    renew(pending, program, pending.keys.words[place + HEAD] ?? 0, due);
  } else if (ts < mark.newest && ts > mark.previous) {
    mark.previous = ts;
  }
}

/** The first trailing missing event decides a held match: later ones are further from F and from lead (see above). */
function meetHeld(pending: Pending, program: Program, key: string, ts: bigint): void {
  for (const match of program.open.get(key) ?? []) {
    if (ts <= lastTime(pending, match.entry)) continue;
    noLongerOpen(program, match);
    // Without a leading term the distance counts from F.
    const near = program.automaton.leading
      ? program.automaton.span !== null && match.lead !== NO_TIME && ts - match.lead <= program.automaton.span
      : ts <= deadlineOf(pending, match);
    if (!near) continue;
    pending.spoilt++;
    drop(pending, match.entry);
  }
}
