// The slots of the current event and what is derived from them on demand: folded copies and symbols.
// Layouts: see stdlib/src/abi.ts.

import {
  FOLDED_BYTES, FOLDED_ROOM, FOLDED_STAMP, FOLDED_VALUE, FOLD_SHIFT, GROUP_FOLDED, GROUP_LENGTHS, GROUP_LONGEST, GROUP_MASK, GROUP_RECORD,
  GROUP_SLOT, GROUP_TABLE, LENGTHS_MASK, SLOT_COUNT, SLOT_VALUE, SLOT_VERSION, SYMBOLS_KEPT, SYMBOLS_LIST, SYMBOLS_ROOM, SYMBOLS_STAMP,
  SYMBOL_BYTES, SYMBOL_ENTRY_ADDRESS, SYMBOL_ENTRY_BYTES, SYMBOL_ENTRY_HASH, SYMBOL_ENTRY_LENGTH, SYMBOL_ENTRY_SYMBOL, VALUE_ADDRESS,
  VALUE_BYTES, VALUE_LENGTH, VERSION_LIMIT, BLOCK_BYTES,
} from "../src/abi";
import { allocate, arenaFull } from "./arena";
import { Text, addressOf, bytesEqual, hashText, lengthOf } from "./bytes";
import { filled_base, slots_base, slots_end } from "./pack";
import { foldedInto, foldedText } from "./unicode";

const FILLED_BYTES: usize = 4;

/** Behind the last of the addresses, from `filled_base` on, of the slots that the event at hand has filled. */
let filled: usize = 0;

export function clearSlots(): void {
  for (let p = filled_base; p < filled; p += FILLED_BYTES) store<u32>(load<u32>(p), 0, SLOT_COUNT);
  filled = filled_base;
}

/** A slot of the event at hand that was empty now has `count` values; none leaves it empty. */
@inline
export function noteFilled(slot: usize, count: u32): void {
  store<u32>(filled, slot as u32);
  filled += count ? FILLED_BYTES : 0;
}

/** Counts the values that are read; see SLOT_VERSION. */
let versions: u32 = 0;

@inline
export function versionsSpent(): bool {
  return versions >= (VERSION_LIMIT as u32);
}

export function restartVersions(): void {
  versions = 0;
}

/** A text for a slot of the event at hand that is empty. */
@inline
export function fillSlot(slot: usize, t: Text): void {
  store<u32>(slot, 1, SLOT_COUNT);
  store<u32>(slot, ++versions, SLOT_VERSION);
  storeText(slot + SLOT_VALUE, t);
  noteFilled(slot, 1);
}

/** How many values the first list of a slot holds; a power of two. */
const FIRST_LIST: u32 = 4;

/** Adds a value to a slot and returns the address where its 8 bytes go. */
export function appendValue(slot: usize): usize {
  const count = load<u32>(slot, SLOT_COUNT);
  store<u32>(slot, count + 1, SLOT_COUNT);
  store<u32>(slot, ++versions, SLOT_VERSION);
  if (count == 0) {
    if (slot >= slots_base && slot < slots_end) noteFilled(slot, 1);
    return slot + SLOT_VALUE;
  }
  if (count == 1) {
    const list = allocate(FIRST_LIST * VALUE_BYTES);
    store<u64>(list, load<u64>(slot, SLOT_VALUE));
    store<u32>(slot, list as u32, SLOT_VALUE);
    return list + VALUE_BYTES;
  }
  let list: usize = load<u32>(slot, SLOT_VALUE);
  // Lists hold a power of two of values, at least FIRST_LIST: a count that is one of these is full.
  if (count >= FIRST_LIST && (count & (count - 1)) == 0) {
    const grown = allocate(count * 2 * VALUE_BYTES);
    memory.copy(grown, list, count * VALUE_BYTES);
    store<u32>(slot, grown as u32, SLOT_VALUE);
    list = grown;
  }
  return list + count * VALUE_BYTES;
}

/** Address of the slot's values, one after the other. */
@inline
export function valuesOf(slot: usize): usize {
  return load<u32>(slot, SLOT_COUNT) == 1 ? slot + SLOT_VALUE : (load<u32>(slot, SLOT_VALUE) as usize);
}

@inline
export function textAt(value: usize): Text {
  return ((load<u32>(value, VALUE_ADDRESS) as u64) << 32) | (load<u32>(value, VALUE_LENGTH) as u64);
}

@inline
export function storeText(value: usize, t: Text): void {
  store<u32>(value, addressOf(t) as u32, VALUE_ADDRESS);
  store<u32>(value, lengthOf(t), VALUE_LENGTH);
}

/**
 * What is derived of a slot stands in the arena, and ends with the event: the slot gets a version that it will never have again, even where
 * its values are remembered.
 */
function endWithEvent(slot: usize): void {
  store<u32>(slot, ++versions, SLOT_VERSION);
}

/** Room that a text may need when it is folded, in whole blocks. */
@inline
function foldedRoom(length: u32): usize {
  return (length + (length >> FOLD_SHIFT) + BLOCK_BYTES) as usize;
}

/** Address of the folded values of a slot that holds strings; computed once for each version. Not folded in a full arena. */
export function foldedValues(slot: usize, record: usize): usize {
  const count = load<u32>(slot, SLOT_COUNT);
  if (load<u32>(record, FOLDED_STAMP) != load<u32>(slot, SLOT_VERSION)) fold(slot, record, count);
  return count == 1 ? record + FOLDED_VALUE : (load<u32>(record, FOLDED_VALUE) as usize);
}

function fold(slot: usize, record: usize, count: u32): void {
  const values = valuesOf(slot);
  let room = record + FOLDED_ROOM + (count > 1 ? (count as usize) * VALUE_BYTES : 0);
  let last = room;
  for (let i: u32 = 0; i < count; i++) last += foldedRoom(load<u32>(values + i * VALUE_BYTES, VALUE_LENGTH));
  const kept = last <= record + FOLDED_BYTES;
  let list = count > 1 ? record + FOLDED_ROOM : record + FOLDED_VALUE;
  if (!kept) {
    endWithEvent(slot);
    if (count > 1) {
      list = allocate(count * VALUE_BYTES);
      if (arenaFull) list = values;
    }
  }
  store<u32>(record, load<u32>(slot, SLOT_VERSION), FOLDED_STAMP);
  if (count > 1) store<u32>(record, list as u32, FOLDED_VALUE);
  if (list == values) return;
  for (let i: u32 = 0; i < count; i++) {
    const address: usize = load<u32>(values + i * VALUE_BYTES, VALUE_ADDRESS);
    const length = load<u32>(values + i * VALUE_BYTES, VALUE_LENGTH);
    if (kept) {
      storeText(list + i * VALUE_BYTES, foldedInto(room, address, length));
      room += foldedRoom(length);
    } else storeText(list + i * VALUE_BYTES, foldedText(address, length));
  }
}

/**
 * Address of the symbols (u32 each) of a group's field, one for each of its values; 0 is no literal of the group. An event
 * with so many values that the arena has no room for their symbols is as one without the field: the slot's count becomes 0.
 * So read the count after this call and not before.
 */
export function symbolsOf(group: usize): usize {
  const slot: usize = load<u32>(group, GROUP_SLOT);
  const record: usize = load<u32>(group, GROUP_RECORD);
  if (load<u32>(record, SYMBOLS_STAMP) != load<u32>(slot, SLOT_VERSION)) findSymbols(group, slot, record);
  return load<u32>(slot, SLOT_COUNT) <= (SYMBOLS_KEPT as u32) ? record + SYMBOLS_ROOM : (load<u32>(record, SYMBOLS_LIST) as usize);
}

function findSymbols(group: usize, slot: usize, record: usize): void {
  const count = load<u32>(slot, SLOT_COUNT);
  const longest = load<u32>(group, GROUP_LONGEST);
  const lengths = load<u32>(group, GROUP_LENGTHS);
  const folded: usize = load<u32>(group, GROUP_FOLDED);
  let list = record + SYMBOLS_ROOM;
  if (count > (SYMBOLS_KEPT as u32)) {
    endWithEvent(slot);
    list = allocate(count * SYMBOL_BYTES);
    if (arenaFull) {
      store<u32>(slot, 0, SLOT_COUNT);
      return;
    }
    store<u32>(record, list as u32, SYMBOLS_LIST);
  }
  // Folding leaves at least a third of a text, so a value of more than three times the longest literal is none of
  // them.
  const plain = valuesOf(slot);
  let fits = !folded;
  for (let i: u32 = 0; i < count && !fits; i++) fits = load<u32>(plain + i * VALUE_BYTES, VALUE_LENGTH) <= longest * 3;
  if (!fits) {
    for (let i: u32 = 0; i < count; i++) store<u32>(list + i * SYMBOL_BYTES, 0);
  } else {
    const values = folded ? foldedValues(slot, folded) : plain;
    for (let i: u32 = 0; i < count; i++) {
      const value = values + i * VALUE_BYTES;
      const length = load<u32>(value, VALUE_LENGTH);
      const possible = length <= longest && ((lengths >> (length & LENGTHS_MASK)) & 1) != 0;
      store<u32>(list + i * SYMBOL_BYTES, possible ? symbolFor(group, load<u32>(value, VALUE_ADDRESS), length) : 0);
    }
  }
  store<u32>(record, load<u32>(slot, SLOT_VERSION), SYMBOLS_STAMP);
}

function symbolFor(group: usize, address: usize, length: u32): u32 {
  const table: usize = load<u32>(group, GROUP_TABLE);
  const mask = load<u32>(group, GROUP_MASK);
  const hash = hashText(address, length);
  let at = hash & mask;
  while (true) {
    const entry = table + ((at as usize) * SYMBOL_ENTRY_BYTES);
    const symbol = load<u32>(entry, SYMBOL_ENTRY_SYMBOL);
    if (symbol == 0) return 0;
    if (
      load<u32>(entry, SYMBOL_ENTRY_HASH) == hash && load<u32>(entry, SYMBOL_ENTRY_LENGTH) == length &&
      bytesEqual(load<u32>(entry, SYMBOL_ENTRY_ADDRESS), address, length)
    ) {
      return symbol;
    }
    at = (at + 1) & mask;
  }
}
