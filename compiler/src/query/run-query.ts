// One analysed query and lines of events -> its matches in their final order, after its pipes.
//
// The query becomes a package in memory and is run by the runtime's own detector, with everything sorted before it is
// judged: the result is that of a table of events, however they come.

import type { Detection, EvidenceEvent } from "@kestrel/runtime/alert/detection";
import { type BrokenLine, createDetector, type DetectorCounters } from "@kestrel/runtime/engine/detector";
import { packageFromMemory } from "@kestrel/runtime/load/load-package";
import { MODULE_FILE, SEQUENCES_FILE } from "@kestrel/stdlib/package-format";
import type { TypedQuery } from "../analyse/typed.js";
import type { CompiledRule, CompileOptions } from "../compile.js";
import { PatternTooLarge } from "../lower/atoms-to-code.js";
import { buildPackage } from "../package/build-package.js";
import { tryCompile } from "../package/compile-rules.js";
import type { Pipe } from "../syntax/ast.js";
import type { EventLines } from "./event-lines.js";
import { createSampleCollector, filterQueries } from "./exact-sample.js";

export interface QueryMatch {
  /** The join key as the runtime writes it; "" without keys. */
  readonly key: string;
  /** One event for each term, null for a missing one; one event for an event query. */
  readonly events: readonly (EvidenceEvent | null)[];
}

export interface QueryResult {
  readonly matches: readonly QueryMatch[];
  readonly counters: DetectorCounters;
}

export interface RunOptions extends CompileOptions {
  readonly onBroken: (line: BrokenLine) => void;
  /** Told of every chunk, for a bar. */
  readonly onRead?: (bytes: number) => void;
}

/** The patterns of the query pass a limit. */
export class QueryTooLargeError extends Error {
  readonly code = "E0402";
  constructor(cause: PatternTooLarge) {
    super(cause.message, { cause });
    this.name = "QueryTooLargeError";
  }
}

/** Partial matches are all kept, as the events are. */
const NO_CAP = Number.MAX_SAFE_INTEGER;

/** Runs a query over everything that `lines` reads. Throws what reading throws, and {@link QueryTooLargeError}. */
export async function runQuery(compiled: CompiledRule, lines: EventLines, options: RunOptions): Promise<QueryResult> {
  const { typed, query } = compiled;
  const sample = typed.kind === "sample" ? createSampleCollector(typed.terms.length) : null;
  const queries = typed.kind === "sample" ? filterQueries(typed) : [typed];
  const found: QueryMatch[] = [];
  const detector = createDetector(await packageOf(compiled, queries, options), {
    latenessNs: null,
    maxPerProgram: NO_CAP,
    maxTotal: NO_CAP,
    onAlert({ rule, key, events }: Detection) {
      if (sample === null) {
        found.push({ key, events });
        return;
      }
      const [event] = events;
      if (event !== null && event !== undefined) sample.add(rule, key, event);
    },
    onBroken: options.onBroken,
  });
  for await (const chunk of lines.read((line) => detector.skipLong(line))) {
    chunk.lineCount = detector.feed(chunk.bytes, chunk);
    options.onRead?.(chunk.bytes.length);
  }
  detector.finish();
  const matches = sample === null ? found : sample.finish();
  return { matches: applyPipes(matches, query.pipes), counters: detector.counters() };
}

/** A package with one rule for each of `queries`. */
async function packageOf(
  { rule, query }: CompiledRule,
  queries: readonly TypedQuery[],
  options: CompileOptions,
): Promise<Awaited<ReturnType<typeof packageFromMemory>>> {
  const rules = queries.map((typed, index) => ({ rule: { ...rule, id: `query-${index}` }, query, typed }));
  const pack = tryCompile(rules, options);
  if (pack instanceof PatternTooLarge) throw new QueryTooLargeError(pack);
  const sources = new Map([[rule.source.file, { name: "query.eql", text: rule.query }]]);
  const { manifest, files } = buildPackage(pack, sources, {
    name: "query",
    version: "0",
    compilerVersion: "0",
    timestampField: options.timestampField,
    tiebreakerField: options.tiebreakerField,
    categoryField: options.categoryField,
  });
  const content = (path: string): Uint8Array => files.get(path) ?? new Uint8Array();
  return packageFromMemory({ manifest, module: content(MODULE_FILE), sequences: content(SEQUENCES_FILE) });
}

/** `head` and `tail`, one after the other; binding has made sure that there is nothing else. */
function applyPipes(matches: readonly QueryMatch[], pipes: readonly Pipe[]): readonly QueryMatch[] {
  let left = matches;
  for (const { name, args } of pipes) {
    const [count] = args;
    if (count?.kind !== "literal" || count.type !== "integer") continue;
    const wanted = Number(count.value);
    if (name === "head") left = left.slice(0, wanted);
    else left = left.slice(Math.max(0, left.length - wanted));
  }
  return left;
}
