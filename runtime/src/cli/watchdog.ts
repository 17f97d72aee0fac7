// Calls into the module that do not return -> an error that names them, and signals that end the process all the same. The thread that
// sees them is watchdog-thread.ts.
//
// While the module runs, the event loop stands still, and so does what was to happen at a signal. A module that eqlc built returns
// after milliseconds; one that was written by whoever can write the folder may never do so.
//
// The thread takes as long to start as a third of a short run, so it is started for the second call. The first is made as a script of `node:vm` that may take
// FIRST_MS: V8 ends it then, and that is all that can be done with it. It is made again while the thread watches.

import { createRequire } from "node:module";
import { Script } from "node:vm";
import type { Worker } from "node:worker_threads";
import { ModuleError, placeOfCall, shareHeartbeat, watchCalls, whenReturned } from "../load/call-module.js";
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
/** The first call; a script can name nothing else either. */
const FIRST_CALL = "kestrel-run: the first call into the module";
/** What the first call may take before it is made again: more than one of a module that eqlc built takes, less than it matters to wait for. */
const FIRST_MS = 250;

/** Watches the calls that are made from now on into the module that stands at `module`; `timeoutNs` is what one may take, 0 for any time. */
export function startWatchdog(module: string, timeoutNs: bigint): Watchdog {
  const seconds = `${Number(timeoutNs / 1_000_000n) / 1000} s`;
  const message = (place: string): string => `${module} has not returned from a call for ${seconds}${place}`;
  const global = globalThis as { [name: symbol]: unknown };
  let signals: CaughtSignals | null = null;
  const giveSignalsBack = (): void => {
    signals?.release();
    whenReturned(() => signals?.take());
  };
  global[Symbol.for(ON_SLOW)] = (call: number): void => {
    if (placeOfCall(call) !== null) giveSignalsBack();
  };
  let worker: Worker | null = null;
  let reportOverdue: (reason: unknown) => void = () => undefined;
  const overdue = new Promise<never>((_, reject) => {
    reportOverdue = reject;
  });
  overdue.catch(() => undefined);

  function watch(isSlow: boolean): void {
    if (isSlow) giveSignalsBack();
    const workerData: WatchdogData = {
      heartbeat: shareHeartbeat(),
      timeoutMs: Number(timeoutNs / 1_000_000n),
      onSlow: `globalThis[Symbol.for(${JSON.stringify(ON_SLOW)})]`,
      lastWords: errorLine("E_MODULE_FAILED", message("")),
    };
    const { Worker } = createRequire(import.meta.url)("node:worker_threads") as typeof import("node:worker_threads");
    worker = new Worker(new URL("./watchdog-thread.js", import.meta.url), { workerData });
    // A call that was ended may leave nothing else to wait for, and what is left to do would not be done.
    if (signals === null) worker.unref();
    worker.once("message", (call: number) =>
      reportOverdue(new ModuleError(message(` (${placeOfCall(call) ?? "it has now"})`))),
    );
    worker.once("error", reportOverdue);
  }

  watchCalls({ first: returnsSoon, watch });
  return {
    async whileWatched(run, caught) {
      signals = caught;
      worker?.ref();
      try {
        return await Promise.race([run, overdue]);
      } finally {
        worker?.unref();
      }
    },
    async close() {
      watchCalls(null);
      await worker?.terminate();
    },
  };
}

/** Makes a call that is ended after FIRST_MS; whether it was not. Throws what it throws. */
function returnsSoon(call: () => void): boolean {
  const global = globalThis as { [name: symbol]: unknown };
  const name = Symbol.for(FIRST_CALL);
  global[name] = call;
  try {
    const script = new Script(`globalThis[Symbol.for(${JSON.stringify(FIRST_CALL)})]()`);
    script.runInThisContext({ timeout: FIRST_MS, displayErrors: false });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return false;
    throw error;
  } finally {
    delete global[name];
  }
}
