// What orders events of the same time: the first whole number that stands in the tiebreaker's field, to the greatest u64.
// Producers number their events with u64 counters, and a rule that reads the field as a long sees only the lower half.

import { PLUS } from "../src/text/characters";
import { decimalOf, isDigit } from "./characters";

export let hasTiebreaker: bool = false;
/** Whether `tiebreaker` is a u64 that is no i64. */
export let isUnsigned: bool = false;
export let tiebreaker: u64 = 0;

const TENTH: u64 = u64.MAX_VALUE / 10;

export function forgetTiebreaker(): void {
  hasTiebreaker = false;
}

export function noteLong(value: i64): void {
  if (hasTiebreaker) return;
  hasTiebreaker = true;
  isUnsigned = false;
  tiebreaker = value as u64;
}

/** A number that is no i64; only plain digits can be a u64. */
export function noteText(p: usize, end: usize): void {
  if (hasTiebreaker) return;
  if (load<u8>(p) == PLUS) p++;
  let value: u64 = 0;
  for (; p < end; p++) {
    const c = load<u8>(p);
    if (!isDigit(c) || value > TENTH) return;
    const ten = value * 10;
    value = ten + (decimalOf(c) as u64);
    if (value < ten) return;
  }
  hasTiebreaker = true;
  isUnsigned = true;
  tiebreaker = value;
}
