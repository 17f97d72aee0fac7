// Text to text without case: Unicode simple case folding, one code point to one code point.
//
// Code points that simple folding makes equal form a class, and every member folds to the class's representative:
// - the lower-case ASCII letter, when the class holds one: K, k and U+212A KELVIN SIGN fold to k, U+017F LONG S to s;
// - otherwise the lower case of the upper case of the smallest member, when that is a member: Σ, σ and ς fold to σ;
// - otherwise the smallest member.
// So ASCII text folds to ASCII text. What stays as it is: dotted and dotless I (they only fold in Turkish), and letters
// that would need more than one code point (ß is not ss). INVARIANT: folding twice is folding once.

import { FOLD_RANGES } from "./fold-ranges.js";

export { FOLD_RANGES, FOLD_UNICODE_VERSION } from "./fold-ranges.js";

/**
 * The representative of a code point's class, which is the code point itself for most.
 *
 * @param codePoint 0 to 0x10ffff; a lone surrogate comes back as it is.
 */
export function foldCodePoint(codePoint: number): number {
  if (codePoint < 0x80) return codePoint >= 0x41 && codePoint <= 0x5a ? codePoint + 0x20 : codePoint;
  let low = 0;
  let high = FOLD_RANGES.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const range = FOLD_RANGES[middle];
    if (range === undefined) break;
    const [start, end, step, delta] = range;
    if (codePoint < start) high = middle - 1;
    else if (codePoint > end) low = middle + 1;
    else return (codePoint - start) % step === 0 ? codePoint + delta : codePoint;
  }
  return codePoint;
}

/** Most texts are, and for them folding is making letters small. */
const ASCII = /^[\0-\x7f]*$/;

/** Folds every code point of a string; lone surrogates stay as they are. The UTF-16 length never changes. */
export function foldString(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  let folded = "";
  let kept = 0;
  for (let index = 0; index < text.length; ) {
    const codePoint = text.codePointAt(index) ?? 0;
    const width = codePoint > 0xffff ? 2 : 1;
    const target = foldCodePoint(codePoint);
    if (target !== codePoint) {
      folded += text.slice(kept, index) + String.fromCodePoint(target);
      kept = index + width;
    }
    index += width;
  }
  return kept === 0 ? text : folded + text.slice(kept);
}
