// The slots of the current event and what is derived from them on demand: folded copies and symbols.
// Layouts: see stdlib/src/abi.ts.

import { allocate, arenaFull, generation } from "./arena";
import { Text, addressOf, bytesEqual, hashBytes, lengthOf } from "./bytes";
import { slots_base, slots_end } from "./pack";
import { foldedText } from "./unicode";

export function clearSlots(): void {
  for (let p = slots_base; p < slots_end; p += 16) store<u32>(p, 0);
}

/** Adds a value to a slot and returns the address where its 8 bytes go. */
export function appendValue(slot: usize): usize {
  const count = load<u32>(slot);
  store<u32>(slot, count + 1);
  if (count == 0) return slot + 8;
  if (count == 1) {
    const list = allocate(4 * 8);
    store<u64>(list, load<u64>(slot, 8));
    store<u32>(slot, list as u32, 8);
    return list + 8;
  }
  let list: usize = load<u32>(slot, 8);
  // Lists hold a power of two of values, at least four: a count that is one of these is full.
  if (count >= 4 && (count & (count - 1)) == 0) {
    const grown = allocate(count * 16);
    memory.copy(grown, list, count * 8);
    store<u32>(slot, grown as u32, 8);
    list = grown;
  }
  return list + count * 8;
}

/** Address of the slot's values, one after the other. */
@inline
export function valuesOf(slot: usize): usize {
  return load<u32>(slot) == 1 ? slot + 8 : (load<u32>(slot, 8) as usize);
}

@inline
export function textAt(value: usize): Text {
  return ((load<u32>(value) as u64) << 32) | (load<u32>(value, 4) as u64);
}

@inline
export function storeText(value: usize, t: Text): void {
  store<u32>(value, addressOf(t) as u32);
  store<u32>(value, lengthOf(t), 4);
}

/** Address of the folded values of a slot that holds strings; computed once for each event. Not folded in a full arena. */
export function foldedValues(slot: usize, record: usize): usize {
  const count = load<u32>(slot);
  const values = valuesOf(slot);
  if (load<u32>(record) != generation) {
    store<u32>(record, generation);
    let list = record + 8;
    if (count > 1) {
      list = allocate(count * 8);
      if (arenaFull) {
        store<u32>(record, values as u32, 8);
        return values;
      }
      store<u32>(record, list as u32, 8);
    }
    for (let i: u32 = 0; i < count; i++) {
      const value = values + i * 8;
      storeText(list + i * 8, foldedText(load<u32>(value), load<u32>(value, 4)));
    }
  }
  return count == 1 ? record + 8 : (load<u32>(record, 8) as usize);
}

/**
 * Address of the symbols (u32 each) of a group's field, one for each of its values; 0 is no literal of the group. In a full
 * arena the field loses its values, so ask for their count afterwards.
 */
export function symbolsOf(group: usize): usize {
  const slot: usize = load<u32>(group);
  const record: usize = load<u32>(group, 8);
  const count = load<u32>(slot);
  if (load<u32>(record) != generation) {
    store<u32>(record, generation);
    const longest = load<u32>(group, 20);
    const lengths = load<u32>(group, 28);
    const folded: usize = load<u32>(group, 4);
    let list = record + 8;
    if (count > 1) {
      list = allocate(count * 4);
      if (arenaFull) {
        store<u32>(slot, 0);
        return list;
      }
      store<u32>(record, list as u32, 8);
    }
    // Folding never leaves less than a third of a text, so what is far too long need not even be folded.
    const plain = valuesOf(slot);
    let fits = !folded;
    for (let i: u32 = 0; i < count && !fits; i++) fits = load<u32>(plain + i * 8, 4) <= longest * 3;
    if (!fits) {
      memory.fill(list, 0, count * 4);
    } else {
      const values = folded ? foldedValues(slot, folded) : plain;
      for (let i: u32 = 0; i < count; i++) {
        const value = values + i * 8;
        const length = load<u32>(value, 4);
        const possible = length <= longest && ((lengths >> (length & 31)) & 1) != 0;
        store<u32>(list + i * 4, possible ? symbolFor(group, load<u32>(value), length) : 0);
      }
    }
  }
  return count == 1 ? record + 8 : (load<u32>(record, 8) as usize);
}

function symbolFor(group: usize, address: usize, length: u32): u32 {
  const table: usize = load<u32>(group, 12);
  const mask = load<u32>(group, 16);
  const hash = hashBytes(address, length);
  let at = hash & mask;
  while (true) {
    const entry = table + ((at << 4) as usize);
    const symbol = load<u32>(entry, 12);
    if (symbol == 0) return 0;
    if (load<u32>(entry) == hash && load<u32>(entry, 8) == length && bytesEqual(load<u32>(entry, 4), address, length)) {
      return symbol;
    }
    at = (at + 1) & mask;
  }
}
