// A sequence query over a whole, ordered list of events -> its completed sequences, in the order of their completion.
// The positive terms are a row of stages. For each key there is at most one partial match waiting for each stage; an event
// is shown to the stages from last to first, so that it moves a partial by at most one stage. Missing events are judged
// afterwards, for each sequence that the positive terms completed.

import type { Expr, Sequence, Term } from "@kestrel/compiler/syntax/ast";
import { millisecondOf } from "./dates.js";
import { Unsupported } from "./evaluate.js";
import type { RefEvent, ReferenceOptions } from "./events.js";
import { type Key, keyFields, keysOf } from "./keys.js";
import { matches } from "./matches.js";

export interface KeyedEvents {
  readonly key: Key;
  /** One for each slot, `runs` expanded; null in the slot of a missing event. */
  readonly events: readonly (RefEvent | null)[];
}

interface Partial {
  readonly key: Key;
  readonly events: readonly RefEvent[];
}

/** `events` in their order. Throws on sequences that are not valid: `![ ]` without maxspan, or without a positive term. */
export function runSequence(query: Sequence, events: readonly RefEvent[], options: ReferenceOptions): KeyedEvents[] {
  const terms = query.terms.flatMap((term) => new Array<Term>(term.runs).fill(term));
  const stages = terms.filter((term) => !term.missing);
  if (stages.length === 0) throw new Error("A sequence must have a positive term");
  if (stages.length < terms.length && query.maxspan === null) throw new Error("A missing event must have a maxspan");
  if (terms.some((term) => term.fork)) throw new Unsupported("fork is not interpreted");
  const span = query.maxspan === null ? null : BigInt(query.maxspan.milliseconds) * 1_000_000n;
  return completions(query, stages, span, events, options)
    .filter((found) => keepsMissing(query.by, terms, span ?? 0n, found, events, options))
    .map((found) => ({ key: found.key, events: fillSlots(terms, found.events) }));
}

function completions(
  query: Sequence,
  stages: readonly Term[],
  span: bigint | null,
  events: readonly RefEvent[],
  options: ReferenceOptions,
): Partial[] {
  const completed: Partial[] = [];
  /** `waiting.get(key)[i]` has i events and waits for stage i. */
  const waiting = new Map<string, (Partial | null)[]>();
  /** For each key the place, in the order of events, of the newest `until` event. */
  const ended = new Map<string, number>();
  const places = new Map(events.map((event, place) => [event, place]));

  for (const [place, event] of events.entries()) {
    for (let stage = stages.length - 1; stage >= 0; stage--) {
      for (const key of keysIfMatching(query.by, stages[stage], event, options)) {
        const row = waiting.get(key.id) ?? new Array<Partial | null>(stages.length).fill(null);
        waiting.set(key.id, row);
        let next: Partial | null = { key, events: [event] };
        if (stage > 0) {
          const before = row[stage] ?? null;
          row[stage] = null;
          next = before !== null && mayAdvance(before, event) ? { key, events: [...before.events, event] } : null;
        }
        if (next === null) continue;
        if (stage === stages.length - 1) completed.push(next);
        else row[stage + 1] = next;
      }
    }
    // Recorded after the stages: an `until` event ends only what it does not itself complete.
    if (query.until !== null) {
      for (const key of keysIfMatching(query.by, query.until, event, options)) ended.set(key.id, place);
    }
  }
  return completed;

  function mayAdvance(partial: Partial, event: RefEvent): boolean {
    const first = partial.events[0] ?? event;
    const last = partial.events.at(-1) ?? event;
    if ((ended.get(partial.key.id) ?? -1) >= (places.get(last) ?? 0)) return false;
    return span === null || event.ts - first.ts <= span;
  }
}

function keysIfMatching(
  by: readonly Expr[],
  term: Term | undefined,
  event: RefEvent,
  options: ReferenceOptions,
): Key[] {
  if (term === undefined || !matches(term.query, event, options)) return [];
  return keysOf(keyFields(by, term), event, options.schema);
}

/** Section 9 of the language reference: whether the missing terms allow a completed sequence. */
function keepsMissing(
  by: readonly Expr[],
  terms: readonly Term[],
  span: bigint,
  found: Partial,
  events: readonly RefEvent[],
  options: ReferenceOptions,
): boolean {
  const first = found.events[0];
  const last = found.events.at(-1);
  if (first === undefined || last === undefined) return false;
  const firstPositive = terms.findIndex((term) => !term.missing);
  const lastPositive = terms.findLastIndex((term) => !term.missing);
  const sameKey = (term: Term): RefEvent[] =>
    events.filter((event) => keysIfMatching(by, term, event, options).some((key) => key.id === found.key.id));

  let positives = 0;
  let lead: bigint | null = null;
  let trail: bigint | null = null;
  for (const [slot, term] of terms.entries()) {
    if (!term.missing) {
      positives++;
      continue;
    }
    const times = sameKey(term).map((event) => event.ts);
    if (slot < firstPositive) {
      for (const ts of times) if (ts < first.ts && (lead === null || ts > lead)) lead = ts;
    } else if (slot > lastPositive) {
      for (const ts of times) if (ts > last.ts && (trail === null || ts < trail)) trail = ts;
    } else {
      const from = millisecondOf((found.events[positives - 1] ?? first).ts);
      const to = millisecondOf((found.events[positives] ?? last).ts);
      if (times.some((ts) => from < millisecondOf(ts) && millisecondOf(ts) < to)) return false;
    }
  }

  const leads = firstPositive > 0;
  const trails = lastPositive < terms.length - 1;
  if (leads && lead === null) return true;
  if (trails && trail === null) return true;
  if (lead !== null && trail !== null) return trail - lead > span;
  if (lead !== null) return last.ts - lead > span;
  if (trail !== null) return trail - first.ts > span;
  return true;
}

function fillSlots(terms: readonly Term[], events: readonly RefEvent[]): (RefEvent | null)[] {
  let next = 0;
  return terms.map((term) => (term.missing ? null : (events[next++] ?? null)));
}
