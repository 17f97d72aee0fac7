// How many of a thousand events are expected to meet a condition. What counts is how the figures compare: of several ways to post a
// predicate the one that fewest events meet is taken.

import type { Condition } from "../ir/pack-ir.js";

/**
 * Rough share of events that hold a given literal of the field; anything not named is 5. Bench `steering`, table "shares": a
 * text that rules ask of `event.action` is held by eight times as many events as one of an unnamed field. The recordings say little of the
 * fields that few of their events have.
 */
const SHARE: Readonly<Record<string, number>> = {
  "event.kind": 900,
  "host.os.type": 800,
  "host.os.family": 800,
  "event.outcome": 500,
  "event.module": 400,
  "event.dataset": 300,
  "event.provider": 300,
  "event.category": 250,
  "event.type": 250,
  "event.action": 40,
  "event.code": 60,
  "network.direction": 120,
  "network.transport": 120,
  "network.protocol": 60,
  "process.Ext.token.integrity_level_name": 100,
  "user.id": 60,
  "user.domain": 60,
};
const DEFAULT_SHARE = 5;
const PRESENT = 500;

export function expectedShare(condition: Condition): number {
  switch (condition.kind) {
    case "exists":
      return PRESENT;
    case "set":
      return (SHARE[condition.reading.name] ?? DEFAULT_SHARE) * (1 + Math.log2(condition.texts.length));
    case "literal":
      return DEFAULT_SHARE;
  }
}

export function costOfClause(clause: readonly Condition[]): number {
  return clause.reduce((sum, condition) => sum + expectedShare(condition), 0);
}
