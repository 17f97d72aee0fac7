// What kind of character a byte is. The names of single characters stand in stdlib/src/text/characters.ts.
// INVARIANT: everything here is unsigned, so that one comparison tells a range.

import { CASE_BIT, DIGIT_0, LOWER_A, SPACE } from "../src/text/characters";

/** The value of a digit; at least 10 for what is none. */
@inline
export function decimalOf(c: u32): u32 {
  return c - (DIGIT_0 as u32);
}

@inline
export function isDigit(c: u32): bool {
  return decimalOf(c) < 10;
}

/** The place of a letter of either case in the alphabet, from 0; at least 26 for what is none. */
@inline
export function letterOf(c: u32): u32 {
  return (c | (CASE_BIT as u32)) - (LOWER_A as u32);
}

@inline
export function isControl(c: u32): bool {
  return c < (SPACE as u32);
}

/** A space or a control character, one of which ends every line. */
@inline
export function isBlank(c: u32): bool {
  return c <= (SPACE as u32);
}
