// The bytes of a module that was loaded -> which of its functions each predicate is: they stand in its table, from the first place on.
// Only for telling what a profile found; a module that is not built that way has none that can be named.

const HEADER_BYTES = 8;
const ELEMENT_SECTION = 9;
/** An active segment of the first table, of function numbers, from a constant place on: all that eqlc writes. */
const PLAIN_SEGMENT = 0;
const I32_CONST = 0x41;
const END = 0x0b;

/** Of each of `count` predicates the number of its function; empty where that cannot be told. */
export function predicateFunctions(module: Uint8Array, count: number): readonly number[] {
  let at = HEADER_BYTES;
  const byte = (): number => module[at++] ?? 0;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const part = byte();
      value += (part & 0x7f) * 2 ** shift;
      if (part < 0x80 || at >= module.length) return value;
    }
  };
  while (at < module.length) {
    const section = byte();
    const length = number();
    if (section !== ELEMENT_SECTION) {
      at += length;
      continue;
    }
    if (number() !== 1 || number() !== PLAIN_SEGMENT) return [];
    if (byte() !== I32_CONST || byte() !== 0 || byte() !== END) return [];
    const functions = number();
    return functions < count ? [] : Array.from({ length: count }, number);
  }
  return [];
}
