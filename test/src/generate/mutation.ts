// A line of bytes -> one that is a little broken, in the ways in which lines break: bits flipped, bytes lost, doubled or put
// in, pieces of the line moved to where they do not belong.

import type { Random } from "./random.js";

const STRUCTURE = [
  "{",
  "}",
  "[",
  "]",
  '"',
  ":",
  ",",
  "\\",
  "\\u",
  "\\ud83d",
  "\\u0000",
  " ",
  "\t",
  "\r",
  "\n",
  "0",
  "-",
  ".",
];
const PIECES = [
  "null",
  "true",
  "e400",
  "\u0000",
  "\u001f",
  "\u007f",
  '"",',
  "{},",
  "[],",
  '"process.pid":1,',
  '"x":[',
  "9223372036854775808",
  "\ufeff",
  "é",
  "😀",
];
const BYTES = [0x80, 0xbf, 0xc0, 0xc2, 0xe2, 0xed, 0xf0, 0xf4, 0xf5, 0xff];

export function mutate(random: Random, line: Buffer): Buffer {
  let bytes = line;
  const times = random.weighted<number>([
    [6, 1],
    [3, 2],
    [1, 5],
  ]);
  for (let i = 0; i < times; i++) bytes = mutateOnce(random, bytes);
  return bytes;
}

function mutateOnce(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + random.below(random.pick([1, 4, 40])));
  const before = bytes.subarray(0, at);
  const piece = bytes.subarray(at, end);
  const after = bytes.subarray(end);
  const insert = (added: Uint8Array): Buffer => Buffer.concat([before, added, bytes.subarray(at)]);
  return random.weighted<() => Buffer>([
    [
      3,
      () => {
        const flipped = Buffer.from(piece);
        if (flipped.length > 0) flipped[0] = (flipped[0] ?? 0) ^ (1 << random.below(8));
        return Buffer.concat([before, flipped, after]);
      },
    ],
    [4, () => insert(Buffer.from(random.pick(STRUCTURE)))],
    [2, () => insert(Buffer.from(random.pick(PIECES)))],
    [2, () => insert(Buffer.of(random.chance(0.5) ? random.pick(BYTES) : random.below(256)))],
    [3, () => Buffer.concat([before, after])],
    [1, () => before],
    [2, () => insert(piece)],
    [
      2,
      () => {
        const rest = Buffer.concat([before, after]);
        const to = random.below(rest.length + 1);
        return Buffer.concat([rest.subarray(0, to), piece, rest.subarray(to)]);
      },
    ],
  ])();
}
