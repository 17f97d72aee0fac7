// One event against one sample (docs/language.md#samples): a key alerts once, as soon as each filter has an event
// of its own. A key is forgotten when the window since its first event is over, and may then alert again.
//
// SOUND: N filters need N distinct events, so a filter with N events can always find one that the others leave it: the
// first N of each filter are enough to tell whether a key is complete.

import type { StreamEvent } from "../event/stream-event.js";
import { findKey, HEAD, want } from "./key-table.js";
import { isTerm, type Matches } from "./machine.js";
import { addEntry, drop, dueAfter, enter, NO_STAGE, openKey, type Pending } from "./pending.js";
import { NEVER, type Program, type SampleKey } from "./state.js";

/** Runs one event through a key of a sample, and reports the key when that completes it. */
export function acceptSample(
  pending: Pending,
  program: Program,
  event: StreamEvent,
  key: string,
  matches: Matches,
): void {
  const { predicates, lates } = program.automaton;
  want(pending.keys, key);
  for (let filter = 0; filter < predicates.length; filter++) {
    const late = lates[filter] ?? null;
    if (!isTerm(pending, program, event, key, matches, predicates[filter] ?? -1, late)) continue;
    collect(pending, program, event, filter);
  }
  complete(pending, program, key);
}

function collect(pending: Pending, program: Program, event: StreamEvent, filter: number): void {
  const filters = program.automaton.predicates.length;
  let sample = sampleOf(pending, program);
  if (sample !== null && event.ts > sample.deadline) {
    if (!sample.alerted) pending.expired++;
    drop(pending, entryOf(pending, program));
    sample = null;
  }
  sample ??= open(pending, program, event);
  const hits = sample.hits[filter];
  if (sample.alerted || hits === undefined || hits.length >= filters) return;
  hits.push(pending.evidence.keep(event));
  sample.fresh = true;
}

function open(pending: Pending, program: Program, event: StreamEvent): SampleKey {
  const { span, predicates } = program.automaton;
  const sample: SampleKey = {
    kind: "sample",
    deadline: span === null ? NEVER : event.ts + span,
    hits: Array.from(predicates, () => []),
    fresh: false,
    alerted: false,
  };
  const entry = addEntry(pending, openKey(pending, program), NO_STAGE, 0, event.ts);
  pending.particulars.set(entry, sample);
  enter(pending, program, entry, dueAfter(pending, event, span));
  return sample;
}

/** The entry of the wanted key; 0 for none. */
function entryOf({ keys }: Pending, program: Program): number {
  const place = findKey(keys, program.number);
  return place === 0 ? 0 : (keys.words[place + HEAD] ?? 0);
}

function sampleOf(pending: Pending, program: Program): SampleKey | null {
  const found = pending.particulars.get(entryOf(pending, program));
  return found?.kind === "sample" ? found : null;
}

function complete(pending: Pending, program: Program, key: string): void {
  const sample = sampleOf(pending, program);
  if (sample === null || !sample.fresh) return;
  sample.fresh = false;
  const chosen: number[] = [];
  if (sample.hits.some((hits) => hits.length === 0) || !choose(sample, chosen)) return;
  sample.alerted = true;
  const events = chosen.map(pending.evidence.at);
  for (const hits of sample.hits) {
    for (const place of hits) pending.evidence.letGo(place);
    hits.length = 0;
  }
  pending.completed++;
  pending.onComplete(program.automaton.index, key, events, false);
}

/** Extends `chosen`, one event for each filter from the first on, to pairwise distinct events for all; false if none does. */
function choose(sample: SampleKey, chosen: number[]): boolean {
  const hits = sample.hits[chosen.length];
  if (hits === undefined) return true;
  for (const place of hits) {
    if (chosen.includes(place)) continue;
    chosen.push(place);
    if (choose(sample, chosen)) return true;
    chosen.pop();
  }
  return false;
}
