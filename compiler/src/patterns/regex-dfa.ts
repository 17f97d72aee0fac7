// Byte NFA -> minimal DFA: subset construction over classes of bytes that no transition tells apart, then Hopcroft's
// partition refinement, then the classes are merged again as far as the smaller table allows.
// INVARIANT: state 0 is the dead state: it does not accept, and every byte leads from it to itself.
// INVARIANT: states are numbered in the order a breadth-first walk from the start meets them, so equal languages with equal
// classes give equal bytes.

import { NFA_RANGE, NFA_SPLIT } from "@kestrel/stdlib/abi";
import type { Nfa } from "./regex-nfa.js";

export interface Dfa {
  readonly kind: "dfa";
  /** How many states, the dead one among them. */
  readonly states: number;
  readonly start: number;
  /** The class of each of the 256 bytes. */
  readonly classes: Uint8Array;
  readonly classCount: number;
  /** `next[state * classCount + class]` */
  readonly next: Uint16Array;
  /** 1 for a state in which the value may end. */
  readonly accept: Uint8Array;
}

/** A DFA while it is being made: wider numbers, and not yet minimal. */
interface Table {
  readonly states: number;
  readonly start: number;
  readonly classes: Uint8Array;
  readonly classCount: number;
  readonly next: Int32Array;
  readonly accept: Uint8Array;
}

/**
 * Builds the minimal DFA of an NFA. Null when the construction passes `maxStates` (at most 65,535) or has looked at more
 * than `maxWork` NFA states; both are counts, so the outcome does not depend on the machine.
 */
export function buildDfa(nfa: Nfa, maxStates: number, maxWork: number): Dfa | null {
  const table = determinise(nfa, Math.min(maxStates, 0xffff), maxWork);
  return table === null ? null : mergeClasses(minimise(table));
}

// Byte classes ------------------------------------------------------------------------------------------------------

interface ByteClasses {
  readonly classes: Uint8Array;
  readonly count: number;
  /** `covers[rangeOf[state] * count + class]` is 1 when the range state takes the bytes of the class. */
  readonly covers: Uint8Array;
  readonly rangeOf: Int32Array;
}

function classifyBytes(nfa: Nfa): ByteClasses {
  const rangeOf = new Int32Array(nfa.states).fill(-1);
  const ids = new Map<number, number>();
  const ranges: [number, number][] = [];
  for (let state = 0; state < nfa.states; state++) {
    if (nfa.op[state] !== NFA_RANGE) continue;
    const lo = nfa.lo[state] ?? 0;
    const hi = nfa.hi[state] ?? 0;
    const id = ids.get(lo * 256 + hi) ?? ranges.length;
    if (id === ranges.length) {
      ids.set(lo * 256 + hi, id);
      ranges.push([lo, hi]);
    }
    rangeOf[state] = id;
  }
  const classes = new Uint8Array(256);
  const known = new Map<string, number>();
  const samples: number[] = [];
  const borders = new Set(ranges.flatMap(([lo, hi]) => [lo, hi + 1]));
  for (let byte = 0; byte < 256; byte++) {
    if (byte > 0 && !borders.has(byte)) {
      classes[byte] = classes[byte - 1] ?? 0;
      continue;
    }
    const signature = ranges.map(([lo, hi]) => (lo <= byte && byte <= hi ? "1" : "0")).join("");
    const id = known.get(signature) ?? samples.length;
    if (id === samples.length) {
      known.set(signature, id);
      samples.push(byte);
    }
    classes[byte] = id;
  }
  const covers = new Uint8Array(ranges.length * samples.length);
  for (const [range, [lo, hi]] of ranges.entries()) {
    for (const [id, byte] of samples.entries()) {
      covers[range * samples.length + id] = lo <= byte && byte <= hi ? 1 : 0;
    }
  }
  return { classes, count: samples.length, covers, rangeOf };
}

// Subset construction -----------------------------------------------------------------------------------------------

function determinise(nfa: Nfa, maxStates: number, maxWork: number): Table | null {
  const { classes, count, covers, rangeOf } = classifyBytes(nfa);
  const sets: Int32Array[] = [];
  const byHash = new Map<number, number[]>();
  const next: number[] = [];
  const accept: number[] = [];
  const seen = new Int32Array(nfa.states).fill(-1);
  const stack: number[] = [];
  let generation = 0;
  let work = 0;

  /** Adds what `from` reaches without a byte to `into`: only range and match states, the ones a set is told apart by. */
  const addClosure = (from: number, into: number[]): void => {
    stack.push(from);
    for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
      if (seen[state] === generation) continue;
      seen[state] = generation;
      work++;
      if (nfa.op[state] === NFA_SPLIT) stack.push(nfa.b[state] ?? 0, nfa.a[state] ?? 0);
      else into.push(state);
    }
  };

  const intern = (members: number[]): number => {
    const set = Int32Array.from(members).sort();
    let hash = 0;
    for (const member of set) hash = (Math.imul(hash, 31) + member) | 0;
    const bucket = byHash.get(hash) ?? [];
    const known = bucket.find((id) => sameMembers(sets[id], set));
    if (known !== undefined) return known;
    const id = sets.length;
    sets.push(set);
    bucket.push(id);
    byHash.set(hash, bucket);
    accept.push(set.includes(nfa.accept) ? 1 : 0);
    return id;
  };

  intern([]);
  const first: number[] = [];
  addClosure(nfa.start, first);
  const start = intern(first);
  for (let id = 0; id < sets.length; id++) {
    const set = sets[id] ?? new Int32Array(0);
    for (let byteClass = 0; byteClass < count; byteClass++) {
      generation++;
      work += set.length;
      const members: number[] = [];
      for (const state of set) {
        const range = rangeOf[state] ?? -1;
        if (range >= 0 && covers[range * count + byteClass] === 1) addClosure(nfa.a[state] ?? 0, members);
      }
      next.push(intern(members));
      if (sets.length > maxStates || work > maxWork) return null;
    }
  }
  return {
    states: sets.length,
    start,
    classes,
    classCount: count,
    next: Int32Array.from(next),
    accept: Uint8Array.from(accept),
  };
}

function sameMembers(left: Int32Array | undefined, right: Int32Array): boolean {
  if (left === undefined || left.length !== right.length) return false;
  return left.every((member, index) => member === right[index]);
}

// Minimisation ------------------------------------------------------------------------------------------------------

/** States in blocks: `order` lists them block after block, block b standing at first[b] … end[b] - 1. */
interface Partition {
  readonly order: Int32Array;
  /** Where in `order` each state stands. */
  readonly place: Int32Array;
  readonly blockOf: Int32Array;
  readonly first: number[];
  readonly end: number[];
}

function partitionByAcceptance(table: Table): Partition {
  const states = Array.from(table.accept.keys());
  const refusing = states.filter((state) => table.accept[state] === 0);
  const accepting = states.filter((state) => table.accept[state] === 1);
  const order = Int32Array.from([...refusing, ...accepting]);
  const place = new Int32Array(table.states);
  for (const [index, state] of order.entries()) place[state] = index;
  const first = accepting.length === 0 ? [0] : [0, refusing.length];
  const end = accepting.length === 0 ? [refusing.length] : [refusing.length, table.states];
  return { order, place, blockOf: Int32Array.from(table.accept), first, end };
}

/** For each class, where each state can be come to from: the sources of `state` stand from offset[class * (n + 1) + state]. */
function predecessors(table: Table): { readonly offsets: Int32Array; readonly sources: Int32Array } {
  const { states, classCount, next } = table;
  const stride = states + 1;
  const offsets = new Int32Array(classCount * stride);
  const sources = new Int32Array(classCount * states);
  for (let byteClass = 0; byteClass < classCount; byteClass++) {
    const base = byteClass * stride;
    for (let state = 0; state < states; state++) {
      const slot = base + (next[state * classCount + byteClass] ?? 0) + 1;
      offsets[slot] = (offsets[slot] ?? 0) + 1;
    }
    offsets[base] = byteClass * states;
    for (let state = 0; state < states; state++) {
      offsets[base + state + 1] = (offsets[base + state + 1] ?? 0) + (offsets[base + state] ?? 0);
    }
    const cursor = offsets.slice(base, base + states);
    for (let state = 0; state < states; state++) {
      const target = next[state * classCount + byteClass] ?? 0;
      const slot = cursor[target] ?? 0;
      sources[slot] = state;
      cursor[target] = slot + 1;
    }
  }
  return { offsets, sources };
}

/** Hopcroft's algorithm: a block that a splitter cuts in two hands only its smaller half on as a new splitter. */
function refine(table: Table): Partition {
  const partition = partitionByAcceptance(table);
  const { order, place, blockOf, first, end } = partition;
  const { offsets, sources } = predecessors(table);
  const stride = table.states + 1;
  const pending: number[] = first.map((_, block) => block);
  const isPending: boolean[] = first.map(() => true);
  const marked: number[] = first.map(() => 0);

  for (let block = pending.pop(); block !== undefined; block = pending.pop()) {
    isPending[block] = false;
    const splitter = order.slice(first[block], end[block]);
    for (let byteClass = 0; byteClass < table.classCount; byteClass++) {
      const touched: number[] = [];
      for (const target of splitter) {
        const slot = byteClass * stride + target;
        for (let i = offsets[slot] ?? 0; i < (offsets[slot + 1] ?? 0); i++) {
          const source = sources[i] ?? 0;
          const owner = blockOf[source] ?? 0;
          const count = marked[owner] ?? 0;
          if (count === 0) touched.push(owner);
          // Marked states are gathered at the front of their block. A state is met once for each class: it has one target.
          const to = (first[owner] ?? 0) + count;
          const from = place[source] ?? 0;
          const other = order[to] ?? 0;
          order[to] = source;
          order[from] = other;
          place[source] = to;
          place[other] = from;
          marked[owner] = count + 1;
        }
      }
      for (const owner of touched) {
        const cut = (first[owner] ?? 0) + (marked[owner] ?? 0);
        marked[owner] = 0;
        if (cut === end[owner]) continue;
        const fresh = first.length;
        const frontIsSmaller = cut - (first[owner] ?? 0) <= (end[owner] ?? 0) - cut;
        // The smaller half becomes the new block, so renaming its states stays cheap and it is the one to be handed on.
        if (frontIsSmaller) {
          first.push(first[owner] ?? 0);
          end.push(cut);
          first[owner] = cut;
        } else {
          first.push(cut);
          end.push(end[owner] ?? 0);
          end[owner] = cut;
        }
        for (let i = first[fresh] ?? 0; i < (end[fresh] ?? 0); i++) blockOf[order[i] ?? 0] = fresh;
        marked.push(0);
        isPending.push(true);
        pending.push(fresh);
      }
    }
  }
  return partition;
}

function minimise(table: Table): Table {
  const { order, blockOf, first } = refine(table);
  const { classCount } = table;
  const deadBlock = blockOf[0] ?? 0;
  const startBlock = blockOf[table.start] ?? 0;
  const numberOf = new Map<number, number>([[deadBlock, 0]]);
  const queue: number[] = [deadBlock];
  const numbered = (block: number): number => {
    const known = numberOf.get(block);
    if (known !== undefined) return known;
    numberOf.set(block, queue.length);
    queue.push(block);
    return queue.length - 1;
  };
  const start = numbered(startBlock);
  const next: number[] = [];
  const accept: number[] = [];
  for (let id = 0; id < queue.length; id++) {
    const sample = order[first[queue[id] ?? 0] ?? 0] ?? 0;
    accept.push(table.accept[sample] ?? 0);
    for (let byteClass = 0; byteClass < classCount; byteClass++) {
      next.push(numbered(blockOf[table.next[sample * classCount + byteClass] ?? 0] ?? 0));
    }
  }
  return {
    states: queue.length,
    start,
    classes: table.classes,
    classCount,
    next: Int32Array.from(next),
    accept: Uint8Array.from(accept),
  };
}

/** Bytes whose columns have become the same share a class. */
function mergeClasses(table: Table): Dfa {
  const columns = new Map<string, number>();
  const samples: number[] = [];
  const mergedOf = new Uint8Array(table.classCount);
  for (let byteClass = 0; byteClass < table.classCount; byteClass++) {
    const column: number[] = [];
    for (let state = 0; state < table.states; state++)
      column.push(table.next[state * table.classCount + byteClass] ?? 0);
    const key = column.join();
    const id = columns.get(key) ?? samples.length;
    if (id === samples.length) {
      columns.set(key, id);
      samples.push(byteClass);
    }
    mergedOf[byteClass] = id;
  }
  const next = new Uint16Array(table.states * samples.length);
  for (let state = 0; state < table.states; state++) {
    for (const [id, byteClass] of samples.entries()) {
      next[state * samples.length + id] = table.next[state * table.classCount + byteClass] ?? 0;
    }
  }
  return {
    kind: "dfa",
    states: table.states,
    start: table.start,
    classes: table.classes.map((byteClass) => mergedOf[byteClass] ?? 0),
    classCount: samples.length,
    next,
    accept: table.accept,
  };
}
