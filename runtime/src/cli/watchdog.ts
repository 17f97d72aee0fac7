// Calls into the module that do not return -> an error that names them, and signals that end the process all the same. The thread that
// sees them is watchdog-thread.ts.
//
// While the module runs, the event loop stands still, and so does what was to happen at a signal. A module that eqlc built returns
// after milliseconds; one that was written by whoever can write the folder may never do so. The thread is started first of all: what it takes to
// start is done while the package is read.

import { Worker } from "node:worker_threads";
import { ModuleError, placeOfCall, shareHeartbeat, whenReturned } from "../load/call-module.js";
import { errorLine } from "./failures.js";
import type { CaughtSignals } from "./stop.js";
import type { WatchdogData } from "./watchdog-thread.js";

export interface Watchdog {
  /**
   * The result of what calls the module; throws {@link ModuleError} when a call takes too long, and the rest of it is never done. `signals` are given back
   * while a call is slow.
   */
  whileWatched<Result>(run: Promise<Result>, signals: CaughtSignals): Promise<Result>;
  /** To be called however the run ends: a thread that has just started would keep the process alive. */
  close(): Promise<void>;
}

/** What is called in the evaluating thread when a call is slow; the only thing that the other thread can name is global. */
const ON_SLOW = "kestrel-run: a call into the module is slow";

/** Watches the calls into the module that stands at `module`; `timeoutNs` is what one may take, 0 for any time. */
export function startWatchdog(module: string, timeoutNs: bigint): Watchdog {
  const seconds = `${Number(timeoutNs / 1_000_000n) / 1000} s`;
  const message = (place: string): string => `${module} has not returned from a call for ${seconds}${place}`;
  const global = globalThis as { [name: symbol]: unknown };
  let signals: CaughtSignals | null = null;
  global[Symbol.for(ON_SLOW)] = (call: number): void => {
    if (signals === null || placeOfCall(call) === null) return;
    signals.release();
    whenReturned(signals.take);
  };
  const workerData: WatchdogData = {
    heartbeat: shareHeartbeat(),
    timeoutMs: Number(timeoutNs / 1_000_000n),
    onSlow: `globalThis[Symbol.for(${JSON.stringify(ON_SLOW)})]`,
    lastWords: errorLine("E_MODULE_FAILED", message("")),
  };
  const worker = new Worker(new URL("./watchdog-thread.js", import.meta.url), { workerData });
  worker.unref();
  const overdue = new Promise<never>((_, reject) => {
    worker.once("message", (call: number) =>
      reject(new ModuleError(message(` (${placeOfCall(call) ?? "it has now"})`))),
    );
    worker.once("error", reject);
  });
  overdue.catch(() => undefined);
  return {
    async whileWatched(run, caught) {
      signals = caught;
      // A call that was ended may leave nothing else to wait for, and what is left to do would not be done.
      worker.ref();
      try {
        return await Promise.race([run, overdue]);
      } finally {
        worker.unref();
      }
    },
    async close() {
      await worker.terminate();
    },
  };
}
