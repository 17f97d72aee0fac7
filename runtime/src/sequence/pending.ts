// Everything the engine remembers, in order of age: what expires, what is evicted, and what is counted.
//
// Programs with the same span share one chain. Entries join its end as they are made, so in a stream in order their
// deadlines stand sorted, and the expired ones are a run at its head: expiry looks at one entry a chain and at those it
// removes, never at the rest. An entry that comes late is kept as long as the one before it, so that this holds always.
//
// INVARIANT: along a span's chain `expires` never decreases.
// INVARIANT: expiry never changes a result, and happens before any cap is looked at: an entry goes once `clock` is past its
// deadline, and the machine treats such an entry as gone whether or not it has been removed yet.
// INVARIANT: held matches that are due have been judged before `expire` runs, so it never meets one.

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

/** What the whole engine shares. */
export interface Pending {
  /** The latest event time known: no event that is in order can come from before it. */
  clock: bigint;
  /** Nothing expires before this. */
  nextDue: bigint;
  readonly spanChains: readonly Chain[];
  readonly timers: Timers;
  readonly maxPerProgram: number;
  readonly maxTotal: number;
  readonly onComplete: (program: number, key: string, events: (StreamEvent | null)[]) => void;
  readonly askLate: AskLate;
  /** Events stand as they arrive, whatever their times; see SequenceEngineOptions. */
  readonly isByArrival: boolean;
  ages: number;
  total: number;
  completed: number;
  spoilt: number;
  expired: number;
  evicted: number;
}

/** Negative when `a` stands before `b` in the order that the engine was given. */
export function orderOf(pending: Pending, a: StreamEvent, b: StreamEvent): number {
  return pending.isByArrival ? a.ordinal - b.ordinal : compareEvents(a, b);
}

/** Adds an entry as the youngest, and makes room for it where a cap is reached. */
export function enter(pending: Pending, entry: Entry): void {
  join(pending, entry);
  pending.total++;
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
  if (entry.inProgram.chain !== null) pending.total--;
  part(entry.inProgram);
  part(entry.inSpan);
  switch (entry.kind) {
    case "partial":
      if (entry.timer >= 0) {
        removeTimer(pending.timers, entry);
        entry.owner.open.delete(entry);
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
      entry.program.samples.delete(entry.key);
      break;
    case "join":
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
  if (pending.clock <= pending.nextDue) return;
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
  entry.expires = entry.deadline;
  if (before !== undefined && before > entry.deadline) entry.expires = before;
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
