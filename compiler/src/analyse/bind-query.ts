// Query AST -> typed query: categories, conditions, join keys, and the rules that sequences and samples must keep.

import type { Schema } from "@kestrel/stdlib/schema/types";
import type { Problem } from "../diagnostics/diagnostic.js";
import type { Foreign } from "../ir/foreign.js";
import type { Expr, Pipe, Query, Sample, Sequence, Span, Term } from "../syntax/ast.js";
import { type BindContext, createContext, isUnread, report } from "./bind-context.js";
import { bind, bindCondition } from "./bind-expression.js";
import { bindField } from "./bind-field.js";
import { bindEndgameQuery } from "./endgame/bind-query.js";
import type { BoundQuery, Typed, TypedBody, TypedKey, TypedPipe, TypedQuery, TypedTerm } from "./typed.js";

const NS_PER_MS = 1_000_000n;
/** As much as a signed 64-bit integer holds, which is what times are: 292 years. */
const MAX_MAXSPAN_NS = (1n << 63n) - 1n;

/**
 * Types a query; null when it has errors, all of which are in `problems`. Its categories are compared with `categoryField`, or
 * with the pack's category field where that is null; `predicates` are what it may call beside the functions of the language; of one that is null it has been said that it is missing.
 */
export function bindQuery(
  query: Query,
  schema: Schema,
  categoryField: string | null = null,
  predicates: ReadonlyMap<string, Foreign | null> = new Map(),
): { typed: TypedQuery | null; problems: Problem[]; bound: ReadonlyMap<Expr, Typed> } {
  const context = createContext(schema, query.unread, predicates);
  const bound = query.dialect === "endgame" ? bindEndgameQuery(query, context) : bindElastic(query, context);
  const failed = context.problems.some((problem) => problem.severity === "error");
  const typed = failed || bound === null ? null : { ...bound, categoryField };
  return { typed, problems: context.problems, bound: context.bound };
}

function bindElastic(query: Query, context: BindContext): BoundQuery | null {
  const body = bindBody(query, context);
  const pipes = query.pipes.flatMap((pipe) => bindPipe(pipe, context) ?? []);
  return body === null ? null : { ...body, pipes, spans: context.spans };
}

function bindBody(query: Query, context: BindContext): TypedBody | null {
  const { body } = query;
  switch (body.kind) {
    case "event":
      return {
        kind: "event",
        term: {
          dialect: "elastic",
          category: body.category,
          condition: bindCondition(body.condition, context),
          keys: [],
          missing: false,
          fork: false,
          span: body.span,
        },
      };
    case "sequence":
      return bindSequence(body, context);
    case "sample":
      return bindSample(body, context);
    case "join":
      // The parser has reported that `join` belongs to endgame. Its terms are bound for what else is wrong in them.
      for (const term of body.until === null ? body.terms : [...body.terms, body.until]) {
        bindTerm(term, body.by, context);
      }
      return null;
  }
}

function bindTerm(term: Term, by: readonly Expr[], context: BindContext): TypedTerm {
  if (term.fork) report(context, "E0204", term.span, "`fork` belongs to the endgame dialect");
  context.noAliases = term.missing ? "what must be missing is not looked for with an event of another term" : null;
  const condition = bindCondition(term.query.condition, context);
  context.noAliases = "join keys are fields of the term's own event";
  const keys = [...by, ...term.by].map((key) => bindKey(key, context));
  const { missing, span, query } = term;
  return { dialect: "elastic", category: query.category, condition, keys, missing, fork: false, span };
}

function bindKey(key: Expr, context: BindContext): TypedKey {
  const none: TypedKey = { name: "", value: { kind: "absent" }, optional: true };
  if (key.kind === "error") {
    bind(key, context);
    return none;
  }
  if (key.kind !== "field" || key.variable || key.path.some((part) => typeof part === "number")) {
    report(context, "E0306", key.span, "a join key must be a field");
    return none;
  }
  const name = key.path.join(".");
  const typed = bindField(key, context);
  if (typed.kind !== "field") return { name, value: { kind: "absent" }, optional: key.optional };
  const { reading } = typed;
  if (reading.as === "object") {
    report(context, "E0306", key.span, `\`${name}\` is an object and cannot be a join key`);
  }
  return { name, value: { kind: "reading", reading }, optional: key.optional };
}

/** What a key's values are, since those of two kinds are never equal; null for a key that is always missing. */
function keyKind({ value }: TypedKey): string | null {
  if (value.kind !== "reading") return null;
  switch (value.reading.as) {
    case "long":
    case "double":
      return "number";
    case "boolean":
    case "date":
      return value.reading.as;
    default:
      return "string";
  }
}

/** Where a term's join keys stand, those of all terms first; the term itself when it has none. */
function keySpan(by: readonly Expr[], term: Term): Span {
  const keys = [...by, ...term.by];
  const [first, last] = [keys[0], keys.at(-1)];
  if (first === undefined || last === undefined) return term.span;
  return by.length > 0 && term.by.length > 0 ? cover(term.by) : { start: first.span.start, end: last.span.end };
}

function cover(keys: readonly Expr[]): Span {
  return { start: keys[0]?.span.start ?? 0, end: keys.at(-1)?.span.end ?? 0 };
}

function checkKeys(
  terms: readonly TypedTerm[],
  written: readonly Term[],
  by: readonly Expr[],
  context: BindContext,
): void {
  const [first] = terms;
  const [firstWritten] = written;
  if (first === undefined || firstWritten === undefined) return;
  for (const [index, term] of terms.entries()) {
    const { span, query } = written[index] ?? firstWritten;
    // A term's own keys stand behind its brackets. They can be counted even where the query in the brackets was not
    // understood.
    const behind = { start: query.span.end, end: span.end };
    if (term.keys.length !== first.keys.length) {
      if (isUnread(context, behind)) continue;
      context.problems.push({
        code: "E0306",
        severity: "error",
        message: `this term has ${term.keys.length} join keys, but the first term has ${first.keys.length}`,
        span,
        labels: [{ span: keySpan(by, firstWritten), text: `the first term has ${counted(first.keys.length)}` }],
      });
      continue;
    }
    for (const [k, key] of term.keys.entries()) {
      const [a, b] = [keyKind(first.keys[k] ?? key), keyKind(key)];
      if (a !== null && b !== null && a !== b) {
        const at = [...by, ...firstWritten.by][k]?.span;
        report(
          context,
          "E0306",
          span,
          `join key \`${key.name}\` is a ${b}, but in the first term it is a ${a}: they are never equal`,
          at === undefined ? {} : { labels: [{ span: at, text: `a ${a} here` }] },
        );
      }
    }
  }
}

function counted(keys: number): string {
  return keys === 0 ? "no keys" : keys === 1 ? "1 key" : `${keys} keys`;
}

function bindSequence(sequence: Sequence, context: BindContext): TypedBody {
  const terms: TypedTerm[] = [];
  const written: Term[] = [];
  const named = new Map<string, Span>();
  for (const { alias } of sequence.terms) {
    if (alias === null) continue;
    const before = named.get(alias.name);
    if (before === undefined) named.set(alias.name, alias.span);
    else {
      const labels = [{ span: before, text: "the first of them" }];
      report(context, "E0310", alias.span, `two terms are named \`${alias.name}\``, { labels });
    }
    context.aliases.set(alias.name, null);
  }
  for (const term of sequence.terms) {
    const typed = bindTerm(term, sequence.by, context);
    for (let run = 0; run < term.runs; run++) {
      terms.push(typed);
      written.push(term);
    }
    if (term.alias === null) continue;
    if (term.missing) report(context, "E0310", term.alias.span, "a missing event has no fields, so it needs no name");
    else context.aliases.set(term.alias.name, terms.length - 1);
  }
  if (sequence.until?.alias != null) report(context, "E0310", sequence.until.alias.span, "`until` needs no name");
  const until = sequence.until === null ? null : bindTerm(sequence.until, sequence.by, context);
  checkKeys(
    until === null ? terms : [...terms, until],
    sequence.until === null ? written : [...written, sequence.until],
    sequence.by,
    context,
  );
  if (until?.missing)
    report(context, "E0307", sequence.until?.span ?? sequence.span, "`until` cannot be a missing event");
  if (terms.every((term) => term.missing)) {
    report(context, "E0307", sequence.span, "a sequence needs at least one term that is not a missing event");
  } else if (terms.some((term) => term.missing) && sequence.maxspan === null) {
    report(
      context,
      "E0307",
      sequence.span,
      "a sequence with a missing event needs a maxspan",
      "add `with maxspan=1m` after the keys",
    );
  }
  if (terms.length === 1 && !isUnread(context, sequence.span)) {
    context.problems.push({
      code: "W0502",
      severity: "warning",
      message: "a sequence of one term behaves as an event query",
      span: sequence.span,
    });
  }
  const maxspanNs = sequence.maxspan === null ? null : BigInt(sequence.maxspan.milliseconds) * NS_PER_MS;
  if (sequence.maxspan !== null && maxspanNs !== null && maxspanNs > MAX_MAXSPAN_NS) {
    report(context, "E0205", sequence.maxspan.span, "a maxspan cannot be longer than 292 years");
  }
  return { kind: "sequence", terms, until, maxspanNs, untilFirst: false };
}

function bindSample(sample: Sample, context: BindContext): TypedBody {
  const terms = sample.terms.map((term) => bindTerm(term, sample.by, context));
  checkKeys(terms, sample.terms, sample.by, context);
  for (const term of sample.terms) {
    if (term.alias !== null) report(context, "E0307", term.alias.span, "the terms of a sample have no names");
    if (term.missing || term.runs > 1)
      report(context, "E0307", term.span, "a sample has no missing events and no runs");
  }
  if (terms.every((term) => term.keys.length === 0)) {
    report(context, "E0307", sample.span, "a sample needs at least one join key", "add `by host.id` or the like");
  }
  return { kind: "sample", terms };
}

function bindPipe(pipe: Pipe, context: BindContext): TypedPipe | null {
  if (pipe.name !== "head" && pipe.name !== "tail") {
    report(
      context,
      "E0308",
      pipe.nameSpan,
      `the pipe \`${pipe.name}\` does not exist in this dialect`,
      "`head N` and `tail N` do",
    );
    return null;
  }
  const [count] = pipe.args;
  if (pipe.args.length !== 1 || count?.kind !== "literal" || count.type !== "integer") {
    report(context, "E0308", pipe.span, `\`${pipe.name}\` takes one whole number`);
    return null;
  }
  return { kind: pipe.name, count: Number(count.value), span: pipe.span };
}
