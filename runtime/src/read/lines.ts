// Files and standard input to chunks of whole lines: bytes in, bytes out, no string and no object per line.
//
// What is packed, is in UTF-16, or is JSON of another layout than one value a line is known by its beginning and made lines by
// sources that stand one behind the other. Lines of JSON go through none of them:
//
//   file or stream → unpack-source → utf16-source → split-elements → here → unwrap-lines
//
// A chunk is a part of the read buffer that ends on "\n"; only the unfinished line behind it is copied, to the front of the
// next buffer. While the caller works on one chunk the next one is already being read.
//
// INVARIANT: the chunks of a file of lines, joined, are the file's decoded bytes without a byte-order mark, without the lines
// that were reported to `onOversize`, and with a "\n" at the end of the last line.
// INVARIANT: no more than one line of `maxLineBytes` and one chunk are held, whatever the input.

import { LINE_FEED } from "@kestrel/stdlib/text/characters";
import { hasEnd } from "./has-end.js";
import { asInputError, InputError, UnusableInputError } from "./input-error.js";
import { assertReadable, enlarged, openText } from "./open-text.js";
import type { FilesAgain, LinesAgain } from "./read-again.js";
import { unwrapLines } from "./unwrap-lines.js";

export { InputError } from "./input-error.js";

const MEBIBYTE = 1 << 20;
/** How long a line may be where nobody says it; a module judges none that is longer than LONGEST_LINE of abi.ts. */
export const USUAL_LONGEST_LINE = MEBIBYTE;

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
   * Read into two buffers that take turns, for all paths, instead of a new one for each chunk: a chunk's bytes are then only
   * valid until the next chunk is asked for. Default false.
   */
  readonly reuse?: boolean;
  /** The two buffers of `reuse`, of `chunkBytes` each; where they are not given they are made. */
  readonly buffers?: readonly Buffer[];
  /** Takes the files whose bytes are their lines as they are, to be read again; whoever gives it closes it. */
  readonly again?: FilesAgain;
  /** What the path `-` stands for. Default the process's standard input. */
  readonly stdin?: NodeJS.ReadableStream;
  /** Files that are passed over, and reported to `onSkip`, when they are nothing that can be read as events. */
  readonly skippable?: ReadonlySet<string>;
  readonly onSkip?: (file: string, reason: string) => void;
  /** The command that reads events from standard input, for advice. */
  readonly command?: string;
}

export interface Chunk {
  /** Whole lines, the last one ended by "\n" too. */
  readonly bytes: Buffer;
  /** The path as given, `-` for standard input. */
  readonly file: string;
  /** Number of the chunk's first line in its file, from 1; lines that were dropped are counted. */
  readonly firstLine: number;
  /** Where the lines can be read again; null where they cannot. */
  readonly again?: LinesAgain | null;
  /** A caller that has counted the lines of `bytes` may write the number here; the reader then does not count them. */
  lineCount: number | null;
}

/** How many "\n" stand in `bytes`. */
export function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) count += 1;
  return count;
}

/**
 * Reads `paths` in order (`-` is standard input), and yields their lines in chunks. What an input is, is known by its first
 * bytes, not by its name: lines of JSON, an array, a search response of Elasticsearch or a bulk request, in UTF-8 or UTF-16,
 * plain or packed with gzip or (where Node can) zstd. From a pipe, whole lines are handed on as soon as they are there.
 *
 * @throws InputError before the first chunk when a path cannot be opened or a file is nothing that can be read, and after
 * everything that could be read when an input breaks off or is damaged; it names the inputs behind that one, which are not
 * read.
 */
export async function* readChunks(
  paths: readonly string[],
  options: ReadOptions = {},
): AsyncGenerator<Chunk, void, void> {
  const passed = new Set<string>();
  const pass = (error: unknown): void => {
    if (!(error instanceof UnusableInputError) || options.skippable?.has(error.file) !== true) throw error;
    passed.add(error.file);
    options.onSkip?.(error.file, error.message);
  };
  for (const path of paths) if (path !== "-") await assertReadable(path, options).catch(pass);
  const left = paths.filter((path) => !passed.has(path));
  /** Buffers of inputs that have been read. */
  const idle: Buffer[] = [...(options.buffers ?? [])];
  for (const [index, path] of left.entries()) {
    try {
      yield* readOne(path, options, idle);
    } catch (error) {
      if (error instanceof UnusableInputError && options.skippable?.has(path) === true) pass(error);
      else throw error instanceof InputError ? withUnread(error, left.slice(index + 1)) : error;
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

async function* readOne(file: string, options: ReadOptions, idle: Buffer[]): AsyncGenerator<Chunk, void, void> {
  const chunkBytes = Math.max(options.chunkBytes ?? MEBIBYTE, 64);
  const maxLineBytes = options.maxLineBytes ?? USUAL_LONGEST_LINE;
  const reuse = options.reuse ?? false;
  const { source, wrapping, ...opened } = await openText(
    file,
    idle.pop() ?? Buffer.allocUnsafeSlow(chunkBytes),
    options,
  );
  let buffer: Buffer = opened.buffer;
  let spare: Buffer | null = idle.pop() ?? null;
  // `buffer[start, filled)` is what has been read and not yet handed on; it belongs to line `line`.
  let start = opened.start;
  let filled = start;
  let line = 1;
  // Bytes of the line being dropped, or -1 when none is.
  let dropped = -1;
  let ahead: Promise<number> | null = null;
  // Where `buffer` begins in the file.
  let bufferAt = 0;
  const mayKeep = options.again !== undefined && wrapping === null && (await hasEnd(file));
  const kept = mayKeep ? (source.keep?.(options.again) ?? null) : null;
  const again = (at: number): LinesAgain | null => (kept === null ? null : { file: kept, offset: bufferAt + at });
  const read = (target: Buffer, offset: number): Promise<number> =>
    source.read(target, offset).catch((error: unknown) => {
      throw asInputError(file, error);
    });
  const oversize = (bytes: number): void => {
    options.onOversize?.({ file, line, bytes });
    line += 1;
  };

  try {
    let fresh = opened.filled - start;

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
          bufferAt += start;
          filled -= start;
          start = 0;
        } else if (filled === buffer.length) {
          buffer = enlarged(buffer);
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
          const raw = current.subarray(position, long);
          const bytes = wrapping === null ? raw : unwrapLines(raw, wrapping);
          const chunk: Chunk = { bytes, file, firstLine: line, again: again(position), lineCount: null };
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
      bufferAt += end;
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
      const bytes = wrapping === null ? last : unwrapLines(last, wrapping);
      yield { bytes, file, firstLine: line, again: again(start), lineCount: null };
    }
    // Nothing reads into them any more. One that a long line has made larger is not kept for the next input.
    if (reuse) for (const one of [buffer, spare]) if (one?.length === chunkBytes) idle.push(one);
  } catch (error) {
    if (!(error instanceof InputError) || error instanceof UnusableInputError) throw error;
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
