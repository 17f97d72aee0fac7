// A sequence query over a whole, ordered list of events -> its completed sequences, in the order of their completion.
// The positive terms are a row of stages. For each key there is at most one partial match waiting for each stage; an event
// is shown to the stages from last to first, so that it moves a partial by at most one stage. Missing events are judged
// afterwards, for each sequence that the positive terms completed.

import type { Expr, Sequence, Term } from "@kestrel/compiler/syntax/ast";
import { checkNames } from "./check-names.js";
import { millisecondOf } from "./dates.js";
import type { RefEvent, ReferenceOptions } from "./events.js";
import { type Key, keyFields, keysOf } from "./keys.js";
import { traceLineage } from "./lineage.js";
import { matchesIn } from "./matches.js";
import { type Scope, scopeOf } from "./scope.js";

export interface KeyedEvents {
  readonly key: Key;
  /** One for each slot, `runs` expanded; null in the slot of a missing event. */
  readonly events: readonly (RefEvent | null)[];
}

interface Partial {
  readonly key: Key;
  readonly events: readonly RefEvent[];
}

/** A positive term, or one of its runs. */
interface Stage {
  readonly term: Term;
  /** The name of the event that matches, on the last run only. */
  readonly alias: string | null;
}

/** What every part of a sequence is judged with. */
interface Run {
  readonly query: Sequence;
  readonly stages: readonly Stage[];
  readonly events: readonly RefEvent[];
  readonly options: ReferenceOptions;
  readonly span: bigint | null;
  readonly related: Scope["related"];
}

/** `events` in their order. Throws on sequences that are not valid: `![ ]` without maxspan, or without a positive term. */
export function runSequence(query: Sequence, events: readonly RefEvent[], options: ReferenceOptions): KeyedEvents[] {
  const terms = query.terms.flatMap((term) => new Array<Term>(term.runs).fill(term));
  const positives = query.terms.filter((term) => !term.missing);
  if (positives.length === 0) throw new Error("A sequence must have a positive term");
  if (positives.length < query.terms.length && query.maxspan === null)
    throw new Error("A missing event must have a maxspan");
  if (terms.some((term) => term.fork)) throw new Error("The elastic dialect has no fork");
  checkTerms(query, options);
  const stages = positives.flatMap((term) =>
    Array.from({ length: term.runs }, (_, run) => ({
      term,
      alias: run === term.runs - 1 ? (term.alias?.name ?? null) : null,
    })),
  );
  const span = query.maxspan === null ? null : BigInt(query.maxspan.milliseconds) * 1_000_000n;
  const conditions = [...query.terms, ...(query.until === null ? [] : [query.until])].map((t) => t.query.condition);
  const related = traceLineage(conditions, events, options);
  // An event without a time is within no span of another.
  const placed = span === null ? events : events.filter(({ timed }) => timed);
  const run: Run = { query, stages, events: placed, options, span, related };
  return completions(run)
    .filter((found) => keepsMissing(run, terms, found))
    .map((found) => ({ key: found.key, events: fillSlots(terms, found.events) }));
}

/** Aliases belong to the positive terms; a positive term may use those of earlier ones, and `until` all of them. */
function checkTerms(query: Sequence, options: ReferenceOptions): void {
  const aliases = new Map<string, boolean>();
  for (const term of [...query.terms, ...(query.until === null ? [] : [query.until])]) {
    if (term.alias === null) continue;
    if (term.missing || term === query.until) throw new Error("Only an event that must occur can be named");
    if (aliases.has(term.alias.name)) throw new Error(`The alias ${term.alias.name} names two terms`);
    aliases.set(term.alias.name, false);
  }
  const none = new Map([...aliases.keys()].map((alias) => [alias, false]));
  const check = (expression: Expr, usable: ReadonlyMap<string, boolean>): void =>
    checkNames(expression, { schema: options.schema, aliases: usable, variables: new Map() });
  for (const term of query.terms) {
    check(term.query.condition, term.missing ? none : aliases);
    if (term.alias !== null) aliases.set(term.alias.name, true);
  }
  if (query.until !== null) check(query.until.query.condition, aliases);
  for (const term of query.terms) for (const key of keyFields(query.by, term)) check(key, none);
}

function completions(run: Run): Partial[] {
  const { query, stages, events } = run;
  const completed: Partial[] = [];
  /** `waiting.get(key)[i]` has i events and waits for stage i. */
  const waiting = new Map<string, (Partial | null)[]>();
  const places = new Map(events.map((event, place) => [event, place]));

  for (const event of events) {
    for (let stage = stages.length - 1; stage >= 0; stage--) {
      const term = stages[stage]?.term;
      if (term === undefined) continue;
      for (const key of keysOf(keyFields(query.by, term), event, run.options.schema)) {
        const row = waiting.get(key.id) ?? new Array<Partial | null>(stages.length).fill(null);
        waiting.set(key.id, row);
        const before = stage === 0 ? { key, events: [] } : (row[stage] ?? null);
        if (before === null || !matchesIn(term.query, scopeWith(run, before, event))) continue;
        row[stage] = null;
        if (stage > 0 && !mayAdvance(before, event)) continue;
        const next = { key, events: [...before.events, event] };
        if (stage === stages.length - 1) completed.push(next);
        else row[stage + 1] = next;
      }
    }
  }
  return completed;

  function mayAdvance(partial: Partial, event: RefEvent): boolean {
    const first = partial.events[0] ?? event;
    const last = partial.events.at(-1) ?? event;
    if (run.span !== null && event.ts - first.ts > run.span) return false;
    // An `until` event ends what waits when it comes or begins with it, but not what it itself completes.
    const between = events.slice(places.get(last), places.get(event));
    return !between.some((other) => endsPartial(run, partial, other));
  }
}

function endsPartial(run: Run, partial: Partial, event: RefEvent): boolean {
  const { until, by } = run.query;
  if (until === null || !matchesIn(until.query, scopeWith(run, partial, event))) return false;
  return keysOf(keyFields(by, until), event, run.options.schema).some((key) => key.id === partial.key.id);
}

/** An event, judged beside the events that a partial match has. */
function scopeWith(run: Run, partial: Partial, event: RefEvent): Scope {
  const aliases = new Map<string, RefEvent | null>();
  for (const [place, { alias }] of run.stages.entries()) {
    if (alias !== null) aliases.set(alias, partial.events[place] ?? null);
  }
  return { ...scopeOf(event, run.options), aliases, related: run.related };
}

/** Whether the missing terms allow a completed sequence (docs/language.md#missing-events). */
function keepsMissing(run: Run, terms: readonly Term[], found: Partial): boolean {
  const { query, events, options, related } = run;
  const span = run.span ?? 0n;
  const first = found.events[0];
  const last = found.events.at(-1);
  if (first === undefined || last === undefined) return false;
  const firstPositive = terms.findIndex((term) => !term.missing);
  const lastPositive = terms.findLastIndex((term) => !term.missing);
  const sameKey = (term: Term): RefEvent[] =>
    events.filter(
      (event) =>
        matchesIn(term.query, { ...scopeOf(event, options), related }) &&
        keysOf(keyFields(query.by, term), event, options.schema).some((key) => key.id === found.key.id),
    );

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
