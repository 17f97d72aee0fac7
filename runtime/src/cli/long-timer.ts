// A timer for any duration: one of Node takes 24 days at most, and one that is told of more is over at once.

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Calls `act` once after `ns`, in steps that a timer of Node can take. Returns what cancels it. */
export function after(ns: bigint, act: () => void): () => void {
  let left = Number(ns / 1_000_000n);
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const step = Math.min(left, LONGEST_TIMER_MS);
    left -= step;
    timer = setTimeout(() => (left > 0 ? wait() : act()), step);
  };
  wait();
  return () => clearTimeout(timer);
}
