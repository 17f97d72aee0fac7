// Matched events as they arrive -> detections, in an order that only the events decide.
//
// An event waits in the reorder buffer until the watermark has passed it by the allowed lateness. Then it goes its way: what
// falls due before it is reported, the process trees set its lineage flags, then come the event rules, in index order; the
// event rules that have late tests or pipes; and the sequence engine. What the programs find goes through their pipes.
//
// A lane shares nothing with the evaluators whose events it takes: late tests have an instance of their own.
//
// Detections are handed on as they are found, and after some of them the lane pauses, so that whoever takes them can wait
// until there is room for more. What one event completes is never cut in two.
// INVARIANT: neither pauses nor how often the watermark is told change the detections, their order or the counters.

import type { LateTest, SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import type { EvidenceEvent, MatchedEvent } from "../event/stream-event.js";
import { createLineage, type LineageCounters } from "../lineage/lineage.js";
import type { Package } from "../load/load-package.js";
import { createArrivalOrder, createReorder } from "../order/reorder.js";
import { createSequenceEngine, type SequenceCounters } from "../sequence/engine.js";
import type { Detection } from "./detection.js";
import { createLateTester, type LateCounters } from "./late-tests.js";
import { PIPE_KEY_LIMIT, passPipes } from "./pipes.js";
import { createRuleStates, type RuleState } from "./rule-states.js";

/** After so many detections a lane pauses; they are references to events that are in memory already. */
export const PAUSE_AFTER = 256;

export interface LaneOptions {
  /** How late an event may come and still find its place; null for no limit: everything waits, and is sorted. */
  readonly latenessNs: bigint | null;
  /** Takes the detections. It must neither throw nor call back into the lane. */
  readonly onAlert: (detection: Detection) => void;
  /**
   * What the order of events is: their time, tiebreaker and arrival, which is so when absent, or their arrival alone, as
   * the endgame dialect has it. Then nothing waits, and event time decides maxspan and nothing else.
   */
  readonly order?: "time" | "arrival";
  /** Whether matches go through the pipes of their rules, which is so when absent. */
  readonly pipes?: boolean;
  /** How many matched events may wait for their order; 1,000,000 when absent, and no limit when everything is sorted. */
  readonly reorderCapacity?: number;
  /** Caps of the sequence engine, see SequenceEngineOptions. */
  readonly maxPerProgram?: number;
  readonly maxTotal?: number;
  readonly sampleWindowNs?: bigint;
  /** How many processes each tree holds, and how many keys the pipes of a rule remember; 100,000 each when absent. */
  readonly maxProcesses?: number;
  readonly maxPipeKeys?: number;
}

export interface LaneCounters {
  /** Matched events that came later than was allowed, and those released early because too many waited. */
  readonly late: number;
  readonly overflowed: number;
  readonly waiting: number;
  readonly sequences: SequenceCounters;
  /** Of the late tests; null for a package that has none. */
  readonly lateTests: LateCounters | null;
  /** Keys that the pipes of rules forgot because of their cap. */
  readonly pipeKeysForgotten: number;
  /** Of the process trees; null for a package that asks for no lineage. */
  readonly lineage: LineageCounters | null;
  readonly alerts: number;
  /** By rule index. */
  readonly alertsByRule: readonly number[];
}

/** What is done piece by piece: run it to its end, waiting in between as long as need be. */
export type Steps = Generator<void, void, void>;

export interface Lane {
  /** Takes events in the order of their arrival, and the greatest event time seen then; null before the first. */
  take(events: readonly MatchedEvent[], watermark: bigint | null): Steps;
  /** Says that the stream has ended: everything that waits is judged. */
  finish(): Steps;
  /** Makes a late test of the package, see Detector. */
  ask(test: LateTest, event: EvidenceEvent, others: readonly (EvidenceEvent | null)[]): readonly string[] | null;
  counters(): LaneCounters;
  /** What is remembered of a rule; undefined for an id that no rule of the package has. */
  stateOf(id: string): RuleState | undefined;
}

const NO_EVENTS: readonly MatchedEvent[] = [];

/** A lane for the matches of a package. */
export function createLane(pack: Package, options: LaneOptions): Lane {
  const { latenessNs, onAlert, order = "time", maxPipeKeys = PIPE_KEY_LIMIT } = options;
  const { manifest, programs } = pack;
  const tester = createLateTester(pack);
  const eventPrograms = indexEventPrograms(programs);
  let alerts = 0;
  let sincePause = 0;

  const engine = createSequenceEngine(programs, {
    // The engine hands back the objects that it was given.
    onComplete: (index, key, events) => match(index, key, events as (EvidenceEvent | null)[]),
    askLate: (test, event, others) => holds(test, event as EvidenceEvent, others as (EvidenceEvent | null)[]),
    order,
    ...present("maxPerProgram", options.maxPerProgram),
    ...present("maxTotal", options.maxTotal),
    ...present("sampleWindowNs", options.sampleWindowNs),
  });
  const states = createRuleStates(manifest, programs, engine.programs, options.pipes ?? true);
  const lineage =
    pack.lineage.length === 0
      ? null
      : createLineage<MatchedEvent>(pack.lineage, (test, event) => holds(test, event, []), options.maxProcesses);
  const reorder =
    order === "arrival"
      ? createArrivalOrder<MatchedEvent>()
      : createReorder<MatchedEvent>({
          latenessNs,
          capacity: options.reorderCapacity ?? (latenessNs === null ? Number.POSITIVE_INFINITY : 1_000_000),
        });

  function ask(
    test: LateTest,
    event: EvidenceEvent,
    others: readonly (EvidenceEvent | null)[],
  ): readonly string[] | null {
    if (tester === null) throw new RangeError("the package has no late tests");
    return tester.test(test, event, others);
  }

  function holds(test: LateTest, event: EvidenceEvent, others: readonly (EvidenceEvent | null)[]): boolean {
    return ask(test, event, others) !== null;
  }

  function alert(state: RuleState, detection: Detection): void {
    alerts++;
    sincePause++;
    state.alerts++;
    onAlert(detection);
  }

  /** A match of a program; it becomes an alert when its pipes let it through. */
  function match(index: number, key: string, events: (EvidenceEvent | null)[]): void {
    const program = programs[index];
    const state = states.byProgram[index];
    if (program === undefined || state === undefined) return;
    if (state.pipes !== null && !passPipes(program.pipes, state.pipes, events, ask, maxPipeKeys)) return;
    alert(state, { rule: program.rule, kind: program.kind, key, events });
  }

  function judge(event: MatchedEvent): void {
    if (lineage !== null) lineage.update(event, event.stages);
    for (const rule of event.rules) {
      const state = states.byRule[rule];
      if (state !== undefined) alert(state, { rule, kind: "event", key: "", events: [event] });
    }
    if (event.stages.length === 0) return;
    for (const index of programsOf(eventPrograms, event)) {
      const test = programs[index]?.stages[0]?.late ?? null;
      if (test === null || holds(test, event, [])) match(index, "", [event]);
    }
    engine.accept(event, event.stages);
  }

  function isPauseDue(): boolean {
    if (sincePause < PAUSE_AFTER) return false;
    sincePause = 0;
    return true;
  }

  /** Moves the time of the sequences on. */
  function* advance(ts: bigint): Steps {
    while (engine.reportDue(ts)) if (isPauseDue()) yield;
    engine.advance(ts);
  }

  /** Pushes the events, and judges those that are due. */
  function* release(arriving: readonly MatchedEvent[]): Steps {
    for (let at = 0; ; ) {
      const event = reorder.next();
      if (event === null) {
        const next = arriving[at++];
        if (next === undefined) return;
        reorder.push(next);
        continue;
      }
      // What falls due before this event is reported before it; of a late one that is the time it was too late for.
      const ts = latestOf(event.ts, latenessNs === null ? null : event.watermark - latenessNs);
      while (engine.reportDue(ts)) if (isPauseDue()) yield;
      engine.advance(ts);
      judge(event);
      if (isPauseDue()) yield;
    }
  }

  return {
    *take(events, watermark) {
      yield* release(events);
      if (latenessNs === null || order === "arrival" || watermark === null) return;
      reorder.advance(watermark);
      yield* release(NO_EVENTS);
      yield* advance(watermark - latenessNs);
    },
    *finish() {
      reorder.finish();
      yield* release(NO_EVENTS);
      while (engine.reportDue(null)) if (isPauseDue()) yield;
      engine.finish();
    },
    ask,
    counters: () => ({
      ...reorder.counters(),
      sequences: engine.counters(),
      lateTests: tester?.counters() ?? null,
      pipeKeysForgotten: states.byRule.reduce((sum, { pipes }) => sum + (pipes?.forgotten ?? 0), 0),
      lineage: lineage?.counters() ?? null,
      alerts,
      alertsByRule: states.byRule.map((state) => state.alerts),
    }),
    stateOf: (id) => states.byId.get(id),
  };
}

function latestOf(ts: bigint, floor: bigint | null): bigint {
  return floor !== null && floor > ts ? floor : ts;
}

/** For each predicate the programs of event rules that it decides, in index order; undefined where there are none. */
function indexEventPrograms(programs: readonly SequenceProgram[]): readonly (readonly number[] | undefined)[] {
  const uses: (number[] | undefined)[] = [];
  for (const [index, { kind, stages }] of programs.entries()) {
    const predicate = stages[0]?.predicate;
    if (kind !== "event" || predicate === undefined) continue;
    const found = uses[predicate] ?? [];
    uses[predicate] = found;
    found.push(index);
  }
  return uses;
}

const NO_PROGRAMS: readonly number[] = [];

/** The programs of event rules that an event concerns, in index order. */
function programsOf(uses: readonly (readonly number[] | undefined)[], { stages }: MatchedEvent): readonly number[] {
  let concerned = NO_PROGRAMS;
  for (const { predicate } of stages) {
    const more = uses[predicate];
    if (more !== undefined) concerned = concerned.length === 0 ? more : [...concerned, ...more].sort((a, b) => a - b);
  }
  return concerned;
}

/** An optional option, left out when it is undefined. */
function present<Name extends string, Value>(name: Name, value: Value | undefined): { [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]?: Value });
}
