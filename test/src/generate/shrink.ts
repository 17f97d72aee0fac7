// A query and a stream on which the two sides differ -> a smaller query and a shorter stream on which they still do, as a
// case for test/cases/agreement. Pieces are left out one after the other for as long as the difference stays.

import type { EventQuery, Expr, Query, Term } from "@kestrel/compiler/syntax/ast";
import { parseQuery } from "@kestrel/compiler/syntax/parse";
import { printQuery } from "@kestrel/compiler/syntax/print";
import { type Json, readJson } from "../reference/read-json.js";
import { eventsOf } from "../support/detections.js";
import { judgedText } from "../support/judged-events.js";
import { writeSection } from "../support/text-cases.js";
import { type Disagreement, parseText, prepare, REFUSED, type Setting } from "./compare.js";

/** How often it goes over queries and streams in turn. */
const ROUNDS = 12;
/** Smaller queries that are tried in one pack. */
const BATCH = 60;

/** Ends with a case of which no piece can be left out, or after so many rounds. */
export async function shrink(start: Disagreement, setting: Setting): Promise<Disagreement> {
  // What is wrong without the optimiser, as most is, takes far less time to try.
  const plain = (await prepare([start.query], setting, ["plain"])).over(start.lines).disagreements[0];
  let smallest = plain ?? start;
  for (let round = 0; round < ROUNDS; round++) {
    const before = smallest;
    smallest = await shrinkStream(smallest, setting);
    smallest = (await shrinkQuery(smallest, setting)) ?? smallest;
    if (smallest === before) break;
  }
  return smallest;
}

/** The query stays as it is, so it is compiled once. */
async function shrinkStream(start: Disagreement, setting: Setting): Promise<Disagreement> {
  const prepared = await prepare([start.query], setting, [start.mode]);
  let smallest = start;
  for (let shrunk = true; shrunk; ) {
    shrunk = false;
    for (const lines of smallerStreams(smallest.lines)) {
      const [found] = prepared.over(lines).disagreements;
      if (found === undefined || !isSameKind(found, start)) continue;
      smallest = found;
      shrunk = true;
      break;
    }
  }
  return smallest;
}

/** The first smaller query that shows the difference; null when there is none. */
async function shrinkQuery(start: Disagreement, setting: Setting): Promise<Disagreement | null> {
  const smaller = [...smallerQueries(parseText(start.query, setting.dialect))].map(printQuery);
  const parses = smaller.filter((text) => parseQuery(text, { dialect: setting.dialect }).problems.length === 0);
  const shorter = [...new Set(parses)].filter((text) => text !== start.query).sort((a, b) => a.length - b.length);
  for (let at = 0; at < shorter.length; at += BATCH) {
    const prepared = await prepare(shorter.slice(at, at + BATCH), setting, [start.mode]);
    const found = prepared.over(start.lines).disagreements.find((one) => isSameKind(one, start));
    if (found !== undefined) return found;
  }
  return null;
}

function isSameKind(a: Disagreement, b: Disagreement): boolean {
  return kindOf(a) === kindOf(b);
}

/** That the reference refuses a query, that other events are found, and that their keys or order differ are three matters. */
function kindOf({ expected, found }: Disagreement): "refused" | "events" | "keys or order" {
  if (expected[0]?.startsWith(REFUSED)) return "refused";
  const events = (detections: readonly string[]): string => detections.map(eventsOf).sort().join("|");
  return events(expected) === events(found) ? "keys or order" : "events";
}

/** As a case of test/cases/agreement, with what is wrong in comments. */
export function writeCase(found: Disagreement, setting: Setting): string {
  const { body, pipes } = parseText(found.query, setting.dialect);
  const numbers = (one: string): string =>
    eventsOf(one)
      .split(" ")
      .map((n) => (n === "-1" ? "_" : String(Number(n) + 1)))
      .join(" ");
  const head = [
    `// ${setting.dialect}, ${found.mode}: finds ${found.found.join(" | ") || "nothing"}`,
    `// and not ${found.expected.join(" | ") || "nothing"}`,
    writeSection("query", printQuery(parseText(found.query, setting.dialect))),
  ];
  const refused = found.expected.some((one) => one.startsWith(REFUSED));
  if (body.kind === "event" && pipes.length === 0 && !refused) {
    const judged = judgedText(found.lines, new Set(found.expected.map(Number)));
    return [...head, writeSection("judged", judged)].join("\n");
  }
  const expected = found.expected.map((one) => (body.kind === "event" ? numbers(one) : `[${numbers(one)}]`));
  const finds = (refused ? found.expected : expected).join(" ") || "nothing";
  return [...head, writeSection("events", found.lines.join("\n")), writeSection("finds", finds)].join("\n");
}

function* smallerStreams(lines: readonly string[]): Generator<readonly string[]> {
  for (
    let size = Math.ceil(lines.length / 2);
    size >= 1 && lines.length > 1;
    size = size > 1 ? Math.ceil(size / 2) : 0
  ) {
    for (let at = 0; at < lines.length; at += size) yield [...lines.slice(0, at), ...lines.slice(at + size)];
  }
  for (const [at, line] of lines.entries()) {
    for (const smaller of smallerJson(readJson(line)))
      yield lines.map((other, i) => (i === at ? writeJson(smaller) : other));
  }
}

function* smallerQueries(query: Query): Generator<Query> {
  const { body } = query;
  for (const [at] of query.pipes.entries()) yield { ...query, pipes: query.pipes.filter((_, i) => i !== at) };
  switch (body.kind) {
    case "event":
      for (const smaller of smallerEvents(body)) yield { ...query, body: smaller };
      return;
    case "sample":
      for (const terms of smallerTerms(body.terms)) yield { ...query, body: { ...body, terms } };
      return;
    case "join":
    case "sequence":
      if (body.until !== null) {
        yield { ...query, body: { ...body, until: null } };
        for (const [until] of smallerTerms([body.until])) if (until) yield { ...query, body: { ...body, until } };
      }
      if (body.by.length > 0) yield { ...query, body: { ...body, by: body.by.slice(1) } };
      if (body.kind === "sequence" && body.maxspan !== null) yield { ...query, body: { ...body, maxspan: null } };
      for (const terms of smallerTerms(body.terms)) yield { ...query, body: { ...body, terms } };
  }
}

function* smallerTerms(terms: readonly Term[]): Generator<readonly Term[]> {
  if (terms.length > 1) for (const [at] of terms.entries()) yield terms.filter((_, i) => i !== at);
  for (const [at, term] of terms.entries()) {
    const put = (changed: Term): readonly Term[] => terms.map((other, i) => (i === at ? changed : other));
    if (term.runs > 1) yield put({ ...term, runs: term.runs - 1 });
    if (term.alias !== null) yield put({ ...term, alias: null });
    if (term.fork) yield put({ ...term, fork: false });
    for (const query of smallerEvents(term.query)) yield put({ ...term, query });
  }
}

function* smallerEvents(query: EventQuery): Generator<EventQuery> {
  if (query.category !== null) yield { ...query, category: null };
  for (const condition of smallerExpressions(query.condition)) yield { ...query, condition };
}

/** Its own parts in its place, then itself with a part made smaller. What loses its sense by that does not compile. */
function* smallerExpressions(e: Expr): Generator<Expr> {
  switch (e.kind) {
    case "literal":
      if (e.type === "string" && e.value.length > 1) yield { ...e, value: [...e.value].slice(1).join("") };
      return;
    case "field":
      return;
    case "unary":
      yield e.operand;
      for (const operand of smallerExpressions(e.operand)) yield { ...e, operand };
      return;
    case "binary":
      yield e.left;
      yield e.right;
      for (const left of smallerExpressions(e.left)) yield { ...e, left };
      for (const right of smallerExpressions(e.right)) yield { ...e, right };
      return;
    case "call":
      for (const [at, arg] of e.args.entries()) {
        yield arg;
        yield { ...e, args: e.args.filter((_, i) => i !== at) };
        for (const smaller of smallerExpressions(arg))
          yield { ...e, args: e.args.map((other, i) => (i === at ? smaller : other)) };
      }
      return;
    case "match":
      yield e.subject;
      if (e.negated) yield { ...e, negated: false };
      for (const subject of smallerExpressions(e.subject)) yield { ...e, subject };
      for (const [at, value] of e.values.entries()) {
        if (e.values.length > 1) yield { ...e, values: e.values.filter((_, i) => i !== at) };
        for (const smaller of smallerExpressions(value))
          yield { ...e, values: e.values.map((other, i) => (i === at ? smaller : other)) };
      }
      return;
    case "lineage":
      for (const query of smallerEvents(e.query)) yield { ...e, query };
  }
}

function* smallerJson(json: Json): Generator<Json> {
  if (json.kind === "array") {
    for (const [at, item] of json.items.entries()) {
      yield { ...json, items: json.items.filter((_, i) => i !== at) };
      for (const smaller of smallerJson(item))
        yield { ...json, items: json.items.map((other, i) => (i === at ? smaller : other)) };
    }
    return;
  }
  if (json.kind !== "object") return;
  for (const [at, [key, value]] of json.entries.entries()) {
    yield { ...json, entries: json.entries.filter((_, i) => i !== at) };
    for (const smaller of smallerJson(value))
      yield { ...json, entries: json.entries.map((other, i) => (i === at ? ([key, smaller] as const) : other)) };
  }
}

function writeJson(json: Json): string {
  switch (json.kind) {
    case "null":
      return "null";
    case "boolean":
      return String(json.value);
    case "number":
      return json.text;
    case "string":
      return JSON.stringify(json.value);
    case "array":
      return `[${json.items.map(writeJson).join(", ")}]`;
    case "object":
      return `{${json.entries.map(([key, value]) => `${JSON.stringify(key)}: ${writeJson(value)}`).join(", ")}}`;
  }
}
