// The entry to the syntax stage: query text to syntax tree and problems. It never throws.

import type { IToken } from "chevrotain";
import type { Problem } from "../diagnostics/diagnostic.js";
import type { Dialect, Expr, Pipe, Query, QueryBody, Span } from "./ast.js";
import { MAX_RECOVERIES } from "./expression-grammar.js";
import { type Lexed, lex, tokenSpan } from "./lex.js";
import { problemOf } from "./messages.js";
import { addError, MAX_PROBLEMS, noProblems, type Problems } from "./problems.js";
import { sharedParser } from "./query-grammar.js";
import { findTooDeep } from "./walk.js";

export interface ParseOptions {
  readonly dialect: Dialect;
}

/** A comment that speaks to Kestrel: what stands behind `kestrel:`. */
export interface Directive {
  readonly text: string;
  readonly span: Span;
}

/** Whether a syntax error is only the consequence of something unreadable just before it. */
function followsUnreadable(problem: Problem, lexical: readonly Problem[], tokens: readonly IToken[]): boolean {
  const from = tokens.findLast((token) => token.startOffset < problem.span.start)?.startOffset ?? 0;
  const to = Math.max(problem.span.end, problem.span.start + 1);
  return lexical.some((other) => {
    const unreadable = other.code === "E0201" || other.code === "E0202";
    return unreadable && other.span.end > from && other.span.start < to;
  });
}

/** All problems in reading order; the last one says how many are not listed. */
function settle(lexed: Lexed, reported: Problems, syntax: readonly Problem[]): Problem[] {
  const lexical = lexed.problems.kept;
  const own = syntax.filter((problem) => !followsUnreadable(problem, lexical, lexed.tokens));
  const all = [...lexical, ...reported.kept, ...own];
  all.sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
  const omitted = lexed.problems.omitted + reported.omitted;
  const last = all.at(-1);
  if (omitted === 0 || last === undefined) return all;
  return [
    ...all.slice(0, -1),
    { ...last, message: `${last.message} (${omitted} more problems of this query are not listed.)` },
  ];
}

/** Having gone on behind an empty place, the parser may stumble over the same token again: that is one slip. */
function firstAtEachPlace(problems: readonly Problem[]): Problem[] {
  return problems.filter(({ span }, index) => problems.findIndex((other) => other.span.start === span.start) === index);
}

function directiveOf(token: IToken): Directive {
  const text = token.image.replace(/^\/[/*][ \t]*kestrel:/, "").replace(/\*\/$/, "");
  return { text: text.trim(), span: tokenSpan(token) };
}

function* conditionsOf(body: QueryBody, pipes: readonly Pipe[]): Generator<Expr> {
  if (body.kind === "event") {
    yield body.condition;
  } else {
    yield* body.by;
    const until = body.kind === "sample" ? null : body.until;
    for (const term of until === null ? body.terms : [...body.terms, until]) {
      yield term.query.condition;
      yield* term.by;
    }
  }
  for (const pipe of pipes) yield* pipe.args;
}

function run<T>(
  text: string,
  dialect: Dialect,
  read: (parser: ReturnType<typeof sharedParser>) => T | null,
  exprs: (tree: T) => Iterable<Expr>,
): { tree: T | null; isWhole: boolean; problems: Problem[]; directives: Directive[] } {
  const lexed = lex(text, dialect);
  const directives = lexed.directives.map(directiveOf);
  if (lexed.fatal) return { tree: null, isWhole: false, problems: settle(lexed, noProblems(), []), directives };
  const parser = sharedParser();
  parser.begin(text, dialect, lexed);
  const tree = read(parser) ?? null;
  const { reported, errors } = parser;
  const syntax = firstAtEachPlace(errors.map((exception) => problemOf(exception, lexed.tokens, parser.expectedAtEnd)));
  const last = syntax.at(-1);
  const redundant = errors.find(({ name }) => name === "NotAllInputParsedException");
  // What stands where nothing more was expected may belong to the last thing that was read.
  if (redundant !== undefined) parser.distrustFrom(redundant.token);
  if (last !== undefined && syntax.length > MAX_RECOVERIES) {
    syntax[syntax.length - 1] = { ...last, help: "Mend these first: the query was not read past this one." };
  }
  // The tokens of a large query should not live on until the next one.
  parser.input = [];
  const problems = settle(lexed, reported, syntax);
  const hopeless = syntax.length > MAX_RECOVERIES || parser.unread.length > MAX_PROBLEMS;
  const isWhole = syntax.length === 0;
  if (tree === null || hopeless) return { tree: null, isWhole: false, problems, directives };
  for (const expr of exprs(tree)) {
    const deep = findTooDeep(expr);
    if (deep === null) continue;
    addError(reported, "E0206", deep.span, "The expression is nested too deeply.", "Split the condition.");
    return { tree: null, isWhole: false, problems: settle(lexed, reported, syntax), directives };
  }
  return { tree, isWhole, problems, directives };
}

/**
 * Parses a query. Together with problems, the query may hold error nodes where a part could not be read, or parts that
 * are wrong but were read all the same, so a caller must look at the problems before it uses the query. It is null when
 * too much is wrong with it to go on.
 */
export function parseQuery(
  text: string,
  options: ParseOptions,
): { query: Query | null; problems: Problem[]; directives: Directive[] } {
  const { tree, problems, directives } = run(
    text,
    options.dialect,
    (parser) => parser.query(),
    (query) => conditionsOf(query.body, query.pipes),
  );
  return { query: tree, problems, directives };
}

/**
 * Parses an expression on its own, such as a condition without its category. `expr` is null when a part of it could not be
 * read; otherwise the same contract as `parseQuery`.
 */
export function parseExpression(text: string, options: ParseOptions): { expr: Expr | null; problems: Problem[] } {
  const { tree, isWhole, problems } = run(
    text,
    options.dialect,
    (parser) => parser.condition(),
    (expr) => [expr],
  );
  return { expr: isWhole ? tree : null, problems };
}
