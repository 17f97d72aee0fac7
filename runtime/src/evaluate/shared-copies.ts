// Bytes -> copies of them for a short time, many in one piece of memory: those of events that go into a detection and are kept by nobody here.
//
// A piece of memory of its own for each line took longer than all else that the lane does for such an event. Who keeps one copy keeps what
// it stands in, so what sequences keep, and what is counted by its length (event/evidence.ts), is no such copy.
//
// INVARIANT: no byte is written twice.

const PIECE_BYTES = 1 << 16;
/** What is longer has a piece of its own. */
const MOST_SHARED = PIECE_BYTES / 8;

/** Copies of the bytes of a memory that stand from one place to another. */
export type CopyBytes = (memory: Uint8Array, from: number, to: number) => Uint8Array;

export function createSharedCopies(): CopyBytes {
  let piece = new Uint8Array(0);
  let used = 0;
  return (memory, from, to) => {
    const length = to - from;
    if (length > MOST_SHARED) return new Uint8Array(memory.subarray(from, to));
    if (piece.length - used < length) {
      piece = new Uint8Array(PIECE_BYTES);
      used = 0;
    }
    const copy = piece.subarray(used, used + length);
    copy.set(memory.subarray(from, to));
    used += length;
    return copy;
  };
}
