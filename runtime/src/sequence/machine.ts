// One event against one sequence: the machine over the positive terms (EQL reference, section 9).
//
// A key has one place for each stage, and each place holds at most one partial match. Stages are tested from last to
// first, so an event moves a partial match by one stage at most, while it may end one, advance another and start a third.
//
// Keys do not touch each other, so consecutive stages with the same predicate (which is what `runs` leaves) are walked
// key by key. Only the last stage completes anything: completions come in the order of its keys.
//
// An event that comes late, behind events already seen, goes the same way with two provisos: it cannot follow an event
// that stands after it, and it does not push out a partial match whose last event is newer than its own.

import { leadOf, noteMissing, settle } from "./missing.js";
import { drop, enter, type Pending, release } from "./pending.js";
import { createLink, type KeyState, NEVER, NO_TIME, openKey, type PartialMatch, type Program } from "./state.js";
import { compareEvents, type StageMatch, type StreamEvent, toMillis } from "./stream-event.js";

/** The keys under which a predicate held for the current event; undefined when it did not hold. */
export interface Matches {
  current: readonly StageMatch[];
  /** `at[predicate]` is a place in `current` if `event[predicate]` is the current event's number. */
  readonly at: Int32Array;
  readonly event: Float64Array;
  number: number;
}

export function keysOf(matches: Matches, predicate: number): readonly string[] | undefined {
  if (matches.event[predicate] !== matches.number) return undefined;
  return matches.current[matches.at[predicate] ?? -1]?.keys;
}

/** Runs one event through a sequence; reports what it completes through `pending.onComplete`. */
export function acceptSequence(pending: Pending, program: Program, event: StreamEvent, matches: Matches): void {
  const { predicates } = program;
  let last = predicates.length - 1;
  while (last >= 0) {
    const predicate = predicates[last] ?? -1;
    let first = last;
    while (first > 0 && predicates[first - 1] === predicate) first--;
    const keys = keysOf(matches, predicate);
    if (keys !== undefined) {
      for (const key of keys) walk(pending, program, event, key, first, last);
    }
    last = first - 1;
  }
  for (let at = 0; at < program.missing.length; at++) {
    const keys = keysOf(matches, program.missing[at] ?? -1);
    if (keys === undefined) continue;
    for (const key of keys) noteMissing(pending, program, event, key, program.gaps[at] ?? 0);
  }
  if (program.until < 0) return;
  const keys = keysOf(matches, program.until);
  if (keys === undefined) return;
  for (const key of keys) cutOff(pending, program, event, key);
}

/** Tests one key against the stages `last` down to `first`, all of which match the event. */
function walk(pending: Pending, program: Program, event: StreamEvent, key: string, first: number, last: number): void {
  let owner = program.keys.get(key);
  if (owner === undefined) {
    if (first > 0) return;
    owner = openKey(program, key);
  }
  // Held on to, so that the state stays in the map when its last entry goes and a new one comes.
  owner.size++;
  for (let stage = last; stage >= Math.max(first, 1); stage--) advanceTo(pending, program, owner, event, stage);
  if (first === 0) start(pending, program, owner, event);
  release(program, owner);
}

function start(pending: Pending, program: Program, owner: KeyState, event: StreamEvent): void {
  const match: PartialMatch = {
    kind: "partial",
    program,
    owner,
    inProgram: createLink(),
    inSpan: createLink(),
    age: 0,
    expires: 0n,
    deadline: program.span === null ? NEVER : event.ts + program.span,
    events: [event],
    stage: 0,
    lead: leadOf(owner, event.ts),
    barrier: NO_TIME,
    spoilt: false,
    held: -1,
    timer: -1,
  };
  const complete = program.predicates.length === 1;
  // A late event may begin what can no longer go on.
  if (!complete && (pending.clock > match.deadline || !takePlace(pending, owner, match))) return;
  owner.size++;
  if (!complete || program.trailing) enter(pending, match);
  if (complete) settle(pending, match);
}

/** Moves the partial match that waits for `stage`, if there is one and this event can follow it. */
function advanceTo(pending: Pending, program: Program, owner: KeyState, event: StreamEvent, stage: number): void {
  const match = owner.waiting[stage - 1];
  if (match === null || match === undefined || compareEvents(lastEvent(match), event) >= 0) return;
  if (pending.clock > match.deadline) {
    // Only in a stream out of order can this stand behind a younger deadline and be met before `expire` reaches it.
    pending.expired++;
    drop(pending, match);
    return;
  }
  owner.waiting[stage - 1] = null;
  if (match.barrier !== NO_TIME && match.barrier < toMillis(event.ts)) match.spoilt = true;
  match.barrier = NO_TIME;
  match.events.push(event);
  match.stage = stage;
  if (stage === program.predicates.length - 1) settle(pending, match);
  else if (!takePlace(pending, owner, match)) drop(pending, match);
}

/** Puts a match where its stage says, in place of an older one. False when the one there is newer. */
function takePlace(pending: Pending, owner: KeyState, match: PartialMatch): boolean {
  const there = owner.waiting[match.stage];
  if (there !== null && there !== undefined) {
    if (compareEvents(lastEvent(there), lastEvent(match)) > 0) return false;
    drop(pending, there);
  }
  owner.waiting[match.stage] = match;
  return true;
}

/**
 * `until`: ends what waits for this key. The stages have seen the event already, so the event may complete a sequence, and
 * what it started or advanced itself is ended. A match that is complete and held is past it.
 */
function cutOff(pending: Pending, program: Program, event: StreamEvent, key: string): void {
  const owner = program.keys.get(key);
  if (owner === undefined) return;
  for (const match of owner.waiting) {
    if (match !== null && compareEvents(lastEvent(match), event) <= 0) drop(pending, match);
  }
}

function lastEvent(match: PartialMatch): StreamEvent {
  const event = match.events[match.events.length - 1];
  if (event === undefined) throw new Error("a partial match without events");
  return event;
}
