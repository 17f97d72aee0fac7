// The slots of the current event and what is derived from them on demand: folded copies and symbols.
// Layouts: see stdlib/src/abi.ts.

import {
  GROUP_FOLDED, GROUP_LENGTHS, GROUP_LONGEST, GROUP_MASK, GROUP_RECORD, GROUP_SLOT, GROUP_TABLE, LENGTHS_MASK,
  RECORD_STAMP, RECORD_VALUE, SLOT_BYTES, SLOT_COUNT, SLOT_VALUE, SYMBOL_BYTES, SYMBOL_ENTRY_ADDRESS,
  SYMBOL_ENTRY_BYTES, SYMBOL_ENTRY_HASH, SYMBOL_ENTRY_LENGTH, SYMBOL_ENTRY_SYMBOL, VALUE_ADDRESS, VALUE_BYTES,
  VALUE_LENGTH,
} from "../src/abi";
import { allocate, arenaFull, generation } from "./arena";
import { Text, addressOf, bytesEqual, hashBytes, lengthOf } from "./bytes";
import { slots_base, slots_end } from "./pack";
import { foldedText } from "./unicode";

export function clearSlots(): void {
  for (let p = slots_base; p < slots_end; p += SLOT_BYTES) store<u32>(p, 0, SLOT_COUNT);
}

/** How many values the first list of a slot holds; a power of two. */
const FIRST_LIST: u32 = 4;

/** Adds a value to a slot and returns the address where its 8 bytes go. */
export function appendValue(slot: usize): usize {
  const count = load<u32>(slot, SLOT_COUNT);
  store<u32>(slot, count + 1, SLOT_COUNT);
  if (count == 0) return slot + SLOT_VALUE;
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

/** Address of the folded values of a slot that holds strings; computed once for each event. Not folded in a full arena. */
export function foldedValues(slot: usize, record: usize): usize {
  const count = load<u32>(slot, SLOT_COUNT);
  const values = valuesOf(slot);
  if (load<u32>(record, RECORD_STAMP) != generation) {
    store<u32>(record, generation, RECORD_STAMP);
    let list = record + RECORD_VALUE;
    if (count > 1) {
      list = allocate(count * VALUE_BYTES);
      if (arenaFull) {
        store<u32>(record, values as u32, RECORD_VALUE);
        return values;
      }
      store<u32>(record, list as u32, RECORD_VALUE);
    }
    for (let i: u32 = 0; i < count; i++) {
      const value = values + i * VALUE_BYTES;
      storeText(list + i * VALUE_BYTES, foldedText(load<u32>(value, VALUE_ADDRESS), load<u32>(value, VALUE_LENGTH)));
    }
  }
  return count == 1 ? record + RECORD_VALUE : (load<u32>(record, RECORD_VALUE) as usize);
}

/**
 * Address of the symbols (u32 each) of a group's field, one for each of its values; 0 is no literal of the group. An event
 * with so many values that the arena has no room for their symbols is as one without the field: the slot's count becomes 0.
 * So read the count after this call and not before.
 */
export function symbolsOf(group: usize): usize {
  const slot: usize = load<u32>(group, GROUP_SLOT);
  const record: usize = load<u32>(group, GROUP_RECORD);
  const count = load<u32>(slot, SLOT_COUNT);
  if (load<u32>(record, RECORD_STAMP) != generation) {
    store<u32>(record, generation, RECORD_STAMP);
    const longest = load<u32>(group, GROUP_LONGEST);
    const lengths = load<u32>(group, GROUP_LENGTHS);
    const folded: usize = load<u32>(group, GROUP_FOLDED);
    let list = record + RECORD_VALUE;
    if (count > 1) {
      list = allocate(count * SYMBOL_BYTES);
      if (arenaFull) {
        store<u32>(slot, 0, SLOT_COUNT);
        return list;
      }
      store<u32>(record, list as u32, RECORD_VALUE);
    }
    // Folding never leaves less than a third of a text, so what is far too long need not even be folded.
    const plain = valuesOf(slot);
    let fits = !folded;
    for (let i: u32 = 0; i < count && !fits; i++) fits = load<u32>(plain + i * VALUE_BYTES, VALUE_LENGTH) <= longest * 3;
    if (!fits) {
      memory.fill(list, 0, count * SYMBOL_BYTES);
    } else {
      const values = folded ? foldedValues(slot, folded) : plain;
      for (let i: u32 = 0; i < count; i++) {
        const value = values + i * VALUE_BYTES;
        const length = load<u32>(value, VALUE_LENGTH);
        const possible = length <= longest && ((lengths >> (length & LENGTHS_MASK)) & 1) != 0;
        store<u32>(list + i * SYMBOL_BYTES, possible ? symbolFor(group, load<u32>(value, VALUE_ADDRESS), length) : 0);
      }
    }
  }
  return count == 1 ? record + RECORD_VALUE : (load<u32>(record, RECORD_VALUE) as usize);
}

function symbolFor(group: usize, address: usize, length: u32): u32 {
  const table: usize = load<u32>(group, GROUP_TABLE);
  const mask = load<u32>(group, GROUP_MASK);
  const hash = hashBytes(address, length);
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
