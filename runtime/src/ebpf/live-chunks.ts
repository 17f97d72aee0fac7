// A collector → chunks of whole lines, one for each that is asked for.
//
// Whoever reads slowly makes the ring fill, where what has no place is counted; nothing heaps up here.

import type { EbpfCollector } from "./load-addon.js";

/**
 * The chunks of a collector that was not started yet, until it is stopped and its ring is empty. Leaving the loop stops it.
 *
 * Programs are attached since the collector was made: what happened since is in the first chunks.
 */
export async function* liveChunks(collector: EbpfCollector): AsyncGenerator<Uint8Array> {
  let give: (chunk: Uint8Array | null) => void = () => undefined;
  let ended = false;
  collector.start((chunk) => {
    // The end comes unasked, so that it may come while the reader is at work on a chunk and nobody listens.
    ended = chunk === null;
    give(chunk);
  });
  try {
    while (!ended) {
      const next = new Promise<Uint8Array | null>((resolve) => {
        give = resolve;
      });
      collector.want();
      const chunk = await next;
      if (chunk === null) return;
      yield chunk;
    }
  } finally {
    if (!ended) await discardRest(collector, (listener) => (give = listener));
  }
}

/** Stops a collector whose lines nobody wants any more, and waits for its end, so that nothing is attached after it. */
function discardRest(
  collector: EbpfCollector,
  listen: (listener: (chunk: Uint8Array | null) => void) => void,
): Promise<void> {
  return new Promise((resolve) => {
    listen((chunk) => {
      if (chunk === null) resolve();
      else collector.want();
    });
    collector.stop();
    collector.want();
  });
}
