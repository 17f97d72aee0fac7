// The output region of one `run` -> records, one for each event that some predicate held for, in the order of the input; and a
// record -> its event, at once or when its turn comes.
//
// A record is an event as bytes: what the module wrote of it, and its line. The layout is drawn in stdlib/src/abi.ts. What an
// event refers to is copied, so that it outlives the memory that its record stood in.

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
import { createKeyReader, hasKeys } from "../event/join-keys.js";
import type { EventCaptures, MatchedEvent, StageMatch } from "../event/stream-event.js";
import type { MemoryView } from "../load/memory-view.js";

/** Where the first line of a batch stands. */
export interface BatchPlace {
  readonly file: string;
  /** Its line in the file, from 1. */
  readonly fileLine: number;
  /** Its arrival number. */
  readonly ordinal: number;
}

/** What one `run` wrote. It stands in the module's memory, until the next. */
export interface Output {
  readonly memory: MemoryView;
  readonly base: number;
  /** Bytes. */
  readonly length: number;
  readonly place: BatchPlace;
  /** What foreign code captured, by line within the batch. */
  readonly captures: ReadonlyMap<number, EventCaptures>;
}

export interface EventRecord {
  readonly memory: MemoryView;
  /** Where its header stands. */
  readonly at: number;
  readonly ordinal: number;
  readonly file: string;
  readonly fileLine: number;
  readonly captures: EventCaptures | undefined;
}

/** A record that is looked at for the first time. */
export interface FoundRecord extends EventRecord {
  /** Bytes of the header and the matches behind it. */
  readonly length: number;
  /** Whether a predicate held that decides event rules, and one that a program asks for, with the keys to be joined by. */
  readonly hasRules: boolean;
  readonly hasStages: boolean;
}

export interface RecordReader {
  /** The records of an output. */
  find(output: Output): Generator<FoundRecord, void, void>;
  /** The event of a record. */
  toEvent(record: EventRecord): MatchedEvent;
  /** The same with what needs no order alone, and with what does. */
  withoutStages(record: EventRecord): MatchedEvent;
  withoutRules(record: EventRecord): MatchedEvent;
  /** For each predicate that a program asks for, 1 when it held for a record that was found. */
  readonly seen: Uint8Array;
  /** From now on only the stages of predicates with a 1 are read. */
  readOnly(wanted: Uint8Array): void;
  /** Whether nothing of the record's stages is read any more. */
  isUnwanted(record: EventRecord): boolean;
  /** Matches whose multi-valued keys were cut. */
  readonly keysCut: number;
}

/** What the module's decoder reads. */
const FORMAT: EventFormat = "json";
const NO_RULES: readonly number[] = [];
const NO_STAGES: readonly StageMatch[] = [];

/** A reader of what modules of a package write: `rules` are, for each predicate, the event rules that it decides. */
export function createRecordReader(rules: readonly (readonly number[])[], tables: SequenceTables): RecordReader {
  const askers = askersOf(rules.length, tables);
  const keys = createKeyReader();
  const seen = new Uint8Array(rules.length);
  let wanted: Uint8Array = new Uint8Array(rules.length).fill(1);

  function stagesOf({ memory: { view, bytes }, at: header }: EventRecord): readonly StageMatch[] {
    let stages: StageMatch[] | null = null;
    let at = header + EVENT_HEADER_BYTES;
    for (let left = view.getUint32(header + EVENT_HEADER_MATCHES, true); left > 0; left--) {
      const predicate = view.getUint32(at + MATCH_PREDICATE, true);
      const written = view.getUint32(at + MATCH_KEY_BYTES, true);
      at += MATCH_BYTES;
      // Without its keys a match cannot be joined; the module has counted it.
      if (written === KEYS_LOST) continue;
      if (askers[predicate] !== UNASKED && wanted[predicate] === 1) {
        stages ??= [];
        stages.push({ predicate, keys: keys.read(view, bytes, at, written) });
      }
      at += written;
    }
    return stages ?? NO_STAGES;
  }

  function rulesOf({ memory: { view }, at: header }: EventRecord): readonly number[] {
    let found = NO_RULES;
    let at = header + EVENT_HEADER_BYTES;
    for (let left = view.getUint32(header + EVENT_HEADER_MATCHES, true); left > 0; left--) {
      const decided = rules[view.getUint32(at + MATCH_PREDICATE, true)] ?? NO_RULES;
      if (decided.length > 0) found = found.length === 0 ? decided : found.concat(decided);
      at += MATCH_BYTES + keyBytes(view, at);
    }
    return found.length > 1 ? [...new Set(found)].sort((a, b) => a - b) : found;
  }

  return {
    *find({ memory, base, length, place, captures }) {
      const { view } = memory;
      for (let header = base; header < base + length; ) {
        let hasRules = false;
        let hasStages = false;
        let at = header + EVENT_HEADER_BYTES;
        for (let left = view.getUint32(header + EVENT_HEADER_MATCHES, true); left > 0; left--) {
          const predicate = view.getUint32(at + MATCH_PREDICATE, true);
          hasRules ||= (rules[predicate] ?? NO_RULES).length > 0;
          const length = keyBytes(view, at);
          const isLost = view.getUint32(at + MATCH_KEY_BYTES, true) === KEYS_LOST;
          at += MATCH_BYTES;
          const asked = askers[predicate] ?? UNASKED;
          if (asked !== UNASKED) seen[predicate] = 1;
          hasStages ||= asked !== UNASKED && !isLost && (asked === ANYHOW || hasKeys(view, at, length));
          at += length;
        }
        const line = view.getUint32(header + EVENT_HEADER_LINE, true);
        yield {
          memory,
          at: header,
          length: at - header,
          ordinal: place.ordinal + line,
          file: place.file,
          fileLine: place.fileLine + line,
          captures: captures.get(line),
          hasRules,
          hasStages,
        };
        header = at;
      }
    },
    toEvent: (record) => eventOf(record, rulesOf(record), stagesOf(record)),
    withoutStages: (record) => eventOf(record, rulesOf(record), NO_STAGES),
    withoutRules: (record) => eventOf(record, NO_RULES, stagesOf(record)),
    seen,
    readOnly(predicates) {
      wanted = predicates;
    },
    isUnwanted({ memory: { view }, at: header }) {
      let at = header + EVENT_HEADER_BYTES;
      for (let left = view.getUint32(header + EVENT_HEADER_MATCHES, true); left > 0; left--) {
        const predicate = view.getUint32(at + MATCH_PREDICATE, true);
        if (askers[predicate] !== UNASKED && wanted[predicate] === 1) return false;
        at += MATCH_BYTES + keyBytes(view, at);
      }
      return true;
    },
    get keysCut() {
      return keys.cut;
    },
  };
}

/** Who asks for a predicate: nobody but event rules, programs that join by its keys alone, or others too. */
const UNASKED = 0;
const BY_KEYS = 1;
const ANYHOW = 2;

/** For each predicate, who asks for it. */
function askersOf(count: number, { programs, lineage }: SequenceTables): Uint8Array {
  const askers = new Uint8Array(count);
  const use = (predicate: number | null, how: number): void => {
    if (predicate !== null) askers[predicate] = Math.max(askers[predicate] ?? UNASKED, how);
  };
  for (const { kind, stages, until } of programs) {
    const how = kind === "event" ? ANYHOW : BY_KEYS;
    for (const { predicate } of stages) use(predicate, how);
    use(until?.predicate ?? null, how);
  }
  for (const { feed, starts, ends, processes, resets, queries } of lineage) {
    for (const predicate of [feed, starts, ends, processes, resets]) use(predicate, ANYHOW);
    for (const { predicate } of queries) use(predicate, ANYHOW);
  }
  return askers;
}

/** Bytes of the keys behind a match. */
function keyBytes(view: DataView, match: number): number {
  const written = view.getUint32(match + MATCH_KEY_BYTES, true);
  return written === KEYS_LOST ? 0 : written;
}

function eventOf(
  { memory: { view }, at, ordinal, file, fileLine, captures }: EventRecord,
  rules: readonly number[],
  stages: readonly StageMatch[],
): MatchedEvent {
  const { address, length } = lineOf(view, at);
  return {
    ordinal,
    ts: timeOf(view, at),
    timed: (view.getUint32(at + EVENT_HEADER_FLAGS, true) & EVENT_HAS_TIME) !== 0,
    tie: tiebreakerOf(view, at),
    clock: view.getBigInt64(at + EVENT_HEADER_CLOCK, true),
    place: 0,
    waiting: 0,
    bytes: new Uint8Array(view.buffer, view.byteOffset + address, length).slice(),
    format: FORMAT,
    file,
    fileLine,
    rules,
    stages,
    lineage: null,
    ...(captures === undefined ? {} : { captures }),
  };
}

/** The line of the event whose header stands at `at`. */
export function lineOf(view: DataView, at: number): { readonly address: number; readonly length: number } {
  return {
    address: view.getUint32(at + EVENT_HEADER_ADDRESS, true),
    length: view.getUint32(at + EVENT_HEADER_LENGTH, true),
  };
}

/** Its time, see StreamEvent. */
export function timeOf(view: DataView, at: number): bigint {
  return view.getBigInt64(at + EVENT_HEADER_TIME, true);
}

/** Its tiebreaker; null when it has none. */
export function tiebreakerOf(view: DataView, at: number): bigint | null {
  const flags = view.getUint32(at + EVENT_HEADER_FLAGS, true);
  if ((flags & EVENT_HAS_TIEBREAKER) === 0) return null;
  const place = at + EVENT_HEADER_TIEBREAKER;
  return (flags & EVENT_TIEBREAKER_UNSIGNED) === 0 ? view.getBigInt64(place, true) : view.getBigUint64(place, true);
}
