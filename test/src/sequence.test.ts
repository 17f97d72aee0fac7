// The sequence engine against its text cases, against section 9 over whole lists, and against itself; and the tables.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createReorder, type OrderedRecord } from "@kestrel/runtime/order/reorder";
import { createSequenceEngine, type SequenceCounters } from "@kestrel/runtime/sequence/engine";
import type { StageMatch, StreamEvent } from "@kestrel/runtime/sequence/stream-event";
import {
  decodeSequences,
  encodeSequences,
  type SequenceProgram,
  SequenceTablesError,
} from "@kestrel/stdlib/sequence-tables";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseCases, type SequenceCase, type Step, showCompletion } from "./support/sequence-cases.js";
import { completeWholeList, type ListedEvent } from "./support/sequence-whole-list.js";

const CASES = new URL("../cases/sequence/", import.meta.url);
const CORPUS = new URL("../../../shared/corpora/eql/", import.meta.url);
const HOUR = 3_600_000_000_000n;

interface Outcome {
  readonly completions: string[];
  readonly counters: SequenceCounters;
}

function run(one: Pick<SequenceCase, "programs" | "options" | "steps">): Outcome {
  const completions: string[] = [];
  const engine = createSequenceEngine(one.programs, {
    ...one.options,
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

const cases = suite("sequence cases");
for (const file of readdirSync(CASES).sort()) {
  for (const one of parseCases(readFileSync(new URL(file, CASES), "utf8"))) {
    cases(`${file}: ${one.name}`, () => {
      const { completions, counters } = run(one);
      assert.equal(completions, one.expected);
      for (const [name, value] of one.counters) {
        assert.is(counters[name as keyof SequenceCounters], value, name);
      }
      const decoded = decodeSequences(encodeSequences(one.programs));
      assert.equal(decoded, one.programs);

      const listed = listInOrder(one.steps);
      if (listed === null || one.options.maxPerProgram !== undefined || one.options.maxTotal !== undefined) return;
      // Without the advances, but to the end of the stream: what time alone brings comes with the end.
      const steps: Step[] = [...listed.map((step) => ({ kind: "event" as const, ...step })), { kind: "finish" }];
      const full = run({ ...one, steps });
      const whole = completeWholeList(one.programs, listed, one.options.sampleWindowNs ?? HOUR);
      assert.equal(
        full.completions,
        whole.map((c) => showCompletion(one.programs.length, c.program, c.key, c.events)),
        "the whole-list reading of section 9 agrees",
      );
    });
  }
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

function randomProgram(random: (below: number) => number, rule: number): SequenceProgram {
  if (random(6) === 0) {
    const stages = Array.from({ length: 2 + random(2) }, () => ({ predicate: random(PREDICATES), missing: false }));
    return { rule, kind: "sample", maxspanNs: null, stages, until: null };
  }
  const allowMissing = random(2) === 0;
  const stages = Array.from({ length: 1 + random(5) }, () => ({
    predicate: random(PREDICATES),
    missing: allowMissing && random(5) < 2,
  }));
  if (stages.every((stage) => stage.missing)) stages.push({ predicate: random(PREDICATES), missing: false });
  const missing = stages.some((stage) => stage.missing);
  const spans = [1_000_000n, 3_500_000n, 8_000_000n, 20_000_000n];
  const maxspanNs = missing || random(3) > 0 ? (spans[random(spans.length)] ?? 1n) : null;
  return { rule, kind: "sequence", maxspanNs, stages, until: random(3) === 0 ? random(PREDICATES) : null };
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
    listed.push({ event: { ordinal, ts, tie, line: new Uint8Array(0) }, matches });
  }
  return listed;
}

const properties = suite("sequence properties");

properties("agrees with section 9 over the whole list, however often time is advanced", () => {
  const sampleWindowNs = 9_000_000n;
  let total = 0;
  for (let seed = 1; seed <= 1500; seed++) {
    const random = createRandom(seed);
    const programs = Array.from({ length: 1 + random(4) }, (_, rule) => randomProgram(random, rule));
    const listed = randomEvents(random, 10 + random(40));
    const whole = completeWholeList(programs, listed, sampleWindowNs).map((c) =>
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
      const { completions, counters } = run({ programs, options: { sampleWindowNs }, steps });
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
        engine.evictedByProgram().reduce((sum, one) => sum + one, 0),
        counters.evicted,
      );
      evicted += counters.evicted;
      return { completions, evicted: counters.evicted, spoilt: counters.spoilt };
    });
    assert.equal(outcomes[0], outcomes[1], `seed ${seed}`);
  }
  assert.ok(evicted > 1000);
});

properties("behind a reorder buffer, late events and all, heartbeats change nothing", () => {
  interface Arrival extends OrderedRecord {
    readonly listed: ListedEvent;
  }
  let lateSeen = 0;
  for (let seed = 1; seed <= 600; seed++) {
    const random = createRandom(seed);
    const programs = Array.from({ length: 1 + random(3) }, (_, rule) => randomProgram(random, rule));
    const latenessNs = BigInt(random(4)) * 1_000_000n;
    const options = { maxPerProgram: random(2) === 0 ? 2 : 1000, sampleWindowNs: 5_000_000n };
    let watermark = -1_000_000_000n;
    const arrivals = randomEvents(random, 60).map((listed): Arrival => {
      const event: StreamEvent = {
        ...listed.event,
        ts: listed.event.ts - BigInt(random(4) === 0 ? random(6) * 1_000_000 : 0),
      };
      if (event.ts > watermark) watermark = event.ts;
      const { ts, tie, ordinal } = event;
      return { ts, tie, ordinal, watermark, listed: { event, matches: listed.matches } };
    });
    const outcomes = [0, 1].map((often) => {
      const completions: string[] = [];
      const engine = createSequenceEngine(programs, {
        ...options,
        onComplete: (program, key, events) => completions.push(showCompletion(programs.length, program, key, events)),
      });
      const reorder = createReorder<Arrival>({
        latenessNs,
        onRecord(record, late) {
          if (late) engine.advance(record.watermark - latenessNs);
          engine.accept(record.listed.event, record.listed.matches);
        },
      });
      for (const arrival of arrivals) {
        if (often > 0 && random(2) === 0) {
          reorder.advance(arrival.watermark);
          engine.advance(arrival.watermark - latenessNs);
        }
        reorder.push(arrival);
      }
      reorder.finish();
      engine.finish();
      lateSeen += reorder.counters().late;
      return completions;
    });
    assert.equal(outcomes[0], outcomes[1], `seed ${seed}`);
  }
  assert.ok(lateSeen > 1000);
});

properties("an engine that has finished starts afresh", () => {
  const completions: string[] = [];
  const programs: SequenceProgram[] = [
    {
      rule: 0,
      kind: "sequence",
      maxspanNs: 10n,
      stages: [0, 1].map((predicate) => ({ predicate, missing: false })),
      until: null,
    },
  ];
  const engine = createSequenceEngine(programs, {
    onComplete: (program, key, events) => completions.push(showCompletion(1, program, key, events)),
  });
  const accept = (ordinal: number, ts: bigint, predicate: number): void =>
    engine.accept({ ordinal, ts, tie: null, line: new Uint8Array(0) }, [{ predicate, keys: [""] }]);
  accept(1, 100n, 0);
  engine.finish();
  accept(2, 1n, 1);
  accept(3, 2n, 0);
  accept(4, 12n, 1);
  assert.equal(completions, ["3 4"]);
});

properties("many keys and many held matches cost the same each", () => {
  const count = 60_000;
  const stage = (predicate: number, missing: boolean) => ({ predicate, missing });
  const programs: SequenceProgram[] = [
    { rule: 0, kind: "sequence", maxspanNs: HOUR, stages: [stage(0, false), stage(1, true)], until: null },
    { rule: 1, kind: "sequence", maxspanNs: HOUR, stages: [stage(0, false), stage(2, false)], until: null },
  ];
  let completed = 0;
  const engine = createSequenceEngine(programs, { maxPerProgram: 20_000, onComplete: () => completed++ });
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const event = { ordinal, ts: BigInt(ordinal), tie: null, line: new Uint8Array(0) };
    engine.accept(event, [{ predicate: 0, keys: [ordinal % 2 === 0 ? "" : `k${ordinal}`] }]);
  }
  // Program 0 keeps every match; program 1 one for the shared key, and one for each of the others.
  assert.equal(engine.evictedByProgram(), [count - 20_000, count / 2 + 1 - 20_000]);
  engine.finish();
  assert.is(completed, 20_000);
});
properties.run();

const tables = suite("sequence tables");
const PROGRAM: SequenceProgram = {
  rule: 7,
  kind: "sequence",
  maxspanNs: 5_000_000_000n,
  stages: [
    { predicate: 3, missing: false },
    { predicate: 4, missing: true },
  ],
  until: 9,
};

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof SequenceTablesError) return error.code;
    throw error;
  }
  return "none";
}

tables("the bytes are as drawn", () => {
  const words = new Uint32Array(encodeSequences([PROGRAM]).buffer);
  assert.equal([...words], [0x5145534b, 1, 1, 7, 0, 705032704, 1, 9, 2, 6, 9]);
});

tables("every cut and every bit flip is read or refused with a code", () => {
  const bytes = encodeSequences([PROGRAM, { ...PROGRAM, until: null, rule: 0xffff_ffff, maxspanNs: (1n << 63n) - 1n }]);
  for (let length = 0; length < bytes.length; length++) {
    assert.is(
      codeOf(() => decodeSequences(bytes.subarray(0, length))),
      "KSEQ_TRUNCATED",
      `${length} bytes`,
    );
  }
  assert.is(
    codeOf(() => decodeSequences(Uint8Array.of(...bytes, 0))),
    "KSEQ_TRAILING",
  );
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    let programs: SequenceProgram[] = [];
    const code = codeOf(() => {
      programs = decodeSequences(damaged);
    });
    if (code === "none") assert.equal(encodeSequences(programs), damaged);
  }
});

tables("programs that make no sense are refused on both sides", () => {
  const refused: [string, SequenceProgram][] = [
    ["KSEQ_RULE", { ...PROGRAM, rule: -1 }],
    ["KSEQ_MAXSPAN", { ...PROGRAM, maxspanNs: 0n }],
    ["KSEQ_MAXSPAN", { ...PROGRAM, maxspanNs: null }],
    ["KSEQ_MAXSPAN", { ...PROGRAM, maxspanNs: 1n << 63n }],
    ["KSEQ_STAGES", { ...PROGRAM, stages: [] }],
    ["KSEQ_STAGES", { ...PROGRAM, stages: [{ predicate: 1, missing: true }] }],
    ["KSEQ_STAGES", { ...PROGRAM, kind: "sample" }],
    ["KSEQ_PREDICATE", { ...PROGRAM, stages: [{ predicate: 1.5, missing: false }] }],
    ["KSEQ_PREDICATE", { ...PROGRAM, until: -1 }],
  ];
  for (const [code, program] of refused)
    assert.is(
      codeOf(() => encodeSequences([program])),
      code,
    );
  const damage = (word: number, value: number): Uint8Array => {
    const bytes = encodeSequences([PROGRAM]);
    new DataView(bytes.buffer).setUint32(word * 4, value, true);
    return bytes;
  };
  assert.is(
    codeOf(() => decodeSequences(damage(0, 1))),
    "KSEQ_MAGIC",
  );
  assert.is(
    codeOf(() => decodeSequences(damage(1, 2))),
    "KSEQ_VERSION",
  );
  assert.is(
    codeOf(() => decodeSequences(damage(2, 0xffff_ffff))),
    "KSEQ_TRUNCATED",
  );
  assert.is(
    codeOf(() => decodeSequences(damage(4, 1))),
    "KSEQ_STAGES",
  );
  assert.is(
    codeOf(() => decodeSequences(damage(4, 2))),
    "KSEQ_KIND",
  );
  assert.is(
    codeOf(() => decodeSequences(damage(6, 0x8000_0000))),
    "KSEQ_MAXSPAN",
  );
  assert.is(
    codeOf(() => decodeSequences(damage(8, 0xffff_ffff))),
    "KSEQ_TRUNCATED",
  );
  assert.is(
    codeOf(() => decodeSequences(damage(9, 0xffff_fffe))),
    "KSEQ_PREDICATE",
  );
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
  const stages: { predicate: number; missing: boolean }[] = [];
  const terms: { category: string; holds: (document: Document) => boolean; keys: string[] }[] = [];
  for (const term of query.slice(prefix.length).matchAll(/(!?)\[\s*(\w+)\s+where\s+([^\]]*?)\s*\]([^![]*)/g)) {
    const [, bang = "", category = "", condition = "", rest = ""] = term;
    const runs = Number(/runs=(\d+)/.exec(rest)?.[1] ?? 1);
    for (let n = 0; n < runs; n++) stages.push({ predicate: terms.length, missing: bang === "!" });
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
    return { kind: "event", event: { ordinal: index, ts, tie: null, line: new Uint8Array(0) }, matches };
  });
  steps.sort((a, b) =>
    a.event.ts === b.event.ts ? a.event.ordinal - b.event.ordinal : a.event.ts < b.event.ts ? -1 : 1,
  );
  let rows: { row: (number | null)[]; last: number }[] = [];
  const engine = createSequenceEngine(
    [{ rule: 0, kind: "sequence", maxspanNs: span === null ? null : BigInt(span[1] ?? 0) * unit, stages, until: null }],
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
