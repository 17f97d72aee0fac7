// The path of a file -> an output that replaces it, or goes on with it.
//
// What the file holds is not touched before `begin`: a run that fails when it opens its inputs leaves everything as it was. From
// opening to closing the file is locked (lock-file.ts), so that two runs never write over one another. Neither holds for what is no
// regular file, such as a named pipe or /dev/null.

import { constants } from "node:fs";
import { type FileHandle, open, readlink, realpath, stat, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { LINE_FEED } from "@kestrel/stdlib/text/characters";
import { isJson } from "../event/raw-json.js";
import { lockFile } from "./lock-file.js";
import { inPieces, reasonOf, SinkError, type TextOutput } from "./text-output.js";

export interface AlertFileOptions {
  /** Goes on behind the last line. Default false: what is there is replaced. */
  readonly append?: boolean;
  /** Told how many bytes an unfinished last line had, which a crash has left and which was cut off. */
  readonly onCut?: (bytes: number) => void;
}

/** Bytes of a file that are looked through at once for where its last line begins. */
const BLOCK = 1 << 16;
/** So many links to files that are not there are followed, as systems do. */
const MOST_LINKS = 40;

/** Throws {@link SinkError} when the file cannot be written, or another run writes to it. */
export async function fileOutput(path: string, options: AlertFileOptions = {}): Promise<TextOutput> {
  try {
    const found = await stat(path).catch(() => null);
    if (found !== null && !found.isFile()) return deviceOutput(await open(path, "w"), path);
    return await lockedOutput(path, found === null, options);
  } catch (error) {
    return fail(path, error);
  }
}

function fail(path: string, error: unknown): never {
  throw new SinkError(`cannot write alerts to ${path}: ${reasonOf(error)}`, { cause: error });
}

function deviceOutput(file: FileHandle, path: string): TextOutput {
  return inPieces(
    (text) => file.writeFile(text).catch((error: unknown) => fail(path, error)),
    () => file.close().catch((error: unknown) => fail(path, error)),
  );
}

async function lockedOutput(path: string, isNew: boolean, options: AlertFileOptions): Promise<TextOutput> {
  const isAppending = options.append === true;
  const real = await placeOf(path);
  const lock = await lockFile(`${real}.lock`);
  const how = isAppending ? constants.O_RDWR | constants.O_APPEND : constants.O_WRONLY;
  const file = await open(real, how | constants.O_CREAT).catch(async (error: unknown) => {
    await lock.release();
    throw error;
  });
  let hasBegun = false;
  const begin = async (): Promise<void> => {
    if (hasBegun) return;
    hasBegun = true;
    if (isAppending) await mendEnd(file, options.onCut);
    else await file.truncate(0);
  };
  const pieces = inPieces(
    async (text) => {
      await begin();
      await file.writeFile(text);
    },
    async () => {
      // Nobody wants an empty file of a run that never was.
      if (isNew && !hasBegun) await unlink(real).catch(() => undefined);
      await file.close().finally(() => lock.release());
    },
  );
  const told = (done: Promise<void>): Promise<void> => done.catch((error: unknown) => fail(path, error));
  return {
    begin: () => told(begin()),
    write: (text) => told(pieces.write(text)),
    flush: () => told(pieces.flush()),
    close: () => told(pieces.close()),
  };
}

/** The path that two names of one file have in common, though it need not be there yet. */
export async function placeOf(path: string, links = MOST_LINKS): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const target = await readlink(path).catch(() => null);
    if (target !== null && links > 0) return placeOf(resolve(dirname(path), target), links - 1);
    return join(await realpath(dirname(path)), basename(path));
  }
}

/**
 * Lets the file end with a whole line. A run that crashed may leave half an alert, which would spoil the next one too: it is cut
 * off. A last line that only lacks its line feed, or is no alert, is kept.
 */
async function mendEnd(file: FileHandle, onCut: AlertFileOptions["onCut"]): Promise<void> {
  const { size } = await file.stat();
  const start = await lastLineStart(file, size);
  if (start === size) return;
  const line = Buffer.alloc(size - start);
  await file.read(line, 0, line.length, start);
  const text = line.toString("utf8");
  if (isJson(text) || !/^[{\0]/.test(text)) {
    await file.writeFile("\n");
    return;
  }
  await file.truncate(start);
  onCut?.(line.length);
}

/** Behind the last line feed. */
async function lastLineStart(file: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(BLOCK);
  for (let end = size; end > 0; ) {
    const from = Math.max(0, end - BLOCK);
    const { bytesRead } = await file.read(block, 0, end - from, from);
    const feed = block.subarray(0, bytesRead).lastIndexOf(LINE_FEED);
    if (feed >= 0) return from + feed + 1;
    end = from;
  }
  return 0;
}
