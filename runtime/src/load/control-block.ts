// The control block of an instance -> the counters that its module keeps. The layout is in stdlib/src/abi.ts.

import {
  CONTROL_BASE,
  CONTROL_BLANK,
  CONTROL_BROKEN,
  CONTROL_COMBINATIONS,
  CONTROL_EVALUATED,
  CONTROL_EVENTS,
  CONTROL_IMPLAUSIBLE,
  CONTROL_KEY_OVERFLOW,
  CONTROL_LEAPS,
  CONTROL_MALFORMED,
  CONTROL_REPLACED,
  CONTROL_RETURNS,
  CONTROL_UNTIMED,
} from "@kestrel/stdlib/abi";

/** Each counts from the making of the instance. */
const COUNTERS = {
  events: CONTROL_EVENTS,
  blank: CONTROL_BLANK,
  /** Lines that the module found broken. */
  broken: CONTROL_BROKEN,
  /** Values that their field's type could not take. */
  malformed: CONTROL_MALFORMED,
  /** Strings with invalid UTF-8. */
  replaced: CONTROL_REPLACED,
  /** Events without a readable time. */
  untimed: CONTROL_UNTIMED,
  /** Events with a time before 1990 or after 2099. */
  implausible: CONTROL_IMPLAUSIBLE,
  /** Events that were more than a step ahead of the newest time, and how often the newest time was taken back. */
  leaps: CONTROL_LEAPS,
  returns: CONTROL_RETURNS,
  /** Matches that lost their join keys, and leaves with too many combinations. */
  keyOverflow: CONTROL_KEY_OVERFLOW,
  combinations: CONTROL_COMBINATIONS,
  /** Predicates evaluated. */
  evaluated: CONTROL_EVALUATED,
} as const;

export type ModuleCounters = { readonly [name in keyof typeof COUNTERS]: number };

export function readCounters(view: DataView): ModuleCounters {
  const read = ([name, offset]: [string, number]): [string, number] => [
    name,
    Number(view.getBigUint64(CONTROL_BASE + offset, true)),
  ];
  return Object.fromEntries(Object.entries(COUNTERS).map(read)) as ModuleCounters;
}
