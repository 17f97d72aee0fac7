// A text of UTF-8 in one memory -> its whole characters in another.

/** Up to here a loop takes less time than the two objects that the engine's own way of copying asks for. */
const SHORT = 64;

/** Copies as many whole characters as there is room for, and returns their bytes. Both places must lie inside of their arrays. */
export function copyCharacters(
  from: Uint8Array,
  address: number,
  length: number,
  into: Uint8Array,
  start: number,
  room: number,
): number {
  const count = length <= room ? length : characterEnd(from, address, room);
  if (count > SHORT) into.set(from.subarray(address, address + count), start);
  else for (let at = 0; at < count; at++) into[start + at] = from[address + at] ?? 0;
  return count;
}

/** The last place up to `limit` where a character of the text begins. */
function characterEnd(from: Uint8Array, address: number, limit: number): number {
  let end = limit;
  while (end > 0 && ((from[address + end] ?? 0) & 0xc0) === 0x80) end--;
  return end;
}
