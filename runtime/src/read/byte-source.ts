// A file or a stream to one thing: a source that is asked to fill a buffer.
//
// Bytes of a plain file go straight from the kernel into the caller's buffer. A stream hands out buffers of its own, so those
// are copied once.
//
// INVARIANT: a source gives the bytes it has before it gives the error that stopped it.

import type { FileHandle } from "node:fs/promises";
import type { FileAgain, FilesAgain } from "./read-again.js";

export interface ByteSource {
  /**
   * Reads into `target` from `offset` on, and returns the number of bytes, which is 0 only at the end (or when there is no
   * room). Never two at once.
   */
  read(target: Buffer, offset: number): Promise<number>;
  /** Lets go of the input; `pending` is a read that has not been waited for. */
  close(pending: Promise<number> | null): Promise<void>;
  /** Of a file: hands it over, to be read again; it is not closed with the source then. Null when it is not taken. */
  keep?(files: FilesAgain): FileAgain | null;
}

// A stream is paused when this much of it waits to be read.
const STREAM_AHEAD_BYTES = 1 << 20;

/** An opened file, which may also be a pipe. Closing the source closes the file. */
export function fileSource(handle: FileHandle): ByteSource {
  let isKept = false;
  return {
    async read(target, offset) {
      const room = new Uint8Array(target.buffer, target.byteOffset + offset, target.length - offset);
      return (await handle.read(room, 0, room.length, null)).bytesRead;
    },
    async close(pending) {
      // The kernel may still be writing into the buffer.
      if (pending !== null) await pending.catch(() => undefined);
      if (!isKept) await handle.close();
    },
    keep(files) {
      const file = files.keep(handle);
      isKept = file !== null;
      return file;
    },
  };
}

/** Buffers that wait to be read, then the end or an error. */
export interface Queue {
  readonly parts: Buffer[];
  bytes: number;
  ended: boolean;
  error: Error | null;
}

export function createQueue(ended: boolean): Queue {
  return { parts: [], bytes: 0, ended, error: null };
}

/** Moves as much as fits from the queue to `target`. */
export function take(queue: Queue, target: Buffer, offset: number): number {
  let at = offset;
  let used = 0;
  for (const part of queue.parts) {
    const count = Math.min(part.length, target.length - at);
    target.set(count < part.length ? part.subarray(0, count) : part, at);
    at += count;
    if (count < part.length) {
      queue.parts[used] = part.subarray(count);
      break;
    }
    used += 1;
  }
  queue.parts.splice(0, used);
  queue.bytes -= at - offset;
  return at - offset;
}

/** A readable stream of bytes, such as standard input. What has arrived is given at once, without waiting for more. */
export function streamSource(stream: NodeJS.ReadableStream): ByteSource {
  const over = "readableEnded" in stream && stream.readableEnded === true;
  const queue = createQueue(over);
  let wake: (() => void) | null = null;
  const woken = (): void => {
    wake?.();
    wake = null;
  };
  const onData = (part: Buffer | string): void => {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    if (bytes.length === 0) return;
    queue.parts.push(bytes);
    queue.bytes += bytes.length;
    if (queue.bytes >= STREAM_AHEAD_BYTES) stream.pause();
    woken();
  };
  const onEnd = (): void => {
    queue.ended = true;
    woken();
  };
  const onError = (error: Error): void => {
    queue.error ??= error;
    woken();
  };
  stream.on("data", onData);
  stream.on("end", onEnd);
  stream.on("close", onEnd);
  stream.on("error", onError);
  return {
    async read(target, offset) {
      for (;;) {
        if (queue.bytes > 0) {
          const count = take(queue, target, offset);
          if (queue.bytes < STREAM_AHEAD_BYTES) stream.resume();
          return count;
        }
        if (queue.error !== null) throw queue.error;
        if (queue.ended) return 0;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async close() {
      stream.off("data", onData);
      stream.off("end", onEnd);
      stream.off("close", onEnd);
      // A paused stream does not keep the process alive. The error listener stays: a late error must not be thrown.
      stream.pause();
    },
  };
}
