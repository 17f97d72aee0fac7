// One event against one join (docs/language.md#join): for each key the first event of each term, in any order. When all
// terms have theirs the key is reported and forgotten, and may begin again.
//
// Terms are tested as they are written, and one event may be the first of several. A key waits without a limit of time, so
// only the caps bound how many there are.

import type { StreamEvent } from "../event/stream-event.js";
import { holdsLate, keysOf, type Matches } from "./machine.js";
import { drop, enter, orderOf, type Pending } from "./pending.js";
import { createLink, type JoinKey, NEVER, type Program } from "./state.js";

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
    if (!holdsLate(pending, program, lates[term] ?? null, event, null)) continue;
    for (const key of keys) if (only === null || key === only) fill(pending, program, event, key, term);
  }
  if (!untilFirst) closeKeys(pending, program, event, only, matches);
}

function fill(pending: Pending, program: Program, event: StreamEvent, key: string, term: number): void {
  const join = program.joins.get(key) ?? open(pending, program, key);
  if (join.slots[term] !== null) return;
  join.slots[term] = event;
  pending.evidence.keep(event);
  if (join.slots.includes(null)) return;
  drop(pending, join);
  pending.completed++;
  pending.onComplete(program.automaton.index, key, join.slots, false);
}

function open(pending: Pending, program: Program, key: string): JoinKey {
  const join: JoinKey = {
    kind: "join",
    program,
    key,
    inProgram: createLink(),
    inSpan: createLink(),
    age: 0,
    expires: 0n,
    due: NEVER,
    slots: new Array<StreamEvent | null>(program.automaton.width).fill(null),
  };
  program.joins.set(key, join);
  enter(pending, join);
  return join;
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
  if (!holdsLate(pending, program, untilLate, event, null)) return;
  for (const key of keys) if (only === null || key === only) close(pending, program, event, key);
}

function close(pending: Pending, program: Program, event: StreamEvent, key: string): void {
  const join = program.joins.get(key);
  if (join === undefined) return;
  for (const [term, first] of join.slots.entries()) {
    if (first === null || orderOf(pending, first, event) > 0) continue;
    join.slots[term] = null;
    pending.evidence.letGo(first);
  }
  if (join.slots.every((first) => first === null)) drop(pending, join);
}
