// Files, gzipped files and standard input to chunks of whole lines: bytes in, bytes out, no string and no object per line.
//
// A chunk is a part of the read buffer that ends on "\n"; only the unfinished line behind it is copied, to the front of the
// next buffer. While the caller works on one chunk the next one is already being read.
//
// INVARIANT: the chunks of a file, joined, are the file's decoded bytes without a byte-order mark, without the lines that
// were reported to `onOversize`, and with a "\n" at the end of the last line.
// INVARIANT: no more than one line of `maxLineBytes` and one chunk are held, whatever the input.

import { constants } from "node:fs";
import { access, open, stat } from "node:fs/promises";
import { createGunzip, type Gunzip } from "node:zlib";
import { LINE_FEED } from "@kestrel/stdlib/text/characters";
import type { ByteSource } from "./byte-source.js";
import { fileSource, streamSource } from "./byte-source.js";
import { hasEnd } from "./has-end.js";
import { UNPACKED_BYTES, unpackedSource } from "./unpack-source.js";

const MEBIBYTE = 1 << 20;

/** A line that was longer than `maxLineBytes`, and so was left out. */
export interface OversizeLine {
  readonly file: string;
  /** Number of the line in its file, from 1. */
  readonly line: number;
  /** Length of the line, without its "\n". */
  readonly bytes: number;
}

export interface ReadOptions {
  /** Size of the read buffer, and so of the largest usual chunk. Default 1 MiB. */
  readonly chunkBytes?: number;
  /** Lines longer than this, the "\n" not counted, are dropped and reported. Default 1 MiB. */
  readonly maxLineBytes?: number;
  readonly onOversize?: (line: OversizeLine) => void;
  /**
   * Read into two buffers that take turns, instead of a new one for each chunk: a chunk's bytes are then only valid until
   * the next chunk is asked for. Default false.
   */
  readonly reuse?: boolean;
  /** What the path `-` stands for. Default the process's standard input. */
  readonly stdin?: NodeJS.ReadableStream;
}

export interface Chunk {
  /** Whole lines, the last one ended by "\n" too. */
  readonly bytes: Buffer;
  /** The path as given, `-` for standard input. */
  readonly file: string;
  /** Number of the chunk's first line in its file, from 1; lines that were dropped are counted. */
  readonly firstLine: number;
  /** A caller that has counted the lines of `bytes` may write the number here; the reader then does not count them. */
  lineCount: number | null;
}

/** An input that cannot be opened or read to its end. */
export class InputError extends Error {
  readonly code = "E_INPUT_READ";
  readonly file: string;

  constructor(file: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "InputError";
    this.file = file;
  }
}

/** How many "\n" stand in `bytes`. */
export function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) count += 1;
  return count;
}

/**
 * Reads `paths` in order (`-` is standard input), and yields their lines in chunks. Gzip is known by its first bytes, not by
 * the name; a file may have several gzip members. From a pipe, whole lines are handed on as soon as they are there.
 *
 * @throws InputError before the first chunk when a path cannot be opened, and after everything that could be read when an
 * input breaks off or is damaged; it names the inputs behind that one, which are not read.
 */
export async function* readChunks(
  paths: readonly string[],
  options: ReadOptions = {},
): AsyncGenerator<Chunk, void, void> {
  for (const path of paths) if (path !== "-") await assertReadable(path);
  for (const [index, path] of paths.entries()) {
    try {
      yield* readOne(path, options);
    } catch (error) {
      throw error instanceof InputError ? withUnread(error, paths.slice(index + 1)) : error;
    }
  }
}

/** How many of the inputs that were not read an error names; the rest is counted. */
const NAMED_UNREAD = 10;

/** The same error, which says too that `unread` were not read because of it. */
export function withUnread(error: InputError, unread: readonly string[]): InputError {
  if (unread.length === 0) return error;
  const names = unread.slice(0, NAMED_UNREAD).map((path) => (path === "-" ? "standard input" : path));
  const more = unread.length - names.length;
  const list = names.join(", ") + (more > 0 ? ` and ${more} more` : "");
  return new InputError(error.file, `${error.message}; not read because of this: ${list}`, { cause: error.cause });
}

async function assertReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
    if ((await stat(path)).isDirectory()) throw new InputError(path, `${path} is a folder, not a file of events`);
  } catch (error) {
    throw asInputError(path, error);
  }
}

function asInputError(file: string, error: unknown): InputError {
  if (error instanceof InputError) return error;
  // Node ends its messages with the call and the path; the path is named already.
  const reason = error instanceof Error ? error.message.replace(/, \w+( '.*')?$/s, "") : String(error);
  return new InputError(file, `cannot read ${file === "-" ? "standard input" : file}: ${reason}`, { cause: error });
}

function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

async function openSource(path: string, options: ReadOptions): Promise<ByteSource> {
  if (path === "-") return streamSource(options.stdin ?? process.stdin);
  try {
    return fileSource(await open(path, "r"));
  } catch (error) {
    throw asInputError(path, error);
  }
}

/** All members of a gzip file. Zeros behind the last one are ignored; anything else there is an error. */
function gunzip(): Gunzip {
  return createGunzip({ chunkSize: UNPACKED_BYTES });
}

const GZIP_MAGIC = [0x1f, 0x8b];
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Whether the first `filled` bytes are the beginning of `mark`, or begin with it. */
function agrees(buffer: Buffer, filled: number, mark: readonly number[]): boolean {
  return mark.every((byte, index) => index >= filled || buffer[index] === byte);
}

/** Reads until it is plain whether the source begins with the gzip magic or a byte-order mark, and no longer. */
async function readHead(read: ByteSource["read"], buffer: Buffer): Promise<number> {
  let filled = 0;
  for (;;) {
    const count = await read(buffer, filled);
    filled += count;
    if (count === 0) return filled;
    if (
      !(filled < 2 && agrees(buffer, filled, GZIP_MAGIC)) &&
      !(filled < 3 && agrees(buffer, filled, BYTE_ORDER_MARK))
    ) {
      return filled;
    }
  }
}

async function* readOne(file: string, options: ReadOptions): AsyncGenerator<Chunk, void, void> {
  const chunkBytes = Math.max(options.chunkBytes ?? MEBIBYTE, 64);
  const maxLineBytes = options.maxLineBytes ?? MEBIBYTE;
  const reuse = options.reuse ?? false;
  let source = await openSource(file, options);
  let buffer: Buffer = Buffer.allocUnsafeSlow(chunkBytes);
  let spare: Buffer | null = null;
  // `buffer[start, filled)` is what has been read and not yet handed on; it belongs to line `line`.
  let start = 0;
  let filled = 0;
  let line = 1;
  // Bytes of the line being dropped, or -1 when none is.
  let dropped = -1;
  let ahead: Promise<number> | null = null;
  const read = (target: Buffer, offset: number): Promise<number> =>
    source.read(target, offset).catch((error: unknown) => {
      throw asInputError(file, error);
    });
  const oversize = (bytes: number): void => {
    options.onOversize?.({ file, line, bytes });
    line += 1;
  };

  try {
    let fresh = await readHead(read, buffer);
    if (fresh >= 2 && agrees(buffer, fresh, GZIP_MAGIC)) {
      const again = file !== "-" && (await hasEnd(file)) ? () => openSource(file, options) : null;
      source = unpackedSource(gunzip, copyOf(buffer.subarray(0, fresh)), source, again);
      fresh = await readHead(read, buffer);
    }
    if (fresh >= 3 && agrees(buffer, fresh, BYTE_ORDER_MARK)) {
      start = 3;
      filled = 3;
      fresh -= 3;
      if (fresh === 0) fresh = await read(buffer, filled);
    }

    while (fresh > 0) {
      const from = filled;
      filled += fresh;
      if (dropped >= 0) {
        const end = buffer.subarray(from, filled).indexOf(LINE_FEED);
        dropped += end < 0 ? fresh : end;
        start = end < 0 ? filled : from + end + 1;
        if (end >= 0) {
          oversize(dropped);
          dropped = -1;
        }
      }
      // What stood before `from` holds no "\n", or it would have been handed on.
      const fromNew = Math.max(from, start);
      const newline = buffer.subarray(fromNew, filled).lastIndexOf(LINE_FEED);
      if (newline < 0) {
        // No line ends here yet: make room, or give the line up.
        if (filled - start > maxLineBytes) {
          dropped = filled - start;
          start = filled;
        }
        if (start > 0) {
          buffer.copyWithin(0, start, filled);
          filled -= start;
          start = 0;
        } else if (filled === buffer.length) {
          const larger = Buffer.allocUnsafeSlow(buffer.length * 2);
          larger.set(buffer);
          buffer = larger;
        }
        fresh = await read(buffer, filled);
        continue;
      }

      const end = fromNew + newline + 1;
      const current: Buffer = buffer;
      const carried = filled - end;
      const next: Buffer =
        spare !== null && spare.length > carried ? spare : Buffer.allocUnsafeSlow(Math.max(chunkBytes, carried * 2));
      next.set(current.subarray(end, filled));
      ahead = read(next, carried);
      // A failure is reported when its turn comes, below.
      ahead.catch(() => undefined);

      // Lines that are too long can stand in the middle too; a hop over `maxLineBytes` at a time finds them.
      let position = start;
      while (position < end) {
        const long = findLongLine(current, position, end, maxLineBytes);
        if (long > position) {
          const chunk: Chunk = { bytes: current.subarray(position, long), file, firstLine: line, lineCount: null };
          yield chunk;
          line += chunk.lineCount ?? countLines(chunk.bytes);
        }
        if (long === end) break;
        const length = current.subarray(long, end).indexOf(LINE_FEED);
        oversize(length);
        position = long + length + 1;
      }
      spare = reuse ? current : null;
      buffer = next;
      start = 0;
      filled = carried;
      fresh = await ahead;
      ahead = null;
    }

    if (dropped >= 0) oversize(dropped);
    else if (filled - start > maxLineBytes) oversize(filled - start);
    else if (filled > start) {
      const last = Buffer.allocUnsafeSlow(filled - start + 1);
      last.set(buffer.subarray(start, filled));
      last[filled - start] = LINE_FEED;
      yield { bytes: last, file, firstLine: line, lineCount: null };
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw broken(file, error, dropped >= 0 ? dropped : filled - start, line);
  } finally {
    await source.close(ahead);
  }
}

/** The start of the first line in `[from, end)` that is longer than `limit`, or `end`. The range must end with "\n". */
function findLongLine(buffer: Buffer, from: number, end: number, limit: number): number {
  let line = from;
  while (end - line > limit + 1) {
    const hop = buffer.subarray(line, line + limit + 1).lastIndexOf(LINE_FEED);
    if (hop < 0) return line;
    line += hop + 1;
  }
  return end;
}

function broken(file: string, problem: InputError, unfinished: number, line: number): InputError {
  if (unfinished === 0) return problem;
  const rest = `; line ${line} breaks off and its ${unfinished} bytes were left out`;
  return new InputError(file, problem.message + rest, { cause: problem.cause });
}
