// A packed source to the source of what is packed inside, through one of Node's inflaters.
//
// INVARIANT: everything that could be unpacked is given before the error that stopped it. When an inflater fails it keeps what
// it made of the piece at hand, up to one of its buffers. A file is then read again from its start, and that piece is fed to
// a second inflater byte by byte; only what the one bad byte itself would have become is missing. What comes through a pipe
// cannot be read again. Input that merely ends too early costs nothing: the inflater has given everything by then.

import type { Transform } from "node:stream";
import { type ByteSource, createQueue, take } from "./byte-source.js";
import { loadZlib } from "./load-zlib.js";

// The packed input goes to the inflater in pieces of this size, and each is waited for: what one piece can become
// (at most 1,032 times its size) bounds what is held.
const PACKED_BYTES = 1 << 14;
const UNPACKED_BYTES = 1 << 17;

/** One of Node's inflaters; `bytesWritten` is how much of what it was given it has used. */
type Inflater = Transform & { readonly bytesWritten: number };
export type CreateInflater = () => Inflater;

/** All members of a gzip file. Zeros behind the last one are ignored; anything else there is an error. */
export function gunzip(): Inflater {
  return loadZlib().createGunzip({ chunkSize: UNPACKED_BYTES });
}

/** What unpacks zstd, or null where Node cannot: it can from 22.15 and 23.8 on. */
export function zstdInflater(): CreateInflater | null {
  const { createZstdDecompress: create } = loadZlib() as {
    readonly createZstdDecompress?: (options: { readonly chunkSize: number }) => Inflater;
  };
  return create === undefined ? null : () => create({ chunkSize: UNPACKED_BYTES });
}

interface Unpacker extends ByteSource {
  /** Packed bytes that were used up before the piece at hand. */
  done(): number;
}

/**
 * What `create` makes of `packed`, of which `head` has been read already. `reopen` opens the same packed bytes anew, from their
 * first byte; null when that cannot be done.
 */
export function unpackedSource(
  create: CreateInflater,
  head: Buffer,
  packed: ByteSource,
  reopen: (() => Promise<ByteSource>) | null,
): ByteSource {
  let current = startUnpacker(create, head, packed, Number.POSITIVE_INFINITY);
  let given = 0;
  let closed = false;
  let failure: unknown = null;

  /** The output behind the first `given` bytes, made more carefully; what goes wrong with that is no news. */
  async function startAgain(open: () => Promise<ByteSource>): Promise<void> {
    const careful = current.done();
    await current.close(null);
    current = startUnpacker(create, Buffer.alloc(0), await open(), careful);
    const scratch = Buffer.allocUnsafeSlow(UNPACKED_BYTES);
    for (let left = given; left > 0 && !closed; ) {
      const count = await current.read(scratch.subarray(0, Math.min(left, scratch.length)), 0);
      if (count === 0) break;
      left -= count;
    }
    // Closed in the meantime, when there was nothing to close yet.
    if (closed) await current.close(null);
  }

  return {
    async read(target, offset) {
      for (;;) {
        try {
          const count = await current.read(target, offset);
          if (count === 0 && failure !== null) throw failure;
          given += count;
          return count;
        } catch (error) {
          if (failure !== null || reopen === null || closed) throw failure ?? error;
          failure = error;
          await startAgain(reopen).catch(() => {
            throw error;
          });
        }
      }
    },
    async close(pending) {
      closed = true;
      await current.close(pending);
    },
  };
}

/** `head` comes before what `packed` gives. Behind `careful` packed bytes the pieces are single bytes. */
function startUnpacker(create: CreateInflater, head: Buffer, packed: ByteSource, careful: number): Unpacker {
  const queue = createQueue(false);
  const input = Buffer.allocUnsafeSlow(PACKED_BYTES);
  let waiting = head;
  let done = 0;
  let used = 0;
  // Set while a piece is with the inflater; called when the piece is used up, and at the end.
  let settled: (() => void) | null = null;
  const settle = (): void => {
    settled?.();
    settled = null;
  };
  let inflater = start();
  let inflaterEnded = false;
  /** Packed bytes that this inflater was given. */
  let written = 0;

  function start(): Inflater {
    const made = create();
    made.on("data", (part: Buffer) => {
      queue.parts.push(part);
      queue.bytes += part.length;
    });
    made.on("end", () => {
      inflaterEnded = true;
      settle();
    });
    made.on("error", (error) => {
      queue.error ??= error;
      settle();
    });
    return made;
  }

  async function feed(): Promise<void> {
    if (waiting.length === 0) waiting = input.subarray(0, await packed.read(input, 0));
    if (queue.ended) return;
    // The head may be as large as a chunk.
    const size = used >= careful ? 1 : Math.min(careful - used, PACKED_BYTES);
    const piece = waiting.subarray(0, size);
    waiting = waiting.subarray(piece.length);
    done = used;
    used += piece.length;
    written += piece.length;
    await new Promise<void>((resolve) => {
      settled = resolve;
      // Only at its own end does the inflater tell that its input was cut.
      if (piece.length === 0) inflater.end();
      else
        inflater.write(piece, (error) => {
          if (error) queue.error ??= error;
          settle();
        });
    });
    if (!inflaterEnded || queue.error !== null) return;
    // Behind a frame of zstd another one may stand, which its inflater leaves to the next. Gzip's takes all members itself,
    // and leaves only the zeros that may stand behind the last.
    const left = written - inflater.bytesWritten;
    if (left === 0 || create === gunzip) {
      queue.ended = true;
      return;
    }
    waiting = Buffer.concat([piece.subarray(piece.length - left), waiting]);
    used -= left;
    written = 0;
    inflaterEnded = false;
    inflater = start();
  }

  return {
    done: () => done,
    async read(target, offset) {
      for (;;) {
        if (queue.bytes > 0) return take(queue, target, offset);
        if (queue.error !== null) throw queue.error;
        if (queue.ended) return 0;
        await feed();
      }
    },
    async close(pending) {
      // A read that still waits for the packed input finds the end when it wakes.
      queue.ended = true;
      inflater.destroy();
      settle();
      await packed.close(pending);
    },
  };
}
