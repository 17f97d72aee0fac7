// A sample query over an ordered list of events -> for each key that has its own event for every term, those events.
// The choice among several is the first one found by trying, term by term, the hits in event order and going back when the
// rest cannot be chosen.

import type { Sample } from "@kestrel/compiler/syntax/ast";
import { checkNames } from "./check-names.js";
import type { RefEvent, ReferenceOptions } from "./events.js";
import { compareKeys, type Key, keyFields, keysOf } from "./keys.js";
import { traceLineage } from "./lineage.js";
import { matchesIn } from "./matches.js";
import { scopeOf } from "./scope.js";
import type { KeyedEvents } from "./sequence.js";

/** Keys ascending, null first; at most `options.maxSamplesPerKey` samples for each. */
export function runSample(query: Sample, events: readonly RefEvent[], options: ReferenceOptions): KeyedEvents[] {
  for (const term of query.terms) {
    if (term.alias !== null) throw new Error("A term of a sample cannot be named");
    checkNames(term.query.condition, { schema: options.schema, aliases: new Map(), variables: new Map() });
  }
  const related = traceLineage(
    query.terms.map((term) => term.query.condition),
    events,
    options,
  );
  const groups = new Map<string, { readonly key: Key; readonly hits: RefEvent[][] }>();
  for (const event of events) {
    for (const [place, term] of query.terms.entries()) {
      if (!matchesIn(term.query, { ...scopeOf(event, options), related })) continue;
      for (const key of keysOf(keyFields(query.by, term), event, options.schema)) {
        const group = groups.get(key.id) ?? { key, hits: query.terms.map(() => []) };
        groups.set(key.id, group);
        group.hits[place]?.push(event);
      }
    }
  }
  return [...groups.values()]
    .sort((a, b) => compareKeys(a.key, b.key))
    .flatMap(({ key, hits }) => {
      const samples: RefEvent[][] = [];
      choose(hits, [], options.maxSamplesPerKey ?? 1, samples);
      return samples.map((chosen) => ({ key, events: chosen }));
    });
}

function choose(hits: readonly RefEvent[][], chosen: readonly RefEvent[], limit: number, samples: RefEvent[][]): void {
  const candidates = hits[chosen.length];
  if (candidates === undefined) {
    samples.push([...chosen]);
    return;
  }
  for (const event of candidates) {
    if (samples.length >= limit) return;
    if (!chosen.includes(event)) choose(hits, [...chosen, event], limit, samples);
  }
}
