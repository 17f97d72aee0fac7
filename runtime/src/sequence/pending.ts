// Everything the engine remembers, in order of age: what expires, what is evicted, and what is counted.
//
// Programs with the same span share one chain. Entries join its end as they are made, so in a stream in order their
// times stand sorted, and the expired ones are a run at its head: expiry looks at one entry a chain and at those it
// removes, never at the rest. An entry that comes late is kept as long as the one before it, so that this holds always.
//
// INVARIANT: along a span's chain `expires` never decreases.
// INVARIANT: in a sorted stream expiry never changes a result: an entry goes once `clock` is past its deadline, and an event
// of its key would find it over all the same. Elsewhere it could (a clock that leaps counts as the time that it says), so
// there what has expired stays until memory is short.
// INVARIANT: held matches that are due have been judged before `expire` runs, so it never meets one.

import type { Evidence } from "../event/evidence.js";
import { compareEvents, type StreamEvent } from "../event/stream-event.js";
import {
  type AskLate,
  type Chain,
  type Entry,
  type KeyState,
  type Link,
  NEVER,
  NO_TIME,
  type Program,
} from "./state.js";
import { removeTimer, type Timers } from "./timers.js";

/** What an entry takes beside its events, with its key. Measured as the peak of a process, with what is not collected yet. */
const ENTRY_BYTES = 4096;

/**
 * Takes a completion: the index of the program, the join key, the events by stage, null for a missing event, and whether
 * it is reported because the stream has ended.
 */
export type OnComplete = (program: number, key: string, events: (StreamEvent | null)[], atEnd: boolean) => void;

/** What the whole engine shares. */
export interface Pending {
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

/** Counts an event that comes behind one that stands after it in its key, once for all programs. */
export function noteOrder(pending: Pending, owner: KeyState, event: StreamEvent): void {
  if (owner.latest === null || orderOf(pending, owner.latest, event) <= 0) owner.latest = event;
  else if (pending.lastLate !== event) {
    pending.lastLate = event;
    pending.late++;
  }
}

/** Adds an entry as the youngest, and makes room for it where a cap is reached. */
export function enter(pending: Pending, entry: Entry): void {
  join(pending, entry);
  pending.total++;
  pending.evidence.add(ENTRY_BYTES);
  while (entry.program.chain.size > pending.maxPerProgram) evict(pending, entry.program.chain.oldest);
  while (pending.total > pending.maxTotal) evict(pending, oldestOf(pending));
}

/** Makes an entry the youngest again; its deadline may have been changed. */
export function renew(pending: Pending, entry: Entry): void {
  part(entry.inProgram);
  part(entry.inSpan);
  join(pending, entry);
}

/** Takes an entry away from wherever it is referred to. */
export function drop(pending: Pending, entry: Entry): void {
  // A sequence of one term may be reported as soon as its event comes, without having entered a chain.
  if (entry.inProgram.chain !== null) {
    pending.total--;
    pending.evidence.add(-ENTRY_BYTES);
  }
  part(entry.inProgram);
  part(entry.inSpan);
  switch (entry.kind) {
    case "partial":
      for (const event of entry.events) pending.evidence.letGo(event);
      if (entry.timer >= 0) {
        removeTimer(pending.timers, entry);
        entry.owner.open?.delete(entry);
      } else if (entry.stage < entry.owner.waiting.length && entry.owner.waiting[entry.stage] === entry) {
        entry.owner.waiting[entry.stage] = null;
      }
      release(entry.program, entry.owner);
      break;
    case "mark":
      entry.owner.mark = null;
      release(entry.program, entry.owner);
      break;
    case "sample":
      for (const hits of entry.hits) for (const event of hits) pending.evidence.letGo(event);
      entry.program.samples.delete(entry.key);
      break;
    case "join":
      for (const event of entry.slots) if (event !== null) pending.evidence.letGo(event);
      entry.program.joins.delete(entry.key);
      break;
  }
}

/** Counts one entry of a key state less; without any, the state leaves its program's map. */
export function release(program: Program, owner: KeyState): void {
  owner.size--;
  if (owner.size === 0) program.keys.delete(owner.key);
}

/** Removes what has expired by `pending.clock`. */
export function expire(pending: Pending): void {
  if (pending.clock <= pending.nextDue || pending.evidence.bytes <= pending.keptBytes) return;
  let nextDue = NEVER;
  for (const chain of pending.spanChains) {
    for (;;) {
      const entry = chain.oldest?.entry;
      if (entry === null || entry === undefined) break;
      if (entry.expires >= pending.clock) {
        if (entry.expires < nextDue) nextDue = entry.expires;
        break;
      }
      if (entry.kind === "partial" || (entry.kind === "sample" && !entry.alerted)) pending.expired++;
      drop(pending, entry);
    }
  }
  pending.nextDue = nextDue;
}

/** Forgets every entry without counting it, and starts time afresh. */
export function forget(pending: Pending, programs: readonly Program[]): void {
  for (const program of programs) {
    for (let link = program.chain.oldest; link !== null; link = program.chain.oldest) {
      if (link.entry !== null) drop(pending, link.entry);
    }
  }
  pending.clock = NO_TIME;
  pending.nextDue = NEVER;
}

/** Drops the entry that was made first, and counts it; false when there is none. */
export function evictOldest(pending: Pending): boolean {
  const link = oldestOf(pending);
  if (link === null) return false;
  evict(pending, link);
  return true;
}

function evict(pending: Pending, link: Link | null): void {
  const entry = link?.entry;
  if (entry === null || entry === undefined) throw new Error("a cap is reached with nothing pending");
  pending.evicted++;
  entry.program.evicted++;
  drop(pending, entry);
}

function oldestOf(pending: Pending): Link | null {
  let oldest: Link | null = null;
  let age = Number.POSITIVE_INFINITY;
  for (const { oldest: link } of pending.spanChains) {
    if (link?.entry == null || link.entry.age >= age) continue;
    oldest = link;
    age = link.entry.age;
  }
  return oldest;
}

function join(pending: Pending, entry: Entry): void {
  entry.age = pending.ages++;
  const before = entry.program.automaton.spanChain.newest?.entry?.expires;
  entry.expires = entry.due;
  if (before !== undefined && before > entry.due) entry.expires = before;
  append(entry.program.chain, entry.inProgram, entry);
  append(entry.program.automaton.spanChain, entry.inSpan, entry);
  if (entry.expires < pending.nextDue) pending.nextDue = entry.expires;
}

function append(chain: Chain, link: Link, entry: Entry): void {
  link.entry = entry;
  link.chain = chain;
  link.older = chain.newest;
  link.newer = null;
  if (chain.newest === null) chain.oldest = link;
  else chain.newest.newer = link;
  chain.newest = link;
  chain.size++;
}

function part(link: Link): void {
  const { chain, older, newer } = link;
  if (chain === null) return;
  if (older === null) chain.oldest = newer;
  else older.newer = newer;
  if (newer === null) chain.newest = older;
  else newer.older = older;
  chain.size--;
  link.entry = null;
  link.chain = null;
  link.older = null;
  link.newer = null;
}
