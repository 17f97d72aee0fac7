// Everything the engine remembers, in order of age: what expires, what is evicted, and what is counted.
//
// Programs with the same span share one chain. Entries join its end as they are made, so in a stream in order their
// times stand sorted, and the expired ones are a run at its head: expiry looks at one entry a chain and at those it
// removes, never at the rest. An entry that comes late is kept as long as the one before it, so that this holds always.
//
// INVARIANT: along a span's chain EXPIRES never decreases.
// INVARIANT: in a sorted stream expiry never changes a result: an entry goes once `clock` is past its deadline, and an event
// of its key would find it over all the same. Elsewhere it could (a clock that leaps counts as the time that it says), so
// there what has expired stays until memory is short.
// INVARIANT: held matches that are due have been judged before `expire` runs, so it never meets one.

import type { Evidence } from "../event/evidence.js";
import { compareEvents, type StreamEvent } from "../event/stream-event.js";
import {
  ageOf,
  append,
  behindOf,
  type Chain,
  type EntryTable,
  EVENTS,
  expiresOf,
  freeEntry,
  IN_PROGRAM,
  IN_SPAN,
  insertBefore,
  KEY_PLACE,
  keepAsLong,
  leaveRing,
  STAGE,
  setAge,
  setExpires,
  setFirst,
  takeEntry,
  unlink,
  wordOf,
} from "./entry-table.js";
import { type EventLists, freeList, newestOf, restOf } from "./event-lists.js";
import { addKey, findKey, HEAD, type KeyTable, LATEST, PROGRAM, removeKey } from "./key-table.js";
import { type AskLate, NEVER, NO_TIME, type Particulars, type Program } from "./state.js";
import { removeTimer, type Timers } from "./timers.js";

/** What an entry takes beside its events, with its key. Measured as the peak of a process, with what is not collected yet. */
const ENTRY_BYTES = 4096;

/** The stage of entries that have none: they stand at the head of their ring. */
export const NO_STAGE = -1;

/**
 * Takes a completion: the index of the program, the join key, the events by stage, null for a missing event, and whether
 * it is reported because the stream has ended.
 */
export type OnComplete = (program: number, key: string, events: (StreamEvent | null)[], atEnd: boolean) => void;

/** What the whole engine shares. */
export interface Pending {
  readonly programs: readonly Program[];
  readonly entries: EntryTable;
  readonly keys: KeyTable;
  readonly lists: EventLists;
  /** Of the entries that have some. */
  readonly particulars: Map<number, Particulars>;
  /** The place of the key that is being worked on, which stays while nothing is pending for it; 0 for none. */
  pinned: number;
  /** The time of the event at hand, as the two halves of its 64 bits. */
  high: number;
  low: number;
  /** How far time is: event time where events come sorted, else the clock of the stream; it never goes back. */
  clock: bigint;
  /** Clock time that an event may come behind what follows it, and that it may then wait for its order. */
  readonly latenessNs: bigint;
  /** While the evidence takes no more than this, what has expired stays: only an event of its own key ends it. */
  readonly keptBytes: number;
  readonly evidence: Evidence;
  /** Nothing expires before this. */
  nextDue: bigint;
  readonly spanChains: readonly Chain[];
  readonly timers: Timers;
  readonly maxPerProgram: number;
  readonly maxTotal: number;
  readonly onComplete: OnComplete;
  readonly askLate: AskLate;
  /** Events stand as they arrive, whatever their times; see SequenceEngineOptions. */
  readonly isByArrival: boolean;
  /** Events come sorted, so that event time is the clock. */
  readonly isSorted: boolean;
  /** What is reported now is reported because the stream has ended. */
  isAtEnd: boolean;
  /** Events that came behind one that stands after them in their key, and the last of them. */
  late: number;
  lastLate: StreamEvent | null;
  ages: number;
  total: number;
  completed: number;
  spoilt: number;
  expired: number;
  evicted: number;
}

/**
 * When nothing that belongs to a match within `span` of this event is to be judged any more: an event that stands so much later
 * in its key comes when the clock has moved on as much, at most the lateness later, and waits for as long at most.
 */
export function dueAfter(pending: Pending, event: StreamEvent, span: bigint | null): bigint {
  if (span === null) return NEVER;
  if (!pending.isSorted) return (event.clock ?? event.ts) + span + 2n * pending.latenessNs;
  return (event.ts > pending.clock ? event.ts : pending.clock) + span;
}

/** Negative when `a` stands before `b` in the order that the engine was given. */
export function orderOf(pending: Pending, a: StreamEvent, b: StreamEvent): number {
  return pending.isByArrival ? a.ordinal - b.ordinal : compareEvents(a, b);
}

/** Where the wanted key of a program stands, added when it is not there: who adds it must enter something. */
export function openKey({ keys }: Pending, program: Program): number {
  const found = findKey(keys, program.number);
  return found === 0 ? addKey(keys, program.number) : found;
}

/**
 * Whether an event stands last of those judged for a key. Counts one that comes behind another, once for all programs.
 */
export function isLatest(pending: Pending, key: number, event: StreamEvent): boolean {
  const latest = pending.keys.words[key + LATEST] ?? 0;
  if (latest === 0 || orderOf(pending, pending.evidence.at(latest), event) <= 0) return true;
  if (pending.lastLate !== event) {
    pending.lastLate = event;
    pending.late++;
  }
  return false;
}

/** Says that an event stands last of those judged for a key. */
export function setLatest({ keys, evidence }: Pending, key: number, event: StreamEvent): void {
  const latest = keys.words[key + LATEST] ?? 0;
  keys.words[key + LATEST] = evidence.note(event);
  if (latest !== 0) evidence.forget(latest);
}

/** The first of the entries of a key whose stage is not less; 0 for none. */
export function firstFrom({ keys, entries }: Pending, key: number, stage: number): number {
  const head = keys.words[key + HEAD] ?? 0;
  let entry = head;
  while (entry !== 0 && (entries.words[wordOf(entry, STAGE)] ?? 0) < stage) {
    entry = behindOf(entries, entry);
    if (entry === head) return 0;
  }
  return entry;
}

/** What the stage `stage` of a key waits with; 0 for nothing. Not for the last stage, where any number may be held. */
export function waitingAt(pending: Pending, key: number, stage: number): number {
  const entry = firstFrom(pending, key, stage);
  return entry !== 0 && pending.entries.words[wordOf(entry, STAGE)] === stage ? entry : 0;
}

/** Makes an entry for a key, and puts it in its place in the ring; `enter` does the rest. */
export function addEntry(pending: Pending, key: number, stage: number, events: number, first: bigint): number {
  const { keys, entries } = pending;
  const entry = takeEntry(entries);
  const { words } = entries;
  words[wordOf(entry, EVENTS)] = events;
  words[wordOf(entry, STAGE)] = stage;
  words[wordOf(entry, KEY_PLACE)] = key;
  setFirst(entries, entry, first);
  const head = keys.words[key + HEAD] ?? 0;
  const behind = firstFrom(pending, key, stage);
  insertBefore(entries, entry, behind === 0 ? head : behind);
  if (behind === head) keys.words[key + HEAD] = entry;
  return entry;
}

/** Adds an entry to the chains as the youngest, and makes room for it where a cap is reached. */
export function enter(pending: Pending, program: Program, entry: number, due: bigint): void {
  join(pending, program, entry, due);
  pending.total++;
  pending.evidence.add(ENTRY_BYTES);
  while (program.chain.size > pending.maxPerProgram) evict(pending, program.chain.oldest);
  while (pending.total > pending.maxTotal) evict(pending, oldestOf(pending));
}

/** Makes an entry the youngest again, with another time at which it is due. */
export function renew(pending: Pending, program: Program, entry: number, due: bigint): void {
  unlink(pending.entries, program.chain, entry, IN_PROGRAM);
  unlink(pending.entries, program.automaton.spanChain, entry, IN_SPAN);
  join(pending, program, entry, due);
}

/** The program of an entry. */
export function programOf({ keys, entries, programs }: Pending, entry: number): Program {
  const program = programs[keys.words[(entries.words[wordOf(entry, KEY_PLACE)] ?? 0) + PROGRAM] ?? 0];
  if (program === undefined) throw new Error("an entry of no program");
  return program;
}

/** Takes an entry away from wherever it is referred to. */
export function drop(pending: Pending, entry: number): void {
  const { entries, keys } = pending;
  const program = programOf(pending, entry);
  pending.total--;
  pending.evidence.add(-ENTRY_BYTES);
  unlink(entries, program.chain, entry, IN_PROGRAM);
  unlink(entries, program.automaton.spanChain, entry, IN_SPAN);
  const list = entries.words[wordOf(entry, EVENTS)] ?? 0;
  if (list !== 0) letGoAll(pending, list);
  if (pending.particulars.size > 0) dropParticulars(pending, program, entry);
  const key = entries.words[wordOf(entry, KEY_PLACE)] ?? 0;
  const behind = leaveRing(entries, entry);
  if (keys.words[key + HEAD] === entry) {
    keys.words[key + HEAD] = behind;
    if (behind === 0 && key !== pending.pinned) closeKey(pending, key);
  }
  freeEntry(entries, entry);
}

/** The events of a list, the oldest first, and `last` behind them. */
export function eventsOf({ lists, evidence }: Pending, list: number, last: StreamEvent | null = null): StreamEvent[] {
  if (list > 0) return last === null ? [evidence.at(list)] : [evidence.at(list), last];
  const events: StreamEvent[] = last === null ? [] : [last];
  for (let left = list; left !== 0; left = restOf(lists, left)) events.push(evidence.at(newestOf(lists, left)));
  return events.reverse();
}

/** Removes a key for which nothing is pending. */
export function closeKey({ keys, evidence }: Pending, key: number): void {
  const latest = keys.words[key + LATEST] ?? 0;
  if (latest !== 0) evidence.forget(latest);
  removeKey(keys, key);
}

/** Lets the events of a list go, and frees it. */
export function letGoAll({ lists, evidence }: Pending, list: number): void {
  for (let left = list; left !== 0; left = restOf(lists, left)) evidence.letGo(newestOf(lists, left));
  freeList(lists, list);
}

function dropParticulars(pending: Pending, program: Program, entry: number): void {
  const particulars = pending.particulars.get(entry);
  if (particulars === undefined) return;
  pending.particulars.delete(entry);
  switch (particulars.kind) {
    case "watch":
      if (particulars.timer < 0) break;
      removeTimer(pending.timers, particulars);
      noLongerOpen(program, particulars);
      break;
    case "sample":
      for (const hits of particulars.hits) for (const place of hits) pending.evidence.letGo(place);
      break;
    case "join":
      for (const place of particulars.slots) if (place !== 0) pending.evidence.letGo(place);
      break;
    case "mark":
      break;
  }
}

/** Says that a held match need not be told of trailing missing events. */
export function noLongerOpen(program: Program, match: Extract<Particulars, { readonly kind: "watch" }>): void {
  const open = program.open.get(match.key);
  if (open?.delete(match) === true && open.size === 0) program.open.delete(match.key);
}

/** Removes what has expired by `pending.clock`. */
export function expire(pending: Pending): void {
  if (pending.clock <= pending.nextDue || pending.evidence.bytes <= pending.keptBytes) return;
  let nextDue = NEVER;
  for (const chain of pending.spanChains) {
    for (let entry = chain.oldest; entry !== 0; entry = chain.oldest) {
      const expires = expiresOf(pending.entries, entry);
      if (expires >= pending.clock) {
        if (expires < nextDue) nextDue = expires;
        break;
      }
      if (isWorthCounting(pending, entry)) pending.expired++;
      drop(pending, entry);
    }
  }
  pending.nextDue = nextDue;
}

/** Partial matches, and keys of samples that have not alerted. */
function isWorthCounting({ particulars }: Pending, entry: number): boolean {
  const found = particulars.get(entry);
  return found === undefined || found.kind === "watch" || (found.kind === "sample" && !found.alerted);
}

/** Forgets every entry without counting it, and starts time afresh. */
export function forget(pending: Pending): void {
  for (const { chain } of pending.programs) while (chain.oldest !== 0) drop(pending, chain.oldest);
  pending.clock = NO_TIME;
  pending.nextDue = NEVER;
}

/** Drops the entry that was made first, and counts it; false when there is none. */
export function evictOldest(pending: Pending): boolean {
  const entry = oldestOf(pending);
  if (entry === 0) return false;
  evict(pending, entry);
  return true;
}

function evict(pending: Pending, entry: number): void {
  if (entry === 0) throw new Error("a cap is reached with nothing pending");
  pending.evicted++;
  programOf(pending, entry).evicted++;
  drop(pending, entry);
}

function oldestOf({ entries, spanChains }: Pending): number {
  let found = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const { oldest } of spanChains) {
    if (oldest === 0 || ageOf(entries, oldest) >= least) continue;
    found = oldest;
    least = ageOf(entries, oldest);
  }
  return found;
}

function join(pending: Pending, program: Program, entry: number, due: bigint): void {
  const { entries } = pending;
  const { spanChain } = program.automaton;
  setAge(entries, entry, pending.ages++);
  // What is due after all time never expires; 64 bits hold no more.
  const expires = due < NEVER ? due : NEVER;
  setExpires(entries, entry, expires);
  if (spanChain.newest !== 0) keepAsLong(entries, entry, spanChain.newest);
  // Behind another it is not due before that one.
  else if (expires < pending.nextDue) pending.nextDue = expires;
  append(entries, program.chain, entry, IN_PROGRAM);
  append(entries, spanChain, entry, IN_SPAN);
}
