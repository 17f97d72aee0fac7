// What a number in the time field of an event may count, by the names of the command lines.

import {
  TIME_UNIT_AUTO,
  TIME_UNIT_FILETIME,
  TIME_UNIT_MICROSECONDS,
  TIME_UNIT_MILLISECONDS,
  TIME_UNIT_NANOSECONDS,
  TIME_UNIT_SECONDS,
} from "./abi.js";

/** Codes of abi.ts. `auto` tells by the magnitude (docs/language.md#the-time-of-an-event). */
export const TIME_UNITS = {
  auto: TIME_UNIT_AUTO,
  seconds: TIME_UNIT_SECONDS,
  milliseconds: TIME_UNIT_MILLISECONDS,
  microseconds: TIME_UNIT_MICROSECONDS,
  nanoseconds: TIME_UNIT_NANOSECONDS,
  filetime: TIME_UNIT_FILETIME,
} as const;

export type TimeUnit = keyof typeof TIME_UNITS;
