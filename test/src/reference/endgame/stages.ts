// Sequences, joins and samples of the endgame dialect over a stream in the order of its arrival -> what they find.

import type { Expr, Join, Sample, Sequence, Term } from "@kestrel/compiler/syntax/ast";
import { millisecondOf } from "../dates.js";
import type { ReferenceOptions } from "../events.js";
import { chooseFromAll, chooseInStream, type Hit } from "../sample-choice.js";
import { evaluate } from "./evaluate.js";
import type { EndgameEvent } from "./events.js";
import { type Answers, matches } from "./lineage.js";
import { compareKeys } from "./order.js";
import { type Data, identity } from "./values.js";

export interface Found {
  readonly key: readonly Data[];
  /** null in the slot of a missing event. */
  readonly events: readonly (EndgameEvent | null)[];
}

interface Partial {
  readonly key: readonly Data[];
  readonly events: readonly EndgameEvent[];
}

interface Stream {
  readonly events: readonly EndgameEvent[];
  readonly answers: Answers;
}

/**
 * For each key there is at most one partial match waiting for each stage. An `until` event drops those of its key before
 * the stages see it; the stages see an event from last to first, so that it moves a partial by at most one stage.
 * Throws on `![ ]` without maxspan, or without a positive term.
 */
export function runSequence(query: Sequence, all: Stream): Found[] {
  const { terms } = query;
  const stages = terms.filter((term) => !term.missing);
  if (stages.length === 0) throw new Error("A sequence must have a positive term");
  if (stages.length < terms.length && query.maxspan === null) throw new Error("A missing event must have a maxspan");
  const span = query.maxspan === null ? null : BigInt(query.maxspan.milliseconds) * 1_000_000n;
  // An event without a time is within no span of another.
  const stream = span === null ? all : { ...all, events: all.events.filter(({ timed }) => timed) };
  const completed: Partial[] = [];
  /** `waiting.get(key)[i]` has i events and waits for stage i. */
  const waiting = new Map<string, (Partial | null)[]>();

  for (const event of stream.events) {
    const ended = query.until === null ? null : keyIfMatching(query.by, query.until, event, stream.answers);
    if (ended !== null) waiting.delete(identity(ended));
    for (let stage = stages.length - 1; stage >= 0; stage--) {
      const term = stages[stage];
      const key = term === undefined ? null : keyIfMatching(query.by, term, event, stream.answers);
      if (key === null) continue;
      const row = waiting.get(identity(key)) ?? new Array<Partial | null>(stages.length).fill(null);
      waiting.set(identity(key), row);
      const before = row[stage] ?? null;
      if (stage > 0 && before === null) continue;
      const first = before?.events[0] ?? event;
      const inTime = span === null || event.ts - first.ts <= span;
      // A forked stage keeps what it copies, unless its time is over.
      if (term?.fork !== true || !inTime) row[stage] = null;
      if (!inTime) continue;
      const next = { key: before?.key ?? key, events: [...(before?.events ?? []), event] };
      if (stage === stages.length - 1) completed.push(next);
      else row[stage + 1] = next;
    }
  }
  return completed
    .filter((found) => keepsMissing(query, span ?? 0n, found, stream))
    .map(({ key, events }) => {
      let next = 0;
      return { key, events: terms.map((term) => (term.missing ? null : (events[next++] ?? null))) };
    });
}

/** For each key one slot for each term. The first event takes a slot, and may take several. */
export function runJoin(query: Join, stream: Stream): Found[] {
  const found: Found[] = [];
  const rows = new Map<string, (EndgameEvent | null)[]>();
  for (const event of stream.events) {
    const ended = query.until === null ? null : keyIfMatching(query.by, query.until, event, stream.answers);
    if (ended !== null) rows.delete(identity(ended));
    for (const [slot, term] of query.terms.entries()) {
      const key = keyIfMatching(query.by, term, event, stream.answers);
      if (key === null) continue;
      const row = rows.get(identity(key)) ?? query.terms.map(() => null);
      rows.set(identity(key), row);
      row[slot] ??= event;
      if (row.includes(null)) continue;
      found.push({ key, events: row });
      rows.delete(identity(key));
    }
  }
  return found;
}

/** As in the elastic dialect, over a whole file or, with a window, in a stream. */
export function runSample(query: Sample, stream: Stream, options: ReferenceOptions): Found[] {
  const hits: Hit<EndgameEvent, readonly Data[]>[] = [];
  for (const event of stream.events) {
    for (const [slot, term] of query.terms.entries()) {
      const key = keyIfMatching(query.by, term, event, stream.answers);
      if (key !== null) hits.push({ event, term: slot, key, id: identity(key) });
    }
  }
  const { maxSamplesPerKey = 1, sampleWindowNs } = options;
  if (sampleWindowNs !== undefined) return chooseInStream(hits, query.terms.length, sampleWindowNs);
  return chooseFromAll(hits, query.terms.length, maxSamplesPerKey).sort((a, b) => compareKeys(a.key, b.key));
}

/** The values of the keys that all terms share, then of the term's own. */
function keyIfMatching(by: readonly Expr[], term: Term, event: EndgameEvent, answers: Answers): Data[] | null {
  const answered = answers.get(event) ?? new Map();
  if (!matches(term.query, event, answered)) return null;
  const scope = {
    event: event.data,
    events: null,
    variables: new Map<string, Data>(),
    related: (lineage: Parameters<typeof answered.get>[0]): boolean => answered.get(lineage) ?? false,
  };
  return [...by, ...term.by].map((key) => evaluate(key, scope));
}

/** Whether the missing terms allow a completed sequence (docs/language.md#missing-events). */
function keepsMissing({ by, terms }: Sequence, span: bigint, found: Partial, { events, answers }: Stream): boolean {
  const first = found.events[0];
  const last = found.events.at(-1);
  if (first === undefined || last === undefined) return false;
  const firstPositive = terms.findIndex((term) => !term.missing);
  const lastPositive = terms.findLastIndex((term) => !term.missing);
  let positives = 0;
  let lead: bigint | null = null;
  let trail: bigint | null = null;
  for (const [slot, term] of terms.entries()) {
    if (!term.missing) {
      positives++;
      continue;
    }
    const times = events
      .filter((event) => {
        const key = keyIfMatching(by, term, event, answers);
        return key !== null && identity(key) === identity(found.key);
      })
      .map(({ ts }) => ts);
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
  if (firstPositive > 0 && lead === null) return true;
  if (lastPositive < terms.length - 1 && trail === null) return true;
  if (lead !== null && trail !== null) return trail - lead > span;
  if (lead !== null) return last.ts - lead > span;
  if (trail !== null) return trail - first.ts > span;
  return true;
}
