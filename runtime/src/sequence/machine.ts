// One event against one sequence: the machine over the positive terms (docs/language.md#sequences).
//
// A key has one place for each stage, and each place holds at most one partial match. Stages are tested from last to
// first, so an event moves a partial match by one stage at most, while it may end one, advance another and start a third.
//
// Keys do not touch each other, so consecutive stages with the same predicate (which is what `runs` leaves) are walked
// key by key. Only the last stage completes anything: completions come in the order of its keys.
//
// A stage may have a late test, which is asked when a partial match waits for it. When it does not hold, the event is no
// event of this stage for this partial match. `fork` leaves what waits where it is, and moves a copy.
//
// An event that comes late, behind events of its key already seen, goes the same way with two provisos: it cannot follow an event
// that stands after it, and it does not push out a partial match whose last event is newer than its own.

import type { LateTest } from "@kestrel/stdlib/sequence-tables";
import { type StageMatch, type StreamEvent, toMillis } from "../event/stream-event.js";
import { leadOf, noteMissing, settle } from "./missing.js";
import { drop, dueAfter, enter, noteOrder, orderOf, type Pending, release } from "./pending.js";
import { createLink, type KeyState, NEVER, NO_TIME, openKey, type PartialMatch, type Program } from "./state.js";

/** The keys under which a predicate held for the current event; undefined when it did not hold. */
export interface Matches {
  current: readonly StageMatch[];
  /** The event whose matches these are. */
  of: StreamEvent | null;
  /** `at[predicate]` is a place in `current` if `event[predicate]` is the current event's number. */
  readonly at: Int32Array;
  readonly event: Float64Array;
  number: number;
}

export function keysOf(matches: Matches, predicate: number): readonly string[] | undefined {
  if (matches.event[predicate] !== matches.number) return undefined;
  return matches.current[matches.at[predicate] ?? -1]?.keys;
}

/** Whether a predicate held for the current event under this key. */
function holdsUnder(matches: Matches, predicate: number, key: string): boolean {
  return keysOf(matches, predicate)?.includes(key) === true;
}

/** The same for a term whose late test, if it has one, needs no other events. */
export function isTerm(
  pending: Pending,
  program: Program,
  event: StreamEvent,
  key: string,
  matches: Matches,
  predicate: number,
  late: LateTest | null,
): boolean {
  return holdsUnder(matches, predicate, key) && holdsLate(pending, program, late, event, null);
}

/** Whether a late test holds for an event beside those that a partial match has; no test always holds. */
export function holdsLate(
  pending: Pending,
  program: Program,
  test: LateTest | null,
  event: StreamEvent,
  match: PartialMatch | null,
): boolean {
  if (test === null) return true;
  const others = test.stages.map((slot) => match?.events[program.automaton.terms[slot] ?? -1] ?? null);
  return pending.askLate(test, event, others);
}

/** Runs one event through a key of a sequence; reports what it completes through `pending.onComplete`. */
export function acceptSequence(
  pending: Pending,
  program: Program,
  event: StreamEvent,
  key: string,
  matches: Matches,
): void {
  const { predicates } = program.automaton;
  if (program.automaton.untilFirst) closeKey(pending, program, event, key, matches);
  let last = predicates.length - 1;
  while (last >= 0) {
    const predicate = predicates[last] ?? -1;
    let first = last;
    while (first > 0 && predicates[first - 1] === predicate) first--;
    if (holdsUnder(matches, predicate, key)) walk(pending, program, event, key, first, last);
    last = first - 1;
  }
  for (let at = 0; at < program.automaton.missing.length; at++) {
    const late = program.automaton.missingLates[at] ?? null;
    const predicate = program.automaton.missing[at] ?? -1;
    if (!isTerm(pending, program, event, key, matches, predicate, late)) continue;
    noteMissing(pending, program, event, key, program.automaton.gaps[at] ?? 0);
  }
  if (!program.automaton.untilFirst) closeKey(pending, program, event, key, matches);
}

function closeKey(pending: Pending, program: Program, event: StreamEvent, key: string, matches: Matches): void {
  const { until } = program.automaton;
  if (until >= 0 && holdsUnder(matches, until, key)) cutOff(pending, program, event, key);
}

/** Tests one key against the stages `last` down to `first`, all of which match the event. */
function walk(pending: Pending, program: Program, event: StreamEvent, key: string, first: number, last: number): void {
  let owner = program.keys.get(key);
  if (owner === undefined) {
    if (first > 0) return;
    owner = openKey(program, key);
    owner.latest = event;
  } else noteOrder(pending, owner, event);
  // Counted as one entry more. Else the state would leave the map when its last match is dropped, and a match that is
  // started next would hang on a state that nobody finds.
  owner.size++;
  for (let stage = last; stage >= Math.max(first, 1); stage--) advanceTo(pending, program, owner, event, stage);
  if (first === 0) start(pending, program, owner, event);
  release(program, owner);
}

function start(pending: Pending, program: Program, owner: KeyState, event: StreamEvent): void {
  if (!holdsLate(pending, program, program.automaton.lates[0] ?? null, event, null)) return;
  const match: PartialMatch = {
    kind: "partial",
    program,
    owner,
    inProgram: createLink(),
    inSpan: createLink(),
    age: 0,
    expires: 0n,
    deadline: program.automaton.span === null ? NEVER : event.ts + program.automaton.span,
    due: dueAfter(pending, event, program.automaton.span),
    events: [event],
    stage: 0,
    lead: leadOf(owner, event.ts),
    barrier: NO_TIME,
    spoilt: false,
    held: -1,
    timer: -1,
  };
  const complete = program.automaton.predicates.length === 1;
  // A match that a late event starts may find a newer one in its place.
  if (!complete && !takePlace(pending, owner, match)) return;
  owner.size++;
  pending.evidence.keep(event);
  if (!complete || program.automaton.trailing) enter(pending, match);
  if (complete) settle(pending, match);
}

/** Moves the partial match that waits for `stage`, if there is one and this event can follow it. */
function advanceTo(pending: Pending, program: Program, owner: KeyState, event: StreamEvent, stage: number): void {
  const match = owner.waiting[stage - 1];
  if (match === null || match === undefined || orderOf(pending, lastEvent(match), event) >= 0) return;
  if (!holdsLate(pending, program, program.automaton.lates[stage] ?? null, event, match)) return;
  if (event.ts > match.deadline) {
    // Only an event of its own key says for certain that a match is over; the clock removes what is not met again.
    pending.expired++;
    drop(pending, match);
    return;
  }
  if (program.automaton.forks[stage] === true) advanceCopy(pending, program, owner, match, event, stage);
  else {
    owner.waiting[stage - 1] = null;
    take(pending, match, event, stage);
    if (stage === program.automaton.predicates.length - 1) settle(pending, match);
    else if (!takePlace(pending, owner, match)) drop(pending, match);
  }
}

/** Moves a copy of a partial match, which goes on waiting itself. */
function advanceCopy(
  pending: Pending,
  program: Program,
  owner: KeyState,
  match: PartialMatch,
  event: StreamEvent,
  stage: number,
): void {
  const copy: PartialMatch = { ...match, inProgram: createLink(), inSpan: createLink(), events: [...match.events] };
  for (const kept of copy.events) pending.evidence.keep(kept);
  take(pending, copy, event, stage);
  const complete = stage === program.automaton.predicates.length - 1;
  if (!complete && !takePlace(pending, owner, copy)) {
    for (const kept of copy.events) pending.evidence.letGo(kept);
    return;
  }
  owner.size++;
  if (!complete || program.automaton.trailing) enter(pending, copy);
  if (complete) settle(pending, copy);
}

/** Adds the event of `stage` to a partial match. */
function take(pending: Pending, match: PartialMatch, event: StreamEvent, stage: number): void {
  const { barrier } = match;
  pending.evidence.keep(event);
  if (barrier !== NO_TIME && barrier < toMillis(event.ts)) match.spoilt = true;
  match.barrier = NO_TIME;
  match.events.push(event);
  match.stage = stage;
}

/** Puts a match where its stage says, in place of an older one. False when the one there is newer. */
function takePlace(pending: Pending, owner: KeyState, match: PartialMatch): boolean {
  const there = owner.waiting[match.stage];
  if (there !== null && there !== undefined) {
    if (orderOf(pending, lastEvent(there), lastEvent(match)) > 0) return false;
    drop(pending, there);
  }
  owner.waiting[match.stage] = match;
  return true;
}

/**
 * `until`: ends the partial matches of this key. In the elastic dialect the stages have seen the event before: it may
 * have completed a sequence, and what it has just started or advanced is ended with the rest. A held match is complete,
 * and stays. The late test of `until` is asked for each partial match, with the events that this one has taken.
 */
function cutOff(pending: Pending, program: Program, event: StreamEvent, key: string): void {
  const owner = program.keys.get(key);
  if (owner === undefined) return;
  noteOrder(pending, owner, event);
  for (const match of owner.waiting) {
    if (match === null || orderOf(pending, lastEvent(match), event) > 0) continue;
    if (holdsLate(pending, program, program.automaton.untilLate, event, match)) drop(pending, match);
  }
}

function lastEvent(match: PartialMatch): StreamEvent {
  const event = match.events[match.events.length - 1];
  if (event === undefined) throw new Error("a partial match without events");
  return event;
}
