// Matched events -> detections.
//
// What needs no order is judged as it comes: the event rules that a predicate alone decides, in index order. What does comes
// in order: the process trees set an event's lineage flags, then come the event rules that have late tests or pipes, and the
// sequence engine. What the programs find goes through their pipes.
//
// Who does not sort all events sorts the shares of each event: what it is to one key of one program, or to one process tree.

import { flaggedUsesOf, type LateTest, type SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import type { ForeignFaultReport } from "../evaluate/foreign-tester.js";
import type { Evidence } from "../event/evidence.js";
import type { EvidenceEvent, MatchedEvent } from "../event/stream-event.js";
import { createLineage, type LineageCounters } from "../lineage/lineage.js";
import type { Reach } from "../lineage/reach.js";
import type { Package } from "../load/load-package.js";
import { createSequenceEngine, type SequenceCounters, type SequenceEngine } from "../sequence/engine.js";
import { hasMatch, isConcerned, mayHold } from "./concern.js";
import type { Detection } from "./detection.js";
import { createLateTester, type LateCounters } from "./late-tests.js";
import { type Ask, PIPE_KEY_LIMIT, passPipes } from "./pipes.js";
import { createRuleStates, type RuleState, type RuleStates } from "./rule-states.js";

export interface JudgeOptions {
  /** Takes the detections. It must neither throw nor call back. */
  readonly onAlert: (detection: Detection) => void;
  /** Is told of each fault of foreign code. */
  readonly onFault?: (fault: ForeignFaultReport) => void;
  /** Whether matches go through the pipes of their rules, which is so when absent. */
  readonly pipes?: boolean;
  /** Caps of the sequence engine, see SequenceEngineOptions. */
  readonly maxPerProgram?: number;
  readonly maxTotal?: number;
  readonly sampleWindowNs?: bigint;
  /** How many processes each tree holds, and how many keys the pipes of a rule remember; 100,000 each when absent. */
  readonly maxProcesses?: number;
  readonly maxPipeKeys?: number;
}

export interface JudgeCounters {
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

export interface Judge {
  /** Takes an event as it comes. */
  judgeAlone(event: MatchedEvent): void;
  /** Takes the next event in order. */
  judgeInOrder(event: MatchedEvent): void;
  /**
   * The same in two steps: the first sets the event's flags, and says whether the second has anything to do; where not, the sequences are told
   * the time alone. The first does not look at the event's bytes unless `asksBytes`.
   */
  judgeLineage(event: MatchedEvent): boolean;
  judgePrograms(event: MatchedEvent): void;
  /** See Lineage; null for a package that asks for no lineage. */
  readonly reach: Reach | null;
  /** The flags of a plain event of a process, see FoundRecord; undefined when the process tree has to be told of it. */
  flagsOf(process: string, ts: bigint): Uint8Array | null | undefined;
  /** Whether a process tree looks at the bytes of an event. */
  asksBytes(event: MatchedEvent): boolean;
  /** The shares of an event, those of the process trees first. */
  forEachShare(event: MatchedEvent, take: (group: number, key: string) => void): void;
  /** Takes the next event of a share. `ensure` is called first with the shares that must have been judged before. */
  judgeShare(group: number, key: string, event: MatchedEvent, ensure: (group: number, key: string) => void): void;
  readonly sequences: Pick<SequenceEngine, "advance" | "dueAt" | "firstHeld" | "reportDue" | "evictOldest" | "finish">;
  /** What is remembered of the rules. */
  readonly states: RuleStates;
  /** Makes a late test of the package, see Detector. */
  readonly ask: Ask;
  counters(): JudgeCounters;
}

/** How a judge's events are ordered, see SequenceEngineOptions. */
export interface JudgeOrder {
  readonly order: "time" | "key" | "arrival";
  readonly latenessNs: bigint;
  readonly evidence: Evidence;
  readonly keptBytes: number;
}

/** A judge for the matches of a package. */
export function createJudge(pack: Package, options: JudgeOptions, order: JudgeOrder): Judge {
  const { onAlert, maxPipeKeys = PIPE_KEY_LIMIT } = options;
  const { heads, programs } = pack;
  const tester = createLateTester(pack, options.onFault);
  const eventPrograms = indexEventPrograms(programs);

  const ask: Ask = (test, event, others) => {
    if (tester === null) throw new RangeError("the package has no late tests");
    return tester.test(test, event, others);
  };

  function holds(test: LateTest, event: MatchedEvent, others: readonly (EvidenceEvent | null)[]): boolean {
    const { stages, lineage } = event;
    if (test.flagged !== undefined && !mayHold(test.flagged, lineage, (one) => hasMatch(stages, one))) return false;
    return ask(test, event, others) !== null;
  }

  const engine = createSequenceEngine(programs, {
    // The engine hands back the objects that it was given.
    onComplete: (index, key, events, atEnd) => match(index, key, events as (EvidenceEvent | null)[], atEnd),
    askLate: (test, event, others) => holds(test, event as MatchedEvent, others as (EvidenceEvent | null)[]),
    ...order,
    ...present("maxPerProgram", options.maxPerProgram),
    ...present("maxTotal", options.maxTotal),
    ...present("sampleWindowNs", options.sampleWindowNs),
  });
  const states = createRuleStates(heads, programs, engine.programs, options.pipes ?? true);
  const lineage =
    pack.lineage.length === 0
      ? null
      : createLineage<MatchedEvent>(pack.lineage, (test, event) => holds(test, event, []), options.maxProcesses);
  const trees = lineage?.trees ?? 0;
  const uses = flaggedUsesOf(pack);
  const testedQueries = pack.lineage.flatMap(({ queries }) => queries.filter(({ late }) => late !== null));

  function alert(state: RuleState, detection: Detection): void {
    state.alerts++;
    onAlert(detection);
  }

  /** A match of a program; it becomes an alert when its pipes let it through. */
  function match(index: number, key: string, events: (EvidenceEvent | null)[], atEnd: boolean): void {
    const program = programs[index];
    const state = states.byProgram[index];
    if (program === undefined || state === undefined) return;
    if (state.pipes !== null && !passPipes(program.pipes, state.pipes, events, ask, maxPipeKeys)) return;
    alert(state, { rule: program.rule, kind: program.kind, key, events, ...(atEnd ? { atEnd } : {}) });
  }

  function judgeEventProgram(index: number, event: MatchedEvent): void {
    const test = programs[index]?.stages[0]?.late ?? null;
    if (test === null || holds(test, event, [])) match(index, "", [event], false);
  }

  /**
   * Under which key an event waits for an event rule. What asks for ancestors needs the order of its host alone, and another host's
   * clock must not hurry it; pipes need the order of all.
   */
  function orderKeyOf(index: number, event: MatchedEvent): string {
    if ((programs[index]?.pipes.length ?? 0) > 0) return "";
    for (let tree = 0; tree < trees; tree++) {
      const host = lineage?.partitionOf(tree, event.stages) ?? null;
      if (host !== null) return host;
    }
    return "";
  }

  function judgeLineage(event: MatchedEvent): boolean {
    lineage?.update(event, event.stages);
    return isConcerned(uses, event);
  }

  function judgePrograms(event: MatchedEvent): void {
    for (const index of programsOf(eventPrograms, event)) judgeEventProgram(index, event);
    engine.accept(event, event.stages);
  }

  return {
    judgeAlone(event) {
      for (const rule of event.rules) {
        const state = states.byRule[rule];
        if (state !== undefined) alert(state, { rule, kind: "event", key: "", events: [event] });
      }
    },
    judgeInOrder(event) {
      if (judgeLineage(event)) judgePrograms(event);
      else engine.advance(event.ts);
    },
    judgeLineage,
    judgePrograms,
    reach: lineage?.reach ?? null,
    flagsOf: (process, ts) => lineage?.flagsOf(process, ts),
    asksBytes: ({ stages }) => testedQueries.some(({ predicate }) => hasMatch(stages, predicate)),
    forEachShare(event, take) {
      for (let tree = 0; tree < trees; tree++) {
        const host = lineage?.partitionOf(tree, event.stages) ?? null;
        if (host !== null) take(programs.length + tree, host);
      }
      for (const index of programsOf(eventPrograms, event)) take(index, orderKeyOf(index, event));
      engine.forEachKey(event, event.stages, take);
    },
    judgeShare(group, key, event, ensure) {
      if (group >= programs.length) {
        lineage?.updateTree(group - programs.length, event, event.stages);
        return;
      }
      for (let tree = 0; tree < trees; tree++) {
        const host = lineage?.partitionOf(tree, event.stages) ?? null;
        if (host !== null) ensure(programs.length + tree, host);
      }
      if (programs[group]?.kind === "event") judgeEventProgram(group, event);
      else engine.acceptKey(group, key, event, event.stages);
    },
    sequences: engine,
    states,
    ask,
    counters: () => ({
      sequences: engine.counters(),
      lateTests: tester?.counters() ?? null,
      pipeKeysForgotten: states.byRule.reduce((sum, { pipes }) => sum + (pipes?.forgotten ?? 0), 0),
      lineage: lineage?.counters() ?? null,
      alerts: states.byRule.reduce((sum, state) => sum + state.alerts, 0),
      alertsByRule: states.byRule.map((state) => state.alerts),
    }),
  };
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
