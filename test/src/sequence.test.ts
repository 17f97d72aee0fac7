// The sequence engine against its text cases, against the obvious one of support/sequence-whole-list.ts, and against
// itself; and the tables.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { compareEvents, type StageMatch } from "@kestrel/runtime/event/stream-event";
import { type ClockedEvent, createKeyOrder } from "@kestrel/runtime/order/key-order";
import { createSequenceEngine, type SequenceCounters } from "@kestrel/runtime/sequence/engine";
import type { AskLate } from "@kestrel/runtime/sequence/state";
import {
  flagCount,
  type LateTest,
  type LineageProgram,
  type PipeProgram,
  programFromJson,
  programToJson,
  type SequenceProgram,
  type SequenceStage,
  type SequenceTables,
  type TableContext,
  tableProblems,
} from "@kestrel/stdlib/sequence-tables";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  SEQUENCE,
  type SequenceCase,
  type Step,
  scriptedTests,
  sequenceCase,
  showCompletion,
  showCounters,
} from "./support/sequence-cases.js";
import { completeWholeList, type ListedEvent } from "./support/sequence-whole-list.js";
import { openTextCases } from "./support/text-cases.js";

const CASES = new URL("../cases/sequence/", import.meta.url);
const CORPUS = new URL("../../../shared/corpora/eql/", import.meta.url);
const HOUR = 3_600_000_000_000n;

interface Outcome {
  readonly completions: string[];
  readonly counters: SequenceCounters;
}

function run(one: Pick<SequenceCase, "programs" | "options" | "steps">, askLate: AskLate): Outcome {
  const completions: string[] = [];
  const engine = createSequenceEngine(one.programs, {
    ...one.options,
    askLate,
    onComplete: (program, key, events) => completions.push(showCompletion(one.programs.length, program, key, events)),
  });
  for (const step of one.steps) {
    if (step.kind === "event") engine.accept(step.event, step.matches);
    else if (step.kind === "advance") engine.advance(step.ts);
    else engine.finish();
  }
  return { completions, counters: engine.counters() };
}

/** The events of steps that are in order; null when some event comes late, also against an advance. */
function listInOrder(steps: readonly Step[]): ListedEvent[] | null {
  const listed: ListedEvent[] = [];
  let clock: bigint | null = null;
  for (const step of steps) {
    const ts = step.kind === "event" ? step.event.ts : step.kind === "advance" ? step.ts : null;
    if (ts === null) continue;
    if (step.kind === "event") {
      if (clock !== null && ts < clock) return null;
      listed.push(step);
    }
    clock = clock === null || ts > clock ? ts : clock;
  }
  return listed;
}

function listArrivals(steps: readonly Step[]): ListedEvent[] {
  return steps.flatMap((step) => (step.kind === "event" ? [step] : []));
}

const cases = suite("sequence cases");
for (const file of readdirSync(CASES).sort()) {
  const open = openTextCases(new URL(file, CASES), SEQUENCE);
  for (const text of open.cases) {
    cases(`${file}: ${text.title}`, () => {
      const one = sequenceCase(text);
      const ask = scriptedTests(one);
      const { completions, counters } = run(one, ask);
      open.expect(one.gives, completions.join("\n") || "nothing", text.title);
      if (one.counters !== null) open.expect(one.counters, showCounters(one.counters, { ...counters }), text.title);
      assert.equal(one.programs.map(throughJson), one.programs);

      const listed = one.options.order === "arrival" ? listArrivals(one.steps) : listInOrder(one.steps);
      if (listed === null || one.options.maxPerProgram !== undefined || one.options.maxTotal !== undefined) return;
      // Without the advances, but to the end of the stream: what time alone brings comes with the end.
      const steps: Step[] = [...listed.map((step) => ({ kind: "event" as const, ...step })), { kind: "finish" }];
      const full = run({ ...one, steps }, ask);
      const whole = completeWholeList(one.programs, listed, one.options.sampleWindowNs ?? HOUR, ask);
      assert.equal(
        full.completions,
        whole.map((c) => showCompletion(one.programs.length, c.program, c.key, c.events)),
        "the whole-list reading agrees",
      );
    });
  }
  cases(`${file}: as expected`, open.finish);
}
cases.run();

/** A small seeded generator (mulberry32): the same numbers on every run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

const PREDICATES = 6;
const LATES = 4;

function stageOf(predicate: number, more: Partial<SequenceStage> = {}): SequenceStage {
  return { predicate, missing: false, fork: false, late: null, ...more };
}

function programOf(program: Partial<SequenceProgram> & Pick<SequenceProgram, "rule" | "stages">): SequenceProgram {
  return { kind: "sequence", maxspanNs: null, until: null, untilFirst: false, pipes: [], ...program };
}

/** Holds in two of three cases, depending on everything that the test may look at. */
const askAnyhow: AskLate = ({ predicate }, event, others) => {
  const read = others.reduce((sum, other) => sum * 31 + (other?.ordinal ?? 17), event.ordinal);
  return (Math.imul(read * 7 + predicate, 0x9e3779b1) >>> 8) % 3 > 0;
};

function randomProgram(random: (below: number) => number, rule: number): SequenceProgram {
  const kind = random(7);
  const lateOf = (stages: readonly number[]): LateTest | null =>
    random(4) === 0 ? { predicate: 100 + random(LATES), stages: stages.filter(() => random(2) === 0) } : null;
  if (kind < 2) {
    const stages = Array.from({ length: 2 + random(2) }, () => stageOf(random(PREDICATES), { late: lateOf([]) }));
    if (kind === 0) return programOf({ rule, kind: "sample", stages });
    const until = random(2) === 0 ? { predicate: random(PREDICATES), late: lateOf([]) } : null;
    return programOf({ rule, kind: "join", stages, until, untilFirst: random(2) === 0 });
  }
  const allowMissing = random(2) === 0;
  const stages: SequenceStage[] = [];
  const positives: number[] = [];
  for (let left = 1 + random(5); left > 0 || positives.length === 0; left--) {
    const missing = allowMissing && left > 0 && random(5) < 2;
    const late = lateOf(missing ? [] : positives);
    if (!missing) positives.push(stages.length);
    stages.push(stageOf(random(PREDICATES), { missing, late, fork: !missing && random(5) === 0 }));
  }
  const missing = stages.some((stage) => stage.missing);
  const spans = [1_000_000n, 3_500_000n, 8_000_000n, 20_000_000n];
  const maxspanNs = missing || random(3) > 0 ? (spans[random(spans.length)] ?? 1n) : null;
  const until = random(3) === 0 ? { predicate: random(PREDICATES), late: lateOf(positives) } : null;
  return programOf({ rule, maxspanNs, stages, until, untilFirst: random(2) === 0 });
}

function randomEvents(random: (below: number) => number, count: number): ListedEvent[] {
  const listed: ListedEvent[] = [];
  let ts = BigInt(random(2)) * -10_000_000n;
  let tie: bigint | null = 0n;
  const keySets = [["x"], ["x"], ["y"], ["x", "y"], ["y", "x", "z"], []];
  for (let ordinal = 1; ordinal <= count; ordinal++) {
    const steps = [0n, 0n, 100_000n, 900_000n, 1_000_000n, 1_000_000n, 2_500_000n];
    const step = steps[random(steps.length)] ?? 0n;
    ts += step;
    tie = step > 0n ? BigInt(random(3)) : tie === null || random(3) === 0 ? null : tie + BigInt(random(2));
    const matches: StageMatch[] = [];
    for (let predicate = 0; predicate < PREDICATES; predicate++) {
      if (random(3) === 0) matches.push({ predicate, keys: keySets[random(keySets.length)] ?? [] });
    }
    listed.push({ event: { ordinal, ts, tie }, matches });
  }
  return listed;
}

const properties = suite("sequence properties");

properties("agrees with the whole-list reading, however often time is advanced", () => {
  const sampleWindowNs = 9_000_000n;
  let total = 0;
  for (let seed = 1; seed <= 1500; seed++) {
    const random = createRandom(seed);
    const programs = Array.from({ length: 1 + random(4) }, (_, rule) => randomProgram(random, rule));
    const listed = randomEvents(random, 10 + random(40));
    const whole = completeWholeList(programs, listed, sampleWindowNs, askAnyhow).map((c) =>
      showCompletion(programs.length, c.program, c.key, c.events),
    );
    for (const often of [0, 1]) {
      const steps: Step[] = [];
      for (const one of listed) {
        if (often > 0 && random(2) === 0) steps.push({ kind: "advance", ts: one.event.ts - BigInt(random(1_500_000)) });
        if (often > 0 && random(3) === 0) steps.push({ kind: "advance", ts: one.event.ts });
        steps.push({ kind: "event", ...one });
      }
      steps.push({ kind: "finish" });
      const { completions, counters } = run({ programs, options: { sampleWindowNs }, steps }, askAnyhow);
      assert.equal(
        completions,
        whole,
        `seed ${seed}: ${JSON.stringify(programs, (_, v) => (typeof v === "bigint" ? `${v}` : v))}`,
      );
      assert.is(counters.pending, 0);
      assert.is(counters.keys, 0);
      assert.is(counters.evicted, 0);
    }
    total += whole.length;
  }
  assert.ok(total > 10_000, `only ${total} completions were compared`);
});

properties("caps are kept, and what they evict does not depend on how often time is advanced", () => {
  let evicted = 0;
  for (let seed = 1; seed <= 600; seed++) {
    const random = createRandom(seed);
    const programs = Array.from({ length: 1 + random(4) }, (_, rule) => randomProgram(random, rule));
    const listed = randomEvents(random, 60);
    const options = { maxPerProgram: 1 + random(3), maxTotal: 1 + random(6), sampleWindowNs: 5_000_000n };
    const outcomes = [0, 1].map((often) => {
      const completions: string[] = [];
      const engine = createSequenceEngine(programs, {
        ...options,
        askLate: askAnyhow,
        onComplete: (program, key, events) => completions.push(showCompletion(programs.length, program, key, events)),
      });
      for (const { event, matches } of listed) {
        if (often > 0 && random(2) === 0) engine.advance(event.ts - BigInt(random(1_500_000)));
        engine.accept(event, matches);
        const { pending, keys } = engine.counters();
        assert.ok(pending <= options.maxTotal && keys <= pending);
        if (often > 0 && random(2) === 0) engine.advance(event.ts);
      }
      engine.finish();
      const counters = engine.counters();
      assert.is(
        engine.programs.reduce((sum, { evicted }) => sum + evicted, 0),
        counters.evicted,
      );
      evicted += counters.evicted;
      return { completions, evicted: counters.evicted, spoilt: counters.spoilt };
    });
    assert.equal(outcomes[0], outcomes[1], `seed ${seed}`);
  }
  assert.ok(evicted > 1000);
});

/** The clock of a stream, as abi.ts has it: how far the greatest time has come, a leap counting as one step. */
function createClock(stepNs: bigint): (ts: bigint) => bigint {
  let newest: bigint | null = null;
  let clock = 0n;
  return (ts) => {
    if (newest !== null && ts > newest) clock += ts - newest > stepNs ? stepNs : ts - newest;
    if (newest === null || ts > newest) newest = ts;
    return clock;
  };
}

/** An event with its matches, as it arrives. */
interface Arrival extends ListedEvent {
  readonly event: ClockedEvent;
}

/** What an engine gives whose events wait key by key; `isToldOften` says whether the clock is told once more. */
function runByKey(
  programs: readonly SequenceProgram[],
  arrivals: readonly Arrival[],
  latenessNs: bigint,
  sampleWindowNs: bigint,
  isToldOften: () => boolean,
): { readonly completions: string[]; readonly late: number } {
  const completions: string[] = [];
  const engine = createSequenceEngine(programs, {
    order: "key",
    latenessNs,
    sampleWindowNs,
    keptBytes: Number.POSITIVE_INFINITY,
    askLate: askAnyhow,
    onComplete: (program, key, events) => completions.push(showCompletion(programs.length, program, key, events)),
  });
  const order = createKeyOrder<ClockedEvent>(latenessNs);
  const matches = new Map(arrivals.map((one) => [one.event, one.matches]));
  const judge = (share = order.next()): void => {
    if (share !== null) engine.acceptKey(share.group, share.key, share.event, matches.get(share.event) ?? []);
  };
  const reportHeld = (clock: bigint): void => {
    const first = engine.firstHeld();
    if (first === null) return;
    const end = { ts: first.until, tie: null, ordinal: Number.POSITIVE_INFINITY };
    const share = order.nextUpTo(first.program, first.key, end);
    if (share === null) engine.reportDue(clock);
    else judge(share);
  };
  const advance = (clock: bigint): void => {
    for (;;) {
      const share = order.dueAt();
      const held = engine.dueAt();
      if (share !== null && share < clock && (held === null || share <= held)) {
        engine.advance(share);
        judge();
      } else if (held !== null && held < clock) reportHeld(clock);
      else return;
    }
  };
  let before = 0n;
  for (const { event, matches: current } of arrivals) {
    if (isToldOften()) advance((before + event.clock) / 2n);
    advance(event.clock);
    before = event.clock;
    engine.forEachKey(event, current, (program, key) => order.push(program, key, event));
  }
  while (order.size > 0) judge();
  engine.finish();
  return { completions, late: engine.counters().late };
}

properties("key by key an unruly stream gives what the whole list gives", () => {
  const latenessNs = 60_000_000n;
  const sampleWindowNs = 9_000_000n;
  const YEARS = 7_000_000_000_000_000_000n;
  let total = 0;
  let disordered = 0;
  for (let seed = 1; seed <= 1500; seed++) {
    const random = createRandom(seed);
    const programs = Array.from({ length: 1 + random(4) }, (_, rule) => randomProgram(random, rule));
    const events = randomEvents(random, 10 + random(40));
    // What arrives: each event by a little late; now and then a host whose clock is years ahead comes in between.
    const isLeaping = random(2) === 0;
    const arriving = events
      .map((one) => ({ one, at: one.event.ts + BigInt(random(3) === 0 ? random(20_000_000) : 0) }))
      .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.one.event.ordinal - b.one.event.ordinal));
    const clockOf = createClock(latenessNs / 4n);
    const arrivals: Arrival[] = [];
    for (const [at, { one }] of arriving.entries()) {
      const add = (ts: bigint, tie: bigint | null, matches: readonly StageMatch[]): void => {
        arrivals.push({ event: { ordinal: arrivals.length + 1, ts, tie, clock: clockOf(ts) }, matches });
      };
      if (isLeaping && at === 3) add(one.event.ts + YEARS, null, [{ predicate: 0, keys: ["ahead"] }]);
      add(one.event.ts, one.event.tie, one.matches);
    }
    disordered += arrivals.filter(({ event }, at) => event.ts < (arrivals[at - 1]?.event.ts ?? event.ts)).length;
    const listed = [...arrivals].sort((a, b) => compareEvents(a.event, b.event));
    const whole = completeWholeList(programs, listed, sampleWindowNs, askAnyhow).map((c) =>
      showCompletion(programs.length, c.program, c.key, c.events),
    );
    const plain = runByKey(programs, arrivals, latenessNs, sampleWindowNs, () => false);
    assert.equal([...plain.completions].sort(), [...whole].sort(), `seed ${seed}`);
    assert.is(plain.late, 0);
    const often = runByKey(programs, arrivals, latenessNs, sampleWindowNs, () => random(2) === 0);
    assert.equal(often.completions, plain.completions, `seed ${seed}, told often`);
    total += whole.length;
  }
  assert.ok(total > 10_000, `only ${total} completions were compared`);
  assert.ok(disordered > 5000, `only ${disordered} events came out of order`);
});

properties("key by key, with less lateness than the stream needs, how often the clock is told changes nothing", () => {
  let late = 0;
  for (let seed = 1; seed <= 600; seed++) {
    const random = createRandom(seed);
    const programs = Array.from({ length: 1 + random(3) }, (_, rule) => randomProgram(random, rule));
    const latenessNs = BigInt(1 + random(3)) * 1_000_000n;
    const clockOf = createClock(latenessNs);
    const arrivals = randomEvents(random, 60).map(({ event, matches }): Arrival => {
      const ts = event.ts - BigInt(random(4) === 0 ? random(6) * 1_000_000 : 0);
      return { event: { ...event, ts, clock: clockOf(ts) }, matches };
    });
    const plain = runByKey(programs, arrivals, latenessNs, 5_000_000n, () => false);
    const often = runByKey(programs, arrivals, latenessNs, 5_000_000n, () => random(2) === 0);
    assert.equal(often, plain, `seed ${seed}`);
    late += plain.late;
  }
  assert.ok(late > 300, `only ${late} events came late`);
});

properties("in order of arrival time decides maxspan and nothing else", () => {
  let total = 0;
  let backwards = 0;
  for (let seed = 1; seed <= 800; seed++) {
    const random = createRandom(seed);
    const programs = Array.from({ length: 1 + random(3) }, (_, rule) => randomProgram(random, rule)).filter(
      ({ kind, stages }) => kind !== "sample" && !stages.some(({ missing }) => missing),
    );
    const listed = randomEvents(random, 40).map((one): ListedEvent => {
      if (random(4) > 0) return one;
      backwards++;
      return { ...one, event: { ...one.event, ts: one.event.ts - BigInt(random(9)) * 1_000_000n } };
    });
    const whole = completeWholeList(programs, listed, HOUR, askAnyhow).map((c) =>
      showCompletion(programs.length, c.program, c.key, c.events),
    );
    const steps: Step[] = listed.flatMap((one): Step[] => [
      { kind: "advance", ts: one.event.ts },
      { kind: "event", ...one },
    ]);
    const { completions, counters } = run({ programs, options: { order: "arrival" }, steps }, askAnyhow);
    assert.equal(completions, whole, `seed ${seed}`);
    assert.is(counters.evicted, 0);
    total += whole.length;
  }
  assert.ok(total > 3000 && backwards > 3000, `${total} completions, ${backwards} backwards`);
});

properties("an engine that has finished starts afresh", () => {
  const completions: string[] = [];
  const programs = [programOf({ rule: 0, maxspanNs: 10n, stages: [stageOf(0), stageOf(1)] })];
  const engine = createSequenceEngine(programs, {
    onComplete: (program, key, events) => completions.push(showCompletion(1, program, key, events)),
  });
  const accept = (ordinal: number, ts: bigint, predicate: number): void =>
    engine.accept({ ordinal, ts, tie: null }, [{ predicate, keys: [""] }]);
  accept(1, 100n, 0);
  engine.finish();
  accept(2, 1n, 1);
  accept(3, 2n, 0);
  accept(4, 12n, 1);
  assert.equal(completions, ["3 4"]);
});

properties("many keys and many held matches cost the same each", () => {
  const count = 60_000;
  const programs = [
    programOf({ rule: 0, maxspanNs: HOUR, stages: [stageOf(0), stageOf(1, { missing: true })] }),
    programOf({ rule: 1, maxspanNs: HOUR, stages: [stageOf(0), stageOf(2)] }),
  ];
  let completed = 0;
  const engine = createSequenceEngine(programs, { maxPerProgram: 20_000, onComplete: () => completed++ });
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const event = { ordinal, ts: BigInt(ordinal), tie: null };
    engine.accept(event, [{ predicate: 0, keys: [ordinal % 2 === 0 ? "" : `k${ordinal}`] }]);
  }
  // Program 0 keeps every match; program 1 one for the shared key, and one for each of the others.
  assert.equal(
    engine.programs.map(({ evicted }) => evicted),
    [count - 20_000, count / 2 + 1 - 20_000],
  );
  engine.finish();
  assert.is(completed, 20_000);
});
properties.run();

const tables = suite("sequence tables");
const LATE: LateTest = { predicate: 11, stages: [0] };
const PROGRAM = programOf({
  rule: 7,
  maxspanNs: 5_000_000_000n,
  stages: [stageOf(3), stageOf(4, { missing: true }), stageOf(5, { fork: true, late: LATE })],
  until: { predicate: 9, late: { predicate: 10, stages: [0, 2] } },
  untilFirst: true,
  pipes: [
    { kind: "filter", test: LATE },
    { kind: "head", count: 2 ** 33 },
  ],
});
const TREE: LineageProgram = {
  dialect: "endgame",
  feed: 20,
  starts: 21,
  ends: 22,
  processes: 23,
  resets: 24,
  queries: [
    { flag: 0, relation: "child", predicate: 25, late: null },
    { flag: 2, relation: "event", predicate: 26, late: { predicate: 27, stages: [] } },
  ],
};
const OTHER_TREE: LineageProgram = {
  ...TREE,
  dialect: "elastic",
  processes: null,
  resets: null,
  queries: [{ flag: 1, relation: "descendant", predicate: 25, late: null }],
};
/** As a program comes back from the manifest. */
function throughJson(program: SequenceProgram): SequenceProgram {
  return programFromJson(JSON.parse(JSON.stringify(programToJson(program))) as ReturnType<typeof programToJson>);
}

/** Eight rules of the kinds that the programs below have, and thirty predicates. */
const CONTEXT: TableContext = {
  rules: ["sequence", "event", "join", "sample", "sequence", "sequence", "sequence", "sequence"].map((kind) => ({
    kind: kind as SequenceProgram["kind"],
  })),
  predicates: Array.from({ length: 30 }, () => []),
};

tables("stand in the manifest as they are, with every digit of maxspan", () => {
  assert.equal(programToJson({ ...PROGRAM, maxspanNs: (1n << 63n) - 1n }), {
    rule: 7,
    kind: "sequence",
    maxspan_ns: "9223372036854775807",
    stages: PROGRAM.stages,
    until: { predicate: 9, late: { predicate: 10, stages: [0, 2] } },
    until_first: true,
    pipes: [
      { kind: "filter", test: LATE },
      { kind: "head", count: 2 ** 33 },
    ],
  });
  assert.is(flagCount([TREE, OTHER_TREE]), 3);
  assert.is(flagCount([]), 0);
});

tables("are read back as they were, and nothing is wrong with them", () => {
  const keys: LateTest = { predicate: 2, stages: [0, 2] };
  const kinds = ["unique", "unique_count", "sort", "count"] as const;
  const pipes: PipeProgram[] = [...kinds.map((kind) => ({ kind, keys })), { kind: "tail", count: 0 }];
  const programs = [
    { ...PROGRAM, pipes },
    programOf({
      rule: 0,
      maxspanNs: (1n << 63n) - 1n,
      stages: [stageOf(0, { late: { predicate: 1, stages: [] } })],
    }),
    programOf({ rule: 1, kind: "event", stages: [stageOf(0)], pipes: [{ kind: "head", count: 3 }] }),
    programOf({ rule: 2, kind: "join", stages: [stageOf(0), stageOf(1)], until: { predicate: 3, late: null } }),
    programOf({ rule: 3, kind: "sample", stages: [stageOf(0), stageOf(1)] }),
  ];
  assert.equal(programs.map(throughJson), programs);
  assert.equal(problemsOf({ programs, lineage: [TREE, OTHER_TREE] }), []);
});

/** What is wrong with tables beside rules that nothing decides: these have programs for a few of the eight only. */
function problemsOf(tables: SequenceTables, context = CONTEXT): readonly string[] {
  return tableProblems(tables, context).filter((problem) => !problem.endsWith(UNDECIDED));
}

const UNDECIDED = ": neither a predicate nor a program decides it";

tables("that leave a rule undecided are refused", () => {
  const programs = [{ ...PROGRAM, rule: 0 }];
  const predicates = CONTEXT.predicates.map((_, at) => (at === 20 ? [1, 2, 3, 4] : []));
  const problems = tableProblems({ programs, lineage: [] }, { ...CONTEXT, predicates });
  assert.equal(
    problems.filter((problem) => problem.endsWith(UNDECIDED)),
    [5, 6, 7].map((rule) => `rules[${rule}]${UNDECIDED}`),
  );
});

tables("that make no sense are refused, with the place", () => {
  const reading = (stages: readonly number[]): SequenceStage => stageOf(1, { late: { predicate: 2, stages } });
  const at = "programs[0]";
  const refused: [string, Partial<SequenceProgram>][] = [
    [`${at}.rule: there is no rule 8`, { rule: 8 }],
    [`${at}.rule: there is no rule -1`, { rule: -1 }],
    [`${at}.kind: is sequence, but rule 3 is of kind sample`, { rule: 3 }],
    [`${at}.maxspan_ns: 0 is out of range`, { maxspanNs: 0n }],
    [`${at}.maxspan_ns: missing events need a maxspan`, { maxspanNs: null }],
    [`${at}.maxspan_ns: 9223372036854775808 is out of range`, { maxspanNs: 1n << 63n }],
    [`${at}.stages: at least one stage must be an event`, { stages: [], until: null, pipes: [] }],
    [
      `${at}.stages: at least one stage must be an event`,
      { stages: [stageOf(1, { missing: true })], until: null, pipes: [] },
    ],
    [
      `${at}.stages[1]: a missing event cannot fork`,
      { stages: [stageOf(1), stageOf(1, { missing: true, fork: true })], until: null, pipes: [] },
    ],
    [
      `${at}: a program of kind sample has neither missing events nor maxspan nor fork`,
      { rule: 3, kind: "sample", stages: [stageOf(1)], until: null, untilFirst: false, pipes: [] },
    ],
    [
      `${at}.until: a program of kind sample has no until`,
      {
        rule: 3,
        kind: "sample",
        maxspanNs: null,
        stages: [stageOf(1)],
        until: { predicate: 1, late: null },
        pipes: [],
      },
    ],
    [
      `${at}: a program of kind join has neither missing events nor maxspan nor fork`,
      { rule: 2, kind: "join", maxspanNs: null, stages: [stageOf(1, { fork: true })], until: null, pipes: [] },
    ],
    [
      `${at}.until: a program of kind event has no until`,
      { rule: 1, kind: "event", maxspanNs: null, stages: [stageOf(1)], until: null, pipes: [] },
    ],
    [
      `${at}.stages: an event rule has one stage`,
      {
        rule: 1,
        kind: "event",
        maxspanNs: null,
        stages: [stageOf(1), stageOf(1)],
        until: null,
        untilFirst: false,
        pipes: [],
      },
    ],
    [`${at}.stages[0]: there is no predicate 30`, { stages: [stageOf(30)], until: null, pipes: [] }],
    [`${at}.until: there is no predicate -1`, { until: { predicate: -1, late: null } }],
    [`${at}.pipes[0]: there is no predicate 31`, { pipes: [{ kind: "filter", test: { predicate: 31, stages: [] } }] }],
    [`${at}.stages[1].late: cannot read stage 1`, { stages: [stageOf(1), reading([1])], until: null, pipes: [] }],
    [
      `${at}.stages[2].late: does not read its stages in order`,
      { stages: [stageOf(1), stageOf(1), reading([1, 0])], until: null, pipes: [] },
    ],
    [
      `${at}.stages[2].late: cannot read stage 1`,
      { stages: [stageOf(1), stageOf(1, { missing: true }), reading([1])], until: null, pipes: [] },
    ],
    [
      `${at}.stages[1].late: cannot read stage 0`,
      { stages: [stageOf(1), { ...reading([0]), missing: true }], until: null, pipes: [] },
    ],
    [`${at}.until.late: cannot read stage 1`, { until: { predicate: 1, late: { predicate: 1, stages: [1] } } }],
    [
      `${at}.stages[1].late: cannot read stage 0`,
      { rule: 2, kind: "join", maxspanNs: null, until: null, pipes: [], stages: [stageOf(1), reading([0])] },
    ],
    [`${at}.pipes[0]: cannot read stage 3`, { pipes: [{ kind: "sort", keys: { predicate: 1, stages: [3] } }] }],
    [`${at}.pipes[0].count: -1 is no number of matches`, { pipes: [{ kind: "head", count: -1 }] }],
    [`${at}.pipes[0].count: 0.5 is no number of matches`, { pipes: [{ kind: "tail", count: 0.5 }] }],
  ];
  for (const [problem, part] of refused) {
    assert.equal(problemsOf({ programs: [{ ...PROGRAM, ...part }], lineage: [] }), [problem]);
  }
  const [first, second] = TREE.queries;
  if (first === undefined || second === undefined) throw new Error("no queries");
  const trees: [string, readonly LineageProgram[]][] = [
    ["lineage[1].dialect: a second one for endgame", [TREE, { ...TREE, queries: [] }]],
    ["lineage[0]: what forgets processes does not belong to endgame", [{ ...TREE, resets: null }]],
    ["lineage[0]: what forgets processes does not belong to elastic", [{ ...TREE, dialect: "elastic" }]],
    ["lineage[0].queries[1].flag: 0 is out of order", [{ ...TREE, queries: [second, first] }]],
    ["lineage[0].queries[1].flag: 65536 is out of order", [{ ...TREE, queries: [first, { ...second, flag: 65536 }] }]],
    ["lineage[1].queries[0].flag: 2 is taken", [TREE, { ...OTHER_TREE, queries: [second] }]],
    ["lineage[0].feed: there is no predicate -1", [{ ...TREE, feed: -1 }]],
    ["lineage[0].processes: there is no predicate 99", [{ ...TREE, processes: 99 }]],
    ["lineage[0].queries[0].late: a lineage query has no stages", [{ ...TREE, queries: [{ ...second, late: LATE }] }]],
  ];
  for (const [problem, lineage] of trees) assert.equal(problemsOf({ programs: [], lineage }), [problem]);
  const one = programOf({ rule: 1, kind: "event", stages: [stageOf(0)] });
  assert.equal(problemsOf({ programs: [one, one], lineage: [] }, { ...CONTEXT, predicates: [[], [2, 1]] }), [
    "programs[1].rule: rule 1 has a program already",
    "predicates[1]: decides rule 1, which has a program",
  ]);
});
tables.run();

// The conformance corpus, where it stands beside the repository. Its conditions here are conjunctions of `field == constant`
// and `field > constant`, read by hand.
const corpus = suite("sequence corpus");
interface CorpusCase {
  readonly name: string;
  readonly dataset: string;
  readonly query: string;
  readonly expected_event_ids: (number | null)[][];
}
type Document = Readonly<Partial<Record<string, string | number>>>;

function readCondition(text: string): (document: Document) => boolean {
  const tests = text.split(/\s+and\s+/).map((part) => {
    const [, field = "", op = "", constant = ""] = /^`?(\w+)`?\s*(==|>)\s*(.+)$/.exec(part.trim()) ?? [];
    if (field === "") throw new Error(`cannot read \`${part}\``);
    const value = JSON.parse(constant) as string | number;
    return (document: Document) => {
      const actual = document[field];
      return actual !== undefined && (op === "==" ? actual === value : actual > value);
    };
  });
  return (document) => tests.every((test) => test(document));
}

function runCorpusCase(one: CorpusCase, documents: readonly Document[]): (number | null)[][] {
  const [query = "", ...pipes] = one.query.trim().split("|");
  const prefix = query.slice(0, query.search(/!?\[/));
  const keysOf = (text: string): string[] =>
    (/\bby\s+([\w.,\s]+?)(?:\s+with\b|$)/.exec(text.trim())?.[1] ?? "").split(/\s*,\s*/).filter((key) => key !== "");
  const span = /maxspan=(\d+)(ms|s|m)/.exec(prefix);
  const unit = { ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n }[span?.[2] ?? "ms"] ?? 1n;
  const stages: SequenceStage[] = [];
  const terms: { category: string; holds: (document: Document) => boolean; keys: string[] }[] = [];
  for (const term of query.slice(prefix.length).matchAll(/(!?)\[\s*(\w+)\s+where\s+([^\]]*?)\s*\]([^![]*)/g)) {
    const [, bang = "", category = "", condition = "", rest = ""] = term;
    const runs = Number(/runs=(\d+)/.exec(rest)?.[1] ?? 1);
    for (let n = 0; n < runs; n++) stages.push(stageOf(terms.length, { missing: bang === "!" }));
    terms.push({ category, holds: readCondition(condition), keys: [...keysOf(prefix), ...keysOf(rest)] });
  }
  const ids = new Map<number, number>();
  const steps = documents.map((document, index): Step & { kind: "event" } => {
    const matches: StageMatch[] = [];
    for (const [predicate, term] of terms.entries()) {
      if (document.event_type !== term.category || !term.holds(document)) continue;
      const values = term.keys.map((key) => document[key]);
      matches.push({ predicate, keys: values.includes(undefined) ? [] : [values.join("\n")] });
    }
    ids.set(index, Number(document.sequence ?? document.id));
    const ts = BigInt(document["@timestamp"] ?? document.ts ?? 0) * 1_000_000n;
    return { kind: "event", event: { ordinal: index, ts, tie: null }, matches };
  });
  steps.sort((a, b) =>
    a.event.ts === b.event.ts ? a.event.ordinal - b.event.ordinal : a.event.ts < b.event.ts ? -1 : 1,
  );
  let rows: { row: (number | null)[]; last: number }[] = [];
  const engine = createSequenceEngine(
    [programOf({ rule: 0, maxspanNs: span === null ? null : BigInt(span[1] ?? 0) * unit, stages })],
    {
      onComplete(_program, _key, events) {
        const last = Math.max(...events.map((event) => event?.ordinal ?? -1));
        rows.push({ row: events.map((event) => (event === null ? null : (ids.get(event.ordinal) ?? null))), last });
      },
    },
  );
  for (const step of steps) engine.accept(step.event, step.matches);
  engine.finish();
  // A stream reports what it had to hold later; a search lists by last event.
  rows.sort((a, b) => a.last - b.last);
  for (const pipe of pipes) {
    const [, name = "", count = "0"] = /(head|tail) (\d+)/.exec(pipe) ?? [];
    rows = name === "head" ? rows.slice(0, Number(count)) : rows.slice(-Number(count));
  }
  return rows.map(({ row }) => row);
}

for (const name of ["es_series", "es_missing_events"]) {
  const file = new URL(`cases/${name}.json`, CORPUS);
  if (!existsSync(file)) {
    corpus.skip(`${name}: the corpus is not beside the repository`);
    continue;
  }
  const documents = readFileSync(new URL(`datasets/${name}.ndjson`, CORPUS), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Document);
  for (const one of JSON.parse(readFileSync(file, "utf8")) as CorpusCase[]) {
    corpus(`${name}: ${one.name}`, () => {
      assert.equal(runCorpusCase(one, documents), one.expected_event_ids);
    });
  }
}
corpus.run();
