// One event against one join (docs/language.md#join): for each key the first event of each term, in any order. When all
// terms have theirs the key is reported and forgotten, and may begin again.
//
// Terms are tested as they are written, and one event may be the first of several. A key waits without a limit of time, so
// only the caps bound how many there are.

import type { StreamEvent } from "../event/stream-event.js";
import { findKey, HEAD, want } from "./key-table.js";
import { holdsLate, keysOf, type Matches } from "./machine.js";
import { addEntry, drop, enter, NO_STAGE, openKey, orderOf, type Pending } from "./pending.js";
import { type JoinKey, NEVER, type Program } from "./state.js";

/** Runs one event through a join, or through one key of it (`only`); reports the keys that it completes. */
export function acceptJoin(
  pending: Pending,
  program: Program,
  event: StreamEvent,
  only: string | null,
  matches: Matches,
): void {
  const { predicates, lates, untilFirst } = program.automaton;
  if (untilFirst) closeKeys(pending, program, event, only, matches);
  for (let term = 0; term < predicates.length; term++) {
    const keys = keysOf(matches, predicates[term] ?? -1);
    if (keys === undefined || (only !== null && !keys.includes(only))) continue;
    if (!holdsLate(pending, program, lates[term] ?? null, event, 0)) continue;
    for (const key of keys) if (only === null || key === only) fill(pending, program, event, key, term);
  }
  if (!untilFirst) closeKeys(pending, program, event, only, matches);
}

function fill(pending: Pending, program: Program, event: StreamEvent, key: string, term: number): void {
  want(pending.keys, key);
  const { slots } = joinOf(pending, program) ?? open(pending, program, event);
  if (slots[term] !== 0) return;
  slots[term] = pending.evidence.keep(event);
  if (slots.includes(0)) return;
  const events = slots.map(pending.evidence.at);
  drop(pending, entryOf(pending, program));
  pending.completed++;
  pending.onComplete(program.automaton.index, key, events, false);
}

function open(pending: Pending, program: Program, event: StreamEvent): JoinKey {
  const join: JoinKey = { kind: "join", slots: new Array<number>(program.automaton.width).fill(0) };
  const entry = addEntry(pending, openKey(pending, program), NO_STAGE, 0, event.ts);
  pending.particulars.set(entry, join);
  enter(pending, program, entry, NEVER);
  return join;
}

/** The entry of the wanted key; 0 for none. */
function entryOf({ keys }: Pending, program: Program): number {
  const place = findKey(keys, program.number);
  return place === 0 ? 0 : (keys.words[place + HEAD] ?? 0);
}

function joinOf(pending: Pending, program: Program): JoinKey | null {
  const found = pending.particulars.get(entryOf(pending, program));
  return found?.kind === "join" ? found : null;
}

/** `until`: takes the events of the key away; where `until` comes late, those that stand behind it stay. */
function closeKeys(
  pending: Pending,
  program: Program,
  event: StreamEvent,
  only: string | null,
  matches: Matches,
): void {
  const { until, untilLate } = program.automaton;
  const keys = until < 0 ? undefined : keysOf(matches, until);
  if (keys === undefined || (only !== null && !keys.includes(only))) return;
  if (!holdsLate(pending, program, untilLate, event, 0)) return;
  for (const key of keys) if (only === null || key === only) close(pending, program, event, key);
}

function close(pending: Pending, program: Program, event: StreamEvent, key: string): void {
  const { evidence } = pending;
  want(pending.keys, key);
  const join = joinOf(pending, program);
  if (join === null) return;
  for (const [term, place] of join.slots.entries()) {
    if (place === 0 || orderOf(pending, evidence.at(place), event) > 0) continue;
    join.slots[term] = 0;
    evidence.letGo(place);
  }
  if (join.slots.every((place) => place === 0)) drop(pending, entryOf(pending, program));
}
