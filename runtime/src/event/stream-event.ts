// The event as it goes through the lane: where it stands in the stream, what it was read from, and what held for it.

import type { Captures } from "../foreign/foreign-host.js";
import type { EventFormat } from "./formats.js";

/** Where an event stands. A caller's event adds what it likes; who keeps an event keeps the object. */
export interface StreamEvent {
  /** Arrival number. */
  readonly ordinal: number;
  /** Event time, nanoseconds since 1970; of an event without a time that of the event before it in the input. */
  readonly ts: bigint;
  /** Tiebreaker; null when the event has none. */
  readonly tie: bigint | null;
  /** False for an event without a time of its own, which no maxspan can be measured by. */
  readonly timed?: boolean;
  /** The clock of the stream when the event arrived (CONTROL_CLOCK in abi.ts); where events are sorted nobody asks it. */
  readonly clock?: bigint;
  /** Where it stands while it is kept, see event/evidence.ts; 0 or absent when it is not. */
  place?: number;
}

/** An event that can be part of a detection, with the place it was read from. */
export interface EvidenceEvent extends StreamEvent {
  /** A copy of the event's own bytes, and what they are written in. */
  readonly bytes: Uint8Array;
  readonly format: EventFormat;
  /** The path that the event came from, as it was given. */
  readonly file: string;
  /** Its line there, from 1. */
  readonly fileLine: number;
  /** One byte for each lineage flag, as it was when the event's turn came; null when none was set. */
  readonly lineage: Uint8Array | null;
  /** What foreign code captured of it, by the number of the code; absent where nothing was. */
  readonly captures?: EventCaptures;
}

export type EventCaptures = ReadonlyMap<number, Captures>;

/** One predicate that held for an event. An event has at most one of these for a predicate. */
export interface StageMatch {
  readonly predicate: number;
  /**
   * One string for each distinct tuple of join keys, after multi-valued keys are fanned out; `[""]` where the program has
   * no keys; empty when a key that is not optional is null: the event is then ignored.
   */
  readonly keys: readonly string[];
}

/** An event for which some predicate held, as an evaluator hands it to the lane. */
export interface MatchedEvent extends EvidenceEvent {
  readonly timed: boolean;
  /** The clock of the stream when it arrived, its own effect included: nanoseconds from 0. The lane adds what silence has added. */
  clock: bigint;
  /** Empty while the lane only looks whether anybody asks for them. */
  bytes: Uint8Array;
  /** How many shares of it wait for their order. */
  waiting: number;
  /** The event rules that it matches, in index order, each once. */
  readonly rules: readonly number[];
  /** The predicates of programs that held for it. */
  readonly stages: readonly StageMatch[];
  /** The lane sets it when the event's turn comes. */
  lineage: Uint8Array | null;
}

/**
 * Negative when `a` stands before `b` (docs/language.md#the-order-of-events): by time, tiebreaker (a missing one last),
 * arrival.
 */
export function compareEvents(a: StreamEvent, b: StreamEvent): number {
  if (a.ts !== b.ts) return a.ts < b.ts ? -1 : 1;
  if (a.tie !== b.tie) {
    if (a.tie === null) return 1;
    if (b.tie === null) return -1;
    return a.tie < b.tie ? -1 : 1;
  }
  return a.ordinal - b.ordinal;
}

/**
 * Whole milliseconds, rounded down, by which missing events between two terms are judged
 * (docs/language.md#missing-events).
 */
export function toMillis(ts: bigint): bigint {
  const millis = ts / 1_000_000n;
  return ts < 0n && millis * 1_000_000n !== ts ? millis - 1n : millis;
}
