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
import type { StageMatch, StreamEvent } from "../event/stream-event.js";
import { beforeOf, behindOf, EVENTS, expiresOf, firstOf, STAGE, sinceFirst, wordOf } from "./entry-table.js";
import { newestOf, withEvent } from "./event-lists.js";
import { addKey, findKey, HEAD, want } from "./key-table.js";
import { complete, hold, isBehind, isTooNear, leadOf, meetGap, noteMissing, watch, watchOf } from "./missing.js";
import {
  addEntry,
  closeKey,
  drop,
  dueAfter,
  enter,
  eventsOf,
  isLatest,
  NO_STAGE,
  orderOf,
  type Pending,
  setLatest,
  waitingAt,
} from "./pending.js";
import { NO_TIME, type Program } from "./state.js";

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
  return holdsUnder(matches, predicate, key) && holdsLate(pending, program, late, event, 0);
}

/** Whether a late test holds for an event beside those that a partial match has taken (a list); no test always holds. */
export function holdsLate(
  pending: Pending,
  program: Program,
  test: LateTest | null,
  event: StreamEvent,
  list: number,
): boolean {
  if (test === null) return true;
  const events = eventsOf(pending, list);
  const others = test.stages.map((slot) => events[program.automaton.terms[slot] ?? -1] ?? null);
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
  const { predicates, missing, until, untilFirst } = program.automaton;
  want(pending.keys, key);
  if (untilFirst && until >= 0 && holdsUnder(matches, until, key)) cutOff(pending, program, event);
  let last = predicates.length - 1;
  while (last >= 0) {
    const predicate = predicates[last] ?? -1;
    let first = last;
    while (first > 0 && predicates[first - 1] === predicate) first--;
    if (holdsUnder(matches, predicate, key)) walk(pending, program, event, key, first, last);
    last = first - 1;
  }
  for (let at = 0; at < missing.length; at++) {
    const late = program.automaton.missingLates[at] ?? null;
    if (!isTerm(pending, program, event, key, matches, missing[at] ?? -1, late)) continue;
    noteMissing(pending, program, event, key, program.automaton.gaps[at] ?? 0);
  }
  if (!untilFirst && until >= 0 && holdsUnder(matches, until, key)) cutOff(pending, program, event);
}

/** Tests one key against the stages `last` down to `first`, all of which match the event. */
function walk(pending: Pending, program: Program, event: StreamEvent, key: string, first: number, last: number): void {
  let place = findKey(pending.keys, program.number);
  const isNew = place === 0;
  if (isNew) {
    if (first > 0 || !holdsLate(pending, program, program.automaton.lates[0] ?? null, event, 0)) return;
    place = addKey(pending.keys, program.number);
  }
  const isNewest = isNew || isLatest(pending, place, event);
  // Else the key would leave the table when its last match is dropped, and the next would not know what came late.
  pending.pinned = place;
  if (!isNew) advanceAll(pending, program, event, place, key, Math.max(first, 1), last);
  if (first === 0 && (isNew || holdsLate(pending, program, program.automaton.lates[0] ?? null, event, 0))) {
    start(pending, program, event, place, key);
  }
  unpin(pending, isNewest ? event : null);
}

/** Moves what waits for the stages `last` down to `first`, where this event can follow it. */
function advanceAll(
  pending: Pending,
  program: Program,
  event: StreamEvent,
  place: number,
  key: string,
  first: number,
  last: number,
): void {
  const { entries, keys } = pending;
  let entry = keys.words[place + HEAD] ?? 0;
  if (entry === 0) return;
  let behind = behindOf(entries, entry);
  while (behind !== keys.words[place + HEAD] && stageOf(pending, behind) < last) {
    entry = behind;
    behind = behindOf(entries, entry);
  }
  for (;;) {
    const stage = stageOf(pending, entry) + 1;
    if (stage < first) return;
    const isFirst = entry === keys.words[place + HEAD];
    const before = beforeOf(entries, entry);
    const { evicted } = pending;
    if (stage <= last) advance(pending, program, event, entry, place, key, stage);
    if (isFirst) return;
    entry = before;
    // What was to come next may be what had to go.
    if (pending.evicted !== evicted) {
      advanceAll(pending, program, event, place, key, first, stage - 1);
      return;
    }
  }
}

/** Begins a partial match of a key. */
function start(pending: Pending, program: Program, event: StreamEvent, place: number, key: string): void {
  const { automaton } = program;
  const lead = automaton.leading ? leadOf(pending, place, event.ts) : NO_TIME;
  const isComplete = automaton.predicates.length === 1;
  if (isComplete && !automaton.trailing) {
    if (isTooNear(automaton, lead, event)) pending.spoilt++;
    else complete(pending, program, key, [event]);
    return;
  }
  // A match that a late event starts may find a newer one in its place.
  if (!makePlace(pending, program, event, place, 0)) return;
  const due = dueAfter(pending, event, automaton.span);
  const entry = addEntry(pending, place, 0, pending.evidence.keep(event), event.ts);
  if (automaton.isWatched) watch(pending, program, entry, key, { lead, barrier: NO_TIME, spoilt: false, due });
  enter(pending, program, entry, due);
  if (isComplete) hold(pending, program, entry);
}

/** Moves a partial match to `stage`, if this event can follow it. */
function advance(
  pending: Pending,
  program: Program,
  event: StreamEvent,
  entry: number,
  place: number,
  key: string,
  stage: number,
): void {
  const { automaton } = program;
  if (orderOfLast(pending, entry, event) >= 0) return;
  const list = listOf(pending, entry);
  if (!holdsLate(pending, program, automaton.lates[stage] ?? null, event, list)) return;
  if (isPastSpan(pending, program, entry, event)) {
    // Only an event of its own key says for certain that a match is over; the clock removes what is not met again.
    pending.expired++;
    drop(pending, entry);
  } else if (stage === automaton.predicates.length - 1 && !automaton.trailing) {
    finish(pending, program, event, entry, key, stage);
  } else if (automaton.forks[stage] === true) {
    advanceCopy(pending, program, event, entry, place, key, stage);
  } else if (makePlace(pending, program, event, place, stage)) {
    const { words } = pending.entries;
    words[wordOf(entry, EVENTS)] = withEvent(pending.lists, list, pending.evidence.keep(event));
    words[wordOf(entry, STAGE)] = stage;
    if (automaton.isWatched) meetGap(watchOf(pending, entry), event);
    if (stage === automaton.predicates.length - 1) hold(pending, program, entry);
  } else drop(pending, entry);
}

/** A partial match has its last event, and nothing is left to wait for. One that forks goes on waiting. */
function finish(
  pending: Pending,
  program: Program,
  event: StreamEvent,
  entry: number,
  key: string,
  stage: number,
): void {
  const { automaton } = program;
  let isSpoilt = false;
  if (automaton.isWatched) {
    const { lead, barrier, spoilt } = watchOf(pending, entry);
    isSpoilt = spoilt || isBehind(event, barrier) || isTooNear(automaton, lead, event);
  }
  const events = isSpoilt ? null : eventsOf(pending, listOf(pending, entry), event);
  if (automaton.forks[stage] !== true) drop(pending, entry);
  if (events === null) pending.spoilt++;
  else complete(pending, program, key, events);
}

/** Moves a copy of a partial match, which goes on waiting itself. */
function advanceCopy(
  pending: Pending,
  program: Program,
  event: StreamEvent,
  entry: number,
  place: number,
  key: string,
  stage: number,
): void {
  if (!makePlace(pending, program, event, place, stage)) return;
  const { entries, evidence, lists } = pending;
  let list = 0;
  for (const kept of [...eventsOf(pending, listOf(pending, entry)), event]) {
    const at = evidence.keep(kept);
    list = list === 0 ? at : withEvent(lists, list, at);
  }
  const copy = addEntry(pending, place, stage, list, firstOf(entries, entry));
  // Nothing expires before what it was copied of, whose time is as late as its own, or was made so.
  let due = expiresOf(entries, entry);
  if (program.automaton.isWatched) {
    const { lead, barrier, spoilt, due: ownDue } = watchOf(pending, entry);
    due = ownDue;
    meetGap(watch(pending, program, copy, key, { lead, barrier, spoilt, due }), event);
  }
  enter(pending, program, copy, due);
  if (stage === program.automaton.predicates.length - 1) hold(pending, program, copy);
}

/**
 * Drops what waits where a match of `event` is to wait, unless that is newer: then gives false. Behind the last stage any number
 * of matches can be held.
 */
function makePlace(pending: Pending, program: Program, event: StreamEvent, place: number, stage: number): boolean {
  if (stage === program.automaton.predicates.length - 1) return true;
  const there = waitingAt(pending, place, stage);
  if (there === 0) return true;
  if (orderOfLast(pending, there, event) > 0) return false;
  drop(pending, there);
  return true;
}

/**
 * `until`: ends the partial matches of this key. In the elastic dialect the stages have seen the event before: it may
 * have completed a sequence, and what it has just started or advanced is ended with the rest. A held match is complete,
 * and stays. The late test of `until` is asked for each partial match, with the events that this one has taken.
 */
function cutOff(pending: Pending, program: Program, event: StreamEvent): void {
  const { keys, entries } = pending;
  const place = findKey(keys, program.number);
  if (place === 0) return;
  const last = program.automaton.predicates.length - 1;
  const isNewest = isLatest(pending, place, event);
  pending.pinned = place;
  for (let entry = keys.words[place + HEAD] ?? 0; entry !== 0 && stageOf(pending, entry) < last; ) {
    const behind = behindOf(entries, entry);
    const isLast = behind === keys.words[place + HEAD];
    if (stageOf(pending, entry) !== NO_STAGE && orderOfLast(pending, entry, event) <= 0) {
      if (holdsLate(pending, program, program.automaton.untilLate, event, listOf(pending, entry))) drop(pending, entry);
    }
    entry = isLast ? 0 : behind;
  }
  unpin(pending, isNewest ? event : null);
}

/** Says that a key is no longer worked on, and which event stands last of its own, if that is another now. */
function unpin(pending: Pending, newest: StreamEvent | null): void {
  const { pinned } = pending;
  pending.pinned = 0;
  if (pending.keys.words[pinned + HEAD] === 0) closeKey(pending, pinned);
  else if (newest !== null) setLatest(pending, pinned, newest);
}

function listOf({ entries }: Pending, entry: number): number {
  return entries.words[wordOf(entry, EVENTS)] ?? 0;
}

function stageOf({ entries }: Pending, entry: number): number {
  return entries.words[wordOf(entry, STAGE)] ?? 0;
}

/** Negative when the last event of a partial match stands before `event`. */
function orderOfLast(pending: Pending, entry: number, event: StreamEvent): number {
  const list = listOf(pending, entry);
  if (list > 0 && !pending.isByArrival) {
    // The only event is the first one, whose time is at hand.
    const since = sinceFirst(pending.entries, entry, pending.high, pending.low);
    if (since !== 0) return -since;
  }
  return orderOf(pending, pending.evidence.at(newestOf(pending.lists, list)), event);
}

/** Whether an event stands more than maxspan behind the first one of a partial match. */
function isPastSpan(pending: Pending, { automaton }: Program, entry: number, event: StreamEvent): boolean {
  const { span, spanDouble } = automaton;
  if (span === null) return false;
  if (!Number.isNaN(spanDouble)) return sinceFirst(pending.entries, entry, pending.high, pending.low) > spanDouble;
  return event.ts - firstOf(pending.entries, entry) > span;
}
