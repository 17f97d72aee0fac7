// A `sample` over events that are all there (docs/language.md#samples): for every key for which each filter has an event
// of its own, one combination of pairwise distinct events (or as many as wanted), in filter order; keys ascending, null first.
//
// The filters are run as sequences of one term, which report every match of a filter once for each of its keys.
//
// SOUND: N filters need N distinct events, so a filter with N events can always find one that the others leave it. The
// first N of each are enough to find a combination, and to find the first one. For more than one, all events are kept.

import type { EvidenceEvent } from "@kestrel/runtime/event/stream-event";
import type { TypedQuery } from "../analyse/typed.js";
import { compareKeys } from "./key-order.js";

export type SampleQuery = Extract<TypedQuery, { readonly kind: "sample" }>;

export interface Sample {
  readonly key: string;
  readonly events: readonly EvidenceEvent[];
}

export interface SampleCollector {
  /** Takes a match of a filter; matches come in the order of their events. */
  add(filter: number, key: string, event: EvidenceEvent): void;
  finish(): Sample[];
}

/** The queries whose matches feed a collector, one for each filter. */
export function filterQueries(sample: SampleQuery): TypedQuery[] {
  const one = { kind: "sequence", until: null, maxspanNs: null, untilFirst: false, pipes: [] } as const;
  const { spans, categoryField } = sample;
  return sample.terms.map((term) => ({ ...one, terms: [term], spans, categoryField }));
}

/** Collects the matches of a sample with this many filters; each key gives at most `perKey` combinations. */
export function createSampleCollector(filters: number, perKey = 1): SampleCollector {
  const kept = perKey === 1 ? filters : Number.POSITIVE_INFINITY;
  const byKey = new Map<string, EvidenceEvent[][]>();
  return {
    add(filter, key, event) {
      let hits = byKey.get(key);
      if (hits === undefined) {
        hits = Array.from({ length: filters }, () => []);
        byKey.set(key, hits);
      }
      const events = hits[filter];
      if (events !== undefined && events.length < kept) events.push(event);
    },
    finish() {
      const found: Sample[] = [];
      for (const key of [...byKey.keys()].sort(compareKeys)) {
        const most = found.length + perKey;
        choose(byKey.get(key) ?? [], [], (events) => found.push({ key, events }) < most);
      }
      return found;
    },
  };
}

/**
 * Gives `take` every combination that begins with `chosen` and has a distinct event for each further filter, until it
 * says that it wants no more; then false.
 */
function choose(
  hits: readonly (readonly EvidenceEvent[])[],
  chosen: readonly EvidenceEvent[],
  take: (events: readonly EvidenceEvent[]) => boolean,
): boolean {
  const events = hits[chosen.length];
  if (events === undefined) return take(chosen);
  for (const event of events) {
    if (chosen.some((other) => other.ordinal === event.ordinal)) continue;
    if (!choose(hits, [...chosen, event], take)) return false;
  }
  return true;
}
