// Query AST of the endgame dialect -> typed query: terms, join keys, sequences, joins, samples and pipes.

import { readingsOfDynamic } from "../../ir/dynamic-value.js";
import type { Expr, Pipe, Query, QueryBody, Span, Term } from "../../syntax/ast.js";
import { printExpression } from "../../syntax/print.js";
import { type BindContext, isUnread, report } from "../bind-context.js";
import type { BoundQuery, TypedBody, TypedKey, TypedPipe, TypedTerm } from "../typed.js";
import { bindCondition, bindEvents, bindValue } from "./bind-value.js";
import { type Bound, describeKind, fits, type Kind, type Scope, topScope } from "./scope.js";

const NS_PER_MS = 1_000_000n;
/** As much as a signed 64-bit integer holds, which is what times are: 292 years. */
const MAX_MAXSPAN_NS = (1n << 63n) - 1n;

/** Types a query; null when it has errors, all of which are in the context's problems. */
export function bindEndgameQuery(query: Query, context: BindContext): BoundQuery | null {
  const body = bindBody(query.body, context);
  const pipes = bindPipes(query, context);
  return body === null ? null : { ...body, pipes, spans: context.spans };
}

function bindBody(body: QueryBody, context: BindContext): TypedBody | null {
  if (body.kind === "event") return { kind: "event", term: bindEvents(body, topScope(context)) };
  const { kind } = body;
  const until = body.kind === "sample" ? null : body.until;
  const written = body.terms.flatMap((term) => Array.from({ length: term.runs }, () => term));
  checkTerms(body, context);
  const keyed = bindTerms(written, until, body.by, context);
  const terms = until === null ? keyed : keyed.slice(0, -1);
  const closing = until === null ? null : (keyed.at(-1) ?? null);
  if (kind === "sample") {
    if (terms.every(({ keys }) => keys.length === 0)) {
      report(context, "E0307", body.span, "a sample needs at least one join key", "add `by hostname` or the like");
    }
    return { kind, terms };
  }
  const maxspan = body.kind === "sequence" ? body.maxspan : null;
  const maxspanNs = maxspan === null ? null : BigInt(maxspan.milliseconds) * NS_PER_MS;
  if (maxspan !== null && maxspanNs !== null && maxspanNs > MAX_MAXSPAN_NS) {
    report(context, "E0205", maxspan.span, "a maxspan cannot be longer than 292 years");
  }
  return { kind, terms, until: closing, maxspanNs, untilFirst: true };
}

/** What the terms must keep whatever is in them. */
function checkTerms(body: Exclude<QueryBody, { kind: "event" }>, context: BindContext): void {
  const { kind, terms } = body;
  for (const [index, term] of terms.entries()) {
    if (term.alias !== null) report(context, "E0204", term.alias.span, "a named term belongs to the elastic dialect");
    if (term.fork && (kind !== "sequence" || index === 0)) {
      report(context, "E0307", term.span, "only a later term of a sequence can fork it");
    }
    if (term.missing && kind !== "sequence") report(context, "E0307", term.span, `a ${kind} has no missing events`);
  }
  if (body.kind !== "sample") {
    if (body.until?.fork) report(context, "E0307", body.until.span, "`until` cannot fork");
    if (body.until?.missing) report(context, "E0307", body.until.span, "`until` cannot be a missing event");
  }
  if (kind !== "sample" && terms.length < 2 && (terms[0]?.runs ?? 2) < 2 && !isUnread(context, body.span)) {
    const message = `a ${kind} of one term behaves as an event query`;
    context.problems.push({ code: "W0502", severity: "warning", message, span: body.span });
  }
  if (kind !== "sequence") return;
  if (terms.every((term) => term.missing)) {
    report(context, "E0307", body.span, "a sequence needs at least one term that is not a missing event");
  } else if (terms.some((term) => term.missing) && body.kind === "sequence" && body.maxspan === null) {
    const help = "add `with maxspan=1m` after the keys";
    report(context, "E0307", body.span, "a sequence with a missing event needs a maxspan", help);
  }
}

/** The terms with `until` last, whose keys must be as many, and comparable one by one. */
function bindTerms(
  terms: readonly Term[],
  until: Term | null,
  by: readonly Expr[],
  context: BindContext,
): readonly TypedTerm[] {
  const scope = topScope(context);
  const types: Kind[] = [];
  const bound = new Map<Term, TypedTerm>();
  const count = by.length + (terms[0]?.by.length ?? 0);
  return [...terms, ...(until === null ? [] : [until])].map((term) => {
    const known = bound.get(term);
    if (known !== undefined) return known;
    const events = bindEvents(term.query, scope);
    const written = [...by, ...term.by];
    if (written.length !== count) {
      const message = `this term has ${written.length} join keys, but the first term has ${count}`;
      const keys = terms[0]?.by.length ? terms[0].by : by;
      const span = { start: keys[0]?.span.start ?? 0, end: keys.at(-1)?.span.end ?? 0 };
      const at = keys.length > 0 ? span : terms[0]?.span;
      const text = `the first term has ${count === 0 ? "no keys" : count === 1 ? "1 key" : `${count} keys`}`;
      // A term's own keys stand behind its brackets. They can be counted even where the query in the brackets was not
      // understood.
      if (!isUnread(context, { start: term.query.span.end, end: term.span.end })) {
        const labels = at === undefined ? [] : [{ span: at, text }];
        context.problems.push({ code: "E0306", severity: "error", message, span: term.span, labels });
      }
    }
    const keys = written.map((expr, index) => {
      const key = bindValue(expr, scope);
      checkKey(key, expr.span, types[index], context);
      if (key.type !== "unknown" && key.type !== "null") types[index] ??= key.type;
      return joinKey(expr, key, true);
    });
    const typed: TypedTerm = { ...events, keys, missing: term.missing, fork: term.fork, span: term.span };
    bound.set(term, typed);
    return typed;
  });
}

function checkKey(key: Bound, span: Span, before: Kind | undefined, context: BindContext): void {
  // A boolean joins the numbers 0 and 1.
  const numeric = (kind: Kind): boolean => kind === "number" || kind === "boolean";
  if (before === undefined || fits(key.type, before) || (numeric(key.type) && numeric(before))) return;
  const message = `this join key is ${describeKind(key.type)}, but in an earlier term it is ${describeKind(before)}`;
  report(context, "E0306", span, message);
}

/** A key is optional in endgame: events that lack it join with each other. */
function joinKey(expr: Expr, { value }: Bound, fold: boolean): TypedKey {
  const name = printExpression(expr, "endgame");
  return { name, value: { kind: "dynamic", value, fold }, optional: true };
}

/** What `head` and `tail` keep where no number is written. */
const DEFAULT_COUNT = 50;

function bindPipes(query: Query, context: BindContext): TypedPipe[] {
  const { body } = query;
  let positive = 0;
  let events: Scope["events"] =
    body.kind === "event"
      ? null
      : body.terms.flatMap(({ missing, runs }) => Array.from({ length: runs }, () => (missing ? null : positive++)));
  return query.pipes.flatMap((pipe) => {
    const bound = bindPipe(pipe, { context, variables: [], events, inPipe: true });
    // `count` makes one record of several matches, so there is no `events[1]` behind it.
    if (pipe.name === "count") events = null;
    return bound ?? [];
  });
}

function bindPipe(pipe: Pipe, scope: Scope): TypedPipe | null {
  const { name, args } = pipe;
  const refuse = (span: Span, message: string): null => {
    report(scope.context, "E0308", span, message);
    return null;
  };
  switch (name) {
    case "head":
    case "tail": {
      const [count] = args;
      if (count === undefined) return { kind: name, count: DEFAULT_COUNT, span: pipe.span };
      const written = count.kind === "literal" && count.type === "integer" && count.value > 0n;
      if (args.length > 1 || !written) return refuse(pipe.span, `\`${name}\` takes one whole number above 0`);
      return { kind: name, count: Math.min(Number(count.value), Number.MAX_SAFE_INTEGER), span: pipe.span };
    }
    case "filter": {
      const [condition] = args;
      if (condition === undefined || args.length > 1) return refuse(pipe.span, "`filter` takes one condition");
      return { kind: name, condition: { kind: "dynamic", value: bindCondition(condition, scope) }, span: pipe.span };
    }
    case "sort":
    case "unique":
    case "unique_count":
    case "count": {
      if (args.length === 0 && name !== "count") return refuse(pipe.span, `\`${name}\` needs at least one value`);
      const keys = args.map((arg) => {
        const key = bindValue(arg, scope);
        if (readingsOfDynamic(key.value).length === 0)
          refuse(arg.span, `\`${name}\` needs a value that can differ here`);
        return joinKey(arg, key, name !== "count");
      });
      return { kind: name, keys, span: pipe.span };
    }
    default: {
      const known = "`head`, `tail`, `filter`, `sort`, `unique`, `unique_count` and `count` do";
      report(scope.context, "E0308", pipe.nameSpan, `the pipe \`${name}\` does not exist`, known);
      return null;
    }
  }
}
