// The process tree of a stream -> for each event, whether its process is one that a lineage query marked, or a child or
// descendant of one. The whole stream is traced once, in order.
//
// A process is known by `process.entity_id`, otherwise by `host.id` (which may be missing) and `process.pid`; its parent by
// `process.parent.entity_id`, otherwise by `host.id` and `process.parent.pid`. They are read as keywords, pids as longs, of
// several values the first. For each event in order:
//   1. processes that ended more than an hour before the event are forgotten;
//   2. a start of a process that has ended begins a new process; at a start, and at the first event that names its parent, the
//      process inherits from the parent that the event names: its child if the parent is marked, its descendant if the
//      parent is marked or a descendant itself;
//   3. an end is noted, with the event's time;
//   4. each query, the ones inside it first, marks the event's process when the event matches;
//   5. the answers for this event are what then stands.
// A start is an event of category process with event.type "start", an end one with "end"; one event can be both.
// The caps of the runtime are left out here.

import type { Expr, Lineage } from "@kestrel/compiler/syntax/ast";
import { holds } from "./evaluate.js";
import type { RefEvent, ReferenceOptions } from "./events.js";
import { fieldValues, scalarText } from "./flatten.js";
import { type Relation, scopeOf } from "./scope.js";

interface Process {
  readonly relations: Map<Lineage, { marked: boolean; child: boolean; descendant: boolean }>;
  /** Whether a start, or an event that named the parent, has been seen. */
  inherited: boolean;
  ended: bigint | null;
}

const FORGOTTEN_AFTER = 3_600_000_000_000n;

/** Traces the lineage queries of `conditions` over events in their order. */
export function traceLineage(
  conditions: readonly Expr[],
  events: readonly RefEvent[],
  options: ReferenceOptions,
): Relation {
  const nodes = conditions.flatMap(lineagesOf);
  const processes = new Map<string, Process>();
  const answers = new Map<RefEvent, Set<Lineage>>();

  const now: Relation = (node, event) => {
    const own = processOf(event)?.relations.get(node);
    if (own === undefined) return false;
    switch (node.relation) {
      case "event":
        return own.marked;
      case "child":
        return own.child;
      case "descendant":
        return own.descendant;
    }
  };

  if (nodes.length > 0) {
    for (const event of events) {
      step(event);
      answers.set(event, new Set(nodes.filter((node) => now(node, event))));
    }
  }
  return (node, event) => {
    if (!nodes.includes(node)) throw new Error("This lineage query was not traced");
    return answers.get(event)?.has(node) ?? false;
  };

  function processOf(event: RefEvent): Process | undefined {
    return processes.get(identity(event, "process") ?? "");
  }

  function step(event: RefEvent): void {
    for (const [id, { ended }] of processes) {
      if (ended !== null && event.ts - ended > FORGOTTEN_AFTER) processes.delete(id);
    }
    const id = identity(event, "process");
    if (id === null) return;
    const types = textsAt(event, "event.type");
    const isProcess = event.categories.includes("process");
    const isStart = isProcess && types.includes("start");

    let own = processes.get(id);
    const isNew = own === undefined || (isStart && own.ended !== null);
    if (own === undefined || isNew) {
      own = { relations: new Map(), inherited: false, ended: null };
      for (const node of nodes) own.relations.set(node, { marked: false, child: false, descendant: false });
      processes.set(id, own);
    }
    const parentId = identity(event, "process.parent");
    if (isStart || (!own.inherited && parentId !== null)) {
      own.inherited = true;
      const parent = processes.get(parentId ?? "");
      for (const [node, relation] of own.relations) {
        const above = parent?.relations.get(node);
        if (above?.marked) relation.child = true;
        if (above?.marked || above?.descendant) relation.descendant = true;
      }
    }
    if (isProcess && types.includes("end")) own.ended = event.ts;
    for (const node of nodes) {
      const { category, condition } = node.query;
      if (category !== null && !event.categories.includes(category)) continue;
      const relation = own.relations.get(node);
      if (relation !== undefined && holds(condition, { ...scopeOf(event, options), related: now }))
        relation.marked = true;
    }
  }
}

/** The lineage queries below an expression, those inside others before them. */
export function lineagesOf(expression: Expr): Lineage[] {
  switch (expression.kind) {
    case "error":
      throw new Error("an error node is not evaluated");
    case "literal":
    case "field":
      return [];
    case "call":
      return expression.args.flatMap(lineagesOf);
    case "unary":
      return lineagesOf(expression.operand);
    case "binary":
      return [...lineagesOf(expression.left), ...lineagesOf(expression.right)];
    case "match":
      return [expression.subject, ...expression.values].flatMap(lineagesOf);
    case "lineage":
      return [...lineagesOf(expression.query.condition), expression];
  }
}

function identity(event: RefEvent, of: "process" | "process.parent"): string | null {
  const [entity] = textsAt(event, `${of}.entity_id`);
  if (entity !== undefined) return `entity ${entity}`;
  const [pid] = fieldValues(event.flat, `${of}.pid`, "long").values;
  if (pid === undefined) return null;
  return JSON.stringify([textsAt(event, "host.id")[0] ?? null, String(pid)]);
}

function textsAt(event: RefEvent, name: string): string[] {
  return (event.flat.values.get(name) ?? []).flatMap((scalar) => (scalar.kind === "null" ? [] : [scalarText(scalar)]));
}
