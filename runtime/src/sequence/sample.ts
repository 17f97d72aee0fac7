// One event against one sample (docs/language.md#samples): a key alerts once, as soon as each filter has an event
// of its own. A key is forgotten when the window since its first event is over, and may then alert again.
//
// SOUND: N filters need N distinct events, so a filter with N events can always find one that the others leave it: the
// first N of each filter are enough to tell whether a key is complete.

import type { StreamEvent } from "../event/stream-event.js";
import { isTerm, type Matches } from "./machine.js";
import { drop, dueAfter, enter, type Pending } from "./pending.js";
import { createLink, NEVER, type Program, type SampleKey } from "./state.js";

/** Runs one event through a key of a sample, and reports the key when that completes it. */
export function acceptSample(
  pending: Pending,
  program: Program,
  event: StreamEvent,
  key: string,
  matches: Matches,
): void {
  const { predicates, lates } = program.automaton;
  for (let filter = 0; filter < predicates.length; filter++) {
    const late = lates[filter] ?? null;
    if (!isTerm(pending, program, event, key, matches, predicates[filter] ?? -1, late)) continue;
    collect(pending, program, event, key, filter);
  }
  complete(pending, program, key);
}

function collect(pending: Pending, program: Program, event: StreamEvent, key: string, filter: number): void {
  const filters = program.automaton.predicates.length;
  let sample = program.samples.get(key);
  if (sample !== undefined && event.ts > sample.deadline) {
    if (!sample.alerted) pending.expired++;
    drop(pending, sample);
    sample = undefined;
  }
  if (sample === undefined) {
    const hits: StreamEvent[][] = [];
    for (let at = 0; at < filters; at++) hits.push([]);
    sample = {
      kind: "sample",
      program,
      key,
      inProgram: createLink(),
      inSpan: createLink(),
      age: 0,
      expires: 0n,
      deadline: program.automaton.span === null ? NEVER : event.ts + program.automaton.span,
      due: dueAfter(pending, event, program.automaton.span),
      hits,
      fresh: false,
      alerted: false,
    };
    program.samples.set(key, sample);
    enter(pending, sample);
  }
  const hits = sample.hits[filter];
  if (sample.alerted || hits === undefined || hits.length >= filters) return;
  hits.push(event);
  pending.evidence.keep(event);
  sample.fresh = true;
}

function complete(pending: Pending, program: Program, key: string): void {
  const sample = program.samples.get(key);
  if (sample === undefined || !sample.fresh) return;
  sample.fresh = false;
  const chosen: StreamEvent[] = [];
  if (sample.hits.some((hits) => hits.length === 0) || !choose(sample, chosen)) return;
  sample.alerted = true;
  for (const hits of sample.hits) {
    for (const event of hits) pending.evidence.letGo(event);
    hits.length = 0;
  }
  pending.completed++;
  pending.onComplete(program.automaton.index, key, chosen, false);
}

/** Extends `chosen`, one event for each filter from the first on, to pairwise distinct events for all; false if none does. */
function choose(sample: SampleKey, chosen: StreamEvent[]): boolean {
  const hits = sample.hits[chosen.length];
  if (hits === undefined) return true;
  for (const event of hits) {
    if (chosen.includes(event)) continue;
    chosen.push(event);
    if (choose(sample, chosen)) return true;
    chosen.pop();
  }
  return false;
}
