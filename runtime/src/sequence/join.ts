// One event against one join (docs/language.md#join): for each key the first event of each term, in any order. When all
// terms have theirs the key is reported and forgotten, and may begin again.
//
// Terms are tested as they are written, and one event may be the first of several. A key waits without a limit of time, so
// only the caps bound how many there are.

import type { StreamEvent } from "../event/stream-event.js";
import { holdsUnder, isTerm, type Matches } from "./machine.js";
import { drop, enter, orderOf, type Pending } from "./pending.js";
import { createLink, type JoinKey, NEVER, type Program } from "./state.js";

/** Runs one event through a key of a join, and reports the key when that completes it. */
export function acceptJoin(pending: Pending, program: Program, event: StreamEvent, key: string, matches: Matches): void {
  const { predicates, lates, untilFirst } = program.automaton;
  if (untilFirst) closeKey(pending, program, event, key, matches);
  for (let term = 0; term < predicates.length; term++) {
    if (!isTerm(pending, program, event, key, matches, predicates[term] ?? -1, lates[term] ?? null)) continue;
    fill(pending, program, event, key, term);
  }
  if (!untilFirst) closeKey(pending, program, event, key, matches);
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
function closeKey(pending: Pending, program: Program, event: StreamEvent, key: string, matches: Matches): void {
  const { until } = program.automaton;
  if (until < 0 || !holdsUnder(matches, until, key) || !isOver(pending, program, event)) return;
  const join = program.joins.get(key);
  if (join === undefined) return;
  for (const [term, first] of join.slots.entries()) {
    if (first === null || orderOf(pending, first, event) > 0) continue;
    join.slots[term] = null;
    pending.evidence.letGo(first);
  }
  if (join.slots.every((first) => first === null)) drop(pending, join);
}

function isOver(pending: Pending, program: Program, event: StreamEvent): boolean {
  return program.automaton.untilLate === null || pending.askLate(program.automaton.untilLate, event, []);
}
