// A wildcard pattern of `:`, `like` and `like~` -> its shape, and the bytes the runtime's glob matcher reads.
//
// `*` stands for any run of characters (newlines too, and none at all), `?` for exactly one code point. There is no escape:
// every other character stands for itself. Most patterns in real packs are not globs at all, so the shape is decided here
// and only what is left over reaches the matcher.
//
// Encoding of a glob: GLOB_* in stdlib/src/abi.ts.

import {
  GLOB_ANCHORED_END,
  GLOB_ANCHORED_START,
  GLOB_ANY_IN_FRONT,
  GLOB_ANY_ONE,
  GLOB_ANY_WITHIN,
  GLOB_FLAGS,
  GLOB_HEADER_BYTES,
  GLOB_SEGMENT_HAS_ANY,
  GLOB_SEGMENT_HEADER_BYTES,
  GLOB_SEGMENT_LENGTH,
  GLOB_SEGMENTS,
} from "@kestrel/stdlib/abi";
import { foldString } from "@kestrel/stdlib/text/case-folding";

/** A run of literal text, or one `?`. Two runs of text never stand side by side. */
export type GlobUnit = { readonly kind: "text"; readonly text: string } | { readonly kind: "any-one" };

/** What stands between two `*`. Never empty. */
export type GlobSegment = readonly GlobUnit[];

export interface Glob {
  readonly kind: "glob";
  readonly parts: readonly GlobSegment[];
  /** The pattern does not begin with `*`. */
  readonly anchoredStart: boolean;
  /** The pattern does not end with `*`. */
  readonly anchoredEnd: boolean;
}

export type Wildcard =
  | { readonly kind: "exact"; readonly text: string }
  | { readonly kind: "any" }
  | { readonly kind: "prefix"; readonly text: string }
  | { readonly kind: "suffix"; readonly text: string }
  | { readonly kind: "contains"; readonly text: string }
  | Glob;

const U16_MAX = 0xffff;

/**
 * Classifies a wildcard pattern. A pattern without `*` and `?` is `exact`, one of only stars is `any`; `glob` is what none
 * of the simpler shapes can say. Neighbouring stars count as one.
 */
export function parseWildcard(text: string): Wildcard {
  const segments = text.split("*");
  if (segments.length === 1 && !text.includes("?")) return { kind: "exact", text };
  const parts = segments.filter((segment) => segment !== "");
  const anchoredStart = !text.startsWith("*");
  const anchoredEnd = !text.endsWith("*");
  const [only] = parts;
  if (only === undefined) return { kind: "any" };
  if (parts.length === 1 && !only.includes("?")) {
    if (anchoredStart) return { kind: "prefix", text: only };
    return { kind: anchoredEnd ? "suffix" : "contains", text: only };
  }
  return { kind: "glob", parts: parts.map(parseSegment), anchoredStart, anchoredEnd };
}

function parseSegment(segment: string): GlobSegment {
  const units: GlobUnit[] = [];
  for (const [index, text] of segment.split("?").entries()) {
    if (index > 0) units.push({ kind: "any-one" });
    if (text !== "") units.push({ kind: "text", text });
  }
  return units;
}

/** The wildcard with its texts folded, for folded values. */
export function foldWildcard(wildcard: Wildcard): Wildcard {
  switch (wildcard.kind) {
    case "any":
      return wildcard;
    case "glob":
      return { ...wildcard, parts: wildcard.parts.map((part) => part.map(foldUnit)) };
    default:
      return { ...wildcard, text: foldString(wildcard.text) };
  }
}

function foldUnit(unit: GlobUnit): GlobUnit {
  return unit.kind === "text" ? { ...unit, text: foldString(unit.text) } : unit;
}

/**
 * Whether a wildcard matches a whole text; with `fold`, in any case. For the compiler's own questions: events are matched by
 * the prelude. Takes time in proportion to the product of the lengths at worst.
 */
export function wildcardMatches(pattern: string, text: string, fold: boolean): boolean {
  const glob = [...(fold ? foldString(pattern) : pattern)];
  const units = [...(fold ? foldString(text) : text)];
  let at = 0;
  let unit = 0;
  // Where to go on from when the run of characters that the last star took turns out too short.
  let star = -1;
  let taken = 0;
  while (unit < units.length) {
    const wanted = glob[at];
    if (wanted === "*") {
      star = at++;
      taken = unit;
    } else if (wanted !== undefined && (wanted === "?" || wanted === units[unit])) {
      at++;
      unit++;
    } else if (star >= 0) {
      at = star + 1;
      unit = ++taken;
    } else {
      return false;
    }
  }
  while (glob[at] === "*") at++;
  return at === glob.length;
}

/** The simpler shapes are globs too: this gives every wildcard the general form. */
function asGlob(wildcard: Wildcard): Glob {
  switch (wildcard.kind) {
    case "exact":
      return globOfText(wildcard.text, true, true);
    case "any":
      return { kind: "glob", parts: [], anchoredStart: false, anchoredEnd: false };
    case "prefix":
      return globOfText(wildcard.text, true, false);
    case "suffix":
      return globOfText(wildcard.text, false, true);
    case "contains":
      return globOfText(wildcard.text, false, false);
    case "glob":
      return wildcard;
  }
}

function globOfText(text: string, anchoredStart: boolean, anchoredEnd: boolean): Glob {
  return { kind: "glob", parts: [[{ kind: "text", text }]], anchoredStart, anchoredEnd };
}

/**
 * The bytes of a wildcard for the runtime's matcher, laid out as GLOB_* in stdlib/src/abi.ts. With `fold` the text is folded
 * first, and the matcher has to be given folded values. Every shape can be encoded, not only `glob`.
 * @throws RangeError when a segment passes 65,535 bytes or there are more than 65,535 segments; ask `globFits` first.
 */
export function encodeGlob(wildcard: Wildcard, fold: boolean): Uint8Array {
  const glob = asGlob(wildcard);
  const segments = glob.parts.map((part) => encodeSegment(part, fold));
  if (!withinLimits(segments)) throw new RangeError("the wildcard is too long to be encoded");
  const size = segments.reduce((sum, bytes) => sum + GLOB_SEGMENT_HEADER_BYTES + bytes.length, GLOB_HEADER_BYTES);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  out[GLOB_FLAGS] = (glob.anchoredStart ? GLOB_ANCHORED_START : 0) | (glob.anchoredEnd ? GLOB_ANCHORED_END : 0);
  view.setUint16(GLOB_SEGMENTS, segments.length, true);
  let offset = GLOB_HEADER_BYTES;
  for (const bytes of segments) {
    view.setUint16(offset + GLOB_SEGMENT_LENGTH, bytes.length, true);
    out[offset + GLOB_SEGMENT_HAS_ANY] = placeOfAny(bytes);
    out.set(bytes, offset + GLOB_SEGMENT_HEADER_BYTES);
    offset += GLOB_SEGMENT_HEADER_BYTES + bytes.length;
  }
  return out;
}

/** Where the `?` of an encoded segment stand. */
function placeOfAny(bytes: Uint8Array): number {
  const last = bytes.lastIndexOf(GLOB_ANY_ONE);
  if (last < 0) return 0;
  return bytes.subarray(0, last).every((byte) => byte === GLOB_ANY_ONE) ? GLOB_ANY_IN_FRONT : GLOB_ANY_WITHIN;
}

/** Whether `encodeGlob` can write the wildcard: its counts have to fit 16 bits. */
export function globFits(wildcard: Wildcard, fold: boolean): boolean {
  return withinLimits(asGlob(wildcard).parts.map((part) => encodeSegment(part, fold)));
}

function withinLimits(segments: readonly Uint8Array[]): boolean {
  return segments.length <= U16_MAX && segments.every((bytes) => bytes.length <= U16_MAX);
}

function encodeSegment(segment: GlobSegment, fold: boolean): Uint8Array {
  const encoder = new TextEncoder();
  const chunks = segment.map((unit) =>
    unit.kind === "any-one" ? Uint8Array.of(GLOB_ANY_ONE) : encoder.encode(fold ? foldString(unit.text) : unit.text),
  );
  const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    out.set(chunk, offset);
    offset += chunk.length;
  }
  return out;
}
