// What wildcards that ignore case say of a text as it is written: most are decided by its first bytes or its last ones, where folding takes
// all of them, and to search it once in any case takes less than to fold it and search it. Encoding: UNFOLDED_* in stdlib/src/abi.ts.
//
// SOUND: texts are folded character by character, and ASCII stays ASCII. So where the first bytes of a text are ASCII, the folded text begins
// with them in small letters, likewise at the end, and a text of ASCII that it holds anywhere it holds folded; a wildcard with a character
// beyond ASCII matches no text without one. Where a text is beyond ASCII in what counts, nothing is said: the sign for kelvin is folded to `k`.
// INVARIANT: a search that compares in vain for long is given up, and left to search.ts, which is linear whatever the texts are.

import {
  BLOCK_BYTES, FOLDED_STAMP, SLOT_COUNT, SLOT_VALUE, SLOT_VERSION, UNFOLDED_AT_END, UNFOLDED_BACK, UNFOLDED_COUNT, UNFOLDED_DECIDES,
  UNFOLDED_FRONT, UNFOLDED_HEADER_BYTES, UNFOLDED_NO, UNFOLDED_OPEN, UNFOLDED_RECORD, UNFOLDED_TEXT_ADDRESS, UNFOLDED_TEXT_ANY,
  UNFOLDED_TEXT_BYTES, UNFOLDED_TEXT_FLAGS, UNFOLDED_TEXT_LENGTH, UNFOLDED_WITHIN, UNFOLDED_YES,
} from "../src/abi";
import { CASE_BIT } from "../src/text/characters";
import { addressOf, lengthOf, text } from "./bytes";
import { isBeyondAscii } from "./match";
import { textAt } from "./slots";
import { standsInAnyCase } from "./unicode";

/** UNFOLDED_NO, _YES or _OPEN: whether the value of a slot of texts matches one of the wildcards of a table. Of several values nothing is said. */
export function askUnfolded(slot: usize, table: usize): u32 {
  const count = load<u32>(slot, SLOT_COUNT);
  if (count != 1) return count ? UNFOLDED_OPEN : UNFOLDED_NO;
  const t = textAt(slot + SLOT_VALUE);
  const start = addressOf(t);
  const length = lengthOf(t);
  const end = start + length;
  const front = min(length, load<u32>(table, UNFOLDED_FRONT));
  const back = min(length, load<u32>(table, UNFOLDED_BACK));
  if (isBeyondAscii(text(start, front)) || isBeyondAscii(text(end - back, back))) return UNFOLDED_OPEN;
  const last = table + UNFOLDED_HEADER_BYTES + load<u32>(table, UNFOLDED_COUNT) * UNFOLDED_TEXT_BYTES;
  let answer: u32 = UNFOLDED_NO;
  for (let at = table + UNFOLDED_HEADER_BYTES; at < last; at += UNFOLDED_TEXT_BYTES) {
    const wanted = load<u32>(at, UNFOLDED_TEXT_LENGTH);
    const before = load<u32>(at, UNFOLDED_TEXT_ANY);
    const flags = load<u32>(at, UNFOLDED_TEXT_FLAGS);
    if (length < before + wanted) continue;
    const folded: usize = load<u32>(at, UNFOLDED_TEXT_ADDRESS);
    if (flags & UNFOLDED_WITHIN) {
      // What is folded already is sooner searched as that.
      if (load<u32>(load<u32>(table, UNFOLDED_RECORD), FOLDED_STAMP) == load<u32>(slot, SLOT_VERSION)) return UNFOLDED_OPEN;
      const found = search(start, length, folded, wanted);
      if (found == UNFOLDED_NO) continue;
      if (found == UNFOLDED_OPEN) return UNFOLDED_OPEN;
    } else if (!standsInAnyCase(flags & UNFOLDED_AT_END ? end - wanted : start + before, folded, wanted)) continue;
    if (flags & UNFOLDED_DECIDES) return UNFOLDED_YES;
    answer = UNFOLDED_OPEN;
  }
  return answer;
}

/** How many bytes of texts that differ may be compared for each byte that was passed. */
const PATIENCE: u32 = 4;

/** UNFOLDED_NO, _YES or _OPEN: whether a folded text of ASCII, no longer than it, stands in a text in any case. */
function search(hay: usize, hayLength: u32, folded: usize, length: u32): u32 {
  const lastStart = hayLength - length;
  const half = length >> 1;
  // A place is looked at where its first byte, its middle one and its last one may be those of the text: this bit is all that two cases differ in.
  const bit = i8x16.splat(CASE_BIT as i8);
  const first = v128.or(v128.load8_splat(folded), bit);
  const middle = v128.or(v128.load8_splat(folded + half), bit);
  const final = v128.or(v128.load8_splat(folded + length - 1), bit);
  let seen = i8x16.splat(0);
  let spent: u32 = 0;
  let i: u32 = 0;
  for (; i <= lastStart; i += BLOCK_BYTES) {
    const p = hay + i;
    const block = v128.load(p);
    const back = v128.load(p + length - 1);
    seen = v128.or(seen, block);
    let hits: u32 = i8x16.bitmask(
      v128.and(
        v128.and(i8x16.eq(v128.or(block, bit), first), i8x16.eq(v128.or(back, bit), final)),
        i8x16.eq(v128.or(v128.load(p + half), bit), middle),
      ),
    );
    while (hits) {
      const at = i + ctz(hits);
      if (at > lastStart) break;
      if (standsInAnyCase(hay + at, folded, length)) return UNFOLDED_YES;
      spent += length;
      if (spent > PATIENCE * (at + length)) return UNFOLDED_OPEN;
      hits &= hits - 1;
    }
  }
  if (i8x16.bitmask(seen)) return UNFOLDED_OPEN;
  return i < hayLength && isBeyondAscii(text(hay + i, hayLength - i)) ? UNFOLDED_OPEN : UNFOLDED_NO;
}
