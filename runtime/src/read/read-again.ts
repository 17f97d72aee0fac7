// Files that were read -> lines of theirs, read once more: what is seldom wanted again need not be held for the whole of a run.
//
// A file stays open for it, so that one that is renamed or deleted meanwhile can still be read. Who reads a line again knows a sum of its bytes, and is
// told when it is not what it was: files can be written to while they are read.
//
// INVARIANT: what is given are the bytes that were read the first time, as far as a sum of 32 bits can tell.

import { readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { BLOCK_BYTES, SUM_FACTOR } from "@kestrel/stdlib/abi";

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

/** A process may have 256 files open at least, as systems are usually set up. */
const MOST_FILES = 64;

export function createFilesAgain(mostFiles = MOST_FILES): FilesAgain {
  const handles: FileHandle[] = [];
  return {
    keep(handle) {
      if (handles.length >= mostFiles) return null;
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

const COLUMNS = 4;
const WORD_BYTES = 4;

/** As sumOf in stdlib/prelude/bytes.ts. */
export function sumOf(line: Uint8Array): number {
  const filled = new Uint8Array((Math.floor(line.length / BLOCK_BYTES) + 1) * BLOCK_BYTES);
  filled.set(line);
  const view = new DataView(filled.buffer);
  const sums = new Int32Array(COLUMNS);
  const places = new Int32Array(COLUMNS);
  for (let block = 0; block < filled.length; block += BLOCK_BYTES) {
    for (let column = 0; column < COLUMNS; column++) {
      sums[column] = (sums[column] ?? 0) + view.getInt32(block + column * WORD_BYTES, true);
      places[column] = (places[column] ?? 0) + (sums[column] ?? 0);
    }
  }
  return [...sums, ...places].reduce((sum, next) => (Math.imul(sum, SUM_FACTOR) + next) | 0, line.length) >>> 0;
}
