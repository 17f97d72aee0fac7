// A source of UTF-16 to a source of UTF-8. Half a surrogate pair and a last odd byte become U+FFFD, as anywhere.

import { type ByteSource, createQueue, take } from "./byte-source.js";

const PIECE_BYTES = 1 << 16;

/** `head` comes before what `text` gives, and has no byte-order mark. */
export function utf16Source(encoding: "utf-16le" | "utf-16be", head: Buffer, text: ByteSource): ByteSource {
  // A later U+FEFF is a character like others.
  const decoder = new TextDecoder(encoding, { ignoreBOM: true });
  const input = Buffer.allocUnsafeSlow(PIECE_BYTES);
  const queue = createQueue(false);
  let waiting: Buffer | null = head;
  return {
    async read(target, offset) {
      while (queue.bytes === 0) {
        if (queue.ended) return 0;
        const piece: Buffer = waiting ?? input.subarray(0, await text.read(input, 0));
        queue.ended = piece.length === 0 && waiting === null;
        waiting = null;
        const bytes = Buffer.from(decoder.decode(piece, { stream: !queue.ended }), "utf8");
        if (bytes.length > 0) queue.parts.push(bytes);
        queue.bytes = bytes.length;
      }
      return take(queue, target, offset);
    },
    close: (pending) => text.close(pending),
  };
}
