// A column of numbers that has become too short -> a longer one that begins with the same.

export function grown<Column extends Uint8Array | Int32Array>(before: Column, after: Column): Column {
  after.set(before);
  return after;
}
