// The detector's counters -> a closing line for a person, or JSON for a program.

import type { PackageManifest } from "@kestrel/stdlib/package-format";
import type { DetectorCounters } from "../engine/detector.js";
import { isoTime } from "../event/iso-time.js";

type Counter = keyof DetectorCounters | ((counters: DetectorCounters) => number);

/** Counters that a person is told of only when they are not zero, with the words for one and for more. */
const TROUBLES: readonly (readonly [counter: Counter, one: string, more: string])[] = [
  ["broken", "broken line", "broken lines"],
  ["untimed", "event without a time", "events without a time"],
  ["implausible", "event with a time before 1990 or after 2099", "events with a time before 1990 or after 2099"],
  ["malformed", "malformed value", "malformed values"],
  ["replaced", "string with invalid UTF-8", "strings with invalid UTF-8"],
  ["returns", "clock far ahead of the rest", "clocks far ahead of the rest"],
  ["late", "late event", "late events"],
  ["overflowed", "event judged early for want of memory", "events judged early for want of memory"],
  ["changed", "event left out because its file was changed", "events left out because their files were changed"],
  ["keyOverflow", "match without room for its join keys", "matches without room for their join keys"],
  ["keysCut", "match with too many join keys", "matches with too many join keys"],
  ["lateLost", "test without room for its events", "tests without room for their events"],
  ["pipeKeysForgotten", "key of a pipe forgotten", "keys of pipes forgotten"],
  [(counters) => faultsOf(counters, false), "fault of hand-written code", "faults of hand-written code"],
  [(counters) => faultsOf(counters, true), "fault of a generated predicate", "faults of generated predicates"],
  [skippedOf, "event not shown to code in quarantine", "events not shown to code in quarantine"],
  ["combinations", "condition given up for too many combinations", "conditions given up for too many combinations"],
];

function faultsOf({ foreign }: DetectorCounters, generated: boolean): number {
  return foreign.reduce((sum, { faults, isGenerated }) => (isGenerated === generated ? sum + faults : sum), 0);
}

function skippedOf({ foreign }: DetectorCounters): number {
  return foreign.reduce((sum, { skipped }) => sum + skipped, 0);
}

/** What is known of a run beside the detector's counters. */
export interface RunFacts {
  /** What it took. */
  readonly seconds: number | null;
  /** Events that were lost before they were read, by their class. */
  readonly lost: ReadonlyMap<string, number>;
  /** Of a live run: what the kernel's programs made of each class, how much of that the ring had no place for, and what was read. */
  readonly collected?: Readonly<
    Record<string, { readonly made: number; readonly dropped: number; readonly received: number }>
  >;
}

/** One line: what was read and found, then whatever was not as it should be. */
export function summaryText(counters: DetectorCounters, { seconds, lost }: RunFacts): string {
  const rules = counters.alertsByRule.filter((count) => count > 0).length;
  const found = counters.alerts === 0 ? "" : ` from ${counted(rules, "rule", "rules")}`;
  const parts = [counted(counters.events, "event", "events"), counted(counters.alerts, "alert", "alerts") + found];
  const losses = [...lost].map(([name, count]) => `${name} ${count}`);
  const all = [...lost.values()].reduce((sum, count) => sum + count, 0);
  if (all > 0) parts.push(`${counted(all, "event", "events")} lost (${losses.join(", ")})`);
  for (const [counter, one, more] of TROUBLES) {
    const value = typeof counter === "function" ? counter(counters) : counters[counter];
    if (typeof value === "number" && value > 0) parts.push(counted(value, one, more));
  }
  const { evicted } = counters.sequences;
  if (evicted > 0) parts.push(`${counted(evicted, "partial match", "partial matches")} dropped at the cap`);
  const forgotten = counters.lineage?.forgottenForCap ?? 0;
  if (forgotten > 0) parts.push(`${counted(forgotten, "process", "processes")} forgotten at the cap`);
  const text = parts.join(", ");
  return seconds === null ? text : `${text} in ${seconds.toFixed(1)} s`;
}

/**
 * Every counter (those of the process trees where the package has some), the alerts by rule id, and the package; keys in a
 * fixed order and nothing that differs between runs.
 */
export function summaryJson(
  counters: DetectorCounters,
  manifest: PackageManifest,
  { lost, collected }: RunFacts,
): string {
  const { alertsByRule, lastTime, lineage, foreign, ...rest } = counters;
  const byRule: Record<string, number> = {};
  for (const [index, count] of alertsByRule.entries()) {
    const rule = count > 0 ? manifest.rules[index] : undefined;
    if (rule !== undefined) byRule[rule.id] = count;
  }
  const named: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(rest)) named[snakeCase(name)] = value;
  if (lineage !== null) {
    const { known, forgottenForCap, forgottenForAge } = lineage;
    named.processes = { known, forgotten_for_cap: forgottenForCap, forgotten_for_age: forgottenForAge };
  }
  if (foreign.length > 0) {
    named.foreign = foreign.map(({ isGenerated, ...one }) =>
      Object.fromEntries(Object.entries(one).map(([name, value]) => [snakeCase(name), value])),
    );
  }
  if (lost.size > 0) named.lost = Object.fromEntries(lost);
  if (collected !== undefined) named.collected = collected;
  named.last_time = lastTime === null ? null : isoTime(lastTime);
  named.alerts_by_rule = byRule;
  const { name, version, digest } = manifest.package;
  named.package = { name, version, digest };
  return JSON.stringify(named);
}

/** The counters' names in the spelling of the alerts and the manifest. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A number with its word, thousands apart. */
export function counted(count: number, one: string, more: string): string {
  return `${String(count).replace(/\B(?=(\d{3})+$)/g, ",")} ${count === 1 ? one : more}`;
}
