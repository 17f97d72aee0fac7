// Every lineage question of a query -> for each event of the stream, in order, the answer.
//
// A process is its `pid`. For each question there are the processes that an event of the inner query has marked, their
// children, and their descendants. At each event first the tree changes, then marks are set, inner questions first, and
// then questions are answered. A process that ended is forgotten at the next process event, so that its end still belongs
// to it.

import type { EventQuery, Expr, Lineage, Query } from "@kestrel/compiler/syntax/ast";
import { holds } from "./evaluate.js";
import type { EndgameEvent } from "./events.js";
import { type Data, identity } from "./values.js";

export type Answers = ReadonlyMap<EndgameEvent, ReadonlyMap<Lineage, boolean>>;

interface Question {
  readonly lineage: Lineage;
  readonly marked: Set<string>;
  readonly children: Set<string>;
  readonly descendants: Set<string>;
}

const STARTS: readonly Data[] = ["create", "fork"];
const START_OPCODES: readonly Data[] = [1n, 3n, 9n];
const END_OPCODES: readonly Data[] = [2n, 4n];

export function answerLineage(query: Query, events: readonly EndgameEvent[]): Answers {
  const answers = new Map<EndgameEvent, ReadonlyMap<Lineage, boolean>>();
  const questions = lineagesOf(query).map((lineage): Question => {
    return { lineage, marked: new Set(), children: new Set(), descendants: new Set() };
  });
  const ended = new Set<string>();
  for (const event of events) {
    if (event.category === "process") growTree(questions, ended, event);
    const pid = pidOf(event, "pid");
    const answered = new Map<Lineage, boolean>();
    for (const { lineage, marked, children, descendants } of questions) {
      const isMarked = pid !== null && pid !== identity(0n) && matches(lineage.query, event, answered);
      if (isMarked) marked.add(pid);
      const family = { event: marked, child: children, descendant: descendants }[lineage.relation];
      answered.set(lineage, pid !== null && family.has(pid));
    }
    answers.set(event, answered);
  }
  return answers;
}

/** `category where condition`, with the lineage questions answered for this event. */
export function matches(query: EventQuery, event: EndgameEvent, answered: ReadonlyMap<Lineage, boolean>): boolean {
  if (query.category !== null && query.category !== event.category) return false;
  const related = (lineage: Lineage): boolean => answered.get(lineage) ?? false;
  return holds(query.condition, { event: event.data, events: null, variables: new Map(), related });
}

function growTree(questions: readonly Question[], ended: Set<string>, event: EndgameEvent): void {
  const { data } = event;
  const subtype = data.get("subtype") ?? null;
  const opcode = data.get("opcode") ?? null;
  const starts = STARTS.includes(subtype) || START_OPCODES.includes(opcode);
  const ends = subtype === "terminate" || END_OPCODES.includes(opcode);
  const pid = pidOf(event, "pid");
  const parent = pidOf(event, "ppid");
  const boots = starts && data.get("pid") === 4n && data.get("process_name") === "System";
  for (const { marked, children, descendants } of questions) {
    for (const family of [marked, children, descendants]) {
      for (const process of ended) family.delete(process);
      if (boots) family.clear();
    }
    if (!starts || pid === null || parent === null) continue;
    if (marked.has(parent)) children.add(pid);
    if (marked.has(parent) || descendants.has(parent)) descendants.add(pid);
  }
  ended.clear();
  if (ends && !starts && pid !== null) ended.add(pid);
}

function pidOf(event: EndgameEvent, name: "pid" | "ppid"): string | null {
  const value = event.data.get(name) ?? null;
  return value === null ? null : identity(value);
}

/** An inner question stands before the one it is part of. */
function lineagesOf({ body }: Query): Lineage[] {
  if (body.kind === "event") return inExpression(body.condition);
  const until = body.kind === "sample" || body.until === null ? [] : [body.until];
  return [...body.terms, ...until].flatMap((term) => inExpression(term.query.condition));
}

function inExpression(expression: Expr): Lineage[] {
  switch (expression.kind) {
    case "error":
      throw new Error("an error node is not evaluated");
    case "literal":
    case "field":
      return [];
    case "call":
      return expression.args.flatMap(inExpression);
    case "unary":
      return inExpression(expression.operand);
    case "binary":
      return [expression.left, expression.right].flatMap(inExpression);
    case "match":
      return [expression.subject, ...expression.values].flatMap(inExpression);
    case "lineage":
      return [...inExpression(expression.query.condition), expression];
  }
}
