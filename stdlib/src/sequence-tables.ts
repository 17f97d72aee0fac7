// What the compiler tells the runtime about rules that need more than one event at a time: programs and process trees, as
// they stand in the manifest. The types below are their JSON too, but for the names and the maxspan of a program, which
// `programToJson` writes and `programFromJson` reads.
//
// INVARIANT: tables that `tableProblems` has nothing against are the same after writing and reading.

/** Keeps the flags, which are a byte each in the module's memory, within reason. */
const MAX_FLAG = (1 << 16) - 1;
const MAX_MAXSPAN = (1n << 63n) - 1n;

export const PIPE_KINDS = ["head", "tail", "filter", "unique", "unique_count", "sort", "count"] as const;
export const RELATIONS = ["descendant", "child", "event"] as const;
export const TREE_DIALECTS = ["elastic", "endgame"] as const;

/** A test that the runtime makes once the order of events is certain: `late_test` in abi.ts. */
export interface LateTest {
  readonly predicate: number;
  /** Stages whose events it reads besides the event at hand, ascending; they never name missing events. */
  readonly stages: readonly number[];
  /** Of a test that asks for lineage and mostly fails without it; see FlaggedTest. */
  readonly flagged?: FlaggedTest;
}

/** Of an event that none of the flags is set for, the test can only hold where a predicate did; where that is null, it does not hold. */
export interface FlaggedTest {
  /** All that the test asks for, ascending. */
  readonly flags: readonly number[];
  readonly otherwise: number | null;
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

/** A program as it stands in the manifest. */
export interface ProgramJson {
  readonly rule: number;
  readonly kind: SequenceProgram["kind"];
  /** Digits, because a number of JSON does not hold all of them; null when there is no maxspan. */
  readonly maxspan_ns: string | null;
  readonly stages: readonly SequenceStage[];
  readonly until: SequenceProgram["until"];
  readonly until_first: boolean;
  readonly pipes: readonly PipeProgram[];
}

/** What of a manifest the tables refer to. */
export interface TableContext {
  readonly rules: readonly { readonly kind: SequenceProgram["kind"] }[];
  /** For each predicate, the rules that it decides alone. */
  readonly predicates: readonly (readonly number[])[];
}

export function programToJson(program: SequenceProgram): ProgramJson {
  const { rule, kind, maxspanNs, stages, until, untilFirst, pipes } = program;
  const maxspan = maxspanNs === null ? null : String(maxspanNs);
  return { rule, kind, maxspan_ns: maxspan, stages, until, until_first: untilFirst, pipes };
}

/** `json` has the right shape; what its values mean is `tableProblems`' to judge. */
export function programFromJson(json: ProgramJson): SequenceProgram {
  const { rule, kind, maxspan_ns: maxspan, stages, until, until_first: untilFirst, pipes } = json;
  return { rule, kind, maxspanNs: maxspan === null ? null : BigInt(maxspan), stages, until, untilFirst, pipes };
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

/** Every late test of the tables, those of pipes included. */
export function lateTestsOf({ programs, lineage }: SequenceTables): readonly LateTest[] {
  const tests = [
    ...programs.flatMap(({ stages, until, pipes }) => [
      ...stages.map(({ late }) => late),
      until?.late ?? null,
      ...pipes.map(testOf),
    ]),
    ...lineage.flatMap(({ queries }) => queries.map(({ late }) => late)),
  ];
  return tests.filter((test) => test !== null);
}

/** For each predicate what its uses as a stage or an `until` say of flags: null for a use that needs none; undefined where it has none. */
export type FlaggedUses = readonly (readonly (FlaggedTest | null)[] | undefined)[];

export function flaggedUsesOf({ programs }: Pick<SequenceTables, "programs">): FlaggedUses {
  const uses: (FlaggedTest | null)[][] = [];
  for (const { stages, until } of programs) {
    for (const { predicate, late } of until === null ? stages : [...stages, until]) {
      uses[predicate] ??= [];
      uses[predicate].push(late?.flagged ?? null);
    }
  }
  return uses;
}

/** How many bytes of lineage flags the trees need. */
export function flagCount(lineage: readonly LineageProgram[]): number {
  let count = 0;
  for (const { queries } of lineage) for (const { flag } of queries) count = Math.max(count, flag + 1);
  return count;
}

/** Says what is wrong, behind the place of it in the manifest. */
type Fail = (path: string, message: string) => void;

/** What both the writer and the loader of a package hold its tables to; empty when they make sense. */
export function tableProblems(tables: SequenceTables, context: TableContext): string[] {
  const problems: string[] = [];
  const fail: Fail = (path, message) => problems.push(`${path}: ${message}`);
  const owned = new Set<number>();
  for (const [index, program] of tables.programs.entries()) {
    const path = `programs[${index}]`;
    checkOwner(program, path, owned, context, fail);
    checkProgram(program, path, fail);
    checkProgramTests(program, path, fail);
    checkPredicates(predicatesOfProgram(program), path, context, fail);
  }
  const decided = new Set([...owned, ...context.predicates.flat()]);
  for (const index of context.rules.keys()) {
    if (!decided.has(index)) fail(`rules[${index}]`, "neither a predicate nor a program decides it");
  }
  for (const [predicate, rules] of context.predicates.entries()) {
    const both = rules.find((rule) => owned.has(rule));
    if (both !== undefined) fail(`predicates[${predicate}]`, `decides rule ${both}, which has a program`);
  }
  for (const [index, program] of tables.lineage.entries()) {
    const path = `lineage[${index}]`;
    checkLineage(program, path, tables.lineage.slice(0, index), fail);
    checkPredicates(predicatesOfLineage(program), path, context, fail);
  }
  return problems;
}

function checkOwner(
  { rule, kind }: SequenceProgram,
  path: string,
  owned: Set<number>,
  { rules }: TableContext,
  fail: Fail,
): void {
  const found = rules[rule];
  if (found === undefined) fail(`${path}.rule`, `there is no rule ${rule}`);
  else if (found.kind !== kind) fail(`${path}.kind`, `is ${kind}, but rule ${rule} is of kind ${found.kind}`);
  else if (owned.has(rule)) fail(`${path}.rule`, `rule ${rule} has a program already`);
  owned.add(rule);
}

/** The parts of a program that its kind allows (docs/language.md#sequences, #samples, #pipes). */
function checkProgram(
  { kind, maxspanNs, stages, until, untilFirst, pipes }: SequenceProgram,
  path: string,
  fail: Fail,
): void {
  if (maxspanNs !== null && (maxspanNs <= 0n || maxspanNs > MAX_MAXSPAN)) {
    fail(`${path}.maxspan_ns`, `${maxspanNs} is out of range`);
  }
  if (!stages.some((stage) => !stage.missing)) fail(`${path}.stages`, "at least one stage must be an event");
  const missing = stages.some((stage) => stage.missing);
  for (const [at, stage] of stages.entries()) {
    if (stage.missing && stage.fork) fail(`${path}.stages[${at}]`, "a missing event cannot fork");
  }
  if (kind !== "sequence" && (missing || maxspanNs !== null || stages.some((stage) => stage.fork))) {
    fail(path, `a program of kind ${kind} has neither missing events nor maxspan nor fork`);
  }
  if ((kind === "event" || kind === "sample") && (until !== null || untilFirst)) {
    fail(`${path}.until`, `a program of kind ${kind} has no until`);
  }
  if (kind === "event" && stages.length !== 1) fail(`${path}.stages`, "an event rule has one stage");
  if (missing && maxspanNs === null) fail(`${path}.maxspan_ns`, "missing events need a maxspan");
  for (const [at, pipe] of pipes.entries()) {
    if ((pipe.kind === "head" || pipe.kind === "tail") && !(Number.isSafeInteger(pipe.count) && pipe.count >= 0)) {
      fail(`${path}.pipes[${at}].count`, `${pipe.count} is no number of matches`);
    }
  }
}

/** Whether the stages that the late tests of a program read can be there when they are made. */
function checkProgramTests({ kind, stages, until, pipes }: SequenceProgram, path: string, fail: Fail): void {
  const check = (late: LateTest | null, where: string, readable: (stage: number) => boolean): void => {
    for (const [at, stage] of (late?.stages ?? []).entries()) {
      if (stages[stage]?.missing !== false || !readable(stage)) fail(where, `cannot read stage ${stage}`);
      if (at > 0 && stage <= (late?.stages[at - 1] ?? 0)) fail(where, "does not read its stages in order");
    }
  };
  // Only in a sequence can a late test read the events of earlier stages: a sample and a join have no order.
  // The test of a missing event reads none either: it is not known yet between the events of which match that one
  // stands.
  for (const [place, { late, missing }] of stages.entries()) {
    check(late, `${path}.stages[${place}].late`, (stage) => kind === "sequence" && !missing && stage < place);
  }
  check(until?.late ?? null, `${path}.until.late`, () => kind === "sequence");
  for (const [place, pipe] of pipes.entries()) check(testOf(pipe), `${path}.pipes[${place}]`, () => true);
}

/** `before` are the programs that stand before this one, and are right. */
function checkLineage(program: LineageProgram, path: string, before: readonly LineageProgram[], fail: Fail): void {
  const { dialect, processes, resets, queries } = program;
  if (before.some((other) => other.dialect === dialect)) fail(`${path}.dialect`, `a second one for ${dialect}`);
  if (dialect === "elastic" ? processes !== null || resets !== null : processes === null || resets === null) {
    fail(path, `what forgets processes does not belong to ${dialect}`);
  }
  const taken = new Set(before.flatMap((other) => other.queries.map(({ flag }) => flag)));
  let last = -1;
  for (const [at, { flag, late }] of queries.entries()) {
    const where = `${path}.queries[${at}]`;
    if (!Number.isInteger(flag) || flag <= last || flag > MAX_FLAG) fail(`${where}.flag`, `${flag} is out of order`);
    if (taken.has(flag)) fail(`${where}.flag`, `${flag} is taken`);
    last = flag;
    if (late !== null && late.stages.length > 0) fail(`${where}.late`, "a lineage query has no stages");
  }
}

/** A predicate that a table names, and where. */
type Named = readonly [path: string, predicate: number];

function checkPredicates(named: readonly Named[], path: string, { predicates }: TableContext, fail: Fail): void {
  for (const [where, predicate] of named) {
    if (predicates[predicate] === undefined) fail(`${path}.${where}`, `there is no predicate ${predicate}`);
  }
}

function predicatesOfProgram({ stages, until, pipes }: SequenceProgram): Named[] {
  return [
    ...stages.flatMap(({ predicate, late }, at) => predicateAndTest(`stages[${at}]`, predicate, late)),
    ...(until === null ? [] : predicateAndTest("until", until.predicate, until.late)),
    ...pipes.flatMap((pipe, at): Named[] => {
      const test = testOf(pipe);
      return test === null ? [] : [[`pipes[${at}]`, test.predicate]];
    }),
  ];
}

function predicatesOfLineage({ feed, starts, ends, processes, resets, queries }: LineageProgram): Named[] {
  const own = Object.entries({ feed, starts, ends, processes, resets });
  return [
    ...own.flatMap(([name, predicate]): Named[] => (predicate === null ? [] : [[name, predicate]])),
    ...queries.flatMap(({ predicate, late }, at) => predicateAndTest(`queries[${at}]`, predicate, late)),
  ];
}

function predicateAndTest(path: string, predicate: number, late: LateTest | null): Named[] {
  const named: Named[] = [[path, predicate]];
  if (late === null) return named;
  named.push([`${path}.late`, late.predicate]);
  const otherwise = late.flagged?.otherwise ?? null;
  if (otherwise !== null) named.push([`${path}.late.flagged.otherwise`, otherwise]);
  return named;
}
