// Matched events as they arrive -> detections, in an order that only the events decide.
//
// An event waits in the reorder buffer until the watermark has passed it by the allowed lateness. Then what falls due before
// it is reported, and it is judged.
//
// A lane shares nothing with the evaluators whose events it takes: late tests have an instance of their own.
//
// Detections are handed on as they are found, and after some of them the lane pauses, so that whoever takes them can wait
// until there is room for more. What one event completes is never cut in two.
// INVARIANT: neither pauses nor how often the watermark is told change the detections, their order or the counters.

import type { MatchedEvent } from "../event/stream-event.js";
import type { Package } from "../load/load-package.js";
import { createArrivalOrder, createReorder, type Reorder, type ReorderCounters } from "../order/reorder.js";
import { createJudge, type JudgeCounters, type JudgeOptions } from "./judge.js";
import type { Ask } from "./pipes.js";
import type { RuleState } from "./rule-states.js";

/** After so many detections a lane pauses; they are references to events that are in memory already. */
export const PAUSE_AFTER = 256;

export interface LaneOptions extends JudgeOptions {
  /** How late an event may come and still find its place; null for no limit: everything waits, and is sorted. */
  readonly latenessNs: bigint | null;
  /** How many matched events may wait for their order; 1,000,000 when absent, and no limit when everything is sorted. */
  readonly reorderCapacity?: number;
}

export interface LaneCounters extends ReorderCounters, JudgeCounters {}

/** What is done piece by piece: run it to its end, waiting in between as long as need be. */
export type Steps = Generator<void, void, void>;

export interface Lane {
  /** Takes events in the order of their arrival, and the greatest event time seen then; null before the first. */
  take(events: readonly MatchedEvent[], watermark: bigint | null): Steps;
  /** Says that the stream has ended: everything that waits is judged. */
  finish(): Steps;
  /** Makes a late test of the package, see Detector. */
  readonly ask: Ask;
  counters(): LaneCounters;
  /** What is remembered of a rule; undefined for an id that no rule of the package has. */
  stateOf(id: string): RuleState | undefined;
}

const NO_EVENTS: readonly MatchedEvent[] = [];

/** A lane for the matches of a package. */
export function createLane(pack: Package, options: LaneOptions): Lane {
  const { latenessNs, onAlert, order = "time" } = options;
  const reorder = createOrder(options);
  let sincePause = 0;
  const { judge, sequences, states, ask, counters } = createJudge(pack, {
    ...options,
    onAlert(detection) {
      sincePause++;
      onAlert(detection);
    },
  });

  function isPauseDue(): boolean {
    if (sincePause < PAUSE_AFTER) return false;
    sincePause = 0;
    return true;
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
      while (sequences.reportDue(ts)) if (isPauseDue()) yield;
      sequences.advance(ts);
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
      while (sequences.reportDue(watermark - latenessNs)) if (isPauseDue()) yield;
      sequences.advance(watermark - latenessNs);
    },
    *finish() {
      reorder.finish();
      yield* release(NO_EVENTS);
      while (sequences.reportDue(null)) if (isPauseDue()) yield;
      sequences.finish();
    },
    ask,
    counters: () => ({ ...reorder.counters(), ...counters() }),
    stateOf: (id) => states.byId.get(id),
  };
}

function createOrder({ order, latenessNs, reorderCapacity }: LaneOptions): Reorder<MatchedEvent> {
  if (order === "arrival") return createArrivalOrder();
  const capacity = reorderCapacity ?? (latenessNs === null ? Number.POSITIVE_INFINITY : 1_000_000);
  return createReorder({ latenessNs, capacity });
}

function latestOf(ts: bigint, floor: bigint | null): bigint {
  return floor !== null && floor > ts ? floor : ts;
}
