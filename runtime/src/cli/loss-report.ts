// Losses that a stream tells of -> a warning now and then, and how much it was by class.

import type { Loss } from "../ebpf/notes.js";
import { counted } from "../report/summary.js";

/** So long there is no second warning. */
const QUIET_MS = 5000;

export interface LossReport {
  add(loss: Loss): void;
  /** Says what was not said yet. */
  sumUp(): void;
  readonly byClass: ReadonlyMap<string, number>;
}

export function createLossReport(say: (line: string) => void): LossReport {
  const byClass = new Map<string, number>();
  let saidAt = Number.NEGATIVE_INFINITY;
  let unsaid = new Map<string, number>();
  const sumUp = (): void => {
    if (unsaid.size === 0) return;
    const classes = [...unsaid].map(([name, count]) => `${name} ${count}`).join(", ");
    const all = [...unsaid.values()].reduce((sum, count) => sum + count, 0);
    unsaid = new Map();
    saidAt = performance.now();
    say(`warning: ${counted(all, "event was", "events were")} lost (${classes}): the kernel had no place for more`);
  };
  return {
    add({ class: name, dropped }) {
      for (const sums of [byClass, unsaid]) sums.set(name, (sums.get(name) ?? 0) + dropped);
      if (performance.now() - saidAt >= QUIET_MS) sumUp();
    },
    sumUp,
    byClass,
  };
}
