// Sequences, samples and joins (docs/language.md#sequences, #samples, #join) over a whole list of events, written to be
// obvious: it keeps every event and looks through all of them again for each question. The engine must agree with it.
//
// A completion is placed in the stream by its moment: the index of the event that completed it or, when it ends in a
// missing event, of the first event past its deadline; what is due at a moment goes before what is completed at it.

import type { StageMatch, StreamEvent } from "@kestrel/runtime/event/stream-event";
import type { AskLate } from "@kestrel/runtime/sequence/state";
import type { LateTest, SequenceProgram, SequenceStage } from "@kestrel/stdlib/sequence-tables";

export interface ListedEvent {
  readonly event: StreamEvent;
  readonly matches: readonly StageMatch[];
}

export interface Completion {
  readonly program: number;
  readonly key: string;
  readonly events: (StreamEvent | null)[];
}

interface Found extends Completion {
  /** The index of the event that completed it. */
  readonly at: number;
  readonly keyPlace: number;
  readonly deadline: bigint | null;
}

/** One key of one program over all events. */
interface Run {
  readonly program: SequenceProgram;
  readonly index: number;
  readonly key: string;
  readonly events: readonly ListedEvent[];
  readonly ask: AskLate;
}

/** All completions of `programs` over events in final order, in the order a stream reports them. */
export function completeWholeList(
  programs: readonly SequenceProgram[],
  events: readonly ListedEvent[],
  sampleWindowNs: bigint,
  ask: AskLate,
): Completion[] {
  const found: Found[] = [];
  for (const [index, program] of programs.entries()) {
    const predicates = new Set([...program.stages.map((stage) => stage.predicate), program.until?.predicate]);
    const keys = new Set(
      events.flatMap(({ matches }) => matches.filter((m) => predicates.has(m.predicate)).flatMap((m) => m.keys)),
    );
    for (const key of keys) {
      const run: Run = { program, index, key, events, ask };
      if (program.kind === "sample") found.push(...completeSample(run, sampleWindowNs));
      else if (program.kind === "join") found.push(...completeJoin(run));
      else found.push(...completeSequence(run));
    }
  }
  const byCompletion = (a: Found, b: Found): number => a.at - b.at || a.program - b.program || a.keyPlace - b.keyPlace;
  found.sort(byCompletion);
  const momentOf = (one: Found): number => {
    if (one.deadline === null) return one.at;
    for (let at = one.at + 1; at < events.length; at++) {
      const listed = events[at];
      if (listed !== undefined && listed.event.ts > one.deadline) return at;
    }
    return events.length;
  };
  // Stable sorts: among equals the order of completion stays.
  const moments = new Map(found.map((one) => [one, momentOf(one)]));
  return found.sort((a, b) => {
    const byMoment = (moments.get(a) ?? 0) - (moments.get(b) ?? 0);
    if (byMoment !== 0) return byMoment;
    if (a.deadline === null || b.deadline === null)
      return (a.deadline === null ? 1 : 0) - (b.deadline === null ? 1 : 0);
    return a.deadline < b.deadline ? -1 : a.deadline > b.deadline ? 1 : 0;
  });
}

function holds(listed: ListedEvent, predicate: number, key: string): boolean {
  return listed.matches.some((match) => match.predicate === predicate && match.keys.includes(key));
}

/** Whether a term's late test, which reads the event at hand alone, holds as well. */
function holdsTerm(
  { key, ask }: Run,
  listed: ListedEvent,
  { predicate, late }: Pick<SequenceStage, "predicate" | "late">,
): boolean {
  return holds(listed, predicate, key) && (late === null || ask(late, listed.event, []));
}

/** Whether a late test holds beside a partial match, given as places of the positive terms. */
function holdsBeside(
  { program, events, ask }: Run,
  late: LateTest | null,
  listed: ListedEvent,
  done: readonly number[],
): boolean {
  if (late === null) return true;
  const others = late.stages.map((slot) => {
    const term = program.stages.slice(0, slot).filter((stage) => !stage.missing).length;
    return events[done[term] ?? -1]?.event ?? null;
  });
  return ask(late, listed.event, others);
}

function completeSequence(run: Run): Found[] {
  const { program, index, key, events } = run;
  const positive = program.stages.filter((stage) => !stage.missing);
  const found: Found[] = [];
  /** `pending[s]`: indexes of the events that have matched stages 0 to s - 1. */
  const pending: (number[] | null)[] = positive.map(() => null);
  for (const [at, listed] of events.entries()) {
    for (let stage = positive.length - 1; stage >= 0; stage--) {
      const term = positive[stage];
      if (term === undefined || !holds(listed, term.predicate, key)) continue;
      if (stage === 0 && !holdsBeside(run, term.late, listed, [])) continue;
      let done: number[] = [];
      if (stage > 0) {
        const waiting = pending[stage] ?? null;
        if (waiting === null) continue;
        const last = waiting.at(-1) ?? 0;
        const isClosed = events.some((other, place) => {
          const { until, untilFirst } = program;
          if (until === null || !holds(other, until.predicate, key)) return false;
          const isBetween = untilFirst ? last < place && place <= at : last <= place && place < at;
          return isBetween && holdsBeside(run, until.late, other, waiting);
        });
        if (isClosed) {
          pending[stage] = null;
          continue;
        }
        if (!holdsBeside(run, term.late, listed, waiting)) continue;
        if (!term.fork) pending[stage] = null;
        const first = events[waiting[0] ?? 0]?.event;
        if (first === undefined) throw new Error("a partial match without events");
        if (program.maxspanNs !== null && listed.event.ts - first.ts > program.maxspanNs) {
          pending[stage] = null;
          continue;
        }
        done = waiting;
      }
      done = [...done, at];
      if (stage < positive.length - 1) {
        pending[stage + 1] = done;
        continue;
      }
      if (!isKept(run, done)) continue;
      const keyPlace = listed.matches.find((m) => m.predicate === positive[stage]?.predicate)?.keys.indexOf(key) ?? 0;
      const rest = done.map((place) => events[place]?.event ?? null);
      const slots = program.stages.map((term) => (term.missing ? null : (rest.shift() ?? null)));
      const trailing = program.stages.at(-1)?.missing === true && program.maxspanNs !== null;
      const deadline = trailing ? (events[done[0] ?? 0]?.event.ts ?? 0n) + (program.maxspanNs ?? 0n) : null;
      found.push({ program: index, key, events: slots, at, keyPlace, deadline });
    }
  }
  return found;
}

/** Steps 2 and 3 of the rule on missing events. */
function isKept(run: Run, done: readonly number[]): boolean {
  const { program, events } = run;
  const times = done.map((place) => events[place]?.event.ts ?? 0n);
  const firstTs = times[0] ?? 0n;
  const lastTs = times.at(-1) ?? 0n;
  const millis = (ts: bigint): bigint =>
    BigInt.asIntN(64, (ts - (((ts % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n);
  const timesOf = (term: SequenceStage): bigint[] =>
    events.filter((e) => holdsTerm(run, e, term)).map((e) => e.event.ts);
  let lead: bigint | null = null;
  let trail: bigint | null = null;
  let before = 0;
  for (const stage of program.stages) {
    if (!stage.missing) {
      before++;
      continue;
    }
    for (const ts of timesOf(stage)) {
      if (before === 0) {
        if (ts < firstTs && (lead === null || ts > lead)) lead = ts;
      } else if (before === done.length) {
        if (ts > lastTs && (trail === null || ts < trail)) trail = ts;
      } else if (millis(times[before - 1] ?? 0n) < millis(ts) && millis(ts) < millis(times[before] ?? 0n)) {
        return false;
      }
    }
  }
  const maxspan = program.maxspanNs ?? 0n;
  const leading = program.stages[0]?.missing === true;
  const trailing = program.stages.at(-1)?.missing === true;
  return (
    (lead === null && trail === null) ||
    (leading && lead === null) ||
    (trailing && trail === null) ||
    (leading && trailing && lead !== null && trail !== null && trail - lead > maxspan) ||
    (leading && !trailing && lead !== null && lastTs - lead > maxspan) ||
    (trailing && !leading && trail !== null && trail - firstTs > maxspan)
  );
}

function completeJoin(run: Run): Found[] {
  const { program, index, key, events, ask } = run;
  const found: Found[] = [];
  let slots = program.stages.map((): StreamEvent | null => null);
  const close = (listed: ListedEvent): void => {
    const { until } = program;
    if (until === null || !holds(listed, until.predicate, key)) return;
    if (until.late === null || ask(until.late, listed.event, [])) slots = slots.map(() => null);
  };
  for (const [at, listed] of events.entries()) {
    if (program.untilFirst) close(listed);
    for (const [place, term] of program.stages.entries()) {
      if (!holdsTerm(run, listed, term)) continue;
      slots[place] ??= listed.event;
      if (slots.includes(null)) continue;
      const keyPlace = listed.matches.find((m) => m.predicate === term.predicate)?.keys.indexOf(key) ?? 0;
      found.push({ program: index, key, events: slots, at, keyPlace: place * 1000 + keyPlace, deadline: null });
      slots = slots.map(() => null);
    }
    if (!program.untilFirst) close(listed);
  }
  return found;
}

function completeSample(run: Run, window: bigint): Found[] {
  const { program, index, key, events } = run;
  const found: Found[] = [];
  let began: bigint | null = null;
  let alerted = false;
  let hits: StreamEvent[][] = [];
  for (const [at, listed] of events.entries()) {
    const filters = program.stages.filter((stage) => holdsTerm(run, listed, stage));
    if (filters.length === 0) continue;
    if (began === null || listed.event.ts > began + window) {
      began = listed.event.ts;
      alerted = false;
      hits = program.stages.map(() => []);
    }
    if (alerted) continue;
    for (const [filter, stage] of program.stages.entries()) {
      if (holdsTerm(run, listed, stage)) hits[filter]?.push(listed.event);
    }
    const chosen = combinations(hits).find((combination) => new Set(combination).size === combination.length);
    if (chosen === undefined) continue;
    alerted = true;
    const keyPlaces = program.stages.map((stage, filter) => {
      if (!holdsTerm(run, listed, stage)) return Number.POSITIVE_INFINITY;
      const place = listed.matches.find((m) => m.predicate === stage.predicate)?.keys.indexOf(key) ?? -1;
      return place < 0 ? Number.POSITIVE_INFINITY : filter * 1000 + place;
    });
    found.push({ program: index, key, events: chosen, at, keyPlace: Math.min(...keyPlaces), deadline: null });
  }
  return found;
}

function combinations(lists: readonly StreamEvent[][]): StreamEvent[][] {
  return lists.reduce<StreamEvent[][]>((all, list) => all.flatMap((one) => list.map((event) => [...one, event])), [[]]);
}
