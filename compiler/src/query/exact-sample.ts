// A `sample` over events that are all there (EQL reference, section 10): for every key for which each filter has an event
// of its own, one combination of pairwise distinct events, in filter order; keys ascending, null first.
//
// The filters are run as sequences of one term, which report every match of a filter once for each of its keys.
//
// SOUND: N filters need N distinct events, so a filter with N events can always find one that the others leave it. The
// first N of each are enough to find a combination, and to find the first one.

import type { EvidenceEvent } from "@kestrel/runtime/alert/detection";
import type { TypedQuery } from "../analyse/typed.js";

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
  return sample.terms.map((term) => ({ kind: "sequence", terms: [term], until: null, maxspanNs: null }));
}

/** Collects the matches of a sample with this many filters. */
export function createSampleCollector(filters: number): SampleCollector {
  const byKey = new Map<string, EvidenceEvent[][]>();
  return {
    add(filter, key, event) {
      let hits = byKey.get(key);
      if (hits === undefined) {
        hits = Array.from({ length: filters }, () => []);
        byKey.set(key, hits);
      }
      const events = hits[filter];
      if (events !== undefined && events.length < filters) events.push(event);
    },
    finish() {
      const found: Sample[] = [];
      for (const key of [...byKey.keys()].sort(compareKeys)) {
        const events: EvidenceEvent[] = [];
        if (choose(byKey.get(key) ?? [], events)) found.push({ key, events });
      }
      return found;
    },
  };
}

/** Extends `chosen` by one event for each further filter, all of them distinct; false when that cannot be. */
function choose(hits: readonly (readonly EvidenceEvent[])[], chosen: EvidenceEvent[]): boolean {
  const events = hits[chosen.length];
  if (events === undefined) return true;
  for (const event of events) {
    if (chosen.some((other) => other.ordinal === event.ordinal)) continue;
    chosen.push(event);
    if (choose(hits, chosen)) return true;
    chosen.pop();
  }
  return false;
}

/** Orders key strings (runtime/src/engine/join-keys.ts) by their values, part by part. */
function compareKeys(a: string, b: string): number {
  const [left, right] = [a.split("\n"), b.split("\n")];
  for (const [index, part] of left.entries()) {
    const order = compareParts(part, right[index] ?? "");
    if (order !== 0) return order;
  }
  return 0;
}

function compareParts(a: string, b: string): number {
  if (a === b) return 0;
  if (a === "null" || b === "null") return a === "null" ? -1 : 1;
  if (a.startsWith('"') && b.startsWith('"')) return Buffer.compare(textOf(a), textOf(b));
  if (a.startsWith("d") && b.startsWith("d")) return compareIntegers(a.slice(1), b.slice(1));
  if (isInteger(a) && isInteger(b)) return compareIntegers(a, b);
  const [left, right] = [Number(a), Number(b)];
  if (!Number.isNaN(left) && !Number.isNaN(right)) return left - right;
  // `false` before `true`, and whatever else there may be in a fixed order.
  return a < b ? -1 : 1;
}

function textOf(part: string): Buffer {
  return Buffer.from(JSON.parse(part) as string);
}

function isInteger(part: string): boolean {
  return /^-?\d+$/.test(part);
}

function compareIntegers(a: string, b: string): number {
  const [left, right] = [BigInt(a), BigInt(b)];
  return left === right ? 0 : left < right ? -1 : 1;
}
