// A path to a source of lines: the input is opened, recognised by its beginning, and the sources that it needs are put behind
// one another. Lines of JSON in UTF-8 need none.

import { constants } from "node:fs";
import { access, open, stat } from "node:fs/promises";
import { type ByteSource, fileSource, streamSource } from "./byte-source.js";
import { hasEnd } from "./has-end.js";
import { asInputError, InputError, unusable } from "./input-error.js";
import { BEGINNING_BYTES, type Beginning, beginningOf, isUndecided, type UsableBeginning } from "./known-beginnings.js";
import { HEAD_BYTES, recogniseShape, type Shape } from "./recognise-shape.js";
import { elementLines } from "./split-elements.js";
import { gunzip, unpackedSource, zstdInflater } from "./unpack-source.js";
import type { Wrapping } from "./unwrap-lines.js";
import { utf16Source } from "./utf16-source.js";

export interface OpenOptions {
  /** What the path `-` stands for. Default the process's standard input. */
  readonly stdin?: NodeJS.ReadableStream;
  /** Files that are refused when they do not begin as JSON does. */
  readonly skippable?: ReadonlySet<string>;
  /** The command that reads events from standard input, for advice. */
  readonly command?: string;
}

/** A source of lines, and what of it has been read: `buffer[start, filled)`. */
export interface OpenedText {
  readonly source: ByteSource;
  readonly buffer: Buffer;
  readonly start: number;
  readonly filled: number;
  /** What the lines still have to be freed of. */
  readonly wrapping: Wrapping | null;
}

/** @throws InputError when `path` cannot be opened, or is a file of something that cannot be read. */
export async function assertReadable(path: string, options: OpenOptions): Promise<void> {
  try {
    await access(path, constants.R_OK);
    const found = await stat(path);
    if (found.isDirectory()) throw new InputError(path, `${path} is a folder, not a file of events`);
    if (!found.isFile()) return;
    const handle = await open(path, "r");
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(BEGINNING_BYTES), 0, BEGINNING_BYTES, 0);
      assertUsable(path, beginningOf(buffer.subarray(0, bytesRead)), options);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw asInputError(path, error);
  }
}

function assertUsable(file: string, beginning: Beginning, options: OpenOptions): asserts beginning is UsableBeginning {
  if (beginning.kind === "zstd" && zstdInflater() === null) {
    throw unusable(file, "packed with zstd, which needs Node 22.15 or newer", "zstd -dc", options.command);
  }
  if (beginning.kind === "refused") throw unusable(file, beginning.what, beginning.unpack, options.command);
}

/** The bytes of `path` as they are. */
export async function openSource(path: string, options: OpenOptions): Promise<ByteSource> {
  if (path === "-") return streamSource(options.stdin ?? process.stdin);
  try {
    return fileSource(await open(path, "r"));
  } catch (error) {
    throw asInputError(path, error);
  }
}

/**
 * Opens `file` and reads as much of it as it takes to know what it is, into `buffer`, or a larger one when that takes
 * more. Lets go of the input when it throws.
 *
 * @throws InputError
 */
export async function openText(file: string, buffer: Buffer, options: OpenOptions): Promise<OpenedText> {
  const opened = await openSource(file, options);
  const at: Under = { source: opened, buffer, start: 0, filled: 0, failure: null };
  try {
    await readBeginning(at);
    let beginning = usable(file, at, options);
    if (beginning.kind === "gzip" || beginning.kind === "zstd") {
      const create = beginning.kind === "gzip" ? gunzip : (zstdInflater() ?? gunzip);
      const again = file !== "-" && (await hasEnd(file)) ? () => openSource(file, options) : null;
      putBehind(at, (head, packed) => unpackedSource(create, head, packed, again));
      await readBeginning(at);
      beginning = usable(file, at, options);
      if (beginning.kind === "gzip" || beginning.kind === "zstd") {
        throw unusable(file, "packed twice", null, options.command);
      }
    }
    at.start = beginning.mark;
    if (beginning.kind !== "utf-8") {
      const { kind } = beginning;
      putBehind(at, (head, text) => utf16Source(kind, head, text));
    }
    const shape = await readShape(at);
    if (!shape.isJson && options.skippable?.has(file) === true) {
      throw unusable(file, "no file of JSON events", null, options.command);
    }
    const { place, wrapping } = shape;
    if (place !== "lines") {
      putBehind(at, (head, text) => elementLines(place, head, text));
      await readMore(at);
    }
    // Otherwise the next read finds the failure again, once what was read before it has been handed on.
    if (at.failure !== null && at.filled === at.start) throw at.failure;
    return { ...at, wrapping };
  } catch (error) {
    await at.source.close(null);
    throw asInputError(file, error);
  }
}

/** An input that is being recognised. */
interface Under {
  source: ByteSource;
  buffer: Buffer;
  start: number;
  filled: number;
  failure: unknown;
}

/** Puts a source behind the one at hand, which takes what was read of that one. */
function putBehind(at: Under, make: (head: Buffer, source: ByteSource) => ByteSource): void {
  at.source = make(copyOf(at.buffer.subarray(at.start, at.filled)), at.source);
  at.start = 0;
  at.filled = 0;
}

/** Reads once; whether something came. */
async function readMore(at: Under): Promise<boolean> {
  if (at.filled === at.buffer.length) at.buffer = enlarged(at.buffer);
  try {
    const count = await at.source.read(at.buffer, at.filled);
    at.filled += count;
    return count > 0;
  } catch (error) {
    at.failure = error;
    return false;
  }
}

/** Reads until it is plain what the source begins as, and no longer. */
async function readBeginning(at: Under): Promise<void> {
  while (await readMore(at)) if (!isUndecided(at.buffer.subarray(0, at.filled))) return;
}

function usable(file: string, { buffer, filled }: Under, options: OpenOptions): UsableBeginning {
  const beginning = beginningOf(buffer.subarray(0, filled));
  assertUsable(file, beginning, options);
  return beginning;
}

/** Reads until it is plain how the events stand in the text. */
async function readShape(at: Under): Promise<Shape> {
  for (let isAll = false; ; isAll = !(await readMore(at))) {
    const head = at.buffer.subarray(at.start, Math.min(at.filled, at.start + HEAD_BYTES));
    const shape = recogniseShape(head, isAll);
    if (shape !== null) return shape;
  }
}

function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

export function enlarged(buffer: Buffer): Buffer {
  const larger = Buffer.allocUnsafeSlow(buffer.length * 2);
  larger.set(buffer);
  return larger;
}
