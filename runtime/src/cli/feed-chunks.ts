// Chunks as they come -> fed one after the other, until they end or there is a reason to stop; and what is done in silence.

import type { Chunk } from "../read/lines.js";
import type { Stop, StopReason } from "./stop.js";

/** What is to be done each time when the input has been silent for `ns`; 0 for never. */
export interface Silence {
  readonly ns: bigint;
  readonly over: () => Promise<void>;
}

type Arrival = { readonly next: IteratorResult<Chunk, void> } | { readonly error: unknown };

/** What a timer of Node can wait at most. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Feeds every chunk. Throws what reading and feeding throw.
 *
 * Each chunk is waited for once, and nothing is left behind on a promise that lives as long as the run: a stream that never ends
 * would fill the memory with that.
 */
export async function feedChunks(
  chunks: AsyncGenerator<Chunk, void, void>,
  stop: Stop,
  silence: Silence,
  feed: (chunk: Chunk) => Promise<void>,
): Promise<"end" | StopReason> {
  const arrivals: Arrival[] = [];
  let wake: () => void = () => undefined;
  stop.onStop = () => wake();

  function arrive(arrival: Arrival): void {
    arrivals.push(arrival);
    wake();
  }

  function read(): void {
    chunks.next().then(
      (next) => arrive({ next }),
      (error: unknown) => arrive({ error }),
    );
  }

  /** Until something comes, or it has been silent for too long: then true. */
  function sleep(): Promise<boolean> {
    return new Promise((resolve) => {
      const milliseconds = Math.min(Number(silence.ns / 1_000_000n), LONGEST_TIMER_MS);
      const timer = silence.ns === 0n ? undefined : setTimeout(resolve, milliseconds, true);
      wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
  }

  read();
  while (stop.reason === null) {
    const arrival = arrivals.pop();
    if (arrival === undefined) {
      if ((await sleep()) && arrivals.length === 0) await silence.over();
      continue;
    }
    if ("error" in arrival) throw arrival.error;
    if (arrival.next.done === true) return "end";
    await feed(arrival.next.value);
    read();
  }
  // Not waited for: a generator that waits for input ends only when the input comes.
  void chunks.return().catch(() => undefined);
  return stop.reason;
}
