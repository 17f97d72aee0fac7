// The output region of one `run` -> one object for each event that some predicate held for, in the order of the input.
//
// The layout is drawn in stdlib/src/abi.ts. What an object refers to is copied, so that it outlives the region.

import {
  EVENT_HAS_TIEBREAKER,
  EVENT_HAS_TIME,
  EVENT_HEADER_ADDRESS,
  EVENT_HEADER_BYTES,
  EVENT_HEADER_CLOCK,
  EVENT_HEADER_FLAGS,
  EVENT_HEADER_LENGTH,
  EVENT_HEADER_LINE,
  EVENT_HEADER_MATCHES,
  EVENT_HEADER_TIEBREAKER,
  EVENT_HEADER_TIME,
  EVENT_TIEBREAKER_UNSIGNED,
  KEYS_LOST,
  MATCH_BYTES,
  MATCH_KEY_BYTES,
  MATCH_PREDICATE,
} from "@kestrel/stdlib/abi";
import type { SequenceTables } from "@kestrel/stdlib/sequence-tables";
import type { EventFormat } from "../event/formats.js";
import type { KeyReader } from "../event/join-keys.js";
import type { MatchedEvent, StageMatch } from "../event/stream-event.js";
import type { MemoryView } from "../load/memory-view.js";

/** What the predicates of a package decide. */
export interface PredicateUses {
  /** For each predicate, the event rules that it decides. */
  readonly rules: readonly (readonly number[])[];
  /** For each predicate, 1 when a program asks for it. */
  readonly inPrograms: Uint8Array;
}

/** Where the first line of a batch stands. */
export interface BatchPlace {
  readonly file: string;
  /** Its line in the file, from 1. */
  readonly fileLine: number;
  /** Its arrival number. */
  readonly ordinal: number;
}

/** What the module's decoder reads. */
const FORMAT: EventFormat = "json";
const NO_RULES: readonly number[] = [];
const NO_STAGES: readonly StageMatch[] = [];

export function indexPredicateUses(
  rules: readonly (readonly number[])[],
  { programs, lineage }: SequenceTables,
): PredicateUses {
  const inPrograms = new Uint8Array(rules.length);
  const use = (predicate: number | null): void => {
    if (predicate !== null) inPrograms[predicate] = 1;
  };
  for (const { stages, until } of programs) {
    for (const { predicate } of stages) use(predicate);
    use(until?.predicate ?? null);
  }
  for (const { feed, starts, ends, processes, resets, queries } of lineage) {
    for (const predicate of [feed, starts, ends, processes, resets]) use(predicate);
    for (const { predicate } of queries) use(predicate);
  }
  return { rules, inPrograms };
}

/** The events of the `length` bytes at `base`. */
export function readOutput(
  { view, bytes }: MemoryView,
  base: number,
  length: number,
  uses: PredicateUses,
  keys: KeyReader,
  place: BatchPlace,
): MatchedEvent[] {
  const events: MatchedEvent[] = [];
  const end = base + length;
  let at = base;
  while (at < end) {
    const header = at;
    at += EVENT_HEADER_BYTES;
    let rules = NO_RULES;
    let stages: StageMatch[] | null = null;
    for (let left = view.getUint32(header + EVENT_HEADER_MATCHES, true); left > 0; left--) {
      const predicate = view.getUint32(at + MATCH_PREDICATE, true);
      const written = view.getUint32(at + MATCH_KEY_BYTES, true);
      const keyBytes = written === KEYS_LOST ? 0 : written;
      at += MATCH_BYTES;
      const decided = uses.rules[predicate] ?? NO_RULES;
      if (decided.length > 0) rules = rules.length === 0 ? decided : rules.concat(decided);
      // Without its keys a match cannot be joined; the module has counted it.
      if (uses.inPrograms[predicate] === 1 && written !== KEYS_LOST) {
        stages ??= [];
        stages.push({ predicate, keys: keys.read(view, bytes, at, keyBytes) });
      }
      at += keyBytes;
    }
    events.push(readEvent(view, header, rules, stages ?? NO_STAGES, place));
  }
  return events;
}

/** The event of a header, with what was read behind it. */
function readEvent(
  view: DataView,
  header: number,
  rules: readonly number[],
  stages: readonly StageMatch[],
  { file, fileLine, ordinal }: BatchPlace,
): MatchedEvent {
  const line = view.getUint32(header + EVENT_HEADER_LINE, true);
  const address = view.getUint32(header + EVENT_HEADER_ADDRESS, true);
  const flags = view.getUint32(header + EVENT_HEADER_FLAGS, true);
  const clock = view.getBigInt64(header + EVENT_HEADER_CLOCK, true);
  return {
    ordinal: ordinal + line,
    ts: view.getBigInt64(header + EVENT_HEADER_TIME, true),
    timed: (flags & EVENT_HAS_TIME) !== 0,
    tie: (flags & EVENT_HAS_TIEBREAKER) === 0 ? null : readTiebreaker(view, header, flags),
    clock,
    keepers: 0,
    waiting: 0,
    bytes: new Uint8Array(view.buffer, address, view.getUint32(header + EVENT_HEADER_LENGTH, true)).slice(),
    format: FORMAT,
    file,
    fileLine: fileLine + line,
    rules: rules.length > 1 ? [...new Set(rules)].sort((a, b) => a - b) : rules,
    stages,
    lineage: null,
  };
}

function readTiebreaker(view: DataView, header: number, flags: number): bigint {
  const at = header + EVENT_HEADER_TIEBREAKER;
  return (flags & EVENT_TIEBREAKER_UNSIGNED) === 0 ? view.getBigInt64(at, true) : view.getBigUint64(at, true);
}
