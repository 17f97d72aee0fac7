// What the compiler tells the runtime about rules that need more than one event at a time: tables <-> bytes of
// `sequences.bin`.
//
// Every word is a little-endian u32.
//
//   magic "KSEQ", version, number of programs, number of lineage programs
//   for each program, in index order:
//     rule
//     kind: 0 sequence, 1 sample, 2 event, 3 join
//     maxspan in nanoseconds, low half then high half; 0 when there is none
//     1 when `until` acts before the stages, else 0
//     predicate of `until`, then its late test; NONE alone when there is none
//     number of stages, number of pipes
//     for each stage: predicate * 4 + (1 for a missing event) + (2 for fork), then its late test
//     for each pipe: its kind, by PIPE_KINDS; then its count, low half then high half, or its late test
//   for each lineage program:
//     dialect: 0 elastic, 1 endgame
//     predicates feed, starts, ends, processes, resets; NONE for the last two in elastic
//     number of queries
//     for each query: flag, relation, by RELATIONS, predicate, late test
//   a late test: its predicate, number of stages, the stages; NONE alone when there is none
//
// INVARIANT: encodeSequences and decodeSequences accept exactly the same tables (checkProgram, checkLineage), and each is
// the inverse of the other, so tables have one encoding.

const MAGIC = 0x5145_534b;
const VERSION = 2;
const NONE = 0xffff_ffff;
/** Keeps what the runtime lays out by predicate and by flag within reason, whatever damaged tables say. */
const MAX_PREDICATE = (1 << 24) - 1;
const MAX_FLAG = (1 << 16) - 1;
const MAX_MAXSPAN = (1n << 63n) - 1n;

const KINDS = ["sequence", "sample", "event", "join"] as const;
const PIPE_KINDS = ["head", "tail", "filter", "unique", "unique_count", "sort", "count"] as const;
const RELATIONS = ["descendant", "child", "event"] as const;
const DIALECTS = ["elastic", "endgame"] as const;

/** A test that the runtime makes once the order of events is certain: `late_test` in abi.ts. */
export interface LateTest {
  readonly predicate: number;
  /** Stages whose events it reads besides the event at hand, ascending; they never name missing events. */
  readonly stages: readonly number[];
}

/** One stage of a program, `runs` already written out. */
export interface SequenceStage {
  /**
   * The predicate that must hold. A predicate of these tables is a condition together with its join keys: two stages with
   * the same condition and other keys have two ids.
   */
  readonly predicate: number;
  /** True for `![ ]`. */
  readonly missing: boolean;
  /** `fork=true`: what waits for the stage goes on as a copy, and waits on. */
  readonly fork: boolean;
  /** What must hold as well; the event at hand is the one that comes to the stage. */
  readonly late: LateTest | null;
}

/**
 * What happens to the matches of a rule, one after the other. In the tests of pipes the event at hand is the match's first
 * event, and any stage's event can be read; a test of `unique` and the like always holds, what counts are its keys.
 * `tail`, `sort` and `count` need the end of the matches, so only `eqlc query` has them.
 */
export type PipeProgram =
  | { readonly kind: "head" | "tail"; readonly count: number }
  | { readonly kind: "filter"; readonly test: LateTest }
  | { readonly kind: "unique" | "unique_count" | "sort" | "count"; readonly keys: LateTest };

/**
 * An event rule that has a late test or pipes (one stage), a sequence, a sample (one stage a filter, in the order written)
 * or a join.
 */
export interface SequenceProgram {
  readonly rule: number;
  readonly kind: "event" | "sequence" | "sample" | "join";
  readonly maxspanNs: bigint | null;
  readonly stages: readonly SequenceStage[];
  readonly until: { readonly predicate: number; readonly late: LateTest | null } | null;
  /** Whether `until` acts before the stages see the event, as in the endgame dialect. */
  readonly untilFirst: boolean;
  readonly pipes: readonly PipeProgram[];
}

/** One `descendant of [ ]`, `child of [ ]` or `event of [ ]`. */
export interface LineageQuery {
  /** Its place among the lineage flags. */
  readonly flag: number;
  readonly relation: "descendant" | "child" | "event";
  /** The query in the brackets. */
  readonly predicate: number;
  /** Must hold as well, when the query in the brackets has a lineage test of its own; that one's flag is smaller. */
  readonly late: LateTest | null;
}

/**
 * How a tree of processes is kept from the events; there is at most one for each dialect. `feed` holds for every event
 * that concerns the tree or asks it, and carries the identities as its keys, each of them optional:
 *   elastic   process.entity_id, process.pid, process.parent.entity_id, process.parent.pid, host.id
 *   endgame   pid, ppid
 */
export interface LineageProgram {
  readonly dialect: "elastic" | "endgame";
  readonly feed: number;
  readonly starts: number;
  readonly ends: number;
  /** endgame: events of type process, at which ended processes are forgotten; null in elastic. */
  readonly processes: number | null;
  /** endgame: the start of the system process, which forgets all others; null in elastic. */
  readonly resets: number | null;
  /** Ascending by flag. */
  readonly queries: readonly LineageQuery[];
}

export interface SequenceTables {
  readonly programs: readonly SequenceProgram[];
  readonly lineage: readonly LineageProgram[];
}

export type SequenceTablesErrorCode =
  | "KSEQ_MAGIC"
  | "KSEQ_VERSION"
  | "KSEQ_TRUNCATED"
  | "KSEQ_TRAILING"
  | "KSEQ_RULE"
  | "KSEQ_KIND"
  | "KSEQ_MAXSPAN"
  | "KSEQ_STAGES"
  | "KSEQ_PREDICATE"
  | "KSEQ_LATE"
  | "KSEQ_PIPE"
  | "KSEQ_LINEAGE";

/** Thrown for tables that make no sense. */
export class SequenceTablesError extends Error {
  readonly code: SequenceTablesErrorCode;
  constructor(code: SequenceTablesErrorCode, message: string) {
    super(message);
    this.name = "SequenceTablesError";
    this.code = code;
  }
}

type Fail = (code: SequenceTablesErrorCode, message: string) => never;

function failAt(what: string): Fail {
  return (code, message) => {
    throw new SequenceTablesError(code, `${what}: ${message}`);
  };
}

/** Tables to the bytes drawn above. Throws {@link SequenceTablesError} for tables that could not be read back. */
export function encodeSequences(tables: SequenceTables): Uint8Array {
  const words: number[] = [MAGIC, VERSION, tables.programs.length, tables.lineage.length];
  const put = (...more: readonly number[]): void => {
    words.push(...more);
  };
  const putWide = (value: bigint): void => put(Number(value & 0xffff_ffffn), Number(value >> 32n));
  const putLate = (late: LateTest | null): void => {
    if (late === null) put(NONE);
    else put(late.predicate, late.stages.length, ...late.stages);
  };
  for (const [index, program] of tables.programs.entries()) {
    checkProgram(program, index);
    const { rule, kind, maxspanNs, stages, until, untilFirst, pipes } = program;
    put(rule, KINDS.indexOf(kind));
    putWide(maxspanNs ?? 0n);
    put(untilFirst ? 1 : 0);
    if (until === null) put(NONE);
    else {
      put(until.predicate);
      putLate(until.late);
    }
    put(stages.length, pipes.length);
    for (const stage of stages) {
      put(stage.predicate * 4 + (stage.missing ? 1 : 0) + (stage.fork ? 2 : 0));
      putLate(stage.late);
    }
    for (const pipe of pipes) {
      put(PIPE_KINDS.indexOf(pipe.kind));
      if (pipe.kind === "head" || pipe.kind === "tail") putWide(BigInt(pipe.count));
      else putLate(testOf(pipe));
    }
  }
  for (const [index, program] of tables.lineage.entries()) {
    checkLineage(program, index, tables.lineage);
    const { dialect, feed, starts, ends, processes, resets, queries } = program;
    put(DIALECTS.indexOf(dialect), feed, starts, ends, processes ?? NONE, resets ?? NONE, queries.length);
    for (const { flag, relation, predicate, late } of queries) {
      put(flag, RELATIONS.indexOf(relation), predicate);
      putLate(late);
    }
  }
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [at, word] of words.entries()) view.setUint32(at * 4, word, true);
  return bytes;
}

/** The bytes drawn above to tables. Throws {@link SequenceTablesError} for anything else. */
export function decodeSequences(bytes: Uint8Array): SequenceTables {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (): number => {
    if (at + 4 > view.byteLength) throw new SequenceTablesError("KSEQ_TRUNCATED", `the table ends at byte ${at}`);
    at += 4;
    return view.getUint32(at - 4, true);
  };
  const takeWide = (): bigint => BigInt(take()) | (BigInt(take()) << 32n);
  const takeLate = (): LateTest | null => {
    const predicate = take();
    if (predicate === NONE) return null;
    const stages: number[] = [];
    for (let left = take(); left > 0; left--) stages.push(take());
    return { predicate, stages };
  };
  const takeNamed = <Name>(names: readonly Name[], fail: Fail, code: SequenceTablesErrorCode, what: string): Name => {
    const word = take();
    const name = names[word];
    return name ?? fail(code, `${what} ${word} does not exist`);
  };
  if (take() !== MAGIC) throw new SequenceTablesError("KSEQ_MAGIC", "not a sequence table");
  const version = take();
  if (version !== VERSION) throw new SequenceTablesError("KSEQ_VERSION", `table version ${version}, not ${VERSION}`);
  const programCount = take();
  const lineageCount = take();

  const takePipe = (fail: Fail): PipeProgram => {
    const kind = takeNamed(PIPE_KINDS, fail, "KSEQ_PIPE", "pipe");
    if (kind === "head" || kind === "tail") return { kind, count: Number(takeWide()) };
    const test = takeLate() ?? fail("KSEQ_PIPE", `${kind} asks nothing`);
    return kind === "filter" ? { kind, test } : { kind, keys: test };
  };
  const takeProgram = (index: number): SequenceProgram => {
    const fail = failAt(`program ${index}`);
    const rule = take();
    const kind = takeNamed(KINDS, fail, "KSEQ_KIND", "kind");
    const maxspan = takeWide();
    const first = take();
    if (first > 1) fail("KSEQ_KIND", `an order of ${first} does not exist`);
    const closing = take();
    const until = closing === NONE ? null : { predicate: closing, late: takeLate() };
    const stageCount = take();
    const pipeCount = take();
    const stages: SequenceStage[] = [];
    for (let left = stageCount; left > 0; left--) {
      const word = take();
      stages.push({
        predicate: word >>> 2,
        missing: (word & 1) !== 0,
        fork: (word & 2) !== 0,
        late: takeLate(),
      });
    }
    const pipes: PipeProgram[] = [];
    for (let left = pipeCount; left > 0; left--) pipes.push(takePipe(fail));
    const maxspanNs = maxspan === 0n ? null : maxspan;
    return { rule, kind, maxspanNs, stages, until, untilFirst: first === 1, pipes };
  };
  const takeLineage = (index: number): LineageProgram => {
    const fail = failAt(`lineage program ${index}`);
    const dialect = takeNamed(DIALECTS, fail, "KSEQ_LINEAGE", "dialect");
    const [feed, starts, ends] = [take(), take(), take()];
    const [processes, resets] = [take(), take()];
    const queries: LineageQuery[] = [];
    for (let left = take(); left > 0; left--) {
      const flag = take();
      const relation = takeNamed(RELATIONS, fail, "KSEQ_LINEAGE", "relation");
      queries.push({ flag, relation, predicate: take(), late: takeLate() });
    }
    const orNull = (word: number): number | null => (word === NONE ? null : word);
    return { dialect, feed, starts, ends, processes: orNull(processes), resets: orNull(resets), queries };
  };

  const programs: SequenceProgram[] = [];
  for (let index = 0; index < programCount; index++) {
    const program = takeProgram(index);
    checkProgram(program, index);
    programs.push(program);
  }
  const lineage: LineageProgram[] = [];
  for (let index = 0; index < lineageCount; index++) {
    const program = takeLineage(index);
    lineage.push(program);
    checkLineage(program, index, lineage);
  }
  if (at !== view.byteLength) throw new SequenceTablesError("KSEQ_TRAILING", `${view.byteLength - at} bytes too many`);
  return { programs, lineage };
}

/** The test of a pipe that has one. */
export function testOf(pipe: PipeProgram): LateTest | null {
  switch (pipe.kind) {
    case "head":
    case "tail":
      return null;
    case "filter":
      return pipe.test;
    default:
      return pipe.keys;
  }
}

/** What both directions hold a program to (EQL reference, sections 7, 9 and 10). */
function checkProgram(program: SequenceProgram, index: number): void {
  const fail = failAt(`program ${index}`);
  const { rule, kind, maxspanNs, stages, until, pipes } = program;
  if (!Number.isInteger(rule) || rule < 0 || rule > NONE) fail("KSEQ_RULE", `rule ${rule} is not an id`);
  if (maxspanNs !== null && (maxspanNs <= 0n || maxspanNs > MAX_MAXSPAN)) {
    fail("KSEQ_MAXSPAN", `a maxspan of ${maxspanNs} ns is out of range`);
  }
  if (!stages.every((stage) => isPredicate(stage.predicate))) fail("KSEQ_PREDICATE", "a stage names no predicate");
  if (until !== null && !isPredicate(until.predicate)) fail("KSEQ_PREDICATE", "until names no predicate");
  if (!stages.some((stage) => !stage.missing)) fail("KSEQ_STAGES", "at least one stage must be an event");
  const missing = stages.some((stage) => stage.missing);
  if (stages.some((stage) => stage.missing && stage.fork)) fail("KSEQ_STAGES", "a missing event cannot fork");
  if (kind !== "sequence" && (missing || maxspanNs !== null || stages.some((stage) => stage.fork))) {
    fail("KSEQ_STAGES", `a program of kind ${kind} has neither missing events nor maxspan nor fork`);
  }
  if ((kind === "event" || kind === "sample") && (until !== null || program.untilFirst)) {
    fail("KSEQ_STAGES", `a program of kind ${kind} has no until`);
  }
  if (kind === "event" && stages.length !== 1) fail("KSEQ_STAGES", "an event rule has one stage");
  if (missing && maxspanNs === null) fail("KSEQ_MAXSPAN", "missing events need a maxspan");

  /** `readable` says whether the event of a stage can be there when the test is made. */
  const checkLate = (late: LateTest | null, what: string, readable: (stage: number) => boolean): void => {
    if (late === null) return;
    if (!isPredicate(late.predicate)) fail("KSEQ_PREDICATE", `the late test of ${what} names no predicate`);
    for (const [at, stage] of late.stages.entries()) {
      if (stages[stage]?.missing !== false || !readable(stage)) {
        fail("KSEQ_LATE", `the late test of ${what} reads stage ${stage}`);
      }
      if (at > 0 && stage <= (late.stages[at - 1] ?? 0)) {
        fail("KSEQ_LATE", `the late test of ${what} does not read its stages in order`);
      }
    }
  };
  // Only a sequence knows which events came before, and of those a missing one never knows which it will stand between.
  for (const [place, { late, missing: isMissing }] of stages.entries()) {
    checkLate(late, `stage ${place}`, (stage) => kind === "sequence" && !isMissing && stage < place);
  }
  checkLate(until?.late ?? null, "until", () => kind === "sequence");
  for (const [place, pipe] of pipes.entries()) {
    if ((pipe.kind === "head" || pipe.kind === "tail") && !(Number.isSafeInteger(pipe.count) && pipe.count >= 0)) {
      fail("KSEQ_PIPE", `pipe ${place} cannot take ${pipe.count} matches`);
    }
    checkLate(testOf(pipe), `pipe ${place}`, () => true);
  }
}

/** What both directions hold a lineage program to; those before it in `all` are right. */
function checkLineage(program: LineageProgram, index: number, all: readonly LineageProgram[]): void {
  const fail = failAt(`lineage program ${index}`);
  const { dialect, feed, starts, ends, processes, resets, queries } = program;
  const before = all.slice(0, index);
  if (before.some((other) => other.dialect === dialect)) fail("KSEQ_LINEAGE", `a second one for ${dialect}`);
  if (dialect === "elastic" ? processes !== null || resets !== null : processes === null || resets === null) {
    fail("KSEQ_LINEAGE", `what forgets processes does not belong to ${dialect}`);
  }
  const predicates = [feed, starts, ends, processes ?? 0, resets ?? 0, ...queries.map(({ predicate }) => predicate)];
  if (!predicates.every(isPredicate)) fail("KSEQ_PREDICATE", "something names no predicate");
  const taken = new Set(before.flatMap((other) => other.queries.map(({ flag }) => flag)));
  let last = -1;
  for (const { flag, late } of queries) {
    if (!Number.isInteger(flag) || flag <= last || flag > MAX_FLAG)
      fail("KSEQ_LINEAGE", `flag ${flag} is out of order`);
    if (taken.has(flag)) fail("KSEQ_LINEAGE", `flag ${flag} is taken`);
    last = flag;
    if (late === null) continue;
    if (!isPredicate(late.predicate)) fail("KSEQ_PREDICATE", "a late test names no predicate");
    if (late.stages.length > 0) fail("KSEQ_LATE", "a lineage query has no stages");
  }
}

function isPredicate(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= MAX_PREDICATE;
}
