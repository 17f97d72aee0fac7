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
import { drop, dueAfter, enter, noteOrder, type Pending, renew } from "./pending.js";
import { createLink, type KeyState, type Mark, NO_TIME, openKey, type PartialMatch, type Program } from "./state.js";
import { addTimer } from "./timers.js";

/** Takes note of an event that matches a missing term standing after `gap` positive terms. */
export function noteMissing(pending: Pending, program: Program, event: StreamEvent, key: string, gap: number): void {
  if (gap === 0) {
    setMark(pending, program, event, key);
    return;
  }
  const owner = program.keys.get(key);
  if (owner === undefined) return;
  noteOrder(pending, owner, event);
  if (gap === program.automaton.predicates.length) {
    meetHeld(pending, program, owner, event.ts);
    return;
  }
  const match = owner.waiting[gap - 1];
  if (match === null || match === undefined) return;
  const previous = match.events[match.events.length - 1];
  const millis = toMillis(event.ts);
  if (previous === undefined || millis <= toMillis(previous.ts)) return;
  if (match.barrier === NO_TIME || millis < match.barrier) match.barrier = millis;
}

/** The newest leading missing event of a key before `ts`; NO_TIME for none. */
export function leadOf(owner: KeyState, ts: bigint): bigint {
  const { mark } = owner;
  if (mark === null) return NO_TIME;
  if (mark.newest < ts) return mark.newest;
  return mark.previous < ts ? mark.previous : NO_TIME;
}

/** A match has all its events: reports it, drops it, or holds it until its deadline. */
export function settle(pending: Pending, match: PartialMatch): void {
  const { program, lead } = match;
  const last = match.events[match.events.length - 1];
  if (last === undefined) throw new Error("a match without events");
  const tooNear = program.automaton.span !== null && lead !== NO_TIME && last.ts - lead <= program.automaton.span;
  if (match.spoilt || (!program.automaton.trailing && tooNear)) {
    pending.spoilt++;
    drop(pending, match);
  } else if (program.automaton.trailing) {
    match.held = pending.ages++;
    addTimer(pending.timers, match);
    match.owner.open ??= new Set();
    match.owner.open.add(match);
  } else {
    report(pending, match);
  }
}

/** Drops a match from what is pending, and reports it. */
export function report(pending: Pending, match: PartialMatch): void {
  const { program, owner } = match;
  drop(pending, match);
  const events: (StreamEvent | null)[] = new Array<StreamEvent | null>(program.automaton.width).fill(null);
  for (let at = 0; at < match.events.length; at++) events[program.automaton.slots[at] ?? 0] = match.events[at] ?? null;
  pending.completed++;
  pending.onComplete(program.automaton.index, owner.key, events, pending.isAtEnd);
}

function setMark(pending: Pending, program: Program, event: StreamEvent, key: string): void {
  const { ts } = event;
  const due = dueAfter(pending, event, program.automaton.span);
  const owner = openKey(program, key);
  const { mark } = owner;
  if (mark === null) {
    const made: Mark = {
      kind: "mark",
      program,
      owner,
      inProgram: createLink(),
      inSpan: createLink(),
      age: 0,
      expires: 0n,
      due,
      newest: ts,
      previous: NO_TIME,
    };
    owner.mark = made;
    owner.size++;
    enter(pending, made);
  } else if (ts > mark.newest) {
    mark.previous = mark.newest;
    mark.newest = ts;
    mark.due = due;
    renew(pending, mark);
  } else if (ts < mark.newest && ts > mark.previous) {
    mark.previous = ts;
  }
}

/** The first trailing missing event decides a held match: later ones are further from F and from lead (see above). */
function meetHeld(pending: Pending, program: Program, owner: KeyState, ts: bigint): void {
  for (const match of owner.open ?? []) {
    const last = match.events[match.events.length - 1];
    if (last === undefined || ts <= last.ts) continue;
    owner.open?.delete(match);
    // Without a leading term the distance counts from F.
    const near = program.automaton.leading
      ? program.automaton.span !== null && match.lead !== NO_TIME && ts - match.lead <= program.automaton.span
      : ts <= match.deadline;
    if (!near) continue;
    pending.spoilt++;
    drop(pending, match);
  }
}
