// `category where condition` over one event, and over a stream.

import type { EventQuery } from "@kestrel/compiler/syntax/ast";
import { checkNames } from "./check-names.js";
import { holds } from "./evaluate.js";
import type { RefEvent, ReferenceOptions } from "./events.js";
import { traceLineage } from "./lineage.js";
import { type Scope, scopeOf } from "./scope.js";

/** Throws Error when a field or function does not exist, and when the condition asks for lineage. */
export function matches(query: EventQuery, event: RefEvent, options: ReferenceOptions): boolean {
  return matchesIn(query, scopeOf(event, options));
}

export function matchesIn(query: EventQuery, scope: Scope): boolean {
  if (query.category !== null && !scope.event.categories.includes(query.category)) return false;
  return holds(query.condition, scope);
}

/** The events that match, of a whole stream in its order. Throws as `matches` does, also when there are no events. */
export function selectEvents(query: EventQuery, events: readonly RefEvent[], options: ReferenceOptions): RefEvent[] {
  checkNames(query.condition, { schema: options.schema, aliases: new Map(), variables: new Map() });
  const related = traceLineage([query.condition], events, options);
  return events.filter((event) => matchesIn(query, { ...scopeOf(event, options), related }));
}
