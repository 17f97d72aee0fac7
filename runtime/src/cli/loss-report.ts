// Losses that a stream tells of -> a warning now and then, and how much it was by class.

import type { Loss } from "../ebpf/notes.js";
import { counted } from "../report/summary.js";

/** So long there is no second warning. */
const QUIET_MS = 5000;

export interface LossReport {
  add(loss: Loss): void;
  readonly byClass: ReadonlyMap<string, number>;
}

export function createLossReport(say: (line: string) => void): LossReport {
  const byClass = new Map<string, number>();
  let saidAt = Number.NEGATIVE_INFINITY;
  return {
    add({ class: name, dropped }) {
      byClass.set(name, (byClass.get(name) ?? 0) + dropped);
      const now = performance.now();
      if (now - saidAt < QUIET_MS) return;
      saidAt = now;
      say(`warning: ${counted(dropped, "event was", "events were")} lost (${name}): the kernel had no place for more`);
    },
    byClass,
  };
}
