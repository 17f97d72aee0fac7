// One analysed query and lines of events -> its matches in their final order, after its pipes.
//
// The query becomes a package in memory and is run by the runtime's own detector, with everything sorted before it is
// judged: the result is that of a table of events, however they come. Queries of the endgame dialect are judged in the order
// of arrival, which is what that dialect means by order.

import { type BrokenLine, createDetector, type DetectorCounters } from "@kestrel/runtime/engine/detector";
import type { Detection } from "@kestrel/runtime/lane/detection";
import { type Package, packageFromMemory } from "@kestrel/runtime/load/load-package";
import type { Chunk, OversizeLine } from "@kestrel/runtime/read/lines";
import { MODULE_FILE } from "@kestrel/stdlib/package-format";
import type { PipeProgram } from "@kestrel/stdlib/sequence-tables";
import type { Typed, TypedPipe, TypedQuery } from "../analyse/typed.js";
import { LoweringError } from "../backend/wasm/lowering-error.js";
import type { CompiledRule, CompileOptions, Target } from "../compile.js";
import { buildPackage } from "../package/build-package.js";
import { tryCompile } from "../package/compile-what-fits.js";
import { partsOf } from "../package/pack-parts.js";
import { applyPipes, type QueryMatch } from "./batch-pipes.js";
import type { EventLines } from "./event-lines.js";
import { createSampleCollector, filterQueries } from "./exact-sample.js";
import { createFirstMatches } from "./first-matches.js";
import { doubtQuery } from "./guess-schema.js";

export type { QueryMatch } from "./batch-pipes.js";

export interface QueryResult {
  readonly matches: readonly QueryMatch[];
  readonly counters: DetectorCounters;
}

export interface RunOptions extends CompileOptions {
  readonly onBroken: (line: BrokenLine) => void;
  /** Watched beside the query: the first event for which it holds ends the run with {@link DoubtError}. */
  readonly doubt?: Typed;
  /** What the predicates are; code of WebAssembly when absent. */
  readonly target?: Target;
  /** How many combinations a sample gives for each key; 1 when absent. */
  readonly maxSamplesPerKey?: number;
  /** How many matches are wanted; those behind them need not be kept. All when absent. */
  readonly limit?: number;
  /** Told of every chunk, for a bar. */
  readonly onRead?: (chunk: Chunk) => void;
  /** Told of every line that was too long to be read. */
  readonly onOversize?: (line: OversizeLine) => void;
}

/** The patterns of the query pass a limit. */
export class QueryTooLargeError extends Error {
  readonly code = "E0402";
  constructor(cause: LoweringError) {
    super(cause.message, { cause });
    this.name = "QueryTooLargeError";
  }
}

/** An event of which the caller wanted to know, see {@link RunOptions}. */
export class DoubtError extends Error {}

/** Nothing is dropped to save memory: a partial match that was dropped would be missing from the result. */
const NO_CAP = Number.MAX_SAFE_INTEGER;

/** Runs a query over everything that `lines` reads. Throws what reading throws, {@link QueryTooLargeError} and {@link DoubtError}. */
export async function runQuery(
  compiled: CompiledRule,
  lines: Pick<EventLines, "read">,
  options: RunOptions,
): Promise<QueryResult> {
  const { typed, query } = compiled;
  const sample = typed.kind === "sample" ? createSampleCollector(typed.terms.length, options.maxSamplesPerKey) : null;
  // The sample itself is in the package for the tests of its pipes alone. What the sequence engine finds for it is
  // ignored, because the engine keeps a window of a stream, and the collector looks at all events.
  const filters = typed.kind === "sample" ? filterQueries(typed) : [];
  const own = sample !== null && !needsTests(typed.pipes) ? filters : [...filters, typed];
  const queries = options.doubt === undefined ? own : [...own, doubtQuery(options.doubt, typed)];
  const found: QueryMatch[] = [];
  const isByArrival = query.dialect === "endgame";
  // What waits for its order in the detector waits with all others.
  const first =
    typed.kind === "event" && typed.pipes.length === 0 && !isByArrival ? createFirstMatches(options.limit) : null;
  const pack = await packageOf(compiled, queries, options);
  const detector = createDetector(pack, {
    latenessNs: null,
    inOrder: first === null,
    memoryBytes: NO_CAP,
    order: isByArrival ? "arrival" : "time",
    pipes: false,
    maxPerProgram: NO_CAP,
    maxTotal: NO_CAP,
    maxProcesses: NO_CAP,
    onAlert({ rule, key, events }: Detection) {
      if (rule === own.length) throw new DoubtError();
      const [only] = events;
      if (first !== null && only !== null && only !== undefined) {
        first.add(only);
        return;
      }
      if (sample === null) {
        found.push({ key, events, isRecord: false });
        return;
      }
      const [event] = rule < filters.length ? events : [];
      if (event !== null && event !== undefined) sample.add(rule, key, event);
    },
    onBroken: options.onBroken,
  });
  const onOversize = (line: OversizeLine): void => {
    options.onOversize?.(line);
    detector.skipLong(line);
  };
  for await (const chunk of lines.read(onOversize)) {
    options.onRead?.(chunk);
    chunk.lineCount = detector.feed(chunk.bytes, chunk);
  }
  detector.finish();
  if (first !== null) return { matches: first.finish(), counters: detector.counters() };
  const matches = sample === null ? found : sample.finish().map((one) => ({ ...one, isRecord: false }));
  const pipes = pipesOf(typed.pipes, pack, own.length - 1);
  const totals = new Set(pipes.filter((_, index) => isTotal(typed.pipes[index])));
  return { matches: applyPipes(matches, pipes, totals, detector.ask), counters: detector.counters() };
}

/** A package with one rule for each of `queries`. */
async function packageOf(
  { rule, query }: CompiledRule,
  queries: readonly TypedQuery[],
  options: Pick<RunOptions, "target"> & CompileOptions,
): Promise<Package> {
  const rules = queries.map((typed, index) => ({ rule: { ...rule, id: `query-${index}` }, query, typed }));
  const pack = tryCompile(
    rules,
    // Few events are candidates of a query, and its passes would take as long as a hundred thousand events.
    { ...options, optimize: false, allPipes: true },
    options.target === undefined ? {} : { target: options.target },
  );
  if (pack instanceof LoweringError) throw pack.isLimit ? new QueryTooLargeError(pack) : pack;
  const sources = new Map([[rule.source.file, { name: "query.eql", text: rule.query }]]);
  const { manifest, files } = buildPackage(rules, partsOf(pack), sources, {
    name: "query",
    version: "0",
    compilerVersion: "0",
    timestampField: options.timestampField,
    tiebreakerField: options.tiebreakerField,
    categoryField: options.categoryField,
  });
  return packageFromMemory(
    { manifest, module: files.get(MODULE_FILE) ?? new Uint8Array(), foreign: files },
    { batch: true },
  );
}

function needsTests(pipes: readonly TypedPipe[]): boolean {
  return !pipes.every(({ kind }) => kind === "head" || kind === "tail");
}

function isTotal(pipe: TypedPipe | undefined): boolean {
  return pipe?.kind === "count" && pipe.keys.length === 0;
}

/**
 * The pipes with their late tests, from the program of `rule`; `head` and `tail` have no tests and may have no program.
 */
function pipesOf(typed: readonly TypedPipe[], { programs }: Package, rule: number): readonly PipeProgram[] {
  if (needsTests(typed)) return programs.find((program) => program.rule === rule)?.pipes ?? [];
  return typed.flatMap((pipe) => (pipe.kind === "head" || pipe.kind === "tail" ? [pipe] : []));
}
