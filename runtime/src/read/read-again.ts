// Files that were read -> lines of theirs, read once more: what is seldom wanted again need not be held for the whole of a run.
//
// A file stays open for it, so that one that is renamed or deleted meanwhile can still be read. Who reads a line again knows a sum of its bytes, and is
// told when it is not what it was: files can be written to while they are read.
//
// INVARIANT: what is given are the bytes that were read the first time, as far as a sum of 32 bits can tell.

import { readFileSync, readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { BLOCK_BYTES, SUM_FACTOR, SUM_SHIFT } from "@kestrel/stdlib/abi";

/** A file whose lines can be read again. */
export interface FileAgain {
  /** The line of so many bytes at an offset; null when it is not there any more, or its sum is another one. */
  line(offset: number, length: number, sum: number): Uint8Array | null;
}

/** Where lines that follow each other can be read again. */
export interface LinesAgain {
  readonly file: FileAgain;
  /** Where the first of them begins in the file. */
  readonly offset: number;
}

export interface FilesAgain {
  /** Takes over a file; null when it has as many as it may keep open. */
  keep(handle: FileHandle): FileAgain | null;
  /** Closes them all. */
  close(): Promise<void>;
}

/** So many files are kept open at most, and so many of those that the process may open are left to others. */
const MOST_FILES = 256;
const OTHER_FILES = 64;

/** How many files may be kept open, by what the system says of the process; few where it does not say. */
function mostFiles(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
    return Math.min(MOST_FILES, Math.max(0, Number(soft ?? MOST_FILES) - OTHER_FILES));
  } catch {
    return OTHER_FILES / 4;
  }
}

export function createFilesAgain(most = mostFiles()): FilesAgain {
  const handles: FileHandle[] = [];
  return {
    keep(handle) {
      if (handles.length >= most) return null;
      handles.push(handle);
      return {
        line(offset, length, sum) {
          const bytes = Buffer.allocUnsafeSlow(length);
          return readFully(handle.fd, bytes, offset) && sumOf(bytes) === sum ? bytes : null;
        },
      };
    },
    async close() {
      for (const handle of handles.splice(0)) await handle.close();
    },
  };
}

function readFully(file: number, bytes: Buffer, offset: number): boolean {
  let done = 0;
  try {
    while (done < bytes.length) {
      const count = readSync(file, bytes, done, bytes.length - done, offset + done);
      if (count === 0) return false;
      done += count;
    }
  } catch {
    return false;
  }
  return true;
}

const WORD_BYTES = 4;
const BLOCK_WORDS = BLOCK_BYTES / WORD_BYTES;
const COLUMNS = 4 * BLOCK_WORDS;

/** As sumOf in stdlib/prelude/bytes.ts. */
export function sumOf(line: Uint8Array): number {
  const filled = new Uint8Array(Math.ceil(line.length / (COLUMNS * WORD_BYTES)) * COLUMNS * WORD_BYTES);
  filled.set(line);
  const view = new DataView(filled.buffer);
  const columns = new Array<number>(COLUMNS).fill(line.length);
  for (let at = 0; at < filled.length; at += WORD_BYTES) {
    const column = (at / WORD_BYTES) % COLUMNS;
    columns[column] = mixed(columns[column] ?? 0, view.getInt32(at, true));
  }
  const lanes = columns.slice(0, BLOCK_WORDS);
  for (let at = BLOCK_WORDS; at < COLUMNS; at++) {
    const lane = at % BLOCK_WORDS;
    lanes[lane] = mixed(lanes[lane] ?? 0, columns[at] ?? 0);
  }
  return lanes.reduce(mixed) >>> 0;
}

function mixed(state: number, word: number): number {
  const product = Math.imul(state ^ word, SUM_FACTOR);
  return product ^ (product >>> SUM_SHIFT);
}
