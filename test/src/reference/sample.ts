// A sample query over an ordered list of events -> for each key that has its own event for every term, those events.
// Which events those are is said in sample-choice.ts.

import type { Sample } from "@kestrel/compiler/syntax/ast";
import { checkNames } from "./check-names.js";
import type { RefEvent, ReferenceOptions } from "./events.js";
import { compareKeys, type Key, keyFields, keysOf } from "./keys.js";
import { traceLineage } from "./lineage.js";
import { matchesIn } from "./matches.js";
import { chooseFromAll, chooseInStream, type Hit } from "./sample-choice.js";
import { scopeOf } from "./scope.js";
import type { KeyedEvents } from "./sequence.js";

/** Over a whole file the keys ascend, null first; in a stream samples stand in the order of their completion. */
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
  const hits: Hit<RefEvent, Key>[] = [];
  for (const event of events) {
    for (const [place, term] of query.terms.entries()) {
      if (!matchesIn(term.query, { ...scopeOf(event, options), related })) continue;
      for (const key of keysOf(keyFields(query.by, term), event, options.schema))
        hits.push({ event, term: place, key, id: key.id });
    }
  }
  const { maxSamplesPerKey = 1, sampleWindowNs } = options;
  if (sampleWindowNs !== undefined) return chooseInStream(hits, query.terms.length, sampleWindowNs);
  return chooseFromAll(hits, query.terms.length, maxSamplesPerKey).sort((a, b) => compareKeys(a.key, b.key));
}
