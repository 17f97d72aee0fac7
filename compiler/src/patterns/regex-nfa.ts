// Regex trees -> one byte-level NFA over UTF-8 (Thompson's construction, built back to front: each node is compiled towards
// a state that is already known).
// INVARIANT: values are valid UTF-8. On other bytes the automata still end, and give some answer.

import { NFA_MATCH, NFA_RANGE, NFA_SPLIT } from "@kestrel/stdlib/abi";
import { foldCodePoint } from "@kestrel/stdlib/text/case-folding";
import {
  ALL_CODE_POINTS,
  type ByteSequence,
  type CodePointSet,
  complementOf,
  foldSet,
  holdsAllNonAscii,
  unionOf,
  utf8Sequences,
} from "./code-point-set.js";
import type { RegexNode } from "./regex-parse.js";

/**
 * States side by side in arrays. A range state goes to `a` on a byte from `lo` to `hi` (on none when lo > hi); a split state
 * goes to `a` and to `b` without a byte; the one match state is `accept`.
 */
export interface Nfa {
  readonly kind: "nfa";
  readonly states: number;
  readonly start: number;
  readonly accept: number;
  readonly op: Uint8Array;
  readonly lo: Uint8Array;
  readonly hi: Uint8Array;
  readonly a: Uint32Array;
  readonly b: Uint32Array;
}

interface Builder {
  readonly op: number[];
  readonly lo: number[];
  readonly hi: number[];
  readonly a: number[];
  readonly b: number[];
  readonly limit: number;
  readonly fold: boolean;
  /** What a class spells, kept because repeats compile the same node many times. */
  readonly sets: Map<RegexNode, { readonly set: CodePointSet; readonly sequences: readonly ByteSequence[] }>;
}

/**
 * Compiles the alternation of some patterns. With `fold` the automaton expects folded values. Null when it would take more
 * than `limit` states.
 */
export function buildNfa(nodes: readonly RegexNode[], fold: boolean, limit: number): Nfa | null {
  const builder: Builder = { op: [], lo: [], hi: [], a: [], b: [], limit, fold, sets: new Map() };
  const accept = addState(builder, NFA_MATCH, 0, 0, 0, 0);
  const start = compileEither(builder, nodes.length, (index) => {
    const node = nodes[index];
    return node === undefined ? accept : compile(builder, node, accept);
  });
  if (isFull(builder)) return null;
  return {
    kind: "nfa",
    states: builder.op.length,
    start,
    accept,
    op: Uint8Array.from(builder.op),
    lo: Uint8Array.from(builder.lo),
    hi: Uint8Array.from(builder.hi),
    a: Uint32Array.from(builder.a),
    b: Uint32Array.from(builder.b),
  };
}

function isFull(builder: Builder): boolean {
  return builder.op.length > builder.limit;
}

function addState(builder: Builder, op: number, lo: number, hi: number, a: number, b: number): number {
  // Past the limit the automaton is thrown away, so what it says no longer matters.
  if (isFull(builder)) return 0;
  builder.op.push(op);
  builder.lo.push(lo);
  builder.hi.push(hi);
  builder.a.push(a);
  builder.b.push(b);
  return builder.op.length - 1;
}

function addSplit(builder: Builder, a: number, b: number): number {
  return a === b ? a : addState(builder, NFA_SPLIT, 0, 0, a, b);
}

/** A state from which any of `count` entries can be reached; with no entries, one that never goes on. */
function compileEither(builder: Builder, count: number, entryOf: (index: number) => number): number {
  if (count === 0) return addState(builder, NFA_RANGE, 1, 0, 0, 0);
  let entry = entryOf(count - 1);
  for (let index = count - 2; index >= 0 && !isFull(builder); index--) {
    entry = addSplit(builder, entryOf(index), entry);
  }
  return entry;
}

/** The state to be in before `node`, when `next` is the state to be in after it. */
function compile(builder: Builder, node: RegexNode, next: number): number {
  switch (node.kind) {
    case "empty":
      return next;
    case "char":
    case "any":
    case "class":
      return compileSequences(builder, resolve(builder, node).sequences, next);
    case "concat": {
      let entry = next;
      for (let index = node.items.length - 1; index >= 0 && !isFull(builder); index--) {
        const item = node.items[index];
        if (item !== undefined) entry = compile(builder, item, entry);
      }
      return entry;
    }
    case "alternate":
      return compileEither(builder, node.items.length, (index) => {
        const item = node.items[index];
        return item === undefined ? next : compile(builder, item, next);
      });
    case "repeat":
      return compileRepeat(builder, node.item, node.min, node.max, next);
  }
}

function compileRepeat(builder: Builder, item: RegexNode, min: number, max: number | null, next: number): number {
  if (max === null) {
    const loop = compileLoop(builder, item, next);
    return compileTimes(builder, item, min, loop);
  }
  let entry = next;
  for (let count = max - min; count > 0 && !isFull(builder); count--) {
    const inner = compile(builder, item, entry);
    if (inner === entry) break;
    entry = addSplit(builder, inner, next);
  }
  return compileTimes(builder, item, min, entry);
}

function compileTimes(builder: Builder, item: RegexNode, times: number, next: number): number {
  let entry = next;
  for (let count = times; count > 0 && !isFull(builder); count--) {
    const inner = compile(builder, item, entry);
    // An item that can only be empty adds nothing however often it stands.
    if (inner === entry) break;
    entry = inner;
  }
  return entry;
}

function compileLoop(builder: Builder, item: RegexNode, next: number): number {
  const loop = addState(builder, NFA_SPLIT, 0, 0, next, next);
  const set = item.kind === "any" || item.kind === "class" ? resolve(builder, item).set : null;
  const body =
    set !== null && holdsAllNonAscii(set)
      ? compileSequences(builder, bytesOf(set), loop)
      : compile(builder, item, loop);
  builder.a[loop] = body;
  return loop;
}

/**
 * SOUND: a loop over a class that holds all of U+0080 and above may go byte by byte. Should it leave in the middle of a code
 * point, only another such loop can take the rest of it, and the first loop could have taken that rest itself.
 */
function bytesOf(set: CodePointSet): readonly ByteSequence[] {
  const ranges = unionOf(set.map(([lo, hi]) => [Math.min(lo, 0x80), Math.min(hi, 0xff)] as const));
  return ranges.map((range) => [range]);
}

function compileSequences(builder: Builder, sequences: readonly ByteSequence[], next: number): number {
  // Sequences that end in the same bytes share the states for them.
  const shared = new Map<number, number>();
  const entryOf = (index: number): number => {
    let entry = next;
    for (const [lo, hi] of (sequences[index] ?? []).toReversed()) {
      const key = (entry * 256 + lo) * 256 + hi;
      const known = shared.get(key);
      const target = entry;
      entry = known ?? addState(builder, NFA_RANGE, lo, hi, target, 0);
      if (known === undefined) shared.set(key, entry);
    }
    return entry;
  };
  return compileEither(builder, sequences.length, entryOf);
}

function resolve(
  builder: Builder,
  node: RegexNode & { kind: "char" | "any" | "class" },
): { readonly set: CodePointSet; readonly sequences: readonly ByteSequence[] } {
  const known = builder.sets.get(node);
  if (known !== undefined) return known;
  const set = setOf(node, builder.fold);
  const resolved = { set, sequences: sequencesOf(set) };
  builder.sets.set(node, resolved);
  return resolved;
}

// Any code point above ASCII. SOUND: exact bounds would only tell valid UTF-8 from bytes that no value holds, at the price of
// more than twice the states and of byte classes that nothing else needs.
const TAIL = [0x80, 0xbf] as const;
const NON_ASCII: readonly ByteSequence[] = [
  [[0xc0, 0xdf], TAIL],
  [[0xe0, 0xef], TAIL, TAIL],
  [[0xf0, 0xff], TAIL, TAIL, TAIL],
];

function sequencesOf(set: CodePointSet): readonly ByteSequence[] {
  if (!holdsAllNonAscii(set)) return utf8Sequences(set);
  const ascii = set.filter(([lo]) => lo < 0x80).map(([lo, hi]) => [lo, Math.min(hi, 0x7f)] as const);
  return [...utf8Sequences(ascii), ...NON_ASCII];
}

/**
 * The code points a node accepts. With `fold`, members are folded before any complement is taken: `[^a]` must refuse "A",
 * whose folded form is "a". A complement may then hold capitals, which never occur in a folded value.
 */
function setOf(node: RegexNode & { kind: "char" | "any" | "class" }, fold: boolean): CodePointSet {
  switch (node.kind) {
    case "any":
      return ALL_CODE_POINTS;
    case "char": {
      const codePoint = fold ? foldCodePoint(node.codePoint) : node.codePoint;
      return [[codePoint, codePoint]];
    }
    case "class": {
      const members = unionOf(
        node.items.flatMap((item) => {
          const written = unionOf(item.ranges);
          const set = fold ? foldSet(written) : written;
          return item.negated ? complementOf(set) : set;
        }),
      );
      return node.negated ? complementOf(members) : members;
    }
  }
}
