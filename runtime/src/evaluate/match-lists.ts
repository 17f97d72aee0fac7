// What held for events that wait, and under which keys -> one copy of each such list, known by a number. Events of one process come one after the other
// and match the same: of 164,528 events that waited for process trees, 807 lists were different, and 94 of 100 events had that of the one before.
//
// A list is what stands behind the header of a record, in whole words. It is there as long as somebody has taken it, and its number may be another's then.
//
// SOUND: a list is found by comparing its bytes.
// Bounded: MOST_SHARED lists are looked for at most; of those beyond each is held for itself.

import { randomFillSync } from "node:crypto";
import { behind, createHashIndex, enterPlace, firstSlot, leavePlace } from "../event/hash-index.js";
import { createHashFactors, hashBytes } from "../event/key-hash.js";
import type { MemoryView } from "../load/memory-view.js";
import { createBlocks } from "./blocks.js";
import { grown } from "./grown.js";

export interface MatchLists {
  /** The number of a list of so many bytes; they must stay until `settle`. */
  take(memory: MemoryView, at: number, length: number): number;
  /** To be called before the memory of the lists goes that were taken last. */
  settle(): void;
  /** Says that one of those who took it needs a list no longer. */
  leave(list: number): void;
  /** Says that nobody needs a list but these, each as often as it stands there. */
  keepOnly(lists: readonly number[]): void;
  /** Where it stands, good until the next call of another method. */
  memoryOf(list: number): MemoryView;
  placeOf(list: number): number;
  readonly size: number;
  /** About how many bytes of memory all of them take. */
  readonly bytes: number;
}

const MOST_SHARED = 1 << 20;
const WORD_BYTES = 4;
const FIRST_LISTS = 64;
const NONE = -1;
/** What a list takes beside its bytes: its columns here and in its block, and its place in the index. */
const LIST_OVERHEAD = 64;

export function createMatchLists(
  mostShared = MOST_SHARED,
  fill: (factors: Int32Array) => void = randomFillSync,
): MatchLists {
  const blocks = createBlocks();
  const index = createHashIndex();
  const factors = createHashFactors(fill);
  const free: number[] = [];
  let lists = 0;
  let bytes = 0;
  /** The list that was taken last, and from where, until that is another memory. */
  let last = NONE;
  let lastMemory: MemoryView | null = null;
  let lastAt = 0;
  // By list. `users` is 0 for a number that is free.
  let users = new Int32Array(FIRST_LISTS);
  let hashes = new Int32Array(FIRST_LISTS);
  let shared = new Uint8Array(FIRST_LISTS);

  function isAt(list: number, { words }: MemoryView, at: number, length: number): boolean {
    if (blocks.lengthOf(list) !== length) return false;
    const known = blocks.memoryOf(list).words;
    const from = at / WORD_BYTES;
    const base = blocks.placeOf(list) / WORD_BYTES;
    for (let word = 0; word < length / WORD_BYTES; word++) {
      if (words[from + word] !== known[base + word]) return false;
    }
    return true;
  }

  function find(memory: MemoryView, at: number, length: number, hash: number): number {
    for (let slot = firstSlot(index, hash); ; slot = behind(index, slot)) {
      const place = index.slots[slot + 1] ?? 0;
      if (place === 0) return NONE;
      if (index.slots[slot] === hash && isAt(place - 1, memory, at, length)) return place - 1;
    }
  }

  function add(memory: MemoryView, at: number, length: number, hash: number): number {
    const list = free.pop() ?? lists++;
    if (list === users.length) {
      users = grown(users, new Int32Array(2 * list));
      hashes = grown(hashes, new Int32Array(2 * list));
      shared = grown(shared, new Uint8Array(2 * list));
    }
    blocks.put(list, memory, at, length);
    bytes += length + LIST_OVERHEAD;
    hashes[list] = hash;
    shared[list] = index.size < mostShared ? 1 : 0;
    if (shared[list] === 1) enterPlace(index, hash, list + 1);
    return list;
  }

  function remove(list: number): void {
    bytes -= blocks.lengthOf(list) + LIST_OVERHEAD;
    blocks.leave(list);
    if (shared[list] === 1) leavePlace(index, hashes[list] ?? 0, list + 1);
    free.push(list);
  }

  return {
    take(memory, at, length) {
      if (last !== NONE && lastAt === at && lastMemory === memory) {
        users[last] = (users[last] ?? 0) + 1;
        return last;
      }
      lastAt = at;
      lastMemory = memory;
      if (last === NONE || !isAt(last, memory, at, length)) {
        const hash = hashBytes(factors, memory.bytes, at, length);
        last = find(memory, at, length, hash);
        if (last === NONE) last = add(memory, at, length, hash);
      }
      users[last] = (users[last] ?? 0) + 1;
      return last;
    },
    settle() {
      blocks.settle();
      lastMemory = null;
    },
    leave(list) {
      const left = (users[list] ?? 0) - 1;
      users[list] = left;
      if (left > 0) return;
      if (list === last) last = NONE;
      remove(list);
      blocks.tidy();
    },
    keepOnly(kept) {
      const before = users;
      users = new Int32Array(before.length);
      for (const list of kept) users[list] = (users[list] ?? 0) + 1;
      for (let list = 0; list < lists; list++) if (users[list] === 0 && before[list] !== 0) remove(list);
      last = NONE;
      blocks.tidy();
    },
    memoryOf: blocks.memoryOf,
    placeOf: blocks.placeOf,
    get size() {
      return lists - free.length;
    },
    get bytes() {
      return bytes;
    },
  };
}
