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
  EVENT_HEADER_SUM,
  EVENT_HEADER_TIEBREAKER,
  EVENT_HEADER_TIME,
  EVENT_MATCHES_AS_BEFORE,
  EVENT_TIEBREAKER_UNSIGNED,
  KEYS_LOST,
  MATCH_BYTES,
  MATCH_KEY_BYTES,
  MATCH_PREDICATE,
} from "@kestrel/stdlib/abi";
import { flaggedUsesOf, lateTestsOf, type SequenceTables } from "@kestrel/stdlib/sequence-tables";
import type { EventFormat } from "../event/formats.js";
import { createKeyReader, hasKeys } from "../event/join-keys.js";
import type { EventCaptures, MatchedEvent, StageMatch } from "../event/stream-event.js";
import { type MemoryView, viewMemory } from "../load/memory-view.js";
import type { FileAgain, LinesAgain } from "../read/read-again.js";
import { createSharedCopies } from "./shared-copies.js";

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
  /** Where its lines can be read again, with the offset of address 0; null where they cannot. */
  readonly again: LinesAgain | null;
  /** What foreign code captured, by line within the batch. */
  readonly captures: ReadonlyMap<number, EventCaptures>;
}

export interface EventRecord {
  readonly memory: MemoryView;
  /** Where its header stands. */
  readonly at: number;
  /** Where its matches stand, of which the header says how many there are. */
  readonly matchMemory: MemoryView;
  readonly matchesAt: number;
  /** Where its line stands. */
  readonly lineMemory: MemoryView;
  readonly lineAt: number;
  readonly lineLength: number;
  readonly ordinal: number;
  readonly file: string;
  readonly fileLine: number;
  readonly captures: EventCaptures | undefined;
  /** What its line can be read again from; null where it cannot, or need not, because it is held. */
  readonly again: FileAgain | null;
  readonly againAt: number;
}

/** A record that is looked at for the first time. */
export interface FoundRecord extends EventRecord {
  readonly matchBytes: number;
  /** Where the first line of its batch stands, and where the lines can be read again: the same for all records of a batch. */
  readonly place: BatchPlace;
  readonly lines: LinesAgain | null;
  /** Whether a predicate held that decides event rules, and one that a program asks for, with the keys to be joined by. */
  readonly hasRules: boolean;
  readonly hasStages: boolean;
  /** Whether one held that is asked for otherwise than by what process trees grow by: its line may be needed when its turn comes. */
  readonly hasUses: boolean;
  /**
   * Whether nothing held but the feed of the only process tree, and what needs a flag of the event's process: where no such flag is set, and the
   * tree need not be told, the event comes to nothing.
   */
  readonly isPlain: boolean;
}

export interface RecordReader {
  /** Begins to read an output. */
  open(output: Output): void;
  /** Its next record, good until the next call; null behind the last. */
  next(): FoundRecord | null;
  /** The event of a record. */
  toEvent(record: EventRecord): MatchedEvent;
  /** The same with what needs no order alone, of which nothing is kept. Its bytes share their memory with others. */
  withoutStages(record: EventRecord): MatchedEvent;
  /** The event before its bytes are read; without its rules too where they need no order. */
  withoutBytes(record: EventRecord, withRules: boolean): MatchedEvent;
  /** For each predicate that a program asks for, 1 when it held for a record that was found. */
  readonly seen: Uint8Array;
  /** From now on only the stages of predicates with a 1 are read. */
  readOnly(wanted: Uint8Array): void;
  /** What held that somebody asks for. */
  stagesOf(record: EventRecord): readonly StageMatch[];
  /** The key of the only process tree, where its feed held; else null. */
  processOf(record: EventRecord): string | null;
  /** The flags of the queries that held, and may mark the process. */
  marksOf(record: EventRecord): readonly number[];
  /** Whether the record may be the end of its process. */
  mayEnd(record: EventRecord): boolean;
  /** Whether it may change what a process tree knows of other processes than its own. */
  changesAll(record: EventRecord): boolean;
  /** Whether one of these flags is asked for by whoever asks for a plain record. */
  asksFor(record: EventRecord, flags: Uint8Array): boolean;
  /** Matches of records that were found whose multi-valued keys are cut. */
  readonly keysCut: number;
}

/** What the module's decoder reads. */
const FORMAT: EventFormat = "json";
const NOWHERE: Output = {
  memory: viewMemory({ buffer: new ArrayBuffer(0) }),
  base: 0,
  length: 0,
  place: { file: "", fileLine: 0, ordinal: 0 },
  again: null,
  captures: new Map(),
};
const NO_BYTES = new Uint8Array(0);
const NO_RULES: readonly number[] = [];
const NO_MARKS: readonly number[] = [];
const NO_STAGES: readonly StageMatch[] = [];

/** A reader of what modules of a package write: `rules` are, for each predicate, the event rules that it decides. */
export function createRecordReader(rules: readonly (readonly number[])[], tables: SequenceTables): RecordReader {
  const askers = askersOf(rules.length, tables);
  const keys = createKeyReader();
  const copy = createSharedCopies();
  const seen = new Uint8Array(rules.length);
  const record: { -readonly [name in keyof FoundRecord]: FoundRecord[name] } = {
    memory: NOWHERE.memory,
    at: 0,
    matchMemory: NOWHERE.memory,
    matchesAt: 0,
    matchBytes: 0,
    place: NOWHERE.place,
    lines: null,
    lineMemory: NOWHERE.memory,
    lineAt: 0,
    lineLength: 0,
    ordinal: 0,
    file: "",
    fileLine: 0,
    captures: undefined,
    again: null,
    againAt: 0,
    hasRules: false,
    hasStages: false,
    hasUses: false,
    isPlain: false,
  };
  /** Matches of the records found whose keys were cut, and those of the last record. */
  let keysCut = 0;
  let cutOfRecord = 0;
  /** What is read, and where its next record stands. */
  let of = NOWHERE;
  let end = 0;
  let next = 0;
  let wanted: Uint8Array = new Uint8Array(rules.length).fill(1);
  const feed = tables.lineage.length === 1 ? tables.lineage[0]?.feed : undefined;
  const neededFlags = neededFlagsOf(tables);
  const flagsOf: number[][] = [];
  for (const { flag, predicate } of tables.lineage.flatMap(({ queries }) => queries)) {
    flagsOf[predicate] = [...(flagsOf[predicate] ?? []), flag];
  }

  const ends = new Set(tables.lineage.map((tree) => tree.ends));
  const isEnd = (predicate: number): boolean => ends.has(predicate);
  // Whose process it is is read of one tree only.
  const forAll = new Set(
    tables.lineage.flatMap(({ feed, processes, resets }) => [
      tables.lineage.length === 1 ? null : feed,
      processes,
      resets,
    ]),
  );
  const isForAll = (predicate: number): boolean => forAll.has(predicate);
  const isWanted = (predicate: number): boolean => askers[predicate] !== UNASKED && wanted[predicate] === 1;

  /** What the matches behind a header say of the record. */
  function readMatches(view: DataView, header: number): void {
    let hasRules = false;
    let hasStages = false;
    let hasUses = false;
    let isFed = false;
    let isPlain = true;
    let at = header + EVENT_HEADER_BYTES;
    record.matchesAt = at;
    cutOfRecord = 0;
    for (let left = view.getUint32(header + EVENT_HEADER_MATCHES, true); left > 0; left--) {
      const predicate = view.getUint32(at + MATCH_PREDICATE, true);
      hasRules ||= (rules[predicate] ?? NO_RULES).length > 0;
      const length = keyBytes(view, at);
      const isLost = view.getUint32(at + MATCH_KEY_BYTES, true) === KEYS_LOST;
      at += MATCH_BYTES;
      const asked = askers[predicate] ?? UNASKED;
      if (asked !== UNASKED) seen[predicate] = 1;
      if (asked !== UNASKED && !isLost && (asked !== BY_KEYS || hasKeys(view, at, length))) {
        hasStages = true;
        hasUses ||= asked !== BESIDE;
        if (predicate === feed) isFed = true;
        else isPlain &&= neededFlags[predicate] !== undefined;
        if (keys.isCut(record.matchMemory, at, length)) cutOfRecord++;
      }
      at += length;
    }
    record.matchBytes = at - record.matchesAt;
    record.hasRules = hasRules;
    record.hasStages = hasStages;
    record.hasUses = hasUses;
    record.isPlain = isPlain && isFed;
  }

  function stagesOf(record: EventRecord): readonly StageMatch[] {
    const { matchMemory } = record;
    const { view } = matchMemory;
    let stages: StageMatch[] | null = null;
    let at = record.matchesAt;
    for (let left = matchesOf(record); left > 0; left--) {
      const predicate = view.getUint32(at + MATCH_PREDICATE, true);
      const written = view.getUint32(at + MATCH_KEY_BYTES, true);
      at += MATCH_BYTES;
      // Without its keys a match cannot be joined; the module has counted it.
      if (written === KEYS_LOST) continue;
      if (isWanted(predicate)) {
        stages ??= [];
        stages.push({ predicate, keys: keys.read(matchMemory, at, written) });
      }
      at += written;
    }
    return stages ?? NO_STAGES;
  }

  function rulesOf(record: EventRecord): readonly number[] {
    const { view } = record.matchMemory;
    let found = NO_RULES;
    let at = record.matchesAt;
    for (let left = matchesOf(record); left > 0; left--) {
      const decided = rules[view.getUint32(at + MATCH_PREDICATE, true)] ?? NO_RULES;
      if (decided.length > 0) found = found.length === 0 ? decided : found.concat(decided);
      at += MATCH_BYTES + keyBytes(view, at);
    }
    return found.length > 1 ? [...new Set(found)].sort((a, b) => a - b) : found;
  }

  function sharedBytes({ lineMemory: { bytes }, lineAt, lineLength }: EventRecord): Uint8Array {
    return copy(bytes, lineAt, lineAt + lineLength);
  }

  return {
    open(output) {
      const { memory, base, length, place, again } = output;
      of = output;
      end = base + length;
      next = base;
      record.memory = memory;
      record.matchMemory = memory;
      record.lineMemory = memory;
      record.file = place.file;
      record.place = place;
      record.lines = again;
      record.again = again?.file ?? null;
    },
    next() {
      if (next >= end) return null;
      const { memory, place, again, captures } = of;
      const { view } = memory;
      if ((view.getUint32(next + EVENT_HEADER_FLAGS, true) & EVENT_MATCHES_AS_BEFORE) === 0) readMatches(view, next);
      keysCut += cutOfRecord;
      const line = view.getUint32(next + EVENT_HEADER_LINE, true);
      record.at = next;
      record.lineAt = view.getUint32(next + EVENT_HEADER_ADDRESS, true);
      record.lineLength = view.getUint32(next + EVENT_HEADER_LENGTH, true);
      record.ordinal = place.ordinal + line;
      record.fileLine = place.fileLine + line;
      record.againAt = (again?.offset ?? 0) + record.lineAt;
      record.captures = captures.size === 0 ? undefined : captures.get(line);
      next += EVENT_HEADER_BYTES;
      if (record.matchesAt === next) next += record.matchBytes;
      return record;
    },
    toEvent: (record) => eventOf(record, bytesOf(record), rulesOf(record), stagesOf(record)),
    withoutStages: (record) => eventOf(record, sharedBytes(record), rulesOf(record), NO_STAGES),
    withoutBytes: (record, withRules) =>
      eventOf(record, NO_BYTES, withRules ? rulesOf(record) : NO_RULES, stagesOf(record)),
    seen,
    readOnly(predicates) {
      wanted = predicates;
    },
    stagesOf,
    processOf(record) {
      const { matchMemory } = record;
      const { view } = matchMemory;
      let at = record.matchesAt;
      for (let left = matchesOf(record); left > 0; left--) {
        const written = view.getUint32(at + MATCH_KEY_BYTES, true);
        const isFeed = view.getUint32(at + MATCH_PREDICATE, true) === feed;
        if (isFeed && written !== KEYS_LOST) return keys.read(matchMemory, at + MATCH_BYTES, written)[0] ?? null;
        at += MATCH_BYTES + keyBytes(view, at);
      }
      return null;
    },
    marksOf(record) {
      const { view } = record.matchMemory;
      let marks = NO_MARKS;
      let at = record.matchesAt;
      for (let left = matchesOf(record); left > 0; left--) {
        const flags = flagsOf[view.getUint32(at + MATCH_PREDICATE, true)];
        if (flags !== undefined) marks = [...marks, ...flags];
        at += MATCH_BYTES + keyBytes(view, at);
      }
      return marks;
    },
    mayEnd: (record) => anyMatch(record, isEnd),
    changesAll: (record) => anyMatch(record, isForAll),
    asksFor: (record, flags) =>
      anyMatch(record, (predicate) => neededFlags[predicate]?.some((flag) => flags[flag] === 1) === true),
    get keysCut() {
      return keysCut;
    },
  };
}

/**
 * Who asks for a predicate: nobody but event rules; process trees and tests, for which an event's line is not needed; programs that join by its
 * keys alone; or programs whatever its keys are.
 */
const UNASKED = 0;
const BESIDE = 1;
const BY_KEYS = 2;
const ANYHOW = 3;

/** For each predicate, who asks for it. */
function askersOf(count: number, { programs, lineage }: SequenceTables): Uint8Array {
  const askers = new Uint8Array(count);
  const use = (predicate: number | null, how: number): void => {
    if (predicate === null) return;
    const before = askers[predicate] ?? UNASKED;
    askers[predicate] = before !== UNASKED && before !== how ? ANYHOW : how;
  };
  for (const { kind, stages, until } of programs) {
    const how = kind === "event" ? ANYHOW : BY_KEYS;
    for (const { predicate } of stages) use(predicate, how);
    use(until?.predicate ?? null, how);
  }
  for (const { feed, starts, ends, processes, resets, queries } of lineage) {
    for (const predicate of [feed, starts, ends, processes, resets]) use(predicate, BESIDE);
    for (const { predicate, late } of queries) use(predicate, late === null ? BESIDE : ANYHOW);
  }
  for (const { flagged } of lateTestsOf({ programs, lineage })) use(flagged?.otherwise ?? null, BESIDE);
  return askers;
}

/** For each predicate that is asked for by those alone who need a lineage flag besides, these flags. */
function neededFlagsOf(tables: SequenceTables): readonly (readonly number[] | undefined)[] {
  const needed: (readonly number[] | undefined)[] = [];
  for (const [predicate, uses] of flaggedUsesOf(tables).entries()) {
    if (uses?.every((use) => use !== null) === true) needed[predicate] = uses.flatMap((use) => use?.flags ?? []);
  }
  const otherwise = lateTestsOf(tables).map(({ flagged }) => flagged?.otherwise ?? null);
  const asked = tables.lineage.flatMap(({ starts, ends, processes, resets, queries }) => [
    ...[starts, ends, processes, resets],
    ...queries.map(({ predicate }) => predicate),
  ]);
  for (const predicate of [...otherwise, ...asked]) if (predicate !== null) needed[predicate] = undefined;
  return needed;
}

/** How many matches it has. */
function matchesOf({ memory: { view }, at }: EventRecord): number {
  return view.getUint32(at + EVENT_HEADER_MATCHES, true);
}

function anyMatch(record: EventRecord, isMeant: (predicate: number) => boolean): boolean {
  const { view } = record.matchMemory;
  let at = record.matchesAt;
  for (let left = matchesOf(record); left > 0; left--) {
    if (isMeant(view.getUint32(at + MATCH_PREDICATE, true))) return true;
    at += MATCH_BYTES + keyBytes(view, at);
  }
  return false;
}

/** Bytes of the keys behind a match. */
function keyBytes(view: DataView, match: number): number {
  const written = view.getUint32(match + MATCH_KEY_BYTES, true);
  return written === KEYS_LOST ? 0 : written;
}

function eventOf(
  { memory: { view }, at, ordinal, file, fileLine, captures }: EventRecord,
  bytes: Uint8Array,
  rules: readonly number[],
  stages: readonly StageMatch[],
): MatchedEvent {
  const event = {
    ordinal,
    ts: timeOf(view, at),
    timed: (view.getUint32(at + EVENT_HEADER_FLAGS, true) & EVENT_HAS_TIME) !== 0,
    tie: tiebreakerOf(view, at),
    clock: view.getBigInt64(at + EVENT_HEADER_CLOCK, true),
    place: 0,
    waiting: 0,
    bytes,
    format: FORMAT,
    file,
    fileLine,
    rules,
    stages,
    lineage: null,
  };
  return captures === undefined ? event : { ...event, captures };
}

/** A copy of a record's line. */
export function bytesOf({ lineMemory: { bytes }, lineAt, lineLength }: EventRecord): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + lineAt, lineLength).slice();
}

/** The line of a record that was held; null when it was to be read again and is not what it was. */
export function heldBytesOf(record: EventRecord): Uint8Array | null {
  const { again, againAt, at } = record;
  const { view } = record.memory;
  if (again === null) return bytesOf(record);
  return again.line(
    againAt,
    view.getUint32(at + EVENT_HEADER_LENGTH, true),
    view.getUint32(at + EVENT_HEADER_SUM, true),
  );
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
