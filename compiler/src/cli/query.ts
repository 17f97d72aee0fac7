// `query`: an EQL query over files of events, as grep is a pattern over files of lines.

import { createProgress } from "@kestrel/runtime/cli/progress";
import type { BrokenLine, DetectorCounters } from "@kestrel/runtime/engine/detector";
import { eventJson } from "@kestrel/runtime/event/formats";
import { keyJson } from "@kestrel/runtime/event/join-keys";
import type { EvidenceEvent } from "@kestrel/runtime/event/stream-event";
import { expandPaths } from "@kestrel/runtime/read/expand-paths";
import { InputError } from "@kestrel/runtime/read/lines";
import { createInputWatch } from "@kestrel/runtime/report/usable-input";
import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import type { FieldType, Schema } from "@kestrel/stdlib/schema/types";
import type { Typed } from "../analyse/typed.js";
import { analyseRules, type CompiledRule, type CompileOptions } from "../compile.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { summarise } from "../diagnostics/render.js";
import { printable } from "../diagnostics/terminal-text.js";
import { FOR_PACKAGES } from "../lint/lints.js";
import { keyNames } from "../package/pack-parts.js";
import { type EventLines, eventLines } from "../query/event-lines.js";
import { conditionOfDoubt, SAMPLE_BYTES, watchSchema } from "../query/guess-schema.js";
import { createInference, inferredSchema, type SchemaInference } from "../query/infer-schema.js";
import { DoubtError, type QueryMatch, runQuery } from "../query/run-query.js";
import type { Rule } from "../rule/rule.js";
import type { Query } from "../syntax/ast.js";
import { parseQuery } from "../syntax/parse.js";
import { EXIT_BAD_INPUT, EXIT_FINDINGS, EXIT_OK } from "./failures.js";
import { type CompileFlags, compileOptions, eventFields, type Format, NO_FIELD } from "./options.js";
import { diagnosticsText, print, say } from "./output.js";
import { queryRule, withoutRuleName } from "./query-rule.js";
import { expectLongRuns } from "./wasm-tiers.js";

export interface QueryFlags extends CompileFlags {
  readonly format: Format;
  readonly limit?: number;
}

/** How many broken lines are shown; the rest is counted. */
const SHOWN_BROKEN = 5;
const NEWLINE = "\n";

/** Prints what the query finds and returns the exit code. Throws UsageError, and what reading throws. */
export async function query(text: string, named: readonly string[], flags: QueryFlags): Promise<number> {
  const rule = queryRule(text);
  const parsed = parseQuery(text, { dialect: flags.dialect });
  const isBroken = parsed.query === null || parsed.problems.some(({ severity }) => severity === "error");
  const known = flags.schema === undefined ? null : compileOptions(flags);
  const { paths, skippable } = expandPaths(named);
  const skipped = new Set<string>();
  const lines = eventLines(paths, known === null, {
    skippable,
    onSkip(file, reason) {
      if (!skipped.has(file)) say(printable(`note: left out: ${reason}`));
      skipped.add(file);
    },
  });
  const asked = { rule, lines, paths, flags };
  const quick = known === null && !isBroken ? await guessFields(asked, parsed.query) : null;
  const answer = quick ?? (await answerFor(asked, known, isBroken, parsed.query));
  if (answer === null) return EXIT_BAD_INPUT;
  for (const note of answer.notes) say(note);
  if (answer.problem !== null) throw new InputError(named.join(", "), answer.problem);
  const shown = answer.matches.slice(0, flags.limit ?? answer.matches.length);
  const { compiled } = answer;
  await print(flags.format === "json" ? jsonLines(shown, compiled) : textLines(shown, compiled));
  return shown.length > 0 ? EXIT_OK : EXIT_FINDINGS;
}

/** A query and what it is asked of. */
interface Asked {
  readonly rule: Rule;
  readonly lines: EventLines;
  readonly paths: readonly string[];
  readonly flags: QueryFlags;
}

/** What there is to print. */
interface Answer {
  readonly compiled: CompiledRule;
  readonly matches: readonly QueryMatch[];
  readonly notes: readonly string[];
  /** Why the input cannot be what was meant, or null. */
  readonly problem: string | null;
}

/** The answer under fields that are known, or learnt from all events; prints what is wrong with the query and returns null when it has errors. */
async function answerFor(
  asked: Asked,
  known: CompileOptions | null,
  isBroken: boolean,
  parsed: Query | null,
): Promise<Answer | null> {
  const { rule, lines, paths, flags } = asked;
  // A query that cannot be read is not worth a pass over the events.
  const options =
    known ?? (isBroken ? compileOptions(flags) : await learnFields(lines, paths, flags, namesCategory(parsed)));
  const { compiled, diagnostics } = analyse(rule, options);
  if (diagnostics.length > 0) process.stderr.write(diagnosticsText(diagnostics, process.stderr));
  return compiled === null ? null : run(asked, compiled, options, say);
}

/** The answer under fields that a sample of the events has; null where that does not show that all events would give the same. See guess-schema.ts. */
async function guessFields(asked: Asked, parsed: Query | null): Promise<Answer | null> {
  const { rule, lines, flags } = asked;
  // Endgame's conditions have no types before there is an event, and nothing to guess; what makes notes is not guessed either.
  if (flags.dialect !== "elastic" || parsed?.dialect !== "elastic") return null;
  const sampled = await lines.sample(SAMPLE_BYTES).catch(() => null);
  if (sampled === null) return null;
  const inference = createInference();
  for (const bytes of sampled) addLines(inference, bytes);
  const common = [flags.timestampField, ...(namesCategory(parsed) ? [flags.eventCategoryField] : [])];
  if (common.some((name) => inference.kinds(name) === null)) return null;
  const known = defaultSchema();
  if ((inference.types(known).get(flags.tiebreakerField) ?? "long") !== "long") return null;
  const learnt = eventFields(flags, schemaOf(inference, known, flags));
  const schema = watchSchema(learnt.schema);
  const options = { ...learnt, schema };
  const { compiled, diagnostics } = analyse(rule, options);
  if (compiled === null || diagnostics.length > 0) return null;
  const fixed = new Set([flags.timestampField, flags.eventCategoryField]);
  const names = new Set([...schema.asked, ...(flags.tiebreakerField === NO_FIELD ? [] : [flags.tiebreakerField])]);
  const doubt = conditionOfDoubt(
    [...names].filter((name) => !fixed.has(name)),
    inference,
    known,
    learnt.schema,
  );
  if (doubt === null) return null;
  const held: string[] = [];
  try {
    const answer = await run(asked, compiled, { ...options, ...(doubt === true ? {} : { doubt }) }, (line) =>
      held.push(line),
    );
    for (const line of held) say(line);
    return answer;
  } catch (error) {
    if (error instanceof DoubtError) return null;
    throw error;
  }
}

/** Runs the query over all lines; `tell` is told of those that are broken. */
async function run(
  { lines, paths, flags }: Asked,
  compiled: CompiledRule,
  options: CompileOptions & { readonly doubt?: Typed },
  tell: (line: string) => void,
): Promise<Answer> {
  let broken = 0;
  const progress = await createProgress(paths, process.stderr);
  // A query that finds no event of its category has found nothing, which is no failure.
  const watch = createInputWatch({ categoryField: flags.eventCategoryField, categories: null });
  expectLongRuns();
  const { matches, counters } = await runQuery(compiled, lines, {
    ...options,
    // The prelude is optimised already, and reads events as fast without another pass; Binaryen would take as long for that as the module for a gigabyte.
    optimize: false,
    ...(flags.limit === undefined ? {} : { limit: flags.limit }),
    onBroken(line) {
      broken++;
      if (broken <= SHOWN_BROKEN) tell(brokenText(line));
    },
    onRead(chunk) {
      watch.look(chunk);
      progress.add(chunk.bytes.length);
    },
    onOversize: (line) => watch.skipLong(line.file),
  });
  progress.clear();
  return { compiled, matches, notes: notesOn(counters, broken, flags), problem: watch.problem(counters) };
}

/** Types the query, with what there is to say of it; null when it has errors. */
function analyse(
  rule: Rule,
  options: CompileOptions,
): { readonly compiled: CompiledRule | null; readonly diagnostics: readonly Diagnostic[] } {
  const { rules, diagnostics } = analyseRules([rule], options);
  const shown = diagnostics.filter(({ code }) => !FOR_PACKAGES.has(code)).map(withoutRuleName);
  const [compiled = null] = rules;
  return { compiled: summarise(diagnostics).errors > 0 ? null : compiled, diagnostics: shown };
}

/** Reads the events once, for their fields; what Kestrel knows of ECS stands beside what is found. */
async function learnFields(
  lines: EventLines,
  paths: readonly string[],
  flags: QueryFlags,
  wantsCategory: boolean,
): Promise<CompileOptions> {
  const inference = createInference();
  const progress = await createProgress(paths, process.stderr);
  for await (const { bytes } of lines.read()) {
    addLines(inference, bytes);
    progress.add(bytes.length);
  }
  progress.clear();
  const known = defaultSchema();
  const seen = inference.types(known);
  // A tiebreaker whose values are no whole numbers is left out with a note, and the query runs all the same.
  const tiebreaker = seen.get(flags.tiebreakerField) ?? "long";
  if (tiebreaker !== "long")
    say(printable(`note: ${flags.tiebreakerField} is a ${tiebreaker}, and not used as tiebreaker`));
  if (seen.size > 0 && !seen.has(flags.timestampField)) say(missingTime(flags.timestampField, seen));
  if (wantsCategory && seen.size > 0 && !seen.has(flags.eventCategoryField)) {
    const field = flags.eventCategoryField;
    say(printable(`note: no event has the category field ${field}; \`any where\` looks at every event`));
  }
  const schema = schemaOf(inference, known, flags);
  return eventFields({ ...flags, tiebreakerField: tiebreaker === "long" ? flags.tiebreakerField : NO_FIELD }, schema);
}

/** Whole lines. */
function addLines(inference: SchemaInference, bytes: Buffer): void {
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start);
    inference.add(bytes.toString("utf8", start, end));
    start = end + 1;
  }
}

/** What Kestrel knows of ECS beside what was seen. */
function schemaOf(inference: SchemaInference, known: Schema, { eventCategoryField }: QueryFlags): Schema {
  return inferredSchema(inference, known, new Map([[eventCategoryField, "keyword"]]));
}

function namesCategory(parsed: Query | null): boolean {
  if (parsed === null) return false;
  const { body } = parsed;
  return body.kind === "event" ? body.category !== null : body.terms.some((term) => term.query.category !== null);
}

function missingTime(field: string, seen: ReadonlyMap<string, FieldType>): string {
  const dates = [...seen].filter(([, type]) => type === "date").map(([name]) => name);
  const hint = dates.length === 0 ? "" : `; --timestamp-field could name ${dates.slice(0, 3).join(", ")}`;
  return printable(`note: no event has the time field ${field}, so events keep their order${hint}`);
}

function* jsonLines(matches: readonly QueryMatch[], { typed }: CompiledRule): Generator<string> {
  for (const { key, events, isRecord } of matches) {
    const texts = events.map((event) => (event === null ? "null" : eventJson(event)));
    yield typed.kind === "event" || isRecord
      ? `${texts[0] ?? ""}\n`
      : `{"join_keys":${keyJson(key)},"events":[${texts.join(",")}]}\n`;
  }
}

function* textLines(matches: readonly QueryMatch[], { typed }: CompiledRule): Generator<string | Uint8Array> {
  const names = keyNames(typed);
  for (const [index, { key, events, isRecord }] of matches.entries()) {
    if (typed.kind !== "event" && !isRecord) {
      const parts = key === "" ? [] : key.split("\n").map((part) => keyJson(part).slice(1, -1));
      const pairs = parts.map((part, at) => ` ${names[at] ?? at}=${part}`);
      yield `${index === 0 ? "" : NEWLINE}# ${typed.kind}${printable(pairs.join(""))}\n`;
    }
    for (const event of events) {
      if (event === null) yield "# no such event\n";
      else yield* rawLine(event);
    }
  }
}

/** The line as it was read; what a terminal would obey is replaced when there is one. */
function* rawLine({ bytes: line }: EvidenceEvent): Generator<string | Uint8Array> {
  let end = line.length;
  while (end > 0 && (line[end - 1] === 10 || line[end - 1] === 13)) end--;
  const bytes = line.subarray(0, end);
  yield process.stdout.isTTY ? printable(Buffer.from(bytes).toString("utf8")) : bytes;
  yield NEWLINE;
}

function brokenText({ file, line, reason, excerpt }: BrokenLine): string {
  const where = `${file === "-" ? "stdin" : file}:${line}`;
  return printable(`${where}: ${reason}${excerpt === "" ? "" : `: ${excerpt}`}`);
}

/** What a person should know before trusting the result. */
function notesOn(counters: DetectorCounters, shownOrHidden: number, flags: QueryFlags): string[] {
  const { broken, untimed, events, keysCut, keyOverflow, combinations, lateLost } = counters;
  const hidden = broken - Math.min(shownOrHidden, SHOWN_BROKEN);
  const counts: readonly (readonly [number, string])[] = [
    [hidden, "more lines are not events"],
    [
      untimed === events ? 0 : untimed,
      `events have no readable ${flags.timestampField}, and take the time of those before`,
    ],
    [keysCut + keyOverflow, "matches have too many join keys, and are not complete"],
    [lateLost, "times the events of a match were too long to be read together"],
    [combinations, "conditions were given up for too many combinations of values"],
  ];
  return counts.filter(([count]) => count > 0).map(([count, text]) => `note: ${count} ${text}`);
}
